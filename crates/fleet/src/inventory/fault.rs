//! Why a value does not fit, in words for the person who wrote it.

use std::{collections::HashSet, fmt};

use serde::de::{self, Unexpected};

use super::{
    problem::{Finding, Mark, nearest},
    tree::Tree,
};

/// Why a value was refused, and which.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: Message,
    pub(super) mark: Option<Mark>,
    pub(super) key: Option<Box<str>>,
    /// Whether it stands in a list under that key.
    pub(super) in_list: bool,
    /// The numbers of the values of the table in which a field is missing.
    pub(super) children: Box<[u32]>,
}

#[derive(Debug)]
pub(super) enum Message {
    Said(String),
    Type {
        found: String,
        wanted: String,
    },
    Missing(&'static str),
    Unknown {
        found: String,
        known: &'static [&'static str],
    },
    Variant {
        found: String,
        known: &'static [&'static str],
    },
}

impl Fault {
    fn new(message: Message) -> Self {
        Self {
            message,
            mark: None,
            key: None,
            in_list: false,
            children: Box::default(),
        }
    }

    pub(super) fn at(mut self, tree: &Tree) -> Self {
        self.mark.get_or_insert(mark(tree));
        self
    }

    pub(super) fn under(mut self, key: &str) -> Self {
        if self.key.is_none() {
            self.key = Some(key.into());
        }
        self
    }

    pub(super) fn into_finding(self, skipped: &HashSet<u32>) -> Option<Finding> {
        let mark = self.mark.unwrap_or_default();
        let whose = match (self.key.as_deref(), self.in_list) {
            (Some(key), false) => format!("for `{key}`"),
            (Some(key), true) => format!("in `{key}`"),
            (None, _) => "for the whole document".to_owned(),
        };
        Some(match self.message {
            Message::Said(text) => Finding::new(text, mark, ""),
            Message::Type { found, wanted } => Finding::new(
                format!("wrong value {whose}"),
                mark,
                format!("expected {wanted}, found {found}"),
            ),
            // What was refused before is missing now; that is no second mistake.
            Message::Missing(_) if self.children.iter().any(|n| skipped.contains(n)) => {
                return None;
            }
            Message::Missing(field) => Finding::new(
                format!("`{field}` is missing"),
                mark,
                format!("this needs `{field}`"),
            ),
            Message::Unknown { found, known } => unknown_key(&found, mark, known),
            Message::Variant { found, known } => {
                let label = match nearest(&found, known.iter().copied()) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => format!("expected {}", either(known)),
                };
                Finding::new(format!("{found:?} is no value {whose}"), mark, label)
            }
        })
    }
}

pub(super) fn unknown_key(found: &str, mark: Mark, known: &[&str]) -> Finding {
    let label = match nearest(found, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => "not known here".to_owned(),
    };
    Finding::new(format!("unknown key {found:?}"), mark, label)
        .help(format!("the keys known here are {}", known.join(", ")))
}

fn either(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => format!("`{word}`"),
        [words @ .., last] => format!("`{}` or `{last}`", words.join("`, `")),
    }
}

pub(super) fn mark(tree: &Tree) -> Mark {
    Mark::new(tree.place, tree.number)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Message::Said(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            Unexpected::Bool(value) => format!("the truth value `{value}`"),
            Unexpected::Signed(value) => format!("the number {value}"),
            Unexpected::Unsigned(value) => format!("the number {value}"),
            Unexpected::Float(value) => format!("the number {value}"),
            Unexpected::Str(value) => format!("the text {value:?}"),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a table".to_owned(),
            other => other.to_string(),
        };
        let wanted = match wanted.to_string().as_str() {
            "a sequence" => "a list".to_owned(),
            "a map" => "a table (`key: value`)".to_owned(),
            other => other.to_owned(),
        };
        Self::new(Message::Type { found, wanted })
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Message::Missing(field))
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        Self::new(Message::Unknown {
            found: found.to_owned(),
            known,
        })
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::new(Message::Variant {
            found: found.to_owned(),
            known,
        })
    }
}
