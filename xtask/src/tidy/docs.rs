//! Links of the documentation lead somewhere, and there is a place for what changes.

use std::path::{Component, Path, PathBuf};

use super::{Report, tree::Tree};

const CHANGELOG: &str = "CHANGELOG.md";

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    for document in tree.with_extension("md") {
        for (line, target) in links(&document.text) {
            let Some(message) = objection(tree, &document.path, &target) else {
                continue;
            };
            report.find(&document.path, line, message);
        }
    }
    let has_place = tree.text(Path::new(CHANGELOG)).is_some_and(|text| {
        text.lines()
            .any(|line| line.starts_with("## ") && line.contains("Unreleased"))
    });
    if !has_place {
        let message = "there is no section `## [Unreleased]`: add it, as in Keep a Changelog";
        report.find(Path::new(CHANGELOG), 0, message);
    }
    Ok(())
}

/// What is wrong with a link from `document` to `target`, if anything.
fn objection(tree: &Tree, document: &Path, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    if path.contains(':') || path.starts_with("//") {
        return None; // Another place: https, mailto.
    }
    let file = if path.is_empty() {
        document.to_owned()
    } else {
        let folder = document.parent().unwrap_or(Path::new(""));
        let Some(file) = resolve(folder, path).filter(|file| tree.has(file)) else {
            return Some(format!("the link to {target} leads nowhere: mend its path"));
        };
        file
    };
    let is_document = file.extension().is_some_and(|extension| extension == "md");
    if anchor.is_empty() || !is_document {
        return None;
    }
    let has_heading = tree
        .text(&file)
        .is_some_and(|text| anchors(text).any(|a| a == anchor));
    (!has_heading).then(|| {
        format!(
            "{} has no heading for #{anchor}: mend the link",
            file.display()
        )
    })
}

/// `path` from `folder`, without its dots; none where it leaves the project.
fn resolve(folder: &Path, path: &str) -> Option<PathBuf> {
    let (mut resolved, path) = match path.strip_prefix('/') {
        Some(from_root) => (PathBuf::new(), from_root),
        None => (folder.to_owned(), path),
    };
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => resolved.push(name),
            Component::ParentDir if resolved.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(resolved)
}

/// The targets of links and pictures with their lines: `[text](target)`, `[name]: target`, and
/// `src="target"` of embedded HTML. What is code is no link.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let mut add = |target: &str| {
            // `<a b>` may be bracketed, and a title may follow: `a "title"`.
            let target = match target.trim().strip_prefix('<') {
                Some(bracketed) => bracketed.split('>').next(),
                None => target.split_whitespace().next(),
            };
            if let Some(target) = target.filter(|target| !target.is_empty()) {
                links.push((number, target.to_owned()));
            }
        };
        for (start, mark) in line.match_indices("](") {
            let rest = &line[start + mark.len()..];
            if let Some(end) = closing(rest) {
                add(&rest[..end]);
            }
        }
        for mark in ["src=\"", "href=\""] {
            for (start, _) in line.match_indices(mark) {
                if let Some((target, _)) = line[start + mark.len()..].split_once('"') {
                    add(target);
                }
            }
        }
        let reference = line
            .trim_start()
            .strip_prefix('[')
            .and_then(|l| l.split_once("]: "));
        if let Some((name, target)) = reference
            && !name.contains(']')
        {
            add(target);
        }
    }
    links
}

/// Where the bracket closes that was open before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    })
}

/// The lines outside of fenced code, counted from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return Some((at + 1, line)),
            _ => {}
        }
        None
    })
}

/// The line with its `code` left out.
fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    // An odd one at the end is no code but a lone backtick.
    let is_code = |at: usize| at % 2 == 1 && at + 1 < parts.len();
    let kept = parts.iter().enumerate().filter(|(at, _)| !is_code(*at));
    kept.map(|(_, part)| *part).collect::<Vec<_>>().join("`")
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter_map(|(_, line)| {
        let heading = line.trim_start_matches('#');
        let is_heading = heading.len() < line.len() && heading.starts_with(' ');
        is_heading.then(|| {
            heading
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    const LOG: (&str, &str) = (CHANGELOG, "# Changelog\n\n## [Unreleased]\n");

    #[test]
    fn finds_links_that_lead_nowhere() {
        let text = "[a](gone.md)\n![b](gone.svg \"title\")\n[c]: gone/\n<img src=\"gone.png\">\n\
                    [d](../outside.md)\n[e](#gone)\n[f](docs/guide.md#gone)\n[g](<docs/a b.md>)\n";
        assert_eq!(
            places(
                check,
                &[LOG, ("README.md", text), ("docs/guide.md", "# Here\n")]
            ),
            [1, 2, 3, 4, 5, 6, 7, 8].map(|line| format!("README.md:{line}"))
        );
    }

    #[test]
    fn lets_good_links_and_code_be() {
        let readme = "# Five-minute tour: `tow`\n[a](docs/guide.md) [b](docs) [c](https://x.y/z)\n\
                      [d](#five-minute-tour-tow) [e](docs/guide.md#here) [f](mailto:a@b)\n\
                      `[g](gone.md)` and `exec`(x)\n```sh\n[h](gone.md)\n```\n[i](docs/f(1).md)\n";
        let guide = "## Here\n[up](../README.md) [root](/README.md) [beside](./other.md)\n";
        assert!(
            places(
                check,
                &[
                    LOG,
                    ("README.md", readme),
                    ("docs/guide.md", guide),
                    ("docs/other.md", ""),
                    ("docs/f(1).md", ""),
                ]
            )
            .is_empty()
        );
    }

    #[test]
    fn the_changelog_has_a_place_for_what_changes() {
        assert_eq!(places(check, &[]), ["CHANGELOG.md:0"]);
        assert_eq!(
            places(check, &[(CHANGELOG, "## [1.0.0]\n")]),
            ["CHANGELOG.md:0"]
        );
        assert!(places(check, &[LOG]).is_empty());
    }
}
