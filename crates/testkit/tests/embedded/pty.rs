//! Terminals.

use crate::library::{exec, expect_text, finish, login};
use crate::support::{Client, PATIENCE, eventually, processes_of};

#[tokio::test]
async fn a_command_gets_a_controlling_terminal() {
    let client = Client::new();
    let node = client.node().await;
    let line = "test -t 0 && test -t 1 && test -t 2 && tty && echo $SSH_TTY $TERM >/dev/tty";
    let mut command = client.command(&node, &["-tt", line]);
    command.env("TERM", "vt100");
    let output = crate::support::run(command, b"").await;
    let text = output.stdout_text().replace('\r', "");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(output.code, Some(0), "{text}");
    assert!(lines[0].starts_with("/dev/pts/"));
    assert_eq!(lines[1], format!("{} vt100", lines[0]));
    node.stop().await;
}

#[tokio::test]
async fn a_terminal_has_the_size_asked_for_and_takes_another() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel
        .request_pty(true, "vt100", 101, 37, 0, 0, &[])
        .await
        .unwrap();
    let line = "trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.05; done";
    channel.exec(true, line).await.unwrap();
    expect_text(&mut channel, "37 101").await;
    channel.window_change(90, 20, 0, 0).await.unwrap();
    expect_text(&mut channel, "20 90").await;
    assert_eq!(finish(&mut channel).await.code, Some(0));
    node.stop().await;
}

#[tokio::test]
async fn control_c_typed_into_it_interrupts() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel
        .request_pty(true, "vt100", 80, 24, 0, 0, &[])
        .await
        .unwrap();
    channel
        .exec(true, "echo ready; exec sleep 600")
        .await
        .unwrap();
    expect_text(&mut channel, "ready").await;
    channel.data(&b"\x03"[..]).await.unwrap();
    assert_eq!(finish(&mut channel).await.signal.as_deref(), Some("INT"));
    node.stop().await;
}

#[tokio::test]
async fn modes_are_those_of_the_client() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = session.channel_open_session().await.unwrap();
    let modes = [
        (russh::Pty::ECHO, 0),
        (russh::Pty::VINTR, 1),
        (russh::Pty::ONLCR, 0),
    ];
    channel
        .request_pty(true, "vt100", 80, 24, 0, 0, &modes)
        .await
        .unwrap();
    channel.exec(true, "stty -a").await.unwrap();
    let text = finish(&mut channel).await.text();
    assert!(text.contains("intr = ^A") && text.contains(" -echo ") && text.contains("-onlcr"));
    assert!(!text.contains('\r'), "{text}");
    node.stop().await;
}

#[tokio::test]
async fn a_shell_prompts_and_ends() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel
        .request_pty(true, "vt100", 80, 24, 0, 0, &[])
        .await
        .unwrap();
    channel.request_shell(true).await.unwrap();
    expect_text(&mut channel, "n1$ ").await;
    channel
        .data(&b"echo $((40+2)); exit 5\n"[..])
        .await
        .unwrap();
    let seen = finish(&mut channel).await;
    assert!(seen.text().contains("\r\n42\r\n"), "{seen:?}");
    assert_eq!(seen.code, Some(5));
    node.stop().await;
}

#[tokio::test]
async fn a_lost_connection_hangs_up() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel
        .request_pty(true, "vt100", 80, 24, 0, 0, &[])
        .await
        .unwrap();
    channel
        .exec(true, "trap 'echo hup > seen; exit' HUP; echo ready; cat")
        .await
        .unwrap();
    expect_text(&mut channel, "ready").await;
    node.cut_connections();
    eventually(PATIENCE, || node.home().join("seen").exists()).await;
    eventually(PATIENCE, || processes_of(node.home()).is_empty()).await;
    node.stop().await;
}

#[tokio::test]
async fn without_a_terminal_there_is_none() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = exec(
        &session,
        "test -t 0 || (: >/dev/tty) 2>/dev/null || echo none",
    )
    .await;
    assert_eq!(finish(&mut channel).await.text(), "none\n");
    node.stop().await;
}
