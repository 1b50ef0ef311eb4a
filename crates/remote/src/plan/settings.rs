//! The settings of each node: flags win over the inventory, which wins over ssh_config.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use towline_core::node::{Access, Node};

use super::{ConfigTrouble, Here, Overrides, with_causes};
use crate::ssh_config::{
    ConfigError, Evaluation, Hop, KeyFile, Proxy, Query, Settings, Unsupported,
};

/// The most jump hosts one behind the other; more is a loop.
const DEPTH: usize = 8;

/// The settings of one sshd, and what it is behind.
pub(super) struct Way {
    /// What tells it from every other.
    pub(super) key: String,
    /// All that counts.
    pub(super) settings: Settings,
    /// The sshd in front of it.
    pub(super) jump: Option<Arc<Way>>,
    /// What was asked for, for a client that looks at ssh_config itself.
    pub(super) asked: Given,
    /// What ssh_config says and this program does not do.
    pub(super) unsupported: Vec<Unsupported>,
}

/// What is said about a host beside ssh_config.
pub(super) struct Given {
    /// The host, as it is called in ssh_config.
    pub(super) host: String,
    /// Keys.
    pub(super) identities: Vec<PathBuf>,
    /// `-o`.
    pub(super) options: Vec<String>,
}

/// Looks ways up, each hop once.
pub(super) struct Ways<'a> {
    here: &'a Here,
    overrides: &'a Overrides,
    hops: HashMap<String, Arc<Way>>,
}

/// A host, and what is said about it beside ssh_config.
struct Asked<'a> {
    host: &'a str,
    user: Option<&'a str>,
    port: Option<u16>,
    identities: Vec<PathBuf>,
    jump: Option<&'a str>,
    options: &'a [String],
}

impl<'a> Ways<'a> {
    pub(super) fn new(here: &'a Here, overrides: &'a Overrides) -> Self {
        Self {
            here,
            overrides,
            hops: HashMap::new(),
        }
    }

    /// The way to a node of the fleet.
    pub(super) async fn find_node(&mut self, node: &Node) -> Result<Arc<Way>, ConfigTrouble> {
        let (overrides, access) = (self.overrides, &node.access);
        let asked = Asked {
            host: &node.host,
            user: overrides.user.as_deref().or(access.user.as_deref()),
            port: overrides.port.or(access.port),
            identities: self.identities(access),
            jump: overrides.jump.as_deref().or(access.jump.as_deref()),
            options: &overrides.options,
        };
        self.find(asked, None, DEPTH).await.map(Arc::new)
    }

    /// `-i` first, else what the inventory names.
    fn identities(&self, access: &Access) -> Vec<PathBuf> {
        if !self.overrides.identities.is_empty() {
            return self.overrides.identities.clone();
        }
        let named = access.identity_file.iter();
        named
            .map(|path| expand_home(path, &self.here.home))
            .collect()
    }

    async fn find(
        &mut self,
        asked: Asked<'_>,
        behind: Option<Arc<Way>>,
        depth: usize,
    ) -> Result<Way, ConfigTrouble> {
        let Evaluation {
            mut settings,
            unsupported,
            ..
        } = self.evaluate(&asked).await?;
        name_identities(&mut settings, asked.identities.clone());
        // A hop of a chain is reached through the one before it, whatever its own settings say.
        let jump = match (behind, &settings.proxy) {
            (Some(behind), _) => Some(behind),
            (None, Proxy::Jump(hops)) => {
                let hops = hops.clone();
                Some(self.chain(&hops, depth).await?)
            }
            (None, _) => None,
        };
        let key = key(&settings, jump.as_deref());
        let asked = Given {
            host: asked.host.to_owned(),
            identities: asked.identities,
            options: asked.options.to_vec(),
        };
        Ok(Way {
            key,
            settings,
            jump,
            asked,
            unsupported,
        })
    }

    /// The last of some jump hosts, each behind the one before it.
    async fn chain(&mut self, hops: &[Hop], depth: usize) -> Result<Arc<Way>, ConfigTrouble> {
        let mut last: Option<Arc<Way>> = None;
        for hop in hops {
            let Some(depth) = depth.checked_sub(1) else {
                return Err(ConfigTrouble {
                    reason: format!("there are more than {DEPTH} jump hosts in a row at {hop}"),
                    hint: Some("does a jump host name itself as its own ProxyJump?".to_owned()),
                });
            };
            let place = format!("{hop}\n{}", last.as_ref().map_or("", |way| &way.key));
            if let Some(known) = self.hops.get(&place) {
                last = Some(Arc::clone(known));
                continue;
            }
            let way = Arc::new(Box::pin(self.hop(hop, last, depth)).await?);
            self.hops.insert(place, Arc::clone(&way));
            last = Some(way);
        }
        last.ok_or_else(|| ConfigTrouble {
            reason: "the jump is empty".to_owned(),
            hint: None,
        })
    }

    /// A jump host: a node of the fleet by its id, or any host.
    async fn hop(
        &mut self,
        hop: &Hop,
        behind: Option<Arc<Way>>,
        depth: usize,
    ) -> Result<Way, ConfigTrouble> {
        let node = self.here.nodes.get(&hop.host).cloned();
        let access = match &node {
            Some(node) => node.access.clone(),
            None => Access {
                identity_file: self.here.identity_file.clone(),
                ..Access::default()
            },
        };
        let asked = Asked {
            host: node
                .as_ref()
                .map_or(hop.host.as_str(), |node| node.host.as_str()),
            user: hop.user.as_deref().or(access.user.as_deref()),
            port: hop.port.or(access.port),
            identities: self.identities(&access),
            jump: access.jump.as_deref(),
            // ssh gives its -o to the far end only.
            options: &[],
        };
        self.find(asked, behind, depth).await
    }

    async fn evaluate(&self, asked: &Asked<'_>) -> Result<Evaluation, ConfigTrouble> {
        let mut options = Vec::with_capacity(asked.options.len() + 1);
        for text in asked.options {
            let option = self.here.config.option(text);
            options.extend(option.map_err(|error| wrong(&error))?);
        }
        if let Some(jump) = asked.jump {
            let option = self.here.config.option(&format!("ProxyJump={jump}"));
            options.extend(option.map_err(|_| ConfigTrouble {
                reason: format!("{jump:?} is no way through other machines"),
                hint: Some("it is written as [user@]host[:port], comma separated".to_owned()),
            })?);
        }
        let query = Query {
            host: asked.host,
            user: asked.user,
            port: asked.port,
            options: &options,
        };
        let evaluation = self
            .here
            .config
            .evaluate_with_oracle(&query, &self.here.oracle)
            .await;
        evaluation.map_err(|error| wrong(&error))
    }
}

/// What tells a way from every other. The same address behind something else is another machine,
/// and so is what is known by another name.
fn key(settings: &Settings, jump: Option<&Way>) -> String {
    let mut key = format!("{}@{}:{}", settings.user, settings.hostname, settings.port);
    if let Some(alias) = &settings.host_keys.alias {
        key = [&key, " as ", alias].concat();
    }
    match (jump, &settings.proxy) {
        (Some(jump), _) => [&key, " via ", &jump.key].concat(),
        (None, Proxy::Command(template)) => {
            let line = settings.tokens.expand_proxy(template);
            // What can not be replaced is told when the route is made.
            [&key, " by ", line.as_ref().unwrap_or(template)].concat()
        }
        (None, _) => key,
    }
}

fn wrong(error: &ConfigError) -> ConfigTrouble {
    ConfigTrouble {
        reason: with_causes(error),
        hint: error.hint(),
    }
}

/// Named keys come before those of ssh_config, and in the place of ssh's usual ones.
fn name_identities(settings: &mut Settings, identities: Vec<PathBuf>) {
    if identities.is_empty() {
        return;
    }
    let named = identities.into_iter().map(|path| KeyFile {
        template: path.display().to_string(),
        path,
    });
    let auth = &mut settings.auth;
    if auth.identity_files_are_named {
        auth.identity_files.splice(0..0, named);
    } else {
        auth.identity_files = named.collect();
    }
    auth.identity_files_are_named = true;
}

fn expand_home(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => PathBuf::from(path),
    }
}
