//! Why a selection chose nothing, or could not be made sense of.

use std::fmt;

use super::target::InvalidTarget;
use crate::nodeset::MAX_NAMES;

/// How many of the existing names an error lists.
const MAX_LISTED: usize = 12;

/// Why a selection could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No flag says which nodes are meant.
    #[error("nothing was selected: give -w, -g or -a")]
    NothingSelected,
    /// The flags leave no node over.
    #[error("no node is left: {0}")]
    Empty(EmptyReason),
    /// Names that are in no inventory and are not clearly hosts.
    #[error("{} not in the inventory: {folded}", if *.count == 1 { "this node is" } else { "these nodes are" })]
    UnknownNodes {
        /// The names, folded.
        folded: String,
        /// How many there are.
        count: usize,
        /// What may have been meant: ids, or groups with their `@`.
        similar: Vec<String>,
        /// Whether the same names would be taken if they looked like hosts.
        could_be_hosts: bool,
    },
    /// A glob that fits the id of no node.
    #[error("no node is called {0}")]
    NoMatch(String),
    /// A name that can not be connected to.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    /// No such group.
    #[error("there is no group {name}")]
    UnknownGroup {
        /// Its name, or the glob that fits none.
        name: String,
        /// What may have been meant, or else all there are.
        known: Vec<String>,
    },
    /// A role that no node has.
    #[error("no node has the role {role}")]
    UnknownRole {
        /// The role.
        role: String,
        /// The roles there are.
        known: Vec<String>,
    },
    /// A label that no node has.
    #[error("no node has a label {key}")]
    UnknownLabel {
        /// The key of the label.
        key: String,
        /// The keys there are.
        known: Vec<String>,
    },
    /// A label that no node has with this value.
    #[error("no node has the label {key}={value}")]
    UnknownLabelValue {
        /// The key of the label.
        key: String,
        /// The value it was compared with.
        value: String,
        /// The values there are.
        known: Vec<String>,
    },
    /// A group that contains itself.
    #[error("a group contains itself: {}", path.join(" -> "))]
    GroupCycle {
        /// The groups on the way from one to itself.
        path: Vec<String>,
    },
    /// Groups in groups in groups.
    #[error("groups and parentheses are nested too deep")]
    TooDeep,
    /// The ranges stand for too many names.
    #[error("the ranges stand for more than {MAX_NAMES} names")]
    TooMany,
    /// A group's definition is wrong.
    #[error("the group {group} can not be read")]
    InGroup {
        /// The group.
        group: String,
        /// What is wrong with it.
        source: Box<Self>,
    },
}

/// Why flags that choose nodes left none over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyReason {
    /// Every node was asked for, and the fleet has none.
    NoNodes,
    /// What was asked for is nobody: `a&b`, an empty group, an empty hostfile.
    NobodyChosen,
    /// `-x` took all of them.
    AllExcluded,
    /// None of them is in `--limit`.
    OutsideLimit,
    /// `--pick 0`.
    PickedNone,
}

impl fmt::Display for EmptyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNodes => "the inventory has no nodes",
            Self::NobodyChosen => "the selection fits no node",
            Self::AllExcluded => "-x excludes all that were selected",
            Self::OutsideLimit => "--limit has none of those that were selected",
            Self::PickedNone => "--pick 0 picks none",
        })
    }
}

impl SelectError {
    /// What to type next, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownNodes {
                folded,
                count,
                similar,
                could_be_hosts,
            } => {
                let similar = (!similar.is_empty())
                    .then(|| format!("did you mean {}?", similar.join(" or ")));
                let name = if *count == 1 { folded } else { "NAME" };
                let a = if similar.is_some() { "A" } else { "a" };
                let force = could_be_hosts.then(|| {
                    format!("{a} host of that name is reached as USER@{name} or {name}:22")
                });
                let hints: Vec<String> = [similar, force].into_iter().flatten().collect();
                (!hints.is_empty()).then(|| hints.join(" "))
            }
            Self::UnknownGroup { known, .. } => listed("groups", known),
            Self::UnknownRole { known, .. } => listed("roles", known),
            Self::UnknownLabel { known, .. } => listed("labels", known),
            Self::UnknownLabelValue { known, .. } => listed("values", known),
            Self::Empty(EmptyReason::NoNodes) => {
                Some("name hosts with -w [USER@]HOST[:PORT] or --hostfile FILE".to_owned())
            }
            Self::InGroup { source, .. } => source.hint(),
            _ => None,
        }
    }
}

fn listed(what: &str, known: &[String]) -> Option<String> {
    let shown = known.iter().take(MAX_LISTED);
    let shown: Vec<&str> = shown.map(String::as_str).collect();
    match known.len() {
        0 => Some(format!("there are no {what}")),
        n if n > shown.len() => Some(format!(
            "{what}: {} and {} more",
            shown.join(", "),
            n - shown.len()
        )),
        _ => Some(format!("{what}: {}", shown.join(", "))),
    }
}
