//! Which adapter carries a connection.

use std::{collections::BTreeSet, sync::Arc};

use super::{Building, settings::Way};
use crate::{
    identity::{KeyFault, Skipped},
    openssh::{Client, Proxy as ClientProxy},
    ssh_config::{Proxy, Settings},
};

/// What the system's client is told to leave alone: this program opens what it needs itself.
const NEVER: [&str; 5] = [
    "DynamicForward",
    "ForwardX11",
    "LocalForward",
    "PermitLocalCommand",
    "RemoteForward",
];

/// The program.
const SSH: &str = "ssh";

/// Which adapter carries a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// SSH in this process, unless the node asks for something that only the system's client has.
    #[default]
    Auto,
    /// SSH in this process, whatever is asked for.
    Native,
    /// The system's ssh client.
    OpenSsh,
}

/// What of these settings only the system's client can do; the first of it, by name.
fn needs_system_client(settings: &Settings) -> Option<&'static str> {
    let auth = &settings.auth;
    let preferred = |name: &str| {
        auth.preferred
            .as_ref()
            .is_some_and(|list| list.first().is_some_and(|p| p == name))
    };
    let wants = [
        (auth.pkcs11_provider.is_some(), "PKCS11Provider"),
        // Distributions turn GSSAPIAuthentication on for everybody; whoever means it says so.
        (preferred("gssapi-with-mic"), "GSSAPIAuthentication"),
        (preferred("hostbased"), "HostbasedAuthentication"),
        (settings.host_keys.command.is_some(), "KnownHostsCommand"),
        (settings.host_keys.revoked.is_some(), "RevokedHostKeys"),
        (settings.proxy_use_fdpass, "ProxyUseFdpass"),
        (settings.network.bind_address.is_some(), "BindAddress"),
        (settings.network.bind_interface.is_some(), "BindInterface"),
    ];
    wants
        .into_iter()
        .find(|(wanted, _)| *wanted)
        .map(|(_, name)| name)
}

/// What one of the hosts on a way asks of the system's client.
pub(super) fn needed_on(way: &Way) -> Option<&'static str> {
    needs_system_client(&way.settings).or_else(|| needed_on(way.jump.as_ref()?))
}

/// What can not be honoured, each thing said once.
#[derive(Default)]
pub(super) struct NotHonoured {
    said: BTreeSet<String>,
    pub(super) warnings: Vec<String>,
}

impl NotHonoured {
    /// Notes what of ssh_config counts for nothing on a way.
    fn note(&mut self, way: &Way, by_system_client: bool) {
        for unsupported in &way.unsupported {
            let keyword = unsupported.keyword;
            if by_system_client && !NEVER.iter().any(|name| name.eq_ignore_ascii_case(keyword)) {
                continue;
            }
            let place = &unsupported.place;
            self.once(keyword, format!("{keyword} ({place}) is not honoured"));
        }
        if let Some(jump) = &way.jump {
            self.note(jump, by_system_client);
        }
    }

    fn once(&mut self, what: &str, text: String) {
        if self.said.insert(what.to_owned()) {
            self.warnings.push(text);
        }
    }
}

impl Building<'_> {
    /// Why the system's client goes this way; `None` when it does not. Says what counts for
    /// nothing on it.
    pub(super) fn system_client(&mut self, way: &Way) -> Option<String> {
        let needed = needed_on(way).or_else(|| self.needs_security_key(way));
        let why = match (self.planner.overrides.transport, needed) {
            (Transport::OpenSsh, _) => Some("it was asked for".to_owned()),
            (Transport::Auto, Some(name)) => Some(format!("for {name}")),
            (Transport::Native, Some(name)) => {
                let text = format!("{name} is not honoured with --transport native");
                self.not_honoured.once(name, text);
                None
            }
            (Transport::Auto | Transport::Native, None) => None,
        };
        self.not_honoured.note(way, why.is_some());
        if why.is_some() && self.planner.overrides.password.is_some() {
            let text = "the password is not given to the system's ssh client, which has to log in \
                        with keys, the agent, or whatever else needs no answer";
            self.not_honoured.once("password", text.to_owned());
        }
        why
    }

    /// Whether a key on a security key is what is meant to be used, and the agent does not have it.
    fn needs_security_key(&self, way: &Way) -> Option<&'static str> {
        let settings = &way.settings;
        let plan = self.auth_plan(settings);
        let is_one = |skipped: &Skipped| matches!(skipped, Skipped::Unusable(error) if matches!(error.fault, KeyFault::SecurityKey));
        let meant = settings.auth.identity_files_are_named || plan.steps.is_empty();
        if meant && plan.skipped.iter().any(is_one) {
            return Some("a security key");
        }
        self.needs_security_key(way.jump.as_ref()?)
    }

    /// What the system's client is told about this way.
    pub(super) fn client(&mut self, way: &Way, why: String) -> Client {
        let settings = &way.settings;
        let here = &self.planner.here;
        let network = &settings.network;
        let tuning = &self.planner.tuning;
        let keepalive = match network.server_alive_interval {
            Some(interval) => {
                let tries = usize::try_from(network.server_alive_count_max);
                Some((interval, tries.unwrap_or(usize::MAX)))
            }
            None => tuning
                .keepalive_interval
                .map(|interval| (interval, tuning.keepalive_max)),
        };
        let host_keys = self.policy(settings);
        let proxy = match (&way.jump, &settings.proxy) {
            (Some(jump), _) => ClientProxy::Jump(Arc::new(self.client(jump, why.clone()))),
            (None, Proxy::Command(template)) => ClientProxy::Command(template.clone()),
            (None, Proxy::Direct | Proxy::Jump(_)) => ClientProxy::Nothing,
        };
        Client {
            key: [&way.key, " by ssh"].concat(),
            why,
            program: SSH.into(),
            folder: here.sockets.clone(),
            shell: here.shell.clone(),
            config: here.config_file.clone(),
            host: way.asked.host.clone(),
            hostname: settings.hostname.clone(),
            user: settings.user.clone(),
            port: settings.port,
            identities: way.asked.identities.clone(),
            options: way.asked.options.clone(),
            known_hosts: settings.host_keys.user_files.clone(),
            host_keys,
            connect_timeout: self.connect_timeout(settings),
            keepalive,
            proxy,
        }
    }
}
