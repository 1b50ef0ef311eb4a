//! Only the command line reads the user's environment; the libraries take values.

use super::{Report, tree::Tree};

const READS: &[&str] = &[
    "args",
    "args_os",
    "current_dir",
    "home_dir",
    "remove_var",
    "set_current_dir",
    "set_var",
    "temp_dir",
    "var",
    "var_os",
    "vars",
    "vars_os",
];

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    let bound = |source: &&super::source::Source| {
        !matches!(source.room(), Some("cli" | "xtask")) && !source.is_build_script()
    };
    for source in tree.sources().filter(bound) {
        for (at, token) in source.tokens.iter().enumerate() {
            if token.in_test {
                continue;
            }
            for name in source.taken_from(at, "env", READS) {
                let message = format!("env::{name} outside of cli: take the value as a parameter");
                report.find(&source.path, token.line, message);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    #[test]
    fn finds_reads_however_they_are_imported() {
        let text = r#"
            use std::env::{self, temp_dir};
            fn a() { std::env::var("HOME"); }
            fn b() { env::current_dir(); }
        "#;
        assert_eq!(
            places(check, &[("crates/remote/src/a.rs", text)]),
            [2, 3, 4].map(|line| format!("crates/remote/src/a.rs:{line}"))
        );
    }

    #[test]
    fn lets_cli_tests_and_other_things_be() {
        let reading = r#"fn a() { std::env::var("HOME"); }"#;
        let harmless = r#"
            fn a() { command.env("A", "b").current_dir(x); env!("CARGO_MANIFEST_DIR"); self.env.var(); }
            #[cfg(test)] mod tests { fn b() { std::env::var("PATH"); } }
        "#;
        assert!(
            places(
                check,
                &[
                    ("crates/cli/src/a.rs", reading),
                    ("crates/remote/tests/a.rs", reading),
                    ("crates/remote/build.rs", reading),
                    ("xtask/src/a.rs", reading),
                    ("crates/remote/src/a.rs", harmless),
                ]
            )
            .is_empty()
        );
    }
}
