//! What selections are read against.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{error::SelectError, expr::Expr, select::Selecting};
use crate::{
    id::NodeId,
    node::Node,
    nodeset::{Charset, Pattern},
};

/// The nodes and groups of a fleet, in which every id is there once and selects its own node.
#[derive(Clone, Debug, Default)]
pub struct Universe {
    nodes: Vec<Arc<Node>>,
    by_id: HashMap<NodeId, usize>,
    groups: BTreeMap<String, Vec<Expr>>,
    ad_hoc: AdHoc,
}

/// Whether a name that the fleet does not know may be taken for a host to connect to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdHoc {
    /// `[user@]host[:port]` is. A bare word only where the fleet has no nodes at all: elsewhere
    /// it is more likely a slip of the finger.
    #[default]
    Allow,
    /// Nothing is.
    Refuse,
}

/// Why nodes and groups make no universe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UniverseError {
    /// Two nodes of the same id.
    #[error("there are two nodes {0}")]
    Duplicate(NodeId),
    /// An id that would be read as something else in a selection: `all`, `@web`, `role:x`, `n[1]`.
    #[error("a node can not be called {0}: in a selection that means something else")]
    NodeName(NodeId),
    /// A name that no `@name` stands for.
    #[error("a group can not be called {0:?}: '@' and that name could not be read")]
    GroupName(String),
}

impl Universe {
    /// A universe of these nodes, whose order is kept in every selection, and these groups, each
    /// the union of its members. Groups may refer to groups.
    ///
    /// # Errors
    ///
    /// An id that is there twice; a name that could not be selected by. Members are not looked
    /// at: see [`Universe::check_groups`].
    pub fn new(
        nodes: Vec<Arc<Node>>,
        groups: BTreeMap<String, Vec<Expr>>,
    ) -> Result<Self, UniverseError> {
        let mut by_id = HashMap::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            if !selects_itself(&node.id) {
                return Err(UniverseError::NodeName(node.id.clone()));
            }
            if by_id.insert(node.id.clone(), index).is_some() {
                return Err(UniverseError::Duplicate(node.id.clone()));
            }
        }
        let unreadable = |name: &&String| {
            !Pattern::parse(name, Charset::Word)
                .is_ok_and(|p| !p.is_glob() && p.names() == [name.as_str()])
        };
        if let Some(name) = groups.keys().find(unreadable) {
            return Err(UniverseError::GroupName(name.clone()));
        }
        Ok(Self {
            nodes,
            by_id,
            groups,
            ad_hoc: AdHoc::Allow,
        })
    }

    /// The same universe with another answer to names it does not know.
    #[must_use]
    pub fn with_ad_hoc(mut self, ad_hoc: AdHoc) -> Self {
        self.ad_hoc = ad_hoc;
        self
    }

    /// The nodes, in the order of the inventory.
    #[must_use]
    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// The node of an id.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&Arc<Node>> {
        self.index(id).map(|index| &self.nodes[index])
    }

    /// The names of the groups, sorted.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// The members of a group as they were written.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&[Expr]> {
        self.groups.get(name).map(Vec::as_slice)
    }

    /// Reads every group, so that a wrong one is found when the inventory is loaded and not when
    /// it is used first.
    ///
    /// # Errors
    ///
    /// The first group that can not be selected by: it has an unknown member, or contains itself.
    pub fn check_groups(&self) -> Result<(), SelectError> {
        let mut selecting = Selecting::new(self);
        self.group_names()
            .try_for_each(|name| selecting.group(name).map(drop))
    }

    /// Where a node stands.
    pub(crate) fn index(&self, id: &NodeId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// A group with the name as it is stored.
    pub(crate) fn group_entry(&self, name: &str) -> Option<(&str, &[Expr])> {
        self.groups
            .get_key_value(name)
            .map(|(name, members)| (name.as_str(), members.as_slice()))
    }

    /// What becomes of unknown names.
    pub(crate) fn ad_hoc(&self) -> AdHoc {
        self.ad_hoc
    }
}

fn selects_itself(id: &NodeId) -> bool {
    match id.as_str().parse() {
        Ok(Expr::Name(pattern)) => !pattern.is_glob() && pattern.names() == [id.as_str()],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(ids: &[&str]) -> Vec<Arc<Node>> {
        let node = |id: &&str| Arc::new(Node::new(id.parse().unwrap(), *id));
        ids.iter().map(node).collect()
    }

    #[test]
    fn every_id_selects_its_own_node() {
        let fine = ["web-01", "root@[fe80::1]:22", "fe80::1", "allowed", "a%b"];
        let universe = Universe::new(nodes(&fine), BTreeMap::new()).unwrap();
        for id in fine {
            let chosen = super::super::select(&id.parse().unwrap(), &universe).unwrap();
            assert_eq!(chosen, nodes(&[id]));
        }
        for id in ["all", "@web", "role:x", "n[1]", "n[1-2]", "n]", "[x]"] {
            let error = Universe::new(nodes(&["a", id]), BTreeMap::new()).unwrap_err();
            assert_eq!(error, UniverseError::NodeName(id.parse().unwrap()), "{id}");
        }
        let error = Universe::new(nodes(&["a", "b", "a"]), BTreeMap::new()).unwrap_err();
        assert_eq!(error, UniverseError::Duplicate("a".parse().unwrap()));
    }

    #[test]
    fn every_group_can_be_named() {
        let group = |name: &str| BTreeMap::from([(name.to_owned(), vec![Expr::All])]);
        for name in ["web", "all", "rack-7/a", "küche"] {
            assert!(Universe::new(vec![], group(name)).is_ok(), "{name}");
        }
        for name in ["", "*", "w?b", "n[1]", "a b", "a,b", "a!b"] {
            assert!(Universe::new(vec![], group(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn wrong_groups_are_found_without_being_used() {
        let groups = |members: [(&str, &str); 2]| {
            let entry = |(name, expr): (&str, &str)| (name.to_owned(), vec![expr.parse().unwrap()]);
            Universe::new(nodes(&["web"]), members.map(entry).into()).unwrap()
        };
        assert_eq!(groups([("a", "@b"), ("b", "web")]).check_groups(), Ok(()));
        for wrong in ["@c", "wbe", "@a", "@b", "zone=a", "x-*"] {
            let universe = groups([("a", "@b"), ("b", wrong)]);
            assert!(universe.check_groups().is_err(), "{wrong}");
        }
    }
}
