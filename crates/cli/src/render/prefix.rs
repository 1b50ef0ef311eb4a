//! Live output: whole lines, each with the name of the node it came from.
//!
//! Lines of several nodes never mix. What a node has not finished is held back, at most
//! [`LONGEST_PIECE`] bytes of it for each stream; a longer line is written in pieces.
//!
//! On a terminal, what a node writes can not control it: see [`super::clean`]. To a file or a pipe
//! every byte goes as it came, and without a prefix ([`Live::new`]) so does a missing line break
//! at the end: `tow exec -N -w NODE -- cat FILE > COPY` makes a copy.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use anstyle::AnsiColor;
use towline_core::{event::Stream, id::NodeId};

use super::{Style, Tone, clean::Cleaner};

/// How much of an unfinished line is held back, in bytes.
pub(crate) const LONGEST_PIECE: usize = 8 * 1024;

/// A node's colour. No red: that is for standard error.
const COLOURS: [AnsiColor; 10] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Magenta,
    AnsiColor::BrightCyan,
    AnsiColor::BrightGreen,
    AnsiColor::BrightYellow,
    AnsiColor::BrightBlue,
    AnsiColor::BrightMagenta,
];

/// Writes the output of nodes as it comes.
pub(crate) struct Live {
    prefix: bool,
    places: [Place; 2],
    nodes: HashMap<NodeId, [Line; 2]>,
}

/// Where one of the two streams goes.
struct Place {
    style: Style,
    /// The node whose unfinished line stands at the end of it.
    open: Option<NodeId>,
}

/// What a node has begun to write on one of its streams.
#[derive(Default)]
struct Line {
    begun: Vec<u8>,
    cleaner: Cleaner,
}

/// A node's colour: the same in every run.
pub(crate) fn colour(node: &NodeId) -> AnsiColor {
    // FNV-1a: spreads names that differ in their last digit.
    let hash = node.as_str().bytes().fold(0x811c_9dc5u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    COLOURS[hash as usize % COLOURS.len()]
}

fn index(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

impl Live {
    /// With the styles of standard output and standard error, and whether lines get a prefix.
    pub(crate) fn new(out: Style, err: Style, prefix: bool) -> Self {
        let place = |style| Place { style, open: None };
        Self {
            prefix,
            places: [place(out), place(err)],
            nodes: HashMap::new(),
        }
    }

    /// Takes what a node wrote; writes the lines that are whole now to `to`, which is the stream
    /// of ours that belongs to `stream`.
    pub(crate) fn take(
        &mut self,
        node: &NodeId,
        stream: Stream,
        mut data: &[u8],
        to: &mut impl Write,
    ) -> io::Result<()> {
        if !self.nodes.contains_key(node) {
            self.nodes.insert(node.clone(), Default::default());
        }
        let Some(lines) = self.nodes.get_mut(node) else {
            return Ok(());
        };
        let line = &mut lines[index(stream)];
        let mut writer = Writer {
            prefix: self.prefix,
            node,
            stream,
            place: &mut self.places[index(stream)],
        };
        while let Some(at) = data.iter().position(|&byte| byte == b'\n') {
            let (end, rest) = data.split_at(at + 1);
            if line.begun.is_empty() {
                writer.line(end, &mut line.cleaner, to)?;
            } else {
                line.begun.extend_from_slice(end);
                writer.line(&line.begun, &mut line.cleaner, to)?;
                line.begun.clear();
            }
            data = rest;
        }
        line.begun.extend_from_slice(data);
        let mut pieces = line.begun.chunks_exact(LONGEST_PIECE);
        for piece in pieces.by_ref() {
            writer.line(piece, &mut line.cleaner, to)?;
        }
        line.begun = pieces.remainder().to_vec();
        Ok(())
    }

    /// Writes what a node left unfinished. To be called when it is done; it frees what was held
    /// for it.
    pub(crate) fn finish(
        &mut self,
        node: &NodeId,
        out: &mut impl Write,
        err: &mut impl Write,
    ) -> io::Result<()> {
        let Some([stdout, stderr]) = self.nodes.remove(node) else {
            return Ok(());
        };
        self.rest(node, Stream::Stdout, stdout, out)?;
        self.rest(node, Stream::Stderr, stderr, err)
    }

    fn rest(
        &mut self,
        node: &NodeId,
        stream: Stream,
        mut line: Line,
        to: &mut impl Write,
    ) -> io::Result<()> {
        if line.begun.is_empty() {
            return Ok(());
        }
        let mut writer = Writer {
            prefix: self.prefix,
            node,
            stream,
            place: &mut self.places[index(stream)],
        };
        writer.line(&line.begun, &mut line.cleaner, to)
    }
}

struct Writer<'a> {
    prefix: bool,
    node: &'a NodeId,
    stream: Stream,
    place: &'a mut Place,
}

impl Writer<'_> {
    /// Writes a line with its line break, or a piece of one without.
    fn line(&mut self, line: &[u8], cleaner: &mut Cleaner, to: &mut impl Write) -> io::Result<()> {
        let style = self.place.style;
        let whole = line.last() == Some(&b'\n');
        match self.place.open.take() {
            Some(other) if other != *self.node => to.write_all(b"\n")?,
            _ => {}
        }
        let text = if whole { &line[..line.len() - 1] } else { line };
        if self.prefix {
            let tone = match self.stream {
                Stream::Stdout => Tone::Node(colour(self.node)),
                Stream::Stderr => Tone::Bad,
            };
            write!(to, "{}", style.paint(tone, format_args!("{}: ", self.node)))?;
        }
        if style.terminal {
            to.write_all(cleaner.line(text, style.color).as_bytes())?;
        } else {
            to.write_all(text)?;
        }
        if whole || self.prefix || style.terminal {
            to.write_all(b"\n")
        } else {
            self.place.open = Some(self.node.clone());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::styles::{PLAIN, TERMINAL},
        *,
    };

    /// What stands on the two streams after `written`, with escapes made visible.
    fn live(style: Style, prefix: bool, written: &[(&str, Stream, &[u8])]) -> [String; 2] {
        let mut live = Live::new(style, style, prefix);
        let mut places = [Vec::new(), Vec::new()];
        for &(node, stream, data) in written {
            let node = node.parse().unwrap();
            live.take(&node, stream, data, &mut places[index(stream)])
                .unwrap();
        }
        let [out, err] = &mut places;
        for node in ["web-01", "web-02"] {
            live.finish(&node.parse().unwrap(), out, err).unwrap();
        }
        places.map(|place| String::from_utf8_lossy(&place).replace('\x1b', "␛"))
    }

    use Stream::{Stderr, Stdout};

    #[test]
    fn lines_of_several_nodes_never_mix() {
        let [out, err] = live(
            PLAIN,
            true,
            &[
                ("web-01", Stdout, b"one\ntw"),
                ("web-02", Stdout, b"first"),
                ("web-01", Stderr, b"oh\n"),
                ("web-01", Stdout, b"o\n\nlast"),
                ("web-02", Stdout, b" line\n"),
            ],
        );
        assert_eq!(
            out,
            "web-01: one\nweb-01: two\nweb-01: \nweb-02: first line\nweb-01: last\n"
        );
        assert_eq!(err, "web-01: oh\n");
    }

    #[test]
    fn a_terminal_gets_colours_and_nothing_that_controls_it() {
        let [out, err] = live(
            TERMINAL,
            true,
            &[
                ("web-01", Stdout, b"\x1b]0;title\x07\x1b[32mgreen\nb"),
                ("web-02", Stdout, b"plain\r\n"),
                ("web-02", Stderr, b"oh\n"),
            ],
        );
        insta::assert_snapshot!(format!("{out}-- standard error\n{err}"));
    }

    #[test]
    fn without_a_prefix_a_file_gets_every_byte_as_it_came() {
        let blob: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
        let mut live = Live::new(PLAIN, PLAIN, false);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let node = "web-01".parse().unwrap();
        for piece in blob.chunks(777) {
            live.take(&node, Stdout, piece, &mut out).unwrap();
        }
        live.finish(&node, &mut out, &mut err).unwrap();
        assert!(out == blob && err.is_empty());
    }

    #[test]
    fn without_a_prefix_an_unfinished_line_is_ended_where_another_node_goes_on() {
        let [out, _] = live(
            PLAIN,
            false,
            &[
                ("web-01", Stdout, b"no end"),
                ("web-02", Stdout, b"nor here"),
            ],
        );
        assert_eq!(out, "no end\nnor here");
    }

    #[test]
    fn a_line_without_end_is_held_in_bounded_memory() {
        let mut live = Live::new(PLAIN, PLAIN, true);
        let node: NodeId = "web-01".parse().unwrap();
        let mut out = Vec::new();
        for _ in 0..100 {
            live.take(&node, Stdout, &[b'x'; 1000], &mut out).unwrap();
            assert!(live.nodes[&node][0].begun.capacity() <= 2 * LONGEST_PIECE);
        }
        live.finish(&node, &mut out, &mut Vec::new()).unwrap();
        let lines: Vec<&[u8]> = out.split(|&byte| byte == b'\n').collect();
        assert_eq!(lines[0].len(), "web-01: ".len() + LONGEST_PIECE);
        let written: usize = out.iter().filter(|&&byte| byte == b'x').count();
        assert_eq!(written, 100_000);
        assert!(live.nodes.is_empty());
    }

    #[test]
    fn a_node_has_one_colour_and_neighbours_differ() {
        let of = |name: &str| colour(&name.parse().unwrap());
        assert_eq!(of("web-01"), of("web-01"));
        let first_ten: std::collections::HashSet<String> = (0..10)
            .map(|n| format!("{:?}", of(&format!("web-{n:02}"))))
            .collect();
        assert!(first_ten.len() >= 5, "{first_ten:?}");
    }
}
