//! Everything that is looked at on this machine.

use std::{path::PathBuf, sync::Arc};

use towline_core::node::Node;
use towline_fleet::{facts::Check, inventory::Transport};
use towline_remote::ssh_config::SshConfig;

use super::{keys, known_hosts, machine, settings::Settings};
use crate::{
    args::{SshArgs, TransportArg},
    context::{Context, ssh_config, with_causes},
    environment::Environment,
    render::human::count,
};

/// What the checks of this machine are about.
pub(crate) struct Client<'a> {
    /// The user's environment.
    pub(crate) environment: &'a Environment,
    /// The inventory, when it could be read.
    pub(crate) context: Option<&'a Context>,
    /// The nodes that are meant; none when only this machine is looked at.
    pub(crate) nodes: &'a [Arc<Node>],
    /// How they are to be reached.
    pub(crate) ssh: &'a SshArgs,
    /// How many at once.
    pub(crate) fanout: usize,
}

/// What is said of an inventory that can be read.
pub(crate) fn inventory(context: &Context) -> Vec<Check> {
    const NAME: &str = "inventory";
    let nodes = count(context.universe.nodes().len(), "node");
    let mut checks = vec![match &context.config {
        Some(file) => Check::ok(NAME, format!("{}, {nodes}", file.path.display())),
        None => Check::ok(NAME, "no towline.yaml; hosts are named with -w"),
    }];
    if let Err(error) = context.universe.check_groups() {
        let mend = error.hint();
        checks.push(Check::fail(
            "groups",
            with_causes(&error),
            mend.unwrap_or_else(|| "mend it under groups in towline.yaml".to_owned()),
        ));
    }
    checks
}

/// What is said of an inventory that can not be read: the error that every other command ends
/// with, which holds its own hint.
pub(crate) fn inventory_broken(error: &anyhow::Error) -> Check {
    let text = format!("{error:#}");
    let (found, mend) = match text.split_once("\nhint: ") {
        Some((found, mend)) => (found, mend),
        None => (
            text.as_str(),
            "mend it; tow node ls then lists what it says",
        ),
    };
    Check::fail("inventory", found, mend)
}

impl Client<'_> {
    /// Looks at all of it.
    pub(crate) async fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut system_ssh = self.transport_needs_ssh();
        match ssh_config(self.environment, self.ssh) {
            Err(error) => {
                let broken = inventory_broken(&error);
                checks.push(Check {
                    name: "ssh_config".to_owned(),
                    ..broken
                });
            }
            Ok(config) => {
                let settings = self.settings(&config);
                system_ssh = system_ssh.or_else(|| settings.needs_ssh.first().cloned());
                checks.extend(settings.checks());
                let usable = keys::agents(&settings.agents).await;
                let folder = self.environment.home.join(".ssh");
                checks.extend(keys::folder(&folder));
                checks.extend(keys::files(&settings.keys, usable.held > 0, &folder));
                checks.extend(usable.checks);
                checks.extend(known_hosts::checks(
                    &settings.user_files,
                    &settings.global_files,
                ));
            }
        }
        let at_once = match self.nodes.len() {
            0 => self.fanout,
            nodes => self.fanout.min(nodes),
        };
        checks.push(machine::open_files(machine::open_files_limit(), at_once));
        let path = self.environment.var("PATH").unwrap_or_default();
        checks.push(machine::ssh_client(machine::find("ssh", path), system_ssh));
        checks
    }

    fn settings(&self, config: &SshConfig) -> Settings {
        let agent = self.environment.var("SSH_AUTH_SOCK").map(PathBuf::from);
        Settings::gather(config, self.nodes, self.ssh, agent, &self.environment.home)
    }

    /// Why the system's ssh is wanted by name, if it is.
    fn transport_needs_ssh(&self) -> Option<String> {
        let inventory = self.context.and_then(|c| c.inventory.ssh.transport);
        match (self.ssh.transport, inventory) {
            (Some(TransportArg::Openssh), _) => Some("--transport openssh".to_owned()),
            (None, Some(Transport::Openssh)) => Some("transport: openssh".to_owned()),
            _ => None,
        }
    }
}
