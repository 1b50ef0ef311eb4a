//! Commands from their start to their end.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use towline_core::command::{Command, Stdin};
use towline_remote::{
    host::ExitStatus,
    pool::Connect,
    route::Through,
    run::{Ending, Gather, Outcome, Run},
};

use crate::support::{World, mark, node, run};

#[tokio::test]
async fn both_streams_and_the_exit_code_come_back() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let (outcome, said) = run(&*host, &Command::line("echo out; echo err >&2; exit 3")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(3)));
    assert_eq!(
        (&said.stdout[..], &said.stderr[..]),
        (&b"out\n"[..], &b"err\n"[..])
    );
    let words = Command::argv(["printf", "%s|", "a b", "$HOME", "it's"]);
    assert_eq!(run(&*host, &words).await.1.stdout, b"a b|$HOME|it's|");
    let (outcome, _) = run(&*host, &Command::line("kill -9 $$")).await;
    assert_eq!(
        outcome.unwrap(),
        Outcome::Exited(ExitStatus::Signal("KILL".into()))
    );
    pool.close().await;
}

#[tokio::test]
async fn input_is_brought_to_its_end() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let big: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let command = Command::line("cat").stdin(Stdin::Bytes(big[..900_000].to_vec().into()));
    assert!(run(&*host, &command).await.1.stdout == big[..900_000]);
    let count = Command::line("wc -c").stdin(Stdin::Bytes(big.into()));
    assert_eq!(run(&*host, &count).await.1.stdout, b"3000000\n");
    assert_eq!(run(&*host, &Command::line("cat")).await.1.stdout, b"");
    // One that does not read is not waited for.
    let ignored = Command::line("exit 0").stdin(Stdin::Bytes(vec![0; 9_000_000].into()));
    assert_eq!(
        run(&*host, &ignored).await.0.unwrap(),
        Outcome::Exited(ExitStatus::Code(0))
    );
    pool.close().await;
}

/// Waits until a command has written something, then cancels it.
struct CancelOnOutput(CancellationToken);

#[async_trait::async_trait]
impl towline_remote::run::Sink for CancelOnOutput {
    async fn take(&mut self, _: towline_core::event::Stream, _: bytes::Bytes) {
        self.0.cancel();
    }
}

fn still_there(mark: &towline_core::command::Mark) -> usize {
    let wanted = mark.assignment();
    let holds = |path: std::path::PathBuf| {
        let read = |name| std::fs::read(path.join(name)).unwrap_or_default();
        let text = [read("environ"), read("cmdline")].concat();
        String::from_utf8_lossy(&text).contains(&wanted)
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .filter(|e| holds(e.as_ref().unwrap().path()))
        .count()
}

#[tokio::test]
async fn cancelling_ends_the_whole_tree_and_nothing_else() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    // A bystander on the same connection, which must live.
    let bystander = mark();
    let never = CancellationToken::new();
    let other = Command::line("read line; echo \"$line\"").stdin(Stdin::Stream);
    let (mut writer, reader) = tokio::io::duplex(64);
    let mut heard = Gather::new(100);
    let living = async {
        let mut run = Run::new(&*host, &other, &bystander, &never);
        run.stream = Some(Box::new(reader));
        run.execute(&mut heard).await.unwrap()
    };
    let doomed = async {
        let (mark, cancel) = (mark(), CancellationToken::new());
        // One in a session of its own, one deaf to TERM, one orphaned.
        let command = Command::line(
            "setsid sleep 1000 & (trap '' TERM; exec sleep 1000) & (sleep 1000 &) ; \
             sleep 1000 & echo started; wait",
        );
        let run = Run::new(&*host, &command, &mark, &cancel);
        let begun = Instant::now();
        let outcome = run
            .execute(&mut CancelOnOutput(cancel.clone()))
            .await
            .unwrap();
        assert!(
            matches!(outcome, Outcome::Cancelled(Ending::Ended(4..=6))),
            "{outcome:?}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(still_there(&mark), 0);
        assert!(still_there(&bystander) > 0, "the bystander was ended too");
        tokio::io::AsyncWriteExt::write_all(&mut writer, b"alive\n")
            .await
            .unwrap();
        drop(writer);
    };
    let (lived, ()) = tokio::join!(living, doomed);
    assert_eq!(lived, Outcome::Exited(ExitStatus::Code(0)));
    assert_eq!(heard.stdout, b"alive\n");
    pool.close().await;
}

#[tokio::test]
async fn a_command_whose_time_is_up_is_ended_and_told_from_a_cancelled_one() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let command = Command::line("while :; do :; done").timeout(Some(Duration::from_millis(200)));
    let (mark, never) = (mark(), CancellationToken::new());
    let mut gather = Gather::new(100);
    let outcome = Run::new(&*host, &command, &mark, &never)
        .execute(&mut gather)
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::TimedOut(Ending::Ended(1)));
    assert_eq!(still_there(&mark), 0);
    pool.close().await;
}

#[tokio::test]
async fn a_torrent_of_output_does_not_keep_a_command_from_being_ended() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let (mark, cancel) = (mark(), CancellationToken::new());
    let command = Command::line("yes");
    let run = Run::new(&*host, &command, &mark, &cancel);
    let outcome = run
        .execute(&mut CancelOnOutput(cancel.clone()))
        .await
        .unwrap();
    assert!(
        matches!(outcome, Outcome::Cancelled(Ending::Ended(1..=2))),
        "{outcome:?}"
    );
    assert_eq!(still_there(&mark), 0);
    pool.close().await;
}
