//! OpenSSH's own tools as the judge of matching.

use std::{fs, path::Path, process::Command};

use proptest::prelude::*;
use russh::keys::PublicKey;
use towline_remote::known_hosts::{HostName, LineFault, Verdict};

use super::support::{Folder, ecdsa, key, open, text};

fn keygen(args: &[&str], file: &Path) -> String {
    let done = Command::new("ssh-keygen")
        .args(args)
        .arg("-f")
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// The lines that `ssh-keygen -F` finds for a name.
fn found_by_openssh(name: &str, file: &Path) -> Vec<usize> {
    let said = keygen(&["-F", name], file);
    let numbers = said.lines().filter(|line| line.starts_with("# Host "));
    let number = |line: &str| {
        let (_, rest) = line.split_once(" found: line ").unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    };
    numbers.map(number).collect()
}

/// The lines that we find for a name: plain keys, which all show up when none of them fits, and
/// those whose key turned out to be broken, at which `ssh-keygen -F` does not look.
fn found_by_us(name: &HostName, file: &Path) -> Vec<usize> {
    let known_hosts = open(file);
    let mut lines = match known_hosts.check(name, &key(u64::MAX)) {
        Verdict::Changed { known } => known.iter().map(|known| known.at.line).collect(),
        Verdict::Unknown { .. } => Vec::new(),
        other => panic!("{other:?}"),
    };
    let warnings = known_hosts.warnings();
    let broken = warnings.iter().filter(|line| line.fault == LineFault::Key);
    lines.extend(broken.map(|line| line.at.line));
    lines.sort_unstable();
    lines
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{1,2}",
        1 => "[aB]\\.[ab]",
        1 => "\\[[ab]\\]:22",
        1 => "10\\.0\\.0\\.[12]",
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => name(),
        2 => "[ab*?]{1,4}",
        1 => "![ab*?]{1,2}",
        1 => "\\[[ab*]\\]:[2*]{1,2}",
    ]
}

fn offered() -> impl Strategy<Value = PublicKey> {
    prop_oneof![(0..3_u64).prop_map(key), Just(ecdsa())]
}

fn line() -> impl Strategy<Value = String> {
    let blank = || prop_oneof![4 => Just(" "), 1 => Just("\t"), 1 => Just("  ")];
    let hosts = || prop::collection::vec(pattern(), 1..4).prop_map(|hosts| hosts.join(","));
    let entry = (hosts(), blank(), offered(), "( comment| a b)?");
    prop_oneof![
        8 => entry.prop_map(|(hosts, blank, key, comment)| {
            format!("{hosts}{blank}{}{comment}", text(&key))
        }),
        1 => Just(String::new()),
        1 => Just("# a comment".to_owned()),
        1 => hosts().prop_map(|hosts| format!("{hosts} ssh-ed25519 AAAA")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn names_are_found_where_openssh_finds_them(
        lines in prop::collection::vec(line(), 0..12),
        name in name(),
        hashed in any::<bool>(),
    ) {
        let folder = Folder::with(&(lines.join("\n") + "\n"));
        let host = HostName::alias(&name).unwrap();
        let before = found_by_us(&host, &folder.file());
        // OpenSSH looks names up in lower case, but its tool takes them as they are.
        prop_assert_eq!(&before, &found_by_openssh(host.as_str(), &folder.file()));
        if hashed {
            keygen(&["-H"], &folder.file());
            prop_assert_eq!(
                found_by_us(&host, &folder.file()),
                found_by_openssh(host.as_str(), &folder.file())
            );
        }
    }
}

#[test]
fn what_openssh_hashed_is_found() {
    let folder = Folder::with(&format!(
        "web,[web]:2222 {}\ndb {}\n",
        text(&key(1)),
        text(&key(2))
    ));
    keygen(&["-H"], &folder.file());
    assert!(folder.content().starts_with("|1|"));
    let known = folder.open();
    for (name, port, number) in [("web", 22, 1), ("web", 2222, 1), ("DB", 22, 2)] {
        let host = HostName::new(name, port).unwrap();
        let verdict = known.check(&host, &key(number));
        assert!(matches!(verdict, Verdict::Trusted { .. }), "{name} {port}");
    }
    fs::remove_file(folder.path().join("known_hosts.old")).unwrap();
}
