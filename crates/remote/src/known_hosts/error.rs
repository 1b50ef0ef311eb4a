//! What can go wrong with host keys, and what to do about it.

use std::{io, path::PathBuf};

use super::{
    authority::CertificateFault,
    host::HostName,
    verdict::{KnownKey, Location, OfferedKey},
};

/// Why a host was not trusted. Never worth a retry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostKeyError {
    /// No key is known, and the policy is to trust none on first use.
    #[error("the host key of {host} is not known: it offers {offered}")]
    Unknown {
        /// The host.
        host: HostName,
        /// The key it offered.
        offered: OfferedKey,
    },
    /// An authority vouches for this host, but the key came without its certificate.
    #[error(
        "{host} offers {offered} without a certificate of the authority that is listed for it ({authority})"
    )]
    Uncertified {
        /// The host.
        host: HostName,
        /// The key it offered.
        offered: OfferedKey,
        /// The authority's line.
        authority: Location,
    },
    /// Another key is known.
    #[error(
        "the host key of {host} has changed: it offers {offered}, known is {}",
        list(known)
    )]
    Changed {
        /// The host.
        host: HostName,
        /// The key it offered.
        offered: OfferedKey,
        /// The keys known for it.
        known: Vec<KnownKey>,
    },
    /// The key or its authority is revoked.
    #[error("the host key of {host}, {offered}, is revoked ({at})")]
    Revoked {
        /// The host.
        host: HostName,
        /// The key it offered.
        offered: OfferedKey,
        /// The line that revokes it.
        at: Location,
    },
    /// The certificate is not valid.
    #[error("the certificate that {host} offers with {offered} is refused: {fault}")]
    Certificate {
        /// The host.
        host: HostName,
        /// The key it offered.
        offered: OfferedKey,
        /// What is wrong with it.
        fault: CertificateFault,
        /// The authority's line.
        authority: Location,
    },
}

impl HostKeyError {
    /// What to do, `node` being the host's name in the fleet.
    #[must_use]
    pub fn hint(&self, node: &str) -> String {
        match self {
            Self::Unknown { .. } => {
                format!("compare the fingerprint, then trust it: tow node trust {node}")
            }
            Self::Changed { .. } => format!(
                "someone may be listening in, or the machine was set up anew; \
                 when you know that it was, trust the new key: tow node trust {node}"
            ),
            Self::Uncertified { .. } => format!(
                "have the authority sign the host's key, or trust the key by itself: tow node trust {node}"
            ),
            Self::Revoked { at, .. } => format!(
                "give the host a new key; trust can not be restored while {at} revokes this one"
            ),
            Self::Certificate { .. } => format!(
                "have the authority issue a new certificate, or trust the key by itself: tow node trust {node}"
            ),
        }
    }
}

fn list(known: &[KnownKey]) -> String {
    let known: Vec<_> = known.iter().map(KnownKey::to_string).collect();
    known.join(", ")
}

/// What can go wrong with the files.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    /// A file is there but can not be read.
    #[error("can not read known host keys from {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key can not be written down.
    #[error("can not write host keys to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another program keeps the file locked.
    #[error("{} is kept locked by another program", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Another program has written a key of the host meanwhile, and it speaks against this one.
    #[error(transparent)]
    Refused(#[from] Box<HostKeyError>),
}

impl KnownHostsError {
    /// What to do, `node` being the host's name in the fleet.
    #[must_use]
    pub fn hint(&self, node: &str) -> String {
        match self {
            Self::Read { path, .. } => {
                let path = path.display();
                format!("make {path} readable, or name another file with UserKnownHostsFile")
            }
            Self::Write { path, .. } => {
                let path = path.display();
                format!("make {path} writable, or name another file with UserKnownHostsFile")
            }
            Self::Busy { path } => {
                let path = path.display();
                format!("see which program holds it (fuser {path}), then try again")
            }
            Self::Refused(error) => error.hint(node),
        }
    }
}
