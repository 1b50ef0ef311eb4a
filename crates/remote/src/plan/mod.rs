//! From what is configured to the way to each node, before anything is connected.
//!
//! Here every file is read, the agent is asked what it holds, and passphrases are asked for: once,
//! and never in the middle of a fan-out.

mod keys;
mod settings;
mod transport;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use towline_core::{id::NodeId, node::Node, secret::Secret};

pub use self::{keys::Ask, transport::Transport};
use self::{
    keys::KeyRing,
    settings::{Way, Ways},
    transport::{NotHonoured, needed_on},
};
use crate::{
    error::RemoteError,
    identity::{AuthPlan, AuthSources, plan_auth},
    known_hosts::{HostKeyPolicy, HostName, KnownHosts, Options},
    local::LocalHost,
    proxy::ProxyCommand,
    route::{Route, Router, SshRoute, Through},
    ssh::{Endpoint, Trust, Tuning},
    ssh_config::{Oracle, Proxy, Settings, SshConfig, StrictHostKeys},
};

/// Where nothing else is said about it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What wins over ssh_config: flags, and the defaults of the inventory.
#[derive(Clone, Default)]
pub struct Overrides {
    /// `-l`.
    pub user: Option<String>,
    /// `-p`.
    pub port: Option<u16>,
    /// `-i`, in order.
    pub identities: Vec<PathBuf>,
    /// `-J`.
    pub jump: Option<String>,
    /// `-o`, in order.
    pub options: Vec<String>,
    /// How long a connection may take to come up.
    pub connect_timeout: Option<Duration>,
    /// What is done about unknown host keys.
    pub host_keys: Option<HostKeyPolicy>,
    /// What carries the connections.
    pub transport: Transport,
    /// The password of the account logged in to.
    pub password: Option<Secret>,
}

/// What is known of the machine that plans.
pub struct Here {
    /// The user's ssh_config, read.
    pub config: SshConfig,
    /// The home folder, for `~` in paths of the inventory.
    pub home: PathBuf,
    /// The user's login shell, which reads commands for this machine and proxy commands.
    pub shell: String,
    /// The file that `-F` names, which the system's ssh client has to be told of.
    pub config_file: Option<PathBuf>,
    /// Where the sockets of the system's ssh client are made, each in a private folder; a short
    /// path, as the system limits its length.
    pub sockets: PathBuf,
    /// Where the agent listens: the value of `SSH_AUTH_SOCK`.
    pub agent: Option<PathBuf>,
    /// The system's ssh, for what only it can tell.
    pub oracle: Oracle,
    /// Nodes by their ids, so that a jump host can be named by its own.
    pub nodes: HashMap<String, Arc<Node>>,
    /// The key that the inventory names for all nodes: jump hosts that are none get it too.
    pub identity_file: Option<String>,
}

/// Works out the way to each node.
pub struct Planner {
    here: Here,
    overrides: Overrides,
    tuning: Tuning,
}

/// The way to each node that was planned for.
pub struct Plan {
    routes: HashMap<NodeId, Result<Route, ConfigTrouble>>,
    /// What could not be honoured, one sentence each.
    pub warnings: Vec<String>,
}

/// What is wrong with the configuration of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigTrouble {
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

/// A node and the way to it; none where it is this machine.
type Found = (NodeId, Result<Option<Arc<Way>>, ConfigTrouble>);

impl From<ConfigTrouble> for RemoteError {
    fn from(trouble: ConfigTrouble) -> Self {
        Self::Config {
            reason: trouble.reason,
            hint: trouble.hint,
        }
    }
}

impl Plan {
    /// The mistake in the configuration that leaves no way to any node, where it is one and the
    /// same for all of them: a matter of what was typed rather than of any node.
    #[must_use]
    pub fn trouble_of_all(&self) -> Option<RemoteError> {
        let mut troubles = self.routes.values().map(|route| route.as_ref().err());
        let first = troubles.next()??;
        let same = troubles.all(|other| other == Some(first));
        same.then(|| first.clone().into())
    }
}

impl Plan {
    /// File descriptors that are open at most at a time while one of the nodes is worked on.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        let routes = self.routes.values().filter_map(|route| route.as_ref().ok());
        routes.map(Route::descriptors).max().unwrap_or_default()
    }
}

impl Router for Plan {
    fn route(&self, node: &Node) -> Result<Route, RemoteError> {
        match self.routes.get(&node.id) {
            Some(Ok(route)) => Ok(route.clone()),
            Some(Err(trouble)) => Err(trouble.clone().into()),
            None => Err(RemoteError::Config {
                reason: "no way to this node was planned".to_owned(),
                hint: None,
            }),
        }
    }
}

impl Planner {
    /// With what is known here and what wins over it.
    #[must_use]
    pub fn new(here: Here, overrides: Overrides, tuning: Tuning) -> Self {
        Self {
            here,
            overrides,
            tuning,
        }
    }

    /// Plans the way to each of `nodes`. What is wrong with a single node is its own failure
    /// later; it does not keep the others from being reached.
    pub async fn plan(&self, nodes: &[Arc<Node>], ask: &mut dyn Ask) -> Plan {
        let mut ways = Ways::new(&self.here, &self.overrides);
        let mut found: Vec<Found> = Vec::new();
        for node in nodes {
            let way = if node.is_local() && self.overrides.port.is_none() {
                Ok(None)
            } else {
                ways.find_node(node).await.map(Some)
            };
            found.push((node.id.clone(), way));
        }
        let mut ring = KeyRing::new(self.here.agent.clone());
        let reachable = found
            .iter()
            .filter_map(|(_, way)| way.as_ref().ok()?.as_ref())
            .filter(|way| !self.is_for_system_client(way));
        ring.fill(reachable, self.overrides.password.is_some(), ask)
            .await;
        let warnings = std::mem::take(&mut ring.warnings);
        let mut building = Building {
            planner: self,
            ring: &ring,
            known: HashMap::new(),
            routes: HashMap::new(),
            not_honoured: NotHonoured::default(),
            warnings,
        };
        let mut routes = HashMap::with_capacity(found.len());
        for (id, way) in found {
            let route = match way {
                Ok(None) => Ok(Route::Local(LocalHost::new(self.here.shell.as_str()))),
                Ok(Some(way)) => building.route(&way),
                Err(trouble) => Err(trouble),
            };
            routes.insert(id, route);
        }
        let mut warnings = building.not_honoured.warnings;
        warnings.append(&mut building.warnings);
        Plan { routes, warnings }
    }

    /// Whether the keys on this way are no concern of ours.
    fn is_for_system_client(&self, way: &Way) -> bool {
        match self.overrides.transport {
            Transport::OpenSsh => true,
            Transport::Native => false,
            Transport::Auto => needed_on(way).is_some(),
        }
    }
}

/// Turns ways into routes; what several of them share is made once.
struct Building<'a> {
    planner: &'a Planner,
    ring: &'a KeyRing,
    known: HashMap<(Vec<PathBuf>, Vec<PathBuf>, bool), KnownHosts>,
    routes: HashMap<String, Arc<SshRoute>>,
    not_honoured: NotHonoured,
    warnings: Vec<String>,
}

impl Building<'_> {
    fn route(&mut self, way: &Way) -> Result<Route, ConfigTrouble> {
        Ok(match self.system_client(way) {
            Some(why) => Route::OpenSsh(Arc::new(self.client(way, why))),
            None => Route::Ssh(self.ssh_route(way)?),
        })
    }

    fn ssh_route(&mut self, way: &Way) -> Result<Arc<SshRoute>, ConfigTrouble> {
        if let Some(route) = self.routes.get(&way.key) {
            return Ok(Arc::clone(route));
        }
        let through = match (&way.jump, &way.settings.proxy) {
            (Some(jump), _) => Through::Jump(self.ssh_route(jump)?),
            (None, Proxy::Command(template)) => {
                let line = way.settings.tokens.expand_proxy(template);
                let line = line.map_err(|error| ConfigTrouble::of(&error))?;
                Through::Command(ProxyCommand::new(self.planner.here.shell.as_str(), line))
            }
            (None, Proxy::Direct | Proxy::Jump(_)) => Through::Nothing,
        };
        let endpoint = self.endpoint(way)?;
        let route = Arc::new(SshRoute {
            key: way.key.clone(),
            endpoint,
            through,
        });
        self.routes.insert(way.key.clone(), Arc::clone(&route));
        Ok(route)
    }

    fn endpoint(&mut self, way: &Way) -> Result<Endpoint, ConfigTrouble> {
        let settings = &way.settings;
        let overrides = &self.planner.overrides;
        let name = match &settings.host_keys.alias {
            Some(alias) => HostName::alias(alias),
            None => HostName::new(&settings.hostname, settings.port),
        };
        let name = name.map_err(|error| ConfigTrouble::of(&error))?;
        let known = self.known_hosts(settings)?;
        let login = {
            let agent_socket = self.ring.agent_socket(settings);
            let plan = self.auth_plan(settings);
            plan.login(
                settings.user.clone(),
                overrides.password.clone(),
                agent_socket,
            )
        };
        let mut tuning = self.planner.tuning.clone();
        if let Some(interval) = settings.network.server_alive_interval {
            tuning.keepalive_interval = Some(interval);
            tuning.keepalive_max =
                usize::try_from(settings.network.server_alive_count_max).unwrap_or(usize::MAX);
        }
        Ok(Endpoint {
            host: settings.hostname.clone(),
            port: settings.port,
            trust: Trust {
                name,
                known,
                policy: self.policy(settings),
            },
            login: Arc::new(login),
            connect_timeout: self.connect_timeout(settings),
            tuning,
        })
    }

    fn auth_plan(&self, settings: &Settings) -> AuthPlan {
        let agent_socket = self.ring.agent_socket(settings);
        let held = agent_socket
            .as_ref()
            .map_or(&[][..], |socket| self.ring.held(socket));
        plan_auth(&AuthSources {
            identities: self.ring.identities(settings),
            agent: held,
            identities_only: settings.auth.identities_only,
            now: SystemTime::now(),
        })
    }

    fn connect_timeout(&self, settings: &Settings) -> Duration {
        self.planner
            .overrides
            .connect_timeout
            .or(settings.network.connect_timeout)
            .unwrap_or(CONNECT_TIMEOUT)
    }

    fn known_hosts(&mut self, settings: &Settings) -> Result<KnownHosts, ConfigTrouble> {
        let keys = &settings.host_keys;
        let files = (
            keys.user_files.clone(),
            keys.global_files.clone(),
            keys.hash,
        );
        if let Some(known) = self.known.get(&files) {
            return Ok(known.clone());
        }
        let options = Options {
            hash_new_entries: keys.hash,
        };
        let known = KnownHosts::open(&files.0, &files.1, options);
        let known = known.map_err(|error| ConfigTrouble {
            reason: with_causes(&error),
            hint: Some(error.hint("NODE")),
        })?;
        self.known.insert(files, known.clone());
        Ok(known)
    }

    /// There is no way to take any key: what ssh_config says to that end is the default here.
    fn policy(&mut self, settings: &Settings) -> HostKeyPolicy {
        if let Some(policy) = self.planner.overrides.host_keys {
            return policy;
        }
        match settings.host_keys.strict {
            StrictHostKeys::Yes => HostKeyPolicy::Strict,
            StrictHostKeys::Off => {
                let text = "StrictHostKeyChecking=no is not honoured: a new host key is pinned, \
                            a changed one is refused";
                if !self.warnings.iter().any(|warning| warning == text) {
                    self.warnings.push(text.to_owned());
                }
                HostKeyPolicy::AcceptNew
            }
            _ => HostKeyPolicy::AcceptNew,
        }
    }
}

impl ConfigTrouble {
    fn of(error: &dyn std::error::Error) -> Self {
        Self {
            reason: with_causes(error),
            hint: None,
        }
    }
}

/// An error and its causes in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
