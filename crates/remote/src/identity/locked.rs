//! Keys that need a passphrase.

use std::path::{Path, PathBuf};

use russh::keys::{PrivateKey, PublicKey, decode_secret_key, ssh_key};
use towline_core::secret::Secret;
use zeroize::Zeroizing;

use super::{
    error::{IdentityError, KeyFault},
    short_scalar,
};

/// A key that is encrypted with a passphrase.
pub struct LockedKey {
    path: PathBuf,
    public: Option<PublicKey>,
    envelope: Envelope,
}

enum Envelope {
    /// Read already, all but its private half.
    OpenSsh {
        key: Box<PrivateKey>,
        bytes: Zeroizing<Vec<u8>>,
    },
    /// PKCS#8, PKCS#1 or PuTTY's: read as a whole once there is a passphrase.
    Other(Zeroizing<String>),
}

impl LockedKey {
    pub(super) fn openssh(path: &Path, key: PrivateKey, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            path: path.to_owned(),
            public: Some(key.public_key().clone()),
            envelope: Envelope::OpenSsh {
                key: Box::new(key),
                bytes,
            },
        }
    }

    pub(super) fn other(path: &Path, text: &Zeroizing<String>, public: Option<PublicKey>) -> Self {
        Self {
            path: path.to_owned(),
            public,
            envelope: Envelope::Other(text.clone()),
        }
    }

    /// The key's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its public half, when the format shows it.
    #[must_use]
    pub fn public(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    /// Opens it. Made slow on purpose, 100 ms and more: not for an async thread, and once per run.
    ///
    /// # Errors
    /// [`KeyFault::WrongPassphrase`]; where a format can not tell, for a damaged key as well.
    pub fn unlock(&self, passphrase: &Secret) -> Result<PrivateKey, IdentityError> {
        self.open(passphrase).map_err(|fault| fault.of(&self.path))
    }

    fn open(&self, passphrase: &Secret) -> Result<PrivateKey, KeyFault> {
        match &self.envelope {
            Envelope::OpenSsh { key, bytes } => {
                let passphrase = passphrase.expose();
                key.decrypt(passphrase).or_else(|error| match error {
                    ssh_key::Error::Crypto => Err(KeyFault::WrongPassphrase),
                    error => Ok(short_scalar::unlock(bytes, key, passphrase).ok_or(error)?),
                })
            }
            Envelope::Other(text) => {
                let passphrase = std::str::from_utf8(passphrase.expose());
                let passphrase = passphrase.map_err(|_| KeyFault::WrongPassphrase)?;
                decode_secret_key(text, Some(passphrase)).map_err(|_| KeyFault::WrongPassphrase)
            }
        }
    }
}
