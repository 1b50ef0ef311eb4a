//! Commands one after the other over a connection that is open.

use serde::Deserialize;

use super::{
    super::{
        fleet::Kex,
        measure::{Expect, How},
        peers::Invocation,
        probe::Cost,
        report::{Figure, Report},
        stats::{median, short},
        table::Table,
    },
    Setting, times,
};

/// Commands on one connection in one round.
const COMMANDS: usize = 1000;

/// The same for ssh, which starts a process for each.
const BY_SSH: u16 = 200;

/// What the program that measures prints, all in milliseconds.
#[derive(Deserialize)]
struct Warm {
    cpu: f64,
    p50: f64,
    p99: f64,
    own_p50: f64,
    own_p99: f64,
}

/// Measures it.
///
/// # Errors
/// When it did not work.
pub(in super::super) fn measure(setting: &Setting<'_>, report: &mut Report) -> anyhow::Result<()> {
    let (ours, theirs) = rounds(setting)?;
    let of = |value: fn(&Warm) -> f64| ours.iter().map(value).collect::<Vec<f64>>();
    let cpu = of(|warm| warm.cpu);
    let mut table = Table::new([
        "over an open connection",
        "CPU ms",
        "× tow",
        "p50 ms",
        "p99 ms",
    ]);
    let mut row = |name: &str, cpu_ms: f64, p50: f64, p99: f64| {
        table.row([
            name.to_owned(),
            short(cpu_ms),
            times(cpu_ms, median(&cpu)),
            short(p50),
            short(p99),
        ]);
    };
    let (p50, p99) = (median(&of(|warm| warm.p50)), median(&of(|warm| warm.p99)));
    row("Towline, all of it", median(&cpu), p50, p99);
    let own = (
        median(&of(|warm| warm.own_p50)),
        median(&of(|warm| warm.own_p99)),
    );
    row(
        "Towline, without the wait for sshd",
        median(&cpu),
        own.0,
        own.1,
    );
    let waits: Vec<f64> = theirs
        .iter()
        .flat_map(|cost| cost.wall_ms.clone())
        .collect();
    let spent: Vec<f64> = theirs
        .iter()
        .map(|cost| cost.cpu_ms / f64::from(BY_SSH))
        .collect();
    row(
        "ssh with ControlMaster",
        median(&spent),
        median(&waits),
        percentile(&waits, 99),
    );
    report.section(
        format!("`true`, {COMMANDS} times in a row on one connection"),
        table,
    );
    report.target("warm: CPU per command", "ms", 0.2, median(&cpu));
    report.target("warm: p99 of our own part", "ms", 5.0, own.1);
    report.figures.push(Figure {
        case: "warm",
        tool: "tow".to_owned(),
        what: "CPU per command",
        unit: "ms",
        values: cpu,
    });
    Ok(())
}

/// Ours and those of ssh, in turn.
fn rounds(setting: &Setting<'_>) -> anyhow::Result<(Vec<Warm>, Vec<Cost>)> {
    let hosts = setting.fleet.hosts(1)?;
    let host = &hosts.names[0];
    let tow = Invocation::of(&setting.built.warm)
        .arg(setting.fleet.ssh_config(Kex::Shipped))
        .args([host, &COMMANDS.to_string()]);
    let socket = setting.fleet.folder().join("mux");
    let mut option = std::ffi::OsString::from("ControlPath=");
    option.push(&socket);
    let ssh = Invocation::of("ssh")
        .args([
            "-n",
            "-o",
            "ControlMaster=auto",
            "-o",
            "ControlPersist=60",
            "-o",
        ])
        .arg(option)
        .arg("-F")
        .arg(setting.fleet.ssh_config(Kex::Same))
        .args([host, "true"]);
    let (mut ours, mut theirs): (Vec<Warm>, Vec<Cost>) = (Vec::new(), Vec::new());
    for round in 1..=setting.rounds {
        (setting.progress)(&format!("warm: round {round}"));
        let expect = |commands| Expect {
            hosts: 1,
            commands,
            text: None,
        };
        // One more opens the connection, and is not counted.
        let ran = setting
            .bench
            .on_hosts(&tow, How::default(), expect(COMMANDS + 1))?;
        ours.push(serde_json::from_str(&ran.stdout)?);
        let how = How {
            repeat: usize::from(BY_SSH),
            ..How::default()
        };
        theirs.push(
            setting
                .bench
                .on_hosts(&ssh, how, expect(usize::from(BY_SSH)))?
                .cost,
        );
    }
    Ok((ours, theirs))
}

/// The value that so many of a hundred do not exceed.
fn percentile(values: &[f64], hundredths: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&values, 99), 198.0);
        assert_eq!(percentile(&values, 50), 100.0);
        assert_eq!(percentile(&[7.0], 99), 7.0);
        assert_eq!(percentile(&[], 99), 0.0);
    }
}
