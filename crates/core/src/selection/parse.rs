//! From text to [`Expr`].
//!
//! ```text
//! expr    = operand { ( "," | "!" | "&" | "^" | blank ) operand }
//! operand = "(" expr ")" | atom
//! atom    = "*" | "@*" | "all"
//!         | "@" pattern | "role:" pattern
//!         | key ( "=" | "!=" ) pattern
//!         | pattern
//! ```
//!
//! An atom ends before a blank, a parenthesis or an operator outside of brackets. `!` directly
//! before `=` is no operator: no atom begins with `=`.

use std::fmt;

use super::expr::{Comparison, Expr, GroupPattern, SetOp};
use crate::nodeset::{Charset, NodeSetError, Pattern};

/// How deep parentheses may be nested.
const MAX_DEPTH: usize = 32;

/// How many characters are shown on each side of the place that can not be read.
const SHOWN: usize = 36;

/// A text that is no selection. Its `Display` shows the place on lines of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The whole text.
    pub text: String,
    /// The byte where the trouble begins, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What could stand there instead, where that is clear.
    pub expected: Option<&'static str>,
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(expected) = self.expected {
            write!(f, ", expected {expected}")?;
        }
        let at = self.column.saturating_sub(1).min(self.text.len());
        let (before, after) = self.text.split_at_checked(at).unwrap_or((&self.text, ""));
        // Line breaks and terminal controls would tear the caret from its place.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let hidden = before.chars().count().saturating_sub(SHOWN);
        let (lead, tail) = (
            if hidden > 0 { "…" } else { "" },
            if after.chars().nth(SHOWN).is_some() {
                "…"
            } else {
                ""
            },
        );
        let before: String = before.chars().skip(hidden).map(plain).collect();
        let after: String = after.chars().take(SHOWN).map(plain).collect();
        let indent = lead.chars().count() + before.chars().count();
        write!(f, "\n  {lead}{before}{after}{tail}\n  {:indent$}^", "")
    }
}

/// Reads an expression.
pub(crate) fn expr(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser { text, at: 0 };
    let expr = parser.chain(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.error(parser.at, "this ')' was never opened", None)),
    }
}

/// Reads the name of a group, with its `@` or without.
pub(crate) fn group(text: &str) -> Result<GroupPattern, ParseError> {
    let parser = Parser { text, at: 0 };
    let name = text.strip_prefix('@').unwrap_or(text);
    parser.group(text.len() - name.len(), name)
}

struct Parser<'a> {
    text: &'a str,
    /// The offset of what comes next.
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn error(
        &self,
        at: usize,
        message: impl Into<String>,
        expected: Option<&'static str>,
    ) -> ParseError {
        ParseError {
            text: self.text.to_owned(),
            column: at + 1,
            message: message.into(),
            expected,
        }
    }

    /// Operands and operators up to the end or to a closing parenthesis.
    fn chain(&mut self, depth: usize) -> Result<Expr, ParseError> {
        let first = self.operand(depth, None)?;
        let mut rest = Vec::new();
        loop {
            let end = self.at;
            self.skip_blanks();
            let op = match self.peek() {
                None | Some(')') => break,
                Some(c) => match SetOp::from_char(c) {
                    Some(op) => {
                        self.at += c.len_utf8();
                        op
                    }
                    None if self.at > end => SetOp::Union,
                    None => {
                        let message = "an operator is missing";
                        return Err(self.error(self.at, message, Some("',', '!', '&' or '^'")));
                    }
                },
            };
            rest.push((op, self.operand(depth, Some(op))?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expr::Chain {
            first: Box::new(first),
            rest,
        })
    }

    /// One operand, after `op` if it is not the first.
    fn operand(&mut self, depth: usize, op: Option<SetOp>) -> Result<Expr, ParseError> {
        self.skip_blanks();
        let begin = self.at;
        match self.peek() {
            Some('(') if depth == MAX_DEPTH => {
                Err(self.error(begin, "parentheses are nested too deep", None))
            }
            Some('(') => {
                self.at += 1;
                let inner = self.chain(depth + 1)?;
                if self.peek().is_none() {
                    return Err(self.error(begin, "this '(' is never closed", Some("')'")));
                }
                self.at += 1;
                Ok(inner)
            }
            Some(c) if c != ')' && SetOp::from_char(c).is_none() => self.atom(),
            _ => Err(self.missing_operand(op)),
        }
    }

    fn missing_operand(&self, op: Option<SetOp>) -> ParseError {
        let expected = "a node, a range, @group, role:NAME or key=value";
        let message = match op {
            Some(op) => format!("nothing follows '{}'", op.as_char()),
            None => match self.peek() {
                Some('!') => "nothing stands before '!' (all but a is written *!a)".to_owned(),
                Some(c) => format!("nothing stands before '{c}'"),
                None => "the selection is empty".to_owned(),
            },
        };
        self.error(self.at, message, Some(expected))
    }

    fn atom(&mut self) -> Result<Expr, ParseError> {
        let begin = self.at;
        let len = self.atom_len()?;
        self.at += len;
        let text = &self.text[begin..self.at];
        if text == "all" {
            return Ok(Expr::All);
        }
        if let Some(name) = text.strip_prefix('@') {
            let group = self.group(begin + 1, name)?;
            return Ok(match group.0.is_anything() {
                true => Expr::All,
                false => Expr::Group(group),
            });
        }
        if let Some(role) = text.strip_prefix("role:") {
            let expected = "the name of a role, as in role:worker";
            let role = self.pattern(begin + "role:".len(), role, Charset::Word, expected)?;
            return Ok(Expr::Role(role));
        }
        if let Some(equals) = find_outside_brackets(text, '=') {
            return self.label(begin, &text[..equals], &text[equals + 1..]);
        }
        let expected = "[user@]host[:port], where ranges and globs may stand";
        let pattern = self.pattern(begin, text, Charset::Name, expected)?;
        Ok(match pattern.is_anything() {
            true => Expr::All,
            false => Expr::Name(pattern),
        })
    }

    /// How long the atom is that begins here.
    fn atom_len(&self) -> Result<usize, ParseError> {
        let rest = &self.text[self.at..];
        let mut open = None;
        let mut equals = false;
        for (at, c) in rest.char_indices() {
            match c {
                '[' if open.is_none() => open = Some(at),
                ']' => open = None,
                _ if open.is_some() => {}
                '=' => equals = true,
                '!' if !equals && at > 0 && rest[at + 1..].starts_with('=') => {}
                '(' | ')' => return Ok(at),
                _ if c.is_whitespace() || SetOp::from_char(c).is_some() => return Ok(at),
                _ => {}
            }
        }
        match open {
            Some(at) => Err(self.error(self.at + at, "this '[' is never closed", Some("']'"))),
            None => Ok(rest.len()),
        }
    }

    /// `begin` is the offset of the key; `left` ends in `!` where the values shall differ.
    fn label(&self, begin: usize, left: &str, value: &str) -> Result<Expr, ParseError> {
        let (key, comparison) = match left.strip_suffix('!') {
            Some(key) => (key, Comparison::NotEqual),
            None => (left, Comparison::Equal),
        };
        let allowed = |c: char| c.is_alphanumeric() || "-_./:".contains(c);
        if let Some((at, c)) = key.char_indices().find(|&(_, c)| !allowed(c)) {
            let message = format!("{c:?} can not stand in the key of a label");
            return Err(self.error(begin + at, message, None));
        }
        if key.is_empty() {
            let expected = "the key of a label, without a blank, as in zone=a";
            return Err(self.error(begin, "nothing stands before '='", Some(expected)));
        }
        let expected = "the value of the label, without a blank, as in zone=a";
        let value = self.pattern(begin + left.len() + 1, value, Charset::Word, expected)?;
        Ok(Expr::Label {
            key: key.to_owned(),
            comparison,
            value,
        })
    }

    fn group(&self, begin: usize, name: &str) -> Result<GroupPattern, ParseError> {
        self.pattern(begin, name, Charset::Word, "the name of one group")
            .map(GroupPattern)
    }

    fn pattern(
        &self,
        begin: usize,
        text: &str,
        charset: Charset,
        expected: &'static str,
    ) -> Result<Pattern, ParseError> {
        Pattern::parse(text, charset).map_err(|NodeSetError { column, kind, .. }| {
            let expected = kind.is_about_the_name().then_some(expected);
            self.error(begin + column - 1, kind.to_string(), expected)
        })
    }
}

fn find_outside_brackets(text: &str, wanted: char) -> Option<usize> {
    let mut inside = false;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
        (c == wanted && !inside).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> ParseError {
        expr(text).unwrap_err()
    }

    #[test]
    fn blanks_and_outer_parentheses_leave_no_trace() {
        for (text, printed) in [
            (" web-01 ", "web-01"),
            ("(web-01)", "web-01"),
            ("a b\nc\t!d", "a,b,c!d"),
            ("a , ( b ! c )", "a,(b!c)"),
            ("(a,b)!c", "(a,b)!c"),
            ("((a))^((b))", "a^b"),
            ("a (b)", "a,b"),
            ("**", "*"),
            ("@**", "*"),
            ("all", "*"),
            ("n[ 1 - 3 , 5 ]", "n[1-3,5]"),
            ("a!=b!c!d=e", "a!=b!c!d=e"),
            ("role:a!b", "role:a!b"),
            ("u@[fe80::1%eth0]:22", "u@[fe80::1%eth0]:22"),
            ("k=a=b", "k=a=b"),
        ] {
            assert_eq!(expr(text).unwrap().to_string(), printed, "{text:?}");
        }
    }

    #[test]
    fn a_chain_is_worked_through_from_the_left() {
        let Expr::Chain { first, rest } = expr("a,b!c").unwrap() else {
            panic!("no chain");
        };
        assert_eq!(*first, expr("a").unwrap());
        let ops: Vec<SetOp> = rest.iter().map(|(op, _)| *op).collect();
        assert_eq!(ops, [SetOp::Union, SetOp::Difference]);
    }

    #[test]
    fn columns_point_at_the_trouble() {
        for (text, column) in [
            ("", 1),
            ("   ", 4),
            ("a,", 3),
            (",a", 1),
            ("a!!b", 3),
            ("a&(b", 3),
            ("a)", 2),
            ("()", 2),
            ("(a)b", 4),
            ("a(b)", 2),
            ("é,@", 5),
            ("role:", 6),
            ("zone=", 6),
            ("zone!=", 7),
            ("zo%ne=a", 3),
            ("=a", 1),
            ("zone=[1-", 6),
            ("a,n[3-1]", 5),
            ("a/b", 2),
            ("@a!=b", 3),
            ("x='a'", 3),
            ("n[1]]", 5),
        ] {
            assert_eq!(error(text).column, column, "{text:?}: {}", error(text));
        }
    }

    #[test]
    fn the_caret_stands_under_the_trouble() {
        assert_eq!(
            error("küche,,b").to_string(),
            "nothing follows ',', expected a node, a range, @group, role:NAME or key=value\n  \
             küche,,b\n        ^"
        );
        let long = "a,".repeat(500) + "," + &"a,".repeat(500);
        let shown = error(&long).to_string();
        let lines: Vec<Vec<char>> = shown.lines().map(|l| l.chars().collect()).collect();
        let caret = lines[2].iter().position(|&c| c == '^').unwrap();
        assert_eq!(lines[1][caret - 1..=caret], [',', ',']);
        assert!(lines[1].len() < 80, "{shown}");
        assert_eq!(
            error("a\x1b[2J\n,,b").to_string().matches('\x1b').count(),
            0
        );
    }

    #[test]
    fn deep_and_long_expressions_are_no_danger() {
        let nested = |depth: usize| "(".repeat(depth) + "a" + &")".repeat(depth);
        assert!(expr(&nested(MAX_DEPTH)).is_ok());
        assert!(expr(&nested(MAX_DEPTH + 1)).is_err());
        assert!(expr(&"(".repeat(1_000_000)).is_err());
        let names: Vec<String> = (0..50_000).map(|n| format!("n{n}")).collect();
        let long = expr(&names.join("\n")).unwrap();
        assert_eq!(long.to_string(), names.join(","));
    }

    #[test]
    fn a_group_is_read_with_its_at_or_without() {
        assert_eq!(group("@web").unwrap(), group("web").unwrap());
        assert_eq!(group("rack[1-2]").unwrap().pattern().count(), 2);
        for (text, column) in [("", 1), ("@", 2), ("@a,b", 3), ("a!b", 2)] {
            assert_eq!(group(text).unwrap_err().column, column, "{text:?}");
        }
    }
}
