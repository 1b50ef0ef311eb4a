//! No command line is built by string formatting: what a shell sees was quoted by `Command`.
//!
//! A heuristic, in two parts. Everywhere, tests included: what follows a `-c` is formatted or
//! joined. In production code: a text with a place to fill in reads like the line of a shell.
//! Messages for people are let be where they can be told: errors, logs, hints, what is drawn. The
//! rest says `// tidy: allow-text REASON`.

use super::{Report, source::Source, tokens::Token, tree::Tree};

/// Where command lines are assembled, each argument quoted.
const BUILDERS: &[&str] = &["crates/core/src/quote", "crates/core/src/command"];

/// Where texts are drawn for people.
const DRAWN: &str = "crates/cli/src/render/";

/// Macros that make a text which something else may run.
const FORMATS: &[&str] = &["format", "format_args", "write", "writeln", "concat"];

/// Methods that put a line together piece by piece.
const PIECES: &[&str] = &["push_str", "extend_from_slice", "write_str"];

/// What a line of a shell has in it.
const SHELLISH: &[&str] = &[
    "&& ",
    "|| ",
    "| ",
    "2>",
    "apt-get ",
    "crictl ",
    "ctr ",
    "doas ",
    "docker ",
    "git ",
    "kubectl ",
    "nerdctl ",
    "podman ",
    "rsync ",
    "scp ",
    "sh -c",
    "ssh ",
    "sudo ",
    "systemctl ",
];

/// Flags after which a shell takes its line.
const LINE_FLAGS: &[&str] = &["\"-c\"", "\"-lc\"", "\"-ec\"", "\"-xc\""];

/// How many tokens after such a flag the line may begin: `"-c").arg(&format!(`.
const NEAR: usize = 8;

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    for source in tree.sources() {
        let path = source.path.to_string_lossy();
        if BUILDERS.iter().any(|builder| path.starts_with(builder)) {
            continue;
        }
        for at in 0..source.tokens.len() {
            let token = &source.tokens[at];
            let message = if is_formatted_shell_line(source, at) {
                "a shell line is formatted: use Command, or a .sh file whose values go in as \
                 arguments"
            } else if !token.in_test && !path.starts_with(DRAWN) && is_pasted_line(source, at) {
                "this reads like a command line built from pieces: use Command, or a .sh file \
                 whose values go in as arguments; a text for people says \
                 `// tidy: allow-text REASON`"
            } else {
                continue;
            };
            if !source.allows("text", token.line) {
                report.find(&source.path, token.line, message);
            }
        }
    }
    Ok(())
}

/// `"-c"` at `at`, and a line made by formatting or joining right after it.
fn is_formatted_shell_line(source: &Source, at: usize) -> bool {
    if !LINE_FLAGS.contains(&source.tokens[at].text.as_str()) {
        return false;
    }
    let end = source.tokens.len().min(at + 1 + NEAR);
    (at + 1..end)
        .take_while(|&near| source.tokens[near].text != ";")
        .any(|near| {
            matches!(source.macro_at(near), Some("format" | "concat"))
                || source.reads(near, &[".", "join", "("])
        })
}

/// A string at `at` that reads like a line of a shell and has a place to fill in.
fn is_pasted_line(source: &Source, at: usize) -> bool {
    let token = &source.tokens[at];
    if !token.is_string() || token.in_attribute || !is_shellish(&token.text) {
        return false;
    }
    let Some(call) = enclosing_call(&source.tokens, at) else {
        return false;
    };
    let name = source.tokens[call].text.as_str();
    let is_built = match source.macro_at(call) {
        Some(name) => FORMATS.contains(&name) && token.text.contains('{'),
        None => PIECES.contains(&name),
    };
    is_built && !is_hint(&source.tokens, call)
}

fn is_shellish(text: &str) -> bool {
    SHELLISH.iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            // `sudo` in `pseudo`, or a name after a dash or a dot, is another word.
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || "-_./".contains(c))
                || !word.starts_with(char::is_alphabetic)
        })
    })
}

/// The name before the bracket that `at` stands in: `format` in `format!("…")`.
fn enclosing_call(tokens: &[Token], at: usize) -> Option<usize> {
    let open = enclosing_open(tokens, at)?;
    let before = open.checked_sub(1)?;
    if tokens[before].text == "!" {
        before.checked_sub(1)
    } else {
        Some(before)
    }
}

/// The bracket that `at` stands in.
fn enclosing_open(tokens: &[Token], at: usize) -> Option<usize> {
    let mut closed = 0usize;
    for before in (0..at).rev() {
        match tokens[before].text.as_str() {
            ")" | "]" | "}" => closed += 1,
            "(" | "[" | "{" if closed == 0 => return Some(before),
            "(" | "[" | "{" => closed -= 1,
            _ => {}
        }
    }
    None
}

/// Whether what is at `at` is a hint for people: it is given to something of that name, or stands
/// in a function of that name.
fn is_hint(tokens: &[Token], at: usize) -> bool {
    let is_named = |at: usize| tokens[at].text.to_lowercase().contains("hint");
    let mut inner = at;
    // `hint: format!(…)`, `let hint = format!(…)`
    if at >= 2 && matches!(tokens[at - 1].text.as_str(), ":" | "=") && is_named(at - 2) {
        return true;
    }
    while let Some(open) = enclosing_open(tokens, inner) {
        // `.with_hint(format!(…))`, `Hint::new(…)`, and the signature before a body.
        let from = match tokens[open].text.as_str() {
            "{" => tokens[..open]
                .iter()
                .rposition(|token| matches!(token.text.as_str(), ";" | "{" | "}"))
                .map_or(0, |end| end + 1),
            _ => open.saturating_sub(4),
        };
        let signature = &tokens[from..open];
        let is_body = signature.iter().any(|token| token.text == "fn");
        if (from..open).any(is_named) {
            return true;
        }
        if is_body {
            return false;
        }
        inner = open;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    fn lines(path: &str, text: &str) -> Vec<String> {
        places(check, &[(path, text)])
            .into_iter()
            .filter_map(|place| Some(place.rsplit_once(':')?.1.to_owned()))
            .collect()
    }

    const HERE: &str = "crates/fleet/src/a.rs";

    #[test]
    fn finds_shell_lines_that_are_formatted() {
        let text = r##"
            fn a() { Command::new("sh").arg("-c").arg(format!("ls {dir}")); }
            fn b() { Command::new("sh").args(["-c", &format!("ls {dir}")]); }
            fn c() { Command::new("bash").arg("-lc").arg(words.join(" ")); }
            #[cfg(test)] mod tests { fn d() { x.args(["-c", &format!("cat {file}")]); } }
        "##;
        assert_eq!(lines(HERE, text), ["2", "3", "4", "5"]);
        assert_eq!(lines("crates/fleet/tests/a.rs", text), ["2", "3", "4", "5"]);
    }

    #[test]
    fn finds_lines_put_together_from_pieces() {
        let text = r##"
            fn a() { let line = format!("sudo -u {user} id"); }
            fn b() { let line = format!("cd {dir} && make"); }
            fn c() { write!(line, "docker run {image}"); }
            fn d() { let line = format!("cat {file} | wc -l"); }
            fn e() { line.push_str("sudo -n "); }
            fn f() { let line = format!(r#"systemctl show "{unit}""#); }
            fn g() { let line = format!("{base} 2>/dev/null"); }
        "##;
        assert_eq!(lines(HERE, text), ["2", "3", "4", "5", "6", "7", "8"]);
        assert_eq!(lines("xtask/src/a.rs", text).len(), 7);
    }

    #[test]
    fn lets_texts_for_people_be() {
        let text = r##"
            #[derive(Error)] enum E { #[error("sudo refused {user}")] A }
            fn a() { bail!("docker {version} is too old"); }
            fn hint(&self) -> Option<String> { match self { A => Some(format!("sudo usermod {user}")), _ => None } }
            fn b() { E { hint: format!("ssh {host}") }; x.with_hint(format!("sudo {x}")); Hint::new(format!("docker {x}")); }
            fn c() { let s = "sudo systemctl restart ssh"; format!("{a}, pseudo {b} vctr {c}"); }
            // tidy: allow-text drawn in a table
            fn d() { format!("{a} | {b}") }
            fn e() { Command::new("sh").arg("-c").arg("echo \"$1\""); format!("{x}"); }
            fn f() { args.extend(["-c", file]); let all = names.join(" "); }
        "##;
        assert!(lines(HERE, text).is_empty(), "{:?}", lines(HERE, text));
    }

    #[test]
    fn lets_the_builders_and_the_drawings_be() {
        let text = r#"fn a() { format!("sudo {x} | y"); }"#;
        assert!(lines("crates/core/src/command/shell.rs", text).is_empty());
        assert!(lines("crates/core/src/quote.rs", text).is_empty());
        assert!(lines("crates/cli/src/render/table.rs", text).is_empty());
        assert_eq!(lines("crates/core/src/event.rs", text), ["1"]);
    }
}
