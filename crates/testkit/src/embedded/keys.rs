//! Keys and certificates for tests, written the way `ssh-keygen` writes them.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::ssh_key::{Cipher, Kdf, LineEnding};
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PrivateKey, PublicKey};

use super::Error;

/// `ssh-keygen` takes 16 rounds or more, about 150 ms; one is enough where nothing is secret.
const BCRYPT_ROUNDS: u32 = 1;

/// A key pair, freshly made.
#[derive(Debug, Clone)]
pub struct TestKey(PrivateKey);

impl TestKey {
    /// An Ed25519 key: a few microseconds to make.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn ed25519() -> Result<Self, Error> {
        Self::random(Algorithm::Ed25519)
    }

    /// An ECDSA key on P-256.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn ecdsa() -> Result<Self, Error> {
        Self::random(Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        })
    }

    /// An RSA key of 3072 bits, `ssh-keygen`'s default. Takes up to some seconds to make.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn rsa() -> Result<Self, Error> {
        Self::random(Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        })
    }

    fn random(algorithm: Algorithm) -> Result<Self, Error> {
        Ok(Self(PrivateKey::random(&mut safe_rng(), algorithm)?))
    }

    /// The same key with another comment; Ed25519, ECDSA and RSA keys start without one.
    #[must_use]
    pub fn with_comment(mut self, comment: &str) -> Self {
        self.0.set_comment(comment);
        self
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.0.public_key().clone()
    }

    /// The private half.
    pub fn private(&self) -> &PrivateKey {
        &self.0
    }

    /// Writes `NAME` with mode 0600 and `NAME.pub` into a directory; answers with the path of
    /// the private key.
    ///
    /// # Errors
    /// When a file exists already or cannot be written.
    pub fn write(&self, directory: &Path, name: &str) -> Result<PathBuf, Error> {
        self.write_pair(&self.0, directory, name)
    }

    /// As [`write`](Self::write), with the private key encrypted with a passphrase (AES-256-CTR,
    /// one round of bcrypt, so that opening it takes no time).
    ///
    /// # Errors
    /// When a file exists already or cannot be written.
    pub fn write_encrypted(
        &self,
        directory: &Path,
        name: &str,
        passphrase: &str,
    ) -> Result<PathBuf, Error> {
        let salt = std::iter::repeat_with(|| fastrand::u8(..))
            .take(16)
            .collect();
        let kdf = Kdf::Bcrypt {
            salt,
            rounds: BCRYPT_ROUNDS,
        };
        let locked = self
            .0
            .encrypt_with(Cipher::Aes256Ctr, kdf, fastrand::u32(..), passphrase)?;
        self.write_pair(&locked, directory, name)
    }

    fn write_pair(
        &self,
        private: &PrivateKey,
        directory: &Path,
        name: &str,
    ) -> Result<PathBuf, Error> {
        let path = directory.join(name);
        write_new(&path, 0o600, &private.to_openssh(LineEnding::LF)?)?;
        let public = self.0.public_key().to_openssh()?;
        write_new(&directory.join(format!("{name}.pub")), 0o644, &line(public))?;
        Ok(path)
    }
}

/// An authority that signs user and host certificates.
#[derive(Debug, Clone)]
pub struct CertAuthority(TestKey);

impl CertAuthority {
    /// An authority with an Ed25519 key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> Result<Self, Error> {
        TestKey::ed25519().map(Self)
    }

    /// The key that signs: what goes after `@cert-authority` or into `TrustedUserCAKeys`.
    pub fn public(&self) -> PublicKey {
        self.0.public()
    }

    /// A certificate with which the holder of a key may log in as any of the principals, from
    /// a minute ago on for an hour, with the permissions `ssh-keygen` gives.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign_user(&self, key: &PublicKey, principals: &[&str]) -> Result<Certificate, Error> {
        self.sign(CertType::User, key, principals, Validity::Now)
    }

    /// As [`sign_user`](Self::sign_user), but it ended an hour ago.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign_user_expired(
        &self,
        key: &PublicKey,
        principals: &[&str],
    ) -> Result<Certificate, Error> {
        self.sign(CertType::User, key, principals, Validity::Over)
    }

    /// A certificate for a server's key, good for the host names and addresses given.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign_host(&self, key: &PublicKey, principals: &[&str]) -> Result<Certificate, Error> {
        self.sign(CertType::Host, key, principals, Validity::Now)
    }

    fn sign(
        &self,
        kind: CertType,
        key: &PublicKey,
        principals: &[&str],
        validity: Validity,
    ) -> Result<Certificate, Error> {
        let (after, before) = validity.seconds();
        let mut builder =
            Builder::new_with_random_nonce(&mut safe_rng(), key.key_data().clone(), after, before)?;
        builder
            .cert_type(kind)?
            .key_id("towline-testkit")?
            .serial(1)?;
        for principal in principals {
            builder.valid_principal(*principal)?;
        }
        if principals.is_empty() {
            builder.all_principals_valid()?;
        }
        if kind == CertType::User {
            for permission in ["permit-port-forwarding", "permit-pty"] {
                builder.extension(permission, "")?;
            }
        }
        Ok(builder.sign(self.0.private())?)
    }
}

/// Writes a certificate where `ssh` looks for it, next to the key: `NAME-cert.pub`.
pub(crate) fn certificate_path(key: &Path) -> PathBuf {
    let mut name = key.file_name().unwrap_or_default().to_owned();
    name.push("-cert.pub");
    key.with_file_name(name)
}

impl CertAuthority {
    /// Writes a certificate next to the key it is for, where `ssh` looks: `NAME-cert.pub`.
    ///
    /// # Errors
    /// When the file exists already or cannot be written.
    pub fn write(certificate: &Certificate, key: &Path) -> Result<PathBuf, Error> {
        let path = certificate_path(key);
        write_new(&path, 0o644, &line(certificate.to_openssh()?))?;
        Ok(path)
    }
}

enum Validity {
    Now,
    Over,
}

impl Validity {
    /// Start and end, in seconds since 1970.
    fn seconds(&self) -> (u64, u64) {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = since.as_ref().map_or(0, Duration::as_secs);
        match self {
            Self::Now => (now - MINUTE, now + HOUR),
            Self::Over => (now - 2 * HOUR, now - HOUR),
        }
    }
}

fn line(mut text: String) -> String {
    text.push('\n');
    text
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), Error> {
    let wrap = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(path).map_err(wrap)?;
    file.write_all(text.as_bytes()).map_err(wrap)
}
