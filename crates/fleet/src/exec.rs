//! Running one command on a node: what `tow exec` does on each.

use std::{collections::HashMap, sync::Arc, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;
use towline_core::{
    command::{Become, Command, Mark},
    event::{Data, Event, Failure, FailureKind, Status, Stream},
    id::NodeId,
    secret::{RedactedStream, Redactor},
};
use towline_remote::{
    error::RemoteError,
    host::ExitStatus,
    pool::Connect,
    run::{Ending, Outcome, Run, Sink},
};

use crate::fanout::{Context, End, Task};

/// Runs one command on each node and tells what it writes as it writes it.
pub struct Exec {
    /// How nodes are reached.
    pub connect: Arc<dyn Connect>,
    /// What is run.
    pub command: Command,
    /// Whom it is run as, on nodes where that is another account.
    pub become_: HashMap<NodeId, Become>,
    /// What must not be told on, should a command write it.
    pub redactor: Redactor,
}

#[async_trait]
impl Task for Exec {
    async fn on(&self, context: &Context) -> Result<End, RemoteError> {
        let begun = Instant::now();
        let host = tokio::select! {
            () = context.cancel.cancelled() => return Ok(cancelled(&Ending::NotStarted)),
            host = self.connect.connect(&context.node) => host?,
        };
        let connected = Event::NodeConnected {
            node: context.node.id.clone(),
            after_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let _nobody_listens = context.events.send(connected).await;
        let mark = Mark::new(fastrand::u128(..));
        let mut telling = Telling::new(context, &self.redactor);
        let become_ = self.become_.get(&context.node.id).cloned();
        let command = self.command.clone().become_(become_);
        let run = Run::new(&*host, &command, &mark, &context.cancel);
        let outcome = run.execute(&mut telling).await;
        telling.finish().await;
        let end = outcome.map(|outcome| self.end(outcome));
        host.release().await;
        end
    }
}

impl Exec {
    fn end(&self, outcome: Outcome) -> End {
        match outcome {
            Outcome::Exited(ExitStatus::Code(0)) => End::ok(),
            Outcome::Exited(ExitStatus::Code(code)) => End {
                status: Status::Failed,
                exit_code: Some(code),
                signal: None,
                error: None,
            },
            Outcome::Exited(ExitStatus::Signal(signal)) => End {
                status: Status::Failed,
                exit_code: None,
                signal: Some(signal),
                error: None,
            },
            Outcome::Cancelled(ending) => cancelled(&ending),
            Outcome::TimedOut(ending) => {
                let limit = self.command.timeout.unwrap_or_default();
                let error = Failure {
                    kind: FailureKind::Timeout,
                    message: format!("not done after {limit:?}; {ending}"),
                    hint: Some("-u SECONDS gives it more time".to_owned()),
                };
                End {
                    status: Status::Timeout,
                    exit_code: None,
                    signal: None,
                    error: Some(error),
                }
            }
        }
    }
}

fn cancelled(ending: &Ending) -> End {
    let error = Failure {
        kind: FailureKind::Cancelled,
        message: ending.to_string(),
        hint: None,
    };
    End {
        status: Status::Cancelled,
        exit_code: None,
        signal: None,
        error: Some(error),
    }
}

/// Tells output on as events, without the secrets.
struct Telling {
    node: NodeId,
    events: mpsc::Sender<Event>,
    streams: [RedactedStream; 2],
}

impl Telling {
    fn new(context: &Context, redactor: &Redactor) -> Self {
        let streams = [redactor.stream(), redactor.stream()];
        Self {
            node: context.node.id.clone(),
            events: context.events.clone(),
            streams,
        }
    }

    async fn tell(&self, stream: Stream, data: Bytes) {
        if data.is_empty() {
            return;
        }
        let event = Event::Output {
            node: self.node.clone(),
            stream,
            data: Data(data),
        };
        let _nobody_listens = self.events.send(event).await;
    }

    /// Tells what was held back in case a secret had begun.
    async fn finish(mut self) {
        let [stdout, stderr] = &mut self.streams;
        let (stdout, stderr) = (stdout.finish(), stderr.finish());
        self.tell(Stream::Stdout, stdout).await;
        self.tell(Stream::Stderr, stderr).await;
    }
}

#[async_trait]
impl Sink for Telling {
    async fn take(&mut self, stream: Stream, data: Bytes) {
        let redactor = match stream {
            Stream::Stdout => &mut self.streams[0],
            Stream::Stderr => &mut self.streams[1],
        };
        let shown = redactor.push(data);
        self.tell(stream, shown).await;
    }
}
