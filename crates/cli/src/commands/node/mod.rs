//! `tow node`: what is known of nodes.

mod ls;
mod show;
mod trust;

use clap::Subcommand;

use crate::{args::GlobalArgs, exit::Exit, terminal::Terminal};

/// What can be done with what is known of nodes.
#[derive(Subcommand)]
pub(crate) enum Commands {
    /// List nodes, or print what a selection comes to
    Ls(ls::Args),
    /// Show how a node is reached, and where that was said
    Show(show::Args),
    /// Look at nodes' host keys and pin them, in the place of others
    Trust(trust::Args),
}

/// Runs `tow node …`.
///
/// # Errors
/// When the command could not be begun.
pub(crate) async fn run(
    command: Commands,
    global: &GlobalArgs,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    match command {
        Commands::Ls(args) => ls::run(args, global, terminal).await,
        Commands::Show(args) => show::run(args, global, terminal).await,
        Commands::Trust(args) => trust::run(args, global, terminal).await,
    }
}
