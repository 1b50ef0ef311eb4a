//! Keys that are replaced because their user said so.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use proptest::prelude::*;
use russh::keys::HashAlg;
use towline_remote::known_hosts::{
    HostKeyError, HostName, KnownHosts, KnownHostsError, Options, Verdict,
};

use super::support::{Folder, ecdsa, host, key, on_port, text, trusted_line};

fn trusts(known: &KnownHosts, name: &HostName, number: u64) -> bool {
    trusted_line(&known.check(name, &key(number))).is_some()
}

#[test]
fn only_the_hosts_own_keys_are_replaced() {
    let (old, other, new) = (text(&key(1)), text(&key(2)), text(&key(3)));
    let file = Folder::with(&format!(
        "# keys\r\n  db,WEB,10.0.0.1\t{old} shared\nother {other} # note\n@cert-authority web {other}\n\
         web {}\n[web]:2222 {old}\nweb ssh-ed25519 broken\n*.lan {other}",
        text(&ecdsa())
    ));
    fs::set_permissions(file.file(), fs::Permissions::from_mode(0o640)).unwrap();
    let known = file.open();
    let replaced = known.retrust(&host("web"), &key(3)).unwrap();
    assert_eq!(
        file.content(),
        format!(
            "# keys\r\nweb {new}\n  db,10.0.0.1\t{old} shared\nother {other} # note\n\
             @cert-authority web {other}\n[web]:2222 {old}\nweb ssh-ed25519 broken\n*.lan {other}"
        )
    );
    let removed: Vec<_> = replaced.removed.iter().map(|key| key.at.line).collect();
    assert_eq!(removed, [2, 5]);
    assert!(replaced.remaining.is_empty());
    assert_eq!(
        fs::metadata(file.file()).unwrap().permissions().mode() & 0o777,
        0o640
    );
    for known in [known, file.open()] {
        assert!(trusts(&known, &host("web"), 3));
        assert!(!trusts(&known, &host("web"), 1));
        assert!(trusts(&known, &host("db"), 1));
        assert!(trusts(&known, &on_port("web", 2222), 1));
    }
    let left: Vec<_> = fs::read_dir(file.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "a file was left behind: {left:?}");
}

#[test]
fn doing_it_twice_changes_nothing() {
    let file = Folder::with(&format!("web {}\n", text(&key(1))));
    let known = file.open();
    known.retrust(&host("web"), &key(2)).unwrap();
    let once = file.content();
    let again = known.retrust(&host("web"), &key(2)).unwrap();
    assert!(again.removed.is_empty() && again.remaining.is_empty());
    assert_eq!(file.content(), once);
    assert_eq!(once, format!("web {}\n", text(&key(2))));
}

#[test]
fn a_key_that_is_listed_already_is_kept_where_it_stands() {
    let content = format!("web {}\nweb {}\n", text(&key(1)), text(&key(2)));
    let file = Folder::with(&content);
    let replaced = file.open().retrust(&host("web"), &key(2)).unwrap();
    assert_eq!(replaced.removed.len(), 1);
    assert_eq!(file.content(), format!("web {}\n", text(&key(2))));
}

#[test]
fn an_unknown_host_is_added() {
    let file = Folder::with("# no end");
    let replaced = file.open().retrust(&host("web"), &key(1)).unwrap();
    assert!(replaced.removed.is_empty());
    assert_eq!(file.content(), format!("# no end\nweb {}\n", text(&key(1))));
}

#[test]
fn hashed_lines_are_found_and_replaced() {
    let file = Folder::with("");
    let options = Options {
        hash_new_entries: true,
    };
    let known = KnownHosts::open(&[file.file()], &[], options).unwrap();
    known.pin(&host("web"), &key(1)).unwrap();
    known.pin(&host("db"), &key(2)).unwrap();
    let replaced = known.retrust(&host("web"), &key(3)).unwrap();
    assert_eq!(replaced.removed.len(), 1);
    assert_eq!(file.content().matches("|1|").count(), 2);
    let known = file.open();
    assert!(trusts(&known, &host("web"), 3) && !trusts(&known, &host("web"), 1));
    assert!(trusts(&known, &host("db"), 2));
}

#[test]
fn patterns_and_the_systems_files_stay_and_are_told() {
    let file = Folder::with(&format!("w*,web,!db {}\n", text(&key(1))));
    let global = Folder::with(&format!("web {}\n", text(&key(2))));
    let before = global.content();
    let known = KnownHosts::open(&[file.file()], &[global.file()], Options::default()).unwrap();
    let replaced = known.retrust(&host("web"), &key(3)).unwrap();
    assert_eq!(replaced.removed.len(), 1);
    assert_eq!(replaced.remaining.len(), 2);
    assert_eq!(
        file.content(),
        format!("web {}\nw*,!db {}\n", text(&key(3)), text(&key(1)))
    );
    assert_eq!(global.content(), before);
}

#[test]
fn all_of_the_users_files_are_cleaned_and_symlinks_stay() {
    let first = Folder::with(&format!("db {}\n", text(&key(2))));
    let second = Folder::with(&format!("web {}\n# end\n", text(&key(1))));
    let link = second.path().join("link");
    symlink("known_hosts", &link).unwrap();
    let files = [first.file(), link.clone(), second.path().join("missing")];
    let known = KnownHosts::open(&files, &[], Options::default()).unwrap();
    known.retrust(&host("web"), &key(3)).unwrap();
    assert_eq!(second.content(), "# end\n");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(
        first
            .content()
            .ends_with(&format!("web {}\n", text(&key(3))))
    );
    assert!(!files[2].exists());
}

#[test]
fn a_revoked_key_is_never_trusted_again() {
    let content = format!("web {}\n@revoked * {}\n", text(&key(1)), text(&key(2)));
    let file = Folder::with(&content);
    let refused = file.open().retrust(&host("web"), &key(2)).unwrap_err();
    assert!(
        matches!(refused, KnownHostsError::Refused(error) if matches!(*error, HostKeyError::Revoked { .. }))
    );
    assert_eq!(file.content(), content);
}

#[test]
fn without_a_file_the_change_holds_for_this_run() {
    let known = KnownHosts::open(&[], &[], Options::default()).unwrap();
    known.pin(&host("web"), &key(1)).unwrap();
    let replaced = known.retrust(&host("web"), &key(2)).unwrap();
    assert_eq!(replaced.removed.len(), 1);
    assert!(trusts(&known, &host("web"), 2));
    assert!(matches!(
        known.check(&host("web"), &key(1)),
        Verdict::Changed { .. }
    ));
}

fn hosts() -> impl Strategy<Value = String> {
    let name = prop_oneof![3 => "[abC]", 1 => "[ab]\\*", 1 => "![abc]", 1 => "\\[[ab]\\]:2"];
    prop::collection::vec(name, 1..4).prop_map(|hosts| hosts.join(","))
}

proptest! {
    #[test]
    fn other_hosts_never_notice(
        lines in prop::collection::vec(
            (prop_oneof![4 => Just(""), 1 => Just("@cert-authority "), 1 => Just("# ")], hosts(), 0..3_u64),
            0..8,
        ),
        ended in any::<bool>(),
    ) {
        let lines = lines.iter().map(|(marker, hosts, number)| {
            format!("{marker}{hosts} {}", text(&key(*number)))
        });
        let mut content = lines.collect::<Vec<_>>().join("\n");
        if ended && !content.is_empty() {
            content.push('\n');
        }
        let file = Folder::with(&content);
        let before = file.open();
        let known = file.open();
        let replaced = known.retrust(&host("a"), &key(9)).unwrap();
        prop_assert!(trusts(&file.open(), &host("a"), 9));

        let after = file.open();
        for name in ["b", "c", "ab", "[a]:2", "[b]:2"] {
            let name = HostName::alias(name).unwrap();
            for number in [0, 1, 2, 9] {
                prop_assert_eq!(
                    trusts(&before, &name, number),
                    trusts(&after, &name, number),
                    "{} for key {} in {:?}, now {:?}", name, number, content, file.content()
                );
            }
        }
        for number in 0..3 {
            let fingerprint = key(number).fingerprint(HashAlg::Sha256);
            let remains = replaced.remaining.iter().any(|key| key.fingerprint == fingerprint);
            prop_assert_eq!(trusts(&after, &host("a"), number), remains);
            prop_assert_eq!(trusts(&known, &host("a"), number), remains);
        }
        let comments = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
        prop_assert_eq!(comments(&content), comments(&file.content()));
    }
}
