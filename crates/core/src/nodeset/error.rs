//! Where a text is no node set, and why.

use super::{MAX_NAME_BYTES, MAX_NAMES};

/// A text that can not be read as a node set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (column {column} of {text:?})")]
pub struct NodeSetError {
    /// The whole text.
    pub text: String,
    /// The byte where the trouble begins, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: NodeSetErrorKind,
}

/// What is wrong with a node set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeSetErrorKind {
    /// Nothing stands where a name should.
    #[error("a name is missing")]
    NoName,
    /// `[]`, or nothing between two commas in brackets.
    #[error("a number is missing: brackets hold numbers, as in [1-3,7]")]
    NoNumber,
    /// A `[` without its `]`.
    #[error("this '[' is never closed")]
    Unclosed,
    /// A `]` without its `[`.
    #[error("this ']' was never opened")]
    Unopened,
    /// Something else than a number in brackets.
    #[error("{0:?} is no number: brackets hold numbers, as in [1-3,7], or an IPv6 address")]
    NotANumber(String),
    /// `[20-1]`.
    #[error("{0}-{1} runs downwards: write {1}-{0}")]
    Descending(String, String),
    /// `[01-100]`: it is not clear how wide the numbers shall be.
    #[error("{0}-{1} mixes widths: pad both numbers alike, or neither")]
    MixedWidth(String, String),
    /// `[1-9/0]`, or a step that is no number.
    #[error("{0:?} is no step: a step is a number above 0, as in [0-10/2]")]
    BadStep(String),
    /// `[5/2]`.
    #[error("a step needs a range before it, as in [0-10/2]")]
    StepAlone,
    /// A number that can not be counted with.
    #[error("{0} has more digits than a number in brackets may have")]
    HugeNumber(String),
    /// The text stands for more names than may be.
    #[error("this stands for more than {MAX_NAMES} names")]
    TooMany,
    /// The text stands for a name that is longer than a node id.
    #[error("this stands for a name of more than {MAX_NAME_BYTES} bytes")]
    LongName,
    /// A character that no name holds.
    #[error("{0:?} can not stand in a name")]
    BadCharacter(char),
    /// `*` or `?` where only names are meant.
    #[error("'*' and '?' mean nothing here: name the hosts, or count them as in web-[1-3]")]
    Glob,
}

impl NodeSetError {
    /// `offset` is counted in bytes from 0.
    pub(crate) fn new(text: &str, offset: usize, kind: NodeSetErrorKind) -> Self {
        Self {
            text: text.to_owned(),
            column: offset + 1,
            kind,
        }
    }

    /// The same error told about the longer text that the wrong one stands in, at `offset`.
    pub(crate) fn within(mut self, text: &str, offset: usize) -> Self {
        text.clone_into(&mut self.text);
        self.column += offset;
        self
    }
}

impl NodeSetErrorKind {
    /// Whether the name is wrong as such and not what stands in its brackets.
    pub(crate) fn is_about_the_name(&self) -> bool {
        matches!(self, Self::NoName | Self::BadCharacter(_))
    }
}
