//! Bounded fan-out: a sliding window over the nodes, retries, batches, and the point at which
//! a run is given up. What is done on a node is somebody else's: see [`Task`].

mod amount;
mod backoff;
mod policy;
mod run;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Event, Failure, NodeResult, Status},
    node::Node,
};
use towline_remote::error::RemoteError;

pub use self::{
    amount::{Amount, InvalidAmount},
    policy::{Batch, Policy},
    run::{Gate, spread},
};

/// Something to be done on each node of a run.
#[async_trait]
pub trait Task: Send + Sync {
    /// Does it on one node.
    ///
    /// # Errors
    /// With a transient error it is tried again; so nothing may have been started by then.
    async fn on(&self, context: &Context) -> Result<End, RemoteError>;
}

/// What a task is given.
#[derive(Clone)]
pub struct Context {
    /// The node to work on.
    pub node: Arc<Node>,
    /// Where to tell what happens. Bounded: a slow listener slows the task.
    pub events: mpsc::Sender<Event>,
    /// Triggered when the node is to be left alone. The task then ends what it began there, and
    /// returns [`Status::Cancelled`].
    pub cancel: CancellationToken,
}

/// How a task ended on a node.
#[derive(Clone, Debug)]
pub struct End {
    /// In one word.
    pub status: Status,
    /// What the command returned.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<String>,
    /// What went wrong beside the exit code.
    pub error: Option<Failure>,
}

impl End {
    /// All is well.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            status: Status::Ok,
            exit_code: Some(0),
            signal: None,
            error: None,
        }
    }

    fn into_result(self, node: &Node, attempts: u32, duration_ms: u64) -> NodeResult {
        NodeResult {
            node: node.id.clone(),
            status: self.status,
            exit_code: self.exit_code,
            signal: self.signal,
            duration_ms,
            attempts,
            error: self.error,
        }
    }
}
