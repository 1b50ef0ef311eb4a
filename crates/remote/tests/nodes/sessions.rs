//! Servers that allow few sessions on a connection, or none.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio_util::sync::CancellationToken;
use towline_core::{command::Command, event::FailureKind};
use towline_remote::{
    host::ExitStatus,
    pool::Connect,
    route::Through,
    run::{Ending, Gather, Outcome, Run},
};
use towline_testkit::embedded::Faults;

use crate::support::{World, mark, node, run, until};

#[tokio::test]
async fn thirty_commands_at_once_get_through_whatever_the_server_allows() {
    // What the server allows on a connection, and how many connections that may take.
    for (limit, connections) in [(1, 2..=8), (2, 2..=8), (10, 1..=1)] {
        let mut world = World::new();
        let server = world.node().max_sessions(limit).start().await.unwrap();
        world.add("n1", world.endpoint(&server), Through::Nothing);
        let (pool, _folder) = world.pool();
        let host = pool.connect(&node("n1")).await.unwrap();
        let command = Command::line("echo done");
        let all = join_all((0..30).map(|_| run(&*host, &command)));
        let done = tokio::time::timeout(Duration::from_secs(20), all).await;
        for (outcome, said) in done.expect("some wait for ever") {
            assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
            assert_eq!(said.stdout, b"done\n");
        }
        let stats = server.stats();
        assert!(
            connections.contains(&stats.connections),
            "{limit}: {stats:?}"
        );
        assert_eq!(stats.execs, 30, "none is started twice");
        assert!(stats.sessions_peak <= 10, "{limit}: {stats:?}");
        if limit == 10 {
            assert_eq!(
                stats.channels_refused, 0,
                "they queue before they are refused"
            );
        }
        pool.close().await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_every_channel_is_told_as_that() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    server.set_faults(Faults {
        refuse_channels: true,
        ..Faults::default()
    });
    for (outcome, _) in
        join_all((0..30).map(|_| async { run(&*host, &Command::line("true")).await })).await
    {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Channel);
        assert!(!error.is_transient());
        assert!(
            error
                .to_string()
                .contains("its configuration does not allow it"),
            "{error}"
        );
        assert!(error.hint("n1").unwrap().contains("sshd -T"), "{error}");
    }
    assert_eq!(
        server.stats().connections,
        1,
        "nothing is gained by more connections"
    );
    server.set_faults(Faults {
        max_sessions: Some(0),
        ..Faults::default()
    });
    let error = run(&*host, &Command::line("true")).await.0.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Channel);
    assert!(error.hint("n1").unwrap().contains("MaxSessions"), "{error}");
    // All is well again once the server is.
    server.set_faults(Faults::default());
    let (outcome, _) = run(&*host, &Command::line("true")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    pool.close().await;
}

#[tokio::test]
async fn what_waits_for_its_turn_is_cancelled_at_once_and_was_never_started() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let cancel = CancellationToken::new();
    let command = Command::line("sleep 1000");
    let all = join_all((0..20).map(|_| async {
        let mut gather = Gather::new(100);
        let outcome = Run::new(&*host, &command, &mark(), &cancel)
            .execute(&mut gather)
            .await
            .unwrap();
        (outcome, Instant::now())
    }));
    let stop = async {
        until(|| server.stats().execs == 10).await;
        cancel.cancel();
        Instant::now()
    };
    let (ended, begun) = tokio::join!(all, stop);
    let mut never_started = 0;
    for (outcome, at) in ended {
        assert!(at - begun < Duration::from_secs(2), "{:?}", at - begun);
        match outcome {
            Outcome::Cancelled(Ending::NotStarted) => never_started += 1,
            Outcome::Cancelled(Ending::Ended(1..=2)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(never_started, 10);
    // Ten commands, and ten that ended them, which did not wait for their turn.
    assert_eq!(server.stats().execs, 20);
    pool.close().await;
}

#[tokio::test]
async fn a_session_that_lingers_over_there_does_not_block_the_node() {
    let mut world = World::new();
    let server = world.node().max_sessions(1).start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let wire = Command::line("sleep 1000").wire(&mark()).unwrap();
    let open = towline_remote::host::Open {
        line: wire.line,
        ..Default::default()
    };
    // Its channel is given up, but to the server it is there as long as its process.
    let mut process = host.open(open).await.unwrap();
    until(|| server.stats().execs == 1).await;
    process.input.close().await;
    drop(process);
    let (outcome, said) = run(&*host, &Command::line("echo next")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    assert_eq!(said.stdout, b"next\n");
    pool.close().await;
}
