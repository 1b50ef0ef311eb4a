//! One line on how far a run is, written where the cursor is and taken away before anything else
//! is written. For terminals only.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use towline_core::{
    event::{Event, Status},
    id::NodeId,
    nodeset,
};

use super::{Style, Tone};

/// Back to the first column, and the rest of the line away.
const ERASE: &[u8] = b"\r\x1b[K";

/// How wide text is set where the width is not known.
const WIDTH: usize = 80;

/// So many nodes that are under way are named.
const NAMED: usize = 5;

/// How far a run is.
pub(crate) struct Progress {
    style: Style,
    total: usize,
    done: usize,
    not_ok: usize,
    running: BTreeSet<NodeId>,
    /// Whether the run rests between two batches.
    resting: bool,
    /// What stands on the terminal now, if anything does.
    visible: Option<String>,
    /// Whether it is time to show it.
    due: bool,
}

impl Progress {
    /// Of a run that has not begun.
    pub(crate) fn new(style: Style) -> Self {
        Self {
            style,
            total: 0,
            done: 0,
            not_ok: 0,
            running: BTreeSet::new(),
            resting: false,
            visible: None,
            due: false,
        }
    }

    /// Takes note of what happened.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { nodes, .. } => self.total = nodes.len(),
            Event::NodeStarted { node, .. } => {
                self.running.insert(node.clone());
                self.resting = false;
            }
            Event::NodeFinished(result) => {
                self.running.remove(&result.node);
                self.done += 1;
                self.not_ok += usize::from(result.status != Status::Ok);
            }
            Event::BatchPause { .. } => self.resting = true,
            _ => {}
        }
    }

    /// Time has passed: from now on it is shown.
    pub(crate) fn tick(&mut self, to: &mut impl Write) -> io::Result<()> {
        self.due = true;
        self.show(to)
    }

    /// Shows it, if it is time, in the place of what it said before.
    pub(crate) fn show(&mut self, to: &mut impl Write) -> io::Result<()> {
        if !self.due || self.done == self.total {
            return self.erase(to);
        }
        let text = self.text();
        let before = self.visible.replace(text.clone());
        if before.as_ref() == Some(&text) {
            return Ok(());
        }
        let mut line = before.map_or_else(Vec::new, |_| ERASE.to_vec());
        write!(line, "{}", self.style.paint(Tone::Faint, text))?;
        // In one piece, so that it never flickers.
        to.write_all(&line)?;
        to.flush()
    }

    /// Takes it away, if it stands there. To be called before anything else is written.
    pub(crate) fn erase(&mut self, to: &mut impl Write) -> io::Result<()> {
        if self.visible.take().is_none() {
            return Ok(());
        }
        to.write_all(ERASE)?;
        to.flush()
    }

    /// `12/200 done, 3 failed, 4 running: web-[07-10]`, cut to the width of the terminal.
    fn text(&self) -> String {
        let mut text = format!("{}/{} done", self.done, self.total);
        if self.not_ok > 0 {
            text.push_str(&format_args!(", {} failed", self.not_ok).to_string());
        }
        let running = self.running.len();
        if self.resting {
            text.push_str(", waiting for the next batch");
        } else {
            text.push_str(&format_args!(", {running} running").to_string());
        }
        if (1..=NAMED).contains(&running) {
            text.push_str(": ");
            text.push_str(&nodeset::fold(self.running.iter().map(NodeId::as_str)));
        }
        // A line as wide as the terminal may wrap, and could not be taken away then.
        let width = self
            .style
            .width
            .map_or(WIDTH, usize::from)
            .saturating_sub(1);
        let mut column = 0;
        text.chars()
            .take_while(|&c| {
                column += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
                column <= width
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use towline_core::event::NodeResult;

    use super::{super::styles::PLAIN, *};

    fn begin(nodes: usize) -> Progress {
        let mut progress = Progress::new(Style {
            width: Some(40),
            ..PLAIN
        });
        let nodes = (1..=nodes).map(id).collect();
        let command = String::new();
        progress.event(&Event::RunStarted { command, nodes });
        progress
    }

    fn id(n: usize) -> NodeId {
        format!("web-{n:03}").parse().unwrap()
    }

    fn start(n: usize) -> Event {
        let node = id(n);
        Event::NodeStarted { node, attempt: 1 }
    }

    fn finish(n: usize, status: Status) -> Event {
        Event::NodeFinished(NodeResult {
            node: id(n),
            status,
            exit_code: None,
            signal: None,
            duration_ms: 0,
            attempts: 1,
            error: None,
        })
    }

    /// What a terminal was sent, escapes made visible.
    fn sent(act: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut to = Vec::new();
        act(&mut to).unwrap();
        String::from_utf8(to)
            .unwrap()
            .replace('\r', "<")
            .replace("\x1b[K", ">")
    }

    #[test]
    fn it_counts_and_names_those_that_are_waited_for() {
        let mut progress = begin(200);
        (1..=16).for_each(|n| progress.event(&start(n)));
        (1..=9).for_each(|n| progress.event(&finish(n, Status::Ok)));
        assert_eq!(progress.text(), "9/200 done, 7 running");
        progress.event(&finish(10, Status::Failed));
        progress.event(&finish(11, Status::Unreachable));
        progress.event(&finish(13, Status::Cancelled));
        assert_eq!(progress.text(), "12/200 done, 3 failed, 4 running: web-[");
        // Tried again, a node is not one more.
        progress.event(&start(12));
        assert!(progress.text().contains("4 running"));
    }

    #[test]
    fn it_is_shown_once_it_is_due_and_taken_away_before_anything_else() {
        let mut progress = begin(2);
        progress.event(&start(1));
        assert_eq!(sent(|to| progress.show(to)), "", "not due yet");
        assert_eq!(sent(|to| progress.tick(to)), "0/2 done, 1 running: web-001");
        assert_eq!(sent(|to| progress.erase(to)), "<>");
        assert_eq!(sent(|to| progress.erase(to)), "", "gone already");
        progress.event(&finish(1, Status::Ok));
        assert_eq!(sent(|to| progress.show(to)), "1/2 done, 0 running");
        assert_eq!(sent(|to| progress.show(to)), "", "nothing new");
        progress.event(&Event::BatchPause {
            finished: 1,
            remaining: 1,
            delay_ms: 9,
        });
        let text = "<>1/2 done, waiting for the next batch";
        assert_eq!(sent(|to| progress.show(to)), text);
        progress.event(&start(2));
        assert_eq!(
            sent(|to| progress.show(to)),
            "<>1/2 done, 1 running: web-002"
        );
        progress.event(&finish(2, Status::Ok));
        assert_eq!(sent(|to| progress.show(to)), "<>", "nothing is left to say");
        assert_eq!(sent(|to| progress.tick(to)), "");
    }
}
