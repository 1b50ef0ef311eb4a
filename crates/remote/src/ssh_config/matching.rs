//! `Match`: criteria that must all hold.

use super::directive::Complaint;
use super::error::Problem;
use super::lexer::{self, Line};
use super::pattern::PatternList;
use super::tokens::ExpandError;

/// The criteria of one line.
#[derive(Debug, Clone)]
pub(super) struct Match {
    criteria: Vec<Criterion>,
    /// `final` is among them: the configuration is to be read a second time.
    pub(super) asks_for_final: bool,
}

#[derive(Debug, Clone)]
struct Criterion {
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    All,
    /// `final`, and `canonical` too: both hold in the second reading only.
    Final,
    Host(PatternList),
    OriginalHost(PatternList),
    User(PatternList),
    LocalUser(PatternList),
    Tagged(PatternList),
    /// Only ssh itself can tell: `exec` and what newer clients ask of the system.
    System(&'static str),
}

/// What the criteria are held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The host name, in lower case, after `HostName` so far.
    pub(super) host: &'a str,
    pub(super) typed_host: &'a str,
    pub(super) user: &'a str,
    pub(super) local_user: &'a str,
    pub(super) tag: &'a str,
    pub(super) final_pass: bool,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    No,
    /// All else holds, so it hangs on this criterion, which only ssh can tell.
    AskSystem(&'static str),
}

/// The tokens that the command of `exec` may have.
const EXEC_TOKENS: &str = "CLdhklnpruij";

impl Match {
    pub(super) fn parse(line: &Line<'_>) -> Result<Self, Complaint> {
        let mut cursor = Some(line.rest);
        let mut criteria = Vec::new();
        let mut asks_for_final = false;
        let place = |left: Option<&str>| line.whole.len() - left.map_or(0, str::len);
        let bad = |at, why| Complaint {
            at,
            problem: Problem::BadMatch(why),
        };
        loop {
            let at = place(cursor);
            let Some(word) = lexer::next_token(&mut cursor).filter(|word| !word.is_empty()) else {
                break;
            };
            if word.starts_with('#') {
                cursor = None;
                break;
            }
            let (negated, name) = word
                .strip_prefix('!')
                .map_or((false, &*word), |name| (true, name));
            let name = name.to_ascii_lowercase();
            if name == "all" {
                let next = lexer::next_token(&mut cursor).unwrap_or_default();
                if criteria.len() > 1 || !(next.is_empty() || next.starts_with('#')) {
                    return Err(bad(at, "all stands alone, or after one other criterion"));
                }
                if next.starts_with('#') {
                    cursor = None;
                }
                criteria.push(Criterion {
                    negated,
                    test: Test::All,
                });
                break;
            }
            if name == "final" || name == "canonical" {
                asks_for_final |= name == "final";
                criteria.push(Criterion {
                    negated,
                    test: Test::Final,
                });
                continue;
            }
            let at_value = place(cursor);
            let value = lexer::next_token(&mut cursor);
            let Some(value) = value.filter(|v| !v.is_empty() && !v.starts_with('#')) else {
                return Err(Complaint {
                    at: at_value,
                    problem: Problem::MissingValue(name),
                });
            };
            let test = Test::parse(&name, &value).map_err(|problem| Complaint {
                at: if matches!(problem, Problem::UnknownCriterion(_)) {
                    at
                } else {
                    at_value
                },
                problem,
            })?;
            criteria.push(Criterion { negated, test });
        }
        if criteria.is_empty() {
            return Err(bad(line.keyword_at, "Match needs one or more criteria"));
        }
        if let Some(left) = cursor.filter(|left| !left.is_empty()) {
            let problem = Problem::ExtraWords(line.keyword.clone());
            return Err(Complaint {
                at: place(Some(left)),
                problem,
            });
        }
        Ok(Self {
            criteria,
            asks_for_final,
        })
    }

    pub(super) fn decide(&self, subject: &Subject<'_>) -> Verdict {
        let mut undecided = None;
        for Criterion { negated, test } in &self.criteria {
            let holds = match test {
                Test::All => true,
                Test::Final => subject.final_pass,
                Test::Host(list) => list.matches(subject.host),
                Test::OriginalHost(list) => list.matches(&subject.typed_host.to_ascii_lowercase()),
                Test::User(list) => list.matches(subject.user),
                Test::LocalUser(list) => list.matches(subject.local_user),
                Test::Tagged(list) => list.matches(subject.tag),
                Test::System(name) => {
                    undecided = undecided.or(Some(*name));
                    continue;
                }
            };
            if holds == *negated {
                return Verdict::No;
            }
        }
        undecided.map_or(Verdict::Yes, Verdict::AskSystem)
    }
}

impl Test {
    fn parse(name: &str, value: &str) -> Result<Self, Problem> {
        Ok(match name {
            "host" => Self::Host(PatternList::parse_lowercase(value)),
            "originalhost" => Self::OriginalHost(PatternList::parse_lowercase(value)),
            "user" => Self::User(PatternList::parse(value)),
            "localuser" => Self::LocalUser(PatternList::parse(value)),
            "tagged" => Self::Tagged(PatternList::parse(value)),
            "exec" => {
                check_exec(value)?;
                Self::System("Match exec")
            }
            "localnetwork" => Self::System("Match localnetwork"),
            "version" => Self::System("Match version"),
            "sessiontype" => Self::System("Match sessiontype"),
            "command" => Self::System("Match command"),
            _ => return Err(Problem::UnknownCriterion(name.to_owned())),
        })
    }
}

/// A wrong token is an error even where the command would not be run.
fn check_exec(command: &str) -> Result<(), ExpandError> {
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        match chars.next() {
            None => return Err(ExpandError::LonelyPercent),
            Some(token) if token == '%' || EXEC_TOKENS.contains(token) => {}
            Some(token) => return Err(ExpandError::UnknownToken(token)),
        }
    }
    Ok(())
}
