//! The binary `tow`, built from what stands here.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

/// Builds `tow` and says where it is: beside this program.
///
/// # Errors
/// When it does not build.
pub(crate) fn built() -> anyhow::Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "towline-cli"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .status()
        .context("failed to run cargo")?;
    ensure!(status.success(), "tow does not build");
    Ok(env::current_exe()?.with_file_name("tow"))
}
