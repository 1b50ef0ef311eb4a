//! Faults of the network: rules in a node's own network namespace, set from outside of the node.
//!
//! They live in two chains of their own, each replaced as a whole in one step, so that setting one
//! twice or undoing what is not set does no harm. They are gone when the node restarts.

use std::net::IpAddr;

use super::error::BedError;
use super::layout::{GATEWAY, SUBNET};
use super::process::Tool;

const CHAINS: &str = include_str!("assets/firewall.rules");
const CUT: &str = "BED-CUT";
const REACH: &str = "BED-REACH";

/// What a chain is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Nothing goes in or out.
    Cut,
    /// Nothing goes to or comes from this machine.
    CutFromHost,
    /// The cut is undone.
    Healed,
    /// New TCP connections are taken from this address only.
    OnlyFrom(IpAddr),
    /// They are taken from everywhere.
    FromAll,
}

impl Rules {
    fn chain(self) -> &'static str {
        match self {
            Self::Cut | Self::CutFromHost | Self::Healed => CUT,
            Self::OnlyFrom(_) | Self::FromAll => REACH,
        }
    }

    /// The input of `iptables-restore --noflush`: naming a chain empties it.
    fn text(self) -> String {
        let chain = self.chain();
        let rules = match self {
            Self::Healed | Self::FromAll => String::new(),
            Self::Cut => format!("-A {chain} -j DROP\n"),
            Self::CutFromHost => {
                format!("-A {chain} -s {GATEWAY} -j DROP\n-A {chain} -d {GATEWAY} -j DROP\n")
            }
            Self::OnlyFrom(via) => format!(
                "-A {chain} -s {via} -j RETURN\n-A {chain} -s {SUBNET} -p tcp --syn -j DROP\n"
            ),
        };
        format!("*filter\n:{chain} - [0:0]\n{rules}COMMIT\n")
    }
}

/// Which faults are in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct InForce {
    pub(super) cut: bool,
    pub(super) cut_from_host: bool,
    pub(super) only_from: Option<IpAddr>,
}

/// Sets a chain in the network namespace of the process `pid`.
pub(super) fn set(pid: u32, rules: Rules) -> Result<(), BedError> {
    let there = within(pid, "iptables")
        .args(["-w", "-n", "-L", CUT])
        .succeeds()?;
    if !there {
        restore(pid, CHAINS)?;
    }
    restore(pid, &rules.text())
}

/// Reads what is in force.
pub(super) fn read(pid: u32) -> Result<InForce, BedError> {
    Ok(parse(&within(pid, "iptables").args(["-w", "-S"]).run()?))
}

fn restore(pid: u32, text: &str) -> Result<(), BedError> {
    within(pid, "iptables-restore")
        .args(["-w", "--noflush"])
        .input(text)
        .run()
        .map(drop)
}

fn within(pid: u32, program: &str) -> Tool {
    Tool::as_root("nsenter").args(["--target", &pid.to_string(), "--net", program])
}

/// Understands `iptables -S`.
fn parse(listed: &str) -> InForce {
    let mut found = InForce::default();
    for line in listed.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["-A", CUT, "-j", "DROP"] => found.cut = true,
            ["-A", CUT, "-s", _, "-j", "DROP"] => found.cut_from_host = true,
            ["-A", REACH, "-s", via, "-j", "RETURN"] => {
                found.only_from = via
                    .split('/')
                    .next()
                    .and_then(|address| address.parse().ok());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::layout::node_address;

    #[test]
    fn the_listing_of_iptables_is_understood() {
        let quiet = "-P INPUT ACCEPT\n-N BED-CUT\n-N BED-REACH\n-A INPUT ! -i lo -j BED-CUT\n";
        assert_eq!(parse(quiet), InForce::default());
        assert!(parse("-A BED-CUT -j DROP\n").cut);
        assert!(parse("-A BED-CUT -s 10.77.0.1/32 -j DROP\n").cut_from_host);
        let through = "-A BED-REACH -s 10.77.0.12/32 -j RETURN\n\
            -A BED-REACH -s 10.77.0.0/24 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP\n";
        assert_eq!(parse(through).only_from, Some(node_address(2)));
    }

    #[test]
    fn undoing_empties_the_chain_it_concerns_and_no_other() {
        assert_eq!(Rules::Healed.text(), "*filter\n:BED-CUT - [0:0]\nCOMMIT\n");
        assert_eq!(
            Rules::FromAll.text(),
            "*filter\n:BED-REACH - [0:0]\nCOMMIT\n"
        );
    }
}
