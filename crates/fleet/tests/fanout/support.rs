//! Tasks that do as their node's number says, and a record of what they did when.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Event, NodeResult, Report, Status},
    node::Node,
};
use towline_fleet::fanout::{Context, End, Gate, Policy, Task, spread};
use towline_remote::error::RemoteError;

/// What a node does in an attempt, counted from 1.
pub(crate) type Script = fn(node: usize, attempt: u32) -> Act;

/// What a node does.
pub(crate) enum Act {
    /// Ends well after so many milliseconds.
    Ok(u64),
    /// Returns a code after so many milliseconds.
    Fail(u64, i32),
    /// Is not reached, for this reason, after so many milliseconds.
    Error(u64, RemoteError),
}

/// A node on which nothing listens.
pub(crate) fn refused() -> RemoteError {
    RemoteError::Refused {
        address: "10.0.0.1:22".to_owned(),
    }
}

/// So many nodes: n0, n1 and so on.
pub(crate) fn nodes(n: usize) -> Vec<Arc<Node>> {
    let node = |n| {
        let id: towline_core::id::NodeId = format!("n{n}").parse().unwrap();
        Arc::new(Node::new(id, "10.0.0.1"))
    };
    (0..n).map(node).collect()
}

/// Triggers `token` when so much time has passed.
pub(crate) async fn cancel_after(milliseconds: u64, token: &CancellationToken) {
    let never = std::future::pending::<()>();
    let _time_is_up = timeout(Duration::from_millis(milliseconds), never).await;
    token.cancel();
}

struct Fake {
    script: Script,
    attempts: Mutex<BTreeMap<usize, u32>>,
    busy: Mutex<(usize, usize)>,
    begun: Instant,
    log: Mutex<Vec<(usize, u64, u64)>>,
}

#[async_trait]
impl Task for Fake {
    async fn on(&self, context: &Context) -> Result<End, RemoteError> {
        let node: usize = context.node.id.as_str()[1..].parse().unwrap();
        let attempt = {
            let mut attempts = self.attempts.lock().unwrap();
            let attempt = attempts.entry(node).or_default();
            *attempt += 1;
            *attempt
        };
        let from = self.now();
        {
            let mut busy = self.busy.lock().unwrap();
            busy.0 += 1;
            busy.1 = busy.1.max(busy.0);
        }
        let act = (self.script)(node, attempt);
        let (Act::Ok(takes) | Act::Fail(takes, _) | Act::Error(takes, _)) = act;
        let takes = Duration::from_millis(takes);
        let cancelled = timeout(takes, context.cancel.cancelled()).await.is_ok();
        self.busy.lock().unwrap().0 -= 1;
        self.log.lock().unwrap().push((node, from, self.now()));
        let end = |status, exit_code| End {
            status,
            exit_code,
            signal: None,
            error: None,
        };
        match act {
            _ if cancelled => Ok(end(Status::Cancelled, None)),
            Act::Ok(_) => Ok(End::ok()),
            Act::Fail(_, code) => Ok(end(Status::Failed, Some(code))),
            Act::Error(_, error) => Err(error),
        }
    }
}

impl Fake {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap()
    }
}

/// A run and all that is known of it afterwards.
pub(crate) struct Run {
    pub(crate) report: Report,
    pub(crate) events: Vec<Event>,
    /// Node, begin and end of every attempt, in milliseconds, in the order of their ends.
    pub(crate) log: Vec<(usize, u64, u64)>,
    /// The most that were worked on at once.
    pub(crate) most: usize,
    /// How long it took, in milliseconds.
    pub(crate) took: u64,
}

impl Run {
    pub(crate) async fn of(n: usize, policy: Policy, script: Script) -> Self {
        Self::gated(n, policy, None, script).await
    }

    pub(crate) async fn gated(
        n: usize,
        policy: Policy,
        gate: Option<&dyn Gate>,
        script: Script,
    ) -> Self {
        Self::cancelled_by(n, policy, gate, script, &CancellationToken::new()).await
    }

    pub(crate) async fn cancelled_by(
        n: usize,
        policy: Policy,
        gate: Option<&dyn Gate>,
        script: Script,
        cancel: &CancellationToken,
    ) -> Self {
        let task = Fake {
            script,
            attempts: Mutex::default(),
            busy: Mutex::default(),
            begun: Instant::now(),
            log: Mutex::default(),
        };
        let (sender, mut receiver) = mpsc::channel(4);
        let nodes = nodes(n);
        let work = async {
            let report = spread(&nodes, &policy, gate, &task, &sender, cancel).await;
            drop(sender);
            report
        };
        let listen = async {
            let mut events = Vec::new();
            while let Some(event) = receiver.recv().await {
                events.push(event);
            }
            events
        };
        let (report, events) = tokio::join!(work, listen);
        let took = task.now();
        let run = Self {
            report,
            events,
            log: task.log.into_inner().unwrap(),
            most: task.busy.into_inner().unwrap().1,
            took,
        };
        run.check(n);
        run
    }

    /// What holds for every run, whatever became of it.
    fn check(&self, n: usize) {
        let mut ended: Vec<&str> = self.results().map(|r| r.node.as_str()).collect();
        ended.sort_unstable();
        ended.dedup();
        assert_eq!(ended.len(), n, "each node ends");
        assert_eq!(self.results().count(), n, "each node ends once");
        let mut counted = Report {
            nodes: n,
            ..Report::default()
        };
        self.results().for_each(|result| counted.count(result));
        let of = |r: &Report| (r.ok, r.failed, r.timeout, r.unreachable, r.cancelled);
        assert_eq!(
            of(&counted),
            of(&self.report),
            "the report says what the events said"
        );
        assert!(self.report.ok == n || !self.report.success || self.report.ok > 0);
    }

    pub(crate) fn results(&self) -> impl Iterator<Item = &NodeResult> {
        self.events.iter().filter_map(|event| match event {
            Event::NodeFinished(result) => Some(result),
            _ => None,
        })
    }

    pub(crate) fn result(&self, node: usize) -> &NodeResult {
        let id = format!("n{node}");
        self.results().find(|r| r.node.as_str() == id).unwrap()
    }

    /// Pauses before further attempts, in milliseconds.
    pub(crate) fn pauses(&self) -> Vec<u64> {
        let pause = |event: &Event| match event {
            Event::NodeRetry { delay_ms, .. } => Some(*delay_ms),
            _ => None,
        };
        self.events.iter().filter_map(pause).collect()
    }
}
