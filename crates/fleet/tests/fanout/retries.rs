//! What is tried again, how often, and after how long.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use towline_core::event::{FailureKind, Status};
use towline_fleet::fanout::Policy;
use towline_remote::error::{AuthAttempt, RemoteError, Stage};

use crate::support::{Act, Run, Script, cancel_after, refused};

fn retries(retries: u32) -> Policy {
    Policy {
        retries: Some(retries),
        ..Policy::default()
    }
}

fn address() -> String {
    "10.0.0.1:22".to_owned()
}

fn timed_out() -> RemoteError {
    RemoteError::ConnectTimeout {
        address: address(),
        after: Duration::from_secs(10),
        stage: Stage::Tcp,
    }
}

/// What may pass by itself.
const TRANSIENT: [fn() -> RemoteError; 5] = [
    refused,
    || RemoteError::Dropped {
        address: address(),
        stage: Stage::Handshake,
        source: None,
    },
    || RemoteError::Unreachable {
        address: address(),
        source: std::io::ErrorKind::NetworkUnreachable.into(),
    },
    || RemoteError::Channel {
        what: "session".to_owned(),
        reason: "too many".to_owned(),
        later: true,
    },
    || RemoteError::Proxy {
        proxy: "bastion".to_owned(),
        source: Box::new(refused()),
    },
];

/// What never heals, or must not be done twice.
const FINAL: [fn() -> RemoteError; 6] = [
    || RemoteError::AuthDenied {
        user: "root".to_owned(),
        address: address(),
        attempts: Vec::<AuthAttempt>::new(),
        accepts: Vec::new(),
    },
    || RemoteError::Closed {
        reason: "reset".to_owned(),
    },
    || RemoteError::Protocol {
        address: address(),
        reason: "no cipher".to_owned(),
    },
    || RemoteError::Resolve {
        host: "nowhere".to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    },
    || RemoteError::Channel {
        what: "session".to_owned(),
        reason: "prohibited".to_owned(),
        later: false,
    },
    || RemoteError::Config {
        reason: "nonsense".to_owned(),
        hint: None,
    },
];

async fn attempts(policy: Policy, script: Script) -> u32 {
    Run::of(1, policy, script).await.result(0).attempts
}

/// One script for each error: a script holds nothing.
macro_rules! always {
    ($errors:ident [$($at:literal)*]) => {
        [$(|_, _| Act::Error(1, $errors[$at]())),*] as [Script; _]
    };
}

#[tokio::test(start_paused = true)]
async fn only_what_may_pass_is_tried_again() {
    for script in always!(TRANSIENT [0 1 2 3 4]) {
        assert_eq!(attempts(retries(3), script).await, 4);
        assert_eq!(attempts(Policy::default(), script).await, 3);
        assert_eq!(attempts(retries(0), script).await, 1);
    }
    for script in always!(FINAL [0 1 2 3 4 5]) {
        assert_eq!(attempts(retries(3), script).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn time_outs_are_tried_again_on_request_only() {
    let direct: Script = |_, _| Act::Error(10_000, timed_out());
    let through: Script = |_, _| {
        let proxy = "bastion".to_owned();
        let source = Box::new(timed_out());
        Act::Error(10_000, RemoteError::Proxy { proxy, source })
    };
    for script in [direct, through] {
        assert_eq!(attempts(Policy::default(), script).await, 1);
        assert_eq!(attempts(retries(2), script).await, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_ends_well() {
    let run = Run::of(3, retries(2), |node, attempt| match (node, attempt) {
        (1, 1 | 2) => Act::Error(1, refused()),
        _ => Act::Ok(1),
    })
    .await;
    assert!(run.report.success);
    assert_eq!([0, 1, 2].map(|node| run.result(node).attempts), [1, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_failed_is_never_run_twice() {
    let run = Run::of(1, retries(9), |_, _| Act::Fail(1, 7)).await;
    assert_eq!((run.log.len(), run.result(0).exit_code), (1, Some(7)));
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_a_bound_and_are_left_to_chance_by_half() {
    let run = Run::of(50, retries(9), |_, _| Act::Error(0, refused())).await;
    let mut of_first = Vec::new();
    for node in 0..50 {
        let ends: Vec<_> = run.log.iter().filter(|(n, ..)| *n == node).collect();
        assert_eq!(ends.len(), 10);
        for (at, pair) in ends.windows(2).enumerate() {
            let longest = (250 << at).min(10_000);
            let pause = pair[1].1 - pair[0].2;
            assert!(
                (longest / 2..=longest + 1).contains(&pause),
                "pause {pause} ms after attempt {}",
                at + 1
            );
            if at == 0 {
                of_first.push(pause);
            }
        }
    }
    of_first.sort_unstable();
    of_first.dedup();
    assert!(of_first.len() > 10, "they come back together: {of_first:?}");
}

#[tokio::test(start_paused = true)]
async fn the_pause_that_is_told_is_the_pause_that_is_made() {
    let run = Run::of(1, retries(4), |_, _| Act::Error(0, refused())).await;
    let made: Vec<u64> = run
        .log
        .windows(2)
        .map(|pair| pair[1].1 - pair[0].2)
        .collect();
    for (told, made) in run.pauses().iter().zip(&made) {
        assert!(
            told.abs_diff(*made) <= 2,
            "{:?} told, {made:?} made",
            run.pauses()
        );
    }
    assert_eq!(made.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_waits_to_be_tried_again_does_not_outlast_its_run() {
    let cancel = CancellationToken::new();
    let later = cancel_after(20, &cancel);
    let script: Script = |_, _| Act::Error(0, refused());
    let run = Run::cancelled_by(1, retries(9), None, script, &cancel);
    let (run, ()) = tokio::join!(run, later);
    assert_eq!(run.took, 20);
    let result = run.result(0);
    assert_eq!((result.status, result.attempts), (Status::Cancelled, 1));
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_the_end_keeps_its_reason() {
    let run = Run::of(1, retries(1), |_, _| Act::Error(0, refused())).await;
    let result = run.result(0);
    assert_eq!(result.status, Status::Unreachable);
    assert_eq!(result.error.as_ref().unwrap().kind, FailureKind::Refused);
    let lost = |_, _| {
        Act::Error(
            0,
            RemoteError::Closed {
                reason: "reset".to_owned(),
            },
        )
    };
    let run = Run::of(1, retries(1), lost).await;
    assert_eq!(run.result(0).status, Status::Failed, "it may have run");
}
