//! Waiting for a node: until sshd greets and systemd says that it is done with starting.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::docker::Docker;
use super::error::BedError;
use super::node::BedNode;

const POLL: Duration = Duration::from_millis(100);
const GREETING_LIMIT: Duration = Duration::from_secs(2);
/// Sixteen nodes starting at once on two cores took 22 s.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// Whether sshd greets there, as seen from this machine.
pub(super) fn sshd_greets(address: IpAddr) -> bool {
    let greeting = || {
        let to = SocketAddr::new(address, 22);
        let mut stream = TcpStream::connect_timeout(&to, GREETING_LIMIT)?;
        stream.set_read_timeout(Some(GREETING_LIMIT))?;
        let mut start = [0_u8; 4];
        stream.read_exact(&mut start)?;
        std::io::Result::Ok(start == *b"SSH-")
    };
    greeting().unwrap_or(false)
}

/// Waits until systemd has started everything and nothing of it has failed.
///
/// The node is asked from inside, so that one that is cut off can be ready too.
pub(super) fn wait(docker: &Docker, node: &BedNode) -> Result<(), BedError> {
    let begun = Instant::now();
    loop {
        let state = systemctl(docker, node, &["is-system-running"])?;
        // A unit that failed and is to be tried again counts as neither started nor failed.
        let pending = systemctl(docker, node, &["list-units", "--state=activating,failed"])?;
        if state == "running" && pending.is_empty() {
            return Ok(());
        }
        if state == "degraded" || begun.elapsed() > READY_LIMIT {
            return Err(BedError::Deadline {
                what: format!("{} is not ready", node.name),
                waited: begun.elapsed(),
                last: format!("systemd says '{state}' {pending}"),
            });
        }
        std::thread::sleep(POLL);
    }
}

/// What systemctl prints; while systemd is not there yet that is nothing.
fn systemctl(docker: &Docker, node: &BedNode, args: &[&str]) -> Result<String, BedError> {
    let command = docker
        .exec(&node.container)
        .args(["systemctl", "--plain", "--no-legend"]);
    let output = command.args(args).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
