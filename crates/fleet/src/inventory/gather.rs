//! All sources together.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures::future::try_join_all;
use towline_core::{
    id::NodeId,
    node::Node,
    selection::{Expr, Universe, UniverseError},
};

use super::{
    CommandSource, ConfigFile, Elevate, InventoryError, Origin, Part, Source, Ssh, resolve,
};

/// The nodes of a fleet, ready to be selected from.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// What the fleet is called.
    pub cluster: Option<String>,
    /// The defaults that were applied; what is no part of a node is read from here.
    pub ssh: Ssh,
    /// The nodes, in the order they were written.
    pub nodes: Vec<Arc<Node>>,
    /// Members by group name; a group is their union.
    pub groups: BTreeMap<String, Vec<Expr>>,
    origins: HashMap<NodeId, Origin>,
}

impl Inventory {
    /// Everything `file` names: its own nodes, and those of its further sources, which are asked
    /// at the same time. Without a file there are no nodes and no defaults.
    ///
    /// # Errors
    ///
    /// When a source fails, or two of them know a node of the same name.
    pub async fn load(file: Option<&ConfigFile>) -> Result<Self, InventoryError> {
        let Some(file) = file else {
            return Ok(Self::default());
        };
        let commands: Vec<CommandSource> = (file.config.inventory.iter())
            .map(|entry| CommandSource::new(entry, file.folder()))
            .collect();
        let mut sources: Vec<&dyn Source> = vec![file];
        sources.extend(commands.iter().map(|source| source as &dyn Source));
        let mut inventory = Self::with_defaults(file);
        inventory.add_all(&sources).await?;
        Ok(inventory)
    }

    /// No nodes yet, and the defaults of `file`.
    #[must_use]
    pub fn with_defaults(file: &ConfigFile) -> Self {
        let mut ssh = file.config.ssh.clone();
        ssh.identity_file = (ssh.identity_file).map(|path| resolve::path(file.folder(), &path));
        Self {
            cluster: file.config.cluster.name.clone(),
            ssh,
            ..Self::default()
        }
    }

    /// Asks all `sources` at once and takes what they know, in their order.
    ///
    /// # Errors
    ///
    /// When one fails, or a node is known already.
    pub async fn add_all(&mut self, sources: &[&dyn Source]) -> Result<(), InventoryError> {
        for part in try_join_all(sources.iter().map(|source| source.load())).await? {
            self.add(part)?;
        }
        Ok(())
    }

    /// Takes the nodes of `part`, with the defaults applied. A group that is there already gets
    /// the further members.
    ///
    /// # Errors
    ///
    /// When a node is known already.
    pub fn add(&mut self, part: Part) -> Result<(), InventoryError> {
        for declared in part.nodes {
            let id = declared.node.id.clone();
            if let Some(first) = self.origins.get(&id) {
                return Err(InventoryError::Duplicate {
                    id,
                    first: first.clone(),
                    second: declared.origin,
                });
            }
            self.origins.insert(id, declared.origin.clone());
            let node = with_defaults(&self.ssh, declared.node, declared.elevate.as_ref());
            self.nodes.push(Arc::new(node));
        }
        for (name, members) in part.groups {
            self.groups.entry(name).or_default().extend(members);
        }
        Ok(())
    }

    /// What selections are read against.
    ///
    /// # Errors
    ///
    /// When a source delivered a node whose id means something else in a selection.
    pub fn universe(&self) -> Result<Universe, UniverseError> {
        Universe::new(self.nodes.clone(), self.groups.clone())
    }

    /// Applies the defaults to those of `selected` that are not from here: hosts that were named
    /// outright.
    #[must_use]
    pub fn complete(&self, selected: Vec<Arc<Node>>) -> Vec<Arc<Node>> {
        let complete = |node: Arc<Node>| match self.origins.contains_key(&node.id) {
            true => node,
            false => Arc::new(with_defaults(&self.ssh, Node::clone(&node), None)),
        };
        selected.into_iter().map(complete).collect()
    }

    /// Where a node was written down.
    #[must_use]
    pub fn origin(&self, id: &NodeId) -> Option<&Origin> {
        self.origins.get(id)
    }
}

/// What the node says wins over the defaults. A node that is this machine keeps to itself: a
/// default account or port does not turn it into one reached by SSH.
fn with_defaults(ssh: &Ssh, mut node: Node, elevate: Option<&Elevate>) -> Node {
    if !node.is_local() {
        let access = &mut node.access;
        access.port = access.port.or(ssh.port.map(|port| port.0));
        fill(&mut access.user, ssh.user.as_ref().map(ToString::to_string));
        fill(&mut access.identity_file, ssh.identity_file.clone());
        if access.jump.is_none() {
            let names = [node.id.as_str(), node.host.as_str()];
            access.jump = (ssh.jump.as_ref()).map(|jump| jump_to(jump.as_str(), names));
        }
    }
    if let Some(Elevate::To { account, method }) = elevate.or(ssh.r#become.as_ref()) {
        node.access.become_user = Some(account.to_string());
        node.access.become_method = *method;
    }
    node
}

fn fill(value: &mut Option<String>, default: Option<String>) {
    if value.is_none() {
        *value = default;
    }
}

/// The default way to a node. One that is itself a hop of it is reached by the hops before it.
fn jump_to(jump: &str, names: [&str; 2]) -> String {
    let is_node = |hop: &&str| {
        let place = hop.rsplit_once('@').map_or(*hop, |(_, place)| place);
        names.iter().any(|name| {
            let rest = match place.strip_prefix('[') {
                Some(inner) => inner.strip_prefix(name).and_then(|r| r.strip_prefix(']')),
                None => place.strip_prefix(name),
            };
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    };
    let hops: Vec<&str> = jump.split(',').take_while(|hop| !is_node(hop)).collect();
    match hops.as_slice() {
        [] => "none".to_owned(),
        hops => hops.join(","),
    }
}
