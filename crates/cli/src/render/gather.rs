//! What every node wrote, kept until the end of the run, alike next to alike.
//!
//! Memory stays bounded however much is written: see [`super::spool`]. Nodes that ended alike and
//! wrote the same share one copy. What a node wrote to its two streams is kept apart; in which
//! order the two were written is not kept, since it differs from run to run and would tell nodes
//! apart that did the same.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::PathBuf,
};

use towline_core::{
    event::{Failure, NodeResult, Status, Stream},
    id::NodeId,
    nodeset::{self, natural_cmp},
};

use super::{
    reason::{Cause, one_of},
    spool::{Fingerprint, Growing, Spool, Text},
};

/// Takes what nodes write, until each is finished.
pub(crate) struct Gather {
    spool: Spool,
    open: HashMap<NodeId, [Growing; 2]>,
    groups: BTreeMap<Key, Group>,
}

type Key = (Cause, [Fingerprint; 2]);

/// Nodes that ended alike and wrote the same.
#[derive(Debug)]
pub(crate) struct Group {
    /// How they ended.
    pub(crate) cause: Cause,
    /// Which they are, in the order they finished.
    pub(crate) nodes: Vec<NodeId>,
    /// What they wrote to standard output.
    pub(crate) stdout: Text,
    /// What they wrote to standard error.
    pub(crate) stderr: Text,
    failures: Vec<Failure>,
}

/// All groups, the largest first, and where their texts are.
pub(crate) struct Gathered {
    /// Where the texts are.
    pub(crate) spool: Spool,
    /// The groups.
    pub(crate) groups: Vec<Group>,
}

impl Gather {
    /// Long output goes to an unnamed file in `folder`, which had better not be in memory.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            spool: Spool::new(folder),
            open: HashMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// Takes what a node wrote.
    ///
    /// # Errors
    /// When it has to be put into a file and can not.
    pub(crate) fn take(&mut self, node: &NodeId, stream: Stream, data: &[u8]) -> io::Result<()> {
        if !self.open.contains_key(node) {
            let texts = [self.spool.begin(), self.spool.begin()];
            self.open.insert(node.clone(), texts);
        }
        let Some(texts) = self.open.get_mut(node) else {
            return Ok(());
        };
        let text = match stream {
            Stream::Stdout => &mut texts[0],
            Stream::Stderr => &mut texts[1],
        };
        self.spool.push(text, data)
    }

    /// Takes how a node ended; nothing more comes from it.
    pub(crate) fn finish(&mut self, result: &NodeResult) {
        let texts = self.open.remove(&result.node);
        let [out, err] = texts.unwrap_or_else(|| [self.spool.begin(), self.spool.begin()]);
        let (stdout, stderr) = (self.spool.end(out), self.spool.end(err));
        let cause = Cause::of(result);
        let texts = [stdout.fingerprint(), stderr.fingerprint()];
        let group = match self.groups.entry((cause.clone(), texts)) {
            std::collections::btree_map::Entry::Occupied(known) => {
                self.spool.forget(stdout);
                self.spool.forget(stderr);
                known.into_mut()
            }
            std::collections::btree_map::Entry::Vacant(new) => new.insert(Group {
                cause,
                nodes: Vec::new(),
                stdout,
                stderr,
                failures: Vec::new(),
            }),
        };
        group.nodes.push(result.node.clone());
        group.failures.extend(result.error.clone());
    }

    /// What was gathered, the largest group first; of groups of one size, those that ended well
    /// first, then in the natural order of their first node.
    pub(crate) fn gathered(self) -> Gathered {
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        let first = |group: &Group| {
            let smallest = group
                .nodes
                .iter()
                .min_by(|a, b| natural_cmp(a.as_str(), b.as_str()));
            smallest
                .map(|node| node.as_str().to_owned())
                .unwrap_or_default()
        };
        groups.sort_by(|a, b| {
            let size = b.nodes.len().cmp(&a.nodes.len());
            size.then_with(|| a.cause.status.cmp(&b.cause.status))
                .then_with(|| natural_cmp(&first(a), &first(b)))
        });
        Gathered {
            spool: self.spool,
            groups,
        }
    }
}

impl Group {
    /// Whether the command came to its own end there.
    pub(crate) fn ran(&self) -> bool {
        matches!(self.cause.status, Status::Ok | Status::Failed) && self.failures.is_empty()
    }

    /// `web-[01-20,30] (21)`; a single node without the number.
    pub(crate) fn name(&self) -> String {
        let folded = nodeset::fold(&self.nodes);
        match self.nodes.len() {
            1 => folded,
            number => format!("{folded} ({number})"),
        }
    }

    /// What is known about why, and what to do.
    pub(crate) fn message_and_hint(&self) -> (Option<String>, Option<String>) {
        one_of(&self.failures.iter().collect::<Vec<_>>())
    }
}

/// Runs to look at.
#[cfg(test)]
pub(crate) mod runs {
    use towline_core::event::FailureKind;

    use super::*;

    pub(crate) fn result(node: &str, status: Status) -> NodeResult {
        NodeResult {
            node: node.parse().unwrap(),
            status,
            exit_code: matches!(status, Status::Ok).then_some(0),
            signal: None,
            duration_ms: 12,
            attempts: 1,
            error: None,
        }
    }

    pub(crate) fn failed(node: &str, code: i32) -> NodeResult {
        NodeResult {
            exit_code: Some(code),
            ..result(node, Status::Failed)
        }
    }

    pub(crate) fn lost(
        node: &str,
        status: Status,
        kind: FailureKind,
        message: &str,
        hint: Option<&str>,
    ) -> NodeResult {
        let error = Failure {
            kind,
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        };
        NodeResult {
            error: Some(error),
            ..result(node, status)
        }
    }

    pub(crate) fn refused(node: &str, address: &str) -> NodeResult {
        lost(
            node,
            Status::Unreachable,
            FailureKind::Refused,
            &format!("{address} refused the connection"),
            Some(&format!(
                "is sshd running on {address}? Another port is given with -p PORT"
            )),
        )
    }

    pub(crate) fn timed_out(node: &str) -> NodeResult {
        lost(
            node,
            Status::Timeout,
            FailureKind::Timeout,
            "not done after 5s; it was ended",
            Some("-u SECONDS gives it more time"),
        )
    }

    /// A result with what the node wrote before it.
    pub(crate) type Node<'a> = (NodeResult, &'a str, &'a str);

    pub(crate) fn gathered(nodes: Vec<Node<'_>>) -> Gathered {
        let mut gather = Gather::new(std::env::temp_dir());
        for (result, out, err) in nodes {
            for (stream, text) in [(Stream::Stdout, out), (Stream::Stderr, err)] {
                // In pieces that differ from node to node.
                for piece in text.as_bytes().chunks(1000 + result.node.as_str().len()) {
                    gather.take(&result.node, stream, piece).unwrap();
                }
            }
            gather.finish(&result);
        }
        gather.gathered()
    }

    /// A bit of everything: 20 alike, one with another code, two that differ, three lost.
    pub(crate) fn mixed() -> Vec<Node<'static>> {
        let mut nodes: Vec<Node<'static>> = (1..=20)
            .map(|n| {
                let node = format!("web-{n:02}");
                (result(&node, Status::Ok), "nginx/1.22.1\nok\n", "")
            })
            .collect();
        nodes.push((result("web-30", Status::Ok), "nginx/1.22.1\nok\n", ""));
        nodes.push((failed("db1", 3), "nginx/1.22.1\nok\n", "warning: old\n"));
        nodes.push((result("db2", Status::Ok), "nginx/1.18.0\nok\nextra", ""));
        nodes.push((refused("pi-07", "10.0.0.7:22"), "", ""));
        nodes.push((refused("pi-08", "10.0.0.8:22"), "", ""));
        nodes.push((timed_out("slow"), "half\n", ""));
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::{runs::*, *};

    #[test]
    fn nodes_are_alike_when_end_and_both_streams_are() {
        let gathered = gathered(vec![
            (result("a", Status::Ok), "x", ""),
            (result("bb", Status::Ok), "x", ""),
            (result("c", Status::Ok), "", "x"),
            (failed("d", 1), "x", ""),
            (failed("ee", 1), "x", ""),
            (failed("fff", 1), "x", ""),
            (failed("g", 2), "x", ""),
            (timed_out("h"), "x", ""),
        ]);
        let groups: Vec<String> = gathered.groups.iter().map(Group::name).collect();
        assert_eq!(groups, ["d,ee,fff (3)", "a,bb (2)", "c", "g", "h"]);
    }

    #[test]
    fn thousands_of_equal_outputs_take_the_place_of_one() {
        let long = "line\n".repeat(10_000);
        let nodes = (0..2000)
            .map(|n| (result(&format!("n{n}"), Status::Ok), long.as_str(), ""))
            .collect();
        let gathered = gathered(nodes);
        assert_eq!(gathered.groups.len(), 1);
        assert_eq!(gathered.groups[0].name(), "n[0-1999] (2000)");
        let text = gathered.spool.bytes(&gathered.groups[0].stdout).unwrap();
        assert!(text == long.as_bytes());
    }

    #[test]
    fn a_node_that_never_began_is_there_too() {
        let gathered = gathered(vec![(result("a", Status::Cancelled), "", "")]);
        assert!(!gathered.groups[0].ran());
        assert!(gathered.groups[0].stdout.is_empty());
    }
}
