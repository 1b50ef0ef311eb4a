//! Forwarded streams.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::process::Command;
use towline_testkit::embedded::{EmbeddedNode, Faults};

use crate::support::{Client, PATIENCE, eventually, run};

/// Sends back what it gets, once, with a greeting first.
async fn echo(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut text = Vec::new();
    stream.write_all(b"welcome ").await.unwrap();
    stream.read_to_end(&mut text).await.unwrap();
    stream.write_all(&text).await.unwrap();
}

/// A master connection with what was to be forwarded; `-O exit` ends it.
async fn master(client: &Client, node: &EmbeddedNode, options: &[&str]) -> tokio::process::Child {
    let mut command = client.program("ssh", node);
    command
        .args(["-N", "-o", "ExitOnForwardFailure=yes"])
        .args(options)
        .arg("tow@127.0.0.1");
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[tokio::test]
async fn a_port_is_reached_through_a_node() {
    let client = Client::new();
    let node = client.node().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move { echo(listener.accept().await.unwrap().0).await });
    let mut command = client.program("ssh", &node);
    command.args(["-W", &target, "tow@127.0.0.1"]);
    let output = run(command, b"and hello").await;
    assert_eq!(output.stdout_text(), "welcome and hello");
    server.await.unwrap();
    assert_eq!(node.stats().forwards, 1);
    node.stop().await;
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let client = Client::new();
    let node = client.node().await;
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = client.program("ssh", &node);
    command.args(["-W", &free.to_string(), "tow@127.0.0.1"]);
    let output = run(command, b"").await;
    assert_ne!(output.code, Some(0));
    assert_eq!(node.stats().channels_refused, 1);
    node.stop().await;
}

#[tokio::test]
async fn a_node_is_a_bastion_for_another() {
    let client = Client::new();
    let (bastion, node) = (client.node().await, client.node().await);
    let lines = bastion.known_hosts_line().unwrap() + &node.known_hosts_line().unwrap();
    let known = client.directory.path().join("both");
    std::fs::write(&known, lines).unwrap();
    // Options of the command line are not the jump host's.
    let config = client.directory.path().join("config");
    let text = format!(
        "Host *\nUser tow\nHostName 127.0.0.1\nIdentityFile {}\nUserKnownHostsFile {}\n\
         Host bastion\nPort {}\nHost inner\nPort {}\nProxyJump bastion\n",
        client.key_file.display(),
        known.display(),
        bastion.addr().port(),
        node.addr().port()
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new("ssh");
    command
        .arg("-F")
        .arg(config)
        .args(["-o", "BatchMode=yes", "inner", "echo $SSH_CONNECTION"]);
    command
        .env_remove("SSH_AUTH_SOCK")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = run(command, b"").await;
    let port = node.addr().port().to_string();
    assert!(
        output.stdout_text().trim_end().ends_with(&port),
        "{output:?}"
    );
    assert_eq!(
        (
            bastion.stats().forwards,
            bastion.stats().execs,
            node.stats().execs
        ),
        (1, 0, 1)
    );
    bastion.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_socket_is_reached_through_a_node() {
    let client = Client::new();
    let node = client.node().await;
    let there = node.home().join("socket");
    let listener = UnixListener::bind(&there).unwrap();
    let server = tokio::spawn(async move { echo(listener.accept().await.unwrap().0).await });
    let here = client.directory.path().join("here");
    let pair = format!("{}:{}", here.display(), there.display());
    let _master = master(&client, &node, &["-L", &pair]).await;
    eventually(PATIENCE, || here.exists()).await;
    talk(UnixStream::connect(&here).await.unwrap()).await;
    server.await.unwrap();
    node.stop().await;
}

/// The near end of [`echo`].
async fn talk(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    stream.write_all(b"to you").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "welcome to you");
}

#[tokio::test]
async fn a_port_of_the_node_leads_back() {
    let client = Client::new();
    let node = client.node().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { echo(listener.accept().await.unwrap().0).await });
    let far = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let pair = format!("127.0.0.1:{}:{target}", far.port());
    let _master = master(&client, &node, &["-R", &pair]).await;
    let start = Instant::now();
    let stream = loop {
        match TcpStream::connect(far).await {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
        }
        // tidy: allow-sleep polls until its deadline; ssh does not tell when it listens over there
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    talk(stream).await;
    server.await.unwrap();
    node.stop().await;
    assert!(
        TcpStream::connect(far).await.is_err(),
        "the port is still taken"
    );
}

#[tokio::test]
async fn a_socket_of_the_node_leads_back() {
    let client = Client::new();
    let node = client.node().await;
    let here = client.directory.path().join("here");
    let listener = UnixListener::bind(&here).unwrap();
    let server = tokio::spawn(async move { echo(listener.accept().await.unwrap().0).await });
    let there = node.home().join("there");
    let pair = format!("{}:{}", there.display(), here.display());
    let _master = master(&client, &node, &["-R", &pair]).await;
    eventually(PATIENCE, || there.exists()).await;
    talk(UnixStream::connect(&there).await.unwrap()).await;
    server.await.unwrap();
    node.stop().await;
    assert!(!there.exists());
}

/// Answers an agent's clients that there are no identities: request 11, answer 12.
async fn answer_without_keys(mut stream: UnixStream) {
    let mut request = [0; 5];
    while stream.read_exact(&mut request).await.is_ok() {
        assert_eq!(request, [0, 0, 0, 1, 11]);
        stream
            .write_all(&[0, 0, 0, 5, 12, 0, 0, 0, 0])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_clients_agent_can_be_asked() {
    let client = Client::new();
    let node = client.node().await;
    let socket = client.directory.path().join("agent");
    let agent = UnixListener::bind(&socket).unwrap();
    let server = tokio::spawn(async move {
        // `ssh` itself asks as well.
        while let Ok((stream, _)) = agent.accept().await {
            tokio::spawn(answer_without_keys(stream));
        }
    });
    let mut command = client.program("ssh", &node);
    command
        .args(["-A", "tow@127.0.0.1", "ssh-add -l"])
        .env("SSH_AUTH_SOCK", &socket);
    let output = run(command, b"").await;
    // Without an agent `ssh-add` ends with 2; with one that has no keys, with 1.
    assert_eq!(output.code, Some(1), "{output:?}");
    server.abort();
    node.stop().await;
}

#[tokio::test]
async fn refused_channels_are_refused_for_forwards_too() {
    let client = Client::new();
    let node = client.node().await;
    node.set_faults(Faults {
        refuse_channels: true,
        ..Faults::default()
    });
    let mut command = client.program("ssh", &node);
    command.args(["-W", &node.addr().to_string(), "tow@127.0.0.1"]);
    let output = run(command, b"").await;
    assert_ne!(output.code, Some(0));
    assert_eq!(
        (node.stats().channels_refused, node.stats().forwards),
        (1, 0)
    );
    node.stop().await;
}
