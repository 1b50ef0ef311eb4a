//! What can go wrong with a bed.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a bed could not be made, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum BedError {
    /// This machine cannot run the bed's containers: a tool or a privilege is missing, or the
    /// engine does not start. Tests that need a bed are to be left out, with this reason.
    #[error("cannot start containers on this machine: {reason}")]
    CannotStart {
        /// What is missing, in words for the person who runs the tests.
        reason: String,
    },
    /// A tool ran and failed.
    #[error("{command} ended with {status}: {stderr}")]
    Tool {
        /// The command line, for reading only.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said on stderr, trimmed.
        stderr: String,
    },
    /// A tool could not be run at all.
    #[error("cannot run {program}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the bed could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The state file is there and is not one.
    #[error("{} is not the state of a bed", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// There is no bed, or its containers are gone.
    #[error("no bed is up: {reason}")]
    NotUp {
        /// What was looked at.
        reason: String,
    },
    /// The bed has no node of that name.
    #[error("no node {name} in the bed, which has {known}")]
    NoSuchNode {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// More nodes than there are addresses, or none.
    #[error("a bed has 1 to {most} nodes, not {asked}")]
    Count {
        /// What was asked for.
        asked: usize,
        /// The most there can be.
        most: usize,
    },
    /// Something did not come about in time.
    #[error("{what} after {} s: {last}", waited.as_secs())]
    Deadline {
        /// What was waited for, as in 'n1 is not ready'.
        what: String,
        /// For how long.
        waited: Duration,
        /// What was seen last.
        last: String,
    },
    /// A tool's output was not what it is known to print.
    #[error("{command} printed something unexpected: {output}")]
    Output {
        /// The command line, for reading only.
        command: String,
        /// What it printed.
        output: String,
    },
}

impl BedError {
    /// What to type next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotUp { .. } => Some("cargo xtask testbed up"),
            Self::State { .. } => Some("cargo xtask testbed down"),
            Self::CannotStart { .. } => Some(
                "scripts/install-packages.sh @scripts/packages/testbed.txt, and run it as root",
            ),
            _ => None,
        }
    }
}
