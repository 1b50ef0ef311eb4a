//! What is known of a machine. Data only: a live handle on it is a `Host`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{command::BecomeMethod, id::NodeId};

/// A machine the fleet knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Its name in the fleet.
    pub id: NodeId,
    /// The name or address to connect to, as a user would give it to ssh: ssh_config may still
    /// map it to something else.
    pub host: String,
    /// How to connect, where the inventory says something about it.
    #[serde(default)]
    pub access: Access,
    /// `key=value` words to select by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What the node is for: `worker`, `control-plane`.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// Where its Docker engine listens, as a URL; for engines only, never for SSH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_url: Option<String>,
}

/// How to connect to a node. What is `None` is left to ssh_config and its defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// The account to log in to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The TCP port of its sshd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Path of the private key to try first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<String>,
    /// `[user@]host[:port]`, comma separated from the near end to the far end, as ssh's ProxyJump.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
    /// Whom to become once logged in, where that is another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub become_user: Option<String>,
    /// The program that makes that change, where it is not the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub become_method: Option<BecomeMethod>,
}

impl Node {
    /// A node of which nothing is known but where it is.
    #[must_use]
    pub fn new(id: NodeId, host: impl Into<String>) -> Self {
        Self {
            id,
            host: host.into(),
            access: Access::default(),
            labels: BTreeMap::new(),
            roles: BTreeSet::new(),
            docker_url: None,
        }
    }

    /// Whether this node is the machine Towline runs on and is reached without SSH: its host is
    /// a loopback name and neither a user nor a port says that its sshd is meant.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1")
            && self.access.user.is_none()
            && self.access.port.is_none()
            && self.access.jump.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str) -> Node {
        Node::new("n1".parse().unwrap(), host)
    }

    #[test]
    fn only_a_bare_loopback_name_is_local() {
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(node(host).is_local(), "{host}");
        }
        assert!(!node("127.0.0.2").is_local());
        let mut other_user = node("localhost");
        other_user.access.user = Some("pi".into());
        assert!(!other_user.is_local());
        let mut other_port = node("localhost");
        other_port.access.port = Some(2222);
        assert!(!other_port.is_local());
    }
}
