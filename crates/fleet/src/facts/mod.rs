//! What a node is, what it can run and how it is doing: learnt in one round trip, with nothing
//! but a POSIX shell there.
//!
//! [`probe`] is the command to run on the node, [`Facts::parse`] reads what it printed. What the
//! node does not have or does not tell is `None` or left out, never a guess.

mod bsd;
mod checks;
mod parse;
mod probe;
mod survey;
mod tools;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    checks::{Check, DoctorLine, Level, checks},
    parse::ProbeError,
    probe::{InvalidUnitName, Section, UnitName, probe},
    survey::{ClockOffset, NodeStatus, StatusLine, Survey, Told},
};

/// What one probe of a node told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Facts {
    /// What its login shell printed before the report, if anything: the beginning of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// What it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The operating system, for people: `Debian GNU/Linux 12 (bookworm)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The kind of kernel: `Linux`, `Darwin`, `FreeBSD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The kernel's release: `6.1.0-18-amd64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The machine type as uname names it: `x86_64`, `aarch64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The name of process 1, or `launchd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
    /// Processors that are online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// Time since it was started, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_s: Option<u64>,
    /// Average number of processes that wanted to run, over 1, 5 and 15 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<[f32; 3]>,
    /// Main memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Swap space; a total of 0 says that there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swap: Option<Space>,
    /// File systems: the root first, then those of engines that have one of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<Disk>,
    /// Graphics cards that nvidia-smi knows of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<Gpu>,
    /// Why nvidia-smi, which is there, told of no cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_error: Option<String>,
    /// What it can run. `None` when this was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
    /// Versions of engines by their program's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, String>,
    /// The account logged in to. `None` when this was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Its clock when the probe began. `None` when this was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// The limits of its SSH server, as far as they could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sshd: Option<SshdLimits>,
    /// The services asked about, in the order asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
}

/// Main memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// All there is, in bytes; the control group's limit, where that is lower.
    pub total_bytes: u64,
    /// What programs could still get without swapping, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_bytes: Option<u64>,
    /// Whether `total_bytes` is the limit of a control group.
    #[serde(default)]
    pub limited: bool,
}

/// An amount and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Space {
    /// All there is, in bytes.
    pub total_bytes: u64,
    /// What is free, in bytes.
    pub free_bytes: u64,
}

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    /// Where it is mounted.
    pub mount: String,
    /// What is mounted.
    pub device: String,
    /// Its size in bytes.
    pub total_bytes: u64,
    /// What ordinary accounts may still write, in bytes.
    pub available_bytes: u64,
    /// How much of what ordinary accounts may use is used, in percent, as df says it.
    pub used_percent: u8,
    /// How many of its inodes are used, in percent. `None` when this was not asked, and where a
    /// file system has no fixed number of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inodes_used_percent: Option<u8>,
}

/// A graphics card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// Its memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total_bytes: Option<u64>,
    /// What is used of it in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_bytes: Option<u64>,
    /// How busy it was in the last moments, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation_percent: Option<u8>,
}

/// What a node can run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Runs {
    /// Docker: the client, the engine's socket or both are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker: Option<Engine>,
    /// Podman. It works without a socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub podman: Option<Engine>,
    /// The containerds, of which a node may have several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containerd: Vec<Containerd>,
    /// Path of lxc-start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lxc: Option<String>,
    /// Path of a qemu for the machine's own architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qemu: Option<String>,
    /// Path of virsh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virsh: Option<String>,
    /// Whether the account may use /dev/kvm. `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kvm: Option<bool>,
    /// systemd, where it is the service manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systemd: Option<Systemd>,
    /// The package manager's program: `apt-get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packages: Option<String>,
}

/// A container engine with a client and a socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Engine {
    /// Path of its client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Path of its socket, when it listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// Whether the account may use the socket.
    pub accessible: bool,
}

/// A containerd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Containerd {
    /// Who brought it.
    pub flavour: Flavour,
    /// Path of its socket, when it listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// Whether the account may use the socket.
    #[serde(default)]
    pub accessible: bool,
    /// What to write before the arguments of ctr: `["/usr/local/bin/k0s", "ctr"]`. Empty when
    /// there is no client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrapper: Vec<String>,
}

/// Who brought a containerd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// A package of the distribution.
    Containerd,
    /// k0s.
    K0s,
    /// k3s.
    K3s,
    /// RKE2.
    Rke2,
    /// `MicroK8s`.
    Microk8s,
}

/// systemd as the service manager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Systemd {
    /// Its version: `252.39-1~deb12u1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The state of the whole: `running`, `degraded`, `starting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Units that have failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_units: Option<u32>,
}

/// The account logged in to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Account {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its number; 0 is root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The names of its groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Its login shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Its home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// Whether its home is there and can be written to.
    pub home_writable: bool,
    /// Whether sudo makes it root without a password.
    pub sudo: Passwordless,
    /// Whether doas makes it root without a password.
    pub doas: Passwordless,
}

/// Whether a program makes an account root without asking for a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Passwordless {
    /// There is no such program.
    #[default]
    Absent,
    /// It asks, or refuses.
    No,
    /// It does.
    Yes,
}

/// A node's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// Milliseconds since 1970 in UTC.
    pub epoch_ms: i64,
    /// How exact that is, in milliseconds: where date knows no fractions, 1000.
    pub resolution_ms: u32,
}

/// The limits of an SSH server that a fan-out can run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SshdLimits {
    /// Channels with a process or subsystem on one connection (`MaxSessions`).
    pub max_sessions: u32,
    /// Connections that have not authenticated yet (`MaxStartups`).
    pub max_startups: MaxStartups,
    /// Whether the server said so itself. Otherwise its configuration files were read.
    pub effective: bool,
}

/// From how many unauthenticated connections on sshd refuses new ones: beyond `start` it refuses
/// `rate` percent of them, rising to all at `full`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxStartups {
    /// Where it begins.
    pub start: u32,
    /// Percent refused there.
    pub rate: u32,
    /// Where all are refused.
    pub full: u32,
}

/// A service that was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unit {
    /// The name as it was asked for.
    pub name: String,
    /// How it is, in one word.
    pub state: UnitState,
    /// How it is in the words of the service manager: `active (running)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For how long it has been up, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_s: Option<u64>,
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnitState {
    /// It runs, or did what it was to do.
    Up,
    /// It does not.
    Down,
    /// There is no such service.
    Absent,
    /// The service manager did not say.
    Unknown,
}

impl Facts {
    /// The root file system.
    #[must_use]
    pub fn root_disk(&self) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.mount == "/")
    }
}

#[cfg(test)]
mod tests;
