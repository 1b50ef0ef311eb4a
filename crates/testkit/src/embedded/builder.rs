//! Saying what a node is to be.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use russh::keys::{Certificate, PrivateKey, PublicKey};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::auth::AuthRules;
use super::connection;
use super::groups::Groups;
use super::home::Home;
use super::identity::Identity;
use super::shared::Shared;
use super::stats::Counters;
use super::{EmbeddedNode, Error, Faults};

/// OpenSSH's `MaxSessions`.
const MAX_SESSIONS: usize = 10;

/// What a login on Debian finds.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A node to be; also the template of a fleet.
#[derive(Debug, Clone)]
pub struct EmbeddedBuilder {
    name: String,
    address: SocketAddr,
    home: Option<PathBuf>,
    shell: PathBuf,
    environment: BTreeMap<String, String>,
    auth: AuthRules,
    host_keys: Vec<PrivateKey>,
    certificates: Vec<Certificate>,
    max_sessions: usize,
    max_pending: Option<u64>,
    faults: Faults,
}

impl Default for EmbeddedBuilder {
    fn default() -> Self {
        Self {
            name: "node".to_owned(),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            home: None,
            shell: "/bin/sh".into(),
            environment: BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]),
            auth: AuthRules::default(),
            host_keys: Vec::new(),
            certificates: Vec::new(),
            max_sessions: MAX_SESSIONS,
            max_pending: None,
            faults: Faults::default(),
        }
    }
}

impl EmbeddedBuilder {
    /// The host name commands find in `HOSTNAME` and shells in their prompt. Default `node`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub(super) fn node_name(&self) -> &str {
        &self.name
    }

    /// A name that may log in with a key, a certificate or nothing; may be repeated. Without
    /// any, every name may.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.auth.users.push(user.to_owned());
        self
    }

    /// A key that opens the node; may be repeated.
    #[must_use]
    pub fn authorized_key(mut self, key: PublicKey) -> Self {
        self.auth.keys.push(key.key_data().clone());
        self
    }

    /// An authority whose certificates open the node to their principals; may be repeated.
    #[must_use]
    pub fn trusted_user_ca(mut self, key: PublicKey) -> Self {
        self.auth.authorities.push(key.key_data().clone());
        self
    }

    /// A name and password that open the node; may be repeated.
    #[must_use]
    pub fn password(mut self, user: &str, password: &str) -> Self {
        self.auth
            .passwords
            .push((user.to_owned(), password.to_owned()));
        self
    }

    /// A name and the answer to `Password: ` that open the node by the keyboard-interactive
    /// method; may be repeated.
    #[must_use]
    pub fn keyboard_interactive(mut self, user: &str, answer: &str) -> Self {
        self.auth.answers.push((user.to_owned(), answer.to_owned()));
        self
    }

    /// Lets everyone in without any proof.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.auth.open = true;
        self
    }

    /// The address to listen at; default a free port of 127.0.0.1. All of 127.0.0.0/8 is
    /// loopback, so that 127.1.0.1 to 127.1.255.254 can stand for as many machines.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// A home directory of the caller's, made if it is missing and left when the node goes. By
    /// default a node makes its own and removes it.
    #[must_use]
    pub fn home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// The login shell, as an absolute path; default `/bin/sh`.
    #[must_use]
    pub fn shell(mut self, path: impl Into<PathBuf>) -> Self {
        self.shell = path.into();
        self
    }

    /// A variable every command gets, for example a `PATH` with stand-ins for other programs.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A host key of the caller's instead of a fresh Ed25519 key; may be repeated with keys of
    /// other types.
    #[must_use]
    pub fn host_key(mut self, key: PrivateKey) -> Self {
        self.host_keys.push(key);
        self
    }

    /// A certificate for one of the host keys given; may be repeated.
    #[must_use]
    pub fn host_certificate(mut self, certificate: Certificate) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// How many session channels one connection may have, as OpenSSH's `MaxSessions`; default 10.
    #[must_use]
    pub fn max_sessions(mut self, most: usize) -> Self {
        self.max_sessions = most;
        self
    }

    /// How many connections may be waiting to be authenticated; one more is turned away as
    /// OpenSSH does it beyond the last number of `MaxStartups`. Default: any number.
    #[must_use]
    pub fn max_pending_handshakes(mut self, most: u64) -> Self {
        self.max_pending = Some(most);
        self
    }

    /// What the node does wrong from the start.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Starts the node on the current runtime.
    ///
    /// # Errors
    /// When the address is taken, or the home directory or the host key cannot be made.
    pub async fn start(self) -> Result<EmbeddedNode, Error> {
        let root = if self.home.is_some() {
            None
        } else {
            Some(Home::root()?)
        };
        self.start_below(root).await
    }

    /// Starts the node with its home below `root`, or where the caller said.
    pub(super) async fn start_below(
        self,
        root: Option<Arc<TempDir>>,
    ) -> Result<EmbeddedNode, Error> {
        let home = match (self.home, root) {
            (Some(path), _) => Home::given(path)?,
            (None, Some(root)) => Home::below(root, &self.name)?,
            (None, None) => Home::below(Home::root()?, &self.name)?,
        };
        let wrap = |source| Error::Bind {
            address: self.address,
            source,
        };
        let listener = TcpListener::bind(self.address).await.map_err(wrap)?;
        let address = listener.local_addr().map_err(wrap)?;
        let identity = Identity::new(self.host_keys, self.certificates, self.auth.methods())?;
        let mut environment = self.environment;
        environment
            .entry("HOSTNAME".to_owned())
            .or_insert_with(|| self.name.clone());
        environment
            .entry("PS1".to_owned())
            .or_insert_with(|| format!("{}$ ", self.name));
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            name: self.name,
            address,
            home,
            shell: self.shell,
            environment,
            auth: self.auth,
            identity,
            max_sessions: self.max_sessions,
            max_pending: self.max_pending,
            resets: AtomicU32::new(self.faults.reset_connections),
            faults: watch::Sender::new(self.faults),
            counters: Counters::default(),
            groups: Groups::default(),
            connected: Mutex::new(stop.child_token()),
            stop,
            tasks: TaskTracker::new(),
        });
        shared
            .tasks
            .spawn(connection::accept(listener, Arc::clone(&shared)));
        Ok(EmbeddedNode::new(shared))
    }
}
