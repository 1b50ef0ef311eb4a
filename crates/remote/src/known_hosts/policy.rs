//! What is done with a verdict.

use russh::keys::PublicKey;

use super::{
    error::HostKeyError,
    host::HostName,
    verdict::{OfferedKey, Verdict},
};

/// Which hosts are trusted. There is no policy that trusts any key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Only hosts whose key is known.
    Strict,
    /// Known ones, and those that no key is known of: theirs is pinned on first use.
    #[default]
    AcceptNew,
}

/// What is done with a host's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Accept,
    /// Go on once the key is pinned ([`super::KnownHosts::pin`]).
    AcceptAndPin,
    /// Close the connection.
    Refuse(Box<HostKeyError>),
}

/// What to do with the `key` that `host` offers. For a certificate, `key` is the one it certifies.
#[must_use]
pub fn decide(
    policy: HostKeyPolicy,
    host: &HostName,
    key: &PublicKey,
    verdict: Verdict,
) -> Decision {
    let (host, offered) = (host.clone(), OfferedKey::new(key));
    let error = match verdict {
        Verdict::Trusted { .. } => return Decision::Accept,
        Verdict::Unknown {
            authority: Some(authority),
        } => HostKeyError::Uncertified {
            host,
            offered,
            authority,
        },
        Verdict::Unknown { authority: None } => match policy {
            HostKeyPolicy::AcceptNew => return Decision::AcceptAndPin,
            HostKeyPolicy::Strict => HostKeyError::Unknown { host, offered },
        },
        Verdict::Changed { known } => HostKeyError::Changed {
            host,
            offered,
            known,
        },
        Verdict::Revoked { at } => HostKeyError::Revoked { host, offered, at },
        Verdict::CertificateRefused { fault, at } => HostKeyError::Certificate {
            host,
            offered,
            fault,
            authority: at,
        },
    };
    Decision::Refuse(Box::new(error))
}
