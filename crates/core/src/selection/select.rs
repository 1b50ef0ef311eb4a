//! Expressions to nodes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    error::SelectError,
    expr::{Comparison, Expr, GroupPattern, SetOp},
    similar::similar,
    target::{is_clearly_a_host, parse_target},
    universe::{AdHoc, Universe},
};
use crate::{
    id::NodeId,
    node::Node,
    nodeset::{MAX_NAMES, Pattern, fold},
};

/// How deep groups and parentheses may be nested together: far from the end of any stack.
const MAX_DEPTH: usize = 128;

/// How many unknown names an error spells out.
const MAX_UNKNOWN: usize = 1_000;

/// Nodes by their place: first those of the inventory, then ad-hoc ones in the order of mention.
pub(crate) type Places = BTreeSet<usize>;

/// The nodes that an expression stands for: those of the inventory in its order, then ad-hoc ones
/// in the order of mention. That may be none, as in `a&b`.
///
/// # Errors
///
/// A name, group, role or label that is unknown; a glob that fits nothing; groups that contain
/// themselves.
pub fn select(expr: &Expr, universe: &Universe) -> Result<Vec<Arc<Node>>, SelectError> {
    let mut selecting = Selecting::new(universe);
    let places = selecting.select(expr)?;
    Ok(selecting.nodes_at(&places))
}

/// One selection in the making: the universe, and the hosts that were named beside it.
pub(crate) struct Selecting<'u> {
    universe: &'u Universe,
    ad_hoc: Vec<Arc<Node>>,
    ad_hoc_places: HashMap<NodeId, usize>,
    /// What `*`, globs, roles and labels look at: the places below this one. Hosts that the same
    /// expression names are beyond it, so that the order of operands does not matter to them.
    known: usize,
    /// The groups read so far.
    groups: HashMap<&'u str, Places>,
    /// The groups that are being read, from the outermost inwards.
    path: Vec<&'u str>,
    /// How many names ranges have been expanded to.
    expanded: usize,
    depth: usize,
}

impl<'u> Selecting<'u> {
    pub(crate) fn new(universe: &'u Universe) -> Self {
        Self {
            universe,
            ad_hoc: Vec::new(),
            ad_hoc_places: HashMap::new(),
            known: universe.nodes().len(),
            groups: HashMap::new(),
            path: Vec::new(),
            expanded: 0,
            depth: 0,
        }
    }

    /// From here on `*`, globs, roles and labels also look at the hosts named so far.
    pub(crate) fn know_the_named(&mut self) {
        self.known = self.universe.nodes().len() + self.ad_hoc.len();
    }

    /// Takes a host in, whatever its name looks like. A node of the inventory with the same id
    /// goes first.
    pub(crate) fn adopt(&mut self, node: Node) -> usize {
        if let Some(place) = self.place(&node.id) {
            return place;
        }
        let place = self.universe.nodes().len() + self.ad_hoc.len();
        self.ad_hoc_places.insert(node.id.clone(), place);
        self.ad_hoc.push(Arc::new(node));
        place
    }

    pub(crate) fn nodes_at(&self, places: &Places) -> Vec<Arc<Node>> {
        let nodes = places.iter().filter_map(|&place| self.node(place));
        nodes.cloned().collect()
    }

    pub(crate) fn select(&mut self, expr: &Expr) -> Result<Places, SelectError> {
        if self.depth == MAX_DEPTH {
            return Err(SelectError::TooDeep);
        }
        self.depth += 1;
        let places = self.select_any(expr);
        self.depth -= 1;
        places
    }

    fn select_any(&mut self, expr: &Expr) -> Result<Places, SelectError> {
        match expr {
            Expr::All => Ok((0..self.known).collect()),
            Expr::Name(pattern) if pattern.is_glob() => self.glob(pattern),
            Expr::Name(pattern) => self.names(pattern),
            Expr::Group(group) => self.groups(group),
            Expr::Role(role) => self.role(role),
            Expr::Label {
                key,
                comparison,
                value,
            } => self.label(key, *comparison, value),
            Expr::Chain { first, rest } => {
                let mut places = self.select(first)?;
                for (op, operand) in rest {
                    let operand = self.select(operand)?;
                    combine(&mut places, *op, operand);
                }
                Ok(places)
            }
        }
    }

    fn place(&self, id: &NodeId) -> Option<usize> {
        let ad_hoc = || self.ad_hoc_places.get(id).copied();
        self.universe.index(id).or_else(ad_hoc)
    }

    fn node(&self, place: usize) -> Option<&Arc<Node>> {
        let inventory = self.universe.nodes();
        inventory
            .get(place)
            .or_else(|| self.ad_hoc.get(place - inventory.len()))
    }

    /// The known nodes for which something holds.
    fn known_where(&self, holds: impl Fn(&Node) -> bool) -> Places {
        let fits = |&place: &usize| self.node(place).is_some_and(|node| holds(node));
        (0..self.known).filter(fits).collect()
    }

    /// The texts that known nodes have, sorted, each once.
    fn known_texts<'a, I>(&'a self, of: impl Fn(&'a Node) -> I) -> Vec<String>
    where
        I: Iterator<Item = &'a String>,
    {
        let nodes = (0..self.known).filter_map(|place| self.node(place));
        let texts: BTreeSet<&String> = nodes.flat_map(|node| of(node)).collect();
        texts.into_iter().cloned().collect()
    }

    fn glob(&self, pattern: &Pattern) -> Result<Places, SelectError> {
        let places = self.known_where(|node| pattern.matches(node.id.as_str()));
        match places.is_empty() {
            true => Err(SelectError::NoMatch(pattern.to_string())),
            false => Ok(places),
        }
    }

    fn names(&mut self, pattern: &Pattern) -> Result<Places, SelectError> {
        self.expanded += pattern.count();
        if self.expanded > MAX_NAMES {
            return Err(SelectError::TooMany);
        }
        let mut places = Places::new();
        let mut unknown = Vec::new();
        for name in pattern.names() {
            match name.parse().ok().and_then(|id| self.place(&id)) {
                Some(place) => {
                    places.insert(place);
                }
                None if self.may_be_a_host(&name) => {
                    let node = parse_target(&name)?;
                    places.insert(self.adopt(node));
                }
                None => unknown.push(name),
            }
        }
        match unknown.is_empty() {
            true => Ok(places),
            false => Err(self.unknown_nodes(&unknown)),
        }
    }

    fn may_be_a_host(&self, name: &str) -> bool {
        match self.universe.ad_hoc() {
            AdHoc::Allow => self.universe.nodes().is_empty() || is_clearly_a_host(name),
            AdHoc::Refuse => false,
        }
    }

    fn unknown_nodes(&self, unknown: &[String]) -> SelectError {
        let shown = &unknown[..unknown.len().min(MAX_UNKNOWN)];
        let mut folded = fold(shown);
        if shown.len() < unknown.len() {
            folded.push_str(",…");
        }
        let first = unknown.first().map_or("", String::as_str);
        let groups = self.universe.group(first).map(|_| format!("@{first}"));
        let inventory = self.universe.nodes().iter();
        let named = self.ad_hoc.iter();
        let ids = inventory.chain(named).map(|node| node.id.as_str());
        SelectError::UnknownNodes {
            folded,
            count: unknown.len(),
            similar: groups.into_iter().chain(similar(first, ids)).collect(),
            could_be_hosts: self.universe.ad_hoc() == AdHoc::Allow,
        }
    }

    pub(crate) fn groups(&mut self, pattern: &GroupPattern) -> Result<Places, SelectError> {
        let pattern = pattern.pattern();
        let unknown = |name: &str, similar: Vec<String>| {
            let all = || self.universe.group_names().map(str::to_owned).collect();
            SelectError::UnknownGroup {
                name: name.to_owned(),
                known: if similar.is_empty() { all() } else { similar },
            }
        };
        let names: Vec<String> = if pattern.is_glob() {
            let fitting = self
                .universe
                .group_names()
                .filter(|name| pattern.matches(name));
            let names: Vec<String> = fitting.map(str::to_owned).collect();
            if names.is_empty() {
                return Err(unknown(&pattern.to_string(), Vec::new()));
            }
            names
        } else {
            let names = pattern.names();
            let missing =
                |name: &&String| self.universe.group(name).is_none() && name.as_str() != "all";
            if let Some(name) = names.iter().find(missing) {
                return Err(unknown(name, similar(name, self.universe.group_names())));
            }
            names
        };
        let mut places = Places::new();
        for name in names {
            match self.universe.group(&name) {
                Some(_) => places.extend(self.group(&name)?),
                None => places.extend(0..self.known),
            }
        }
        Ok(places)
    }

    /// The members of one group. A group is part of the inventory: what is named beside that is
    /// no part of it, whoever refers to the group.
    pub(crate) fn group(&mut self, name: &str) -> Result<Places, SelectError> {
        let universe = self.universe;
        let Some((name, members)) = universe.group_entry(name) else {
            return Ok(Places::new());
        };
        if let Some(places) = self.groups.get(name) {
            return Ok(places.clone());
        }
        if let Some(begin) = self.path.iter().position(|outer| *outer == name) {
            let path = self.path[begin..].iter().chain([&name]);
            return Err(SelectError::GroupCycle {
                path: path.map(|&group| group.to_owned()).collect(),
            });
        }
        self.path.push(name);
        let known = std::mem::replace(&mut self.known, universe.nodes().len());
        let mut places = Places::new();
        let result = members.iter().try_for_each(|member| {
            places.extend(self.select(member)?);
            Ok(())
        });
        self.known = known;
        self.path.pop();
        result.map_err(|error| in_group(name, error))?;
        self.groups.insert(name, places.clone());
        Ok(places)
    }

    fn role(&self, role: &Pattern) -> Result<Places, SelectError> {
        let places = self.known_where(|node| node.roles.iter().any(|r| role.matches(r)));
        match places.is_empty() {
            true => Err(SelectError::UnknownRole {
                role: role.to_string(),
                known: self.known_texts(|node| node.roles.iter()),
            }),
            false => Ok(places),
        }
    }

    fn label(
        &self,
        key: &str,
        comparison: Comparison,
        value: &Pattern,
    ) -> Result<Places, SelectError> {
        let values = self.known_texts(|node| node.labels.get(key).into_iter());
        if values.is_empty() {
            return Err(SelectError::UnknownLabel {
                key: key.to_owned(),
                known: self.known_texts(|node| node.labels.keys()),
            });
        }
        let equal = |node: &Node| node.labels.get(key).is_some_and(|v| value.matches(v));
        match comparison {
            Comparison::NotEqual => Ok(self.known_where(|node| !equal(node))),
            Comparison::Equal if !values.iter().any(|v| value.matches(v)) => {
                Err(SelectError::UnknownLabelValue {
                    key: key.to_owned(),
                    value: value.to_string(),
                    known: values,
                })
            }
            Comparison::Equal => Ok(self.known_where(equal)),
        }
    }
}

fn combine(places: &mut Places, op: SetOp, mut operand: Places) {
    match op {
        // Appending the smaller set keeps a list of many names from being copied at each of them.
        SetOp::Union if operand.len() > places.len() => {
            operand.append(places);
            *places = operand;
        }
        SetOp::Union => places.extend(operand),
        SetOp::Difference => operand.iter().for_each(|place| {
            places.remove(place);
        }),
        SetOp::Intersection => places.retain(|place| operand.contains(place)),
        SetOp::SymmetricDifference => {
            for place in operand {
                if !places.remove(&place) {
                    places.insert(place);
                }
            }
        }
    }
}

/// Says in which group the trouble is, once: the innermost is the one to mend.
fn in_group(group: &str, error: SelectError) -> SelectError {
    match error {
        SelectError::InGroup { .. } | SelectError::GroupCycle { .. } | SelectError::TooDeep => {
            error
        }
        _ => SelectError::InGroup {
            group: group.to_owned(),
            source: Box::new(error),
        },
    }
}
