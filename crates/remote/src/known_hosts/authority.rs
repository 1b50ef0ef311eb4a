//! Host certificates: whether an authority's word holds for a host, now.

use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::{Algorithm, Certificate, HashAlg, ssh_key::certificate::CertType};

/// Why a certificate does not vouch for a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The signature is not the authority's.
    #[error("its signature is wrong")]
    Signature,
    /// The signature is of a kind that is no longer safe, such as RSA with SHA-1.
    #[error("it is signed with {0}, which is not accepted")]
    SignatureAlgorithm(String),
    /// It is a user's certificate.
    #[error("it is a user's certificate, not a host's")]
    NotForHosts,
    /// Its time has not come.
    #[error("it is not valid before {0} (Unix time)")]
    NotYetValid(u64),
    /// Its time is over.
    #[error("it has been out of date since {0} (Unix time)")]
    Expired(u64),
    /// It names other hosts, or none.
    #[error("it is made out to {}, not to {host}", names(principals))]
    Principal {
        /// The name looked for.
        host: String,
        /// The names that it holds.
        principals: Vec<String>,
    },
    /// It holds a condition that is not understood. OpenSSH defines none for hosts.
    #[error("it has an unknown critical option, {0}")]
    CriticalOption(String),
}

fn names(principals: &[String]) -> String {
    if principals.is_empty() {
        "nobody".to_owned()
    } else {
        principals.join(", ")
    }
}

/// Checks a certificate whose signing key is known to be the authority's.
///
/// `host` is the name without a port. Principals are compared byte by byte and never as patterns,
/// as OpenSSH does for hosts.
pub(super) fn validate(
    certificate: &Certificate,
    host: &str,
    now: SystemTime,
) -> Result<(), CertificateFault> {
    // A clock before 1970 counts as 1970: what is valid then is checked like any other time.
    let now = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());

    let algorithm = certificate.signature().algorithm();
    if !is_sound(&algorithm) {
        let name = algorithm.as_str().to_owned();
        return Err(CertificateFault::SignatureAlgorithm(name));
    }
    if certificate.cert_type() != CertType::Host {
        return Err(CertificateFault::NotForHosts);
    }
    if now < certificate.valid_after() {
        return Err(CertificateFault::NotYetValid(certificate.valid_after()));
    }
    if now >= certificate.valid_before() {
        return Err(CertificateFault::Expired(certificate.valid_before()));
    }
    let principals = certificate.valid_principals();
    if !principals.iter().any(|principal| principal == host) {
        return Err(CertificateFault::Principal {
            host: host.to_owned(),
            principals: principals.to_vec(),
        });
    }
    if let Some((option, _)) = certificate.critical_options().iter().next() {
        return Err(CertificateFault::CriticalOption(option.clone()));
    }
    // Repeats the check of the dates; what is new here is the signature.
    let signer = certificate.signature_key().fingerprint(HashAlg::Sha256);
    certificate
        .validate_at(now, [&signer])
        .map_err(|_| CertificateFault::Signature)
}

/// Signature algorithms an authority may use: those of OpenSSH's `CASignatureAlgorithms`.
fn is_sound(algorithm: &Algorithm) -> bool {
    match algorithm {
        Algorithm::Rsa { hash } => hash.is_some(),
        Algorithm::Ed25519
        | Algorithm::Ecdsa { .. }
        | Algorithm::SkEcdsaSha2NistP256
        | Algorithm::SkEd25519 => true,
        _ => false,
    }
}
