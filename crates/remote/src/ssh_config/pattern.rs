//! Patterns with `*` and `?`, and comma-separated lists of them.

/// Whether `text` as a whole fits `pattern`, where `*` is any run of characters and `?` exactly one.
pub(super) fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p) = (0, 0);
    // Where to go on when what follows the last star does not fit.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                t += 1;
                p += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) negated: bool,
    pub(super) glob: String,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Self {
        match text.strip_prefix('!') {
            Some(glob) => Self {
                negated: true,
                glob: glob.to_owned(),
            },
            None => Self {
                negated: false,
                glob: text.to_owned(),
            },
        }
    }
}

/// Patterns separated by commas. A negated one that fits decides against the whole list, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatternList(Vec<Pattern>);

impl PatternList {
    pub(super) fn parse(text: &str) -> Self {
        // A comma at the end closes the last pattern and opens none.
        let text = text.strip_suffix(',').unwrap_or(text);
        if text.is_empty() {
            return Self(Vec::new());
        }
        Self(text.split(',').map(Pattern::parse).collect())
    }

    /// For host names, whose case does not count.
    pub(super) fn parse_lowercase(text: &str) -> Self {
        Self::parse(&text.to_ascii_lowercase())
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let mut found = false;
        for pattern in &self.0 {
            if matches(text, &pattern.glob) {
                if pattern.negated {
                    return false;
                }
                found = true;
            }
        }
        found
    }
}

/// The patterns after `Host`: as a list, but separated by white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPatterns(pub(super) Vec<Pattern>);

impl HostPatterns {
    pub(super) fn matches(&self, host: &str) -> bool {
        let mut found = false;
        for pattern in &self.0 {
            if (!found || pattern.negated) && matches(host, &pattern.glob) {
                if pattern.negated {
                    return false;
                }
                found = true;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (text, pattern, fits) in [
            ("web-1", "web-*", true),
            ("web-1", "web-?", true),
            ("web-12", "web-?", false),
            ("", "", true),
            ("", "*", true),
            ("a", "", false),
            ("abcabd", "*ab?", true),
            ("abc", "a*b*c*", true),
            ("abc", "**", true),
            ("abc", "*b", false),
            ("Web", "web", false),
        ] {
            assert_eq!(matches(text, pattern), fits, "{text} {pattern}");
        }
    }

    #[test]
    fn a_negated_match_wins() {
        let list = PatternList::parse("*.example,!bad.example,bad*");
        assert!(list.matches("good.example"));
        assert!(!list.matches("bad.example"));
        assert!(!PatternList::parse("!a").matches("b"));
        assert!(PatternList::parse_lowercase("A,b,").matches("a"));
        assert!(!PatternList::parse("").matches(""));
    }
}
