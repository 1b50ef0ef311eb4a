//! Who we are: keys, the agent, and which ways of logging in are tried.

use std::path::PathBuf;

use super::super::error::ConfigError;
use super::super::keyword::{Number as N, Text as T};
use super::super::settings::{AddKeys, AgentSocket, Auth, ForwardAgent, KeyFile, PubkeyAuth};
use super::{Finisher, Origin};

/// What the client tries when no `IdentityFile` is given, in this order.
const USUAL_KEYS: [&str; 7] = [
    "~/.ssh/id_rsa",
    "~/.ssh/id_ecdsa",
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_xmss",
    "~/.ssh/id_dsa",
];

impl Finisher<'_> {
    pub(super) fn auth(&self) -> Result<Auth, ConfigError> {
        let mut keys: Vec<&str> = self
            .partial
            .identity_files
            .iter()
            .map(|(path, _)| &**path)
            .collect();
        if keys.is_empty() {
            keys = USUAL_KEYS.to_vec();
        }
        let certificates: Vec<&str> = self
            .partial
            .certificate_files
            .iter()
            .map(|(path, _)| &**path)
            .collect();
        Ok(Auth {
            identity_files: self.key_files("IdentityFile", &keys)?,
            identity_files_are_named: keys != USUAL_KEYS,
            certificate_files: self.key_files("CertificateFile", &certificates)?,
            identities_only: self.flag(N::IdentitiesOnly, false),
            identity_agent: self.identity_agent()?,
            add_keys_to_agent: {
                let lifetime = self.duration(N::AddKeysLifetime);
                match self.number(N::AddKeysToAgent, 0) {
                    1 => AddKeys::Yes(lifetime),
                    2 => AddKeys::Ask,
                    3 => AddKeys::Confirm(lifetime),
                    _ => AddKeys::No,
                }
            },
            forward_agent: match (
                self.flag(N::ForwardAgent, false),
                self.partial.text(T::ForwardAgentPath),
            ) {
                (false, _) => ForwardAgent::No,
                (true, None) => ForwardAgent::Yes,
                (true, Some(path)) => ForwardAgent::Path(self.expander.path("ForwardAgent", path)?),
            },
            pkcs11_provider: self.unless_none(T::Pkcs11Provider).map(str::to_owned),
            security_key_provider: match self.partial.text(T::SecurityKeyProvider) {
                None if self.expander.origin == Origin::Files => Some("internal".to_owned()),
                _ => self.unless_none(T::SecurityKeyProvider).map(str::to_owned),
            },
            preferred: self
                .partial
                .text(T::PreferredAuthentications)
                .map(|list| list.split(',').map(str::to_owned).collect()),
            pubkey: match self.number(N::PubkeyAuthentication, 1) {
                0 => PubkeyAuth::No,
                2 => PubkeyAuth::Unbound,
                3 => PubkeyAuth::HostBound,
                _ => PubkeyAuth::All,
            },
            password: self.flag(N::PasswordAuthentication, true),
            kbd_interactive: self.flag(N::KbdInteractiveAuthentication, true),
            hostbased: self.flag(N::HostbasedAuthentication, false),
            gssapi: self.flag(N::GssapiAuthentication, false),
            password_prompts: self.small(N::PasswordPrompts, 3),
            required_rsa_size: self.small(N::RequiredRsaSize, 1024),
        })
    }

    /// `none` among the keys names none.
    fn key_files(
        &self,
        keyword: &'static str,
        templates: &[&str],
    ) -> Result<Vec<KeyFile>, ConfigError> {
        let some = templates
            .iter()
            .filter(|template| !template.eq_ignore_ascii_case("none"));
        some.map(|&template| {
            let path = PathBuf::from(self.expander.key_path(keyword, template)?);
            Ok(KeyFile {
                template: template.to_owned(),
                path,
            })
        })
        .collect()
    }

    fn identity_agent(&self) -> Result<AgentSocket, ConfigError> {
        let Some(template) = self.partial.text(T::IdentityAgent) else {
            return Ok(AgentSocket::Environment);
        };
        let path = self.expander.path("IdentityAgent", template)?;
        Ok(match path.as_str() {
            "SSH_AUTH_SOCK" => AgentSocket::Environment,
            "none" => AgentSocket::Disabled,
            text => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(name) => match self.expander.env.vars.get(name) {
                    Some(path) => AgentSocket::Path(path.into()),
                    None => AgentSocket::Disabled,
                },
                None => AgentSocket::Path(path.into()),
            },
        })
    }
}
