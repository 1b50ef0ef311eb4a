//! Many nodes behind one jump host.

use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use towline_core::{command::Command, event::Stream};
use towline_remote::{
    host::ExitStatus,
    pool::Connect,
    route::Through,
    run::{Outcome, Run, Sink},
};

use crate::support::{World, mark, node};

/// Counts what comes and now and then lets others go first.
#[derive(Default)]
struct Slow {
    bytes: usize,
    pieces: usize,
}

#[async_trait::async_trait]
impl Sink for Slow {
    async fn take(&mut self, _: Stream, data: Bytes) {
        self.bytes += data.len();
        self.pieces += 1;
        if self.pieces.is_multiple_of(8) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn talk_in_both_directions_does_not_jam_the_jump_host() {
    let mut world = World::new();
    let bastion = world.node().start().await.unwrap();
    let far = world.node().start().await.unwrap();
    let jump = world.add("bastion", world.endpoint(&bastion), Through::Nothing);
    let ids: Vec<String> = (0..64).map(|n| format!("far-{n}")).collect();
    for id in &ids {
        world.add(
            id,
            world.endpoint(&far),
            Through::Jump(std::sync::Arc::clone(&jump)),
        );
    }
    let (pool, _folder) = world.pool();
    // Small writes make many packets, which fill queues that are counted in packets.
    let script = "n=0; while [ $n -lt 20000 ]; do echo $n; n=$((n+1)); done & cat; wait";
    let input: Bytes = vec![b'x'; 3_000_000].into();
    let command = Command::line(script).stdin(towline_core::command::Stdin::Bytes(input));
    let work = futures::future::join_all(ids.iter().map(|id| async {
        let host = pool.connect(&node(id)).await.unwrap();
        let (mark, never) = (mark(), CancellationToken::new());
        let mut slow = Slow::default();
        let outcome = Run::new(&*host, &command, &mark, &never)
            .execute(&mut slow)
            .await;
        assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
        assert_eq!(slow.bytes, 3_000_000 + 108_890);
    }));
    let done = tokio::time::timeout(Duration::from_secs(60), work).await;
    assert!(done.is_ok(), "the jump host is jammed");
    assert_eq!(bastion.stats().connections, 1);
    pool.close().await;
}
