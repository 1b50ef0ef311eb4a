//! Shell is POSIX and clean: it runs on whatever `sh` a node has.

use std::{path::Path, process::Command};

use anyhow::ensure;

use super::{
    Report,
    tree::{Text, Tree},
};

/// Scripts for people and machines of the project itself, which may ask for another shell.
const OWN_SCRIPTS: &str = "scripts";

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    let scripts: Vec<&Text> = tree.texts().filter(|text| is_script(text)).collect();
    for script in &scripts {
        let first = script.text.lines().next().unwrap_or_default();
        if !is_posix(first) && !script.path.starts_with(OWN_SCRIPTS) {
            let message = "a script is POSIX and begins with `#!/bin/sh`";
            report.find(&script.path, 1, message);
        }
    }
    if scripts.is_empty() {
        return Ok(());
    }
    // One process for all of them: it takes longer to start than to read a script.
    let output = Command::new("shellcheck")
        .args(["--format=gcc", "--norc", "--"])
        .args(scripts.iter().map(|script| &script.path))
        .current_dir(&tree.root)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            let message = format!("shellcheck could not be started ({error}): install it");
            report.find(&scripts[0].path, 0, message);
            return Ok(());
        }
    };
    // 0: clean, 1: findings; more: it could not do its work.
    ensure!(
        matches!(output.status.code(), Some(0 | 1)),
        "shellcheck: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        // `path:line:column: kind: what [SC1234]`
        let mut parts = line.splitn(4, ':');
        if let (Some(path), Some(number), Some(_), Some(what)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        {
            report.find(Path::new(path), number.parse().unwrap_or(0), what.trim());
        }
    }
    Ok(())
}

/// Named as a script, or one by its first line. fish and zsh are beyond shellcheck.
fn is_script(text: &Text) -> bool {
    let first = text.text.lines().next().unwrap_or_default();
    text.path.extension().is_some_and(|e| e == "sh")
        || is_posix(first)
        || (first.starts_with("#!") && first.ends_with("bash"))
}

fn is_posix(first_line: &str) -> bool {
    first_line
        .strip_prefix("#!/bin/sh")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::testing::places_in, *};

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        places_in(check, &Tree::read(folder.path()).unwrap())
    }

    #[test]
    fn finds_what_is_not_posix_or_not_clean() {
        assert_eq!(
            found(&[
                (
                    "crates/a/clean.sh",
                    "#!/bin/sh\nset -eu\nprintf '%s\\n' \"$1\"\n"
                ),
                ("crates/a/bash.sh", "#!/bin/bash\nset -eu\n"),
                ("crates/a/none.sh", "# shellcheck shell=sh\nset -eu\n"),
                ("crates/a/unquoted.sh", "#!/bin/sh\n\nrm -- $1\n"),
                ("crates/a/bashism.sh", "#!/bin/sh\n[[ -n \"$1\" ]]\n"),
                ("scripts/bash.sh", "#!/bin/bash\nset -eu\n"),
                ("scripts/unquoted", "#!/usr/bin/env bash\nrm -- $1\n"),
                (".ci/run", "#!/bin/sh -e\ncd $1\n"),
                ("notes.txt", "rm -- $1\n"),
            ]),
            [
                ".ci/run:2",
                "crates/a/bash.sh:1",
                "crates/a/bashism.sh:2",
                "crates/a/none.sh:1",
                "crates/a/unquoted.sh:3",
                "scripts/unquoted:2",
            ]
        );
    }

    #[test]
    fn where_there_are_no_scripts_nothing_is_started() {
        assert!(found(&[("README.md", "x\n")]).is_empty());
    }
}
