//! Probing many nodes: what `tow status` and `tow doctor` do on each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towline_core::{
    command::Mark,
    event::{Event, Failure, FailureKind, NodeResult, Report, Status, Stream},
    id::NodeId,
};
use towline_remote::{
    error::RemoteError,
    pool::Connect,
    run::{Gather, Outcome, Run, Sink},
};

use super::{Facts, ProbeError, Section, Unit, UnitName, UnitState, probe};
use crate::fanout::{Context, End, Task};

/// More than any report: what a node prints beyond it is dropped.
const LONGEST_REPORT: usize = 1024 * 1024;

/// Probes each node and keeps what it told.
pub struct Survey {
    /// How nodes are reached.
    connect: Arc<dyn Connect>,
    sections: Vec<Section>,
    units: Vec<UnitName>,
    timeout: Duration,
    told: Mutex<HashMap<NodeId, Told>>,
}

/// What a node told, and how fast.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What it told.
    pub facts: Facts,
    /// From sending the command to the first byte of its output: the way there and back, and the
    /// start of a shell.
    pub latency: Duration,
    /// How far its clock is ahead of ours, where it told its time.
    pub clock_offset: Option<ClockOffset>,
}

/// How far a clock is ahead of ours, and how exactly that is known, both in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockOffset {
    /// Negative when it is behind.
    pub ahead_ms: i64,
    /// The truth is no further away than this.
    pub within_ms: u64,
}

/// What is known about a node after a survey.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    /// Which node.
    pub node: NodeId,
    /// `ok` when it told, and every service asked about is up. `failed` when it told nothing of
    /// use, or one of them is not up: then the facts are there as well. Else as in [`NodeResult`].
    pub status: Status,
    /// From sending the probe to the first byte of its output, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// How far its clock is ahead of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockOffset>,
    /// What it told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// Why it told nothing, or which services are not up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// A line of `tow status --output json`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum StatusLine {
    /// A node, in the order they are finished. With `--watch`, each comes again and again.
    NodeStatus(Box<NodeStatus>),
    /// The last line, of each round with `--watch`.
    Report(Report),
}

impl NodeStatus {
    /// What became of a node, with what it told.
    #[must_use]
    pub fn new(result: &NodeResult, told: Option<Told>) -> Self {
        Self {
            node: result.node.clone(),
            status: result.status,
            latency_ms: told
                .as_ref()
                .map(|told| (told.latency.as_secs_f64() * 1e6).round() / 1e3),
            clock: told.as_ref().and_then(|told| told.clock_offset),
            facts: told.map(|told| told.facts),
            error: result.error.clone(),
        }
    }
}

impl Survey {
    /// Asks for `sections` and about `units`; a node gets `timeout` to answer once it is connected.
    #[must_use]
    pub fn new(
        connect: Arc<dyn Connect>,
        sections: &[Section],
        units: &[UnitName],
        timeout: Duration,
    ) -> Self {
        Self {
            connect,
            sections: sections.to_vec(),
            units: units.to_vec(),
            timeout,
            told: Mutex::default(),
        }
    }

    /// What a node told, once it is finished. A second call finds nothing.
    pub fn take(&self, node: &NodeId) -> Option<Told> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.remove(node)
    }

    fn end(&self, node: &NodeId, outcome: &Outcome, timed: Timed) -> End {
        match outcome {
            Outcome::Exited(_) => match Told::read(&timed) {
                Ok(told) => {
                    let end = units_end(&told.facts.units);
                    let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                    all.insert(node.clone(), told);
                    end
                }
                Err(error) => no_report(node, &error, &timed.gather.stderr),
            },
            Outcome::TimedOut(ending) => ended(
                Status::Timeout,
                FailureKind::Timeout,
                format!("told nothing within {:?}; {ending}", self.timeout),
                Some("see whether it still starts programs, or give it more time with -u".into()),
            ),
            Outcome::Cancelled(ending) => cancelled(ending.to_string()),
        }
    }
}

fn ended(status: Status, kind: FailureKind, message: String, hint: Option<String>) -> End {
    End {
        status,
        exit_code: None,
        signal: None,
        error: Some(Failure {
            kind,
            message,
            hint,
        }),
    }
}

fn cancelled(message: String) -> End {
    ended(Status::Cancelled, FailureKind::Cancelled, message, None)
}

/// Well when every service is up. One that the node knows nothing of is not.
fn units_end(units: &[Unit]) -> End {
    let not_up: Vec<String> = units
        .iter()
        .filter(|unit| unit.state != UnitState::Up)
        .map(|unit| match (unit.state, &unit.detail) {
            (UnitState::Absent, _) => format!("there is no service {}", unit.name),
            (_, Some(detail)) => format!("{} is not up: {detail}", unit.name),
            (UnitState::Unknown, None) => {
                format!("nothing is known of {}", unit.name)
            }
            (_, None) => format!("{} is not up", unit.name),
        })
        .collect();
    if not_up.is_empty() {
        return End::ok();
    }
    ended(Status::Failed, FailureKind::Unit, not_up.join("; "), None)
}

fn no_report(node: &NodeId, error: &ProbeError, stderr: &[u8]) -> End {
    let mut message = error.to_string();
    let said = String::from_utf8_lossy(stderr);
    if let Some(line) = said.lines().find(|line| !line.trim().is_empty()) {
        message = format!("{message}; standard error: {}", line.trim());
    }
    let hint = format!("see what a command prints there: tow exec -w {node} -- true");
    ended(Status::Failed, FailureKind::Command, message, Some(hint))
}

#[async_trait]
impl Task for Survey {
    async fn on(&self, context: &Context) -> Result<End, RemoteError> {
        let begun = Instant::now();
        let host = tokio::select! {
            () = context.cancel.cancelled() => {
                return Ok(cancelled("it was not connected yet".to_owned()));
            }
            host = self.connect.connect(&context.node) => host?,
        };
        let connected = Event::NodeConnected {
            node: context.node.id.clone(),
            after_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let _nobody_listens = context.events.send(connected).await;
        let command = probe(&self.sections, &self.units).timeout(Some(self.timeout));
        let mark = Mark::new(fastrand::u128(..));
        let mut timed = Timed::new();
        let outcome = Run::new(&*host, &command, &mark, &context.cancel)
            .execute(&mut timed)
            .await;
        let end = outcome.map(|outcome| self.end(&context.node.id, &outcome, timed));
        host.release().await;
        end
    }
}

/// Gathers a report and when it began to come.
struct Timed {
    gather: Gather,
    asked: Instant,
    asked_at: SystemTime,
    first: Option<Duration>,
}

impl Timed {
    fn new() -> Self {
        Self {
            gather: Gather::new(LONGEST_REPORT),
            asked: Instant::now(),
            asked_at: SystemTime::now(),
            first: None,
        }
    }
}

#[async_trait]
impl Sink for Timed {
    async fn take(&mut self, stream: Stream, data: Bytes) {
        if stream == Stream::Stdout && self.first.is_none() {
            self.first = Some(self.asked.elapsed());
        }
        self.gather.take(stream, data).await;
    }
}

impl Told {
    fn read(timed: &Timed) -> Result<Self, ProbeError> {
        let facts = Facts::parse(&timed.gather.stdout)?;
        let latency = timed.first.unwrap_or_default();
        let clock_offset = facts.clock.and_then(|clock| {
            let asked = timed.asked_at.duration_since(UNIX_EPOCH).ok()?.as_millis();
            let waited = u64::try_from(latency.as_millis()).ok()?;
            // The clock was read some time between asking and the first byte. One that tells
            // whole seconds is on average half of one further than it says.
            let half_second = i64::from(clock.resolution_ms / 2);
            let read = i64::try_from(asked).ok()? + i64::try_from(waited / 2).ok()?;
            Some(ClockOffset {
                ahead_ms: clock.epoch_ms.checked_add(half_second)?.checked_sub(read)?,
                within_ms: waited / 2 + u64::from(clock.resolution_ms / 2) + 1,
            })
        });
        Ok(Self {
            facts,
            latency,
            clock_offset,
        })
    }
}
