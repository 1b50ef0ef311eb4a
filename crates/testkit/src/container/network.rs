//! The bridge, and the route that keeps its traffic on this machine.

use super::docker::Docker;
use super::error::BedError;
use super::layout::{BRIDGE, GATEWAY, LABEL, NETWORK, SUBNET};
use super::process::Tool;

/// Worse than any route a real interface gives, so it only counts when the bridge is gone.
const BLACKHOLE_METRIC: &str = "9999";

/// Makes the bridge and the route unless they are there. Whether the bridge was made.
pub(super) fn ensure(docker: &Docker) -> Result<bool, BedError> {
    // First the route: without the bridge these addresses would leave by the default route.
    Tool::as_root("ip")
        .args([
            "route",
            "replace",
            "blackhole",
            SUBNET,
            "metric",
            BLACKHOLE_METRIC,
        ])
        .run()?;
    if exists(docker)? {
        return Ok(false);
    }
    docker
        .call()
        .args(["network", "create", "--driver", "bridge", "--internal"])
        .args(["--subnet", SUBNET, "--gateway", &GATEWAY.to_string()])
        .args(["--opt", &format!("com.docker.network.bridge.name={BRIDGE}")])
        .args(["--label", &format!("{LABEL}=bed"), NETWORK])
        .run()?;
    // A machine that routes for others must not do so for the nodes.
    Tool::as_root("tee")
        .arg(format!("/proc/sys/net/ipv4/conf/{BRIDGE}/forwarding"))
        .input("0\n")
        .run()?;
    Ok(true)
}

/// Takes the bridge away. It must have no nodes left.
pub(super) fn remove(docker: &Docker) -> Result<(), BedError> {
    if exists(docker)? {
        docker.call().args(["network", "rm", NETWORK]).run()?;
    }
    Ok(())
}

/// Takes the route away; only when no engine has the bridge any more.
pub(super) fn remove_route() -> Result<(), BedError> {
    let route = Tool::new("ip")
        .args(["route", "show", "type", "blackhole", SUBNET])
        .run()?;
    if !route.trim().is_empty() {
        Tool::as_root("ip")
            .args([
                "route",
                "del",
                "blackhole",
                SUBNET,
                "metric",
                BLACKHOLE_METRIC,
            ])
            .run()?;
    }
    Ok(())
}

fn exists(docker: &Docker) -> Result<bool, BedError> {
    let listed = docker
        .call()
        .args([
            "network",
            "ls",
            "--quiet",
            "--filter",
            &format!("label={LABEL}=bed"),
        ])
        .run()?;
    Ok(!listed.trim().is_empty())
}
