//! How nodes are asked about themselves.

use std::time::Duration;

use clap::Args;
use towline_fleet::fanout::Policy;

use super::ssh::seconds;

/// Flags of the commands that ask every node about itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Spread")]
pub(crate) struct ProbeArgs {
    /// Nodes asked at the same time
    #[arg(short = 'f', long, value_name = "N", default_value_t = 64,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub(crate) fanout: usize,
    /// Seconds a node may take to answer once it is connected
    #[arg(short = 'u', long = "timeout", value_name = "SECONDS", default_value = "15",
          value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Further attempts to connect, when what failed may pass [default: 2, 0 after a time-out]
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
}

impl ProbeArgs {
    /// These flags as the fleet reads them.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            fanout: self.fanout,
            retries: self.retries,
            ..Policy::default()
        }
    }
}
