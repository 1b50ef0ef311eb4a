//! Every way in which a node can misbehave.

use std::time::{Duration, Instant};

use russh::ChannelOpenFailure;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use towline_testkit::embedded::Faults;

use crate::library::{dial, exec, expect_text, finish, login, try_key};
use crate::support::{Client, PATIENCE, eventually};

/// Long enough for what is to come, if it were to come.
const A_WHILE: Duration = Duration::from_millis(300);

#[tokio::test]
async fn authentication_is_refused_and_then_not() {
    let client = Client::new();
    let faults = Faults {
        refuse_auth: true,
        ..Faults::default()
    };
    let node = client.builder().faults(faults).start().await.unwrap();
    assert_eq!(client.ssh(&node, &["true"]).await.code, Some(255));
    assert!(node.faults().refuse_auth);
    node.set_faults(Faults::default());
    assert_eq!(client.ssh(&node, &["true"]).await.code, Some(0));
    node.stop().await;
}

#[tokio::test]
async fn another_host_key_is_shown() {
    let client = Client::new();
    let node = client.node().await;
    assert_eq!(client.ssh(&node, &["true"]).await.code, Some(0));
    node.set_faults(Faults {
        other_host_key: true,
        ..Faults::default()
    });
    let output = client.ssh(&node, &["true"]).await;
    assert_eq!(output.code, Some(255));
    assert!(
        output
            .stderr_text()
            .contains("REMOTE HOST IDENTIFICATION HAS CHANGED")
    );
    let other = node
        .other_host_key()
        .unwrap()
        .fingerprint(russh::keys::HashAlg::Sha256);
    assert!(
        output.stderr_text().contains(&other.to_string()),
        "{output:?}"
    );
    assert_ne!(node.other_host_key().unwrap(), node.host_key());
    node.set_faults(Faults::default());
    assert_eq!(client.ssh(&node, &["true"]).await.code, Some(0));
    node.stop().await;
}

#[tokio::test]
async fn a_silent_node_says_nothing_until_it_is_mended() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        hang_before_banner: true,
        ..Faults::default()
    });
    let mut socket = TcpStream::connect(node.addr()).await.unwrap();
    let mut banner = [0; 8];
    assert!(
        tokio::time::timeout(A_WHILE, socket.read(&mut banner))
            .await
            .is_err()
    );
    // What a client sends meanwhile is kept: this one finishes afterwards.
    let waiting = tokio::spawn({
        let mut command = client.command(&node, &["echo in"]);
        async move { command.output().await.unwrap() }
    });
    eventually(PATIENCE, || node.stats().connections == 2).await;
    node.set_faults(Faults::default());
    assert_eq!(waiting.await.unwrap().stdout, b"in\n");
    socket.read_exact(&mut banner).await.unwrap();
    assert_eq!(&banner, b"SSH-2.0-");
    node.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_silent_node_is_forgotten() {
    let client = Client::new();
    let faults = Faults {
        hang_before_banner: true,
        ..Faults::default()
    };
    let node = client.builder().faults(faults).start().await.unwrap();
    let socket = TcpStream::connect(node.addr()).await.unwrap();
    eventually(PATIENCE, || node.stats().pending == 1).await;
    drop(socket);
    eventually(PATIENCE, || node.stats().pending == 0).await;
    node.stop().await;
}

#[tokio::test]
async fn authentication_is_never_answered() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        hang_in_auth: true,
        ..Faults::default()
    });
    let mut session = dial(&node).await.unwrap();
    {
        let mut attempt = Box::pin(try_key(&client, &mut session));
        assert!(tokio::time::timeout(A_WHILE, &mut attempt).await.is_err());
        assert_eq!(
            (node.stats().handshakes, node.stats().authenticated),
            (1, 0)
        );
        node.set_faults(Faults::default());
        assert!(attempt.await.unwrap());
    }
    node.stop().await;
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_bytes() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        drop_after: Some(200_000),
        ..Faults::default()
    });
    let output = client.ssh(&node, &["yes"]).await;
    assert_eq!(output.code, Some(255));
    // How much of that the client still reads is its own affair.
    assert!(output.stdout.len() < 200_000);
    assert_eq!(node.stats().bytes_sent, 200_000);
    node.stop().await;
}

#[tokio::test]
async fn a_command_starts_late() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        exec_delay: A_WHILE,
        ..Faults::default()
    });
    let session = login(&client, &node).await;
    let start = Instant::now();
    let mut channel = exec(&session, "echo late").await;
    let seen = finish(&mut channel).await;
    assert_eq!(seen.text(), "late\n");
    assert!(start.elapsed() >= A_WHILE);
    node.stop().await;
}

#[tokio::test]
async fn every_packet_is_slow() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    node.set_faults(Faults {
        packet_delay: A_WHILE / 3,
        ..Faults::default()
    });
    let start = Instant::now();
    let mut channel = exec(&session, "echo slow").await;
    assert_eq!(finish(&mut channel).await.text(), "slow\n");
    // The channel's confirmation, the command's, and its output.
    assert!(start.elapsed() >= A_WHILE, "{:?}", start.elapsed());
    node.stop().await;
}

#[tokio::test]
async fn sessions_are_limited_as_with_maxsessions() {
    let client = Client::new();
    let node = client.builder().max_sessions(2).start().await.unwrap();
    let session = login(&client, &node).await;
    let mut first = exec(&session, "read line").await;
    let second = exec(&session, "read line").await;
    let refused = session.channel_open_session().await.unwrap_err();
    let failed = ChannelOpenFailure::ConnectFailed;
    assert!(matches!(refused, russh::Error::ChannelOpenFailure(it) if it == failed));
    // Another connection has its own; and one that has ended makes room.
    let other = login(&client, &node).await;
    other.channel_open_session().await.unwrap();
    first.data(&b"\n"[..]).await.unwrap();
    finish(&mut first).await;
    // The session is free once its channel is closed and its process is gone.
    let third = exec(&session, "true").await;
    node.set_faults(Faults {
        max_sessions: Some(3),
        ..Faults::default()
    });
    session.channel_open_session().await.unwrap();
    let stats = node.stats();
    assert_eq!((stats.channels_refused, stats.sessions_peak), (1, 4));
    drop((second, third));
    node.stop().await;
}

#[tokio::test]
async fn a_session_lasts_as_long_as_its_process() {
    let client = Client::new();
    let node = client.builder().max_sessions(1).start().await.unwrap();
    let session = login(&client, &node).await;
    let line = "echo ready; while [ ! -e go ]; do sleep 0.02; done";
    let mut channel = exec(&session, line).await;
    expect_text(&mut channel, "ready").await;
    channel.close().await.unwrap();
    assert!(session.channel_open_session().await.is_err());
    std::fs::write(node.home().join("go"), "").unwrap();
    eventually(PATIENCE, || node.stats().sessions_open == 0).await;
    session.channel_open_session().await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn channels_are_refused() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    node.set_faults(Faults {
        refuse_channels: true,
        ..Faults::default()
    });
    let refused = session.channel_open_session().await.unwrap_err();
    let prohibited = ChannelOpenFailure::AdministrativelyProhibited;
    assert!(matches!(refused, russh::Error::ChannelOpenFailure(it) if it == prohibited));
    node.set_faults(Faults::default());
    session.channel_open_session().await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn the_first_connections_are_reset() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        reset_connections: 2,
        ..Faults::default()
    });
    for _ in 0..2 {
        let mut socket = TcpStream::connect(node.addr()).await.unwrap();
        let error = socket.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert_eq!(client.ssh(&node, &["true"]).await.code, Some(0));
    let stats = node.stats();
    assert_eq!((stats.connections, stats.connections_refused), (3, 2));
    node.stop().await;
}

#[tokio::test]
async fn pending_handshakes_are_limited_as_with_maxstartups() {
    let client = Client::new();
    let node = client
        .builder()
        .max_pending_handshakes(1)
        .start()
        .await
        .unwrap();
    let idle = TcpStream::connect(node.addr()).await.unwrap();
    eventually(PATIENCE, || node.stats().pending == 1).await;
    let mut text = String::new();
    let mut refused = TcpStream::connect(node.addr()).await.unwrap();
    refused.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "Exceeded MaxStartups\r\n");
    drop(idle);
    eventually(PATIENCE, || node.stats().pending == 0).await;
    // One that is authenticated is pending no more.
    let first = login(&client, &node).await;
    let second = login(&client, &node).await;
    assert_eq!(node.stats().connections_open, 2);
    drop((first, second));
    node.stop().await;
}

#[tokio::test]
async fn the_connection_is_closed_when_a_command_is_asked_for() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        close_after_exec: true,
        ..Faults::default()
    });
    let output = client.ssh(&node, &["touch ran"]).await;
    assert_eq!(output.code, Some(255));
    assert_eq!(node.stats().execs, 0);
    assert!(!node.home().join("ran").exists());
    node.stop().await;
}

#[tokio::test]
async fn a_command_ends_without_its_status() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        omit_exit_status: true,
        ..Faults::default()
    });
    let session = login(&client, &node).await;
    let mut channel = exec(&session, "echo out").await;
    let seen = finish(&mut channel).await;
    assert_eq!(
        (seen.text().as_str(), seen.code, seen.closed),
        ("out\n", None, true)
    );
    node.stop().await;
}

#[tokio::test]
async fn a_frozen_node_neither_hears_nor_speaks_and_thaws() {
    let client = Client::new();
    let node = client.node().await;
    let session = login(&client, &node).await;
    let mut channel = exec(&session, "echo ready; while read line; do echo $line; done").await;
    expect_text(&mut channel, "ready").await;
    node.set_faults(Faults {
        freeze: true,
        ..Faults::default()
    });
    channel.data(&b"hello\n"[..]).await.unwrap();
    assert!(tokio::time::timeout(A_WHILE, channel.wait()).await.is_err());
    node.set_faults(Faults::default());
    expect_text(&mut channel, "hello").await;
    node.stop().await;
}

#[tokio::test]
async fn a_frozen_node_can_be_stopped() {
    let client = Client::new();
    let node = client.node().await;
    let _session = login(&client, &node).await;
    node.set_faults(Faults {
        freeze: true,
        hang_in_auth: true,
        ..Faults::default()
    });
    let _silent = TcpStream::connect(node.addr()).await.unwrap();
    tokio::time::timeout(PATIENCE, node.stop()).await.unwrap();
}
