//! A command for a node, as a value. Only [`wire`] turns one into what a shell reads.

mod account;
mod wire;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    account::{Account, InvalidAccount},
    wire::{BecomePrompt, CommandError, Mark, Wire},
};
use crate::secret::Secret;

/// A command for a node.
#[derive(Clone)]
pub struct Command {
    /// What is run.
    pub action: Action,
    /// Environment variables set for it, beside those the login sets.
    pub env: BTreeMap<String, Vec<u8>>,
    /// The folder it is run in; the home of the account when `None`.
    pub cwd: Option<Vec<u8>>,
    /// What it reads.
    pub stdin: Stdin,
    /// The account it is run as, when that is not the one logged in to.
    pub become_: Option<Become>,
    /// The size of the terminal it gets, when it gets one. Its two output streams are then one.
    pub pty: Option<PtySize>,
    /// How long it may take before its process tree is ended.
    pub timeout: Option<Duration>,
}

/// What a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A program and its arguments, each passed on exactly as it is.
    Argv(Vec<Vec<u8>>),
    /// A line for the login shell of the account, as it is: `ssh host LINE` does the same.
    Line(Vec<u8>),
    /// A POSIX sh script and the values of its `$1`, `$2`, ….
    Script(Script, Vec<Vec<u8>>),
}

/// A POSIX sh script kept in a file of its own and compiled in with `include_str!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its file name: what the node's process list and its own messages call it.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// What a command reads on its standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: end of file at once.
    #[default]
    Null,
    /// These bytes.
    Bytes(Bytes),
    /// What a file on this machine holds; every node reads it from its beginning.
    File(PathBuf),
    /// What the caller writes to the running process.
    Stream,
}

/// The wish to be another account on the node.
#[derive(Clone)]
pub struct Become {
    /// Whom to be.
    pub account: Account,
    /// By which program.
    pub method: BecomeMethod,
    /// The password it will ask for. Without one, the command fails where one is needed.
    pub password: Option<Secret>,
}

/// The program that lets an account be another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BecomeMethod {
    /// sudo 1.8 or later.
    #[default]
    Sudo,
    /// `OpenDoas`; it reads passwords from a terminal only.
    Doas,
}

/// A terminal's size in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PtySize {
    /// Width.
    pub columns: u16,
    /// Height.
    pub rows: u16,
}

impl Default for PtySize {
    fn default() -> Self {
        Self {
            columns: 80,
            rows: 24,
        }
    }
}

impl Command {
    fn of(action: Action) -> Self {
        Self {
            action,
            env: BTreeMap::new(),
            cwd: None,
            stdin: Stdin::Null,
            become_: None,
            pty: None,
            timeout: None,
        }
    }

    /// A program and its arguments.
    pub fn argv<T: Into<Vec<u8>>>(argv: impl IntoIterator<Item = T>) -> Self {
        Self::of(Action::Argv(argv.into_iter().map(Into::into).collect()))
    }

    /// A line for the login shell.
    pub fn line(line: impl Into<Vec<u8>>) -> Self {
        Self::of(Action::Line(line.into()))
    }

    /// A script and the values of its positional parameters.
    pub fn script<T: Into<Vec<u8>>>(script: Script, args: impl IntoIterator<Item = T>) -> Self {
        Self::of(Action::Script(
            script,
            args.into_iter().map(Into::into).collect(),
        ))
    }

    /// What a user typed after `--`: one word is a line for the login shell, several are a
    /// program and its arguments, each quoted.
    #[must_use]
    pub fn typed(mut words: Vec<Vec<u8>>) -> Self {
        match words.len() {
            1 => Self::line(words.remove(0)),
            _ => Self::argv(words),
        }
    }

    /// The same command, reading `stdin`.
    #[must_use]
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// The same command, run as another account.
    #[must_use]
    pub fn become_(mut self, become_: Option<Become>) -> Self {
        self.become_ = become_;
        self
    }

    /// The same command with a limit on its run time.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }
}

impl BecomeMethod {
    /// The program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Doas => "doas",
        }
    }
}
