//! The sliding window and batches.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use towline_core::event::Event;
use towline_fleet::fanout::{Amount, Batch, Gate, Policy};

use crate::support::{Act, Run};

fn fanout(fanout: usize) -> Policy {
    Policy {
        fanout,
        ..Policy::default()
    }
}

fn batches(size: Amount, pause: u64) -> Policy {
    Policy {
        batch: Some(Batch {
            size,
            pause: Duration::from_millis(pause),
        }),
        ..Policy::default()
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_at_once_as_allowed_and_no_more() {
    for (allowed, most) in [(1, 1), (7, 7), (64, 20), (0, 1)] {
        let run = Run::of(20, fanout(allowed), |_, _| Act::Ok(100)).await;
        assert_eq!(run.most, most, "fan-out {allowed}");
        assert_eq!(run.took, 100 * 20_u64.div_ceil(most as u64));
        assert!(run.report.success);
    }
}

#[tokio::test(start_paused = true)]
async fn one_slow_node_never_holds_up_the_others() {
    let run = Run::of(101, fanout(2), |node, _| match node {
        0 => Act::Ok(60_000),
        _ => Act::Ok(100),
    })
    .await;
    assert_eq!(run.took, 60_000, "the others went by beside it");
    let (last, _, slow) = run.log[100];
    assert_eq!((last, slow), (0, 60_000));
    assert_eq!(
        run.log[99].2,
        100 * 100,
        "one after the other, without a gap"
    );
}

#[tokio::test(start_paused = true)]
async fn nodes_are_begun_in_their_order() {
    let run = Run::of(50, fanout(5), |node, _| Act::Ok((node as u64 * 37) % 11)).await;
    let begun = run.events.iter().filter_map(|event| match event {
        Event::NodeStarted { node, .. } => Some(node.to_string()),
        _ => None,
    });
    let wanted = (0..50).map(|n| format!("n{n}"));
    assert!(begun.eq(wanted));
}

#[tokio::test(start_paused = true)]
async fn no_node_at_all_is_a_run_as_well() {
    let run = Run::of(0, batches(Amount::Percent(50), 1000), |_, _| Act::Ok(1)).await;
    assert!(run.report.success);
    assert_eq!((run.took, run.events.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_whole_before_the_next_begins() {
    for (size, of) in [
        (Amount::Count(4), 4),
        (Amount::Percent(40), 4),
        (Amount::Percent(0), 1),
        (Amount::Count(0), 1),
        (Amount::Percent(1), 1),
        (Amount::Percent(100), 10),
        (Amount::Count(99), 10),
    ] {
        let run = Run::of(10, batches(size, 500), |node, _| Act::Ok(100 + node as u64)).await;
        let batch = |node: usize| node / of;
        for &(node, from, _) in &run.log {
            let before = run
                .log
                .iter()
                .filter(|(other, ..)| batch(*other) < batch(node));
            let before = before.map(|(_, _, end)| end + 500).max().unwrap_or(0);
            assert_eq!(from, before, "n{node}, batches of {size}");
        }
        let rests = run.events.iter().filter_map(|event| match event {
            Event::BatchPause {
                finished,
                remaining,
                delay_ms: 500,
            } => Some((*finished, *remaining)),
            _ => None,
        });
        let wanted = (1..10_usize.div_ceil(of)).map(|n| (n * of, 10 - n * of));
        assert!(rests.eq(wanted), "batches of {size}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_holds_within_a_batch() {
    let policy = Policy {
        fanout: 2,
        ..batches(Amount::Count(6), 1)
    };
    let run = Run::of(12, policy, |_, _| Act::Ok(100)).await;
    assert_eq!((run.most, run.took), (2, 601));
}

/// Says no to whoever asks once more than so often.
struct Patience(usize, AtomicUsize);

#[async_trait]
impl Gate for Patience {
    async fn pass(&self) -> Result<(), String> {
        match self.1.fetch_add(1, Ordering::Relaxed) < self.0 {
            true => Ok(()),
            false => Err("that was enough".to_owned()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_gate_is_asked_between_batches_and_can_end_the_run() {
    for (patience, ok, asked) in [(9, 10, 4), (1, 4, 2), (0, 2, 1)] {
        let gate = Patience(patience, AtomicUsize::new(0));
        let policy = batches(Amount::Count(2), 0);
        let run = Run::gated(10, policy, Some(&gate), |_, _| Act::Ok(1)).await;
        assert_eq!((run.report.ok, run.report.cancelled), (ok, 10 - ok));
        assert_eq!(gate.1.into_inner(), asked);
        assert_eq!(run.report.success, ok == 10);
        assert_eq!(run.report.stopped.is_some(), ok < 10);
    }
}
