//! Where the bed's things are: addresses, names, labels and folders.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// The bridge's network. A blackhole route keeps it on this machine when the bridge is gone.
pub const SUBNET: &str = "10.77.0.0/24";
/// This machine's own address on the bridge.
pub const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1));
/// The network interface of the bridge.
pub const BRIDGE: &str = "bed0";
/// What the container engine calls the network.
pub const NETWORK: &str = "towline-bed";
/// Every container and network of the bed carries this label; the value is `bed`.
pub const LABEL: &str = "towline.testbed";
/// The directory of the small file system in each node, which [`fill`](super::Bed::fill) fills.
pub const SMALL_DIR: &str = "/srv/small";
/// How large that file system is, in bytes.
pub const SMALL_BYTES: u64 = 16 << 20;
/// Socket, pid file and run-time state of the container engine that the bed starts itself. There is
/// one bridge and so one bed per machine.
pub const RUNTIME_DIR: &str = "/run/towline-testbed";
/// The most nodes a bed may have: their addresses end in 11 to 210.
pub const MAX_NODES: usize = 200;

/// The name of node number `index`, which counts from 1: `n1`.
#[must_use]
pub fn node_name(index: usize) -> String {
    format!("n{index}")
}

/// The address of node number `index`, which counts from 1 to [`MAX_NODES`].
#[must_use]
pub fn node_address(index: usize) -> IpAddr {
    let last = u8::try_from(10 + index).unwrap_or(u8::MAX);
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, last))
}

/// The container of a node: `towline-bed-n1`.
pub(super) fn container_name(node: &str) -> String {
    format!("towline-bed-{node}")
}

/// The bed's files in its cache folder.
#[derive(Debug, Clone)]
pub(super) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn state(&self) -> PathBuf {
        self.dir.join("bed.json")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    pub(super) fn lease(&self, node: &str) -> PathBuf {
        self.dir.join(format!("lease-{node}"))
    }

    pub(super) fn identity(&self) -> PathBuf {
        self.dir.join("id_ed25519")
    }

    pub(super) fn identity_public(&self) -> PathBuf {
        self.dir.join("id_ed25519.pub")
    }

    pub(super) fn ops_password(&self) -> PathBuf {
        self.dir.join("ops-password")
    }

    pub(super) fn known_hosts(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }

    pub(super) fn ssh_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    pub(super) fn inventory(&self) -> PathBuf {
        self.dir.join("towline.yaml")
    }

    pub(super) fn engine_data(&self) -> PathBuf {
        self.dir.join("docker")
    }

    pub(super) fn engine_log(&self) -> PathBuf {
        self.dir.join("dockerd.log")
    }

    pub(super) fn engine_config(&self) -> PathBuf {
        self.dir.join("dockerd.json")
    }
}
