//! How work is spread over nodes, and when it is stopped.

use std::time::Duration;

use towline_remote::error::RemoteError;

use super::Amount;

/// How work is spread over nodes, and when it is stopped.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Nodes worked on at the same time; at least one.
    pub fanout: usize,
    /// Further attempts on a node that failed in a way that may pass. When `None` they are two,
    /// but none where a connection did not come up in time: that has been waited for already.
    pub retries: Option<u32>,
    /// Nodes to finish before the next ones are begun, for a rolling change.
    pub batch: Option<Batch>,
    /// More failures than this, and no further node is begun; those begun come to their end.
    pub max_fail: Option<Amount>,
    /// So many nodes have to end well for the run to be a success; all of them when `None`.
    pub min_ok: Option<usize>,
    /// The first failure ends the run, on the nodes that are under way too.
    pub fail_fast: bool,
}

/// Nodes that are finished before the next ones are begun.
#[derive(Clone, Debug)]
pub struct Batch {
    /// How many; a part that is less than one node is one node.
    pub size: Amount,
    /// The rest between two batches.
    pub pause: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fanout: 64,
            retries: None,
            batch: None,
            max_fail: None,
            min_ok: None,
            fail_fast: false,
        }
    }
}

/// Further attempts where nothing else is said.
const RETRIES: u32 = 2;

impl Policy {
    /// Whether what failed in the given attempt, counted from 1, is tried again.
    pub(super) fn tries_again(&self, attempt: u32, error: &RemoteError) -> bool {
        let retries = match self.retries {
            Some(retries) => retries,
            None if error.is_connect_timeout() => 0,
            None => RETRIES,
        };
        attempt <= retries && error.is_transient()
    }

    /// How many of `total` nodes make a batch.
    pub(super) fn batch_size(&self, total: usize) -> usize {
        self.batch
            .as_ref()
            .map_or(total, |batch| batch.size.of(total))
            .max(1)
    }
}
