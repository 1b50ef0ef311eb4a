//! Which nodes: the same flags for every command.

use std::path::PathBuf;

use clap::Args;

/// Flags that say which nodes are meant.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Nodes")]
pub(crate) struct SelectionArgs {
    /// Nodes: ids, ranges, globs, @groups, labels, hosts; `-`: standard input
    ///
    /// web-[01-20,30]  web-*  @group  role:worker  zone=a  zone!=a  [user@]host[:port], joined by
    /// `,` (and), `!` (without), `&` (both), `^` (either). Given several times, they add up.
    #[arg(short = 'w', long = "nodes", value_name = "EXPR")]
    pub(crate) nodes: Vec<String>,
    /// Nodes to leave out
    #[arg(short = 'x', long = "exclude", value_name = "EXPR")]
    pub(crate) exclude: Vec<String>,
    /// The nodes of a group
    #[arg(short = 'g', long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// Every node of the inventory
    #[arg(short = 'a', long)]
    pub(crate) all: bool,
    /// Of the nodes selected otherwise, only these
    #[arg(long, value_name = "EXPR", hide_short_help = true)]
    pub(crate) limit: Vec<String>,
    /// Of the nodes selected otherwise, only N, by chance
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(crate) pick: Option<usize>,
    /// Hosts from a file, one a line
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) hostfile: Option<PathBuf>,
}

impl SelectionArgs {
    /// Whether nothing says which nodes are meant.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.groups.is_empty() && !self.all && self.hostfile.is_none()
    }
}
