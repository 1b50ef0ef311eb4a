//! Why a key can not be used.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
};

use russh::keys::ssh_key;

/// A key file that can not be used to sign. Its public half may still name a key of the agent.
#[derive(Debug)]
pub struct IdentityError {
    /// The key's file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: KeyFault,
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// The file can not be read.
    #[error("it can not be read")]
    Read(#[source] io::Error),
    /// Other users can read it. `ssh` refuses such keys too.
    #[error("other users can read it (mode {mode:04o})")]
    TooOpen {
        /// Its permissions.
        mode: u32,
    },
    /// It holds no key that could be read.
    #[error("it holds no readable key")]
    Malformed(#[source] Option<Box<dyn Error + Send + Sync>>),
    /// The format, cipher or algorithm is not supported here.
    #[error("it is {0}, which is not supported")]
    Unsupported(&'static str),
    /// It is only the public half.
    #[error("it is a public key, and its private half is in no file and no agent")]
    PublicOnly,
    /// It belongs to a security key (FIDO), which only the system's `ssh`, or an agent, can use.
    #[error("it belongs to a security key, which needs the system's ssh or an agent")]
    SecurityKey,
    /// The passphrase does not open it.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, fault } = self;
        write!(f, "the key {} can not be used: {fault}", path.display())
    }
}

impl Error for IdentityError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

impl KeyFault {
    pub(super) fn of(self, path: &Path) -> IdentityError {
        IdentityError {
            path: path.to_owned(),
            fault: self,
        }
    }

    pub(super) fn malformed(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Malformed(Some(Box::new(source)))
    }
}

impl From<ssh_key::Error> for KeyFault {
    fn from(error: ssh_key::Error) -> Self {
        match error {
            ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
                Self::Unsupported("of an unknown type")
            }
            error => Self::malformed(error),
        }
    }
}

impl IdentityError {
    /// Whether the other adapter, the system's `ssh`, may be able to use the key.
    #[must_use]
    pub fn needs_openssh(&self) -> bool {
        matches!(self.fault, KeyFault::SecurityKey | KeyFault::Unsupported(_))
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let path = self.path.display();
        match self.fault {
            KeyFault::Missing => {
                format!(
                    "name another key with --identity, or make one: ssh-keygen -t ed25519 -f {path}"
                )
            }
            KeyFault::Read(_) => format!("make it readable: chmod u+r {path}"),
            KeyFault::TooOpen { .. } => format!("chmod 600 {path}"),
            KeyFault::Malformed(_) => {
                format!("see what ssh-keygen makes of it: ssh-keygen -y -f {path}")
            }
            KeyFault::Unsupported(_) => {
                format!("rewrite it in OpenSSH's own format: ssh-keygen -p -f {path}")
            }
            KeyFault::PublicOnly => "add its private half to the agent: ssh-add".to_owned(),
            KeyFault::SecurityKey => format!("add it to the agent: ssh-add {path}"),
            KeyFault::WrongPassphrase => {
                format!("try again, or add it to the agent: ssh-add {path}")
            }
        }
    }
}
