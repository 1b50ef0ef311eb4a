//! What is known of a host, and what follows for the key it offers.

use std::{fmt, path::Path, sync::Arc};

use russh::keys::{
    Algorithm, HashAlg, PublicKey, ssh_key::Fingerprint, ssh_key::known_hosts::Marker,
};

use super::{authority::CertificateFault, line::LineFault};

/// A place in a `known_hosts` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: Arc<Path>,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A line that was left out of account, to be told to the user once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Where it stands.
    pub at: Location,
    /// What is wrong with it.
    pub fault: LineFault,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.fault)
    }
}

/// A key that is known for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// Its type.
    pub algorithm: Algorithm,
    /// Its SHA-256 fingerprint.
    pub fingerprint: Fingerprint,
    /// Where it stands.
    pub at: Location,
}

impl fmt::Display for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, at) = (key_kind(&self.algorithm), &self.at);
        write!(f, "{kind} {} ({at})", self.fingerprint)
    }
}

/// The key that a host offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedKey {
    /// Its type.
    pub algorithm: Algorithm,
    /// Its SHA-256 fingerprint.
    pub fingerprint: Fingerprint,
}

impl OfferedKey {
    /// What of `key` is shown to the user.
    #[must_use]
    pub fn new(key: &PublicKey) -> Self {
        Self {
            algorithm: key.algorithm(),
            fingerprint: key.fingerprint(HashAlg::Sha256),
        }
    }
}

impl fmt::Display for OfferedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", key_kind(&self.algorithm), self.fingerprint)
    }
}

/// The type of a key in the words that `ssh` uses for it.
fn key_kind(algorithm: &Algorithm) -> &str {
    match algorithm {
        Algorithm::Dsa => "DSA",
        Algorithm::Ecdsa { .. } => "ECDSA",
        Algorithm::Ed25519 => "ED25519",
        Algorithm::Rsa { .. } => "RSA",
        Algorithm::SkEcdsaSha2NistP256 => "ECDSA-SK",
        Algorithm::SkEd25519 => "ED25519-SK",
        other => other.as_str(),
    }
}

/// What a line vouches with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedBy {
    /// The host's own key.
    Key,
    /// The authority that signed the host's certificate.
    Authority,
}

/// What the files say of a key that a host offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the host's key, or has a good certificate.
    Trusted {
        /// The line that vouches for it.
        at: Location,
        /// Whether that line holds the key or its authority.
        by: TrustedBy,
    },
    /// No key of the host is known.
    Unknown {
        /// A certificate authority that is listed for the host, though the key came without a
        /// certificate of it.
        authority: Option<Location>,
    },
    /// Other keys are known for the host, of the same type or another.
    ///
    /// Known types are asked for first (see [`super::KnownHosts::order_algorithms`]), so a server
    /// that answers with another type has lost the known key or is not the server. OpenSSH judges
    /// the same way.
    Changed {
        /// The keys that are known.
        known: Vec<KnownKey>,
    },
    /// The key, or the authority that signed it, is marked `@revoked`.
    Revoked {
        /// The line that says so.
        at: Location,
    },
    /// The certificate is of an authority listed for the host, but not valid, and no key of the
    /// host is known.
    CertificateRefused {
        /// What is wrong with it.
        fault: CertificateFault,
        /// The authority's line.
        at: Location,
    },
}

/// A line that is for a host, its key decoded.
#[derive(Debug)]
pub(super) struct KnownLine {
    pub(super) marker: Option<Marker>,
    /// The key in its wire form: what is compared.
    pub(super) blob: Box<[u8]>,
    pub(super) algorithm: Algorithm,
    pub(super) at: Location,
}

impl KnownLine {
    pub(super) fn is_key(&self) -> bool {
        self.marker.is_none()
    }

    pub(super) fn is_authority(&self) -> bool {
        self.marker == Some(Marker::CertAuthority)
    }

    pub(super) fn to_known(&self) -> KnownKey {
        let digest = HashAlg::Sha256.digest(&self.blob);
        let mut sum = [0; 32];
        sum.copy_from_slice(&digest);
        KnownKey {
            algorithm: self.algorithm.clone(),
            fingerprint: Fingerprint::Sha256(sum),
            at: self.at.clone(),
        }
    }
}
