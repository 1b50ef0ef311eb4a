//! Never too many knocking at one door.

use std::sync::Arc;

use futures::future::join_all;
use towline_remote::{
    pool::{Connect, Pool},
    route::Through,
};
use towline_testkit::embedded::{EmbeddedNode, Faults};

use crate::support::{World, denied, node, until};

/// As a stock sshd begins to drop connections at ten.
const PENDING: u64 = 8;

async fn connect_all(pool: &Arc<Pool>, ids: &[String]) {
    let connecting = ids
        .iter()
        .map(|id| async { pool.connect(&node(id)).await.map(drop) });
    for connected in join_all(connecting).await {
        connected.unwrap();
    }
}

fn names(how_many: usize) -> Vec<String> {
    (0..how_many).map(|n| format!("n{n}")).collect()
}

/// Nobody is let in until eight are waiting, so that there would be time for a ninth.
async fn let_in_late(server: &EmbeddedNode) {
    until(|| server.stats().pending == PENDING).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    server.set_faults(Faults::default());
}

fn slow() -> Faults {
    Faults {
        hang_in_auth: true,
        ..Faults::default()
    }
}

#[tokio::test]
async fn eight_at_a_time_knock_at_one_sshd() {
    let mut world = World::new();
    let server = world.node().max_pending_handshakes(PENDING).faults(slow());
    let server = server.start().await.unwrap();
    let ids = names(64);
    for id in &ids {
        world.add(id, world.endpoint(&server), Through::Nothing);
    }
    let (pool, _folder) = world.pool();
    tokio::join!(connect_all(&pool, &ids), let_in_late(&server));
    let stats = server.stats();
    assert_eq!(
        (stats.pending_peak, stats.connections_refused),
        (PENDING, 0)
    );
    assert_eq!(stats.authenticated, 64);
    pool.close().await;
}

#[tokio::test]
async fn eight_at_a_time_knock_through_a_bastion_and_one_at_the_bastion() {
    let mut world = World::new();
    let bastion = world
        .node()
        .max_pending_handshakes(1)
        .start()
        .await
        .unwrap();
    let far = world.node().max_pending_handshakes(PENDING).faults(slow());
    let far = far.start().await.unwrap();
    let jump = world.add("bastion", world.endpoint(&bastion), Through::Nothing);
    let ids = names(64);
    for id in &ids {
        world.add(id, world.endpoint(&far), Through::Jump(Arc::clone(&jump)));
    }
    let (pool, _folder) = world.pool();
    tokio::join!(connect_all(&pool, &ids), let_in_late(&far));
    let stats = far.stats();
    assert_eq!(
        (stats.pending_peak, stats.connections_refused),
        (PENDING, 0)
    );
    assert_eq!(stats.authenticated, 64);
    assert_eq!(bastion.stats().connections, 1);
    pool.close().await;
}

#[tokio::test]
async fn different_sshds_do_not_wait_for_each_other() {
    let mut world = World::new();
    let mut servers = Vec::new();
    let ids = names(12);
    for id in &ids {
        let server = world.node().faults(slow()).start().await.unwrap();
        world.add(id, world.endpoint(&server), Through::Nothing);
        servers.push(server);
    }
    let (pool, _folder) = world.pool();
    let let_in = async {
        until(|| servers.iter().all(|server| server.stats().pending == 1)).await;
        servers
            .iter()
            .for_each(|server| server.set_faults(Faults::default()));
    };
    tokio::join!(connect_all(&pool, &ids), let_in);
    pool.close().await;
}

#[tokio::test]
async fn one_turned_away_at_a_full_door_may_come_back() {
    let mut world = World::new();
    let server = world
        .node()
        .max_pending_handshakes(0)
        .start()
        .await
        .unwrap();
    let open = world.node().faults(Faults {
        reset_connections: 2,
        ..Faults::default()
    });
    let open = open.start().await.unwrap();
    world.add("full", world.endpoint(&server), Through::Nothing);
    world.add("busy", world.endpoint(&open), Through::Nothing);
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "full").await;
    assert!(error.is_transient(), "{error:?}");
    assert!(error.hint("full").unwrap().contains("--retries"));
    for _ in 0..2 {
        assert!(denied(&pool, "busy").await.is_transient());
    }
    pool.connect(&node("busy")).await.unwrap();
    pool.close().await;
}
