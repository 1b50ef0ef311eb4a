//! All the flags that select, at once.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    error::{EmptyReason, SelectError},
    expr::{Expr, GroupPattern},
    select::{Places, Selecting},
    universe::Universe,
};
use crate::node::Node;

/// Which nodes an operation is for, in the words of the command line's flags.
///
/// What `nodes`, `groups`, `all` and `hosts` choose is put together; then `exclude` takes away,
/// each `limit` narrows, and `pick` draws from what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// `-w`: these nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Expr>,
    /// `-g`: the nodes of these groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupPattern>,
    /// `-a`: every node of the inventory.
    pub all: bool,
    /// `--hostfile`: these hosts, under whatever name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Node>,
    /// `-x`: but not these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Expr>,
    /// `--limit`: only what is in each of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limit: Vec<Expr>,
    /// `--pick`: only so many of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
}

/// How many nodes to draw, and what the draw depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pick {
    /// How many; where there are fewer, all of them.
    pub count: usize,
    /// The same seed draws the same from the same nodes.
    pub seed: u64,
}

/// The nodes a request stands for, at least one: those of the inventory in its order, then hosts
/// in the order of mention.
///
/// In `exclude` and `limit`, `*`, globs, roles and labels also look at the hosts that were chosen.
///
/// # Errors
///
/// Flags that choose nothing, or leave nothing over; see also [`super::select`].
pub fn resolve(request: &Request, universe: &Universe) -> Result<Vec<Arc<Node>>, SelectError> {
    let Request {
        nodes,
        groups,
        all,
        hosts,
        exclude,
        limit,
        pick,
    } = request;
    if nodes.is_empty() && groups.is_empty() && hosts.is_empty() && !all {
        return Err(SelectError::NothingSelected);
    }
    let mut selecting = Selecting::new(universe);
    let mut chosen: Places = hosts
        .iter()
        .map(|host| selecting.adopt(host.clone()))
        .collect();
    selecting.know_the_named();
    if *all {
        chosen.extend(0..universe.nodes().len());
    }
    for expr in nodes {
        chosen.extend(selecting.select(expr)?);
    }
    for group in groups {
        chosen.extend(selecting.groups(group)?);
    }
    let reason = if *all {
        EmptyReason::NoNodes
    } else {
        EmptyReason::NobodyChosen
    };
    check(&chosen, reason)?;

    selecting.know_the_named();
    for expr in exclude {
        let excluded = selecting.select(expr)?;
        chosen.retain(|place| !excluded.contains(place));
    }
    check(&chosen, EmptyReason::AllExcluded)?;
    for expr in limit {
        let allowed = selecting.select(expr)?;
        chosen.retain(|place| allowed.contains(place));
    }
    check(&chosen, EmptyReason::OutsideLimit)?;
    if let Some(Pick { count, seed }) = *pick {
        let drawn = fastrand::Rng::with_seed(seed).choose_multiple(chosen, count);
        chosen = drawn.into_iter().collect();
        check(&chosen, EmptyReason::PickedNone)?;
    }
    Ok(selecting.nodes_at(&chosen))
}

fn check(chosen: &Places, reason: EmptyReason) -> Result<(), SelectError> {
    match chosen.is_empty() {
        true => Err(SelectError::Empty(reason)),
        false => Ok(()),
    }
}
