//! Key files of all kinds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use russh::keys::{
    Algorithm, HashAlg, PrivateKey,
    ssh_key::{LineEnding, private::SkEd25519, public},
};
use tempfile::TempDir;
use towline_core::secret::Secret;
use towline_remote::identity::{Identities, IdentityFile, KeyFault, SecretKey, load_identity};

use super::support::{certify, chmod, keygen, named, plain, public as public_of, run};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn fault(path: &Path) -> KeyFault {
    match load_identity(path) {
        Err(error) => {
            assert_eq!(error.path, path);
            error.fault
        }
        Ok(_) => panic!("{} was read", path.display()),
    }
}

/// Why the private half of a key can not be used, its public one being known.
fn unusable(path: &Path) -> String {
    match load_identity(path).unwrap().secret {
        SecretKey::Unusable(error) => error.fault.to_string(),
        _ => panic!("{} can be used", path.display()),
    }
}

#[test]
fn keys_of_all_types_and_formats_are_read() {
    let folder = folder();
    let kinds: [(&str, &[&str]); 11] = [
        ("ed25519", &["-t", "ed25519"]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
        ("p256-pem", &["-t", "ecdsa", "-m", "PEM"]),
        ("p256-pkcs8", &["-t", "ecdsa", "-m", "PKCS8"]),
        ("p384-pem", &["-t", "ecdsa", "-b", "384", "-m", "PEM"]),
        ("p521-pkcs8", &["-t", "ecdsa", "-b", "521", "-m", "PKCS8"]),
    ];
    for (name, args) in kinds {
        let path = keygen(&folder, name, &[args, &["-N", ""]].concat());
        let key = load_identity(&path).unwrap();
        let public: russh::keys::PublicKey = key.public.unwrap().key_data().clone().into();
        assert_eq!(public, public_of(&path), "{name}");
        assert!(matches!(key.secret, SecretKey::Ready(_)), "{name}");
    }
    run(
        folder.path(),
        "openssl",
        &["genpkey", "-algorithm", "ed25519", "-out", "openssl"],
    );
    let path = folder.path().join("openssl");
    chmod(&path, 0o600);
    let key = load_identity(&path).unwrap();
    assert_eq!(key.public.unwrap().algorithm(), Algorithm::Ed25519);
}

#[test]
fn windows_line_ends_and_text_around_do_not_matter() {
    let folder = folder();
    let path = plain(&folder, "key", "ed25519");
    let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
    fs::write(&path, format!("\r\nmy key\r\n{text}\r\n\r\n")).unwrap();
    assert!(load_identity(&path).is_ok());
}

#[test]
fn locked_keys_are_opened_by_their_passphrase_only() {
    let folder = folder();
    let kinds: [(&str, &[&str]); 9] = [
        ("ctr", &["-t", "ed25519"]),
        ("cbc", &["-t", "ed25519", "-Z", "aes128-cbc"]),
        ("gcm", &["-t", "ecdsa", "-Z", "aes256-gcm@openssh.com"]),
        (
            "chacha",
            &["-t", "ed25519", "-Z", "chacha20-poly1305@openssh.com"],
        ),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"]),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
        ("p256-pkcs8", &["-t", "ecdsa", "-m", "PKCS8"]),
        ("bytes", &["-t", "ed25519"]),
    ];
    for (name, args) in kinds {
        let passphrase = if name == "bytes" {
            "schlüssel"
        } else {
            "open sesame"
        };
        let all = [args, &["-a", "1", "-N", passphrase]].concat();
        let path = keygen(&folder, name, &all);
        let mut key = load_identity(&path).unwrap();
        let SecretKey::Locked(locked) = &key.secret else {
            panic!("{name} is not locked");
        };
        let public = public_of(&path);
        assert_eq!(
            key.public.clone().map(|key| key.key_data().clone()),
            Some(public.key_data().clone())
        );
        for wrong in ["", "open sesame ", "sesame"] {
            let refused = locked.unlock(&Secret::new(wrong)).unwrap_err();
            assert!(
                matches!(refused.fault, KeyFault::WrongPassphrase),
                "{name}: {refused:?}"
            );
            assert_eq!(refused.path, path);
        }
        let opened = locked.unlock(&Secret::new(passphrase)).unwrap();
        assert_eq!(opened.public_key().key_data(), public.key_data(), "{name}");
        key.set_unlocked(opened);
        assert!(matches!(key.secret, SecretKey::Ready(_)));
    }
}

#[test]
fn what_only_older_tools_encrypt_is_named() {
    let folder = folder();
    let path = keygen(
        &folder,
        "old",
        &["-t", "ecdsa", "-m", "PEM", "-N", "sesame"],
    );
    assert!(unusable(&path).contains("encrypted in an outdated way"));
    fs::remove_file(folder.path().join("old.pub")).unwrap();
    let error = load_identity(&path).map(|_| ()).unwrap_err();
    assert!(matches!(error.fault, KeyFault::Unsupported(_)) && error.needs_openssh());
    assert!(
        error.hint().contains("ssh-keygen -p -f"),
        "{}",
        error.hint()
    );
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = folder();
    let path = plain(&folder, "key", "ed25519");
    chmod(&path, 0o640);
    assert!(
        unusable(&path).contains("mode 0640"),
        "an agent may hold it"
    );
    fs::remove_file(folder.path().join("key.pub")).unwrap();
    let error = load_identity(&path).map(|_| ()).unwrap_err();
    assert!(matches!(error.fault, KeyFault::TooOpen { mode: 0o640 }));
    assert_eq!(error.hint(), format!("chmod 600 {}", path.display()));
    for mode in [0o600, 0o400, 0o700] {
        chmod(&path, mode);
        assert!(load_identity(&path).is_ok(), "{mode:o}");
    }
}

#[test]
fn a_public_key_stands_for_one_of_the_agent() {
    let folder = folder();
    let path = plain(&folder, "key", "ed25519");
    let file = folder.path().join("key.pub");
    assert!(unusable(&file).contains("public key"));
    let known = load_identity(&file).unwrap().public.unwrap();
    assert_eq!(known.key_data(), public_of(&path).key_data());

    fs::remove_file(&path).unwrap();
    let rest = load_identity(&path).unwrap();
    assert_eq!(rest.public.unwrap().key_data(), known.key_data());
}

#[test]
fn security_keys_need_another_adapter() {
    let folder = folder();
    let handle = SkEd25519::new(
        public::SkEd25519::new(public::Ed25519PublicKey([9; 32]), "ssh:"),
        1,
        vec![1, 2, 3],
    );
    let handle = PrivateKey::from(handle.unwrap());
    let path = folder.path().join("sk");
    fs::write(&path, handle.to_openssh(LineEnding::LF).unwrap().as_str()).unwrap();
    chmod(&path, 0o600);
    let key = load_identity(&path).unwrap();
    assert_eq!(key.public.unwrap().algorithm(), Algorithm::SkEd25519);
    let SecretKey::Unusable(error) = key.secret else {
        panic!("a security key was taken for a key");
    };
    assert!(matches!(error.fault, KeyFault::SecurityKey) && error.needs_openssh());
}

#[test]
fn what_is_no_key_is_an_error() {
    let folder = folder();
    let path = folder.path().join("file");
    assert!(matches!(fault(&path), KeyFault::Missing));
    assert!(matches!(fault(folder.path()), KeyFault::Malformed(_)));
    for text in [
        "",
        "hello",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n*\n",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        "ssh-ed25519 AAAA",
        "PuTTY-User-Key-File-3: ssh-ed25519\n",
    ] {
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
        assert!(matches!(fault(&path), KeyFault::Malformed(_)), "{text:?}");
    }
    fs::write(&path, "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n").unwrap();
    assert!(matches!(fault(&path), KeyFault::Unsupported(_)));
}

#[test]
fn only_named_keys_must_be_there() {
    let folder = folder();
    let usual = |name: &str| IdentityFile {
        path: folder.path().join(name),
        explicit: false,
    };
    let there = plain(&folder, "id_ed25519", "ed25519");
    let broken = usual("id_rsa");
    fs::write(&broken.path, "broken").unwrap();
    let loaded = Identities::load(
        &[
            broken,
            usual("id_ecdsa"),
            usual("id_ed25519"),
            named(&folder.path().join("work")),
        ],
        &[],
    );
    assert_eq!(loaded.keys.len(), 1);
    assert_eq!(loaded.keys[0].path, there);
    let told: Vec<_> = loaded
        .problems
        .iter()
        .map(|e| e.path.file_name().unwrap())
        .collect();
    assert_eq!(told, ["id_rsa", "work"]);
    assert!(matches!(loaded.problems[1].fault, KeyFault::Missing));
}

#[test]
fn certificates_are_found_beside_the_key_unless_others_are_named() {
    let folder = folder();
    plain(&folder, "ca", "ed25519");
    let path = plain(&folder, "key", "ed25519");
    let beside = certify(&folder, "ca", "key", &[]);
    let loaded = Identities::load(&[named(&path)], &[]);
    assert_eq!(loaded.keys[0].certificate.as_ref().unwrap().path, beside);

    plain(&folder, "other", "ecdsa");
    let other = certify(&folder, "ca", "other", &[]);
    let missing = folder.path().join("none-cert.pub");
    let loaded = Identities::load(&[named(&path), named(&beside)], &[other.clone(), missing]);
    assert!(loaded.keys[0].certificate.is_none());
    assert_eq!(
        loaded.keys[1].certificate.as_ref().unwrap().path,
        beside,
        "named itself"
    );
    assert_eq!(loaded.certificates.len(), 1);
    assert_eq!(loaded.certificates[0].path, other);
    assert_eq!(loaded.problems.len(), 1);
}

#[test]
fn locked_keys_are_handed_out_for_unlocking() {
    let folder = folder();
    plain(&folder, "open", "ed25519");
    keygen(&folder, "shut", &["-t", "ed25519", "-a", "1", "-N", "x"]);
    let files = ["open", "shut"].map(|name| named(&folder.path().join(name)));
    let mut loaded = Identities::load(&files, &[]);
    for (locked, key) in loaded.locked_mut() {
        assert_eq!(locked.path(), files[1].path);
        key.set_unlocked(locked.unlock(&Secret::new("x")).unwrap());
    }
    assert_eq!(loaded.locked_mut().count(), 0);
}

/// Writes a P-256 key whose number begins with zeros, in the format of OpenSSH.
fn short(folder: &TempDir, zeros: usize, more: &[&str]) -> PathBuf {
    // SEC 1, without the public half: version 1, the number, the curve.
    let mut der = b"\x30\x31\x02\x01\x01\x04\x20".to_vec();
    der.extend(std::iter::repeat_n(0, zeros));
    der.extend(std::iter::repeat_n(0x5a, 32 - zeros));
    der.extend_from_slice(b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
    fs::write(folder.path().join("der"), der).unwrap();
    let args = ["ec", "-inform", "DER", "-in", "der", "-out", "short"];
    run(folder.path(), "openssl", &args);
    let path = folder.path().join("short");
    chmod(&path, 0o600);
    let rewrite = [&["-q", "-p", "-f", "short", "-a", "1"], more].concat();
    run(folder.path(), "ssh-keygen", &rewrite);
    let public = run(
        folder.path(),
        "ssh-keygen",
        &["-y", "-f", "short", "-P", more[1]],
    );
    fs::write(folder.path().join("short.pub"), public).unwrap();
    path
}

#[test]
fn numbers_that_begin_with_zeros_are_read() {
    for zeros in [1, 2, 5] {
        let folder = folder();
        let path = short(&folder, zeros, &["-N", ""]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        let SecretKey::Ready(key) = load_identity(&path).unwrap().secret else {
            panic!("{zeros} zeros: the key is not ready");
        };
        assert_eq!(key.public_key().key_data(), public_of(&path).key_data());
        // Whether the number is right shows in what it signs.
        let signed = key.sign("test", HashAlg::Sha512, b"text").unwrap();
        public_of(&path).verify("test", b"text", &signed).unwrap();
    }
    for cipher in [
        "aes256-ctr",
        "aes256-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
    ] {
        let folder = folder();
        let path = short(&folder, 1, &["-N", "sesame", "-Z", cipher]);
        let SecretKey::Locked(locked) = load_identity(&path).unwrap().secret else {
            panic!("{cipher}: the key is not locked");
        };
        let wrong = locked.unlock(&Secret::new("salami")).unwrap_err();
        assert!(matches!(wrong.fault, KeyFault::WrongPassphrase), "{cipher}");
        let key = locked.unlock(&Secret::new("sesame")).unwrap();
        let signed = key.sign("test", HashAlg::Sha512, b"text").unwrap();
        public_of(&path).verify("test", b"text", &signed).unwrap();
    }
}
