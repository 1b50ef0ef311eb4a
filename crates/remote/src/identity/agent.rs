//! The keys that an agent holds.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use russh::keys::{Certificate, PublicKey, agent::AgentIdentity, ssh_encoding::Decode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

/// Message numbers of the agent protocol (RFC 9987).
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const FAILURE: u8 = 5;
/// OpenSSH's agent answers with no more, in bytes.
const LONGEST_ANSWER: usize = 256 << 10;

/// What can go wrong with an agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no socket at that path.
    #[error("there is no agent at {}", path.display())]
    Missing {
        /// The socket.
        path: PathBuf,
    },
    /// There is a socket, but nobody listens: the agent has ended.
    #[error("the agent at {} no longer runs", path.display())]
    Gone {
        /// The socket.
        path: PathBuf,
    },
    /// The socket can not be used.
    #[error("can not talk to the agent at {}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not answer.
    #[error("the agent at {} does not answer", path.display())]
    Silent {
        /// The socket.
        path: PathBuf,
    },
    /// It refused to list its keys.
    #[error("the agent at {} refuses to list its keys", path.display())]
    Refused {
        /// The socket.
        path: PathBuf,
    },
    /// It answered with what is no answer.
    #[error("what answers at {} is no agent", path.display())]
    Protocol {
        /// The socket.
        path: PathBuf,
    },
}

impl AgentError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::Gone { .. } => {
                "start one and add your key: eval \"$(ssh-agent)\"; ssh-add"
            }
            Self::Io { .. } | Self::Protocol { .. } => {
                "see that SSH_AUTH_SOCK or IdentityAgent names your agent's socket"
            }
            Self::Silent { .. } => "see whether it waits for you to confirm something",
            Self::Refused { .. } => "unlock it: ssh-add -X",
        }
    }
}

/// What an agent holds.
#[derive(Clone, Debug, Default)]
pub struct AgentKeys {
    /// Keys and certificates in the agent's order. None at all: it is empty, or locked, which
    /// OpenSSH's agent does not tell apart.
    pub keys: Vec<AgentIdentity>,
    /// How many more there are, of kinds that are not known here.
    pub unreadable: usize,
}

/// What the agent at `path` holds; it is given `patience` to answer.
///
/// One key of an unknown kind, or a comment in another encoding, does not hide the other keys;
/// that is why the list is read here and not by the SSH library.
///
/// # Errors
/// [`AgentError`], by what is wrong with the socket or the answer.
pub async fn agent_keys(path: &Path, patience: Duration) -> Result<AgentKeys, AgentError> {
    let path = || path.to_owned();
    let answer = match timeout(patience, ask(&path())).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            return Err(match error.kind() {
                io::ErrorKind::NotFound => AgentError::Missing { path: path() },
                io::ErrorKind::ConnectionRefused => AgentError::Gone { path: path() },
                io::ErrorKind::InvalidData => AgentError::Protocol { path: path() },
                _ => AgentError::Io {
                    path: path(),
                    source: error,
                },
            });
        }
        Err(_) => return Err(AgentError::Silent { path: path() }),
    };
    match answer.split_first() {
        Some((&IDENTITIES_ANSWER, list)) => {
            parse(list).ok_or_else(|| AgentError::Protocol { path: path() })
        }
        Some((&FAILURE, _)) => Err(AgentError::Refused { path: path() }),
        _ => Err(AgentError::Protocol { path: path() }),
    }
}

/// Asks for the list and reads the answer, without its length.
async fn ask(path: &Path) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES]).await?;
    let length = stream.read_u32().await? as usize;
    if length > LONGEST_ANSWER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// Reads the list: a count, then key and comment of each.
fn parse(mut list: &[u8]) -> Option<AgentKeys> {
    let mut held = AgentKeys::default();
    for _ in 0..u32::decode(&mut list).ok()? {
        let blob = Vec::<u8>::decode(&mut list).ok()?;
        let comment = Vec::<u8>::decode(&mut list).ok()?;
        let comment = String::from_utf8_lossy(&comment).into_owned();
        if let Ok(certificate) = Certificate::from_bytes(&blob) {
            held.keys.push(AgentIdentity::Certificate {
                certificate,
                comment,
            });
        } else if let Ok(key) = PublicKey::from_bytes(&blob) {
            held.keys.push(AgentIdentity::PublicKey { key, comment });
        } else {
            held.unreadable += 1;
        }
    }
    list.is_empty().then_some(held)
}
