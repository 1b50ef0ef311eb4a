//! Looking at the host key that a server presents, in the middle of its handshake.

use std::{
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use russh::{
    client::{self, DisconnectReason},
    keys::{Algorithm, PublicKey, PublicKeyOrCertificate},
};

use super::lost::{Lost, NO_ANSWER};
use crate::known_hosts::{
    Decision, HostKeyError, HostKeyPolicy, HostName, KnownHosts, KnownHostsError, decide,
};

/// Which host keys are taken for a host.
#[derive(Clone)]
pub struct Trust {
    /// The name its keys are kept under.
    pub name: HostName,
    /// The keys known in this run.
    pub known: KnownHosts,
    /// What is done about an unknown one.
    pub policy: HostKeyPolicy,
}

impl Trust {
    /// The algorithms to ask for: those of keys that are known first, so that the server
    /// presents one that can be compared.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        self.known
            .order_algorithms(&self.name, &super::tuning::host_key_algorithms())
    }

    /// The algorithms to ask a certificate in: none where no authority is known that could have
    /// signed one.
    pub(super) fn certificate_algorithms(&self) -> Vec<Algorithm> {
        if self.known.has_authority(&self.name) {
            super::tuning::host_key_algorithms()
        } else {
            Vec::new()
        }
    }

    async fn judge(&self, offered: &PublicKeyOrCertificate) -> Result<(), KeyRefused> {
        let (key, verdict) = match offered {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                (key.clone(), self.known.check(&self.name, key))
            }
            PublicKeyOrCertificate::Certificate(certificate) => {
                let key = PublicKey::from(certificate.public_key().clone());
                let now = SystemTime::now();
                let verdict = self.known.check_certificate(&self.name, certificate, now);
                (key, verdict)
            }
        };
        match decide(self.policy, &self.name, &key, verdict) {
            Decision::Accept => Ok(()),
            Decision::Refuse(error) => Err(KeyRefused::Untrusted(error)),
            Decision::AcceptAndPin => {
                let (known, name) = (self.known.clone(), self.name.clone());
                // Pinning waits for a lock that other processes may hold.
                let pinned = tokio::task::spawn_blocking(move || known.pin(&name, &key)).await;
                match pinned {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) => Err(KeyRefused::NotPinned(error)),
                    Err(_) => Err(KeyRefused::Transport(russh::Error::Disconnect)),
                }
            }
        }
    }
}

/// Why a handshake came to nothing.
#[derive(Debug)]
pub(super) enum KeyRefused {
    Untrusted(Box<HostKeyError>),
    NotPinned(KnownHostsError),
    Transport(russh::Error),
}

impl From<russh::Error> for KeyRefused {
    fn from(error: russh::Error) -> Self {
        Self::Transport(error)
    }
}

/// What the SSH library asks us while a connection stands.
pub(super) struct Gatekeeper {
    pub(super) judge: Judge,
    pub(super) lost: Arc<Lost>,
}

/// Who looks at a host key.
pub(super) enum Judge {
    /// It is held against those that are known.
    Trust(Trust),
    /// It is only noted down; no connection comes of it.
    Note(Arc<OnceLock<PublicKey>>),
}

impl client::Handler for Gatekeeper {
    type Error = KeyRefused;

    async fn check_server_key(
        &mut self,
        offered: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        match &self.judge {
            Judge::Trust(trust) => trust.judge(offered).await.map(|()| true),
            Judge::Note(noted) => {
                let key = match offered {
                    PublicKeyOrCertificate::PublicKey { key, .. } => key.clone(),
                    PublicKeyOrCertificate::Certificate(certificate) => {
                        certificate.public_key().clone().into()
                    }
                };
                let _noted_before = noted.set(key);
                Ok(false)
            }
        }
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<Self::Error>,
    ) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.lost.because(info.message);
                Ok(())
            }
            DisconnectReason::Error(error) => {
                match &error {
                    KeyRefused::Transport(russh::Error::KeepaliveTimeout) => {
                        self.lost.because(NO_ANSWER);
                    }
                    KeyRefused::Transport(error) => self.lost.because(error.to_string()),
                    KeyRefused::Untrusted(_) | KeyRefused::NotPinned(_) => {}
                }
                Err(error)
            }
        }
    }
}
