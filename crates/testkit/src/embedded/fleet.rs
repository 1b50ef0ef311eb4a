//! Many nodes in one process.

use std::ops::Index;
use std::slice::Iter;
use std::sync::Arc;

use futures::StreamExt as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

use super::groups::kill_by_home;
use super::home::Home;
use super::{EmbeddedBuilder, EmbeddedNode, Error};

/// Open files of a node: its listener, and a connection with both its ends in this process.
const FILES_PER_NODE: u64 = 3;

/// Open files of everything else.
const FILES_APART: u64 = 256;

/// Nodes that were started from one template: each has a host key, a home directory and a port
/// of its own.
#[derive(Debug)]
pub struct EmbeddedFleet {
    nodes: Vec<EmbeddedNode>,
    root: Arc<TempDir>,
}

impl EmbeddedFleet {
    /// Starts `n` nodes named after the template's name with a number, from 1 on: with the name
    /// `n` they are n1, n2 and so on. Raises this process's soft limit of open files, within
    /// the hard one, when they need it.
    ///
    /// # Errors
    /// When one of them cannot be started, or not so many files may be open.
    pub async fn start(n: usize, template: EmbeddedBuilder) -> Result<Self, Error> {
        allow_files(FILES_APART + FILES_PER_NODE * n as u64)?;
        let root = Home::root()?;
        let numbered = |i: usize| {
            let name = format!("{}{i}", template.node_name());
            template.clone().name(&name).start_below(Some(root.clone()))
        };
        let mut starting = futures::stream::iter((1..=n).map(numbered)).buffered(64);
        let mut nodes = Vec::with_capacity(n);
        while let Some(node) = starting.next().await {
            nodes.push(node?);
        }
        drop(starting);
        Ok(Self { nodes, root })
    }

    /// The nodes in their order.
    pub fn iter(&self) -> Iter<'_, EmbeddedNode> {
        self.nodes.iter()
    }

    /// The nodes, to be kept one by one.
    pub fn into_nodes(mut self) -> Vec<EmbeddedNode> {
        std::mem::take(&mut self.nodes)
    }

    /// The lines of a known_hosts file that trusts all of them.
    ///
    /// # Errors
    /// When a key cannot be encoded.
    pub fn known_hosts(&self) -> Result<String, Error> {
        self.iter().map(EmbeddedNode::known_hosts_line).collect()
    }

    /// Stops all of them; see [`EmbeddedNode::stop`].
    pub async fn stop(mut self) {
        self.end();
        let nodes = std::mem::take(&mut self.nodes);
        futures::future::join_all(nodes.into_iter().map(EmbeddedNode::stop)).await;
    }

    /// One look at all processes does for all nodes.
    fn end(&self) {
        let ended = self.nodes.iter().map(EmbeddedNode::end_groups);
        if ended.fold(false, |any, one| any | one) {
            kill_by_home(self.root.path());
        }
    }
}

impl Drop for EmbeddedFleet {
    fn drop(&mut self) {
        self.end();
    }
}

impl Index<usize> for EmbeddedFleet {
    type Output = EmbeddedNode;

    fn index(&self, i: usize) -> &EmbeddedNode {
        &self.nodes[i]
    }
}

impl<'a> IntoIterator for &'a EmbeddedFleet {
    type Item = &'a EmbeddedNode;
    type IntoIter = Iter<'a, EmbeddedNode>;

    fn into_iter(self) -> Iter<'a, EmbeddedNode> {
        self.iter()
    }
}

fn allow_files(needed: u64) -> Result<(), Error> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let too_few = || Error::OpenFiles {
        needed,
        limit: maximum.unwrap_or(u64::MAX),
    };
    if maximum.is_some_and(|maximum| maximum < needed) {
        return Err(too_few());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|_| too_few())
}
