//! One host to which no connection is open: from nothing to the exit code.

use super::{
    super::{
        fleet::Kex,
        measure::{Expect, How},
        peers::{Invocation, PEERS},
        report::{Figure, Report},
        stats::{median, short},
        table::Table,
    },
    Setting, middle_and_best, times,
};

/// Runs in a row, each of which connects anew.
const ROW: u16 = 10;

/// Measures it.
///
/// # Errors
/// When it did not work.
pub(in super::super) fn measure(setting: &Setting<'_>, report: &mut Report) -> anyhow::Result<()> {
    let hosts = setting.fleet.hosts(1)?;
    let host = &hosts.names[0];
    let ssh = |kex| {
        Invocation::of("ssh")
            .args(["-n", "-F"])
            .arg(setting.fleet.ssh_config(kex))
            .args([host, "true"])
    };
    let mut all: Vec<(String, Invocation, Vec<f64>, Vec<f64>)> = Vec::new();
    let mut add = |name: String, invocation| all.push((name, invocation, Vec::new(), Vec::new()));
    for contestant in setting.contestants() {
        let is_bssh = contestant
            .tool
            .is_some_and(|tool| tool.peer.name == PEERS[0].name);
        if contestant.tool.is_none() || is_bssh {
            let invocation = setting.invocation(&contestant, &hosts, 1, "true");
            add(contestant.title(), invocation);
        }
    }
    // tidy: allow-text a name in a table
    add(format!("ssh ({})", setting.fleet.kex), ssh(Kex::Same));
    add("ssh (as shipped)".to_owned(), ssh(Kex::Shipped));
    for round in 1..=setting.rounds {
        for (name, invocation, wall, cpu) in &mut all {
            (setting.progress)(&format!("one: round {round}, {name}"));
            let how = How {
                repeat: usize::from(ROW),
                ..How::default()
            };
            let expect = Expect {
                hosts: 1,
                commands: usize::from(ROW),
                text: None,
            };
            let ran = setting.bench.on_hosts(invocation, how, expect)?;
            wall.extend(ran.cost.wall_ms);
            cpu.push(ran.cost.cpu_ms / f64::from(ROW));
        }
    }
    let mut table = Table::new(["tool", "wall ms (best)", "× tow", "CPU ms", "× tow"]);
    let ours = (median(&all[0].2), median(&all[0].3));
    report.target("`true` on one cold host: wall", "ms", 50.0, ours.0);
    for (name, _, wall, cpu) in all {
        table.row([
            name.clone(),
            middle_and_best(&wall),
            times(median(&wall), ours.0),
            short(median(&cpu)),
            times(median(&cpu), ours.1),
        ]);
        report.figures.push(Figure {
            case: "one",
            tool: name,
            what: "wall",
            unit: "ms",
            values: wall,
        });
    }
    let title = format!(
        "`true` on one host, no connection open ({} runs)",
        setting.rounds * usize::from(ROW)
    );
    report.section(title, table);
    Ok(())
}
