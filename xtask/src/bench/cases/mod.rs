//! What is measured: one file each.

pub(super) mod cold;
pub(super) mod fold;
pub(super) mod many;
pub(super) mod one;
pub(super) mod start;
pub(super) mod warm;

use std::path::PathBuf;

use super::{
    fleet::{Fleet, Hosts, Kex},
    install::Built,
    measure::Bench,
    peers::{self, Invocation, Peer, Work},
    stats::{greatest, least, median, short},
};

/// A peer that is there.
pub(super) struct Tool {
    pub(super) peer: &'static Peer,
    pub(super) program: PathBuf,
}

/// What every case is given.
pub(super) struct Setting<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) fleet: &'a Fleet,
    pub(super) built: &'a Built,
    pub(super) tools: &'a [Tool],
    pub(super) hosts: usize,
    pub(super) many: usize,
    pub(super) fanout: usize,
    pub(super) rounds: usize,
    pub(super) progress: fn(&str),
}

/// Somebody who takes part in a comparison.
struct Contestant<'a> {
    /// As it is called in the tables.
    name: String,
    /// The key exchange, as the tables have it.
    kex: &'static str,
    tool: Option<&'a Tool>,
    which: Kex,
    rounds: Rounds,
}

/// What the rounds brought.
#[derive(Default)]
struct Rounds {
    cpu_ms: Vec<f64>,
    wall_ms: Vec<f64>,
    memory_mib: Vec<f64>,
    proportional_mib: Vec<f64>,
    processes: usize,
}

impl Setting<'_> {
    /// Towline first, then each peer, in both forms where it has two.
    fn contestants(&self) -> Vec<Contestant<'_>> {
        let one = |name: &str, kex, tool, which| Contestant {
            name: name.to_owned(),
            kex,
            tool,
            which,
            rounds: Rounds::default(),
        };
        let same = self.fleet.kex;
        let mut all = vec![one("tow", same, None, Kex::Shipped)];
        for tool in self.tools {
            if tool.peer.by_openssh {
                all.push(one(tool.peer.name, same, Some(tool), Kex::Same));
                all.push(one(tool.peer.name, "as shipped", Some(tool), Kex::Shipped));
            } else {
                all.push(one(tool.peer.name, "its own", Some(tool), Kex::Shipped));
            }
        }
        all
    }

    /// How somebody does that on these hosts.
    fn invocation(
        &self,
        contestant: &Contestant<'_>,
        hosts: &Hosts,
        fanout: usize,
        command: &str,
    ) -> Invocation {
        let work = Work {
            fleet: self.fleet,
            hosts,
            fanout,
            command,
            kex: contestant.which,
        };
        match contestant.tool {
            None => peers::tow(&self.built.tow, &work),
            Some(tool) => tool.peer.invocation(&tool.program, &work),
        }
    }
}

/// KiB in MB as people say it: 2^20 bytes.
#[expect(
    clippy::cast_precision_loss,
    reason = "memory of a process is below 2^52 KiB"
)]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// The middle and the best of some rounds: `2.13 (2.07)`.
fn middle_and_best(values: &[f64]) -> String {
    format!("{} ({})", short(median(values)), short(least(values)))
}

/// How many times as much as ours: `17`.
fn times(theirs: f64, ours: f64) -> String {
    if ours > 0.0 && theirs > 0.0 {
        short(theirs / ours)
    } else {
        String::new()
    }
}

/// The most, or nothing when nobody looked.
fn most(values: &[f64]) -> String {
    if values.is_empty() {
        String::new()
    } else {
        short(greatest(values))
    }
}
