//! Keys in PuTTY's format, written here after its published description.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{PublicKey, ssh_key::private::Ed25519Keypair};
use sha1::{Digest, Sha1};
use tempfile::TempDir;
use towline_core::secret::Secret;
use towline_remote::identity::{KeyFault, SecretKey, load_identity};

use super::support::chmod;

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// Encrypts as version 2 does: AES-256-CBC, the key from SHA-1, no salt.
fn encrypt(plain: &[u8], passphrase: &str) -> Vec<u8> {
    let key: Vec<u8> = [[0, 0, 0, 0], [0, 0, 0, 1]]
        .iter()
        .flat_map(|count| sha1(&[count, passphrase.as_bytes()]))
        .take(32)
        .collect();
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let zero = "0".repeat(32);
    let mut openssl = Command::new("openssl")
        .args(["enc", "-aes-256-cbc", "-nopad", "-K", &key, "-iv", &zero])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    openssl.stdin.take().unwrap().write_all(plain).unwrap();
    openssl.wait_with_output().unwrap().stdout
}

/// Writes an ed25519 key as version 2 of the format.
fn write(folder: &TempDir, passphrase: Option<&str>) -> (PathBuf, PublicKey) {
    let pair = Ed25519Keypair::from_seed(&[3; 32]);
    let key = PublicKey::from(
        russh::keys::PrivateKey::from(pair.clone())
            .public_key()
            .key_data()
            .clone(),
    );
    let public = key.to_bytes().unwrap();
    // PuTTY keeps the number as little-endian bytes; ssh_key reads the seed's bytes.
    let mut private = string(&pair.private.to_bytes());
    let cipher = passphrase.map_or("none", |_| "aes256-cbc");
    if passphrase.is_some() {
        let padding = sha1(&[&private]);
        let missing = private.len().next_multiple_of(16) - private.len();
        private.extend_from_slice(&padding[..missing]);
    }
    let comment = "a key";
    let signed: Vec<u8> = [
        b"ssh-ed25519",
        cipher.as_bytes(),
        comment.as_bytes(),
        &public,
        &private,
    ]
    .iter()
    .flat_map(|part| string(part))
    .collect();
    let mac_key = sha1(&[
        b"putty-private-key-file-mac-key",
        passphrase.unwrap_or_default().as_bytes(),
    ]);
    let mut mac = Hmac::<Sha1>::new_from_slice(&mac_key).unwrap();
    mac.update(&signed);
    let mac: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if let Some(passphrase) = passphrase {
        private = encrypt(&private, passphrase);
    }
    let lines = |bytes: &[u8]| {
        let text = STANDARD.encode(bytes);
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        format!("{}\n{}", lines.len(), lines.join("\n"))
    };
    let text = format!(
        "PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: {cipher}\nComment: {comment}\n\
         Public-Lines: {}\nPrivate-Lines: {}\nPrivate-MAC: {mac}\n",
        lines(&public),
        lines(&private)
    );
    let path = folder.path().join("key.ppk");
    fs::write(&path, text).unwrap();
    chmod(&path, 0o600);
    (path, key)
}

#[test]
fn a_plain_one_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = write(&folder, None);
    let read = load_identity(&path).unwrap();
    assert_eq!(read.public.unwrap().key_data(), key.key_data());
    assert!(matches!(read.secret, SecretKey::Ready(_)));
}

#[test]
fn a_locked_one_shows_its_public_half_and_opens() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = write(&folder, Some("sesame"));
    let read = load_identity(&path).unwrap();
    assert_eq!(read.public.unwrap().key_data(), key.key_data());
    let SecretKey::Locked(locked) = read.secret else {
        panic!("it is not locked");
    };
    let wrong = locked.unlock(&Secret::new("salami")).unwrap_err();
    assert!(matches!(wrong.fault, KeyFault::WrongPassphrase));
    let opened = locked.unlock(&Secret::new("sesame")).unwrap();
    assert_eq!(opened.public_key().key_data(), key.key_data());
}
