//! Giving up at every stage, within two seconds and without leaving anything.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;
use towline_core::command::{Command, Mark};
use towline_remote::{
    pool::{Connect, Pool},
    route::Through,
    run::{Ending, Gather, Outcome, Run},
};
use towline_testkit::embedded::Faults;

use crate::support::{World, mark, node, run, until};

const LATEST: Duration = Duration::from_secs(2);

/// Begins to connect, and gives up once `stage` is reached.
async fn give_up(pool: &Arc<Pool>, id: &str, stage: impl FnMut() -> bool) {
    tokio::select! {
        connected = async { pool.connect(&node(id)).await } => {
            panic!("{id}: {:?}", connected.map(drop))
        }
        () = until(stage) => {}
    }
}

#[tokio::test]
async fn a_handshake_that_is_given_up_leaves_no_connection() {
    for (faults, logging_in) in [
        (
            Faults {
                hang_before_banner: true,
                ..Faults::default()
            },
            0,
        ),
        (
            Faults {
                hang_in_auth: true,
                ..Faults::default()
            },
            1,
        ),
    ] {
        let mut world = World::new();
        let server = world.node().faults(faults).start().await.unwrap();
        world.add("n1", world.endpoint(&server), Through::Nothing);
        let (pool, _folder) = world.pool();
        let reached =
            || server.stats().connections_open == 1 && server.stats().handshakes == logging_in;
        give_up(&pool, "n1", reached).await;
        if logging_in == 1 {
            // While it thinks about letting us in, it does not notice that we have left.
            server.set_faults(Faults::default());
        }
        until(|| server.stats().connections_open == 0).await;
        // Its place at the door is free, and so is the way for whoever comes next.
        server.set_faults(Faults::default());
        pool.connect(&node("n1")).await.unwrap();
        pool.close().await;
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_in_the_key_exchange_is_left() {
    let mut world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = world.node().start().await.unwrap();
    let mut endpoint = world.endpoint(&server);
    endpoint.port = listener.local_addr().unwrap().port();
    world.add("n1", endpoint, Through::Nothing);
    let (pool, _folder) = world.pool();
    let heard = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let silent = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"SSH-2.0-Silent\r\n").await.unwrap();
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = socket.read(&mut buffer).await {
            counter.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
        }
    });
    // More than a greeting: the first packet of the key exchange as well.
    give_up(&pool, "n1", || {
        heard.load(std::sync::atomic::Ordering::Relaxed) > 300
    })
    .await;
    let left = tokio::time::timeout(LATEST, silent).await;
    assert!(left.is_ok(), "the connection stays open behind our back");
}

#[tokio::test]
async fn one_who_gives_up_does_not_take_the_others_with_him() {
    let mut world = World::new();
    let slow = Faults {
        hang_in_auth: true,
        ..Faults::default()
    };
    let server = world.node().faults(slow).start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let n1 = node("n1");
    let patient = pool.connect(&n1);
    tokio::pin!(patient);
    tokio::select! {
        _ = async { tokio::join!(pool.connect(&n1), &mut patient) } => panic!("let in"),
        () = until(|| server.stats().handshakes == 1) => {}
    }
    server.set_faults(Faults::default());
    patient.await.unwrap();
    pool.close().await;
}

fn carriers(mark: &Mark) -> usize {
    let wanted = mark.assignment();
    let holds = |path: std::path::PathBuf| {
        let read = |name| std::fs::read(path.join(name)).unwrap_or_default();
        let text = [read("environ"), read("cmdline")].concat();
        String::from_utf8_lossy(&text).contains(&wanted)
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter(|entry| holds(entry.as_ref().unwrap().path()))
        .count()
}

#[tokio::test]
async fn a_command_that_is_slow_to_start_is_cancelled_in_time_and_never_runs_on() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    server.set_faults(Faults {
        exec_delay: Duration::from_millis(300),
        ..Faults::default()
    });
    let (mark, cancel) = (mark(), CancellationToken::new());
    let command = Command::line("sleep 1000");
    let mut gather = Gather::new(100);
    let work = Run::new(&*host, &command, &mark, &cancel).execute(&mut gather);
    let stop = async {
        until(|| server.stats().sessions_open == 1).await;
        cancel.cancel();
        Instant::now()
    };
    let (outcome, begun) = tokio::join!(work, stop);
    assert!(begun.elapsed() < LATEST, "{:?}", begun.elapsed());
    assert!(matches!(
        outcome.unwrap(),
        Outcome::Cancelled(Ending::Ended(_))
    ));
    until(|| server.stats().sessions_open == 0).await;
    assert_eq!(carriers(&mark), 0);
    pool.close().await;
}

#[tokio::test]
async fn a_cancelled_command_on_a_node_of_one_session_is_ended_too() {
    let mut world = World::new();
    let server = world.node().max_sessions(1).start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let (mark, cancel) = (mark(), CancellationToken::new());
    let command = Command::line("sleep 1000 & sleep 1000");
    let mut gather = Gather::new(100);
    let work = Run::new(&*host, &command, &mark, &cancel).execute(&mut gather);
    let stop = async {
        until(|| carriers(&mark) == 3).await;
        cancel.cancel();
        Instant::now()
    };
    let (outcome, begun) = tokio::join!(work, stop);
    assert!(begun.elapsed() < LATEST, "{:?}", begun.elapsed());
    assert_eq!(outcome.unwrap(), Outcome::Cancelled(Ending::Ended(3)));
    assert_eq!(carriers(&mark), 0);
    pool.close().await;
}

#[tokio::test]
async fn a_silent_node_is_not_waited_for_when_a_command_is_cancelled() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let (mark, cancel) = (mark(), CancellationToken::new());
    let command = Command::line("sleep 1000");
    let mut gather = Gather::new(100);
    let work = Run::new(&*host, &command, &mark, &cancel).execute(&mut gather);
    let stop = async {
        until(|| carriers(&mark) > 0).await;
        server.set_faults(Faults {
            freeze: true,
            ..Faults::default()
        });
        cancel.cancel();
        Instant::now()
    };
    let (outcome, begun) = tokio::join!(work, stop);
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    let outcome = outcome.unwrap();
    let Outcome::Cancelled(ending @ Ending::Unknown(_)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        ending.to_string().contains("may still run on the node"),
        "{ending}"
    );
    // The node is well again, and so is what is known of it.
    server.set_faults(Faults::default());
    let (outcome, said) = run(&*host, &Command::line("echo back")).await;
    assert!(outcome.is_ok() && said.stdout == b"back\n");
    pool.close().await;
}
