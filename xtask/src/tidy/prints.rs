//! Only the command line prints and reads the terminal; the libraries emit events.

use super::{Report, tree::Tree};

const MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];
const STREAMS: &[&str] = &["stdin", "stdout", "stderr"];

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    let bound = |source: &&super::source::Source| {
        !matches!(source.room(), Some("cli" | "xtask")) && !source.is_build_script()
    };
    for source in tree.sources().filter(bound) {
        for (at, token) in source.tokens.iter().enumerate() {
            let found = match source.macro_at(at) {
                Some(name) if MACROS.contains(&name) => format!("{name}!"),
                _ => match source.taken_from(at, "io", STREAMS).as_slice() {
                    [] => continue,
                    streams => format!("io::{}", streams.join(", io::")),
                },
            };
            let message = format!("{found} outside of cli: emit an event or return a value");
            report.find(&source.path, token.line, message);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    #[test]
    fn finds_prints_and_streams() {
        let text = r#"
            use std::io::{self, stdout};
            fn a() { println!("x"); }
            fn b() { tokio::select! { _ = x => eprintln!("y"), } }
            fn c() { io::stderr(); tokio::io::stdin(); }
            #[cfg(test)] mod tests { fn d() { dbg!(1); } }
        "#;
        assert_eq!(
            places(check, &[("crates/core/src/a.rs", text)]),
            [2, 3, 4, 5, 5, 6].map(|line| format!("crates/core/src/a.rs:{line}"))
        );
    }

    #[test]
    fn lets_others_be() {
        let harmless = r#"
            /// println!("in docs")
            fn a() {
                // println!("in a comment")
                let text = "println!()";
                command.stdout(Stdio::piped()).stderr(x);
                write!(out, "x");
                io::copy(a, b);
            }
        "#;
        let printing = "fn main() { println!(); }";
        assert!(
            places(
                check,
                &[
                    ("crates/core/src/a.rs", harmless),
                    ("crates/cli/src/a.rs", printing),
                    ("crates/core/build.rs", printing),
                    ("xtask/src/main.rs", printing),
                ]
            )
            .is_empty()
        );
    }
}
