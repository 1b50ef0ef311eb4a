//! One pattern: a name in which numbers in brackets, `*` and `?` stand for many.

use std::{fmt, net::Ipv6Addr};

use super::{
    MAX_NAME_BYTES, MAX_NAMES,
    error::{NodeSetError, NodeSetErrorKind as Kind},
    range::{MAX_DIGITS, RangeList},
};

/// A name, several names (`r[1-2]n[1-4]`), or what a name must look like (`web-*`).
///
/// Printed, it reads as the same pattern again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Segment {
    /// Itself. Two of them never follow each other.
    Text(String),
    /// One of the numbers.
    Range(RangeList),
    /// `*`: anything, also nothing. Two of them never follow each other.
    Anything,
    /// `?`: any one character.
    AnyChar,
}

/// Which characters may stand in a pattern as themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Those of a node id or of `[user@]host[:port]`.
    Name,
    /// Those of a role, a group or the value of a label: whatever is no operator, blank or quote.
    Word,
}

impl Charset {
    fn has(self, c: char) -> bool {
        match self {
            Self::Name => c.is_alphanumeric() || "-_.:@%+".contains(c),
            Self::Word => !c.is_control() && !c.is_whitespace() && !",!&^()[]'\"`".contains(c),
        }
    }
}

impl Pattern {
    /// Reads one pattern; a comma counts only in brackets.
    ///
    /// # Errors
    ///
    /// The first place that can not be read; a pattern for more than [`MAX_NAMES`] names or for
    /// names longer than [`MAX_NAME_BYTES`].
    pub fn parse(text: &str, charset: Charset) -> Result<Self, NodeSetError> {
        let refuse = |offset, kind| NodeSetError::new(text, offset, kind);
        let mut pattern = Self(Vec::new());
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let next = at + c.len_utf8();
            match c {
                '[' => {
                    let close = text[next..]
                        .find(']')
                        .map(|len| next + len)
                        .ok_or_else(|| refuse(at, Kind::Unclosed))?;
                    let inside = &text[next..close];
                    let at_host = at == 0 || text[..at].ends_with('@');
                    if at_host && is_ipv6(inside) {
                        pattern.push_text(&text[at..=close]);
                    } else {
                        let range =
                            RangeList::parse(inside).map_err(|error| error.within(text, next))?;
                        pattern.0.push(Segment::Range(range));
                    }
                    at = close + 1;
                    continue;
                }
                ']' => return Err(refuse(at, Kind::Unopened)),
                '*' if pattern.0.last() == Some(&Segment::Anything) => {}
                '*' => pattern.0.push(Segment::Anything),
                '?' => pattern.0.push(Segment::AnyChar),
                _ if charset.has(c) => pattern.push_text(&text[at..next]),
                _ => return Err(refuse(at, Kind::BadCharacter(c))),
            }
            at = next;
        }
        pattern.check().map_err(|kind| refuse(0, kind))?;
        Ok(pattern)
    }

    fn check(&self) -> Result<(), Kind> {
        if self.0.is_empty() {
            Err(Kind::NoName)
        } else if self.count() > MAX_NAMES {
            Err(Kind::TooMany)
        } else if self.max_len() > MAX_NAME_BYTES {
            Err(Kind::LongName)
        } else {
            Ok(())
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Segment::Text(last)) => last.push_str(text),
            _ => self.0.push(Segment::Text(text.to_owned())),
        }
    }

    /// Whether `*` or `?` stands in it, so that it has to be matched and can not be expanded.
    #[must_use]
    pub fn is_glob(&self) -> bool {
        let glob = |segment: &Segment| matches!(segment, Segment::Anything | Segment::AnyChar);
        self.0.iter().any(glob)
    }

    /// Whether it is `*`, which everything matches.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.0 == [Segment::Anything]
    }

    /// How many names it stands for, repetitions counted; for a glob, how many globs.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().fold(1, |product: usize, segment| {
            product.saturating_mul(match segment {
                Segment::Range(range) => range.count(),
                _ => 1,
            })
        })
    }

    fn max_len(&self) -> usize {
        let len = |segment: &Segment| match segment {
            Segment::Text(text) => text.len(),
            Segment::Range(range) => range.max_digits(),
            Segment::Anything | Segment::AnyChar => 1,
        };
        self.0.iter().map(len).sum()
    }

    /// The names it stands for, the first bracket turning slowest. In a glob, `*` and `?` stay as
    /// they are.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![String::new()];
        for segment in &self.0 {
            let tail = match segment {
                Segment::Text(text) => text.as_str(),
                Segment::Anything => "*",
                Segment::AnyChar => "?",
                Segment::Range(range) => {
                    let numbers: Vec<_> = range.numbers().collect();
                    names = names
                        .iter()
                        .flat_map(|name| numbers.iter().map(move |n| format!("{name}{n}")))
                        .collect();
                    continue;
                }
            };
            for name in &mut names {
                name.push_str(tail);
            }
        }
        names
    }

    /// Whether a name is one of those it stands for.
    ///
    /// Takes time in proportion to both lengths, however many names the pattern stands for.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        // The offsets up to which the segments so far can have matched.
        let mut reached = vec![false; name.len() + 1];
        reached[0] = true;
        for segment in &self.0 {
            let mut next = vec![false; name.len() + 1];
            for at in (0..=name.len()).filter(|&at| reached[at]) {
                let rest = &name[at..];
                match segment {
                    Segment::Text(text) if rest.starts_with(text) => next[at + text.len()] = true,
                    Segment::Text(_) => {}
                    Segment::AnyChar => {
                        if let Some(c) = rest.chars().next() {
                            next[at + c.len_utf8()] = true;
                        }
                    }
                    Segment::Anything => {
                        for (offset, _) in rest.char_indices() {
                            next[at + offset] = true;
                        }
                        next[name.len()] = true;
                        break;
                    }
                    Segment::Range(range) => {
                        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                        for len in 1..=digits.min(MAX_DIGITS) {
                            next[at + len] |= range.contains(&rest[..len]);
                        }
                    }
                }
            }
            reached = next;
        }
        reached[name.len()]
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Text(text) => f.write_str(text),
            Segment::Range(range) => range.fmt(f),
            Segment::Anything => f.write_str("*"),
            Segment::AnyChar => f.write_str("?"),
        })
    }
}

/// Whether a text is an IPv6 address, with a zone or without: `fe80::1%eth0`.
pub(crate) fn is_ipv6(text: &str) -> bool {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let zone_is_sound = zone.is_none_or(|zone| {
        !zone.is_empty()
            && zone
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.".contains(c))
    });
    zone_is_sound && address.parse::<Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text, Charset::Name).unwrap()
    }

    #[test]
    fn expands_every_dimension() {
        for (text, names) in [
            ("db1", vec!["db1"]),
            ("[1-2].lan", vec!["1.lan", "2.lan"]),
            ("r[1-2]n[01,3]x", vec!["r1n01x", "r1n3x", "r2n01x", "r2n3x"]),
            ("n[1-2][5-6]", vec!["n15", "n16", "n25", "n26"]),
            (
                "root@10.0.0.[9-10]:2222",
                vec!["root@10.0.0.9:2222", "root@10.0.0.10:2222"],
            ),
            (
                "root@[fe80::1%eth0]:[22-23]",
                vec!["root@[fe80::1%eth0]:22", "root@[fe80::1%eth0]:23"],
            ),
            ("fe80::[1-2]", vec!["fe80::1", "fe80::2"]),
        ] {
            assert_eq!(pattern(text).names(), names, "{text}");
            assert_eq!(pattern(text).count(), names.len(), "{text}");
        }
    }

    #[test]
    fn columns_point_at_the_trouble() {
        for (text, column) in [
            ("n[20-1]", 3),
            ("n[1,3-2]x", 5),
            ("n[1-", 2),
            ("n[]", 3),
            ("n]", 2),
            ("n[1]]", 5),
            ("n[[1]]", 3),
            ("n[fe80::1]", 3),
            ("[fe80::xyz]", 2),
            ("r[0-999999999]", 1),
            ("r[1-1001]n[1-1000]", 1),
            ("a b", 2),
            ("é/", 3),
            ("", 1),
        ] {
            let error = Pattern::parse(text, Charset::Name).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
        }
        assert!(Pattern::parse(&"a".repeat(256), Charset::Name).is_err());
        assert_eq!(pattern("n[0-999999]").count(), MAX_NAMES);
    }

    #[test]
    fn a_sum_of_bombs_is_no_way_around_the_limit() {
        let huge = "0-999999999999999999,".repeat(30) + "1";
        for text in [format!("n[{huge}]"), "[0-99999999]".repeat(9)] {
            let error = Pattern::parse(&text, Charset::Name).unwrap_err();
            assert_eq!(error.kind, Kind::TooMany);
        }
    }

    #[test]
    fn matches_whole_names_only() {
        for (text, yes, no) in [
            ("web-*", vec!["web-", "web-1"], vec!["aweb-1", "web"]),
            ("*-1", vec!["web-1", "-1"], vec!["web-11"]),
            ("w?b", vec!["web", "wéb"], vec!["wb", "weeb"]),
            ("*a*b*", vec!["ab", "xaxbx", "aab"], vec!["ba"]),
            (
                "web-[01-10/3]*",
                vec!["web-01", "web-04x", "web-100"],
                vec!["web-02", "web-1"],
            ),
            ("n[1,11][1,2]", vec!["n11", "n111", "n112"], vec!["n1"]),
            ("*", vec!["", "x"], vec![]),
            ("db1", vec!["db1"], vec!["db", "db12", ""]),
        ] {
            let pattern = pattern(text);
            for name in yes {
                assert!(pattern.matches(name), "{text} {name}");
            }
            for name in no {
                assert!(!pattern.matches(name), "{text} {name}");
            }
        }
    }

    #[test]
    fn a_cruel_glob_is_matched_in_no_time() {
        let glob = pattern(&"*a".repeat(60));
        assert!(!glob.matches(&"a".repeat(59)));
        assert!(!glob.matches(&("a".repeat(250) + "b")));
    }
}
