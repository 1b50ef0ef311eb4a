//! What can go wrong while a node is set up.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use russh::keys::ssh_key;

/// Why a node, a fleet of them or a key for it could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken, or is none of this machine.
    #[error("bind an embedded node to {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A home directory or a key file could not be made.
    #[error("write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key or certificate could not be made or encoded.
    #[error("make an SSH key")]
    Key(#[from] ssh_key::Error),
    /// The limit of open files is too low for a fleet of this size.
    #[error("{needed} open files are needed and the limit is {limit}: raise it with `ulimit -n`")]
    OpenFiles {
        /// Files the fleet needs, with room for one connection to each node.
        needed: u64,
        /// The hard limit of this process.
        limit: u64,
    },
}
