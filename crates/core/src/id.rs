//! Identifiers that are checked where they enter and trusted ever after.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of a node, unique in its fleet: `web-01`, `10.0.0.7`, `root@10.0.0.7:2222`.
///
/// One to 255 bytes. It never begins with `-`, so it can not be taken for a flag, and holds no
/// white space, control characters, quotes or selection operators, so it can stand in a selection
/// expression, a file name and a log line as it is.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(Box<str>);

/// Why a text is no node id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no node id: {reason}")]
pub struct InvalidNodeId {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl NodeId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |reason| {
            Err(InvalidNodeId {
                text: text.to_owned(),
                reason,
            })
        };
        match text {
            "" => return refuse("it is empty"),
            "." | ".." => return refuse("it would be taken for a folder"),
            _ if text.len() > 255 => return refuse("it is longer than 255 bytes"),
            _ if text.starts_with('-') => return refuse("it begins with '-'"),
            _ => {}
        }
        let allowed = |c: char| c.is_alphanumeric() || "-_.:@%+[]".contains(c);
        match text.chars().find(|&c| !allowed(c)) {
            Some(_) => refuse("only letters, digits and -_.:@%+[] may stand in it"),
            None => Ok(Self(text.into())),
        }
    }
}

impl TryFrom<String> for NodeId {
    type Error = InvalidNodeId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.0.into()
    }
}

impl AsRef<str> for NodeId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_addresses_and_ad_hoc_targets() {
        for text in [
            "web-01",
            "10.0.0.7",
            "root@10.0.0.7:2222",
            "[::1]:22",
            "fe80::1%eth0",
            "küche",
        ] {
            assert_eq!(text.parse::<NodeId>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_what_a_shell_a_path_or_a_selection_would_read_otherwise() {
        for text in [
            "",
            ".",
            "..",
            "-oProxyCommand=x",
            "a b",
            "a\nb",
            "a,b",
            "a!b",
            "a&b",
            "a^b",
            "a/b",
            "a'b",
            "$a",
            "a;b",
        ] {
            assert!(text.parse::<NodeId>().is_err(), "{text:?} was taken");
        }
        assert!("a".repeat(256).parse::<NodeId>().is_err());
    }
}
