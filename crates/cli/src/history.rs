//! The last run, remembered for `--rerun-failed`.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use towline_core::node::Node;

use crate::{environment::Environment, exit::misuse};

/// A run that has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// The words after `--`.
    pub(crate) words: Vec<String>,
    /// The nodes that did not end well, whole: some may not be in any inventory.
    pub(crate) failed: Vec<Node>,
}

impl LastRun {
    fn file(environment: &Environment) -> PathBuf {
        environment
            .xdg("XDG_STATE_HOME", ".local/state")
            .join("towline/last-run.json")
    }

    /// Remembers it, in the place of the one before.
    pub(crate) fn save(&self, environment: &Environment) -> anyhow::Result<()> {
        let file = Self::file(environment);
        write_whole(&file, &serde_json::to_vec(self)?)
            .with_context(|| format!("{} could not be written", file.display()))
    }

    /// What is remembered.
    pub(crate) fn load(environment: &Environment) -> anyhow::Result<Self> {
        let file = Self::file(environment);
        let text = std::fs::read(&file)
            .map_err(|_| misuse("--rerun-failed: no earlier run is remembered", None))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", file.display()))
    }
}

/// A reader sees the old text or the new one, never a part.
fn write_whole(file: &Path, text: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let part = file.with_extension(format!("{}.part", std::process::id()));
    let mut open = std::fs::OpenOptions::new();
    let mut output = open
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    output.write_all(text)?;
    std::fs::rename(&part, file)
}
