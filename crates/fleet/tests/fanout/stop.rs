//! When a run is given up, and when it counts as a success.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use towline_core::event::{FailureKind, Status};
use towline_fleet::fanout::{Amount, Batch, Policy};

use crate::support::{Act, Run, cancel_after, refused};

/// One node at a time.
fn in_turn() -> Policy {
    Policy {
        fanout: 1,
        ..Policy::default()
    }
}

/// Every second node fails.
fn odd_fails(node: usize, _: u32) -> Act {
    match node % 2 {
        0 => Act::Ok(10),
        _ => Act::Fail(10, 3),
    }
}

#[tokio::test(start_paused = true)]
async fn no_node_is_begun_after_more_failures_than_allowed() {
    for (limit, begun) in [
        (Amount::Count(0), 2),
        (Amount::Percent(0), 2),
        (Amount::Count(1), 4),
        (Amount::Percent(19), 4),
        (Amount::Percent(20), 6),
        (Amount::Count(4), 10),
        (Amount::Count(5), 10),
        (Amount::Percent(100), 10),
        (Amount::Count(999), 10),
    ] {
        let policy = Policy {
            max_fail: Some(limit),
            ..in_turn()
        };
        let run = Run::of(10, policy, odd_fails).await;
        assert_eq!(run.log.len(), begun, "{limit}");
        assert_eq!(run.report.cancelled, 10 - begun, "{limit}");
        assert!(!run.report.success, "{limit}");
        let over = run.report.failed > limit.of(10);
        assert_eq!(run.report.stopped.is_some(), over, "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn those_under_way_come_to_their_end_when_too_many_failed() {
    let policy = Policy {
        fanout: 3,
        max_fail: Some(Amount::Count(0)),
        ..Policy::default()
    };
    let run = Run::of(9, policy, |node, _| match node {
        1 => Act::Fail(10, 1),
        _ => Act::Ok(1000),
    })
    .await;
    assert_eq!(
        (run.report.ok, run.report.failed, run.report.cancelled),
        (2, 1, 6)
    );
    let never = run.result(8);
    assert_eq!((never.status, never.attempts), (Status::Cancelled, 0));
    let error = never.error.as_ref().unwrap();
    assert_eq!(error.kind, FailureKind::Cancelled);
    assert!(error.message.contains("--max-fail 0"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn unreachable_nodes_count_as_failures() {
    let policy = Policy {
        max_fail: Some(Amount::Count(2)),
        retries: Some(0),
        ..in_turn()
    };
    let run = Run::of(9, policy, |_, _| Act::Error(1, refused())).await;
    assert_eq!((run.report.unreachable, run.report.cancelled), (3, 6));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_was_passed_in_one_batch_stops_before_the_next() {
    let policy = Policy {
        max_fail: Some(Amount::Count(0)),
        batch: Some(Batch {
            size: Amount::Count(5),
            pause: Duration::from_secs(3600),
        }),
        ..Policy::default()
    };
    let run = Run::of(10, policy, odd_fails).await;
    assert_eq!(
        (run.report.ok, run.report.failed, run.report.cancelled),
        (3, 2, 5)
    );
    assert_eq!(run.took, 10, "nobody rests before what is not begun");
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_ends_everything_if_so_wished() {
    let policy = Policy {
        fanout: 3,
        fail_fast: true,
        ..Policy::default()
    };
    let run = Run::of(9, policy, |node, _| match node {
        0 => Act::Ok(5),
        1 => Act::Fail(10, 1),
        _ => Act::Ok(60_000),
    })
    .await;
    assert_eq!(run.took, 10, "those under way are ended at once");
    assert_eq!(
        (run.report.ok, run.report.failed, run.report.cancelled),
        (1, 1, 7)
    );
    assert!(!run.report.success && !run.report.interrupted);
    assert!(run.report.stopped.unwrap().contains("--fail-fast"));
}

#[tokio::test(start_paused = true)]
async fn without_a_failure_none_of_it_matters() {
    let policy = Policy {
        fail_fast: true,
        max_fail: Some(Amount::Count(0)),
        ..Policy::default()
    };
    let run = Run::of(9, policy, |_, _| Act::Ok(1)).await;
    assert!(run.report.success && run.report.stopped.is_none());
}

#[tokio::test(start_paused = true)]
async fn so_many_have_to_end_well_as_was_asked_for() {
    for (min_ok, success) in [
        (None, false),
        (Some(1), true),
        (Some(5), true),
        (Some(6), false),
        (Some(10), false),
        // More than there are: all of them.
        (Some(99), false),
    ] {
        let policy = Policy {
            min_ok,
            ..Policy::default()
        };
        let run = Run::of(10, policy, odd_fails).await;
        assert_eq!(run.report.success, success, "{min_ok:?}");
        assert_eq!(
            (run.report.ok, run.report.failed),
            (5, 5),
            "all are worked on"
        );
    }
    let all = Policy {
        min_ok: Some(99),
        ..Policy::default()
    };
    assert!(Run::of(3, all, |_, _| Act::Ok(1)).await.report.success);
}

#[tokio::test(start_paused = true)]
async fn enough_good_ends_do_not_hide_that_the_run_was_stopped() {
    let policy = Policy {
        min_ok: Some(1),
        max_fail: Some(Amount::Count(0)),
        ..in_turn()
    };
    let run = Run::of(10, policy, odd_fails).await;
    assert!(run.report.ok >= 1 && run.report.stopped.is_some());
    assert!(!run.report.success);
}

#[tokio::test(start_paused = true)]
async fn whoever_cancels_ends_what_is_under_way_and_begins_nothing() {
    let cancel = CancellationToken::new();
    let policy = Policy {
        fanout: 2,
        min_ok: Some(1),
        ..Policy::default()
    };
    let later = cancel_after(50, &cancel);
    let script = |node, _| match node {
        0 => Act::Ok(20),
        _ => Act::Ok(60_000),
    };
    let run = Run::cancelled_by(9, policy, None, script, &cancel);
    let (run, ()) = tokio::join!(run, later);
    assert_eq!(run.took, 50);
    assert_eq!((run.report.ok, run.report.cancelled), (1, 8));
    assert!(run.report.interrupted && !run.report.success);
    assert_eq!(run.result(1).attempts, 1);
    assert_eq!(run.result(8).attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_rest_between_batches_does_not_outlast_its_run() {
    let cancel = CancellationToken::new();
    let policy = Policy {
        batch: Some(Batch {
            size: Amount::Count(1),
            pause: Duration::from_secs(3600),
        }),
        ..Policy::default()
    };
    let later = cancel_after(5000, &cancel);
    let run = Run::cancelled_by(2, policy, None, |_, _| Act::Ok(1), &cancel);
    let (run, ()) = tokio::join!(run, later);
    assert_eq!((run.took, run.report.ok), (5000, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_before_it_begins_does_nothing() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let policy = Policy::default();
    let run = Run::cancelled_by(3, policy, None, |_, _| Act::Ok(1), &cancel).await;
    assert_eq!((run.log.len(), run.report.cancelled), (0, 3));
    assert!(run.report.interrupted && !run.report.success);
}
