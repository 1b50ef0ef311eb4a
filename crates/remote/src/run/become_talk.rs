//! The talk with sudo or doas before a command starts.

use bytes::{Bytes, BytesMut};
use towline_core::{
    command::{BecomePrompt, Command},
    event::Stream,
};

use super::Sink;
use crate::{
    error::{BecomeRefusal, RemoteError},
    host::{ProcessEvent, ProcessInput, ProcessOutput},
};

/// The most that is heard before a command starts: a lecture, a banner, a question.
const LIMIT: usize = 64 * 1024;

/// The state of the talk.
pub(super) struct Talk {
    prompt: BecomePrompt,
    stream: Stream,
    program: &'static str,
    account: String,
    heard: BytesMut,
    asked: bool,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// Nothing that matters yet.
    Nothing,
    /// The password is wanted: these bytes are the answer.
    Question(Bytes),
    /// The command starts; this is the first of its output.
    Start(Bytes),
}

impl Talk {
    pub(super) fn new(prompt: BecomePrompt, command: &Command) -> Self {
        let merged = command.pty.is_some() || prompt.terminal;
        let (program, account) = match &command.become_ {
            Some(b) => (b.method.program(), b.account.to_string()),
            None => ("sudo", String::new()),
        };
        Self {
            prompt,
            stream: if merged {
                Stream::Stdout
            } else {
                Stream::Stderr
            },
            program,
            account,
            heard: BytesMut::new(),
            asked: false,
        }
    }

    /// Holds the talk until the command starts.
    pub(super) async fn hold(
        mut self,
        output: &mut dyn ProcessOutput,
        input: &mut dyn ProcessInput,
        sink: &mut dyn Sink,
    ) -> Result<(), RemoteError> {
        loop {
            match output.next().await? {
                ProcessEvent::Exit(_) => return Err(self.refused()),
                ProcessEvent::Output(stream, data) if stream != self.stream => {
                    sink.take(stream, data).await;
                }
                ProcessEvent::Output(stream, data) => match self.hear(&data)? {
                    Heard::Nothing => {}
                    Heard::Question(answer) => input.write(answer).await?,
                    Heard::Start(rest) => {
                        if !rest.is_empty() {
                            sink.take(stream, rest).await;
                        }
                        return Ok(());
                    }
                },
            }
        }
    }

    /// Takes what was written and says what to do about it.
    fn hear(&mut self, data: &[u8]) -> Result<Heard, RemoteError> {
        self.heard.extend_from_slice(data);
        if let Some(at) = find(&self.heard, &self.prompt.ready) {
            let rest = self.heard.split_off(at + self.prompt.ready.len());
            return Ok(Heard::Start(rest.freeze()));
        }
        if let Some(at) = find(&self.heard, &self.prompt.ask) {
            let end = at + self.prompt.ask.len();
            let _answered = self.heard.split_to(end);
            return match &self.prompt.password {
                Some(password) if !self.asked => {
                    self.asked = true;
                    let mut answer = BytesMut::from(password.expose());
                    answer.extend_from_slice(b"\n");
                    Ok(Heard::Question(answer.freeze()))
                }
                _ => Err(self.error(BecomeRefusal::WrongPassword)),
            };
        }
        if self.heard.len() > LIMIT {
            let excess = self.heard.len() - LIMIT;
            let _forgotten = self.heard.split_to(excess);
        }
        Ok(Heard::Nothing)
    }

    /// The error for a program that ended before the command started.
    fn refused(&self) -> RemoteError {
        if self.asked && self.prompt.terminal {
            // doas asks once, and only those whom its rules allow to become the account.
            return self.error(BecomeRefusal::WrongPassword);
        }
        let text = String::from_utf8_lossy(&self.heard);
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        // A lecture may stand before. What the program says of itself has the cause first, and
        // then what came of it; else the reason is at the end.
        let of_itself = |line: &&str| {
            let rest = line.strip_prefix(self.program);
            rest.is_some_and(|rest| rest.starts_with(": "))
        };
        let said = lines.clone().find(of_itself).or_else(|| lines.next_back());
        let said = said.unwrap_or("it ended without a word").to_owned();
        self.error(BecomeRefusal::Said {
            said,
            password_given: self.prompt.password.is_some(),
        })
    }

    fn error(&self, reason: BecomeRefusal) -> RemoteError {
        RemoteError::Become {
            program: self.program,
            account: self.account.clone(),
            reason,
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len().max(1))
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use towline_core::{
        command::{Account, Become, BecomeMethod, Mark},
        secret::Secret,
    };

    use super::*;

    fn talk(password: Option<&str>) -> Talk {
        let become_ = Become {
            account: Account::root(),
            method: BecomeMethod::Sudo,
            password: password.map(Secret::new),
        };
        let command = Command::argv(["id"]).become_(Some(become_));
        Talk::new(
            command.wire(&Mark::new(5)).unwrap().prompt.unwrap(),
            &command,
        )
    }

    fn hear(talk: &mut Talk, text: &[u8]) -> Result<Heard, RemoteError> {
        talk.hear(text)
    }

    #[test]
    fn the_password_is_given_once_and_only_when_asked() {
        let mut talk = talk(Some("pw"));
        let (ask, ready) = (talk.prompt.ask.clone(), talk.prompt.ready.clone());
        assert!(matches!(
            hear(&mut talk, b"lecture\n").unwrap(),
            Heard::Nothing
        ));
        let (front, back) = ask.split_at(7);
        assert!(matches!(hear(&mut talk, front).unwrap(), Heard::Nothing));
        assert!(matches!(hear(&mut talk, back).unwrap(), Heard::Question(a) if a == "pw\n"));
        let start = [&ready[..], b"out"].concat();
        assert!(matches!(hear(&mut talk, &start).unwrap(), Heard::Start(rest) if rest == "out"));
    }

    #[test]
    fn a_second_question_means_that_the_password_was_wrong() {
        let mut talk = talk(Some("pw"));
        let ask = talk.prompt.ask.clone();
        assert!(matches!(hear(&mut talk, &ask).unwrap(), Heard::Question(_)));
        let error = hear(&mut talk, &ask).err().unwrap();
        assert!(matches!(
            error,
            RemoteError::Become {
                reason: BecomeRefusal::WrongPassword,
                ..
            }
        ));
    }

    #[track_caller]
    fn reason(heard: &[u8], reason: &str) {
        let mut talk = talk(None);
        hear(&mut talk, heard).unwrap();
        let error = talk.refused().to_string();
        assert!(error.ends_with(reason), "{error}");
    }

    #[test]
    fn the_first_that_the_program_says_of_itself_is_the_reason() {
        reason(
            b"We trust you\n\nsudo: a password is required\n",
            ": sudo: a password is required",
        );
        reason(
            b"sudo: unknown user x\nsudo: error initializing audit plugin sudoers_audit\n",
            ": sudo: unknown user x",
        );
        reason(
            b"Hello.\nops is not in the sudoers file.\n",
            ": ops is not in the sudoers file.",
        );
        reason(b"", ": it ended without a word");
    }

    #[test]
    fn doas_ends_where_sudo_would_ask_again() {
        let mut talk = talk(Some("pw"));
        talk.prompt.terminal = true;
        let ask = talk.prompt.ask.clone();
        assert!(matches!(hear(&mut talk, &ask).unwrap(), Heard::Question(_)));
        hear(&mut talk, b"\r\ndoas: Authentication failed\r\n").unwrap();
        let error = talk.refused().to_string();
        assert!(error.ends_with("the password is wrong"), "{error}");
    }
}
