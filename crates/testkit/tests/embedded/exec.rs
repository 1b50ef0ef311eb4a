//! What the system's `ssh` sees of an embedded node: logging in and running commands.

use std::time::Duration;

use crate::support::{Client, eventually, run};
use towline_testkit::embedded::{EmbeddedNode, TestKey};

#[tokio::test]
async fn runs_a_command_and_keeps_its_streams_apart() {
    let client = Client::new();
    let node = client.node().await;
    let output = client.ssh(&node, &["echo out; echo err >&2; exit 3"]).await;
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr_text(), "err\n");
    assert_eq!(output.code, Some(3));
    assert_eq!(node.stats().execs, 1);
    node.stop().await;
}

#[tokio::test]
async fn gives_a_command_a_clean_environment() {
    let client = Client::new();
    let node = client.node().await;
    let output = client
        .ssh(&node, &["-o", "SendEnv=LC_TEST", "env; pwd"])
        .await;
    let text = output.stdout_text();
    let home = node.home().display();
    let port = node.addr().port();
    for line in [
        "USER=tow",
        "LOGNAME=tow",
        "SHELL=/bin/sh",
        "HOSTNAME=n1",
        "LC_TEST=für",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is missing in\n{text}"
        );
    }
    assert!(text.contains(&format!("HOME={home}\n")) && text.contains(&format!("\n{home}\n")));
    assert!(
        text.lines()
            .any(|it| it.starts_with("SSH_CLIENT=127.0.0.1 "))
    );
    assert!(text.contains(&format!(" 127.0.0.1 {port}\n")), "{text}");
    assert!(
        !text.contains("CARGO"),
        "the test's own environment leaked:\n{text}"
    );
    node.stop().await;
}

#[tokio::test]
async fn carries_input_to_its_end() {
    let client = Client::new();
    let node = client.node().await;
    let input = vec![b'x'; 3_000_000];
    let output = run(client.command(&node, &["wc -c; echo done"]), &input).await;
    assert_eq!(
        output.stdout_text().split_whitespace().collect::<Vec<_>>(),
        ["3000000", "done"]
    );
    node.stop().await;
}

#[tokio::test]
async fn reports_the_signal_that_ended_a_command() {
    let client = Client::new();
    let node = client.node().await;
    let output = client.ssh(&node, &["-v", "kill -TERM $$"]).await;
    assert_eq!(output.code, Some(255));
    assert!(
        output.stderr_text().contains("exit-signal"),
        "{}",
        output.stderr_text()
    );
    node.stop().await;
}

#[tokio::test]
async fn lets_in_keys_and_passwords_and_nobody_else() {
    let client = Client::new();
    let other = TestKey::ed25519().unwrap();
    let node = EmbeddedNode::builder()
        .user("tow")
        .authorized_key(other.public());
    let node = node.start().await.unwrap();
    let output = client.ssh(&node, &["true"]).await;
    assert_eq!(output.code, Some(255));
    assert!(
        output
            .stderr_text()
            .contains("Permission denied (publickey)")
    );
    let stats = node.stats();
    assert_eq!((stats.handshakes, stats.authenticated), (1, 0));
    assert_eq!(
        (
            stats.auth_none,
            stats.auth_publickey_offers,
            stats.auth_publickey
        ),
        (1, 1, 0)
    );
    node.stop().await;
}

#[tokio::test]
async fn kills_at_its_end_what_it_started() {
    let client = Client::new();
    let node = client.node().await;
    let line = "sleep 600 & echo $!; setsid sleep 601 >/dev/null 2>&1 </dev/null & wait";
    let mut child = client.command(&node, &[line]).spawn().unwrap();
    eventually(Duration::from_secs(5), || {
        crate::support::processes_of(node.home()).len() >= 3
    })
    .await;
    let home = node.home().to_owned();
    node.stop().await;
    eventually(Duration::from_secs(5), || {
        crate::support::processes_of(&home).is_empty()
    })
    .await;
    assert!(!home.exists());
    child.wait().await.unwrap();
}
