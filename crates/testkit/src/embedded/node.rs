//! A running node.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use russh::keys::{Certificate, PublicKey};

use super::shared::Shared;
use super::{CertAuthority, EmbeddedBuilder, Error, Faults, Stats};

/// The port that goes without saying.
const SSH_PORT: u16 = 22;

/// An SSH server on loopback, in this process.
///
/// When it goes, its connections are cut and every process it started is killed. Only
/// [`stop`](Self::stop) waits for that.
#[derive(Debug)]
pub struct EmbeddedNode {
    shared: Arc<Shared>,
}

impl EmbeddedNode {
    /// Ends the node but for what has left its group; says whether there may be such.
    pub(super) fn end_groups(&self) -> bool {
        self.shared.end_groups()
    }

    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A node to be.
    pub fn builder() -> EmbeddedBuilder {
        EmbeddedBuilder::default()
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where the node listens.
    pub fn addr(&self) -> SocketAddr {
        self.shared.address
    }

    /// The (first) key with which the node shows who it is.
    pub fn host_key(&self) -> PublicKey {
        self.shared.identity.host_key().clone()
    }

    /// The key shown instead by [`Faults::other_host_key`].
    ///
    /// # Errors
    /// When it is asked for the first time and cannot be made.
    pub fn other_host_key(&self) -> Result<PublicKey, Error> {
        Ok(self.shared.identity.other_key()?.public_key().clone())
    }

    /// The line of a known_hosts file that trusts this node.
    ///
    /// # Errors
    /// When the key cannot be encoded.
    pub fn known_hosts_line(&self) -> Result<String, Error> {
        let mut key = self.host_key();
        key.set_comment("");
        let key = key.to_openssh()?;
        Ok(match (self.addr().ip(), self.addr().port()) {
            (ip, SSH_PORT) => format!("{ip} {}\n", key.trim_end()),
            (ip, port) => format!("[{ip}]:{port} {}\n", key.trim_end()),
        })
    }

    /// Lets an authority vouch for the node's key, under its address and name; new connections
    /// are shown the certificate.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn host_certificate(&self, authority: &CertAuthority) -> Result<Certificate, Error> {
        let ip = self.addr().ip().to_string();
        let principals = [ip.as_str(), self.name(), "localhost"];
        let certificate = authority.sign_host(&self.host_key(), &principals)?;
        self.shared.identity.present(certificate.clone());
        Ok(certificate)
    }

    /// The home directory of every command.
    pub fn home(&self) -> &Path {
        self.shared.home.path()
    }

    /// What the node has seen so far.
    pub fn stats(&self) -> Stats {
        self.shared.counters.snapshot()
    }

    /// The faults as they are.
    pub fn faults(&self) -> Faults {
        self.shared.faults()
    }

    /// Changes what the node does wrong; each field of [`Faults`] says to whom it applies.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.set_faults(faults);
    }

    /// Cuts all connections that are open now; new ones are welcome.
    pub fn cut_connections(&self) {
        self.shared.cut();
    }

    /// Ends the node: kills exactly the processes it started, closes all connections, waits for
    /// both, frees the port and removes the home directory.
    pub async fn stop(self) {
        self.shared.end();
        self.shared.tasks.wait().await;
    }
}

impl Drop for EmbeddedNode {
    fn drop(&mut self) {
        self.shared.end();
    }
}
