//! A run of `tow exec` under way: the nodes on one side, what is shown on the other, and Ctrl-C.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Envelope, Event, Report, Status},
    id::NodeId,
    node::Node,
    nodeset,
};
use towline_fleet::{
    exec::Exec,
    fanout::{Gate, spread},
};

use super::{Args, show::Show};
use crate::{context::Context, history::LastRun, interrupt};

/// A run under way.
pub(super) struct Running<'a> {
    pub(super) args: &'a Args,
    pub(super) context: &'a Context,
    pub(super) task: Exec,
    pub(super) shown: String,
}

/// Events that wait to be shown. When they are this many, the nodes wait.
const EVENTS: usize = 256;

impl Running<'_> {
    /// To its end, whatever it is; also whether a signal ended a command.
    pub(super) async fn finish(
        self,
        nodes: &[Arc<Node>],
        words: &[String],
        mut show: Show,
    ) -> anyhow::Result<(Report, bool)> {
        let cancel = CancellationToken::new();
        let pending = Arc::new(Mutex::new(
            nodes
                .iter()
                .map(|node| node.id.clone())
                .collect::<BTreeSet<_>>(),
        ));
        let (waiting, terminal) = (Arc::clone(&pending), self.context.terminal);
        interrupt::listen(cancel.clone(), move || {
            let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let ids = nodeset::fold(waiting.iter().map(NodeId::as_str));
            terminal.warn(&format!(
                "interrupted; ending what runs on {} ({ids}). Again: at once",
                waiting.len()
            ));
        })?;
        let (sender, mut events) = mpsc::channel(EVENTS);
        let gate = self.args.fanout.gate.clone().map(LocalGate);
        let policy = self.args.fanout.policy();
        let started = Event::RunStarted {
            command: self.shown.clone(),
            nodes: nodes.iter().map(|node| node.id.clone()).collect(),
        };
        let work = async {
            let _listening = sender.send(started).await;
            let gate = gate.as_ref().map(|gate| gate as &dyn Gate);
            let report = spread(nodes, &policy, gate, &self.task, &sender, &cancel).await;
            drop(sender);
            report
        };
        let mut killed = false;
        let mut failed: Vec<NodeId> = Vec::new();
        let listen = async {
            let mut seq = 0;
            while let Some(event) = events.recv().await {
                if let Event::NodeFinished(result) = &event {
                    pending
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&result.node);
                    killed |= result.signal.is_some();
                    if result.status != Status::Ok {
                        failed.push(result.node.clone());
                    }
                }
                let shown = show.event(&Envelope { seq, event });
                let shown = if events.is_empty() {
                    shown.and_then(|()| show.flush())
                } else {
                    shown
                };
                if let Err(error) = shown {
                    // Nobody reads on: `tow exec … | head`.
                    cancel.cancel();
                    return (seq + 1, Err(error));
                }
                seq += 1;
            }
            (seq, Ok(()))
        };
        let (report, (seq, shown)) = tokio::join!(work, listen);
        self.remember(nodes, words, &failed);
        match shown.and_then(|()| show.finish(seq, &report)) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok((report, killed)),
        }
    }

    fn remember(&self, nodes: &[Arc<Node>], words: &[String], failed: &[NodeId]) {
        let again = nodes.iter().filter(|node| failed.contains(&node.id));
        let last = LastRun {
            words: words.to_vec(),
            failed: again.map(|node| Node::clone(node)).collect(),
        };
        if let Err(error) = last.save(&self.context.environment) {
            self.context.terminal.warn(&format!(
                "--rerun-failed will not know of this run: {error:#}"
            ));
        }
    }
}

/// A command of this machine that must succeed before the next batch.
struct LocalGate(String);

#[async_trait]
impl Gate for LocalGate {
    async fn pass(&self) -> Result<(), String> {
        let mut command = tokio::process::Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(&self.0)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        match command.status().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the gate {:?} said no ({status})", self.0)),
            Err(error) => Err(format!("the gate {:?} could not be asked: {error}", self.0)),
        }
    }
}
