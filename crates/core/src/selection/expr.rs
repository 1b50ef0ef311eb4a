//! The tree of a selection expression, and how it is printed.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parse::{self, ParseError};
use crate::nodeset::Pattern;

/// A selection as a user writes it: `web-[01-20],@db!zone=b`.
///
/// Printed, it reads as the same tree again. In JSON and YAML it is its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum Expr {
    /// `*`, `@*` or `all`: every node.
    All,
    /// `web-01`, `web-[01-20]`, `web-*`, `root@10.0.0.7:2222`.
    Name(Pattern),
    /// `@web`.
    Group(GroupPattern),
    /// `role:worker`.
    Role(Pattern),
    /// `zone=a`, `zone!=a`.
    Label {
        /// The key of the label, literally.
        key: String,
        /// Whether its value shall match.
        comparison: Comparison,
        /// What its value is compared with.
        value: Pattern,
    },
    /// Several, worked through from left to right: `a,b!c`.
    Chain {
        /// What it begins with.
        first: Box<Self>,
        /// What is done to the nodes chosen so far, and with which others. Never empty.
        rest: Vec<(SetOp, Self)>,
    },
}

/// How the value of a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`: the node has the label, and its value matches.
    Equal,
    /// `!=`: the node has no such label, or its value does not match.
    NotEqual,
}

/// What is done to two sets of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetOp {
    /// `,`: those of either.
    Union,
    /// `!`: those of the left that are not in the right.
    Difference,
    /// `&`: those of both.
    Intersection,
    /// `^`: those of one but not of both.
    SymmetricDifference,
}

impl SetOp {
    /// The operator that a character stands for.
    pub(crate) fn from_char(c: char) -> Option<Self> {
        match c {
            ',' => Some(Self::Union),
            '!' => Some(Self::Difference),
            '&' => Some(Self::Intersection),
            '^' => Some(Self::SymmetricDifference),
            _ => None,
        }
    }

    /// How it is written.
    #[must_use]
    pub fn as_char(self) -> char {
        match self {
            Self::Union => ',',
            Self::Difference => '!',
            Self::Intersection => '&',
            Self::SymmetricDifference => '^',
        }
    }
}

/// Which groups: `web`, `rack[1-3]`, `web-*`. Read with or without the `@` before it, so that it
/// also serves for the value of `-g`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct GroupPattern(pub(crate) Pattern);

impl GroupPattern {
    /// The pattern that the names of the groups have to match.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.0
    }
}

impl FromStr for Expr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::expr(text)
    }
}

impl FromStr for GroupPattern {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::group(text)
    }
}

impl TryFrom<String> for Expr {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for GroupPattern {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Expr> for String {
    fn from(expr: Expr) -> Self {
        expr.to_string()
    }
}

impl From<GroupPattern> for String {
    fn from(group: GroupPattern) -> Self {
        group.to_string()
    }
}

impl fmt::Display for GroupPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Name(pattern) => pattern.fmt(f),
            Self::Group(group) => write!(f, "@{group}"),
            Self::Role(pattern) => write!(f, "role:{pattern}"),
            Self::Label {
                key,
                comparison: Comparison::Equal,
                value,
            } => write!(f, "{key}={value}"),
            Self::Label {
                key,
                comparison: Comparison::NotEqual,
                value,
            } => write!(f, "{key}!={value}"),
            Self::Chain { first, rest } => {
                first.write_operand(f)?;
                rest.iter().try_for_each(|(op, operand)| {
                    write!(f, "{}", op.as_char())?;
                    operand.write_operand(f)
                })
            }
        }
    }
}

impl Expr {
    fn write_operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain { .. } => write!(f, "({self})"),
            _ => write!(f, "{self}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_json_it_is_its_text() {
        let expr: Expr = serde_json::from_str(r#""web-[1-3]!zone!=a , ( @db )""#).unwrap();
        assert_eq!(
            serde_json::to_string(&expr).unwrap(),
            r#""web-[1-3]!zone!=a,@db""#
        );
        let group: GroupPattern = serde_json::from_str(r#""@web""#).unwrap();
        assert_eq!(serde_json::to_string(&group).unwrap(), r#""web""#);
        let error = serde_json::from_str::<Expr>(r#""a,,b""#).unwrap_err();
        assert!(error.to_string().contains("a,,b"), "{error}");
    }
}
