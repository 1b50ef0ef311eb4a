//! From what was found to typed settings: defaults, then tokens, variables and `~`.

mod auth;
mod host_keys;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use super::algorithms::{AlgorithmList, Algorithms};
use super::env::LocalEnv;
use super::error::ConfigError;
use super::keyword::{Number as N, Text as T};
use super::partial::Partial;
use super::settings::*;
use super::tokens::{ExpandError, Tokens, expand_tilde};

/// Debian's client checks the connection every five minutes in batch mode, lest a job hang for ever.
const BATCH_ALIVE_SECONDS: i64 = 300;

/// `LogLevel INFO`.
const LOG_INFO: i64 = 3;

/// Where the values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Configuration: nothing is expanded yet.
    Files,
    /// `ssh -G`, which has expanded all but keys and commands.
    Ssh,
}

/// Types what was found for the host that was typed as `typed_host` and is called `hostname`.
pub(super) fn finish(
    partial: &Partial<'_>,
    typed_host: &str,
    hostname: String,
    env: &LocalEnv,
    origin: Origin,
) -> Result<Settings, ConfigError> {
    let user = partial.text(T::User).unwrap_or(&env.local_user).to_owned();
    let port = partial
        .number(N::Port)
        .and_then(|port| u16::try_from(port).ok())
        .unwrap_or(22);
    let alias = partial.text(T::HostKeyAlias).map(str::to_ascii_lowercase);
    let tokens = Tokens {
        host: hostname.clone(),
        typed_host: typed_host.to_owned(),
        port,
        user: user.clone(),
        key_alias: alias.clone().unwrap_or_else(|| typed_host.to_owned()),
        local_user: env.local_user.clone(),
        uid: env.uid,
        home: env.home.to_string_lossy().into_owned(),
        hostname: env.hostname.clone(),
    };
    let expander = Expander {
        tokens: &tokens,
        env,
        origin,
    };
    let finisher = Finisher { partial, expander };
    let proxy = finisher.proxy();
    refuse_loop(&proxy, &hostname, port, &user)?;
    Ok(Settings {
        proxy_use_fdpass: finisher.fdpass(&proxy)?,
        proxy,
        network: finisher.network()?,
        auth: finisher.auth()?,
        host_keys: finisher.host_keys(alias)?,
        algorithms: finisher.algorithms(),
        session: finisher.session()?,
        control: finisher.control()?,
        log_level: u8::try_from(finisher.number(N::LogLevel, LOG_INFO)).unwrap_or_default(),
        batch_mode: finisher.flag(N::BatchMode, false),
        tag: finisher.owned(T::Tag),
        hostname,
        user,
        port,
        tokens,
    })
}

fn refuse_loop(proxy: &Proxy, host: &str, port: u16, user: &str) -> Result<(), ConfigError> {
    let Proxy::Jump(hops) = proxy else {
        return Ok(());
    };
    let same = hops.last().is_some_and(|hop| {
        hop.host == host
            && hop.port.unwrap_or(22) == port
            && hop.user.as_deref().unwrap_or(user) == user
    });
    if same {
        Err(ConfigError::JumpLoop(host.to_owned()))
    } else {
        Ok(())
    }
}

struct Expander<'a> {
    tokens: &'a Tokens,
    env: &'a LocalEnv,
    origin: Origin,
}

impl Expander<'_> {
    /// A value that `ssh -G` prints with everything replaced.
    fn path(&self, keyword: &'static str, template: &str) -> Result<String, ConfigError> {
        match self.origin {
            Origin::Files => self.key_path(keyword, template),
            Origin::Ssh => Ok(template.to_owned()),
        }
    }

    /// A value that `ssh -G` prints as it is written.
    fn key_path(&self, keyword: &'static str, template: &str) -> Result<String, ConfigError> {
        let expand = || {
            let path = expand_tilde(template, self.env)?;
            self.tokens.expand_all(&path, &self.env.vars)
        };
        expand().map_err(|source| failed(keyword, template, source))
    }

    fn command(&self, keyword: &'static str, template: &str) -> Result<String, ConfigError> {
        match self.origin {
            Origin::Files => self
                .tokens
                .expand(template, &[])
                .map_err(|source| failed(keyword, template, source)),
            Origin::Ssh => Ok(template.to_owned()),
        }
    }
}

fn failed(keyword: &'static str, template: &str, source: ExpandError) -> ConfigError {
    ConfigError::Expand {
        keyword,
        template: template.to_owned(),
        source,
    }
}

struct Finisher<'a> {
    partial: &'a Partial<'a>,
    expander: Expander<'a>,
}

impl Finisher<'_> {
    fn number(&self, key: N, default: i64) -> i64 {
        self.partial.number(key).unwrap_or(default)
    }

    fn small(&self, key: N, default: u32) -> u32 {
        u32::try_from(self.number(key, i64::from(default))).unwrap_or(default)
    }

    fn flag(&self, key: N, default: bool) -> bool {
        self.number(key, i64::from(default)) != 0
    }

    /// A time, where 0 is none.
    fn duration(&self, key: N) -> Option<Duration> {
        non_zero(self.number(key, 0))
    }

    fn owned(&self, key: T) -> Option<String> {
        self.partial.text(key).map(str::to_owned)
    }

    /// A text that `none` takes back.
    fn unless_none(&self, key: T) -> Option<&str> {
        self.partial
            .text(key)
            .filter(|text| !text.eq_ignore_ascii_case("none"))
    }

    fn proxy(&self) -> Proxy {
        match (&self.partial.jump, self.unless_none(T::ProxyCommand)) {
            (Some(hops), _) if !hops.is_empty() => Proxy::Jump(hops.to_vec()),
            (_, Some(command)) => Proxy::Command(command.to_owned()),
            _ => Proxy::Direct,
        }
    }

    fn fdpass(&self, proxy: &Proxy) -> Result<bool, ConfigError> {
        // A jump is made over streams.
        let jumps = matches!(proxy, Proxy::Jump(_));
        let fdpass = !jumps && self.flag(N::ProxyUseFdpass, false);
        if fdpass && matches!(proxy, Proxy::Command(command) if command == "-") {
            return Err(ConfigError::Senseless(
                "ProxyCommand - can not pass a descriptor",
            ));
        }
        Ok(fdpass)
    }

    fn network(&self) -> Result<Network, ConfigError> {
        let attempts = self.small(N::ConnectionAttempts, 1);
        if attempts == 0 {
            return Err(ConfigError::Senseless(
                "ConnectionAttempts must be 1 or more",
            ));
        }
        let alive = match (
            self.partial.number(N::ServerAliveInterval),
            self.flag(N::BatchMode, false),
        ) {
            (None, true) => BATCH_ALIVE_SECONDS,
            (seconds, _) => seconds.unwrap_or(0),
        };
        Ok(Network {
            address_family: match self.number(N::AddressFamily, 0) {
                4 => AddressFamily::Inet,
                6 => AddressFamily::Inet6,
                _ => AddressFamily::Any,
            },
            bind_address: self.owned(T::BindAddress),
            bind_interface: self.owned(T::BindInterface),
            connect_timeout: self
                .partial
                .number(N::ConnectTimeout)
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs),
            connection_attempts: attempts,
            tcp_keep_alive: self.flag(N::TcpKeepAlive, true),
            server_alive_interval: non_zero(alive),
            server_alive_count_max: self.small(N::ServerAliveCountMax, 3),
            compression: self.flag(N::Compression, false),
            rekey_bytes: u64::try_from(self.number(N::RekeyBytes, 0))
                .ok()
                .filter(|&n| n > 0),
            rekey_interval: self.duration(N::RekeySeconds),
        })
    }

    fn algorithms(&self) -> Algorithms {
        let list = |key| self.partial.text(key).map(AlgorithmList::parse);
        Algorithms {
            ciphers: list(T::Ciphers),
            macs: list(T::Macs),
            kex: list(T::KexAlgorithms),
            host_key: list(T::HostKeyAlgorithms),
            pubkey_accepted: list(T::PubkeyAcceptedAlgorithms),
            ca_signature: list(T::CaSignatureAlgorithms),
            hostbased_accepted: list(T::HostbasedAcceptedAlgorithms),
        }
    }

    fn session(&self) -> Result<Session, ConfigError> {
        let split = |pair: &Cow<'_, str>| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        Ok(Session {
            send_env: self
                .partial
                .send_env
                .iter()
                .map(|name| name.clone().into_owned())
                .collect(),
            set_env: self.partial.set_env.iter().filter_map(split).collect(),
            remote_command: self
                .unless_none(T::RemoteCommand)
                .map(|command| self.expander.command("RemoteCommand", command))
                .transpose()?,
            request_tty: match self.number(N::RequestTty, 3) {
                0 => RequestTty::No,
                1 => RequestTty::Yes,
                2 => RequestTty::Force,
                _ => RequestTty::Auto,
            },
            kind: match self.number(N::SessionType, 2) {
                0 => SessionType::None,
                1 => SessionType::Subsystem,
                _ => SessionType::Default,
            },
        })
    }

    fn control(&self) -> Result<Control, ConfigError> {
        let path = self.unless_none(T::ControlPath);
        let persist = self.duration(N::ControlPersistSeconds);
        Ok(Control {
            master: match self.number(N::ControlMaster, 0) {
                1 => ControlMaster::Yes,
                2 => ControlMaster::Auto,
                3 => ControlMaster::Ask,
                4 => ControlMaster::AutoAsk,
                _ => ControlMaster::No,
            },
            path: path
                .map(|path| self.expander.path("ControlPath", path).map(PathBuf::from))
                .transpose()?,
            persist: match (self.flag(N::ControlPersist, false), persist) {
                (false, _) => ControlPersist::No,
                (true, None) => ControlPersist::Forever,
                (true, Some(time)) => ControlPersist::For(time),
            },
        })
    }
}

fn non_zero(seconds: i64) -> Option<Duration> {
    u64::try_from(seconds)
        .ok()
        .filter(|&seconds| seconds > 0)
        .map(Duration::from_secs)
}
