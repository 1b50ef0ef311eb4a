//! From start to finish, where no connection is made.

use super::{
    super::{
        measure::How,
        peers::Invocation,
        report::{Figure, Report},
        stats::median,
        table::Table,
    },
    Setting, middle_and_best,
};

/// Runs in a row.
const ROW: usize = 30;

/// Measures it.
///
/// # Errors
/// When it did not work.
pub(in super::super) fn measure(setting: &Setting<'_>, report: &mut Report) -> anyhow::Result<()> {
    let mut table = Table::new(["command", "wall ms (best)"]);
    let version: &[&str] = &["--version"];
    let local = &["exec", "-w", "localhost", "--", "true"];
    for (arguments, limit) in [(version, 10.0), (local, 30.0)] {
        let shown = ["tow ", &arguments.join(" ")].concat();
        let mut invocation = Invocation::of(&setting.built.tow);
        for argument in arguments {
            invocation = invocation.arg(argument);
        }
        let mut wall = Vec::new();
        for round in 1..=setting.rounds {
            (setting.progress)(&format!("start: round {round}, {shown}"));
            let how = How {
                repeat: ROW,
                ..How::default()
            };
            wall.extend(setting.bench.run(&invocation, how)?.cost.wall_ms);
        }
        table.row([format!("`{shown}`"), middle_and_best(&wall)]);
        report.target(format!("`{shown}`: wall"), "ms", limit, median(&wall));
        report.figures.push(Figure {
            case: "start",
            tool: shown,
            what: "wall",
            unit: "ms",
            values: wall,
        });
    }
    let title = format!("Start to finish ({} runs)", setting.rounds * ROW);
    report.section(title, table);
    Ok(())
}
