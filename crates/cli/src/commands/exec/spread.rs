//! A run of `tow exec` under way: the nodes on one side, what is shown on the other, and Ctrl-C.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use towline_core::{
    event::{Envelope, Event, Report, Status},
    id::NodeId,
    node::Node,
    nodeset,
};
use towline_fleet::{
    exec::Exec,
    fanout::{Gate, Policy, spread},
};

use super::{Args, show::Show};
use crate::{context::Context, exit::Seen, history::LastRun, interrupt};

/// A run under way.
pub(super) struct Running<'a> {
    pub(super) args: &'a Args,
    pub(super) context: &'a Context,
    pub(super) policy: Policy,
    pub(super) task: Exec,
    pub(super) shown: String,
}

/// Events that wait to be shown. When they are this many, the nodes wait.
const EVENTS: usize = 256;

/// What is done sooner needs no word on how far it is.
const FIRST_TICK: Duration = Duration::from_millis(500);

/// How often it is told how far the run is.
const TICK: Duration = Duration::from_millis(200);

impl Running<'_> {
    /// To its end, whatever it is; also what the report does not tell.
    pub(super) async fn finish(
        self,
        nodes: &[Arc<Node>],
        words: &[String],
        show: Show,
    ) -> anyhow::Result<(Report, Seen)> {
        let cancel = CancellationToken::new();
        interrupt::listen(cancel.clone(), || {})?;
        let (sender, events) = mpsc::channel(EVENTS);
        let gate = self.args.fanout.gate.clone().map(LocalGate);
        let started = Event::RunStarted {
            command: self.shown.clone(),
            nodes: nodes.iter().map(|node| node.id.clone()).collect(),
        };
        let work = async {
            let _listening = sender.send(started).await;
            let gate = gate.as_ref().map(|gate| gate as &dyn Gate);
            let report = spread(nodes, &self.policy, gate, &self.task, &sender, &cancel).await;
            drop(sender);
            report
        };
        let mut listener = Listener {
            show,
            seq: 0,
            pending: nodes.iter().map(|node| node.id.clone()).collect(),
            failed: Vec::new(),
            seen: Seen::default(),
            broken: None,
        };
        let (report, ()) = tokio::join!(work, listener.listen(events, &cancel));
        self.remember(nodes, words, &listener.failed);
        let Listener {
            show,
            seq,
            seen,
            broken,
            ..
        } = listener;
        let shown = match broken {
            Some(error) => Err(error),
            None => show.finish(seq, &report),
        };
        match shown {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok((report, seen)),
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

/// Takes what happens, shows it and remembers what counts at the end.
struct Listener {
    show: Show,
    seq: u64,
    /// Nodes that are not done.
    pending: BTreeSet<NodeId>,
    /// Nodes that did not end well.
    failed: Vec<NodeId>,
    /// What the report will not tell.
    seen: Seen,
    /// Why nothing can be shown any more.
    broken: Option<io::Error>,
}

impl Listener {
    /// To the last event. `cancel` is triggered by the user, or here when nobody reads on.
    async fn listen(&mut self, mut events: mpsc::Receiver<Event>, cancel: &CancellationToken) {
        let mut told = false;
        let mut ticks = tokio::time::interval_at(Instant::now() + FIRST_TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let shown = tokio::select! {
                biased;
                () = cancel.cancelled(), if !told => {
                    told = true;
                    self.tell_of_interrupt()
                }
                event = events.recv() => match event {
                    None => return,
                    Some(event) => self.take(event, events.is_empty()),
                },
                _ = ticks.tick(), if self.show.has_progress() => self.show.tick(),
            };
            if let Err(error) = shown
                && self.broken.is_none()
            {
                // Nobody reads on: `tow exec … | head`. The rest is counted all the same.
                self.broken = Some(error);
                told = true;
                cancel.cancel();
            }
        }
    }

    fn take(&mut self, event: Event, last: bool) -> io::Result<()> {
        if let Event::NodeFinished(result) = &event {
            self.pending.remove(&result.node);
            self.seen.note(result);
            if result.status != Status::Ok {
                self.failed.push(result.node.clone());
            }
        }
        let seq = self.seq;
        self.seq += 1;
        if self.broken.is_some() {
            return Ok(());
        }
        self.show.event(&Envelope { seq, event })?;
        if last { self.show.flush() } else { Ok(()) }
    }

    fn tell_of_interrupt(&mut self) -> io::Result<()> {
        let ids = nodeset::fold(self.pending.iter().map(NodeId::as_str));
        self.show.warn(&format!(
            "interrupted; ending what runs on {} ({ids}). Again: at once",
            self.pending.len()
        ))
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
