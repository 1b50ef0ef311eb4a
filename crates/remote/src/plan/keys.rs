//! All keys of a run: each file read once, each agent asked once, each passphrase asked for once.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use russh::keys::agent::AgentIdentity;
use towline_core::secret::Secret;

use super::settings::Way;
use crate::{
    identity::{Identities, IdentityFile, SecretKey, agent_keys},
    ssh_config::{AgentSocket, Settings},
};

/// How long an agent may take to say what it holds.
const AGENT_PATIENCE: Duration = Duration::from_secs(5);

/// Wrong passphrases before a key is left locked.
const TRIES: u32 = 3;

/// Somebody who can be asked for a passphrase, before a fan-out begins.
pub trait Ask: Send {
    /// The passphrase of the key in a file; `None` to leave it locked. `again` after a wrong one.
    fn passphrase(&mut self, key: &Path, again: bool) -> Option<Secret>;
}

/// Which files hold a way's keys and certificates.
type Files = (Vec<PathBuf>, bool, Vec<PathBuf>);

/// The keys.
pub(super) struct KeyRing {
    environment: Option<PathBuf>,
    identities: HashMap<Files, Identities>,
    agents: HashMap<PathBuf, Vec<AgentIdentity>>,
    none: Identities,
    pub(super) warnings: Vec<String>,
}

impl KeyRing {
    pub(super) fn new(environment: Option<PathBuf>) -> Self {
        Self {
            environment,
            identities: HashMap::new(),
            agents: HashMap::new(),
            none: Identities::default(),
            warnings: Vec::new(),
        }
    }

    /// Gets ready whatever the ways may need.
    pub(super) async fn fill(
        &mut self,
        ways: impl Iterator<Item = &Arc<Way>>,
        has_password: bool,
        ask: &mut dyn Ask,
    ) {
        for way in ways {
            let mut next = Some(way);
            while let Some(way) = next {
                self.add(&way.settings, has_password, ask).await;
                next = way.jump.as_ref();
            }
        }
    }

    /// The agent that these settings mean.
    pub(super) fn agent_socket(&self, settings: &Settings) -> Option<PathBuf> {
        match &settings.auth.identity_agent {
            AgentSocket::Environment => self.environment.clone(),
            AgentSocket::Disabled => None,
            AgentSocket::Path(path) => Some(path.clone()),
        }
    }

    /// What an agent holds.
    pub(super) fn held(&self, socket: &Path) -> &[AgentIdentity] {
        self.agents.get(socket).map_or(&[], Vec::as_slice)
    }

    /// What the files of these settings hold.
    pub(super) fn identities(&self, settings: &Settings) -> &Identities {
        self.identities.get(&files(settings)).unwrap_or(&self.none)
    }

    async fn add(&mut self, settings: &Settings, has_password: bool, ask: &mut dyn Ask) {
        let socket = self.agent_socket(settings);
        if let Some(socket) = &socket {
            self.ask_agent(socket).await;
        }
        let files = files(settings);
        if self.identities.contains_key(&files) {
            return;
        }
        let (keys, explicit, certificates) = &files;
        let wanted: Vec<IdentityFile> = keys
            .iter()
            .map(|path| IdentityFile {
                path: path.clone(),
                explicit: *explicit,
            })
            .collect();
        let mut loaded = Identities::load(&wanted, certificates);
        self.warnings.extend(
            loaded
                .problems
                .iter()
                .map(|problem| super::with_causes(&**problem)),
        );
        let held = socket.as_ref().map_or(&[][..], |socket| self.held(socket));
        let is_ready =
            |identity: &crate::identity::Identity| matches!(identity.secret, SecretKey::Ready(_));
        // Nobody is asked for a passphrase who may well get in without.
        let must =
            *explicit || !(has_password || !held.is_empty() || loaded.keys.iter().any(is_ready));
        if must {
            unlock(&mut loaded, held, ask).await;
        }
        self.identities.insert(files, loaded);
    }

    async fn ask_agent(&mut self, socket: &Path) {
        if self.agents.contains_key(socket) {
            return;
        }
        let keys = match agent_keys(socket, AGENT_PATIENCE).await {
            Ok(held) => held.keys,
            Err(error) => {
                self.warnings
                    .push(format!("{}; {}", super::with_causes(&error), error.hint()));
                Vec::new()
            }
        };
        self.agents.insert(socket.to_owned(), keys);
    }
}

fn files(settings: &Settings) -> Files {
    let auth = &settings.auth;
    let keys = auth
        .identity_files
        .iter()
        .map(|file| file.path.clone())
        .collect();
    let certificates = auth
        .certificate_files
        .iter()
        .map(|file| file.path.clone())
        .collect();
    (keys, auth.identity_files_are_named, certificates)
}

/// Asks for the passphrases of locked keys, but for those that the agent holds anyway.
async fn unlock(loaded: &mut Identities, held: &[AgentIdentity], ask: &mut dyn Ask) {
    for (locked, identity) in loaded.locked_mut() {
        let in_agent = locked.public().is_some_and(|public| {
            held.iter()
                .any(|key| key.public_key().key_data() == public.key_data())
        });
        if in_agent {
            continue;
        }
        for attempt in 0..TRIES {
            let Some(passphrase) = ask.passphrase(locked.path(), attempt > 0) else {
                break;
            };
            // The key derivation is made to be slow.
            let opening = Arc::clone(&locked);
            let opened = tokio::task::spawn_blocking(move || opening.unlock(&passphrase)).await;
            if let Ok(Ok(key)) = opened {
                identity.set_unlocked(key);
                break;
            }
        }
    }
}
