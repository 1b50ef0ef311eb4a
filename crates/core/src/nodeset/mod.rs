//! Many names in few words: `web-[01-20,30]` and back.
//!
//! The syntax is ClusterShell's: numbers in brackets, padding kept, steps, several dimensions.
//! Reading is [`expand`] and [`Pattern`], writing is [`fold`], sorting is [`natural_cmp`]. What a
//! name stands for is not known here.

mod error;
mod fold;
mod natural;
mod pattern;
mod range;

pub use error::{NodeSetError, NodeSetErrorKind};
pub use fold::fold;
pub use natural::natural_cmp;
pub(crate) use pattern::is_ipv6;
pub use pattern::{Charset, Pattern};

use std::collections::HashSet;

/// How many names one text may stand for. More is a slip of the hand or an attack on the memory.
pub const MAX_NAMES: usize = 1_000_000;

/// How long a name may become, in bytes: as long as a node id.
pub const MAX_NAME_BYTES: usize = 255;

/// The names that a comma separated list of patterns stands for, in the order written, each once.
///
/// `web-[01-03],db1` is `web-01`, `web-02`, `web-03`, `db1`. Blanks around the commas are
/// ignored. An IPv6 address in brackets is no range: `[fe80::1]:22` stands for itself.
///
/// # Errors
///
/// The first place that can not be read, with its column; a glob, since there is nothing to match
/// it against; more than [`MAX_NAMES`] names.
pub fn expand(text: &str) -> Result<Vec<String>, NodeSetError> {
    let mut names = Vec::new();
    let mut left = MAX_NAMES;
    for (offset, part) in split_list(text) {
        let pattern =
            Pattern::parse(part, Charset::Name).map_err(|error| error.within(text, offset))?;
        let refuse = |kind| NodeSetError::new(text, offset, kind);
        if pattern.is_glob() {
            return Err(refuse(NodeSetErrorKind::Glob));
        }
        left = left
            .checked_sub(pattern.count())
            .ok_or_else(|| refuse(NodeSetErrorKind::TooMany))?;
        names.extend(pattern.names());
    }
    let mut seen = HashSet::with_capacity(names.len());
    let first_time: Vec<bool> = names
        .iter()
        .map(|name| seen.insert(name.as_str()))
        .collect();
    let mut keep = first_time.into_iter();
    names.retain(|_| keep.next().unwrap_or(true));
    Ok(names)
}

/// Why ids and hosts could not be paired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// The ids can not be read.
    #[error("the ids can not be read")]
    Ids(#[source] NodeSetError),
    /// The hosts can not be read.
    #[error("the hosts can not be read")]
    Hosts(#[source] NodeSetError),
    /// There are more of the ones than of the others.
    #[error("{ids} ids but {hosts} hosts: there must be as many of the ones as of the others")]
    Length {
        /// How many ids there are.
        ids: usize,
        /// How many hosts there are.
        hosts: usize,
    },
}

/// Ids and hosts, the first with the first and so on: `web-[01-20]` with `10.0.1.[1-20]`.
///
/// # Errors
///
/// A text that can not be read, or lists of different length.
pub fn pair(ids: &str, hosts: &str) -> Result<Vec<(String, String)>, PairError> {
    let ids = expand(ids).map_err(PairError::Ids)?;
    let hosts = expand(hosts).map_err(PairError::Hosts)?;
    if ids.len() != hosts.len() {
        return Err(PairError::Length {
            ids: ids.len(),
            hosts: hosts.len(),
        });
    }
    Ok(ids.into_iter().zip(hosts).collect())
}

/// The parts between the commas that stand outside of brackets, trimmed, with their byte offsets.
fn split_list(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut in_brackets = false;
    let mut start = 0;
    let mut close = |start: usize, end: usize| {
        let part = &text[start..end];
        let blanks = part.len() - part.trim_start().len();
        parts.push((start + blanks, part.trim()));
    };
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => in_brackets = true,
            b']' => in_brackets = false,
            b',' if !in_brackets => {
                close(start, at);
                start = at + 1;
            }
            _ => {}
        }
    }
    close(start, text.len());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_lists_in_the_order_written_and_each_name_once() {
        assert_eq!(
            expand("web-[02,01], db1 ,web-[01-03]").unwrap(),
            ["web-02", "web-01", "db1", "web-03"]
        );
    }

    #[test]
    fn columns_count_in_the_whole_list() {
        for (text, column) in [
            ("a,, b", 3),
            ("", 1),
            ("a,b,", 5),
            ("web-1, n[3-1]", 10),
            ("a,n*", 3),
            ("a,[1-", 3),
            ("é,n]", 5),
        ] {
            assert_eq!(expand(text).unwrap_err().column, column, "{text:?}");
        }
    }

    #[test]
    fn the_limit_holds_for_the_whole_list() {
        let text = "a[1-600000],b[1-600000]";
        let error = expand(text).unwrap_err();
        assert_eq!(
            (error.kind, error.column),
            (NodeSetErrorKind::TooMany, 13),
            "{text}"
        );
    }

    #[test]
    fn pairs_ids_with_hosts() {
        assert_eq!(
            pair("web-[01-02]", "10.0.1.[9-10]").unwrap(),
            [
                ("web-01".to_owned(), "10.0.1.9".to_owned()),
                ("web-02".to_owned(), "10.0.1.10".to_owned())
            ]
        );
        assert_eq!(
            pair("v6", "[fe80::1]:22").unwrap(),
            [("v6".to_owned(), "[fe80::1]:22".to_owned())]
        );
        assert_eq!(
            pair("web-[01-20]", "10.0.1.[1-19]"),
            Err(PairError::Length { ids: 20, hosts: 19 })
        );
        assert!(matches!(pair("web-[", "a"), Err(PairError::Ids(_))));
        assert!(matches!(pair("a", "b]"), Err(PairError::Hosts(_))));
    }
}
