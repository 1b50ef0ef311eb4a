//! What the compiler and clippy do not check: how the house is kept.
//!
//! A check is one file with one function and one line in [`CHECKS`]. It reads the [`Tree`] and
//! reports what it finds, with the place and the way to mend it.

mod command_lines;
mod docs;
mod environment;
mod leftovers;
mod prints;
mod rooms;
mod shell_scripts;
mod sizes;
mod source;
mod test_code;
mod test_files;
#[cfg(test)]
mod testing;
mod tokens;
mod tree;

use std::{
    fmt,
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;

use self::tree::Tree;

/// One thing that is checked.
struct Check {
    /// What it is called on the command line and in findings.
    name: &'static str,
    run: fn(&Tree, &mut Report) -> anyhow::Result<()>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "rooms",
        run: rooms::check,
    },
    Check {
        name: "sizes",
        run: sizes::check,
    },
    Check {
        name: "prints",
        run: prints::check,
    },
    Check {
        name: "environment",
        run: environment::check,
    },
    Check {
        name: "command-lines",
        run: command_lines::check,
    },
    Check {
        name: "test-files",
        run: test_files::check,
    },
    Check {
        name: "test-code",
        run: test_code::check,
    },
    Check {
        name: "shell-scripts",
        run: shell_scripts::check,
    },
    Check {
        name: "docs",
        run: docs::check,
    },
    Check {
        name: "leftovers",
        run: leftovers::check,
    },
];

/// What the checks say.
#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
    /// Figures worth a line where nothing is wrong.
    notes: Vec<String>,
}

/// Something to mend.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Relative to the root of the project.
    path: PathBuf,
    /// Counted from 1; 0 where the file as a whole is meant.
    line: usize,
    /// What is wrong, then how to mend it.
    message: String,
}

impl Report {
    fn find(&mut self, path: &Path, line: usize, message: impl Into<String>) {
        self.findings.push(Finding {
            path: path.to_owned(),
            line,
            message: message.into(),
        });
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Flags of this chore.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these checks (default: all)
    #[arg(value_name = "CHECK", value_parser = clap::builder::PossibleValuesParser::new(
        CHECKS.iter().map(|check| check.name)
    ))]
    only: Vec<String>,
    /// The project to look at (default: the one these chores belong to)
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// Runs the chore: prints the findings.
///
/// # Errors
/// When there is anything to mend, or when a check could not be made.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let begun = Instant::now();
    let root = match args.root {
        Some(root) => root,
        None => Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the chores have no project around them")?
            .to_owned(),
    };
    let tree = Tree::read(&root)?;
    let mut out = std::io::stdout().lock();
    let mut found = 0;
    let chosen = |check: &&Check| args.only.is_empty() || args.only.iter().any(|n| n == check.name);
    for check in CHECKS.iter().filter(chosen) {
        let mut report = Report::default();
        (check.run)(&tree, &mut report)
            .with_context(|| format!("the check '{}' could not be made", check.name))?;
        report.findings.sort();
        for finding in &report.findings {
            writeln!(out, "{finding} [{}]", check.name)?;
        }
        for note in &report.notes {
            writeln!(out, "{note} [{}]", check.name)?;
        }
        found += report.findings.len();
    }
    let took = begun.elapsed().as_millis();
    anyhow::ensure!(found == 0, "{found} things to mend");
    writeln!(out, "tidy: {} files in {took} ms", tree.len())?;
    Ok(())
}
