//! The way to a node: worked out from what is configured, before anything is connected.

use std::sync::Arc;

use towline_core::node::Node;

use crate::{
    error::RemoteError, local::LocalHost, openssh::Client, proxy::ProxyCommand, ssh::Endpoint,
};

/// Knows the way to every node.
pub trait Router: Send + Sync {
    /// The way to a node.
    ///
    /// # Errors
    /// When what is configured for it makes no sense.
    fn route(&self, node: &Node) -> Result<Route, RemoteError>;
}

/// The way to a node.
#[derive(Clone)]
pub enum Route {
    /// It is this machine.
    Local(LocalHost),
    /// By SSH in this process.
    Ssh(Arc<SshRoute>),
    /// By the system's ssh client.
    OpenSsh(Arc<Client>),
}

/// The way to an sshd.
#[derive(Clone)]
pub struct SshRoute {
    /// What tells this way from every other: two nodes with the same one share a connection.
    pub key: String,
    /// The far end.
    pub endpoint: Endpoint,
    /// What it goes through.
    pub through: Through,
}

/// What a connection goes through, not yet connected.
#[derive(Clone)]
pub enum Through {
    /// Nothing.
    Nothing,
    /// A jump host, to which a way is known in turn.
    Jump(Arc<SshRoute>),
    /// A command of the user's.
    Command(ProxyCommand),
}

impl Route {
    /// What tells this way from every other.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Local(_) => "local",
            Self::Ssh(route) => &route.key,
            Self::OpenSsh(client) => &client.key,
        }
    }

    /// File descriptors that are open at most at a time while a node is worked on by this way.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        match self {
            // Three pipes and the process.
            Self::Local(_) => 4,
            Self::Ssh(route) => match route.through {
                // A socket; two while the second address of a name is tried beside the first.
                Through::Nothing | Through::Jump(_) => 2,
                Through::Command(_) => 4,
            },
            // The master and what it says, its socket, and both ends of three pipes while they
            // are handed over.
            Self::OpenSsh(_) => 10,
        }
    }
}
