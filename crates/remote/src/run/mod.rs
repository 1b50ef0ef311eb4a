//! Running a command on a host from its start to its end, whatever way it ends.

mod become_talk;
mod end;
mod feed;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;
use towline_core::{
    command::{Command, Mark, Wire},
    event::Stream,
};

pub use self::end::Ending;
use self::{become_talk::Talk, feed::Feed};
use crate::{
    error::RemoteError,
    host::{ExitStatus, Host, Open, Process, ProcessEvent, ProcessInput, ProcessOutput, Queued},
};

/// Where the output of a command goes.
#[async_trait]
pub trait Sink: Send {
    /// Takes a piece of output. While this waits, the process waits: nothing piles up between.
    async fn take(&mut self, stream: Stream, data: Bytes);
}

/// Gathers output in memory, up to a limit for each stream; what is beyond is counted and dropped.
#[derive(Debug)]
pub struct Gather {
    /// Standard output so far.
    pub stdout: Vec<u8>,
    /// Standard error so far.
    pub stderr: Vec<u8>,
    /// Bytes that were dropped.
    pub dropped: u64,
    limit: usize,
}

impl Gather {
    /// With a limit in bytes for each stream.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            stdout: Vec::new(),
            stderr: Vec::new(),
            dropped: 0,
            limit,
        }
    }
}

#[async_trait]
impl Sink for Gather {
    async fn take(&mut self, stream: Stream, data: Bytes) {
        let into = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let fits = data.len().min(self.limit.saturating_sub(into.len()));
        into.extend_from_slice(&data[..fits]);
        self.dropped += (data.len() - fits) as u64;
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The command came to its own end.
    Exited(ExitStatus),
    /// Its time was up.
    TimedOut(Ending),
    /// The caller cancelled it.
    Cancelled(Ending),
}

/// A command about to be run on a host.
pub struct Run<'a> {
    /// Where.
    pub host: &'a dyn Host,
    /// What.
    pub command: &'a Command,
    /// What it will be known by on the node. Never use one twice.
    pub mark: &'a Mark,
    /// What is read where the command's input is [`Stdin::Stream`].
    pub stream: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// Ends the command when triggered.
    pub cancel: &'a CancellationToken,
    /// Whether it goes before commands that wait for one of the node's sessions.
    pub urgent: bool,
}

impl<'a> Run<'a> {
    /// With nothing to stream.
    #[must_use]
    pub fn new(
        host: &'a dyn Host,
        command: &'a Command,
        mark: &'a Mark,
        cancel: &'a CancellationToken,
    ) -> Self {
        Self {
            host,
            command,
            mark,
            stream: None,
            cancel,
            urgent: false,
        }
    }

    /// Runs the command until it ends, its time is up, or it is cancelled. In the last two cases
    /// its whole process tree is ended, and nothing else on the node.
    ///
    /// # Errors
    /// When the command could not be started, the connection was lost midway, or another account
    /// was not to be had. The command's own failure is an [`Outcome`], not an error.
    pub async fn execute(self, sink: &mut dyn Sink) -> Result<Outcome, RemoteError> {
        let Self {
            host,
            command,
            mark,
            stream,
            cancel,
            urgent,
        } = self;
        let Wire { line, prompt } = command.wire(mark)?;
        let feed = Feed::open(&command.stdin, stream).await?;
        let needs_terminal = prompt.as_ref().is_some_and(|p| p.terminal);
        let pty = command.pty.or(needs_terminal.then(Default::default));
        let deadline = after(command.timeout);
        tokio::pin!(deadline);
        let queued = Queued::default();
        let opening = host.open(Open {
            line,
            pty,
            urgent,
            queued: queued.clone(),
        });
        tokio::pin!(opening);
        let mut stop: Option<fn(Ending) -> Outcome> = None;
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Outcome::Cancelled as fn(Ending) -> Outcome),
            () = &mut deadline => Err(Outcome::TimedOut as fn(Ending) -> Outcome),
            process = &mut opening => Ok(process?),
        };
        let Process {
            mut output,
            mut input,
        } = match opened {
            Ok(process) => process,
            Err(outcome) if queued.is_waiting() => return Ok(outcome(Ending::NotStarted)),
            // It may have been started a moment ago: only knowing makes the ending exact.
            Err(outcome) => match tokio::time::timeout(MOMENT, opening).await {
                Ok(Ok(process)) => {
                    stop = Some(outcome);
                    process
                }
                Ok(Err(_)) => return Ok(outcome(Ending::NotStarted)),
                Err(_) => return Ok(outcome(Ending::Unknown(NO_WORD.to_owned()))),
            },
        };
        let talk = prompt.map(|prompt| Talk::new(prompt, command));
        let stop = match stop {
            Some(stop) => stop,
            None => {
                let work = converse(&mut *output, &mut *input, talk, feed, sink);
                tokio::pin!(work);
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => Outcome::Cancelled,
                    () = &mut deadline => Outcome::TimedOut,
                    exit = &mut work => return exit.map(Outcome::Exited),
                }
            }
        };
        let ending = end::end(host, command, mark, &mut *output, &mut *input).await;
        input.close().await;
        Ok(stop(ending))
    }
}

/// How long the answer to a request that is no longer wanted is still waited for.
const MOMENT: Duration = Duration::from_secs(1);

/// Why nothing is known of a process.
const NO_WORD: &str = "the node has not said whether it was started";

async fn after(timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => tokio::time::sleep(timeout).await,
        None => std::future::pending().await,
    }
}

/// Asks for the other account, then feeds the process and takes what it writes, both at once,
/// until it exits.
async fn converse(
    output: &mut dyn ProcessOutput,
    input: &mut dyn ProcessInput,
    talk: Option<Talk>,
    feed: Feed,
    sink: &mut dyn Sink,
) -> Result<ExitStatus, RemoteError> {
    if let Some(talk) = talk {
        talk.hold(output, input, sink).await?;
    }
    let feeding = feed.all(input);
    tokio::pin!(feeding);
    let mut fed = false;
    loop {
        tokio::select! {
            // Taking comes first: a process may write before it reads, and one that ends
            // without reading all is no failure: its exit status tells.
            biased;
            event = output.next() => match event? {
                ProcessEvent::Output(stream, data) => sink.take(stream, data).await,
                ProcessEvent::Exit(status) => return Ok(status),
            },
            result = &mut feeding, if !fed => {
                fed = true;
                if let Err(error @ RemoteError::Local { .. }) = result {
                    return Err(error);
                }
            }
        }
    }
}
