//! From a [`Command`] to the line that the login shell of a node reads.
//!
//! The line sets the variable `TOWLINE_ID` to a [`Mark`] that no other process has. All that the
//! command starts inherits it, so that the whole tree can be found and ended later, and nothing
//! else. What a mark is found by is in the script that does the ending.

use std::fmt;

use super::{Action, Become, BecomeMethod, Command, Stdin};
use crate::{
    quote::{NulInArgument, quote_into},
    secret::Secret,
};

/// The variable that carries the mark.
const VARIABLE: &str = "TOWLINE_ID";

/// The longest line that sshd can hand to a login shell, in bytes: on Linux no single argument of
/// a program is longer than 32 pages of memory, the NUL at its end included.
const MAX_LINE: usize = 131_071;

/// What tells one started command from every other: 128 random bits in hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark(String);

impl Mark {
    /// A mark of random bits, which the caller provides.
    #[must_use]
    pub fn new(random: u128) -> Self {
        Self(format!("{random:032x}"))
    }

    /// `TOWLINE_ID=…`, as it stands in the environment of what carries the mark.
    #[must_use]
    pub fn assignment(&self) -> String {
        format!("{VARIABLE}={}", self.0)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command in the form that goes over the wire.
pub struct Wire {
    /// The line for the login shell: POSIX sh, bash, zsh or fish.
    pub line: Vec<u8>,
    /// What to wait for before the command's own input may be sent, where another account is to
    /// be had by password.
    pub prompt: Option<BecomePrompt>,
}

/// The talk with sudo or doas before a command starts: it writes either a question, to be answered
/// with the password and a newline, or that the command is about to start.
#[derive(Clone)]
pub struct BecomePrompt {
    /// What is written when the password is wanted. A second time means that it was wrong.
    pub ask: Vec<u8>,
    /// What is written right before the command starts. What came before is not the command's.
    pub ready: Vec<u8>,
    /// The answer, where there is one; without it the program was told not to ask.
    pub password: Option<Secret>,
    /// Whether the talk needs a terminal, as doas does.
    pub terminal: bool,
}

/// Why a command can not be put on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no program.
    #[error("the command is empty")]
    Empty,
    /// A NUL byte, which no argument, variable or path can hold.
    #[error("the command holds a NUL byte, which no shell and no program can take")]
    Nul,
    /// More than the system lets a program be given in one piece, quoting included.
    #[error(
        "the command is {bytes} bytes long once quoted, and a shell takes {MAX_LINE} at most; \
         what is long can be given to it on standard input"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// A variable that no shell could set.
    #[error("{0:?} is no name of an environment variable")]
    VariableName(String),
    /// A file or a stream as input, where a program asks for the password at a terminal.
    #[error(
        "doas asks for its password at a terminal, which can not carry a file to the command as \
         well: let doas not ask ('permit nopass' in /etc/doas.conf), or use sudo"
    )]
    TerminalInput,
}

impl From<NulInArgument> for CommandError {
    fn from(_: NulInArgument) -> Self {
        Self::Nul
    }
}

impl Command {
    /// The form that goes over the wire, carrying `mark`.
    ///
    /// # Errors
    /// When the command can not be said in any shell's language, or is too long for any.
    pub fn wire(&self, mark: &Mark) -> Result<Wire, CommandError> {
        let wire = self.unbounded_wire(mark)?;
        match wire.line.len() {
            ..=MAX_LINE => Ok(wire),
            bytes => Err(CommandError::TooLong { bytes }),
        }
    }

    fn unbounded_wire(&self, mark: &Mark) -> Result<Wire, CommandError> {
        for name in self.env.keys() {
            if !is_variable_name(name) {
                return Err(CommandError::VariableName(name.clone()));
            }
        }
        match &self.become_ {
            None => Ok(Wire {
                line: self.inner(mark, b"")?,
                prompt: None,
            }),
            Some(become_) => self.wire_as_other(become_, mark),
        }
    }

    /// The command as a person would type it to the node's shell: for plans and reports.
    #[must_use]
    pub fn display(&self) -> String {
        let mut out = Vec::new();
        if let Some(become_) = &self.become_ {
            let words = [
                become_.method.program(),
                "-u",
                become_.account.as_str(),
                "--",
            ];
            out.extend_from_slice(words.join(" ").as_bytes());
            out.push(b' ');
        }
        let shown = match &self.action {
            Action::Argv(words) => push_words(&mut out, words.iter().map(Vec::as_slice)),
            Action::Line(line) => {
                out.extend_from_slice(line);
                Ok(())
            }
            Action::Script(script, args) => {
                let name = std::iter::once(script.name.as_bytes());
                push_words(&mut out, name.chain(args.iter().map(Vec::as_slice)))
            }
        };
        match shown {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// The line that does the work once the right account is had, which begins with `lead`.
    fn inner(&self, mark: &Mark, lead: &[u8]) -> Result<Vec<u8>, CommandError> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(lead);
        self.push_variables(&mut out, mark)?;
        if let Some(cwd) = &self.cwd {
            out.extend_from_slice(b"cd ");
            // Without a leading slash or dot the shell would look in CDPATH or see a flag.
            if !cwd.starts_with(b"/") && !cwd.starts_with(b".") {
                out.extend_from_slice(b"./");
            }
            quote_into(&mut out, cwd)?;
            out.extend_from_slice(b" || exit 1; ");
        }
        match &self.action {
            Action::Argv(argv) => {
                let (program, args) = argv.split_first().ok_or(CommandError::Empty)?;
                if program.is_empty() {
                    return Err(CommandError::Empty);
                }
                // Bare, `if` would be a reserved word and `a=b` an assignment.
                let mut quoted = Vec::with_capacity(program.len() + 2);
                quote_into(&mut quoted, program)?;
                if quoted == *program {
                    quoted.insert(0, b'\'');
                    quoted.push(b'\'');
                }
                out.append(&mut quoted);
                for arg in args {
                    out.push(b' ');
                    quote_into(&mut out, arg)?;
                }
            }
            Action::Line(line) => {
                if line.contains(&0) {
                    return Err(CommandError::Nul);
                }
                out.extend_from_slice(line);
            }
            Action::Script(script, args) => {
                let head = [
                    &b"sh"[..],
                    b"-c",
                    script.text.as_bytes(),
                    script.name.as_bytes(),
                ];
                push_words(
                    &mut out,
                    head.into_iter().chain(args.iter().map(Vec::as_slice)),
                )?;
            }
        }
        Ok(out)
    }

    fn push_variables(&self, out: &mut Vec<u8>, mark: &Mark) -> Result<(), CommandError> {
        out.extend_from_slice(b"export ");
        out.extend_from_slice(mark.assignment().as_bytes());
        for (name, value) in &self.env {
            out.push(b' ');
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            quote_into(out, value)?;
        }
        out.extend_from_slice(b"; ");
        Ok(())
    }

    /// `sudo -u ACCOUNT -- sh -c INNER`: what stands in INNER is what a login would have run.
    fn wire_as_other(&self, become_: &Become, mark: &Mark) -> Result<Wire, CommandError> {
        let ask = format!("[towline {mark} asks]");
        let ready = format!("[towline {mark} starts]");
        let account = become_.account.as_str();
        let words: Vec<&str> = match (become_.method, &become_.password) {
            (BecomeMethod::Sudo, None) => vec!["sudo", "-n", "-u", account, "--"],
            (BecomeMethod::Sudo, Some(_)) => vec!["sudo", "-S", "-p", &ask, "-u", account, "--"],
            (BecomeMethod::Doas, None) => vec!["doas", "-n", "-u", account, "--"],
            (BecomeMethod::Doas, Some(_)) => vec!["doas", "-u", account, "--"],
        };
        let doas = become_.method == BecomeMethod::Doas;
        let terminal = doas && become_.password.is_some();
        let inner = self.inner(mark, &self.lead(ready.as_bytes(), terminal)?)?;
        let mut line = Vec::with_capacity(inner.len() + 128);
        let words = words.iter().map(|word| word.as_bytes());
        push_words(&mut line, words.chain([&b"/bin/sh"[..], b"-c", &inner]))?;
        let password = become_.password.clone();
        Ok(Wire {
            line,
            prompt: Some(BecomePrompt {
                ask: if doas {
                    b") password: ".to_vec()
                } else {
                    ask.into_bytes()
                },
                ready: ready.into_bytes(),
                terminal,
                password,
            }),
        })
    }

    /// Says that the command starts, and hides from it a terminal that is there for the password
    /// only: output stays as it is written, and input ends at once or is what is typed.
    fn lead(&self, ready: &[u8], terminal: bool) -> Result<Vec<u8>, CommandError> {
        let hidden = terminal && self.pty.is_none();
        let mut out = Vec::new();
        if hidden {
            out.extend_from_slice(b"stty -echo -opost 2>/dev/null; ");
        }
        out.extend_from_slice(b"printf %s ");
        quote_into(&mut out, ready)?;
        out.extend_from_slice(b" >&2; ");
        match self.stdin {
            Stdin::Null if hidden => out.extend_from_slice(b"exec </dev/null; "),
            Stdin::File(_) | Stdin::Stream if hidden => return Err(CommandError::TerminalInput),
            _ => {}
        }
        Ok(out)
    }
}

fn push_words<'a>(
    out: &mut Vec<u8>,
    words: impl Iterator<Item = &'a [u8]>,
) -> Result<(), NulInArgument> {
    for (at, word) in words.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        quote_into(out, word)?;
    }
    Ok(())
}

fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests;
