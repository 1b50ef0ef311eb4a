//! The inventory: which machines there are, how they are reached, and how they are grouped.
//!
//! [`find_config`] finds `towline.yaml`, [`ConfigFile`] reads it, [`Source`] is what nodes come
//! from, and [`Inventory`] is what comes of it all. Nothing here reads the environment or opens a
//! connection.

mod config;
mod decode;
mod fault;
mod file;
mod gather;
mod locate;
mod located;
mod problem;
mod resolve;
mod source;
mod tree;
mod yaml;

pub use self::{
    config::{
        Cluster, Config, DockerUrl, Elevate, Group, GroupName, HostKeys, HostName, IdPattern, Jump,
        LabelKey, LabelValue, Login, NodeEntry, Port, Role, SourceEntry, Ssh, Transport, Wait,
        schema,
    },
    file::ConfigFile,
    gather::Inventory,
    locate::{Found, Look, find_config},
    located::Located,
    problem::Problem,
    resolve::{Declared, Origin, Part, Spot},
    source::{AdHocNodes, CommandSource, Source},
};

use std::{io, path::PathBuf, time::Duration};

use towline_core::id::NodeId;

/// Why there is no inventory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The file or folder that was asked for by name is not there.
    #[error("{} is not there", path.display())]
    Missing {
        /// What was asked for.
        path: PathBuf,
    },
    /// A file that was come across could have been put there by anyone.
    #[error("{} is not used: {reason}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is doubtful about it.
        reason: String,
    },
    /// The file can not be read.
    #[error("{} can not be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The contents are wrong.
    #[error("{}", listed(problems))]
    Invalid {
        /// Everything that was found, in the order of the text.
        problems: Vec<Problem>,
    },
    /// Two sources know a node of the same name.
    #[error("the node id `{id}` is there twice: in {first} and in {second}")]
    Duplicate {
        /// The name.
        id: NodeId,
        /// Where it stands first.
        first: Origin,
        /// Where it stands again.
        second: Origin,
    },
    /// The program of a source can not be started.
    #[error("the inventory command {command} can not be started")]
    NotStarted {
        /// The command's words.
        command: String,
        /// What the system says.
        source: io::Error,
    },
    /// The program of a source failed.
    #[error("the inventory command {command} failed ({status}){}", said(stderr))]
    CommandFailed {
        /// The command's words.
        command: String,
        /// Its exit code or signal.
        status: String,
        /// The end of what it wrote on stderr.
        stderr: String,
    },
    /// The program of a source took too long, or wrote too much, and was killed.
    #[error("the inventory command {command} was killed: {reason}{}", said(stderr))]
    CommandKilled {
        /// The command's words.
        command: String,
        /// What it did.
        reason: Excess,
        /// The end of what it wrote on stderr.
        stderr: String,
    },
    /// What the program of a source printed is no JSON.
    #[error(
        "the inventory command {command} printed something that is no JSON{}",
        said(stderr)
    )]
    NotJson {
        /// The command's words.
        command: String,
        /// Where it stopped to be JSON.
        source: serde_json::Error,
        /// The end of what it wrote on stderr.
        stderr: String,
    },
}

/// Which limit a command went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// It did not end in time.
    #[error("it did not end within {0:?}")]
    Time(Duration),
    /// It printed more than this many bytes.
    #[error("it printed more than {0} bytes")]
    Output(u64),
}

impl InventoryError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("create it, or name another one with --config".into()),
            Self::Untrusted { path, .. } => Some(format!(
                "if you trust it, name it: --config {}",
                path.display()
            )),
            Self::Unreadable { .. } | Self::Invalid { .. } => None,
            Self::Duplicate { .. } => Some("give one of them another id".into()),
            Self::NotStarted { .. } => {
                Some("`command` is a program and its arguments, run without a shell".into())
            }
            Self::CommandFailed { .. } => None,
            Self::CommandKilled { reason, .. } => match reason {
                Excess::Time(_) => Some("give it more with `timeout` beside `command`".into()),
                Excess::Output(_) => None,
            },
            Self::NotJson { .. } => Some(
                r#"print {"nodes": [{"id": "web-01"}]} on stdout and the rest on stderr"#.into(),
            ),
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

fn said(stderr: &str) -> String {
    match stderr.trim_end() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}
