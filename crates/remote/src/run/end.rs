//! Ending exactly the process tree that a command has started.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use towline_core::command::{Command, Mark, Script, Stdin};

use super::{Gather, Outcome, Run};
use crate::{
    error::RemoteError,
    host::{ExitStatus, Host, ProcessEvent, ProcessInput, ProcessOutput, Signal},
};

/// The script that ends what carries a mark.
const END: Script = Script {
    name: "end.sh",
    text: include_str!("end.sh"),
};

/// Tenths of a second between TERM and KILL.
const GRACE: &str = "8";

/// How long the ending may take on a node that answers slowly, before it is given up.
const LIMIT: Duration = Duration::from_secs(5);

/// What became of a process tree that was to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There was none yet.
    NotStarted,
    /// It is gone: this many processes.
    Ended(u32),
    /// So many were ended, and so many could not be.
    Left {
        /// Processes that are gone.
        ended: u32,
        /// Processes that are still there.
        left: u32,
    },
    /// It could not be looked at; the text says why. What is known of it may still run.
    Unknown(String),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotStarted => f.write_str("nothing was started on the node"),
            Self::Ended(0) => f.write_str("its processes had ended by themselves"),
            Self::Ended(1) => f.write_str("its process was ended"),
            Self::Ended(n) => write!(f, "its {n} processes were ended"),
            Self::Left { ended, left } => {
                write!(f, "{ended} of its processes were ended, {left} still run")
            }
            Self::Unknown(why) => write!(f, "its processes may still run on the node: {why}"),
        }
    }
}

/// Ends the process tree of `command`, with the same rights it was started with.
pub(super) async fn end(
    host: &dyn Host,
    command: &Command,
    mark: &Mark,
    output: &mut dyn ProcessOutput,
    input: &mut dyn ProcessInput,
) -> Ending {
    let ending = tokio::time::timeout(LIMIT, async {
        // The process's output has to be taken all the while: were it left lying, the
        // connection could carry nothing else.
        tokio::select! {
            ending = end_by_mark(host, command, mark) => ending,
            () = drain(output) => Err(RemoteError::Closed { reason: "midway".to_owned() }),
        }
    });
    match ending.await {
        Ok(Ok(ending)) => ending,
        Ok(Err(error)) => by_signal(input, error.to_string()).await,
        Err(_) => by_signal(input, format!("no answer within {} s", LIMIT.as_secs())).await,
    }
}

/// Takes what a process writes until the connection is lost; never returns before.
async fn drain(output: &mut dyn ProcessOutput) {
    loop {
        match output.next().await {
            Ok(ProcessEvent::Output(..)) => {}
            Ok(ProcessEvent::Exit(_)) => return std::future::pending().await,
            Err(_) => return,
        }
    }
}

async fn end_by_mark(
    host: &dyn Host,
    command: &Command,
    mark: &Mark,
) -> Result<Ending, RemoteError> {
    let stdin = Stdin::Bytes(format!("{}\n", mark.assignment()).into());
    let ender = Command::script(END, [GRACE])
        .stdin(stdin)
        .become_(command.become_.clone());
    let mut said = Gather::new(4096);
    let own_mark = Mark::new(fastrand::u128(..));
    let never = CancellationToken::new();
    let mut run = Run::new(host, &ender, &own_mark, &never);
    run.urgent = true;
    let outcome = Box::pin(run.execute(&mut said)).await?;
    let text = String::from_utf8_lossy(&said.stdout);
    // A login shell may have written something of its own before.
    let last = text.lines().next_back().unwrap_or_default();
    let counts = last
        .strip_prefix("ended ")
        .and_then(|t| t.split_once(" left "));
    let counts = counts.and_then(|(e, l)| Some((e.parse().ok()?, l.parse().ok()?)));
    Ok(match (outcome, counts) {
        (Outcome::Exited(ExitStatus::Code(0)), Some((ended, 0))) => Ending::Ended(ended),
        (Outcome::Exited(ExitStatus::Code(0)), Some((ended, left))) => Ending::Left { ended, left },
        _ => Ending::Unknown(format!(
            "ending them failed: {}",
            String::from_utf8_lossy(&said.stderr).trim()
        )),
    })
}

/// The last resort: the signals that SSH itself can carry, which reach one process group.
async fn by_signal(input: &mut dyn ProcessInput, why: String) -> Ending {
    for signal in [Signal::Terminate, Signal::Kill] {
        // Best effort on a connection that has failed already.
        let _sent = tokio::time::timeout(Duration::from_millis(200), input.signal(signal)).await;
    }
    Ending::Unknown(why)
}
