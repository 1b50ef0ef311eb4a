//! What is special about the system's ssh client: what it says has to become the right error,
//! and nothing of it may be left behind.

use std::{path::Path, sync::Arc, time::Duration};

use towline_core::{command::Command, event::FailureKind};
use towline_remote::{
    error::RemoteError,
    known_hosts::HostKeyPolicy,
    openssh::{Client, Proxy},
    pool::Connect,
    run::Outcome,
};
use towline_testkit::embedded::{EmbeddedNode, TestKey};

use crate::support::{World, node, run};

/// What comes of connecting by this client.
async fn failure(mut world: World, client: Client) -> RemoteError {
    world.add_client("n1", client);
    let (pool, _folder) = world.pool();
    match pool.connect(&node("n1")).await {
        Ok(_) => panic!("it was let in"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_with_the_way_out() {
    let world = World::new();
    let other = TestKey::ed25519().unwrap();
    let server = EmbeddedNode::builder().authorized_key(other.public());
    let server = server.start().await.unwrap();
    let client = world.client(&server);
    let error = failure(world, client).await;
    assert_eq!(error.kind(), FailureKind::AuthDenied, "{error:?}");
    assert!(error.hint("n1").unwrap().contains("ssh-copy-id"));
}

#[tokio::test]
async fn host_keys_that_are_unknown_or_changed_are_refused() {
    let world = World::new();
    let server = world.node().start().await.unwrap();
    let strict = Client {
        host_keys: HostKeyPolicy::Strict,
        ..world.client(&server)
    };
    let error = failure(world, strict).await;
    assert_eq!(error.kind(), FailureKind::HostKeyUnknown, "{error:?}");

    let world = World::new();
    let server = world.node().start().await.unwrap();
    let client = world.client(&server);
    let line = format!(
        "[{}]:{} {}\n",
        client.hostname,
        client.port,
        world.key.public().to_openssh().unwrap()
    );
    std::fs::write(&client.known_hosts[0], line).unwrap();
    let error = failure(world, client).await;
    assert_eq!(error.kind(), FailureKind::HostKeyChanged, "{error:?}");
    assert!(error.hint("n1").unwrap().contains("tow node trust n1"));
    assert!(error.to_string().contains("SHA256:"), "{error}");
}

#[tokio::test]
async fn a_host_key_is_pinned_where_the_others_look_for_it() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let client = world.client(&server);
    let known = client.known_hosts[0].clone();
    world.add_client("n1", client);
    let (pool, _folder) = world.pool();
    let lease = pool.connect(&node("n1")).await.unwrap();
    let pinned = std::fs::read_to_string(known).unwrap();
    assert!(pinned.contains("ssh-ed25519"), "{pinned}");
    drop(lease);
    pool.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let world = World::new();
    let server = world.node().start().await.unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = port.local_addr().unwrap().port();
    drop(port);
    let refused = Client {
        port: free,
        ..world.client(&server)
    };
    let error = failure(world, refused).await;
    assert_eq!(error.kind(), FailureKind::Refused, "{error:?}");
    assert!(error.is_transient());

    let world = World::new();
    let nowhere = "nosuch.invalid".to_owned();
    let unresolved = Client {
        host: nowhere.clone(),
        hostname: nowhere,
        ..world.client(&server)
    };
    let error = failure(world, unresolved).await;
    assert_eq!(error.kind(), FailureKind::Resolve, "{error:?}");
}

#[tokio::test]
async fn a_proxy_command_is_used_and_blamed() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let (ip, port) = (server.addr().ip(), server.addr().port());
    let relay =
        format!("bash -c 'exec 3<>/dev/tcp/{ip}/{port}; cat <&3 & exec cat >&3 2>/dev/null'");
    let through = Client {
        hostname: "nosuch.invalid".to_owned(),
        host: "nosuch.invalid".to_owned(),
        proxy: Proxy::Command(relay),
        ..world.client(&server)
    };
    let broken = Client {
        key: "n2".to_owned(),
        proxy: Proxy::Command("sh -c 'echo no way to %h >&2'".to_owned()),
        ..through.clone()
    };
    world.add_client("n1", through);
    world.add_client("n2", broken);
    let (pool, _folder) = world.pool();
    let lease = pool.connect(&node("n1")).await.unwrap();
    let (_, said) = run(&*lease, &Command::line("echo through")).await;
    assert_eq!(said.stdout, b"through\n");
    let error = pool.connect(&node("n2")).await.err().unwrap();
    assert_eq!(error.kind(), FailureKind::Proxy, "{error:?}");
    assert!(
        error.to_string().contains("no way to nosuch.invalid"),
        "{error}"
    );
    drop(lease);
    pool.close().await;
}

#[tokio::test]
async fn jump_hosts_are_gone_through_and_blamed() {
    let mut world = World::new();
    let bastion = world.node().start().await.unwrap();
    let far = world.node().start().await.unwrap();
    let jump = Arc::new(world.client(&bastion));
    let behind = Client {
        proxy: Proxy::Jump(jump),
        ..world.client(&far)
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = port.local_addr().unwrap().port();
    drop(port);
    let nothing_there = Client {
        key: "n2".to_owned(),
        port: free,
        ..behind.clone()
    };
    world.add_client("n1", behind);
    world.add_client("n2", nothing_there);
    let (pool, _folder) = world.pool();
    let lease = pool.connect(&node("n1")).await.unwrap();
    let (outcome, said) = run(&*lease, &Command::line("echo behind")).await;
    assert!(matches!(outcome.unwrap(), Outcome::Exited(_)));
    assert_eq!(said.stdout, b"behind\n");
    assert_eq!(bastion.stats().connections, 1);
    let error = pool.connect(&node("n2")).await.err().unwrap();
    assert_eq!(error.kind(), FailureKind::Proxy, "{error:?}");
    drop(lease);
    pool.close().await;
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let client = world.client(&server);
    let sockets = client.folder.clone();
    world.add_client("n1", client);
    let (pool, _folder) = world.pool();
    let lease = pool.connect(&node("n1")).await.unwrap();
    let inside: Vec<_> = std::fs::read_dir(&sockets).unwrap().collect();
    assert_eq!(inside.len(), 1);
    let folder = inside.into_iter().next().unwrap().unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&folder.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
    // Without a goodbye: dropped.
    drop(lease);
    drop(pool);
    assert!(is_empty(&sockets));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while server.stats().connections_open > 0 {
        assert!(tokio::time::Instant::now() < deadline, "ssh lives on");
        tokio::time::sleep(Duration::from_millis(20)).await; // tidy: allow-sleep polled to a deadline
    }
}
