//! `true` on many hosts to which no connection is open: each tool in turn, round after round.

use super::{
    super::{
        measure::{Expect, How, Look},
        report::{Figure, Report},
        stats::{greatest, least, median, short},
        table::Table,
    },
    Contestant, Setting, mib, middle_and_best, most, times,
};

/// A command whose output is not to be mistaken for the command itself, which some tools show.
const SHOUT: &str = "echo towline-bench-$((6 * 7))";
const SHOUTED: &str = "towline-bench-42";

/// Measures it.
///
/// # Errors
/// When Towline itself fails. A peer that fails is noted and left out.
pub(in super::super) fn measure(setting: &Setting<'_>, report: &mut Report) -> anyhow::Result<()> {
    let hosts = setting.fleet.hosts(setting.hosts)?;
    let count = setting.hosts;
    let mut all = setting.contestants();
    // First a round that is not timed: what the hosts write must be shown, and the memory is looked
    // at in the dear way.
    let mut at = 0;
    while let Some(contestant) = all.get_mut(at) {
        (setting.progress)(&format!("cold: trying {}", contestant.title()));
        let invocation = setting.invocation(contestant, &hosts, setting.fanout, SHOUT);
        let how = How {
            look: Look::Proportional,
            ..How::default()
        };
        let expect = Expect {
            hosts: count,
            commands: count,
            text: Some(SHOUTED),
        };
        match setting.bench.on_hosts(&invocation, how, expect) {
            Ok(ran) => {
                contestant
                    .rounds
                    .proportional_mib
                    .push(mib(ran.cost.memory_kib));
                contestant.rounds.processes = ran.cost.processes;
                at += 1;
            }
            Err(error) => leave_out(&mut all, at, &error, report)?,
        }
    }
    for round in 1..=setting.rounds {
        let mut at = 0;
        while let Some(contestant) = all.get_mut(at) {
            let title = contestant.title();
            (setting.progress)(&format!("cold: round {round}, {title}"));
            let invocation = setting.invocation(contestant, &hosts, setting.fanout, "true");
            let how = How {
                look: Look::Resident,
                ..How::default()
            };
            let expect = Expect {
                hosts: count,
                commands: count,
                text: None,
            };
            match setting.bench.on_hosts(&invocation, how, expect) {
                Ok(ran) => {
                    contestant.take(&ran.cost, count);
                    at += 1;
                }
                Err(error) => leave_out(&mut all, at, &error, report)?,
            }
        }
    }
    conclude(setting, &all, report);
    Ok(())
}

/// Nobody compares with numbers of what did not work.
fn leave_out(
    all: &mut Vec<Contestant<'_>>,
    at: usize,
    error: &anyhow::Error,
    report: &mut Report,
) -> anyhow::Result<()> {
    super::super::interrupt::check()?;
    let gone = all.remove(at);
    if gone.tool.is_none() {
        anyhow::bail!("{} failed: {error:#}", gone.title());
    }
    let note = format!("{} failed and is left out: {error:#}", gone.title());
    report.notes.push(note);
    Ok(())
}

impl Contestant<'_> {
    pub(super) fn title(&self) -> String {
        format!("{} ({})", self.name, self.kex)
    }

    pub(super) fn take(&mut self, cost: &super::super::probe::Cost, hosts: usize) {
        self.rounds.cpu_ms.push(cost.cpu_ms / per(hosts));
        self.rounds.wall_ms.extend(&cost.wall_ms);
        self.rounds.memory_mib.push(mib(cost.memory_kib));
        self.rounds.processes = self.rounds.processes.max(cost.processes);
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 hosts")]
fn per(hosts: usize) -> f64 {
    hosts as f64
}

fn conclude(setting: &Setting<'_>, all: &[Contestant<'_>], report: &mut Report) {
    let Some((tow, peers)) = all.split_first() else {
        return;
    };
    let mut table = Table::new([
        "tool",
        "key exchange",
        "CPU ms/host",
        "× tow",
        "wall s (best)",
        "× tow",
        "MB",
        "× tow",
        "MB shared once",
        "processes",
    ]);
    let ours = &tow.rounds;
    for contestant in all {
        let theirs = &contestant.rounds;
        let seconds: Vec<f64> = theirs.wall_ms.iter().map(|wall| wall / 1e3).collect();
        table.row([
            contestant.name.clone(),
            contestant.kex.to_owned(),
            short(median(&theirs.cpu_ms)),
            times(median(&theirs.cpu_ms), median(&ours.cpu_ms)),
            middle_and_best(&seconds),
            times(median(&theirs.wall_ms), median(&ours.wall_ms)),
            most(&theirs.memory_mib),
            times(greatest(&theirs.memory_mib), greatest(&ours.memory_mib)),
            most(&theirs.proportional_mib),
            theirs.processes.to_string(),
        ]);
        for (what, unit, values) in [
            ("CPU per host", "ms", &theirs.cpu_ms),
            ("wall", "ms", &theirs.wall_ms),
            ("memory", "MiB", &theirs.memory_mib),
            (
                "memory, shared pages divided",
                "MiB",
                &theirs.proportional_mib,
            ),
        ] {
            report.figures.push(Figure {
                case: "cold",
                tool: contestant.title(),
                what,
                unit,
                values: values.clone(),
            });
        }
    }
    let title = format!(
        "`true` on {} hosts, {} at a time, no connection open ({} rounds)",
        setting.hosts, setting.fanout, setting.rounds
    );
    report.section(title, table);
    let cold = format!("`true` on {} cold hosts", setting.hosts);
    report.target(
        format!("{cold}: CPU per host"),
        "ms",
        1.5,
        median(&ours.cpu_ms),
    );
    report.target(
        format!("{cold}: memory"),
        "MB",
        20.0,
        greatest(&ours.memory_mib),
    );
    let best: Vec<f64> = peers
        .iter()
        .map(|peer| median(&peer.rounds.wall_ms))
        .collect();
    if !best.is_empty() {
        let limit = least(&best) / 1e3;
        let wall = median(&ours.wall_ms) / 1e3;
        report.target(
            format!("{cold}: wall, against the best peer"),
            "s",
            limit,
            wall,
        );
    }
}
