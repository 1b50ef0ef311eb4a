//! Masks known secrets in streams and texts.
//!
//! Every byte that belongs to any occurrence of any secret is masked, overlapping ones included,
//! and a run of such bytes becomes one [`MASK`]. So where one secret begins or holds another the
//! whole of the longer one is gone, and the mask tells neither length nor number.

use std::{borrow::Cow, collections::VecDeque, ops::Range, sync::Arc};

use bytes::Bytes;
use zeroize::Zeroizing;

use super::{MASK, Secret, trie::Trie};

/// Knows the secrets. Cheap to clone: all streams of a run share one.
#[derive(Clone)]
pub struct Redactor(Option<Arc<Trie>>);

impl Redactor {
    /// A redactor for `secrets`.
    ///
    /// Line breaks at a secret's end are left off, since a file's last one is seldom part of what
    /// it holds. A secret of several lines is also found with CR LF ends, as a terminal prints
    /// it. Empty secrets are ignored. Short ones are masked like any other, wherever their bytes
    /// occur: a spoilt output is better than a shown password.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut patterns: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for secret in secrets {
            let bytes = trim_line_breaks(secret.expose());
            patterns.push(Zeroizing::new(bytes.to_vec()));
            if bytes.contains(&b'\n') {
                patterns.push(with_carriage_returns(bytes));
            }
        }
        let mut trie = Trie::with_capacity(patterns.iter().map(|pattern| pattern.len()).sum());
        for pattern in &patterns {
            trie.insert(pattern);
        }
        trie.link();
        Self((!trie.is_empty()).then(|| Arc::new(trie)))
    }

    /// A stream of its own to mask: one node's stdout, say.
    #[must_use]
    pub fn stream(&self) -> RedactedStream {
        RedactedStream {
            trie: self.0.clone(),
            state: Trie::ROOT,
            held: Vec::new(),
            masks: Masks::new(),
            in_mask: false,
        }
    }

    /// `text` with the secrets masked; borrowed where none is in it.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(trie) = &self.0 else {
            return Cow::Borrowed(text);
        };
        let mut masks = Masks::new();
        find(trie, Trie::ROOT, 0, text.as_bytes(), &mut masks);
        if masks.is_empty() {
            return Cow::Borrowed(text);
        }
        let shown = masked(text.as_bytes(), masks, false);
        // A secret that is no UTF-8 may have been found within a character.
        Cow::Owned(String::from_utf8_lossy(&shown).into_owned())
    }
}

/// One stream on its way through a [`Redactor`].
///
/// Held back is only what may be the beginning of a secret, so the output is never late by as
/// much as the longest secret, and not at all where none begins.
pub struct RedactedStream {
    trie: Option<Arc<Trie>>,
    /// The longest beginning of a secret that the stream ends in, as a node of the trie.
    state: usize,
    /// What was pushed but not handed out.
    held: Vec<u8>,
    /// What of `held` is to be masked.
    masks: Masks,
    /// Whether what was handed out ends in a mask, which the next byte may continue.
    in_mask: bool,
}

impl RedactedStream {
    /// Takes the next chunk and returns what can be shown by now. Where there is nothing to mask
    /// and nothing held, that is a part of the chunk itself, not a copy.
    #[must_use]
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let Some(trie) = &self.trie else {
            return chunk;
        };
        let offset = self.held.len();
        self.state = find(trie, self.state, offset, &chunk, &mut self.masks);
        // A secret that is still to be completed begins within the last `depth` bytes at the
        // earliest. What is already masked stays masked, so it need not wait either.
        let depth = trie.depth(self.state);
        let settled = (offset + chunk.len()).saturating_sub(depth);
        let ready = self
            .masks
            .iter()
            .take_while(|mask| mask.start <= settled)
            .last()
            .map_or(settled, |mask| settled.max(mask.end));
        self.hand_out(chunk, ready)
    }

    /// Returns what was held back. A chunk pushed after that begins a new stream.
    #[must_use]
    pub fn finish(&mut self) -> Bytes {
        let rest = self.hand_out(Bytes::new(), self.held.len());
        self.state = Trie::ROOT;
        self.in_mask = false;
        rest
    }

    /// Hands out the first `ready` bytes of what is held and `chunk`, and holds the rest. No mask
    /// may reach over that border.
    fn hand_out(&mut self, chunk: Bytes, ready: usize) -> Bytes {
        let known = if self.held.is_empty() {
            chunk
        } else {
            self.held.extend_from_slice(&chunk);
            Bytes::from(std::mem::take(&mut self.held))
        };
        self.held = known[ready..].to_vec();
        if ready == 0 {
            return Bytes::new();
        }
        let border = self.masks.partition_point(|mask| mask.end <= ready);
        let later = self.masks.split_off(border);
        let masks = std::mem::replace(
            &mut self.masks,
            later
                .into_iter()
                .map(|mask| mask.start - ready..mask.end - ready)
                .collect(),
        );
        let continues = self.in_mask;
        self.in_mask = masks.back().is_some_and(|mask| mask.end == ready);
        if masks.is_empty() {
            known.slice(..ready)
        } else {
            Bytes::from(masked(&known[..ready], masks, continues))
        }
    }
}

/// Ranges of bytes to mask, in order, with something between any two of them.
type Masks = VecDeque<Range<usize>>;

/// Follows `chunk` from `state`, adds what is to be masked and returns the new state. `offset` is
/// where the chunk begins in the positions of `masks`.
fn find(trie: &Trie, mut state: usize, offset: usize, chunk: &[u8], masks: &mut Masks) -> usize {
    let mut at = 0;
    while at < chunk.len() {
        if state == Trie::ROOT {
            match chunk[at..].iter().position(|&byte| trie.begins(byte)) {
                Some(skipped) => at += skipped,
                None => break,
            }
        }
        state = trie.step(state, chunk[at]);
        at += 1;
        let length = trie.match_length(state);
        if length > 0 {
            // What lies before position 0 was masked when it was handed out.
            let end = offset + at;
            cover(masks, end.saturating_sub(length)..end);
        }
    }
    state
}

/// Adds a range that ends where the last one ends or later.
fn cover(masks: &mut Masks, mut range: Range<usize>) {
    while let Some(last) = masks.pop_back_if(|last| last.end >= range.start) {
        range.start = range.start.min(last.start);
    }
    masks.push_back(range);
}

/// `bytes` with each of `masks` replaced; the first one silently where it `continues` a mask that
/// is already shown and stands at the very beginning.
fn masked(bytes: &[u8], masks: Masks, continues: bool) -> Vec<u8> {
    let mut shown = Vec::with_capacity(bytes.len() + MASK.len());
    let mut at = 0;
    for mask in masks {
        shown.extend_from_slice(&bytes[at..mask.start]);
        if !(continues && mask.start == 0) {
            shown.extend_from_slice(MASK.as_bytes());
        }
        at = mask.end;
    }
    shown.extend_from_slice(&bytes[at..]);
    shown
}

fn trim_line_breaks(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\r'] = bytes {
        bytes = rest;
    }
    bytes
}

fn with_carriage_returns(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    // Room for the worst case: a buffer that grew would leave unwiped copies behind.
    let mut lines = Zeroizing::new(Vec::with_capacity(bytes.len() * 2));
    for &byte in bytes {
        if byte == b'\n' && lines.last() != Some(&b'\r') {
            lines.push(b'\r');
        }
        lines.push(byte);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let secrets: Vec<Secret> = secrets.iter().map(|&text| Secret::new(text)).collect();
        Redactor::new(&secrets)
    }

    /// What each push shows, then what the end shows.
    fn shown(secrets: &[&str], chunks: &[&str]) -> Vec<String> {
        let mut stream = redactor(secrets).stream();
        let mut shown: Vec<Bytes> = chunks
            .iter()
            .map(|chunk| stream.push(Bytes::copy_from_slice(chunk.as_bytes())))
            .collect();
        shown.push(stream.finish());
        shown
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }

    #[test]
    fn masks_at_once_and_holds_back_only_what_may_be_a_beginning() {
        assert_eq!(
            shown(
                &["hunter2"],
                &["a hunter2", "b hun", "t", "x hunter", "2", "!"]
            ),
            ["a [redacted]", "b ", "", "huntx ", "[redacted]", "!", ""]
        );
    }

    #[test]
    fn finds_a_secret_spread_over_many_chunks() {
        assert_eq!(
            shown(&["hunter2"], &["x", "h", "u", "n", "t", "e", "r", "2", "y"]).concat(),
            "x[redacted]y"
        );
    }

    #[test]
    fn the_end_shows_a_beginning_that_was_none() {
        assert_eq!(shown(&["hunter2"], &["a hunt"]), ["a ", "hunt"]);
    }

    #[test]
    fn a_stream_can_begin_anew() {
        let mut stream = redactor(&["ab"]).stream();
        assert_eq!(stream.push(Bytes::from_static(b"ab")), MASK);
        assert!(stream.finish().is_empty());
        assert_eq!(stream.push(Bytes::from_static(b"b ab")), "b [redacted]");
    }

    #[test]
    fn masks_the_longest_and_what_overlaps() {
        // One begins another, which is known only later.
        assert_eq!(
            shown(&["pass", "password"], &["my password"]).concat(),
            "my [redacted]"
        );
        assert_eq!(
            shown(&["pass", "password"], &["pass", "wo", "rk"]).concat(),
            "[redacted]work"
        );
        // One lies within another that does not come true.
        assert_eq!(
            shown(&["abcdX", "bc"], &["abc", "dY"]),
            ["", "a[redacted]dY", ""]
        );
        // The end of one is the beginning of another: nothing of either is left.
        assert_eq!(
            shown(&["abcd", "cdef"], &["xabcdefx"]).concat(),
            "x[redacted]x"
        );
        assert_eq!(shown(&["aaa"], &["aa", "aa", "ab"]).concat(), "[redacted]b");
    }

    #[test]
    fn empty_secrets_are_ignored_and_short_ones_are_not() {
        assert_eq!(shown(&["", "\n"], &["a\nb"]).concat(), "a\nb");
        assert_eq!(shown(&["q"], &["equal"]).concat(), "e[redacted]ual");
    }

    #[test]
    fn line_breaks_differ_between_a_file_and_a_terminal() {
        assert_eq!(
            shown(&["hunter2\n"], &["a hunter2 b"]).concat(),
            "a [redacted] b"
        );
        let key = "BEGIN\nkey\nEND\n";
        assert_eq!(
            shown(&[key], &["BEGIN\r\nkey\r\nEND\r\n"]).concat(),
            "[redacted]\r\n"
        );
        assert_eq!(shown(&[key], &[key]).concat(), "[redacted]\n");
    }

    #[test]
    fn nothing_is_copied_where_nothing_is_masked() {
        for secrets in [&[][..], &["hunter2"]] {
            let mut stream = redactor(secrets).stream();
            let chunk = Bytes::from(
                vec![b'h'; 4096 - 1]
                    .into_iter()
                    .chain([b'.'])
                    .collect::<Vec<_>>(),
            );
            assert_eq!(stream.push(chunk.clone()).as_ptr(), chunk.as_ptr());
        }
        let text = "nothing in it";
        assert!(matches!(
            redactor(&["hunter2"]).redact(text),
            Cow::Borrowed(_)
        ));
        assert!(matches!(redactor(&[]).redact(text), Cow::Borrowed(_)));
    }

    #[test]
    fn masks_texts() {
        assert_eq!(
            redactor(&["hunter2"]).redact("a hunter2, hunter2 ä"),
            "a [redacted], [redacted] ä"
        );
        let within_a_character = Redactor::new(&[Secret::new(vec![0xa4])]);
        assert_eq!(within_a_character.redact("ä"), "\u{fffd}[redacted]");
    }

    /// Masks by trying every secret at every position.
    fn masked_slowly(secrets: &[String], text: &str) -> String {
        let mut covered = vec![false; text.len()];
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            for at in 0..text.len() {
                if text[at..].starts_with(secret.as_str()) {
                    covered[at..at + secret.len()].fill(true);
                }
            }
        }
        let mut shown = String::new();
        for (at, letter) in text.char_indices() {
            match (covered[at], at > 0 && covered[at - 1]) {
                (false, _) => shown.push(letter),
                (true, false) => shown.push_str(MASK),
                (true, true) => {}
            }
        }
        shown
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        // Few letters, so that secrets overlap in every way; none of them is in the mask.
        #[test]
        fn however_a_stream_is_cut_it_shows_what_masking_the_whole_shows(
            secrets in proptest::collection::vec("[xyz]{0,6}", 0..5),
            chunks in proptest::collection::vec("[xyzw]{0,8}", 0..12),
        ) {
            let whole = chunks.concat();
            let redactor = Redactor::new(
                &secrets.iter().map(|text| Secret::new(text.as_str())).collect::<Vec<_>>(),
            );
            let mut stream = redactor.stream();
            let mut shown = Vec::new();
            let longest = secrets.iter().map(String::len).max().unwrap_or(0);
            for chunk in &chunks {
                shown.extend_from_slice(&stream.push(Bytes::from(chunk.clone())));
                prop_assert!(stream.held.len() < longest.max(1));
            }
            shown.extend_from_slice(&stream.finish());
            let shown = String::from_utf8(shown).unwrap();
            prop_assert_eq!(&shown, &masked_slowly(&secrets, &whole));
            prop_assert_eq!(&shown, &redactor.redact(&whole));
            for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
                prop_assert!(!shown.contains(secret.as_str()));
            }
        }
    }
}
