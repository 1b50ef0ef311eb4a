//! Files that are made from the code and committed: one line each in [`FILES`].

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use schemars::JsonSchema;
use towline_core::event::{Envelope, Event};
use towline_fleet::facts::{DoctorLine, StatusLine};

/// A committed file and what makes it.
type File = (&'static str, fn() -> Result<String>);

const FILES: &[File] = &[
    ("schema/towline.schema.json", || {
        json(&towline_fleet::inventory::schema())
    }),
    ("schema/events.schema.json", || {
        lines::<Event>("A line of tow exec --output json")
    }),
    ("schema/status.schema.json", || {
        lines::<StatusLine>("A line of tow status --output json")
    }),
    ("schema/doctor.schema.json", || {
        lines::<DoctorLine>("A line of tow doctor --output json")
    }),
    ("docs/reference/cli.md", || tow(&["help", "--markdown"])),
];

/// Flags of `cargo xtask generate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when a committed file is not what the code makes
    #[arg(long)]
    check: bool,
}

/// Writes or checks every generated file.
pub(crate) fn run(args: Args) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut old = Vec::new();
    for (name, make) in FILES {
        let wanted = make().with_context(|| format!("failed to make {name}"))?;
        let path = root.join(name);
        if fs::read_to_string(&path).is_ok_and(|text| text == wanted) {
            continue;
        }
        old.push(*name);
        if !args.check {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, wanted).with_context(|| format!("failed to write {name}"))?;
        }
    }
    if args.check && !old.is_empty() {
        bail!(
            "not what the code makes: {}; run `cargo xtask generate`",
            old.join(", ")
        );
    }
    Ok(())
}

fn json(value: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The schema of lines of JSON that tell of an `E` each.
fn lines<E: JsonSchema>(title: &str) -> Result<String> {
    let mut schema = schemars::schema_for!(Envelope<E>);
    schema.insert("title".into(), title.into());
    json(schema.as_value())
}

/// What the binary prints about itself.
fn tow(words: &[&str]) -> Result<String> {
    let done = Command::new(crate::tow::built()?)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("failed to run tow")?;
    ensure!(done.status.success(), "tow {words:?}: {}", done.status);
    Ok(String::from_utf8(done.stdout)?)
}
