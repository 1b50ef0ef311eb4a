//! How work is spread over nodes, and when it is stopped.

use std::time::Duration;

use clap::Args;
use towline_fleet::fanout::{Amount, Batch, Policy};

use super::ssh::seconds;

/// Flags for the fan-out.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Spread")]
pub(crate) struct FanoutArgs {
    /// Nodes worked on at the same time
    #[arg(short = 'f', long, value_name = "N", default_value_t = 64,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub(crate) fanout: usize,
    /// Seconds a command may take before it is ended
    #[arg(short = 'u', long = "timeout", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) command_timeout: Option<Duration>,
    /// Further attempts to connect, when what failed may pass [default: 2, 0 after a time-out]
    ///
    /// A connection that is refused, reset or turned away by a busy server is tried again twice,
    /// after a pause that doubles and is partly left to chance. One that did not come up within
    /// --connect-timeout is tried again only when this flag is given. What was refused for its
    /// key, and a command that was begun, are never tried again.
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(crate) retries: Option<u32>,
    /// Finish so many nodes before the next are begun: 5, 10%
    #[arg(long, value_name = "N|P%")]
    pub(crate) batch: Option<Amount>,
    /// Seconds to rest between two batches
    #[arg(long, value_name = "SECONDS", requires = "batch", value_parser = seconds, hide_short_help = true)]
    pub(crate) pause: Option<Duration>,
    /// A command on this machine that must succeed before the next batch
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "batch",
        hide_short_help = true
    )]
    pub(crate) gate: Option<String>,
    /// Begin no further node once more than so many have failed: 3, 10%
    #[arg(long, value_name = "N|P%", hide_short_help = true)]
    pub(crate) max_fail: Option<Amount>,
    /// Enough that so many nodes end well; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    pub(crate) min_ok: usize,
    /// End everything at the first failure
    #[arg(long)]
    pub(crate) fail_fast: bool,
}

impl FanoutArgs {
    /// These flags as the fleet reads them.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            fanout: self.fanout,
            retries: self.retries,
            batch: self.batch.map(|size| Batch {
                size,
                pause: self.pause.unwrap_or_default(),
            }),
            max_fail: self.max_fail,
            min_ok: (self.min_ok > 0).then_some(self.min_ok),
            fail_fast: self.fail_fast,
        }
    }
}
