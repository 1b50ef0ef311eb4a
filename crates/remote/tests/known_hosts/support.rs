//! Keys and files for the tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use russh::keys::{
    PrivateKey, PublicKey,
    ssh_key::private::{Ed25519Keypair, KeypairData},
};
use tempfile::TempDir;
use towline_remote::known_hosts::{HostName, KnownHosts, Options, TrustedBy, Verdict};

/// An ed25519 key, always the same for the same number.
pub(crate) fn private(number: u64) -> PrivateKey {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    PrivateKey::new(pair, "").unwrap()
}

pub(crate) fn key(number: u64) -> PublicKey {
    private(number).public_key().clone()
}

/// The key as it stands in a file: type and base64.
pub(crate) fn text(key: &PublicKey) -> String {
    key.to_openssh().unwrap().trim_end().to_owned()
}

/// A P-256 key, for a second type.
pub(crate) fn ecdsa() -> PublicKey {
    concat!(
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2S",
        "QJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc="
    )
    .parse()
    .unwrap()
}

pub(crate) fn host(name: &str) -> HostName {
    HostName::new(name, 22).unwrap()
}

pub(crate) fn on_port(name: &str, port: u16) -> HostName {
    HostName::new(name, port).unwrap()
}

/// A folder with one `known_hosts` file in it.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    pub(crate) fn with(content: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("known_hosts"), content).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("known_hosts")
    }

    pub(crate) fn content(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    pub(crate) fn open(&self) -> KnownHosts {
        open(&self.file())
    }
}

pub(crate) fn open(file: &Path) -> KnownHosts {
    KnownHosts::open(&[file.to_owned()], &[], Options::default()).unwrap()
}

/// The line that vouches for the key.
pub(crate) fn trusted_line(verdict: &Verdict) -> Option<(usize, TrustedBy)> {
    match verdict {
        Verdict::Trusted { at, by } => Some((at.line, *by)),
        _ => None,
    }
}
