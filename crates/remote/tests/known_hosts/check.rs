//! What the files say of a key.

use std::{fs, path::PathBuf};

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use towline_remote::known_hosts::{
    Decision, HostKeyError, HostKeyPolicy, HostName, KnownHosts, KnownHostsError, LineFault,
    Options, TrustedBy, Verdict, decide,
};

use super::support::{Folder, ecdsa, host, key, on_port, text, trusted_line};

#[test]
fn a_host_may_have_several_keys() {
    let file = Folder::with(&format!(
        "# two of them\nweb {}\nweb,10.0.0.1 {}\n",
        text(&ecdsa()),
        text(&key(1))
    ));
    let known = file.open();
    for (name, line) in [("web", 3), ("WEB", 3), ("10.0.0.1", 3)] {
        let verdict = known.check(&host(name), &key(1));
        assert_eq!(
            trusted_line(&verdict),
            Some((line, TrustedBy::Key)),
            "{name}"
        );
    }
    let verdict = known.check(&host("web"), &ecdsa());
    assert_eq!(trusted_line(&verdict), Some((2, TrustedBy::Key)));
}

#[test]
fn another_key_of_either_type_is_a_change() {
    let file = Folder::with(&format!("web {}\n", text(&key(1))));
    let known = file.open();
    for offered in [key(2), ecdsa()] {
        let Verdict::Changed { known } = known.check(&host("web"), &offered) else {
            panic!("{offered:?} was not seen as a change");
        };
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].at.line, 1);
        assert_eq!(known[0].fingerprint, key(1).fingerprint(HashAlg::Sha256));
    }
}

#[test]
fn a_change_is_told_with_both_fingerprints_the_place_and_the_cure() {
    let file = Folder::with(&format!("web {}\n", text(&key(1))));
    let verdict = file.open().check(&host("web"), &key(2));
    let Decision::Refuse(error) = decide(HostKeyPolicy::AcceptNew, &host("web"), &key(2), verdict)
    else {
        panic!("a changed key was accepted");
    };
    let said = error.to_string();
    for part in [
        key(1).fingerprint(HashAlg::Sha256).to_string(),
        key(2).fingerprint(HashAlg::Sha256).to_string(),
        format!("{}:1", file.file().display()),
        "web".to_owned(),
        "ED25519".to_owned(),
    ] {
        assert!(said.contains(&part), "{part} is not in {said:?}");
    }
    assert!(error.hint("web-01").contains("tow node trust web-01"));
}

#[test]
fn the_port_has_keys_of_its_own_but_the_bare_name_vouches_for_it() {
    let (bare, port) = (text(&key(1)), text(&key(2)));
    let file = Folder::with(&format!("web {bare}\n[web]:2222 {port}\n"));
    let known = file.open();
    let trusted = |host, number| trusted_line(&known.check(&host, &key(number))).map(|at| at.0);
    assert_eq!(trusted(on_port("web", 2222), 2), Some(2));
    assert_eq!(trusted(on_port("web", 2222), 1), None, "known and changed");
    assert_eq!(trusted(on_port("web", 2200), 1), Some(1));
    assert_eq!(trusted(on_port("web", 22), 2), None);
    let other_machine = known.check(&on_port("web", 2200), &key(3));
    assert_eq!(other_machine, Verdict::Unknown { authority: None });
    let alias = HostName::alias("web").unwrap();
    assert_eq!(trusted(alias, 1), Some(1));
}

#[test]
fn revocation_wins_over_everything() {
    let revoked = text(&key(1));
    let file = Folder::with(&format!(
        "web {revoked}\n[web]:2222 {revoked}\n@revoked web {revoked}\n"
    ));
    for host in [host("web"), on_port("web", 2222)] {
        let verdict = file.open().check(&host, &key(1));
        assert!(
            matches!(&verdict, Verdict::Revoked { at } if at.line == 3),
            "{verdict:?}"
        );
        for policy in [HostKeyPolicy::Strict, HostKeyPolicy::AcceptNew] {
            let decision = decide(policy, &host, &key(1), verdict.clone());
            assert!(
                matches!(decision, Decision::Refuse(error) if matches!(*error, HostKeyError::Revoked { .. }))
            );
        }
    }
    let other = file.open().check(&host("other"), &key(1));
    assert_eq!(other, Verdict::Unknown { authority: None });
}

#[test]
fn a_revoked_key_does_not_count_as_known() {
    let file = Folder::with(&format!("@revoked * {}\n", text(&key(1))));
    let verdict = file.open().check(&host("web"), &key(2));
    assert_eq!(verdict, Verdict::Unknown { authority: None });
}

#[test]
fn unknown_hosts_are_pinned_or_refused_by_policy() {
    let file = Folder::with("");
    let verdict = file.open().check(&host("web"), &key(1));
    let decided = |policy| decide(policy, &host("web"), &key(1), verdict.clone());
    assert_eq!(decided(HostKeyPolicy::AcceptNew), Decision::AcceptAndPin);
    assert!(
        matches!(decided(HostKeyPolicy::Strict), Decision::Refuse(error) if matches!(*error, HostKeyError::Unknown { .. }))
    );
    assert_eq!(HostKeyPolicy::default(), HostKeyPolicy::AcceptNew);
}

#[test]
fn a_listed_authority_is_not_got_around_with_a_plain_key() {
    let file = Folder::with(&format!("@cert-authority *.lan {}\n", text(&key(9))));
    let verdict = file.open().check(&host("web.lan"), &key(1));
    assert!(matches!(verdict, Verdict::Unknown { authority: Some(_) }));
    let decision = decide(HostKeyPolicy::AcceptNew, &host("web.lan"), &key(1), verdict);
    assert!(
        matches!(decision, Decision::Refuse(error) if matches!(*error, HostKeyError::Uncertified { .. }))
    );
}

#[test]
fn broken_lines_are_skipped_and_told() {
    let good = text(&key(1));
    let file = Folder::with(&format!(
        "@reboked a {good}\nweb\n|1|x|y {good}\nweb ssh-ed25519 AAAA\nweb ssh-rsa {}\nweb {good}\n",
        good.split_once(' ').unwrap().1
    ));
    let known = file.open();
    let verdict = known.check(&host("web"), &key(1));
    assert_eq!(trusted_line(&verdict), Some((6, TrustedBy::Key)));
    let told: Vec<_> = known
        .warnings()
        .iter()
        .map(|w| (w.at.line, w.fault))
        .collect();
    assert_eq!(
        told,
        [
            (1, LineFault::Marker),
            (2, LineFault::Fields),
            (3, LineFault::Hash),
            (4, LineFault::Key),
            (5, LineFault::KeyType),
        ]
    );
}

#[test]
fn files_count_in_their_order_and_missing_ones_are_empty() {
    let user = Folder::with(&format!("web {}\n", text(&key(1))));
    let global = Folder::with(&format!("web {}\ndb {}\n", text(&key(1)), text(&key(2))));
    let missing = user.path().join("none/there");
    let known = KnownHosts::open(
        &[missing, user.file()],
        &[global.file(), PathBuf::from("/dev/null")],
        Options::default(),
    )
    .unwrap();
    match known.check(&host("web"), &key(1)) {
        Verdict::Trusted { at, .. } => assert_eq!(*at.file, *user.file()),
        other => panic!("{other:?}"),
    }
    match known.check(&host("db"), &key(2)) {
        Verdict::Trusted { at, .. } => assert_eq!(*at.file, *global.file()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_can_not_be_read_is_an_error() {
    let folder = Folder::with("");
    fs::create_dir(folder.path().join("dir")).unwrap();
    let files = [folder.path().join("dir")];
    match KnownHosts::open(&files, &[], Options::default()) {
        Err(KnownHostsError::Read { path, .. }) => assert_eq!(path, files[0]),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("a folder was read as a file"),
    }
}

#[test]
fn what_is_no_utf8_is_no_obstacle() {
    let file = Folder::with("");
    let mut content = b"# caf\xe9\n\xff\xfe ".to_vec();
    let good = text(&key(1));
    content.extend_from_slice(format!("{good}\nweb {good} ").as_bytes());
    content.extend_from_slice(b"\xe9\n");
    fs::write(file.file(), content).unwrap();
    let verdict = file.open().check(&host("web"), &key(1));
    assert_eq!(trusted_line(&verdict), Some((3, TrustedBy::Key)));
}

#[test]
fn algorithms_of_known_keys_are_asked_for_first() {
    let p256 = Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    let preferred = [
        Algorithm::Ed25519,
        rsa(HashAlg::Sha512),
        p256.clone(),
        rsa(HashAlg::Sha256),
    ];
    let file = Folder::with(&format!(
        "web {}\nboth {}\nboth {}\n",
        text(&ecdsa()),
        text(&ecdsa()),
        text(&key(1))
    ));
    let known = file.open();
    let order = |host| known.order_algorithms(&host, &preferred);
    assert_eq!(order(host("web"))[0], p256);
    assert_eq!(order(on_port("web", 2222))[0], p256, "by its bare name");
    assert_eq!(order(host("both")), preferred, "the best one is known");
    assert_eq!(order(host("new")), preferred);
    assert_eq!(order(host("web")).len(), preferred.len());
}
