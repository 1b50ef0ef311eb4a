//! Every command of the command line has its file of tests, and it is run.

use std::path::{Path, PathBuf};

use super::{Report, source::Source, tree::Tree};

const COMMANDS: &str = "crates/cli/src/commands";
const TESTS: &str = "crates/cli/tests/commands";

/// Files that hold modules together and are no command.
const FRAMES: &[&str] = &["mod.rs", "main.rs"];

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    for source in tree.sources().filter(|source| !is_frame(&source.path)) {
        if let Ok(name) = source.path.strip_prefix(COMMANDS) {
            let test = Path::new(TESTS).join(name);
            if !source.is_test && !tree.has(&test) {
                let message = format!(
                    "this command has no tests: write them in {}",
                    test.display()
                );
                report.find(&source.path, 0, message);
            }
        } else if let Ok(name) = source.path.strip_prefix(TESTS) {
            let command = Path::new(COMMANDS).join(name);
            if !(tree.has(&command) || is_part(tree, name)) {
                let message = format!(
                    "there is no command {}: rename the tests as the command was",
                    command.display()
                );
                report.find(&source.path, 0, message);
            }
            if !has_tests(source) {
                report.find(
                    &source.path,
                    0,
                    "there is no test in it: write one that can fail",
                );
            }
            if !is_declared(tree, &source.path) {
                let message = "nothing declares it as a module, so it is never run: add a `mod` \
                               line to the main.rs or mod.rs beside it";
                report.find(&source.path, 0, message);
            }
        }
    }
    Ok(())
}

fn is_frame(path: &Path) -> bool {
    FRAMES
        .iter()
        .any(|frame| path.file_name().is_some_and(|name| name == *frame))
}

/// Whether the tests are a part of those of a command that is a folder: `exec/faults.rs`, where
/// there is `exec/mod.rs`. A group of commands has a `mod.rs` too, but each file of its folder is
/// a command of its own, and needs its own name.
fn is_part(tree: &Tree, name: &Path) -> bool {
    let Some(folder) = name.parent().filter(|folder| *folder != Path::new("")) else {
        return false;
    };
    let frame = Path::new(COMMANDS).join(folder).join("mod.rs");
    tree.sources()
        .filter(|source| source.path == frame)
        .any(|source| (0..source.tokens.len()).any(|at| source.reads(at, &["struct", "Args"])))
}

/// Whether there is a `#[test]`, of whatever runtime.
fn has_tests(source: &Source) -> bool {
    source.tokens.iter().enumerate().any(|(at, token)| {
        token.in_attribute
            && token.text == "test"
            && (source.reads(at + 1, &["]"]) || source.reads(at + 1, &["("]))
    })
}

/// Whether the module is declared where Rust would look for it.
fn is_declared(tree: &Tree, path: &Path) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_stem()) else {
        return false;
    };
    let name = name.to_string_lossy();
    let frames: Vec<PathBuf> = FRAMES
        .iter()
        .map(|frame| folder.join(frame))
        .chain([folder.with_extension("rs")])
        .collect();
    tree.sources()
        .filter(|source| frames.contains(&source.path))
        .any(|source| (0..source.tokens.len()).any(|at| source.reads(at, &["mod", &name, ";"])))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::places, *};

    #[test]
    fn a_command_and_its_tests_mirror_each_other() {
        assert_eq!(
            places(
                check,
                &[
                    ("crates/cli/src/commands/mod.rs", ""),
                    ("crates/cli/src/commands/exec.rs", ""),
                    ("crates/cli/src/commands/node/ls.rs", ""),
                    ("crates/cli/src/commands/status.rs", ""),
                    (
                        "crates/cli/tests/commands/main.rs",
                        "mod exec; mod gone; mod node;"
                    ),
                    ("crates/cli/tests/commands/exec.rs", "#[test] fn a() {}"),
                    (
                        "crates/cli/tests/commands/gone.rs",
                        "#[tokio::test] async fn a() {}"
                    ),
                    ("crates/cli/tests/commands/node/mod.rs", "mod ls;"),
                    (
                        "crates/cli/tests/commands/node/ls.rs",
                        "#[tokio::test(start_paused = true)] async fn a() {}"
                    ),
                ]
            ),
            [
                "crates/cli/src/commands/status.rs:0",
                "crates/cli/tests/commands/gone.rs:0"
            ]
        );
    }

    #[test]
    fn the_tests_of_a_command_may_come_in_parts() {
        let files = |frame| {
            [
                ("crates/cli/src/commands/exec/mod.rs", frame),
                ("crates/cli/tests/commands/exec/mod.rs", "mod faults;"),
                (
                    "crates/cli/tests/commands/exec/faults.rs",
                    "#[test] fn a() {}",
                ),
            ]
        };
        assert!(places(check, &files("pub(crate) struct Args {}")).is_empty());
        assert_eq!(
            places(check, &files("pub(crate) enum Commands {}")),
            ["crates/cli/tests/commands/exec/faults.rs:0"]
        );
    }

    #[test]
    fn tests_that_are_never_run_are_found() {
        assert_eq!(
            places(
                check,
                &[
                    ("crates/cli/src/commands/exec.rs", ""),
                    ("crates/cli/src/commands/doctor.rs", ""),
                    ("crates/cli/tests/commands/main.rs", "mod exec;"),
                    ("crates/cli/tests/commands/exec.rs", "fn helper() {}"),
                    ("crates/cli/tests/commands/doctor.rs", "#[test] fn a() {}"),
                ]
            ),
            [
                "crates/cli/tests/commands/doctor.rs:0",
                "crates/cli/tests/commands/exec.rs:0"
            ]
        );
    }

    #[test]
    fn where_there_are_no_commands_there_is_nothing_to_find() {
        assert!(
            places(
                check,
                &[
                    ("crates/cli/src/main.rs", ""),
                    ("crates/cli/tests/x.rs", "")
                ]
            )
            .is_empty()
        );
    }
}
