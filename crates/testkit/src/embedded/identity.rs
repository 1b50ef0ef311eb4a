//! The keys with which a node shows who it is, and the protocol settings that carry them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::{Certificate, PrivateKey, PublicKey};
use russh::server::Config;
use russh::{MethodSet, SshId};

use super::input::WINDOW;
use super::{Error, TestKey};

/// OpenSSH's `MaxAuthTries`.
const MAX_AUTH_TRIES: usize = 6;

/// A node's host keys. The settings built from them are shared by all its connections.
#[derive(Debug)]
pub(crate) struct Identity {
    first: PublicKey,
    keys: Vec<PrivateKey>,
    /// Made when a fault first asks for it, and the same from then on.
    other: Mutex<Option<PrivateKey>>,
    certificates: Mutex<Vec<Certificate>>,
    methods: MethodSet,
    /// The settings of an honest connection, until a certificate changes them.
    config: Mutex<Option<Arc<Config>>>,
}

impl Identity {
    pub(crate) fn new(
        mut keys: Vec<PrivateKey>,
        certificates: Vec<Certificate>,
        methods: MethodSet,
    ) -> Result<Self, Error> {
        let first = match keys.first() {
            Some(key) => key.public_key().clone(),
            None => {
                let key = TestKey::ed25519()?;
                keys.push(key.private().clone());
                key.public()
            }
        };
        Ok(Self {
            first,
            keys,
            other: Mutex::new(None),
            certificates: Mutex::new(certificates),
            methods,
            config: Mutex::new(None),
        })
    }

    /// The first host key.
    pub(crate) fn host_key(&self) -> &PublicKey {
        &self.first
    }

    /// The key that is shown instead when the fault asks for it.
    pub(crate) fn other_key(&self) -> Result<PrivateKey, Error> {
        let mut other = lock(&self.other);
        if let Some(key) = &*other {
            return Ok(key.clone());
        }
        let key = TestKey::ed25519()?.private().clone();
        *other = Some(key.clone());
        Ok(key)
    }

    pub(crate) fn present(&self, certificate: Certificate) {
        lock(&self.certificates).push(certificate);
        *lock(&self.config) = None;
    }

    /// The settings for the next connection.
    pub(crate) fn config(&self, other_key: bool) -> Result<Arc<Config>, Error> {
        if other_key {
            return Ok(Arc::new(self.build(vec![self.other_key()?], Vec::new())));
        }
        let mut config = lock(&self.config);
        if let Some(config) = &*config {
            return Ok(Arc::clone(config));
        }
        let built = Arc::new(self.build(self.keys.clone(), lock(&self.certificates).clone()));
        *config = Some(Arc::clone(&built));
        Ok(built)
    }

    fn build(&self, keys: Vec<PrivateKey>, certificates: Vec<Certificate>) -> Config {
        let banner = concat!("SSH-2.0-TowlineTestkit_", env!("CARGO_PKG_VERSION"));
        Config {
            server_id: SshId::Standard(banner.into()),
            methods: self.methods.clone(),
            keys,
            certificates,
            // Refusals come at once: nothing here is worth guessing.
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            max_auth_attempts: MAX_AUTH_TRIES,
            window_size: WINDOW,
            inactivity_timeout: None,
            nodelay: true,
            ..Config::default()
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
