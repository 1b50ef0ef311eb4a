//! One line, read once: what it sets when its block counts for a host.

use super::choices::{self, Choices};
use super::env::LocalEnv;
use super::error::Problem;
use super::hops::{self, Hop};
use super::keyword::{self, Check, Keyword, Number, Text};
use super::lexer::{Line, Word};
use super::matching::Match;
use super::pattern::{HostPatterns, Pattern};
use super::tokens;
use super::values;

/// What a line says.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Host(HostPatterns),
    Match(Match),
    /// The patterns of the files, as written.
    Include(Vec<String>),
    Text(Text, String),
    Number(Number, i64),
    /// The second is set only together with the first.
    Pair((Number, i64), (Number, i64)),
    /// Each is set for itself.
    Both((Number, i64), (Number, i64)),
    ForwardAgent(String),
    ProxyCommand(String),
    ProxyJump(Vec<Hop>),
    IdentityFile(String),
    CertificateFile(String),
    UserKnownHosts(Vec<String>),
    GlobalKnownHosts(Vec<String>),
    SendEnv(Vec<String>),
    SetEnv(Vec<String>),
    /// Says nothing that counts.
    Nothing,
    Unsupported(&'static str),
    /// An error, unless `IgnoreUnknown` names it by then.
    Unknown(String),
}

/// A problem and the byte of the line where it is.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) at: usize,
    pub(super) problem: Problem,
}

/// The most known_hosts files that one line can name.
const MAX_HOSTS_FILES: usize = 32;

/// Reads a line that the lexer has cut.
pub(super) fn read(line: &Line<'_>, env: &LocalEnv) -> Result<Action, Complaint> {
    let Some((name, keyword)) = keyword::lookup(&line.keyword) else {
        return Ok(Action::Unknown(line.keyword.clone()));
    };
    let mut reader = Reader { line, env, next: 0 };
    let action = reader.action(name, keyword)?;
    match reader.peek() {
        Some(word) => Err(Complaint {
            at: word.at,
            problem: Problem::ExtraWords(line.keyword.clone()),
        }),
        None => Ok(action),
    }
}

struct Reader<'a> {
    line: &'a Line<'a>,
    env: &'a LocalEnv,
    next: usize,
}

impl<'a> Reader<'a> {
    fn action(&mut self, name: &'static str, keyword: Keyword) -> Result<Action, Complaint> {
        Ok(match keyword {
            Keyword::Host => {
                let words = self.rest_not_empty()?;
                Action::Host(HostPatterns(
                    words.iter().map(|w| Pattern::parse(&w.text)).collect(),
                ))
            }
            Keyword::Match => {
                let criteria = Match::parse(self.line)?;
                self.consume();
                Action::Match(criteria)
            }
            Keyword::Include => Action::Include(texts(self.rest_not_empty()?)),
            Keyword::Text(key) => Action::Text(key, self.word()?.text.clone()),
            Keyword::Command(key) => Action::Text(key, self.command().to_owned()),
            Keyword::ProxyCommand => Action::ProxyCommand(self.command().to_owned()),
            Keyword::ProxyJump => self.jump()?,
            Keyword::Choice(key, choices) => Action::Number(key, self.choice(choices)?),
            Keyword::Count(key) => Action::Number(key, self.count()?),
            Keyword::Seconds(key) => match self.seconds_or_none()? {
                Some(seconds) => Action::Number(key, seconds),
                // As if the line were not there: a later one can still set it.
                None => Action::Nothing,
            },
            Keyword::Port => {
                let word = self.word()?;
                let port = values::port(&word.text, |name| self.env.databases.port_of(name));
                let port = port.ok_or_else(|| bad(word, "a port, 1 to 65535"))?;
                Action::Number(Number::Port, i64::from(port))
            }
            Keyword::RekeyLimit => self.rekey_limit()?,
            Keyword::IdentityFile => Action::IdentityFile(self.word()?.text.clone()),
            Keyword::CertificateFile => Action::CertificateFile(self.word()?.text.clone()),
            Keyword::UserKnownHosts => Action::UserKnownHosts(self.files()?),
            Keyword::GlobalKnownHosts => Action::GlobalKnownHosts(self.files()?),
            Keyword::SendEnv => {
                let words = self.rest();
                let wrong = |word: &&Word| word.text.is_empty() || word.text.contains('=');
                match words.iter().find(wrong) {
                    Some(word) => return Err(bad(word, "the name of a variable")),
                    None => Action::SendEnv(texts(words)),
                }
            }
            Keyword::SetEnv => {
                let words = self.rest();
                match words.iter().find(|word| !word.text.contains('=')) {
                    Some(word) => return Err(bad(word, "of the form NAME=VALUE")),
                    None => Action::SetEnv(texts(words)),
                }
            }
            Keyword::ForwardAgent => {
                let word = self.word()?;
                match choices::choose(choices::FLAG, &word.text) {
                    Some(flag) => Action::Number(Number::ForwardAgent, flag),
                    None => Action::ForwardAgent(self.agent_path(word)?),
                }
            }
            Keyword::IdentityAgent => {
                let word = self.word()?;
                Action::Text(Text::IdentityAgent, self.agent_path(word)?)
            }
            Keyword::AddKeysToAgent => self.add_keys()?,
            Keyword::ControlPersist => self.control_persist()?,
            Keyword::PermittedCnames => {
                let words = self.rest();
                let none = words
                    .iter()
                    .all(|word| word.text.eq_ignore_ascii_case("none"));
                Action::Number(Number::PermittedCnames, i64::from(!none))
            }
            Keyword::Ignored(check) => {
                self.check(check)?;
                Action::Nothing
            }
            Keyword::Unsupported(check) => {
                if self.check(check)? {
                    Action::Unsupported(name)
                } else {
                    Action::Nothing
                }
            }
        })
    }

    fn peek(&self) -> Option<&'a Word> {
        self.line.words.get(self.next)
    }

    fn consume(&mut self) {
        self.next = self.line.words.len();
    }

    /// The next word, which must not be empty.
    fn word(&mut self) -> Result<&'a Word, Complaint> {
        let word = self.peek().filter(|word| !word.text.is_empty());
        self.next += 1;
        word.ok_or_else(|| self.missing())
    }

    fn missing(&self) -> Complaint {
        let at = self
            .line
            .words
            .last()
            .map_or(self.line.rest_at(), |word| word.at);
        Complaint {
            at,
            problem: Problem::MissingValue(self.line.keyword.clone()),
        }
    }

    fn rest(&mut self) -> &'a [Word] {
        let words = &self.line.words[self.next.min(self.line.words.len())..];
        self.consume();
        words
    }

    fn rest_not_empty(&mut self) -> Result<&'a [Word], Complaint> {
        let words = self.rest();
        match words.iter().find(|word| word.text.is_empty()) {
            Some(word) => Err(Complaint {
                at: word.at,
                problem: Problem::MissingValue(self.line.keyword.clone()),
            }),
            None => Ok(words),
        }
    }

    /// The rest of the line with quotes, comment and all.
    fn command(&mut self) -> &'a str {
        self.consume();
        self.line
            .rest
            .trim_start_matches([' ', '\t', '\r', '\n', '='])
    }

    /// The hops end at white space or a comment. (ssh 9.2 fails to see `none` before a comment; later ones see it.)
    fn jump(&mut self) -> Result<Action, Complaint> {
        let at = self.line.whole.len() - self.command().len();
        let text = self.command();
        let text = text
            .split(['#', ' ', '\t', '\r', '\u{b}', '\u{c}'])
            .next()
            .unwrap_or_default();
        let hops = hops::parse(text, &self.env.databases).map_err(|hop| Complaint {
            at,
            problem: Problem::BadValue {
                value: hop,
                expected: "a host to jump through",
            },
        })?;
        Ok(Action::ProxyJump(hops))
    }

    fn choice(&mut self, choices: Choices) -> Result<i64, Complaint> {
        let word = self.word()?;
        choices::choose(choices, &word.text).ok_or_else(|| bad(word, choices::expected(choices)))
    }

    fn count(&mut self) -> Result<i64, Complaint> {
        let word = self.word()?;
        values::count(&word.text).ok_or_else(|| bad(word, "a number from 0 up"))
    }

    fn seconds_or_none(&mut self) -> Result<Option<i64>, Complaint> {
        let word = self.word()?;
        if word.text == "none" {
            return Ok(None);
        }
        values::seconds(&word.text)
            .map(Some)
            .ok_or_else(|| bad(word, TIME))
    }

    fn rekey_limit(&mut self) -> Result<Action, Complaint> {
        let word = self.word()?;
        let bytes = match word.text.as_str() {
            "default" => Some(0),
            text => values::bytes(text).filter(|&bytes| bytes == 0 || bytes >= 16),
        };
        let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| bad(word, "a size of 16 bytes or more, such as 1G"))?;
        let limit = (Number::RekeyBytes, bytes);
        Ok(
            match self
                .peek()
                .map(|_| self.seconds_or_none())
                .transpose()?
                .flatten()
            {
                Some(seconds) => Action::Both(limit, (Number::RekeySeconds, seconds)),
                None => Action::Number(limit.0, limit.1),
            },
        )
    }

    fn files(&mut self) -> Result<Vec<String>, Complaint> {
        let words = self.rest_not_empty()?;
        let none = words
            .iter()
            .find(|word| word.text.eq_ignore_ascii_case("none"));
        match (none, words.get(MAX_HOSTS_FILES)) {
            (Some(word), _) if words.len() > 1 => Err(bad(word, "none alone")),
            (_, Some(word)) => Err(bad(word, "one of at most 32 files")),
            _ => Ok(texts(words)),
        }
    }

    /// The path of an agent's socket, or `$NAME`.
    fn agent_path(&self, word: &Word) -> Result<String, Complaint> {
        tokens::expand_vars(&word.text, &self.env.vars).map_err(|source| Complaint {
            at: word.at,
            problem: source.into(),
        })?;
        let name_fits = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match word.text.strip_prefix('$') {
            Some(name) if !name.starts_with('{') && !name_fits(name) => {
                Err(bad(word, "the name of a variable"))
            }
            _ => Ok(word.text.clone()),
        }
    }

    fn add_keys(&mut self) -> Result<Action, Complaint> {
        const EXPECTED: &str = "yes, no, ask, confirm (perhaps with a time after it) or a time";
        let word = self.word()?;
        let lifetime = self.peek();
        self.next += 1;
        let choice = choices::choose(choices::ADD_KEYS, &word.text);
        let (how, seconds) = match (choice, lifetime) {
            (Some(3), Some(time)) => (
                3,
                values::seconds(&time.text).ok_or_else(|| bad(time, TIME))?,
            ),
            (Some(how), None) => (how, 0),
            (None, None) => (
                1,
                values::seconds(&word.text).ok_or_else(|| bad(word, EXPECTED))?,
            ),
            (_, Some(time)) => return Err(bad(time, EXPECTED)),
        };
        Ok(Action::Pair(
            (Number::AddKeysToAgent, how),
            (Number::AddKeysLifetime, seconds),
        ))
    }

    fn control_persist(&mut self) -> Result<Action, Complaint> {
        let word = self.word()?;
        let (on, seconds) = match word.text.as_str() {
            "no" | "false" => (0, 0),
            "yes" | "true" => (1, 0),
            text => (
                1,
                values::seconds(text).ok_or_else(|| bad(word, "yes, no or a time"))?,
            ),
        };
        let seconds = (Number::ControlPersistSeconds, seconds);
        Ok(Action::Pair((Number::ControlPersist, on), seconds))
    }

    /// Checks a value that is not kept. False is a value that asks for nothing.
    fn check(&mut self, check: Check) -> Result<bool, Complaint> {
        Ok(match check {
            Check::Word => !self.word()?.text.is_empty(),
            Check::Choice(choices) => self.choice(choices)? != 0,
            Check::Count => self.count()? != 0,
            Check::Seconds => self.seconds_or_none()?.is_some(),
            Check::Words => {
                self.consume();
                true
            }
        })
    }
}

const TIME: &str = "a time such as 90, 10m or 1h30m";

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

fn bad(word: &Word, expected: &'static str) -> Complaint {
    Complaint {
        at: word.at,
        problem: Problem::BadValue {
            value: word.text.clone(),
            expected,
        },
    }
}
