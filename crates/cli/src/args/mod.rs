//! The command line, as types. What the flags mean is said in their doc comments, which clap
//! shows as help and from which completions and manual pages are made.

mod fanout;
mod groups;
mod output;
mod probe;
mod selection;
mod ssh;

use std::path::PathBuf;

use clap::{Args, Parser};

pub(crate) use self::{
    fanout::FanoutArgs,
    groups::command,
    output::{Format, OutputArgs},
    probe::ProbeArgs,
    selection::SelectionArgs,
    ssh::{BecomeArgs, SshArgs, TransportArg, seconds},
};
use crate::{commands::Commands, terminal::ColorChoice};

/// Run commands on any set of machines reachable by SSH, and see how they are doing.
///
/// Nothing has to be installed on them. Which machines there are stands in towline.yaml, or is
/// said on the command line.
#[derive(Parser)]
#[command(
    name = "tow",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Start with: tow exec -w root@HOST -- uptime\nHelp on a command, or on exit-codes or selection: tow help NAME"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Commands,
}

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct GlobalArgs {
    /// The inventory: a towline.yaml, or the folder it stands in
    ///
    /// Without it: $TOWLINE_CONFIG, then towline.yaml in this folder or one above it, then
    /// $XDG_CONFIG_HOME/towline/towline.yaml.
    #[arg(short = 'C', long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_short_help = true
    )]
    pub(crate) color: ColorChoice,
}
