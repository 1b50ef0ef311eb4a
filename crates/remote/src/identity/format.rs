//! What a key file holds: told from its text, without a passphrase.

use std::{path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey, decode_secret_key};
use zeroize::Zeroizing;

use super::{error::KeyFault, locked::LockedKey, short_scalar};

const OPENSSH: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const PKCS8_LOCKED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const PKCS1: &str = "-----BEGIN RSA PRIVATE KEY-----";
const PLAIN: [&str; 3] = [
    PKCS1,
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----",
];
const PUTTY: &str = "PuTTY-User-Key-File-";

/// What a file holds.
pub(super) enum Content {
    Private(Arc<PrivateKey>),
    Locked(Arc<LockedKey>),
    Public(PublicKey),
    Certificate(Box<Certificate>),
}

/// Reads a file's text.
pub(super) fn read(path: &Path, text: &Zeroizing<String>) -> Result<Content, KeyFault> {
    if text.trim_start().starts_with(PUTTY) {
        return putty(path, text);
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match lines.clone().find(|line| line.starts_with("-----BEGIN ")) {
        Some(OPENSSH) => openssh(path, text),
        Some(PKCS8_LOCKED) => Ok(Content::Locked(LockedKey::other(path, text, None).into())),
        Some(begin) if PLAIN.contains(&begin) => pem(path, text, begin),
        Some(_) => Err(KeyFault::Unsupported("in a format of its own")),
        None => {
            let line = lines.find(|line| !line.starts_with('#'));
            public(line.unwrap_or_default())
        }
    }
}

/// The format of OpenSSH keeps the public half readable, whether there is a passphrase or not.
fn openssh(path: &Path, text: &str) -> Result<Content, KeyFault> {
    let lines = text.lines().map(str::trim);
    let body: Zeroizing<String> = Zeroizing::new(
        lines
            .skip_while(|line| *line != OPENSSH)
            .skip(1)
            .take_while(|line| !line.starts_with("-----END "))
            .collect(),
    );
    let bytes = STANDARD
        .decode(body.as_bytes())
        .map(Zeroizing::new)
        .map_err(KeyFault::malformed)?;
    let key = match PrivateKey::from_bytes(&bytes) {
        Ok(key) => key,
        Err(error) => short_scalar::read(&bytes).ok_or(error)?,
    };
    match key.public_key().algorithm() {
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Ok(Content::Public(
            // The file holds a handle only; the key itself never leaves its device.
            key.public_key().clone(),
        )),
        Algorithm::Dsa | Algorithm::Other(_) => Err(KeyFault::Unsupported("of an outdated type")),
        _ if key.is_encrypted() => Ok(Content::Locked(LockedKey::openssh(path, key, bytes).into())),
        _ => Ok(Content::Private(key.into())),
    }
}

/// Older PEM formats, and PKCS#8.
fn pem(path: &Path, text: &Zeroizing<String>, begin: &str) -> Result<Content, KeyFault> {
    let cipher = text.lines().find_map(|line| line.strip_prefix("DEK-Info:"));
    if let Some(cipher) = cipher {
        if begin == PKCS1 && cipher.trim().starts_with("AES-128-CBC,") {
            return Ok(Content::Locked(LockedKey::other(path, text, None).into()));
        }
        return Err(KeyFault::Unsupported("encrypted in an outdated way"));
    }
    decode_secret_key(text, None)
        .map(|key| Content::Private(key.into()))
        .map_err(KeyFault::malformed)
}

/// PuTTY's format.
fn putty(path: &Path, text: &Zeroizing<String>) -> Result<Content, KeyFault> {
    let field = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map(|value| (value.trim(), lines))
    };
    if field("Encryption").is_none_or(|(cipher, _)| cipher == "none") {
        let key = PrivateKey::from_ppk(text.as_str(), None)?;
        return Ok(Content::Private(key.into()));
    }
    let public = field("Public-Lines").and_then(|(count, lines)| {
        let body: String = lines.take(count.parse().ok()?).collect();
        PublicKey::from_bytes(&STANDARD.decode(body).ok()?).ok()
    });
    Ok(Content::Locked(LockedKey::other(path, text, public).into()))
}

fn public(line: &str) -> Result<Content, KeyFault> {
    let kind = line.split_whitespace().next().unwrap_or_default();
    if kind.ends_with("-cert-v01@openssh.com") {
        let certificate = Certificate::from_openssh(line)?;
        return Ok(Content::Certificate(Box::new(certificate)));
    }
    Ok(Content::Public(PublicKey::from_openssh(line)?))
}
