//! Keys, certificates, passwords and host keys.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use towline_testkit::embedded::{CertAuthority, EmbeddedNode, TestKey};

use crate::support::{Client, Output, run};

/// A program that answers every question of `ssh` with some text.
fn askpass(client: &Client, answer: &str) -> PathBuf {
    let path = client.directory.path().join("askpass");
    std::fs::write(client.directory.path().join("answer"), answer).unwrap();
    std::fs::write(&path, "#!/bin/sh\ncat \"${0%/*}/answer\"\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

async fn with_answer(client: &Client, mut command: Command, answer: &str) -> Output {
    command
        .env("SSH_ASKPASS", askpass(client, answer))
        .env("SSH_ASKPASS_REQUIRE", "force");
    run(command, b"").await
}

/// `ssh` that may ask, by one method, as some user.
fn asking(client: &Client, node: &EmbeddedNode, method: &str, user: &str) -> Command {
    asking_with(client, node, method, user, &client.key_file)
}

fn asking_with(
    client: &Client,
    node: &EmbeddedNode,
    method: &str,
    user: &str,
    key: &Path,
) -> Command {
    let mut command = Command::new("ssh");
    // The first setting of an option counts.
    command.args([
        "-o",
        "BatchMode=no",
        "-o",
        "NumberOfPasswordPrompts=1",
        "-o",
    ]);
    command
        .arg(format!("PreferredAuthentications={method}"))
        .arg("-o")
        .arg(format!("User={user}"));
    command
        .args(client.program("ssh", node).as_std().get_args())
        .arg("-i")
        .arg(key);
    command
        .arg(node.addr().ip().to_string())
        .arg("echo in")
        .env_remove("SSH_AUTH_SOCK");
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn keys_of_all_types_open_a_node() {
    let client = Client::new();
    let (ecdsa, rsa) = (TestKey::ecdsa().unwrap(), TestKey::rsa().unwrap());
    let builder = client
        .builder()
        .authorized_key(ecdsa.public())
        .authorized_key(rsa.public());
    let node = builder.start().await.unwrap();
    for (name, key) in [("ecdsa", &ecdsa), ("rsa", &rsa)] {
        let file = key.write(client.directory.path(), name).unwrap();
        let mut command = client.program("ssh", &node);
        command.arg("-i").arg(file).args(["tow@127.0.0.1", "true"]);
        assert_eq!(run(command, b"").await.code, Some(0), "{name}");
    }
    node.stop().await;
}

#[tokio::test]
async fn an_encrypted_key_opens_with_its_passphrase() {
    let client = Client::new();
    let key = TestKey::ed25519().unwrap().with_comment("locked");
    let file = key
        .write_encrypted(client.directory.path(), "locked", "let me in")
        .unwrap();
    let node = EmbeddedNode::builder()
        .authorized_key(key.public())
        .start()
        .await
        .unwrap();
    for (answer, code) in [("let me in", 0), ("wrong", 255)] {
        let command = asking_with(&client, &node, "publickey", "tow", &file);
        let output = with_answer(&client, command, answer).await;
        assert_eq!(
            output.code,
            Some(code),
            "{answer}: {}",
            output.stderr_text()
        );
    }
    node.stop().await;
}

#[tokio::test]
async fn another_user_is_not_let_in() {
    let client = Client::new();
    let node = client.node().await;
    let output = run(asking(&client, &node, "publickey", "root"), b"").await;
    assert_eq!(output.code, Some(255));
    assert_eq!(node.stats().authenticated, 0);
    node.stop().await;
}

#[tokio::test]
async fn passwords_and_answers_are_checked() {
    let client = Client::new();
    let builder = EmbeddedNode::builder().password("ops", "pw 1");
    let node = builder
        .keyboard_interactive("ops", "pw 2")
        .start()
        .await
        .unwrap();
    for (method, user, answer, code) in [
        ("password", "ops", "pw 1", 0),
        ("password", "ops", "pw 2", 255),
        ("password", "tow", "pw 1", 255),
        ("keyboard-interactive", "ops", "pw 2", 0),
        ("keyboard-interactive", "ops", "pw 1", 255),
    ] {
        let output = with_answer(&client, asking(&client, &node, method, user), answer).await;
        assert_eq!(
            output.code,
            Some(code),
            "{method} {user} {answer}: {output:?}"
        );
    }
    let stats = node.stats();
    assert_eq!(
        (stats.auth_password, stats.auth_keyboard_interactive),
        (3, 2)
    );
    assert_eq!(stats.authenticated, 2);
    node.stop().await;
}

#[tokio::test]
async fn an_open_node_asks_for_nothing() {
    let client = Client::new();
    let node = EmbeddedNode::builder().open().start().await.unwrap();
    let output = run(asking(&client, &node, "password", "anyone"), b"").await;
    assert_eq!(output.stdout_text(), "in\n");
    node.stop().await;
}

#[tokio::test]
async fn certificates_open_a_node_to_their_principals() {
    let client = Client::new();
    let (authority, stranger) = (CertAuthority::new().unwrap(), CertAuthority::new().unwrap());
    let builder = EmbeddedNode::builder().trusted_user_ca(authority.public());
    let node = builder.start().await.unwrap();
    let key = client.key.public();
    let good = authority.sign_user(&key, &["someone", "tow"]).unwrap();
    for (what, certificate, code) in [
        ("no certificate", None, 255),
        ("good", Some(good), 0),
        (
            "of another",
            Some(authority.sign_user(&key, &["root"]).unwrap()),
            255,
        ),
        (
            "for everyone",
            Some(authority.sign_user(&key, &[]).unwrap()),
            255,
        ),
        (
            "over",
            Some(authority.sign_user_expired(&key, &["tow"]).unwrap()),
            255,
        ),
        (
            "by a stranger",
            Some(stranger.sign_user(&key, &["tow"]).unwrap()),
            255,
        ),
        (
            "for a host",
            Some(authority.sign_host(&key, &["tow"]).unwrap()),
            255,
        ),
    ] {
        let written = certificate.map(|it| CertAuthority::write(&it, &client.key_file).unwrap());
        let output = client.ssh(&node, &["true"]).await;
        assert_eq!(output.code, Some(code), "{what}: {}", output.stderr_text());
        if let Some(path) = written {
            std::fs::remove_file(path).unwrap();
        }
    }
    node.stop().await;
}

#[tokio::test]
async fn a_host_certificate_is_trusted_through_its_authority() {
    let client = Client::new();
    let authority = CertAuthority::new().unwrap();
    let node = client.node().await;
    let known = client.directory.path().join("authority");
    let key = authority.public().to_openssh().unwrap();
    std::fs::write(&known, format!("@cert-authority * {key}\n")).unwrap();
    let trust = format!("UserKnownHostsFile={}", known.display());
    for code in [255, 0] {
        let mut command = Command::new("ssh");
        command
            .args(["-o", &trust])
            .args(client.command(&node, &["true"]).as_std().get_args());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        assert_eq!(run(command, b"").await.code, Some(code));
        node.host_certificate(&authority).unwrap();
    }
    node.stop().await;
}

#[tokio::test]
async fn host_keys_of_the_callers_choice_are_shown() {
    let client = Client::new();
    let key = TestKey::ecdsa().unwrap();
    let builder = client.builder().host_key(key.private().clone());
    let node = builder.start().await.unwrap();
    assert_eq!(node.host_key().key_data(), key.public().key_data());
    assert_eq!(client.ssh(&node, &["true"]).await.code, Some(0));
    node.stop().await;
}
