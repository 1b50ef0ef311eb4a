//! How long the files are.

use std::path::Path;

use super::{Report, source::Source, tree::Tree};

/// From here on a file is looked at: it most likely holds several ideas.
const LIMIT: usize = 500;

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    let mut sizes: Vec<(usize, &Path)> = tree
        .sources()
        .filter(|source| !source.is_test)
        .map(|source| (production_lines(source), source.path.as_path()))
        .collect();
    sizes.sort_unstable();
    for &(lines, path) in sizes.iter().filter(|(lines, _)| *lines > LIMIT) {
        report.find(
            path,
            0,
            format!("{lines} lines of production code, {LIMIT} at most: one file for each idea"),
        );
    }
    if let Some((longest, path)) = sizes.last() {
        report.note(format!(
            "production lines of {} Rust files: median {}, p90 {}, longest {longest} ({})",
            sizes.len(),
            sizes[sizes.len() / 2].0,
            sizes[sizes.len() * 9 / 10].0,
            path.display(),
        ));
    }
    Ok(())
}

/// The lines up to the tests at the end of the file.
fn production_lines(source: &Source) -> usize {
    let tests = (0..source.tokens.len()).find(|&at| {
        let token = &source.tokens[at];
        token.in_test
            && !token.in_attribute
            && source.reads(at, &["mod"])
            && source
                .tokens
                .get(at + 2)
                .is_some_and(|open| open.text == "{")
    });
    match tests {
        // Its attributes, `#[cfg(test)]` at least, are tests already.
        Some(module) => {
            let first = source.tokens[..module]
                .iter()
                .rposition(|token| !token.in_test);
            first.map_or(0, |last| source.tokens[last].line)
        }
        None => source.lines().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    #[test]
    fn counts_production_lines_only() {
        let long = "fn a() {}\n".repeat(LIMIT);
        let tests = format!("{long}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        let too_long = format!("{long}//\nfn b() {{}}\n{tests}");
        assert_eq!(
            places(
                check,
                &[
                    ("crates/a/src/just.rs", &long),
                    ("crates/a/src/tested.rs", &tests),
                    ("crates/a/src/long.rs", &too_long),
                    ("crates/a/tests/long.rs", &too_long),
                ]
            ),
            ["crates/a/src/long.rs:0"]
        );
    }

    #[test]
    fn tells_the_figures() {
        let files: Vec<(String, String)> = (1..=10)
            .map(|n| (format!("crates/a/src/f{n:02}.rs"), "// x\n".repeat(n)))
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(p, t)| (p.as_str(), t.as_str()))
            .collect();
        let mut report = Report::default();
        check(&Tree::of(&files), &mut report).unwrap();
        assert_eq!(
            report.notes,
            [
                "production lines of 10 Rust files: median 6, p90 10, longest 10 (crates/a/src/f10.rs)"
            ]
        );
    }
}
