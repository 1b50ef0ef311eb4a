//! What can be wrong with a client configuration, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::oracle::OracleError;
use super::tokens::ExpandError;

/// A place in a configuration file. Line and column count from 1; line 0 is the command line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file as it was opened; `command-line` for `-o` options.
    pub file: Arc<Path>,
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.write_str("-o");
        }
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A keyword alone on its line.
    #[error("no value after {0}")]
    NoValue(String),
    /// A quotation mark without its partner.
    #[error("a quotation mark is not closed")]
    Quotes,
    /// The value is not there (an empty one counts as none).
    #[error("{0} needs a value")]
    MissingValue(String),
    /// More words than the keyword takes.
    #[error("{0} takes no further words")]
    ExtraWords(String),
    /// A value that the keyword does not take.
    #[error("{value:?} is not {expected}")]
    BadValue {
        /// As it is written.
        value: String,
        /// What would have been right, with its article.
        expected: &'static str,
    },
    /// A keyword that nobody knows and `IgnoreUnknown` does not name.
    #[error("{0} is not a keyword of ssh_config")]
    UnknownKeyword(String),
    /// A criterion that `Match` does not have.
    #[error("{0} is not a criterion of Match")]
    UnknownCriterion(String),
    /// `Match all` beside other criteria, or `Match` without any.
    #[error("{0}")]
    BadMatch(&'static str),
    /// `Host`, `Match` and `Include` belong in files.
    #[error("{0} can not be given as an option")]
    FileOnly(String),
    /// A directive that is not valid UTF-8.
    #[error("the line is not valid UTF-8")]
    NotUtf8,
    /// A variable or token in the value can not be replaced.
    #[error(transparent)]
    Expand(#[from] ExpandError),
}

/// Why no settings could be given for a host.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that must be there can not be read.
    #[error("can not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else may write the file, so it can not be trusted.
    #[error("bad owner or permissions on {}", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
    },
    /// Files that include each other, or a chain of more than 16.
    #[error("{place}: more than 16 files include each other")]
    TooDeep {
        /// The `Include` that goes too far.
        place: Place,
    },
    /// A line that ssh would refuse too.
    #[error("{place}: {problem}")]
    Line {
        /// Where.
        place: Place,
        /// What.
        problem: Problem,
    },
    /// A setting whose tokens can not be replaced for this host.
    #[error("can not expand {keyword} {template:?}")]
    Expand {
        /// The setting.
        keyword: &'static str,
        /// As it is written.
        template: String,
        /// Why.
        source: ExpandError,
    },
    /// A host name with characters that a shell would act on.
    #[error("host name {0:?} has characters that are not allowed")]
    BadHost(String),
    /// A user name with characters that a shell would act on.
    #[error("user name {0:?} has characters that are not allowed")]
    BadUser(String),
    /// The jump host is the host itself.
    #[error("{0} is its own jump host")]
    JumpLoop(String),
    /// Settings that contradict each other or make no sense.
    #[error("{0}")]
    Senseless(&'static str),
    /// The system's ssh had to be asked and did not answer.
    #[error("can not ask ssh what it would do for {host}")]
    Oracle {
        /// The host as typed.
        host: String,
        /// Why.
        source: OracleError,
    },
}

impl ConfigError {
    /// What to type next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Permissions { path } => Some(format!(
                "make the file yours alone: chmod go-w {0} and chown it to yourself",
                path.display()
            )),
            Self::Line {
                problem: Problem::UnknownKeyword(word),
                ..
            } => Some(format!(
                "if another program needs it, put `IgnoreUnknown {word}` above it"
            )),
            Self::Line {
                problem: Problem::Quotes,
                ..
            } => Some("write a literal quotation mark as \\\" or \\'".to_owned()),
            Self::TooDeep { .. } => Some("look for a file that includes itself".to_owned()),
            Self::Read { path, .. } => Some(format!(
                "check the path {}, or leave out -F",
                path.display()
            )),
            Self::Oracle { .. } => {
                Some("try `ssh -G HOST` by hand; apt-get install openssh-client".to_owned())
            }
            _ => None,
        }
    }
}
