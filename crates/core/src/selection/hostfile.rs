//! Hosts in a file, one a line.

use std::collections::HashSet;

use super::target::{InvalidTarget, parse_target};
use crate::{
    node::Node,
    nodeset::{Charset, MAX_NAMES, NodeSetErrorKind, Pattern},
};

/// Where a hostfile can not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {trouble}")]
pub struct HostfileError {
    /// The line, counted from 1.
    pub line: usize,
    /// The byte in the line, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub trouble: HostfileTrouble,
}

/// What is wrong with a line of a hostfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostfileTrouble {
    /// It can not be read as a host or a range of hosts.
    #[error("{0}")]
    Pattern(NodeSetErrorKind),
    /// It stands for something that is no host.
    #[error("{0}")]
    Target(InvalidTarget),
    /// More than one word.
    #[error("one host or range a line, then nothing but a comment")]
    SecondWord,
}

/// Reads hosts: `[user@]host[:port]` or a range of them a line, blank lines, `#` and what follows
/// it ignored. In the order written, each host once.
///
/// # Errors
///
/// The first line that is no host.
pub fn parse_hostfile(text: &str) -> Result<Vec<Node>, HostfileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut nodes = Vec::new();
    let mut seen = HashSet::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim_end();
        let word = content.trim_start();
        let begin = content.len() - word.len();
        let fail = |offset: usize, trouble| HostfileError {
            line: index + 1,
            column: begin + offset + 1,
            trouble,
        };
        if word.is_empty() {
            continue;
        }
        if let Some(blank) = second_word(word) {
            return Err(fail(blank, HostfileTrouble::SecondWord));
        }
        let pattern = Pattern::parse(word, Charset::Name)
            .map_err(|error| fail(error.column - 1, HostfileTrouble::Pattern(error.kind)))?;
        let refuse = |kind| Err(fail(0, HostfileTrouble::Pattern(kind)));
        if pattern.is_glob() {
            return refuse(NodeSetErrorKind::Glob);
        }
        if nodes.len() + pattern.count() > MAX_NAMES {
            return refuse(NodeSetErrorKind::TooMany);
        }
        for name in pattern.names() {
            let node =
                parse_target(&name).map_err(|error| fail(0, HostfileTrouble::Target(error)))?;
            if seen.insert(node.id.clone()) {
                nodes.push(node);
            }
        }
    }
    Ok(nodes)
}

/// The offset of the second word; blanks in brackets separate none.
fn second_word(text: &str) -> Option<usize> {
    let mut inside = false;
    let mut blank = false;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if c.is_whitespace() && !inside => blank = true,
            _ if blank => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_ranges_and_comments() {
        let text = "\u{feff}# fleet\r\nweb\n\n  root@10.0.0.[1-2]:2222  # two\n[::1]:22\nweb\n";
        let nodes = parse_hostfile(text).unwrap();
        let ids: Vec<_> = nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "web",
                "root@10.0.0.1:2222",
                "root@10.0.0.2:2222",
                "[::1]:22"
            ]
        );
        assert_eq!(nodes[1].access.user.as_deref(), Some("root"));
        assert_eq!(parse_hostfile("# nothing\n").unwrap(), []);
    }

    #[test]
    fn points_at_line_and_column() {
        for (text, line, column) in [
            ("a\n b c", 2, 4),
            ("a\n\n  n[3-1]", 3, 5),
            ("n[1-\n", 1, 2),
            ("a,b", 1, 2),
            ("web-*", 1, 1),
            ("#\n10.0.0.[250-260]", 2, 1),
            ("a\nn[1-600000]\nm[1-600000]", 3, 1),
            ("-oProxyCommand", 1, 1),
        ] {
            let error = parse_hostfile(text).unwrap_err();
            assert_eq!(
                (error.line, error.column),
                (line, column),
                "{text:?}: {error}"
            );
        }
        let error = parse_hostfile("10.0.0.[250-260]").unwrap_err();
        assert!(error.to_string().contains("10.0.0.256"), "{error}");
    }
}
