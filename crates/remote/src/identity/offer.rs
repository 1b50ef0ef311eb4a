//! A key or a certificate, as a server sees it.

use std::fmt;

use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, agent::AgentIdentity};

/// What is shown to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A plain key.
    Key(PublicKey),
    /// A certificate.
    Certificate(Box<Certificate>),
}

impl Offer {
    /// The key's type.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Key(key) => key.algorithm(),
            Self::Certificate(certificate) => certificate.algorithm(),
        }
    }

    /// The key itself, without its certificate.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        match self {
            Self::Key(key) => key.clone(),
            Self::Certificate(certificate) => certificate.public_key().clone().into(),
        }
    }

    pub(super) fn of(held: &AgentIdentity) -> Self {
        match held {
            AgentIdentity::PublicKey { key, .. } => Self::key_of(key),
            AgentIdentity::Certificate { certificate, .. } => Self::certificate_of(certificate),
        }
    }

    /// Without the comment, so that what comes from a file and from the agent is the same.
    pub(super) fn key_of(key: &PublicKey) -> Self {
        Self::Key(key.key_data().clone().into())
    }

    pub(super) fn certificate_of(certificate: &Certificate) -> Self {
        let mut certificate = certificate.clone();
        certificate.set_comment("");
        Self::Certificate(Box::new(certificate))
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Key(_) => "key",
            Self::Certificate(_) => "certificate",
        };
        let (algorithm, key) = (self.algorithm(), self.key());
        write!(f, "{kind} {algorithm} {}", key.fingerprint(HashAlg::Sha256))
    }
}
