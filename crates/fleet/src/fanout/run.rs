//! The run itself.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Event, Failure, FailureKind, NodeResult, Report, Status},
    node::Node,
};
use towline_remote::error::RemoteError;

use super::{Context, End, Policy, Task, backoff};

/// A question asked between two batches.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Whether the run may go on; if not, why.
    async fn pass(&self) -> Result<(), String>;
}

/// Does `task` on every node, as `policy` says, and tells what happens as it happens: for each
/// node exactly one [`Event::NodeFinished`]. The report is returned, not sent.
///
/// `cancel` ends the run: nodes under way are cancelled, the others never begun.
pub async fn spread(
    nodes: &[Arc<Node>],
    policy: &Policy,
    gate: Option<&dyn Gate>,
    task: &dyn Task,
    events: &mpsc::Sender<Event>,
    cancel: &CancellationToken,
) -> Report {
    let begun = Instant::now();
    let mut run = Running {
        policy,
        task,
        events,
        cancel: cancel.child_token(),
        report: Report {
            nodes: nodes.len(),
            ..Report::default()
        },
    };
    let size = policy.batch_size(nodes.len());
    for (at, batch) in nodes.chunks(size).enumerate() {
        if at > 0 && run.may_begin() {
            run.rest(gate).await;
        }
        run.batch(batch).await;
    }
    let mut report = run.report;
    report.interrupted = cancel.is_cancelled();
    report.success = match policy.min_ok {
        None => report.ok == report.nodes,
        Some(enough) => report.ok >= enough.min(report.nodes),
    } && !report.interrupted
        && report.stopped.is_none();
    report.duration_ms = milliseconds(begun);
    report
}

struct Running<'a> {
    policy: &'a Policy,
    task: &'a dyn Task,
    events: &'a mpsc::Sender<Event>,
    cancel: CancellationToken,
    report: Report,
}

impl Running<'_> {
    fn may_begin(&self) -> bool {
        !self.cancel.is_cancelled() && self.report.stopped.is_none()
    }

    /// A sliding window: as soon as one node is done, the next begins.
    async fn batch(&mut self, nodes: &[Arc<Node>]) {
        let mut waiting = nodes.iter();
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < self.policy.fanout.max(1) && self.may_begin() {
                let Some(node) = waiting.next() else { break };
                under_way.push(on_node(
                    self.task,
                    Context {
                        node: Arc::clone(node),
                        events: self.events.clone(),
                        cancel: self.cancel.clone(),
                    },
                    self.policy,
                ));
            }
            let Some(result) = under_way.next().await else {
                break;
            };
            self.finish(result).await;
        }
        for node in waiting {
            self.finish(never_begun(node, self.report.stopped.as_deref()))
                .await;
        }
    }

    async fn finish(&mut self, result: NodeResult) {
        self.report.count(&result);
        let failed = !matches!(result.status, Status::Ok | Status::Cancelled);
        tell(self.events, Event::NodeFinished(result)).await;
        if !failed || self.report.stopped.is_some() {
            return;
        }
        let failures = self.report.not_ok() - self.report.cancelled;
        if self.policy.fail_fast {
            self.report.stopped = Some("a node failed, and --fail-fast was given".to_owned());
            self.cancel.cancel();
        } else if let Some(limit) = self.policy.max_fail
            && failures > limit.of(self.report.nodes)
        {
            self.report.stopped = Some(format!(
                "{failures} nodes failed, more than --max-fail {limit} allows"
            ));
        }
    }

    /// Between two batches.
    async fn rest(&mut self, gate: Option<&dyn Gate>) {
        let pause = self
            .policy
            .batch
            .as_ref()
            .map(|batch| batch.pause)
            .unwrap_or_default();
        let event = Event::BatchPause {
            finished: self.report.finished(),
            remaining: self.report.nodes - self.report.finished(),
            delay_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
        };
        tell(self.events, event).await;
        tokio::select! {
            () = self.cancel.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let Some(gate) = gate else { return };
        let passed = tokio::select! {
            () = self.cancel.cancelled() => return,
            passed = gate.pass() => passed,
        };
        if let Err(reason) = passed {
            self.report.stopped = Some(reason);
        }
    }
}

/// One node, with its retries.
async fn on_node(task: &dyn Task, context: Context, policy: &Policy) -> NodeResult {
    let begun = Instant::now();
    let Context {
        node,
        events,
        cancel,
    } = &context;
    for attempt in 1.. {
        tell(
            events,
            Event::NodeStarted {
                node: node.id.clone(),
                attempt,
            },
        )
        .await;
        let error = match task.on(&context).await {
            Ok(end) => return end.into_result(node, attempt, milliseconds(begun)),
            Err(error) => error,
        };
        let failure = error.failure(node.id.as_str());
        if !policy.tries_again(attempt, &error) || cancel.is_cancelled() {
            return failed(&error, failure).into_result(node, attempt, milliseconds(begun));
        }
        let delay = backoff::pause(attempt, fastrand::f64());
        let event = Event::NodeRetry {
            node: node.id.clone(),
            attempt,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            error: failure,
        };
        tell(events, event).await;
        tokio::select! {
            () = cancel.cancelled() => {
                let end = cancelled("it was waiting to be tried again".to_owned());
                return end.into_result(node, attempt, milliseconds(begun));
            }
            () = tokio::time::sleep(delay) => {}
        }
    }
    unreachable!("attempts are counted without end")
}

fn failed(error: &RemoteError, failure: Failure) -> End {
    let status = if error.is_before_login() {
        Status::Unreachable
    } else {
        Status::Failed
    };
    End {
        status,
        exit_code: None,
        signal: None,
        error: Some(failure),
    }
}

fn cancelled(message: String) -> End {
    let error = Failure {
        kind: FailureKind::Cancelled,
        message,
        hint: None,
    };
    End {
        status: Status::Cancelled,
        exit_code: None,
        signal: None,
        error: Some(error),
    }
}

fn never_begun(node: &Node, stopped: Option<&str>) -> NodeResult {
    let why = stopped.unwrap_or("the run was interrupted");
    cancelled(format!("not begun: {why}")).into_result(node, 0, 0)
}

/// Nobody listening is no reason to stop: the run's report still counts.
async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    let _nobody = events.send(event).await;
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
