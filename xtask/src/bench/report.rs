//! What is printed, and where it is kept.

use std::{fmt, fs, path::Path};

use anyhow::Context as _;
use serde::Serialize;

use super::{machine::Machine, stats::short, table::Table};

/// Between these lines of a file stands what was printed last.
const BEGIN: &str = "<!-- begin: cargo xtask bench exec -->";
const END: &str = "<!-- end: cargo xtask bench exec -->";

/// All that a benchmark found out.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    /// How it was called.
    pub(super) command: String,
    #[serde(skip)]
    pub(super) sections: Vec<Section>,
    pub(super) targets: Vec<Target>,
    pub(super) figures: Vec<Figure>,
    /// What could not be had.
    pub(super) notes: Vec<String>,
}

/// A table with its heading.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) table: Table,
}

/// Something that was to be reached.
#[derive(Debug, Serialize)]
pub(super) struct Target {
    pub(super) what: String,
    pub(super) unit: &'static str,
    /// At most this.
    pub(super) limit: f64,
    pub(super) measured: f64,
}

impl Target {
    fn is_met(&self) -> bool {
        self.measured <= self.limit
    }
}

/// A number, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) case: &'static str,
    pub(super) tool: String,
    pub(super) what: &'static str,
    pub(super) unit: &'static str,
    /// One of each round.
    pub(super) values: Vec<f64>,
}

impl Report {
    /// With nothing in it yet.
    pub(super) fn new(machine: Machine, command: String) -> Self {
        Self {
            machine,
            command,
            sections: Vec::new(),
            targets: Vec::new(),
            figures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a target and what came out.
    pub(super) fn target(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        limit: f64,
        measured: f64,
    ) {
        self.targets.push(Target {
            what: what.into(),
            unit,
            limit,
            measured,
        });
    }

    /// Adds a table.
    pub(super) fn section(&mut self, title: impl Into<String>, table: Table) {
        self.sections.push(Section {
            title: title.into(),
            table,
        });
    }

    /// Replaces what stands between the two markers of a file.
    ///
    /// # Errors
    /// When the file has no markers or can not be written.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let text = replaced(&text, &self.to_string())
            .with_context(|| format!("{} has no lines {BEGIN:?} and {END:?}", file.display()))?;
        fs::write(file, text).with_context(|| file.display().to_string())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "`{}`\n\n{}", self.command, self.machine)?;
        if !self.targets.is_empty() {
            let mut table = Table::new(["target", "at most", "measured", ""]);
            for target in &self.targets {
                let with_unit = |value: f64| format!("{} {}", short(value), target.unit);
                table.row([
                    target.what.clone(),
                    with_unit(target.limit),
                    with_unit(target.measured),
                    if target.is_met() { "met" } else { "MISSED" }.to_owned(),
                ]);
            }
            writeln!(f, "{table}")?;
        }
        for section in &self.sections {
            writeln!(f, "### {}\n\n{}", section.title, section.table)?;
        }
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

fn replaced(text: &str, between: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let between = between.trim_end();
    Some(format!("{before}{BEGIN}\n\n{between}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_between_the_markers_only() {
        let text = format!("# A\n\n{BEGIN}\nold\n{END}\n\nB\n");
        let new = replaced(&text, "new\n\n").unwrap();
        assert_eq!(new, format!("# A\n\n{BEGIN}\n\nnew\n\n{END}\n\nB\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
        assert_eq!(replaced("# A", "new"), None);
    }

    #[test]
    fn says_which_targets_are_missed() {
        let mut report = Report::new(Machine::here(), "cargo xtask bench exec".to_owned());
        report.target("speed", "ms", 50.0, 49.6);
        report.target("size", "MB", 20.0, 20.1);
        let text = report.to_string();
        assert!(
            text.contains("| speed  | 50.0 ms |  49.6 ms |    met |"),
            "{text}"
        );
        assert!(
            text.contains("| size   | 20.0 MB |  20.1 MB | MISSED |"),
            "{text}"
        );
    }
}
