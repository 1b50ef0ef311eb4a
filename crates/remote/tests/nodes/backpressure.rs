//! Nodes that write more than anybody reads.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use towline_core::{
    command::{Command, Stdin},
    event::Stream,
};
use towline_remote::{
    host::{ExitStatus, Host},
    pool::Connect,
    route::Through,
    run::{Outcome, Run, Sink},
};
use towline_testkit::embedded::EmbeddedNode;

use crate::support::{World, mark, node, run, until};

/// What a node can have sent that nobody has taken: the channel's window, the messages that are
/// held for it, and the buffers of both kernels, which loopback lets grow to some megabytes.
const FIXED: u64 = 16 << 20;

/// Takes the first piece, and no other until it is told to.
struct Stuck<'a>(&'a Notify);

#[async_trait::async_trait]
impl Sink for Stuck<'_> {
    async fn take(&mut self, _: Stream, _: Bytes) {
        self.0.notified().await;
    }
}

/// Runs `yes` for a reader that does not read, while `others` do their work.
async fn beside_a_stuck_reader(
    host: &dyn Host,
    server: &EmbeddedNode,
    others: impl Future<Output = ()>,
) {
    let (mark, cancel, never) = (mark(), CancellationToken::new(), Notify::new());
    let command = Command::line("yes");
    let mut stuck = Stuck(&never);
    let stuck = Run::new(host, &command, &mark, &cancel).execute(&mut stuck);
    let work = async {
        until(|| server.stats().bytes_sent > 100_000).await;
        let done = tokio::time::timeout(Duration::from_secs(30), others).await;
        assert!(done.is_ok(), "a slow reader holds up the others");
        let sent = server.stats().bytes_sent;
        assert!(sent < FIXED, "{sent} bytes were sent and not read");
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(stuck, work);
    assert!(matches!(outcome.unwrap(), Outcome::Cancelled(_)));
}

/// So much of nothing.
fn zeros(count: &str) -> Command {
    Command::argv(["head", "-c", count, "/dev/zero"])
}

/// Counts.
#[derive(Default)]
struct Count(u64);

#[async_trait::async_trait]
impl Sink for Count {
    async fn take(&mut self, _: Stream, data: Bytes) {
        self.0 += data.len() as u64;
    }
}

async fn count(host: &dyn Host, command: &Command) -> u64 {
    let (mark, never, mut count) = (mark(), CancellationToken::new(), Count::default());
    let outcome = Run::new(host, command, &mark, &never)
        .execute(&mut count)
        .await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    count.0
}

#[tokio::test]
async fn a_slow_reader_makes_its_node_wait_and_no_other() {
    let mut world = World::new();
    let slow = world.node().start().await.unwrap();
    let fast = world.node().start().await.unwrap();
    world.add("slow", world.endpoint(&slow), Through::Nothing);
    world.add("fast", world.endpoint(&fast), Through::Nothing);
    let (pool, _folder) = world.pool();
    let stuck = pool.connect(&node("slow")).await.unwrap();
    let other = pool.connect(&node("fast")).await.unwrap();
    beside_a_stuck_reader(&*stuck, &slow, async {
        assert_eq!(count(&*other, &zeros("100000000")).await, 100_000_000);
    })
    .await;
    pool.close().await;
}

#[tokio::test]
async fn a_slow_reader_behind_a_jump_host_makes_no_other_wait() {
    let mut world = World::new();
    let bastion = world.node().start().await.unwrap();
    let slow = world.node().start().await.unwrap();
    let fast = world.node().start().await.unwrap();
    let jump = world.add("bastion", world.endpoint(&bastion), Through::Nothing);
    world.add("slow", world.endpoint(&slow), Through::Jump(jump.clone()));
    world.add("fast", world.endpoint(&fast), Through::Jump(jump));
    let (pool, _folder) = world.pool();
    let stuck = pool.connect(&node("slow")).await.unwrap();
    let other = pool.connect(&node("fast")).await.unwrap();
    beside_a_stuck_reader(&*stuck, &slow, async {
        assert_eq!(count(&*other, &zeros("20000000")).await, 20_000_000);
    })
    .await;
    pool.close().await;
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn much_to_and_fro_is_never_held_in_memory() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, folder) = world.pool();
    let host = pool.connect(&node("n1")).await.unwrap();
    let big = folder.path().join("big");
    // A hole: it takes no room on the disk.
    std::fs::File::create(&big)
        .unwrap()
        .set_len(500_000_000)
        .unwrap();
    let before = resident();
    let done = CancellationToken::new();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
    let watch = async {
        let mut peak = 0;
        while !done.is_cancelled() && tokio::time::Instant::now() < deadline {
            peak = resident().max(peak);
            // tidy: allow-sleep it looks now and then, until the deadline
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        peak.saturating_sub(before)
    };
    let work = async {
        assert_eq!(count(&*host, &zeros("500000000")).await, 500_000_000);
        let fed = Command::line("wc -c").stdin(Stdin::File(big));
        assert_eq!(run(&*host, &fed).await.1.stdout, b"500000000\n");
        done.cancel();
    };
    let (grown, ()) = tokio::join!(watch, work);
    // Other tests run in this process as well, but none of them needs so much.
    assert!(grown < 300_000_000, "{grown} bytes more than before");
    pool.close().await;
}
