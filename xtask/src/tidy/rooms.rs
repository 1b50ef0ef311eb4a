//! Which room may use which, and which may use what from outside.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::{Report, tree::Tree};

/// What a room is called as a package.
const PREFIX: &str = "towline-";

/// The room with test nodes. It is for tests, and for `tow demo`.
const TESTKIT: &str = "testkit";

/// Each room with those it may use. The rooms to come have their place already.
const ROOMS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("remote", &["core"]),
    ("fleet", &["core", "remote"]),
    ("image", &["core", "remote", "fleet"]),
    ("workload", &["core", "remote", "fleet"]),
    ("stack", &["core", "remote", "fleet", "image", "workload"]),
    ("deploy", &["core", "remote", "fleet", "image", "workload"]),
    ("store", &["core"]),
    (
        "engine",
        &[
            "core", "remote", "fleet", "image", "workload", "stack", "deploy", "store",
        ],
    ),
    ("agent", &["core"]),
    // Not the store: only cli chooses a concrete one.
    (
        "server",
        &[
            "core", "remote", "fleet", "image", "workload", "stack", "deploy", "engine",
        ],
    ),
    (
        "cli",
        &[
            "core", "remote", "fleet", "image", "workload", "stack", "deploy", "store", "engine",
            "agent", "server", TESTKIT,
        ],
    ),
    (TESTKIT, &["core", "remote"]),
];

/// Crates from outside that only some rooms may use, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("anyhow", &["cli"], "a library's errors are typed"),
    ("clap", &["cli"], "only cli reads the command line"),
    ("anstream", &["cli"], "only cli prints"),
    ("comfy-table", &["cli"], "only cli prints"),
    ("terminal_size", &["cli"], "only cli reads the terminal"),
];

/// What core may not use, since it does no I/O.
const NOT_IN_CORE: &[&str] = &["tokio", "russh", "openssh", "rustix", "reqwest", "hyper"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev` or `build`; none for a normal one.
    kind: Option<String>,
}

pub(super) fn check(tree: &Tree, report: &mut Report) -> anyhow::Result<()> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(&tree.root)
        .output()
        .context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")?;
    judge(&metadata, tree, report);
    Ok(())
}

fn judge(metadata: &Metadata, tree: &Tree, report: &mut Report) {
    for package in &metadata.packages {
        // The chores are no room, they may use what they like.
        let Some(room) = package.name.strip_prefix(PREFIX) else {
            continue;
        };
        let manifest = package.manifest_path.strip_prefix(&tree.root);
        let manifest = manifest.unwrap_or(&package.manifest_path);
        let Some((_, may_use)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            let message = "this room has no place in the house: add it to ARCHITECTURE.md and to \
                           the table of this check";
            report.find(manifest, 0, message);
            continue;
        };
        for dependency in &package.dependencies {
            if let Some(message) = objection(room, may_use, dependency) {
                report.find(manifest, line_of(tree, manifest, &dependency.name), message);
            }
        }
    }
}

/// What is wrong with that dependency, if anything.
fn objection(room: &str, may_use: &[&str], dependency: &Dependency) -> Option<String> {
    let for_tests = dependency.kind.as_deref() == Some("dev");
    let name = dependency.name.as_str();
    if let Some(used) = name.strip_prefix(PREFIX) {
        return match used {
            TESTKIT if for_tests || may_use.contains(&TESTKIT) => None,
            TESTKIT => Some("testkit is for tests: move it to [dev-dependencies]".to_owned()),
            _ if may_use.contains(&used) => None,
            _ => Some(format!(
                "{room} may not use {used}, which lies further out: move what is shared inwards, \
                 or hand it in as a value or a trait"
            )),
        };
    }
    if for_tests {
        return None;
    }
    if let Some((_, rooms, why)) = RESERVED.iter().find(|(reserved, ..)| *reserved == name)
        && !rooms.contains(&room)
    {
        return Some(format!(
            "{room} may not use {name}: {why}; move what needs it to {}",
            rooms.join(" or ")
        ));
    }
    (room == "core" && NOT_IN_CORE.contains(&name)).then(|| {
        format!("core does no I/O and may not use {name}: move what needs it to remote or fleet")
    })
}

/// Where a dependency stands in its manifest; 0 where it is not found.
fn line_of(tree: &Tree, manifest: &Path, dependency: &str) -> usize {
    let text = tree.text(manifest).unwrap_or_default();
    let names_it = |line: &str| {
        line.trim_start_matches('"')
            .strip_prefix(dependency)
            .is_some_and(|rest| rest.starts_with([' ', '.', '=', '"']))
    };
    text.lines().position(names_it).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Findings for one room with one dependency, written `name` or `name:kind`.
    fn findings(package: &str, dependency: &str) -> Vec<String> {
        let (name, kind) = dependency
            .split_once(':')
            .map_or((dependency, None), |(n, k)| (n, Some(k)));
        let metadata = serde_json::from_value(serde_json::json!({"packages": [{
            "name": package,
            "manifest_path": "/nowhere/crates/x/Cargo.toml",
            "dependencies": [{"name": name, "kind": kind}],
        }]}))
        .unwrap();
        let manifest = format!("[dependencies]\nother = \"1\"\n{name}.workspace = true\n");
        let mut report = Report::default();
        judge(
            &metadata,
            &Tree::of(&[("crates/x/Cargo.toml", &manifest)]),
            &mut report,
        );
        report.findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_room_uses_only_what_lies_further_in() {
        for (room, used) in [
            ("towline-remote", "towline-core"),
            ("towline-fleet", "towline-core"),
            ("towline-cli", "towline-fleet"),
            ("towline-cli", "towline-testkit"),
            ("towline-cli", "anyhow"),
            ("towline-remote", "towline-testkit:dev"),
            ("towline-remote", "tokio"),
            ("towline-core", "serde"),
            ("towline-core", "tokio:dev"),
            ("xtask", "towline-testkit"),
            ("xtask", "anyhow"),
        ] {
            assert!(findings(room, used).is_empty(), "{room} -> {used}");
        }
        for (room, used) in [
            ("towline-core", "towline-remote"),
            ("towline-remote", "towline-fleet"),
            ("towline-remote", "towline-fleet:dev"),
            ("towline-fleet", "towline-cli"),
            ("towline-image", "towline-workload"),
            ("towline-server", "towline-store"),
            ("towline-remote", "towline-testkit"),
            ("towline-fleet", "anyhow"),
            ("towline-core", "tokio"),
            ("towline-common", "serde"),
        ] {
            assert_eq!(findings(room, used).len(), 1, "{room} -> {used}");
        }
    }

    #[test]
    fn says_where_it_stands() {
        let found = findings("towline-core", "towline-remote");
        assert!(
            found[0].starts_with("crates/x/Cargo.toml:3: core may not use remote"),
            "{found:?}"
        );
    }

    #[test]
    fn every_room_of_the_table_may_use_only_rooms_of_the_table() {
        for (room, may_use) in ROOMS {
            for used in *may_use {
                assert!(
                    ROOMS.iter().any(|(name, _)| name == used),
                    "{room} -> {used}"
                );
                assert_ne!(room, used);
            }
        }
    }
}
