//! One node: how its container is started, prepared and restarted.

use std::net::IpAddr;
use std::path::Path;

use super::docker::Docker;
use super::error::BedError;
use super::image::Image;
use super::layout::{LABEL, NETWORK, SMALL_BYTES, SMALL_DIR, container_name};
use super::login::Login;

/// What systemd, a nested container engine and the tests' own tools need of the kernel. Not
/// `--privileged`: this machine's devices and its control groups stay out of reach.
const CAPABILITIES: [&str; 14] = [
    "SYS_ADMIN",
    "NET_ADMIN",
    "NET_RAW",
    "SYS_PTRACE",
    "MKNOD",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SYS_CHROOT",
    "SYSLOG",
    "SYS_NICE",
    "SYS_BOOT",
    "IPC_LOCK",
    "DAC_READ_SEARCH",
    "LINUX_IMMUTABLE",
];

/// A node of the bed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BedNode {
    /// Its id and host name: `n1`.
    pub name: String,
    /// Its address on the bridge; sshd listens on port 22.
    pub address: IpAddr,
    /// The id of its container.
    pub container: String,
}

/// Creates and starts a node's container; its id.
pub(super) fn create(
    docker: &Docker,
    image: Image,
    name: &str,
    address: IpAddr,
) -> Result<String, BedError> {
    let mut run = docker
        .call()
        .args([
            "run",
            "--detach",
            "--name",
            &container_name(name),
            "--hostname",
            name,
        ])
        .args(["--label", &format!("{LABEL}=bed"), "--network", NETWORK])
        .args(["--ip", &address.to_string()]);
    for capability in CAPABILITIES {
        run = run.args(["--cap-add", capability]);
    }
    run = run
        .args([
            "--security-opt",
            "seccomp=unconfined",
            "--security-opt",
            "apparmor=unconfined",
        ])
        // With the host's control groups a node would see, and write, those of all others.
        .args(["--cgroupns", "private", "--stop-signal", "SIGRTMIN+3"])
        .args(["--tmpfs", "/run:exec,mode=755", "--tmpfs", "/run/lock"])
        .args(["--tmpfs", "/tmp:exec,size=64m,mode=1777"])
        .args([
            "--tmpfs",
            &format!("{SMALL_DIR}:size={SMALL_BYTES},mode=1777"),
        ])
        // A container engine inside cannot stack its layers on our own stacked ones.
        .args([
            "--volume",
            "/var/lib/docker",
            "--volume",
            "/var/lib/containerd",
        ]);
    if Path::new("/dev/fuse").exists() {
        run = run.args(["--device", "/dev/fuse"]);
    }
    match run.arg(image.tag()).arg("/usr/local/sbin/bed-init").run() {
        Ok(id) => Ok(id.trim().to_owned()),
        // The engine's own way of saying that the kernel or the privileges do not allow it.
        Err(BedError::Tool { stderr, status, .. }) if status.code() == Some(125) => {
            Err(BedError::CannotStart { reason: stderr })
        }
        Err(other) => Err(other),
    }
}

/// Lets the bed's owner in. Safe to repeat.
pub(super) fn prepare(docker: &Docker, container: &str, login: &Login) -> Result<(), BedError> {
    docker
        .exec(container)
        .args(["/usr/local/sbin/bed-prepare", &login.public_key])
        .input(format!("{}\n", login.ops_password))
        .run()
        .map(drop)
}

/// The public host keys as they lie in the node, without their comments: `ssh-ed25519 AAAA…`.
pub(super) fn host_keys(docker: &Docker, container: &str) -> Result<Vec<String>, BedError> {
    let tool = docker.exec(container).args([
        "cat",
        "/etc/ssh/ssh_host_ed25519_key.pub",
        "/etc/ssh/ssh_host_ecdsa_key.pub",
    ]);
    let text = tool.run()?;
    text.lines()
        .map(|line| {
            let mut words = line.split(' ');
            match (words.next(), words.next()) {
                (Some(kind), Some(key)) => Ok(format!("{kind} {key}")),
                _ => Err(tool.unexpected(line)),
            }
        })
        .collect()
}
