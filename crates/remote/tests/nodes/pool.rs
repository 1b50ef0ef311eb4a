//! Connections that are kept, and those that are not.

use std::{sync::Arc, time::Duration};

use towline_core::command::Command;
use towline_remote::{
    host::ExitStatus,
    pool::{Connect, Limits},
    route::Through,
    run::Outcome,
};
use towline_testkit::embedded::{EmbeddedFleet, EmbeddedNode, Faults};

use crate::support::{World, denied, node, run, until};

async fn fleet(world: &mut World, n: usize) -> EmbeddedFleet {
    let fleet = EmbeddedFleet::start(n, world.node().name("n"))
        .await
        .unwrap();
    for server in &fleet {
        world.add(server.name(), world.endpoint(server), Through::Nothing);
    }
    fleet
}

fn open(servers: impl IntoIterator<Item = impl std::borrow::Borrow<EmbeddedNode>>) -> u64 {
    servers
        .into_iter()
        .map(|s| s.borrow().stats().connections_open)
        .sum()
}

#[tokio::test]
async fn one_connection_serves_all_who_come_at_once_and_later() {
    let mut world = World::new();
    let fleet = fleet(&mut world, 1).await;
    let (pool, _folder) = world.pool();
    let n1 = node("n1");
    let leases = futures::future::join_all((0..20).map(|_| pool.connect(&n1))).await;
    for lease in leases {
        lease.unwrap().release().await;
    }
    let lease = pool.connect(&n1).await.unwrap();
    let (outcome, _) = run(&*lease, &Command::line("true")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    assert_eq!(fleet[0].stats().connections, 1);
    pool.close().await;
}

#[tokio::test]
async fn without_idle_time_a_connection_goes_with_its_last_lease() {
    let mut world = World::new();
    let fleet = fleet(&mut world, 1).await;
    let (pool, _folder) = world.pool_with(Limits {
        idle: Duration::ZERO,
        kept: 10,
    });
    let first = pool.connect(&node("n1")).await.unwrap();
    let second = pool.connect(&node("n1")).await.unwrap();
    first.release().await;
    assert!(!second.is_closed(), "somebody still uses it");
    assert_eq!(open(&fleet), 1);
    second.release().await;
    until(|| open(&fleet) == 0).await;
}

#[tokio::test]
async fn what_was_unused_for_too_long_is_closed_when_the_pool_is_tidied() {
    let mut world = World::new();
    let fleet = fleet(&mut world, 2).await;
    let idle = Duration::from_millis(50);
    let (pool, _folder) = world.pool_with(Limits { idle, kept: 10 });
    let used = pool.connect(&node("n2")).await.unwrap();
    pool.connect(&node("n1")).await.unwrap().release().await;
    let released = std::time::Instant::now();
    while released.elapsed() < idle {
        tokio::task::yield_now().await;
    }
    pool.tidy().await;
    until(|| fleet[0].stats().connections_open == 0).await;
    assert!(!used.is_closed());
    assert_eq!(fleet[1].stats().connections_open, 1);
    pool.close().await;
}

#[tokio::test]
async fn no_more_are_kept_than_allowed_and_the_longest_unused_goes_first() {
    let mut world = World::new();
    let fleet = fleet(&mut world, 5).await;
    let idle = Duration::from_secs(60);
    let (pool, _folder) = world.pool_with(Limits { idle, kept: 2 });
    for server in &fleet {
        pool.connect(&node(server.name()))
            .await
            .unwrap()
            .release()
            .await;
    }
    until(|| open(&fleet) == 2).await;
    let kept: Vec<u64> = fleet.iter().map(|s| s.stats().connections_open).collect();
    assert_eq!(kept, [0, 0, 0, 1, 1]);
    pool.close().await;
}

#[tokio::test]
async fn a_lost_connection_is_replaced_and_a_failed_one_is_tried_anew() {
    let mut world = World::new();
    let fleet = fleet(&mut world, 1).await;
    let (pool, _folder) = world.pool();
    let first = pool.connect(&node("n1")).await.unwrap();
    fleet[0].cut_connections();
    until(|| first.is_closed()).await;
    let second = pool.connect(&node("n1")).await.unwrap();
    let (outcome, _) = run(&*second, &Command::line("true")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    assert_eq!(fleet[0].stats().connections, 2);
    // Whoever still holds the old one is served as well.
    let (outcome, _) = run(&*first, &Command::line("true")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    pool.close().await;
    fleet[0].set_faults(Faults {
        refuse_auth: true,
        ..Faults::default()
    });
    denied(&pool, "n1").await;
    fleet[0].set_faults(Faults::default());
    pool.connect(&node("n1")).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn closing_leaves_nothing_open_behind_jump_hosts_either() {
    let mut world = World::new();
    let bastion = world.node().start().await.unwrap();
    let far = world.node().start().await.unwrap();
    let jump = world.add("bastion", world.endpoint(&bastion), Through::Nothing);
    world.add(
        "far",
        world.endpoint(&far),
        Through::Jump(Arc::clone(&jump)),
    );
    let (pool, _folder) = world.pool();
    let lease = pool.connect(&node("far")).await.unwrap();
    let (outcome, _) = run(&*lease, &Command::line("true")).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(0)));
    lease.release().await;
    pool.close().await;
    until(|| open([&bastion, &far]) == 0).await;
    assert_eq!(far.stats().sessions_open, 0);
}

#[tokio::test]
async fn a_node_that_hears_nothing_does_not_hold_up_the_close() {
    let mut world = World::new();
    let fleet = fleet(&mut world, 20).await;
    let (pool, _folder) = world.pool();
    for server in &fleet {
        pool.connect(&node(server.name())).await.unwrap();
        server.set_faults(Faults {
            freeze: true,
            ..Faults::default()
        });
    }
    let closed = tokio::time::timeout(Duration::from_secs(2), pool.close()).await;
    assert!(
        closed.is_ok(),
        "the close waits for nodes that hear nothing"
    );
}
