//! Reading key files, once per run.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use russh::keys::{Algorithm, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::{
    certificate::UserCertificate,
    error::{IdentityError, KeyFault},
    format::{self, Content},
    locked::LockedKey,
};

/// No key file is larger, in bytes.
const LARGEST: u64 = 1 << 20;

/// A key file to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFile {
    /// The file.
    pub path: PathBuf,
    /// Whether the user named it; otherwise it is one of the usual ones and may be missing.
    pub explicit: bool,
}

/// A key, as far as it could be read.
#[derive(Clone)]
pub struct Identity {
    /// The file it was read from.
    pub path: PathBuf,
    /// Its public half, which also names a key of the agent. Unknown for some locked formats.
    pub public: Option<PublicKey>,
    /// Its private half.
    pub secret: SecretKey,
    /// The certificate beside it (`PATH-cert.pub`), or in its place.
    pub certificate: Option<UserCertificate>,
}

/// The private half of a key.
#[derive(Clone)]
pub enum SecretKey {
    /// Ready to sign.
    Ready(Arc<PrivateKey>),
    /// Needs a passphrase.
    Locked(Arc<LockedKey>),
    /// Can not be used from its file, but an agent may hold it.
    Unusable(Arc<IdentityError>),
}

impl Identity {
    /// Takes over the key that [`LockedKey::unlock`] opened.
    pub fn set_unlocked(&mut self, key: PrivateKey) {
        self.public = Some(key.public_key().clone());
        self.secret = SecretKey::Ready(Arc::new(key));
    }
}

/// Reads one key. Where its private half is missing or unusable, the public one (`PATH`, or
/// `PATH.pub`) is enough, since an agent may hold the rest.
///
/// # Errors
/// What is wrong with the private half, when there is no public one either.
pub fn load_identity(path: &Path) -> Result<Identity, IdentityError> {
    let mut certificate = None;
    let (public, secret) = match read_key(path) {
        Ok(Content::Private(key)) => {
            let public = key.public_key().clone();
            (Some(public), SecretKey::Ready(key))
        }
        Ok(Content::Locked(key)) => {
            let public = key.public().cloned().or_else(|| beside(path));
            (public, SecretKey::Locked(key))
        }
        Ok(Content::Public(key)) => {
            let fault = match key.algorithm() {
                Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => KeyFault::SecurityKey,
                _ => KeyFault::PublicOnly,
            };
            (Some(key), SecretKey::Unusable(Arc::new(fault.of(path))))
        }
        Ok(Content::Certificate(own)) => {
            let key = PublicKey::from(own.public_key().clone());
            certificate = Some(UserCertificate {
                path: path.to_owned(),
                certificate: own,
            });
            let why = KeyFault::PublicOnly.of(path);
            (Some(key), SecretKey::Unusable(Arc::new(why)))
        }
        Err(error) => match beside(path) {
            Some(key) => (Some(key), SecretKey::Unusable(Arc::new(error))),
            None => return Err(error),
        },
    };
    Ok(Identity {
        path: path.to_owned(),
        public,
        secret,
        certificate: certificate.or_else(|| read_certificate(&with_suffix(path, "-cert.pub")).ok()),
    })
}

/// All that was read for a user.
#[derive(Clone, Default)]
pub struct Identities {
    /// Keys in the order in which they are tried.
    pub keys: Vec<Identity>,
    /// Certificates named by `CertificateFile`.
    pub certificates: Vec<UserCertificate>,
    /// What could not be read, to be told when no key is accepted.
    pub problems: Vec<Arc<IdentityError>>,
}

impl Identities {
    /// Reads key files and certificates; blocks on the disk.
    ///
    /// Usual files that are not there are passed over in silence. Once a certificate is named,
    /// those beside the keys no longer count: as in OpenSSH.
    #[must_use]
    pub fn load(files: &[IdentityFile], certificate_files: &[PathBuf]) -> Self {
        let mut loaded = Self::default();
        for path in certificate_files {
            match read_certificate(path) {
                Ok(certificate) => loaded.certificates.push(certificate),
                Err(error) => loaded.problems.push(Arc::new(error)),
            }
        }
        for file in files {
            match load_identity(&file.path) {
                Ok(mut key) => {
                    let beside = |own: &UserCertificate| own.path != file.path;
                    if !certificate_files.is_empty() && key.certificate.as_ref().is_some_and(beside)
                    {
                        key.certificate = None;
                    }
                    loaded.keys.push(key);
                }
                Err(error) if !file.explicit && matches!(error.fault, KeyFault::Missing) => {}
                Err(error) => loaded.problems.push(Arc::new(error)),
            }
        }
        loaded
    }

    /// The keys that need a passphrase, to be asked for before a fan-out begins.
    pub fn locked_mut(&mut self) -> impl Iterator<Item = (Arc<LockedKey>, &mut Identity)> {
        self.keys.iter_mut().filter_map(|key| match &key.secret {
            SecretKey::Locked(locked) => Some((locked.clone(), key)),
            _ => None,
        })
    }
}

fn read_key(path: &Path) -> Result<Content, IdentityError> {
    read_content(path).map_err(|fault| fault.of(path))
}

fn read_content(path: &Path) -> Result<Content, KeyFault> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => KeyFault::Missing,
        _ => KeyFault::Read(error),
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(KeyFault::Malformed(None));
    }
    let content = format::read(path, &read_text(file).map_err(failed)?)?;
    let private = !matches!(content, Content::Public(_) | Content::Certificate(_));
    let mode = metadata.mode() & 0o7777;
    // Another owner's key is that owner's to protect; so says OpenSSH.
    let own = metadata.uid() == rustix::process::getuid().as_raw();
    if private && own && mode & 0o077 != 0 {
        return Err(KeyFault::TooOpen { mode });
    }
    Ok(content)
}

fn read_certificate(path: &Path) -> Result<UserCertificate, IdentityError> {
    match read_key(path)? {
        Content::Certificate(certificate) => Ok(UserCertificate {
            path: path.to_owned(),
            certificate,
        }),
        _ => Err(KeyFault::Malformed(None).of(path)),
    }
}

/// The public key beside a private one.
fn beside(path: &Path) -> Option<PublicKey> {
    match read_key(&with_suffix(path, ".pub")) {
        Ok(Content::Public(key)) => Some(key),
        _ => None,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(suffix);
    path.into()
}

/// Reads a text whose bytes may be secret. Bytes that are no UTF-8 are in comments at most.
fn read_text(file: File) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 << 10));
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}
