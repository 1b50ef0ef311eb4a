//! A user's certificate beside a key.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use russh::keys::{Certificate, ssh_key::certificate::CertType};

/// A user's certificate.
#[derive(Clone, Debug)]
pub struct UserCertificate {
    /// The file it was read from.
    pub path: PathBuf,
    /// The certificate.
    pub certificate: Box<Certificate>,
}

/// Why offering a certificate would be in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserCertificateFault {
    /// It is for hosts.
    #[error("it is a host's, not a user's")]
    NotForUsers,
    /// Its time has not come.
    #[error("it is not valid before {0} (Unix time)")]
    NotYetValid(u64),
    /// Its time is over.
    #[error("it has been out of date since {0} (Unix time)")]
    Expired(u64),
}

/// What of a certificate is wrong at a time. Its signature is the server's to check.
pub(super) fn fault(certificate: &Certificate, now: SystemTime) -> Option<UserCertificateFault> {
    let now = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    if certificate.cert_type() != CertType::User {
        Some(UserCertificateFault::NotForUsers)
    } else if now < certificate.valid_after() {
        Some(UserCertificateFault::NotYetValid(certificate.valid_after()))
    } else if now >= certificate.valid_before() {
        Some(UserCertificateFault::Expired(certificate.valid_before()))
    } else {
        None
    }
}
