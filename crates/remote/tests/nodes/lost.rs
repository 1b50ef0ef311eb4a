//! Connections that come to nothing or break, each at another point.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::Instant,
};
use towline_core::{
    command::{Command, Stdin},
    event::FailureKind,
};
use towline_remote::{
    error::{RemoteError, Stage},
    pool::Connect,
    route::Through,
    ssh::Tuning,
};
use towline_testkit::embedded::Faults;

use crate::support::{World, denied, node, run, until};

/// A short connect timeout, and what an attempt may take on a busy machine.
const TIMEOUT: Duration = Duration::from_millis(300);
const LATEST: Duration = Duration::from_secs(2);

/// How a connection to a node with these faults fails, with `TIMEOUT` for each of its steps.
async fn failure(faults: Faults) -> RemoteError {
    let mut world = World::new();
    let server = world.node().faults(faults).start().await.unwrap();
    let mut endpoint = world.endpoint(&server);
    endpoint.connect_timeout = TIMEOUT;
    world.add("n1", endpoint, Through::Nothing);
    let (pool, _folder) = world.pool();
    let begun = Instant::now();
    let error = denied(&pool, "n1").await;
    assert!(begun.elapsed() < LATEST, "{:?}: {error}", begun.elapsed());
    assert!(
        error.to_string().contains(&server.addr().to_string()),
        "{error}"
    );
    error
}

/// How a connection to something that is no SSH server fails.
async fn failure_at(address: SocketAddr) -> RemoteError {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let mut endpoint = world.endpoint(&server);
    endpoint.port = address.port();
    endpoint.connect_timeout = TIMEOUT;
    world.add("n1", endpoint, Through::Nothing);
    let (pool, _folder) = world.pool();
    let begun = Instant::now();
    let error = denied(&pool, "n1").await;
    assert!(begun.elapsed() < LATEST, "{:?}: {error}", begun.elapsed());
    error
}

/// Answers one connection with `greeting`, then hears it out in silence or hangs up.
async fn greeter(greeting: &'static [u8], hangs_up: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(greeting).await.unwrap();
        if !hangs_up {
            let _ended = socket.read_to_end(&mut Vec::new()).await;
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_says_nothing_is_a_timeout_with_its_stage() {
    let silent = Faults {
        hang_before_banner: true,
        ..Faults::default()
    };
    let frozen = Faults {
        freeze: true,
        ..Faults::default()
    };
    let undecided = Faults {
        hang_in_auth: true,
        ..Faults::default()
    };
    for (faults, at) in [
        (silent, Stage::Handshake),
        (frozen, Stage::Handshake),
        (undecided, Stage::Authentication),
    ] {
        let error = failure(faults).await;
        assert!(
            matches!(error, RemoteError::ConnectTimeout { stage, .. } if stage == at),
            "{error}"
        );
        assert_eq!(error.kind(), FailureKind::ConnectTimeout);
        assert!(error.is_transient());
        assert!(error.to_string().contains("within 0.3 s"), "{error}");
        assert!(error.hint("n1").unwrap().contains("-t SECONDS"));
    }
    let error = failure_at(greeter(b"SSH-2.0-Slow\r\n", false).await).await;
    assert_eq!(error.kind(), FailureKind::ConnectTimeout, "{error}");
}

#[tokio::test]
async fn a_connection_dropped_on_its_way_is_worth_another_try() {
    // Within the banner, within the key exchange, and while we log in.
    for (after, at) in [
        (0, Stage::Handshake),
        (10, Stage::Handshake),
        (400, Stage::Handshake),
    ] {
        let error = failure(Faults {
            drop_after: Some(after),
            ..Faults::default()
        })
        .await;
        assert!(
            matches!(error, RemoteError::Dropped { stage, .. } if stage == at),
            "{after}: {error:?}"
        );
        assert_eq!(error.kind(), FailureKind::Closed);
        assert!(error.is_transient(), "{after}: {error}");
        assert!(error.hint("n1").is_some(), "{error}");
    }
    let error = failure(Faults {
        reset_connections: 1,
        ..Faults::default()
    })
    .await;
    assert!(matches!(error, RemoteError::Dropped { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_connection_dropped_while_logging_in_is_no_refusal() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    server.set_faults(Faults {
        hang_in_auth: true,
        ..Faults::default()
    });
    let (pool, _folder) = world.pool();
    let cut = async {
        until(|| server.stats().handshakes == 1).await;
        server.cut_connections();
    };
    let (error, ()) = tokio::join!(denied(&pool, "n1"), cut);
    assert!(
        matches!(
            error,
            RemoteError::Dropped {
                stage: Stage::Authentication,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn what_is_no_ssh_server_is_told_as_that() {
    // Closed at once, as by a full server or a port of something else.
    let error = failure_at(greeter(b"Exceeded MaxStartups\r\n", true).await).await;
    assert!(matches!(error, RemoteError::Dropped { .. }), "{error:?}");
    assert!(error.is_transient());
    let error = failure_at(greeter(b"SSH-1.5-Old\r\n", true).await).await;
    assert!(
        error.hint("n1").unwrap().contains("not what listens there"),
        "{error}"
    );
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let error = failure_at(address).await;
    assert_eq!(error.kind(), FailureKind::Refused);
    assert!(error.is_transient());
    assert!(error.hint("n1").unwrap().contains("-p PORT"));
}

#[tokio::test]
async fn a_name_without_an_address_is_named() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let mut endpoint = world.endpoint(&server);
    endpoint.host = "no-such-host.invalid".to_owned();
    world.add("n1", endpoint, Through::Nothing);
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "n1").await;
    assert_eq!(error.kind(), FailureKind::Resolve);
    assert!(error.to_string().contains("no-such-host.invalid"));
    assert!(error.hint("n1").unwrap().contains("'host'"));
}

#[tokio::test]
async fn a_connection_lost_midway_says_what_may_still_run() {
    let after = Faults {
        drop_after: Some(100_000),
        ..Faults::default()
    };
    let at_start = Faults {
        close_after_exec: true,
        ..Faults::default()
    };
    for faults in [after, at_start] {
        let mut world = World::new();
        let server = world.node().start().await.unwrap();
        world.add("n1", world.endpoint(&server), Through::Nothing);
        let (pool, _folder) = world.pool();
        let host = pool.connect(&node("n1")).await.unwrap();
        server.set_faults(faults);
        let (outcome, said) = run(&*host, &Command::line("yes")).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, RemoteError::Closed { .. }), "{error:?}");
        assert_eq!(error.kind(), FailureKind::Closed);
        assert!(!error.is_transient(), "a command is not started twice");
        assert!(!error.is_before_login());
        assert!(
            error.to_string().contains("may still run on the node"),
            "{error}"
        );
        assert!(error.hint("n1").unwrap().contains("tow exec -w n1"));
        assert!(said.stdout.len() < 100_000);
        assert!(host.is_closed());
        pool.close().await;
    }
}

#[tokio::test]
async fn an_end_without_a_status_is_no_success() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    server.set_faults(Faults {
        omit_exit_status: true,
        ..Faults::default()
    });
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let (outcome, said) = run(&*host, &Command::line("echo done")).await;
    let error = outcome.unwrap_err();
    assert_eq!(said.stdout, b"done\n");
    assert!(
        error
            .to_string()
            .contains("without telling how the command ended"),
        "{error}"
    );
    assert!(!error.is_transient());
    assert!(!host.is_closed(), "the connection is as good as before");
    pool.close().await;
}

/// Asks every 100 ms, and gives up after the second unanswered question.
fn watchful() -> Tuning {
    Tuning {
        keepalive_interval: Some(Duration::from_millis(100)),
        keepalive_max: 2,
        ..Tuning::default()
    }
}

#[tokio::test]
async fn a_peer_that_falls_silent_is_noticed_while_it_is_listened_to_and_while_it_is_fed() {
    for stdin in [Stdin::Null, Stdin::Bytes(vec![0; 40_000_000].into())] {
        let mut world = World::new();
        let server = world.node().start().await.unwrap();
        let mut endpoint = world.endpoint(&server);
        endpoint.tuning = watchful();
        world.add("n1", endpoint, Through::Nothing);
        let (pool, _folder) = world.pool();
        let host = pool.connect(&node("n1")).await.unwrap();
        let command = Command::line("cat >/dev/null; sleep 1000").stdin(stdin);
        let freeze = async {
            until(|| server.stats().execs == 1).await;
            server.set_faults(Faults {
                freeze: true,
                ..Faults::default()
            });
            Instant::now()
        };
        let work = async { (run(&*host, &command).await.0, Instant::now()) };
        let both = async { tokio::join!(work, freeze) };
        let done = tokio::time::timeout(Duration::from_secs(10), both).await;
        let ((outcome, noticed), frozen) = done.expect("the silence was not noticed");
        let error = outcome.unwrap_err();
        assert!(matches!(error, RemoteError::Closed { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("it no longer answers"), "{said}");
        assert!(noticed - frozen < LATEST, "{:?}", noticed - frozen);
        pool.close().await;
    }
}
