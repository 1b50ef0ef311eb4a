//! Exit codes: documented by `tow help exit-codes`, and chosen here alone.

use std::process::ExitCode;

use towline_core::event::{FailureKind, NodeResult, Report};

/// How `tow` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is well, on every node.
    Ok,
    /// Towline itself failed.
    Failure,
    /// The command line or the configuration makes no sense.
    Usage,
    /// A command's time was up, or a signal ended it.
    Timeout,
    /// A node could not be reached, did not let us in, or was lost.
    Unreachable,
    /// A command returned something else than 0.
    Remote,
    /// The user interrupted it.
    Interrupted,
    /// What `-S` asks for: the highest code any command returned.
    Highest(u8),
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Timeout => 3,
            Self::Unreachable => 4,
            Self::Remote => 5,
            Self::Interrupted => 130,
            Self::Highest(code) => code,
        }
    }

    /// The end of a run of which `seen` was seen: what is worst for whoever has to act on it comes first.
    pub(crate) fn of_report(report: &Report, seen: Seen, highest: bool) -> Self {
        let mut exit = if report.interrupted {
            Self::Interrupted
        } else if report.success {
            Self::Ok
        } else if report.unreachable > 0 || seen.lost {
            Self::Unreachable
        } else if report.timeout > 0 || seen.killed {
            Self::Timeout
        } else if report.failed > 0 {
            Self::Remote
        } else {
            Self::Failure
        };
        if highest && report.max_exit_code > 0 && !report.interrupted {
            // Codes beyond a byte are none that a shell could tell on.
            exit = Self::Highest(u8::try_from(report.max_exit_code).unwrap_or(u8::MAX));
        }
        exit
    }

    /// The end of what did not get as far as a run.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        if error.is::<Misuse>() {
            Self::Usage
        } else if error.is::<Interrupted>() {
            Self::Interrupted
        } else {
            Self::Failure
        }
    }
}

/// What the counts of a report do not tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// A signal ended a command.
    pub(crate) killed: bool,
    /// A connection was lost while a command ran.
    pub(crate) lost: bool,
}

impl Seen {
    /// Takes the end of a node into account.
    pub(crate) fn note(&mut self, result: &NodeResult) {
        self.killed |= result.signal.is_some();
        self.lost |= result
            .error
            .as_ref()
            .is_some_and(|error| error.kind == FailureKind::Closed);
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The user interrupted it before anything was begun.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// An error of whoever typed the command or wrote the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Misuse {
    message: String,
}

/// Makes an error the fault of the input, with its causes and what to do in the text.
pub(crate) fn misuse(message: impl std::fmt::Display, hint: Option<String>) -> anyhow::Error {
    let hint = hint
        .map(|hint| format!("\nhint: {hint}"))
        .unwrap_or_default();
    Misuse {
        message: format!("{message}{hint}"),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILLED: Seen = Seen {
        killed: true,
        lost: false,
    };
    const LOST: Seen = Seen {
        killed: true,
        lost: true,
    };

    fn report(ok: usize, failed: usize, timeout: usize, unreachable: usize) -> Report {
        let nodes = ok + failed + timeout + unreachable;
        Report {
            nodes,
            ok,
            failed,
            timeout,
            unreachable,
            success: ok == nodes,
            ..Report::default()
        }
    }

    #[test]
    fn no_failure_is_ever_told_as_success() {
        for (failed, timeout, unreachable) in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)] {
            let report = report(9, failed, timeout, unreachable);
            assert_ne!(Exit::of_report(&report, Seen::default(), false).code(), 0);
            assert_ne!(Exit::of_report(&report, Seen::default(), true).code(), 0);
        }
        assert_eq!(
            Exit::of_report(&report(3, 0, 0, 0), Seen::default(), false),
            Exit::Ok
        );
    }

    #[test]
    fn each_end_has_its_code() {
        assert_eq!(
            Exit::of_report(&report(1, 1, 0, 0), Seen::default(), false).code(),
            5
        );
        assert_eq!(
            Exit::of_report(&report(1, 1, 0, 0), KILLED, false).code(),
            3
        );
        assert_eq!(Exit::of_report(&report(1, 1, 0, 0), LOST, false).code(), 4);
        assert_eq!(
            Exit::of_report(&report(1, 1, 1, 0), Seen::default(), false).code(),
            3
        );
        assert_eq!(
            Exit::of_report(&report(1, 1, 1, 1), Seen::default(), false).code(),
            4
        );
        let interrupted = Report {
            interrupted: true,
            ..report(1, 0, 0, 0)
        };
        assert_eq!(
            Exit::of_report(&interrupted, Seen::default(), true).code(),
            130
        );
        let mut failed = report(1, 1, 0, 0);
        failed.max_exit_code = 42;
        assert_eq!(Exit::of_report(&failed, Seen::default(), true).code(), 42);
    }
}
