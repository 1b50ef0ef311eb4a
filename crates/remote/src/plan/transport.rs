//! Which adapter carries a connection.

use crate::ssh_config::Settings;

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
pub(super) fn needs_system_client(settings: &Settings) -> Option<&'static str> {
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
