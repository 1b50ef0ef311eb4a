//! An Aho-Corasick automaton that tells how much of a pattern is matched so far.
//!
//! The crate of that name does not tell it, and a stream needs it to know what to hold back; it
//! also leaves its copy of the patterns in memory.

use std::collections::VecDeque;

use zeroize::Zeroize as _;

/// Beginnings of patterns as a tree, with links to the next shorter one a text also ends in.
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// The children of the root by their byte, [`Trie::ROOT`] where there is none.
    first: Box<[usize; 256]>,
}

/// A beginning of one or more patterns. Nodes are named by their index; where there is none,
/// that is [`Trie::ROOT`], for the root is nobody's child, sibling or longer match.
#[derive(Default)]
struct Node {
    /// The last byte of this beginning.
    byte: u8,
    child: usize,
    sibling: usize,
    /// The longest other beginning that this one ends in.
    fallback: usize,
    /// Length of this beginning.
    depth: usize,
    /// Length of the longest whole pattern that this beginning ends in, or 0.
    matched: usize,
}

impl Trie {
    /// The state in which nothing is matched.
    pub(super) const ROOT: usize = 0;

    /// Has room for patterns of that many bytes together. With less it would have to grow, and
    /// leave unwiped copies behind.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut nodes = Vec::with_capacity(1 + bytes);
        nodes.push(Node::default());
        Self {
            nodes,
            first: Box::new([Self::ROOT; 256]),
        }
    }

    /// Whether there is no pattern but perhaps the empty one.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Adds a pattern. Nothing may be looked up before the next [`Trie::link`].
    pub(super) fn insert(&mut self, pattern: &[u8]) {
        let mut at = Self::ROOT;
        for &byte in pattern {
            at = self.child(at, byte).unwrap_or_else(|| self.grow(at, byte));
        }
        self.nodes[at].matched = pattern.len();
    }

    fn grow(&mut self, parent: usize, byte: u8) -> usize {
        let new = self.nodes.len();
        self.nodes.push(Node {
            byte,
            sibling: self.nodes[parent].child,
            depth: self.nodes[parent].depth + 1,
            ..Node::default()
        });
        self.nodes[parent].child = new;
        if parent == Self::ROOT {
            self.first[usize::from(byte)] = new;
        }
        new
    }

    /// Works out the fall-backs, the shorter ones first since the longer ones rest on them.
    pub(super) fn link(&mut self) {
        let mut waiting = VecDeque::from([Self::ROOT]);
        while let Some(parent) = waiting.pop_front() {
            let mut at = self.nodes[parent].child;
            while at != Self::ROOT {
                if parent != Self::ROOT {
                    let fallback = self.step(self.nodes[parent].fallback, self.nodes[at].byte);
                    self.nodes[at].fallback = fallback;
                    if self.nodes[at].matched == 0 {
                        self.nodes[at].matched = self.nodes[fallback].matched;
                    }
                }
                waiting.push_back(at);
                at = self.nodes[at].sibling;
            }
        }
    }

    fn child(&self, parent: usize, byte: u8) -> Option<usize> {
        if parent == Self::ROOT {
            return Some(self.first[usize::from(byte)]).filter(|&child| child != Self::ROOT);
        }
        let mut at = self.nodes[parent].child;
        while at != Self::ROOT && self.nodes[at].byte != byte {
            at = self.nodes[at].sibling;
        }
        (at != Self::ROOT).then_some(at)
    }

    /// The state after one more byte.
    pub(super) fn step(&self, mut state: usize, byte: u8) -> usize {
        loop {
            match self.child(state, byte) {
                Some(child) => return child,
                None if state == Self::ROOT => return Self::ROOT,
                None => state = self.nodes[state].fallback,
            }
        }
    }

    /// Whether a pattern begins with `byte`.
    pub(super) fn begins(&self, byte: u8) -> bool {
        self.first[usize::from(byte)] != Self::ROOT
    }

    /// How many of the last bytes are the beginning of a pattern.
    pub(super) fn depth(&self, state: usize) -> usize {
        self.nodes[state].depth
    }

    /// How many of the last bytes are a whole pattern, the longest one that ends here; else 0.
    pub(super) fn match_length(&self, state: usize) -> usize {
        self.nodes[state].matched
    }
}

impl Drop for Trie {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.byte.zeroize();
        }
        self.first.zeroize();
    }
}
