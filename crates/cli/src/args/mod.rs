//! The command line, as types. What the flags mean is said in their doc comments, which clap
//! shows as help and from which completions and manual pages are made.

mod fanout;
mod output;
mod probe;
mod selection;
mod ssh;

use std::path::PathBuf;

use clap::Args;

pub(crate) use self::{
    fanout::FanoutArgs,
    output::{Format, OutputArgs},
    probe::ProbeArgs,
    selection::SelectionArgs,
    ssh::{BecomeArgs, SshArgs, TransportArg, seconds},
};
use crate::terminal::ColorChoice;

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
