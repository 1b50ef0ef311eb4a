//! What the benchmark needs beside Rust: Debian packages, bssh, and Towline as it is shipped.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::interrupt;

/// The nearest peer, from the Rust registry in the versions its author locked.
const BSSH: &str = "2.2.3";

/// The folder of the project.
pub(super) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Debian packages that are missing are installed.
///
/// # Errors
/// When that is not possible.
pub(super) fn packages() -> anyhow::Result<()> {
    let scripts = root().join("scripts");
    let mut list = std::ffi::OsString::from("@");
    list.push(scripts.join("packages/bench.txt"));
    let mut command = Command::new(scripts.join("install-packages.sh"));
    // Standard output may be JSON.
    command.arg(list).stdout(Stdio::null());
    succeed(command, Duration::from_secs(900)).context("installing Debian packages")
}

/// bssh, built once and kept.
///
/// # Errors
/// When it can not be built.
pub(super) fn bssh(cache: &Path) -> anyhow::Result<PathBuf> {
    let folder = cache.join(["bssh-", BSSH].concat());
    let program = folder.join("bin/bssh");
    if !program.exists() {
        let mut command = Command::new("cargo");
        command
            .args([
                "install",
                "--quiet",
                "--locked",
                "--version",
                BSSH,
                "--root",
            ])
            .arg(&folder)
            .arg("bssh")
            .stdout(Stdio::null());
        succeed(command, Duration::from_secs(3600)).context("building bssh")?;
    }
    Ok(program)
}

/// Where programs that were built are kept.
///
/// # Errors
/// When there is no home folder.
pub(super) fn cache() -> anyhow::Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .context("no home folder: set XDG_CACHE_HOME")?
            .join(".cache"),
    };
    Ok(base.join("towline").join("bench"))
}

/// Towline as it is shipped, and the program that measures its open connections.
pub(super) struct Built {
    pub(super) tow: PathBuf,
    pub(super) warm: PathBuf,
}

impl Built {
    /// A program that was built before, with the other one where cargo puts it.
    ///
    /// # Errors
    /// When the path makes no sense.
    pub(super) fn at(tow: &Path) -> anyhow::Result<Self> {
        let tow = std::path::absolute(tow)?;
        let folder = tow.parent().context("a program has to be in a folder")?;
        Ok(Self {
            warm: folder.join("examples/warm"),
            tow,
        })
    }
}

/// Builds them.
///
/// # Errors
/// When they do not build.
pub(super) fn towline() -> anyhow::Result<Built> {
    let output = Command::new("cargo")
        .args(["build", "--release", "--package", "towline-cli"])
        .args(["--bin", "tow", "--example", "warm"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("starting cargo")?;
    interrupt::check()?;
    ensure!(output.status.success(), "Towline does not build");
    let messages = String::from_utf8_lossy(&output.stdout);
    let find = |name| executable(&messages, name).with_context(|| format!("cargo built no {name}"));
    Ok(Built {
        tow: find("tow")?,
        warm: find("warm")?,
    })
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Where cargo says it put a program.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| {
            message
                .target
                .as_ref()
                .is_some_and(|target| target.name == name)
        })
        .find_map(|message| message.executable)
}

fn succeed(mut command: Command, patience: Duration) -> anyhow::Result<()> {
    let mut child = command.stdin(Stdio::null()).spawn()?;
    let status = interrupt::wait(&mut child, patience)?;
    ensure!(status.success(), "{status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_cargo_built() {
        let messages = r#"
{"reason":"compiler-artifact","target":{"name":"towline_core"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"tow"},"executable":"/t/release/tow"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages, "tow"), Some("/t/release/tow".into()));
        assert_eq!(executable(messages, "warm"), None);
    }
}
