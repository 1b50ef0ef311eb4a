//! Nodes reached by an ssh_config, as a run reaches them.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use towline_core::{node::Node, secret::Secret};
use towline_remote::{
    plan::{Ask, Here, Overrides, Plan, Planner},
    pool::{Limits, Pool},
    ssh::Tuning,
    ssh_config::{LocalEnv, Oracle, Sources, SshConfig},
};

use crate::support::node;

/// A user's home, with nothing in it but what a test puts there.
pub struct Home {
    pub folder: TempDir,
    pub agent: Option<PathBuf>,
    pub overrides: Overrides,
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            agent: None,
            overrides: Overrides::default(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.path().join("known_hosts")
    }

    /// Plans the way to each id, which are hosts of the ssh_config `text`.
    pub async fn plan(&self, text: &str, ids: &[&str], ask: &mut dyn Ask) -> Plan {
        let file = self.path().join("config");
        let common = format!(
            "\nHost *\nUser ops\nUserKnownHostsFile {}\nGlobalKnownHostsFile none\n",
            self.known_hosts().display()
        );
        fs::write(&file, [text, &common].concat()).unwrap();
        let env = LocalEnv {
            home: self.path().to_owned(),
            local_user: "here".to_owned(),
            uid: rustix::process::getuid().as_raw(),
            hostname: "here.example".to_owned(),
            vars: std::collections::BTreeMap::new(),
            databases: towline_remote::ssh_config::Databases::default(),
        };
        let here = Here {
            config: SshConfig::load(Sources::File(file), env).unwrap(),
            config_file: None,
            sockets: "/tmp".into(),
            home: self.path().to_owned(),
            shell: "/bin/sh".to_owned(),
            agent: self.agent.clone(),
            oracle: Oracle::new("ssh"),
            nodes: HashMap::new(),
            identity_file: None,
        };
        let nodes: Vec<Arc<Node>> = ids
            .iter()
            .map(|id| {
                let mut node = node(id);
                (*id).clone_into(&mut node.host);
                Arc::new(node)
            })
            .collect();
        let planner = Planner::new(here, self.overrides.clone(), Tuning::default());
        planner.plan(&nodes, ask).await
    }

    pub async fn pool(&self, text: &str, ids: &[&str]) -> Arc<Pool> {
        let plan = self.plan(text, ids, &mut Nobody).await;
        assert_eq!(plan.warnings, Vec::<String>::new());
        Pool::new(Arc::new(plan), Limits::default())
    }
}

/// Nobody can be asked.
pub struct Nobody;

impl Ask for Nobody {
    fn passphrase(&mut self, key: &Path, _: bool) -> Option<Secret> {
        panic!("asked for the passphrase of {}", key.display());
    }
}
