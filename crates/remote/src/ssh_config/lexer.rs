//! How ssh cuts a line into words. There are two ways in one line: the keyword (and everything after `Match`) is cut
//! at white space, double quotes or one `=`; other values are cut as a simple shell would.

use std::borrow::Cow;

const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A word and the byte of the line where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: usize,
}

/// A line that says something.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The line without the white space at its end; offsets count from its start.
    pub(super) whole: &'a str,
    /// In lower case.
    pub(super) keyword: String,
    pub(super) keyword_at: usize,
    /// All after the keyword, comment included, as commands take it.
    pub(super) rest: &'a str,
    /// The words after the keyword, comment left out.
    pub(super) words: Vec<Word>,
}

impl Line<'_> {
    /// Where `rest` starts.
    pub(super) fn rest_at(&self) -> usize {
        self.whole.len() - self.rest.len()
    }
}

/// Why a line can not be cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LexError {
    NoValue { keyword: String, at: usize },
    Quotes { at: usize },
}

/// Cuts one line. `None` is an empty line, a comment, or one whose keyword opens a quote that is never closed, which
/// ssh passes over in silence.
pub(super) fn cut(line: &str) -> Result<Option<Line<'_>>, LexError> {
    let whole = trim_end(line);
    let mut cursor = Some(whole);
    let mut keyword_at = 0;
    let mut keyword = next_token(&mut cursor);
    if keyword.as_deref() == Some("") {
        keyword_at = cursor.map_or(0, |rest| whole.len() - rest.len());
        keyword = next_token(&mut cursor);
    }
    let Some(keyword) = keyword.filter(|word| !word.is_empty() && !word.starts_with('#')) else {
        return Ok(None);
    };
    let keyword = keyword.to_ascii_lowercase();
    let rest = cursor.unwrap_or("").trim_start_matches(WHITE);
    if rest.is_empty() {
        return Err(LexError::NoValue {
            keyword,
            at: keyword_at,
        });
    }
    let offset = whole.len() - rest.len();
    let words = split(rest, offset)?;
    Ok(Some(Line {
        whole,
        keyword,
        keyword_at,
        rest,
        words,
    }))
}

/// White space goes from the end, form feeds too, but never the first character of the line.
fn trim_end(line: &str) -> &str {
    let trimmed = line.trim_end_matches([' ', '\t', '\r', '\n', '\u{c}']);
    if trimmed.is_empty() {
        let first = line.chars().next().map_or(0, char::len_utf8);
        return &line[..first];
    }
    trimmed
}

/// Takes the next token off `cursor`: up to white space or `=`, or up to the end of a quoted part. At most one `=`
/// is passed over. `None` when nothing is left or a quote is not closed.
pub(super) fn next_token<'a>(cursor: &mut Option<&'a str>) -> Option<Cow<'a, str>> {
    let text = (*cursor)?;
    let Some(at) = text.find([' ', '\t', '\r', '\n', '"', '=']) else {
        *cursor = None;
        return Some(Cow::Borrowed(text));
    };
    let (head, tail) = (&text[..at], &text[at + 1..]);
    match text.as_bytes()[at] {
        b'"' => {
            let Some(end) = tail.find('"') else {
                *cursor = None;
                return None;
            };
            *cursor = Some(tail[end + 1..].trim_start_matches(WHITE));
            let quoted = &tail[..end];
            Some(if head.is_empty() {
                Cow::Borrowed(quoted)
            } else {
                Cow::Owned([head, quoted].concat())
            })
        }
        separator => {
            let mut rest = tail.trim_start_matches(WHITE);
            if let Some(after) = rest.strip_prefix('=').filter(|_| separator != b'=') {
                rest = after.trim_start_matches(WHITE);
            }
            *cursor = Some(rest);
            Some(Cow::Borrowed(head))
        }
    }
}

/// Cuts values: single and double quotes, and a backslash before a quote, a backslash or (outside quotes) a blank.
/// A word that starts with `#` ends the line. `offset` is where `text` stands in its line.
pub(super) fn split(text: &str, offset: usize) -> Result<Vec<Word>, LexError> {
    let mut words = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some(&(at, first)) = chars.peek() {
        if first == ' ' || first == '\t' {
            chars.next();
            continue;
        }
        if first == '#' {
            break;
        }
        let mut word = String::new();
        let mut quote: Option<(usize, char)> = None;
        while let Some((here, c)) = chars.next() {
            match (c, quote) {
                ('\\', _) => {
                    let escaped = chars.peek().map(|&(_, next)| next).filter(|&next| {
                        matches!(next, '\'' | '"' | '\\') || (next == ' ' && quote.is_none())
                    });
                    word.push(escaped.unwrap_or('\\'));
                    if escaped.is_some() {
                        chars.next();
                    }
                }
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some((here, c)),
                (c, Some((_, mark))) if c == mark => quote = None,
                (c, _) => word.push(c),
            }
        }
        if let Some((open, _)) = quote {
            return Err(LexError::Quotes { at: offset + open });
        }
        words.push(Word {
            text: word,
            at: offset + at,
        });
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let line = cut(line).unwrap().unwrap();
        std::iter::once(line.keyword)
            .chain(line.words.into_iter().map(|word| word.text))
            .collect()
    }

    #[test]
    fn keywords_end_at_white_space_quotes_or_one_equals_sign() {
        assert_eq!(words("Port 22"), ["port", "22"]);
        assert_eq!(words("  PORT=22\r\n"), ["port", "22"]);
        assert_eq!(words("Port\t=  22"), ["port", "22"]);
        assert_eq!(words("Port==22"), ["port", "=22"]);
        assert_eq!(words("\"Po rt\" 22"), ["po rt", "22"]);
        assert_eq!(words("Host\"name\" x"), ["hostname", "x"]);
    }

    #[test]
    fn values_are_cut_as_a_simple_shell_does() {
        assert_eq!(
            words(r#"X "a b" 'c"d' e\ f \x \\ # no"#),
            ["x", "a b", "c\"d", "e f", "\\x", "\\"]
        );
        assert_eq!(
            words(r#"X a"b c"d a#b "" "\' \ ""#),
            ["x", "ab cd", "a#b", "", "' \\ "]
        );
    }

    #[test]
    fn lines_that_say_nothing() {
        for line in ["", " ", "\n", "\r\n", "  # x", "#", "\"Host foo", "\t"] {
            assert!(cut(line).unwrap().is_none(), "{line:?}");
        }
    }

    #[test]
    fn places_of_errors_and_words() {
        assert_eq!(
            cut("  Port").unwrap_err(),
            LexError::NoValue {
                keyword: "port".into(),
                at: 2
            }
        );
        assert_eq!(cut("Host a 'b").unwrap_err(), LexError::Quotes { at: 7 });
        let line = cut("  Host   \"a\" b").unwrap().unwrap();
        assert_eq!((line.keyword_at, line.rest_at()), (2, 9));
        assert_eq!(
            line.words.iter().map(|word| word.at).collect::<Vec<_>>(),
            [9, 13]
        );
    }
}
