//! A thousand hosts: does it all succeed, and in how much memory.

use super::{
    super::{
        fleet::{Hosts, Kex},
        measure::{Expect, How, Look},
        report::{Figure, Report},
        stats::{greatest, median, short},
        table::Table,
    },
    Contestant, Rounds, Setting, most,
};

/// The number of descriptors that login shells commonly get.
const FEW: u64 = 1024;

/// What Towline does when nothing is said.
const FANOUT: usize = 64;

/// Measures it.
///
/// # Errors
/// When a host was not reached.
pub(in super::super) fn measure(setting: &Setting<'_>, report: &mut Report) -> anyhow::Result<()> {
    let hosts = setting.fleet.hosts(setting.many)?;
    let runs = [
        (FANOUT, None),
        (setting.many, None),
        (setting.many, Some(FEW)),
    ];
    let mut table = Table::new(["fan-out", "descriptors", "CPU ms/host", "wall s", "MB"]);
    for (fanout, nofile) in runs {
        let rounds = one(setting, &hosts, fanout, nofile)?;
        table.row([
            fanout.to_string(),
            nofile.map_or_else(|| "as they were".to_owned(), |few| few.to_string()),
            short(median(&rounds.cpu_ms)),
            short(median(&rounds.wall_ms) / 1e3),
            most(&rounds.memory_mib),
        ]);
        let limit = nofile.map_or_else(String::new, |few| format!(", `ulimit -n {few}`"));
        let what = format!("{} cold hosts, fan-out {fanout}{limit}", setting.many);
        let memory = greatest(&rounds.memory_mib);
        report.target(format!("{what}: memory"), "MB", 64.0, memory);
        report.figures.push(Figure {
            case: "many",
            tool: what,
            what: "memory",
            unit: "MiB",
            values: rounds.memory_mib,
        });
    }
    let title = format!(
        "`tow exec` with `true` on {} hosts, no connection open",
        setting.many
    );
    report.section(title, table);
    Ok(())
}

fn one(
    setting: &Setting<'_>,
    hosts: &Hosts,
    fanout: usize,
    nofile: Option<u64>,
) -> anyhow::Result<Rounds> {
    let mut tow = Contestant {
        name: "tow".to_owned(),
        kex: setting.fleet.kex,
        tool: None,
        which: Kex::Shipped,
        rounds: Rounds::default(),
    };
    for round in 1..=setting.rounds {
        (setting.progress)(&format!("many: round {round}, fan-out {fanout}"));
        let invocation = setting.invocation(&tow, hosts, fanout, "true");
        let how = How {
            look: Look::Resident,
            nofile,
            ..How::default()
        };
        let expect = Expect {
            hosts: setting.many,
            commands: setting.many,
            text: None,
        };
        let ran = setting.bench.on_hosts(&invocation, how, expect)?;
        tow.take(&ran.cost, setting.many);
    }
    Ok(tow.rounds)
}
