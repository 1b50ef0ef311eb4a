//! `cargo xtask picture`: the terminal picture of the README, from a real run of `tow demo`.
//!
//! Ports and times differ from run to run, so this is no generated file that is checked: whoever
//! changes what `tow` prints makes it anew and looks at it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anstyle_svg::{Term, WIN10_CONSOLE};
use anyhow::{Context as _, ensure};

/// Flags of this chore.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file to write
    #[arg(default_value = "docs/images/demo.svg")]
    file: PathBuf,
}

/// The command lines of the demonstration that are in the picture, in the order they come.
const SHOWN: &[&str] = &[
    "tow status",
    "tow exec -a -b -- cat release",
    "tow exec -a --diff -- cat app.conf",
    "tow exec -a -- grep 1.4.2 release",
    "tow exec -a -b -- cat release",
];

/// Runs the demonstration on a terminal of 84 columns, which `script` makes.
const ON_A_TERMINAL: &str = r#"stty cols 84 rows 40 && exec "$TOW" demo"#;

/// Makes the picture.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let steps = steps(&demonstration()?)?;
    let picture = Term::new().palette(WIN10_CONSOLE).render_svg(&steps);
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(args.file);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&file, picture + "\n").with_context(|| format!("failed to write {}", file.display()))
}

/// What `tow demo` prints on a terminal.
fn demonstration() -> anyhow::Result<String> {
    let done = Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--command",
            ON_A_TERMINAL,
            "/dev/null",
        ])
        .env("TOW", crate::tow::built()?)
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("failed to run script (Debian package bsdutils)")?;
    let shown = String::from_utf8(done.stdout)?.replace('\r', "");
    ensure!(done.status.success(), "tow demo did not end well:\n{shown}");
    Ok(shown)
}

/// The steps of [`SHOWN`] out of all. A step begins with a comment after an empty line.
fn steps(demonstration: &str) -> anyhow::Result<String> {
    let mut wanted = SHOWN.iter().peekable();
    let mut shown = Vec::new();
    for step in demonstration.split("\n\n") {
        let plain = anstream::adapter::strip_str(step).to_string();
        let typed = plain.lines().find_map(|line| line.strip_prefix("$ "));
        if typed.is_some() && typed == wanted.peek().map(|line| **line) {
            wanted.next();
            shown.push(step.trim_end());
        }
    }
    let missing = wanted.next();
    ensure!(
        missing.is_none(),
        "tow demo does not show {missing:?}: change the list in picture.rs"
    );
    Ok(shown.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_the_demonstration_does_not_show_is_named() {
        let shown = format!(
            "# x\n$ \x1b[1m{}\x1b[0m\nweb-1\n\n# y\n$ tow other\n",
            SHOWN[0]
        );
        let error = steps(&shown).unwrap_err().to_string();
        assert!(error.contains(SHOWN[1]), "{error}");
    }

    #[test]
    fn steps_are_picked_in_their_order() {
        let step = |line: &&str| ["# what it shows\n$ ", line, "\noutput"].concat();
        let all = SHOWN.iter().map(step).collect::<Vec<_>>().join("\n\n");
        assert_eq!(steps(&all).unwrap().matches("$ tow").count(), SHOWN.len());
    }
}
