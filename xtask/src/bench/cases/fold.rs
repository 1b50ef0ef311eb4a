//! Folding the names of ten thousand nodes, in no order, read from a file.

use std::{fmt::Write as _, fs};

use anyhow::ensure;

use super::{
    super::{
        measure::How,
        peers::Invocation,
        report::{Figure, Report},
        stats::median,
        table::Table,
    },
    Setting, middle_and_best, times,
};

const NAMES: usize = 10_000;

/// Racks of so many nodes.
const RACK: usize = 40;

/// Runs in a row.
const ROW: usize = 10;

/// Measures it.
///
/// # Errors
/// When it did not work.
pub(in super::super) fn measure(setting: &Setting<'_>, report: &mut Report) -> anyhow::Result<()> {
    let file = setting.fleet.folder().join("names");
    fs::write(&file, names())?;
    let tow = Invocation::of(&setting.built.tow)
        .args(["node", "ls", "--fold", "--hostfile"])
        .arg(&file);
    let mut wall = Vec::new();
    for round in 1..=setting.rounds {
        (setting.progress)(&format!("fold: round {round}"));
        let how = How {
            repeat: ROW,
            ..How::default()
        };
        let ran = setting.bench.run(&tow, how)?;
        let expected = format!("rack-[001-{:03}]-node-[01-{RACK:02}]", NAMES / RACK);
        let first = ran.stdout.lines().next().unwrap_or_default();
        ensure!(
            first == expected,
            "the names were folded to {first}, not to {expected}"
        );
        wall.extend(ran.cost.wall_ms);
    }
    let mut table = Table::new(["tool", "wall ms (best)", "× tow"]);
    table.row([
        "`tow node ls --fold`".to_owned(),
        middle_and_best(&wall),
        times(median(&wall), median(&wall)),
    ]);
    report.section(
        format!("Folding {NAMES} names, from start to finish"),
        table,
    );
    report.target(format!("folding {NAMES} names"), "ms", 100.0, median(&wall));
    report.figures.push(Figure {
        case: "fold",
        tool: "tow".to_owned(),
        what: "wall",
        unit: "ms",
        values: wall,
    });
    Ok(())
}

/// One a line, in an order that helps nobody: steps of a number that has no divisor in common with
/// their count.
fn names() -> String {
    let mut text = String::new();
    for step in 0..NAMES {
        let at = step * 7919 % NAMES;
        let (rack, node) = (at / RACK + 1, at % RACK + 1);
        // Writing to a String does not fail.
        let _never = writeln!(text, "rack-{rack:03}-node-{node:02}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_differ() {
        let text = names();
        let all: std::collections::BTreeSet<_> = text.lines().collect();
        assert_eq!(all.len(), NAMES);
        assert_eq!(all.first(), Some(&"rack-001-node-01"));
        assert_eq!(all.last(), Some(&"rack-250-node-40"));
    }
}
