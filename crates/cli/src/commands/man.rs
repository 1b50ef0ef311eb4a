//! `tow man`: manual pages, made from the same words as the help.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory;

use super::Cli;
use crate::exit::Exit;

/// Write the manual pages
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder to write them to
    folder: PathBuf,
}

/// Writes a page for each command.
///
/// # Errors
/// When the folder can not be written to.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(&args.folder)
        .with_context(|| format!("{} can not be made", args.folder.display()))?;
    clap_mangen::generate_to(Cli::command(), &args.folder)
        .with_context(|| format!("{} can not be written to", args.folder.display()))?;
    Ok(Exit::Ok)
}
