//! What ssh_config and the inventory say about the nodes that are meant, taken together.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use towline_core::node::Node;
use towline_fleet::facts::Check;
use towline_remote::{
    identity::IdentityFile,
    ssh_config::{AgentSocket, OptionLine, Query, SshConfig, StrictHostKeys},
};

use crate::{args::SshArgs, context::with_causes};

/// Each thing once, in the order in which it came up.
#[derive(Default)]
pub(super) struct Settings {
    /// Key files that are tried.
    pub(super) keys: Vec<IdentityFile>,
    /// Agents that are asked.
    pub(super) agents: Vec<PathBuf>,
    /// known_hosts of the user.
    pub(super) user_files: Vec<PathBuf>,
    /// known_hosts of the machine.
    pub(super) global_files: Vec<PathBuf>,
    /// Why the system's ssh has to be asked.
    pub(super) needs_ssh: Vec<String>,
    unsupported: Vec<String>,
    any_key_taken: bool,
    errors: BTreeSet<String>,
}

fn add<T: PartialEq>(to: &mut Vec<T>, items: impl IntoIterator<Item = T>) {
    for item in items {
        if !to.contains(&item) {
            to.push(item);
        }
    }
}

impl Settings {
    /// Of these nodes; of any host when there are none.
    pub(super) fn gather(
        config: &SshConfig,
        nodes: &[Arc<Node>],
        args: &SshArgs,
        agent: Option<PathBuf>,
        home: &Path,
    ) -> Self {
        let mut settings = Self::default();
        let options = settings.options(config, args);
        if nodes.is_empty() {
            settings.host(
                config,
                &Query {
                    options: &options,
                    ..Query::host("localhost")
                },
                &[],
                agent.as_ref(),
            );
        }
        for node in nodes.iter().filter(|node| !node.is_local()) {
            let query = Query {
                host: &node.host,
                user: args.login.as_deref().or(node.access.user.as_deref()),
                port: args.port.or(node.access.port),
                options: &options,
            };
            let named: Vec<PathBuf> = match (&args.identity[..], &node.access.identity_file) {
                ([], Some(path)) => vec![match path.strip_prefix("~/") {
                    Some(rest) => home.join(rest),
                    None => PathBuf::from(path),
                }],
                (named, _) => named.to_vec(),
            };
            settings.host(config, &query, &named, agent.as_ref());
        }
        settings
    }

    fn options(&mut self, config: &SshConfig, args: &SshArgs) -> Vec<OptionLine> {
        let mut options = Vec::new();
        for text in &args.options {
            match config.option(text) {
                Ok(option) => options.extend(option),
                Err(error) => {
                    self.errors.insert(with_causes(&error));
                }
            }
        }
        options
    }

    fn host(
        &mut self,
        config: &SshConfig,
        query: &Query<'_>,
        named: &[PathBuf],
        agent: Option<&PathBuf>,
    ) {
        let told = match config.evaluate(query) {
            Ok(told) => told,
            Err(error) => {
                self.errors.insert(with_causes(&error));
                return;
            }
        };
        let auth = &told.settings.auth;
        let explicit = auth.identity_files_are_named;
        let key = |path: &PathBuf, explicit| IdentityFile {
            path: path.clone(),
            explicit,
        };
        add(&mut self.keys, named.iter().map(|path| key(path, true)));
        // Named keys take the place of the usual ones.
        if explicit || named.is_empty() {
            let files = auth.identity_files.iter();
            add(&mut self.keys, files.map(|file| key(&file.path, explicit)));
        }
        add(
            &mut self.agents,
            match &auth.identity_agent {
                AgentSocket::Environment => agent.cloned(),
                AgentSocket::Disabled => None,
                AgentSocket::Path(path) => Some(path.clone()),
            },
        );
        let keys = &told.settings.host_keys;
        add(&mut self.user_files, keys.user_files.iter().cloned());
        add(&mut self.global_files, keys.global_files.iter().cloned());
        self.any_key_taken |= keys.strict == StrictHostKeys::Off;
        add(
            &mut self.needs_ssh,
            told.needs_oracle.map(|reason| match reason.place {
                Some(place) => format!("{} ({place})", reason.what),
                None => reason.what.to_owned(),
            }),
        );
        let unsupported = told.unsupported.iter();
        add(
            &mut self.unsupported,
            unsupported.map(|what| format!("{} ({})", what.keyword, what.place)),
        );
    }

    /// What of ssh_config counts otherwise than for ssh.
    pub(super) fn checks(&self) -> Vec<Check> {
        const NAME: &str = "ssh_config";
        let mut checks: Vec<Check> = self
            .errors
            .iter()
            .map(|error| Check::fail(NAME, error, "mend it; ssh -G HOST then shows what counts"))
            .collect();
        checks.extend(self.unsupported.iter().map(|what| {
            Check::warn(
                NAME,
                format!("{what} is not honoured"),
                "take it out, or reach the nodes that need it with --transport openssh",
            )
        }));
        if self.any_key_taken {
            checks.push(Check::warn(
                NAME,
                "StrictHostKeyChecking=no is not honoured",
                "take it out: a new host key is pinned without a question anyway, and a changed \
                 one is trusted again with tow node trust NODE",
            ));
        }
        if checks.is_empty() {
            checks.push(Check::ok(NAME, "all that it asks for is honoured"));
        }
        checks
    }
}
