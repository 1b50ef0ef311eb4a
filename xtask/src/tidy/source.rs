//! A Rust file: where it belongs and what is in it.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use anyhow::Context as _;

use super::tokens::{self, Token};

/// A Rust file of the project.
pub(super) struct Source {
    /// Relative to the root.
    pub(super) path: PathBuf,
    pub(super) tokens: Vec<Token>,
    /// Whether the whole file is compiled for tests only.
    pub(super) is_test: bool,
    lines: Vec<String>,
    test_modules: Vec<String>,
}

impl Source {
    /// Takes the file apart.
    pub(super) fn parse(path: &Path, text: &str) -> anyhow::Result<Self> {
        let lexed = tokens::lex(text).with_context(|| format!("{} is no Rust", path.display()))?;
        let mut source = Self {
            path: path.to_owned(),
            tokens: lexed.tokens,
            is_test: false,
            lines: text.lines().map(str::to_owned).collect(),
            test_modules: lexed.test_modules,
        };
        // `crates/core/tests/…`, `xtask/tests/…`: beside `src`, not within it.
        let below_src = path
            .components()
            .any(|part| part == Component::Normal("src".as_ref()));
        let in_tests = path.components().any(|part| {
            ["tests", "benches"]
                .iter()
                .any(|name| part == Component::Normal(name.as_ref()))
        });
        if in_tests && !below_src {
            source.mark_as_test();
        }
        Ok(source)
    }

    fn mark_as_test(&mut self) {
        self.is_test = true;
        for token in &mut self.tokens {
            token.in_test = true;
        }
    }

    /// The room it belongs to: `core`, `cli`; `xtask`.
    pub(super) fn room(&self) -> Option<&str> {
        let mut parts = self.path.iter().filter_map(|part| part.to_str());
        match parts.next()? {
            "crates" => parts.next(),
            first => Some(first),
        }
    }

    /// Whether it is run by cargo before its crate is built.
    pub(super) fn is_build_script(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == "build.rs")
            && !self.path.iter().any(|part| part == "src")
    }

    /// The lines of the file, without their ends.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether `// tidy: allow-NAME REASON` stands on that line or above it. Without a reason it
    /// does not count.
    pub(super) fn allows(&self, name: &str, line: usize) -> bool {
        let says_so = |line: usize| {
            let text = self.lines.get(line.wrapping_sub(1))?;
            let (_, remark) = text.split_once("// tidy: allow-")?;
            let reason = remark.strip_prefix(name)?;
            Some(reason.starts_with(' ') && !reason.trim().is_empty())
        };
        says_so(line) == Some(true) || says_so(line.saturating_sub(1)) == Some(true)
    }

    /// Whether the tokens from `at` on are these words, one token each.
    pub(super) fn reads(&self, at: usize, words: &[&str]) -> bool {
        self.tokens.get(at..at + words.len()).is_some_and(|tokens| {
            tokens
                .iter()
                .zip(words)
                .all(|(token, word)| token.text == *word)
        })
    }

    /// The macro that is called at `at`: `println` for `println!(…)`.
    pub(super) fn macro_at(&self, at: usize) -> Option<&str> {
        let is_call = ["(", "[", "{"]
            .iter()
            .any(|open| self.reads(at + 1, &["!", open]));
        is_call.then(|| self.tokens[at].text.as_str())
    }

    /// Which of `names` are taken from module `module` at `at`: `env::var`, `env::{var, vars}`.
    pub(super) fn taken_from<'a>(
        &self,
        at: usize,
        module: &str,
        names: &[&'a str],
    ) -> Vec<&'a str> {
        if !self.reads(at, &[module, ":", ":"]) {
            return Vec::new();
        }
        let after = &self.tokens[at + 3..];
        let until = match after.first() {
            Some(open) if open.text == "{" => after
                .iter()
                .position(|token| token.text == "}")
                .unwrap_or(after.len()),
            _ => after.len().min(1),
        };
        let named = |name: &&&str| after[..until].iter().any(|token| token.text == **name);
        names.iter().filter(named).copied().collect()
    }
}

/// Marks the files of `#[cfg(test)] mod NAME;` and what is below them as tests.
pub(super) fn mark_test_modules(sources: &mut [Source]) {
    let mut roots = BTreeSet::new();
    for source in sources.iter() {
        for module in &source.test_modules {
            roots.insert(folder_of_modules(&source.path).join(module));
        }
    }
    for source in sources {
        let stem = source.path.with_extension("");
        if !source.is_test && stem.ancestors().any(|part| roots.contains(part)) {
            source.mark_as_test();
        }
    }
}

/// Where the files of a file's modules are.
fn folder_of_modules(path: &Path) -> PathBuf {
    let stem = path.with_extension("");
    match stem.file_name().and_then(|name| name.to_str()) {
        Some("mod" | "lib" | "main") => stem.parent().map(Path::to_owned).unwrap_or_default(),
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    #[test]
    fn knows_the_files_that_are_tests() {
        let tree = Tree::of(&[
            ("crates/a/src/b.rs", "#[cfg(test)] mod tests;"),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/src/b/tests.rs", "fn x() {}"),
            ("crates/a/src/b/tests/deep.rs", ""),
            ("crates/a/src/lib.rs", "#[cfg(test)] mod kit;"),
            ("crates/a/src/kit/mod.rs", ""),
            ("crates/a/src/tests/not.rs", ""),
            ("crates/a/tests/c.rs", "fn x() {}"),
        ]);
        let tests: Vec<_> = tree
            .sources()
            .filter(|source| source.is_test)
            .map(|source| source.path.to_str().unwrap())
            .collect();
        assert_eq!(
            tests,
            [
                "crates/a/src/b/tests/deep.rs",
                "crates/a/src/b/tests.rs",
                "crates/a/src/kit/mod.rs",
                "crates/a/tests/c.rs",
            ]
        );
    }

    #[test]
    fn an_allowance_needs_its_reason() {
        let text = "// tidy: allow-text shown only\na\nb\nc // tidy: allow-text\nd // tidy: allow-other x\n";
        let source = Source::parse(Path::new("crates/a/src/b.rs"), text).unwrap();
        let allowed: Vec<bool> = (1..=5).map(|line| source.allows("text", line)).collect();
        assert_eq!(allowed, [true, true, false, false, false]);
        assert_eq!(source.room(), Some("a"));
    }
}
