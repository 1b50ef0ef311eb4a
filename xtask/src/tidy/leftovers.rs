//! What belongs on a desk and not in the project: notes to oneself, paths of one machine.

use super::{Report, tree::Tree};

/// Notes to oneself. Written in halves, or this file would be full of them.
const NOTES: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Folders of one machine.
const PLACES: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Files that people read as text or code.
const READ: &[&str] = &[
    "md", "rs", "sh", "toml", "yaml", "yml", "js", "svelte", "html", "mk",
];

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    for text in tree.texts() {
        let extension = text
            .path
            .extension()
            .and_then(|extension| extension.to_str());
        if !extension.is_none_or(|extension| READ.contains(&extension)) {
            continue;
        }
        let mut above = "";
        for (at, line) in text.text.lines().enumerate() {
            for note in NOTES.iter().filter(|note| has_word(line, note)) {
                let message = format!("{note} is left over: do it, or open an issue for it");
                report.find(&text.path, at + 1, message);
            }
            let allowed = [line, above]
                .iter()
                .any(|line| line.contains("tidy: allow-path "));
            for place in PLACES
                .iter()
                .filter(|place| !allowed && has_path(line, place))
            {
                let message = format!(
                    "{place} is a folder of one machine: write a path that everybody has, or say \
                     `tidy: allow-path REASON`"
                );
                report.find(&text.path, at + 1, message);
            }
            above = line;
        }
    }
    Ok(())
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

/// Whether an absolute path begins like that: not `~/work/` nor `a/work/`.
fn has_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || "~.-_}*/$)".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    #[test]
    fn finds_notes_and_places() {
        let text = format!(
            "// {}: later\n// see {}shared/x\nlet x = \"{}.ssh\";\n",
            NOTES[0], PLACES[0], PLACES[1]
        );
        assert_eq!(
            places(
                check,
                &[
                    ("crates/a/src/b.rs", &text),
                    ("Makefile", &text),
                    ("a.svg", &text)
                ]
            ),
            [
                "Makefile:1",
                "Makefile:2",
                "Makefile:3",
                "crates/a/src/b.rs:1",
                "crates/a/src/b.rs:2",
                "crates/a/src/b.rs:3"
            ]
        );
    }

    #[test]
    fn lets_templates_and_relative_paths_be() {
        let text = format!(
            "mktemp /tmp/x.XXXXXX; todo_list; ~{0}a; $HOME{0}a; src{0}a; \n\
             # tidy: allow-path where root's home is on every node\nls {1}\n",
            PLACES[0], PLACES[1]
        );
        assert!(places(check, &[("a.sh", &text)]).is_empty());
    }
}
