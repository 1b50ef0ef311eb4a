//! Asking many nodes about themselves, once or again and again.

use std::{io, sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Event, NodeResult, Report},
    node::Node,
};
use towline_fleet::{
    facts::{Section, Survey, Told, UnitName},
    fanout::{Policy, spread},
};
use towline_remote::pool::Pool;

/// Events that wait to be seen. When they are this many, the nodes wait.
const EVENTS: usize = 256;

/// What is asked, of whom and how.
pub(crate) struct Question<'a> {
    /// Of whom.
    pub(crate) nodes: &'a [Arc<Node>],
    /// How they are reached.
    pub(crate) pool: Arc<Pool>,
    /// How many at once, how often.
    pub(crate) policy: Policy,
    /// What.
    pub(crate) sections: &'static [Section],
    /// About which services.
    pub(crate) units: &'a [UnitName],
    /// How long a node may take to answer.
    pub(crate) timeout: Duration,
}

impl Question<'_> {
    /// Asks every node once; `answer` gets what became of each as it is done. When it can not
    /// take any more, the nodes that are left are let be, and its error is returned.
    pub(crate) async fn ask(
        &self,
        cancel: &CancellationToken,
        mut answer: impl FnMut(NodeResult, Option<Told>) -> io::Result<()>,
    ) -> (Report, io::Result<()>) {
        let connect = Arc::clone(&self.pool) as _;
        let survey = Survey::new(connect, self.sections, self.units, self.timeout);
        let (sender, mut events) = mpsc::channel(EVENTS);
        // Of its own, so that a reader that went away is not taken for Ctrl-C.
        let stop = cancel.child_token();
        let work = async {
            let report = spread(self.nodes, &self.policy, None, &survey, &sender, &stop).await;
            drop(sender);
            report
        };
        let listen = async {
            while let Some(event) = events.recv().await {
                if let Event::NodeFinished(result) = event {
                    let told = survey.take(&result.node);
                    if let Err(error) = answer(result, told) {
                        stop.cancel();
                        return Err(error);
                    }
                }
            }
            Ok(())
        };
        tokio::join!(work, listen)
    }
}
