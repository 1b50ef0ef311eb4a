//! Rust code as a flat list of tokens: no comments, no doubt about what is a string, and for each
//! token whether it is test code.

use anyhow::anyhow;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A word, a sign, a literal or a bracket.
#[derive(Debug)]
pub(super) struct Token {
    /// As it is written; a string has its quotes on.
    pub(super) text: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// Whether it is compiled for tests only.
    pub(super) in_test: bool,
    /// Whether it stands in an attribute.
    pub(super) in_attribute: bool,
}

/// What lexing a file tells.
#[derive(Default)]
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    /// Modules in files of their own that are compiled for tests only: `#[cfg(test)] mod x;`.
    pub(super) test_modules: Vec<String>,
}

impl Token {
    /// Whether this is a string of any kind.
    pub(super) fn is_string(&self) -> bool {
        let text = self.text.trim_start_matches(['b', 'c', 'r', '#']);
        text.starts_with('"')
    }
}

/// Takes `text` apart.
pub(super) fn lex(text: &str) -> anyhow::Result<Lexed> {
    let stream: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| {
        anyhow!("line {}: {error}", error.span().start().line)
    })?;
    let mut lexed = Lexed::default();
    lexed.flatten(stream, false, false);
    Ok(lexed)
}

impl Lexed {
    fn flatten(&mut self, stream: TokenStream, mut in_test: bool, in_attribute: bool) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        // How far the item reaches that the last `#[test]` or `#[cfg(test)]` is about.
        let mut item_end = 0;
        let mut at = 0;
        while at < trees.len() {
            if let Some((attribute, length, inner)) = attribute_at(&trees[at..]) {
                if for_tests_only(attribute.stream()) {
                    if inner {
                        in_test = true;
                    } else {
                        let item = &trees[at + length..];
                        item_end = item_end.max(at + length + item_length(item));
                        self.test_modules.extend(module_in_file(item));
                    }
                }
                if !is_doc(attribute) {
                    for tree in &trees[at..at + length] {
                        self.push(tree.clone(), in_test || at < item_end, true);
                    }
                }
                at += length;
                continue;
            }
            self.push(trees[at].clone(), in_test || at < item_end, in_attribute);
            at += 1;
        }
    }

    fn push(&mut self, tree: TokenTree, in_test: bool, in_attribute: bool) {
        let mut token = |text: String, line| {
            self.tokens.push(Token {
                text,
                line,
                in_test,
                in_attribute,
            });
        };
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                token(open.to_owned(), group.span_open().start().line);
                self.flatten(group.stream(), in_test, in_attribute);
                self.tokens.push(Token {
                    text: close.to_owned(),
                    line: group.span_close().start().line,
                    in_test,
                    in_attribute,
                });
            }
            other => token(other.to_string(), other.span().start().line),
        }
    }
}

/// The attribute that `trees` begin with, of how many trees it is made, and whether it is an
/// inner one (`#![…]`).
fn attribute_at(trees: &[TokenTree]) -> Option<(&Group, usize, bool)> {
    match trees {
        [TokenTree::Punct(hash), TokenTree::Group(group), ..]
            if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            Some((group, 2, false))
        }
        [
            TokenTree::Punct(hash),
            TokenTree::Punct(bang),
            TokenTree::Group(group),
            ..,
        ] if hash.as_char() == '#'
            && bang.as_char() == '!'
            && group.delimiter() == Delimiter::Bracket =>
        {
            Some((group, 3, true))
        }
        _ => None,
    }
}

fn is_doc(attribute: &Group) -> bool {
    attribute
        .stream()
        .into_iter()
        .next()
        .is_some_and(|first| first.to_string() == "doc")
}

/// `test`, `tokio::test(…)`, `cfg(test)`, `cfg(all(test, …))`; not `cfg(not(test))`, nor
/// `cfg(any(test, …))`, which may well be compiled without tests.
fn for_tests_only(attribute: TokenStream) -> bool {
    let trees: Vec<TokenTree> = attribute.into_iter().collect();
    let path: Vec<String> = trees
        .iter()
        .take_while(|tree| !matches!(tree, TokenTree::Group(_)))
        .map(ToString::to_string)
        .collect();
    match (path.last().map(String::as_str), trees.last()) {
        (Some("test"), _) => true,
        (Some("cfg" | "all"), Some(TokenTree::Group(condition))) => {
            let condition: Vec<TokenTree> = condition.stream().into_iter().collect();
            condition
                .split(|tree| tree.to_string() == ",")
                .any(|part| for_tests_only(part.iter().cloned().collect()))
        }
        _ => false,
    }
}

/// Of how many trees the item is made that `trees` begin with, its further attributes included.
fn item_length(trees: &[TokenTree]) -> usize {
    let mut at = 0;
    while let Some((_, length, false)) = attribute_at(&trees[at..]) {
        at += length;
    }
    // A field or a variant ends with a comma, in an item that may stand between angle brackets.
    let is_field = match (trees.get(at), trees.get(at + 1)) {
        (_, Some(TokenTree::Punct(sign))) => matches!(sign.as_char(), ':' | ','),
        (_, None) => true,
        _ => false,
    };
    let end = trees[at..].iter().position(|tree| match tree {
        TokenTree::Punct(sign) => sign.as_char() == ';' || (is_field && sign.as_char() == ','),
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    });
    end.map_or(trees.len(), |end| at + end + 1)
}

/// The name, where the item is a module whose code is in another file.
fn module_in_file(item: &[TokenTree]) -> Option<String> {
    let words: Vec<String> = item.iter().map(ToString::to_string).collect();
    let at = words.iter().position(|word| word == "mod")?;
    let is_item = words[..at]
        .iter()
        .all(|word| word == "pub" || word.starts_with('('));
    (is_item && words.get(at + 2).is_some_and(|word| word == ";")).then(|| words[at + 1].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that are test code.
    fn test_words(text: &str) -> Vec<String> {
        let tokens = lex(text).unwrap().tokens;
        tokens
            .into_iter()
            .filter(|token| token.in_test && token.text.starts_with("t_"))
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_are_gone_and_strings_are_whole() {
        let lexed =
            lex("/// doc\nfn f() {\n    // println!()\n    g(r#\"a \"b\"\"#, b\"x\", 'c');\n}")
                .unwrap();
        let strings: Vec<_> = lexed
            .tokens
            .iter()
            .filter(|token| token.is_string())
            .collect();
        assert_eq!(strings.len(), 2);
        assert_eq!(
            (strings[0].text.as_str(), strings[0].line),
            ("r#\"a \"b\"\"#", 4)
        );
        assert!(
            lexed
                .tokens
                .iter()
                .all(|token| token.text != "println" && token.text != "doc")
        );
    }

    #[test]
    fn knows_test_code_from_production_code() {
        assert_eq!(
            test_words("fn a() { p_1 } #[cfg(test)] mod tests { t_1 } fn b() { p_2 }"),
            ["t_1"]
        );
        assert_eq!(
            test_words("#[tokio::test(flavor = \"x\")] async fn t_1() { t_2 } fn p_1() {}"),
            ["t_1", "t_2"]
        );
        assert_eq!(
            test_words("#[cfg(all(unix, test))] use t_1; use p_1;"),
            ["t_1"]
        );
        assert_eq!(
            test_words("#[cfg(test)] #[path = \"x\"] fn t_1<A, B>(t_2: A) { t_3 } p_1"),
            ["t_1", "t_2", "t_3"]
        );
        assert_eq!(
            test_words("struct S { #[cfg(test)] t_1: u8, p_1: u8 }"),
            ["t_1"]
        );
        assert_eq!(test_words("#![cfg(test)] t_1"), ["t_1"]);
        assert!(
            test_words("#[cfg(not(test))] fn t_1() {} #[cfg(any(test, x))] fn t_2() {}").is_empty()
        );
        assert!(test_words("#[derive(test_x)] fn t_1() {}").is_empty());
    }

    #[test]
    fn names_test_modules_in_other_files() {
        let lexed = lex("#[cfg(test)] mod tests; #[cfg(test)] pub(crate) mod kit; mod other; #[cfg(test)] mod here { mod x; }").unwrap();
        assert_eq!(lexed.test_modules, ["tests", "kit"]);
    }

    #[test]
    fn says_where_it_is_no_rust() {
        let error = lex("fn a() {}\nfn b( {").err().unwrap();
        assert!(error.to_string().starts_with("line 2"), "{error}");
    }
}
