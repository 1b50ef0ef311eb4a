//! The file patterns of `Include`: `*`, `?`, `[…]` and a backslash before a character that is meant as it is.

use std::fs;
use std::path::Path;

/// The existing files that fit `pattern`, an absolute path, in the order of their bytes.
pub(super) fn expand(pattern: &str) -> Vec<String> {
    let mut found = Vec::new();
    descend(String::new(), pattern, &mut found);
    found.sort_unstable();
    found
}

/// `done` is a directory (with its slash, or empty), `rest` what is still to be found in it.
fn descend(done: String, rest: &str, found: &mut Vec<String>) {
    let (part, rest) = match rest.split_once('/') {
        Some((part, rest)) => (part, Some(rest)),
        None => (rest, None),
    };
    let mut go_on = |name: &str| {
        let path = [&done, name].concat();
        match rest {
            Some(rest) => descend(path + "/", rest, found),
            // A link that leads nowhere counts as there, and fails when it is read.
            None if fs::symlink_metadata(&path).is_ok() => found.push(path),
            None => {}
        }
    };
    if !part.contains(['*', '?', '[']) {
        return go_on(&unescape(part));
    }
    let dir = if done.is_empty() {
        Path::new(".")
    } else {
        Path::new(&done)
    };
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    let pattern: Vec<char> = part.chars().collect();
    for entry in entries.flatten() {
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| fits_name(name, &pattern)) {
            go_on(name);
        }
    }
}

/// Wildcards do not stand for a dot at the start of a name.
fn fits_name(name: &str, pattern: &[char]) -> bool {
    let name: Vec<char> = name.chars().collect();
    let literal_dot = matches!(pattern, ['.', ..] | ['\\', '.', ..]);
    (name.first() != Some(&'.') || literal_dot) && fits(&name, pattern)
}

fn fits(name: &[char], pattern: &[char]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        (['*', pattern @ ..], name) => (0..=name.len()).any(|at| fits(&name[at..], pattern)),
        (_, []) => false,
        (['?', pattern @ ..], [_, name @ ..]) => fits(name, pattern),
        (['[', class @ ..], [first, tail @ ..]) => match class_fits(class, *first) {
            Some((yes, pattern)) => yes && fits(tail, pattern),
            // A bracket that is never closed stands for itself.
            None => *first == '[' && fits(tail, class),
        },
        (['\\', literal, pattern @ ..], [first, name @ ..]) => {
            literal == first && fits(name, pattern)
        }
        ([literal, pattern @ ..], [first, name @ ..]) => literal == first && fits(name, pattern),
    }
}

/// Whether `c` is in the class, whose `[` is already passed, and the pattern after its `]`.
fn class_fits(class: &[char], c: char) -> Option<(bool, &[char])> {
    let (negated, mut rest) = match class {
        ['!' | '^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    let mut first = true;
    loop {
        let low = match rest {
            [']', tail @ ..] if !first => return Some((found != negated, tail)),
            ['\\', literal, tail @ ..] => {
                rest = tail;
                *literal
            }
            [literal, tail @ ..] => {
                rest = tail;
                *literal
            }
            [] => return None,
        };
        first = false;
        match rest {
            ['-', high, tail @ ..] if *high != ']' => {
                found |= (low..=*high).contains(&c);
                rest = tail;
            }
            _ => found |= low == c,
        }
    }
}

fn unescape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' {
            chars.next().unwrap_or('\\')
        } else {
            c
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, pattern, yes) in [
            ("a.conf", "*.conf", true),
            (".a.conf", "*.conf", false),
            (".a.conf", ".*.conf", true),
            ("b1", "[a-c][!2-9]", true),
            ("b2", "[a-c][^2-9]", false),
            ("]", "[]]", true),
            ("[x", "[x", true),
            ("*", "\\*", true),
            ("x", "\\*", false),
            ("a-", "a[-]", true),
        ] {
            let pattern: Vec<char> = pattern.chars().collect();
            assert_eq!(fits_name(name, &pattern), yes, "{name}");
        }
    }

    #[test]
    fn files_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        for name in ["b/2.conf", "b/1.conf", "a/9.conf", "a/9.txt"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = expand(&format!("{root}/*/*.conf"));
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(root).unwrap())
            .collect();
        assert_eq!(names, ["/a/9.conf", "/b/1.conf", "/b/2.conf"]);
        assert_eq!(expand(&format!("{root}/b/2.con\\f")).len(), 1);
        assert_eq!(expand(&format!("{root}/c/x")), [""; 0]);
    }
}
