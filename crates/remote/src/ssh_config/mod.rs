//! The OpenSSH client's configuration, evaluated in process.
//!
//! The files are read once ([`SshConfig::load`]) and then held against each host ([`SshConfig::evaluate`]), which
//! takes microseconds where `ssh -G` takes milliseconds. The rules are those of OpenSSH 9.2: the first value found
//! counts. What hangs on running a command or on the DNS (`Match exec`, canonicalisation) is not decided here: the
//! [`Evaluation`] says so, and [`SshConfig::evaluate_with_oracle`] then asks the system's ssh.
//!
//! Nothing here reads the environment: it comes in as a [`LocalEnv`].
//!
//! Where it parts from the client on purpose:
//! - Names in algorithm lists are not checked, as each client knows others.
//! - Keywords of newer clients are read (`Tag` and `Match tagged` count).
//! - Settings that mean nothing for a run over many hosts are checked for their shape only.
//! - `ProxyJump none # why` is no jump, where 9.2 would jump through a host of that name.
//! - `ForwardAgent no` stands although a path follows, which 9.2 prints as the path.
//! - An empty pattern after `Host` is refused wherever it stands; ssh misses it behind a pattern that settles the
//!   line, and in files that do not count.
//! - Files must be UTF-8 where their values count.

mod address;
mod algorithms;
mod choices;
mod directive;
mod env;
mod error;
mod evaluate;
mod finish;
mod glob;
mod hops;
mod keyword;
mod lexer;
mod matching;
mod oracle;
mod parse;
mod partial;
mod pattern;
mod settings;
mod sources;
mod tokens;
mod values;

pub use algorithms::{AlgorithmList, Algorithms};
pub use env::{Databases, LocalEnv};
pub use error::{ConfigError, Place, Problem};
pub use hops::Hop;
pub use oracle::{Oracle, OracleError};
pub use settings::{
    AddKeys, AddressFamily, AgentSocket, Auth, Control, ControlMaster, ControlPersist,
    ForwardAgent, HostKeys, KeyFile, Network, Proxy, PubkeyAuth, RequestTty, Session, SessionType,
    Settings, StrictHostKeys, YesNoAsk,
};
pub use sources::Sources;
pub use tokens::{ExpandError, Tokens};

use finish::Origin;
use parse::{Blocks, Entry, Owner};

/// The configuration, read once and shared by all hosts of a run.
#[derive(Debug)]
pub struct SshConfig {
    sources: Sources,
    env: LocalEnv,
    files: Vec<(Owner, Blocks)>,
}

/// An option as given with `-o`, already read.
#[derive(Debug, Clone)]
pub struct OptionLine(Entry, String);

/// What to find the settings for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The host as typed.
    pub host: &'a str,
    /// `-l`: wins over everything.
    pub user: Option<&'a str>,
    /// `-p`: wins over everything.
    pub port: Option<u16>,
    /// `-o`, in order: win over the files.
    pub options: &'a [OptionLine],
}

impl<'a> Query<'a> {
    /// A host by its name alone.
    pub fn host(host: &'a str) -> Self {
        Self {
            host,
            user: None,
            port: None,
            options: &[],
        }
    }
}

/// The settings of a host, and what is to be said about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The settings. When `needs_oracle` is set, they are a guess as if the undecided condition did not hold.
    pub settings: Settings,
    /// What the files ask for and nothing here honours, each keyword once.
    pub unsupported: Vec<Unsupported>,
    /// Why only the system's ssh can tell, when that is so.
    pub needs_oracle: Option<OracleReason>,
}

/// A keyword that counts for the host and is not honoured.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unsupported {
    /// In lower case.
    pub keyword: &'static str,
    /// Where it stands first.
    pub place: Place,
}

/// What could not be decided in process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OracleReason {
    /// The condition or setting.
    pub what: &'static str,
    /// Where it stands, when it stands in a file.
    pub place: Option<Place>,
}

impl SshConfig {
    /// Reads the files and all that they include. A missing file is an error only when it was named.
    pub fn load(sources: Sources, env: LocalEnv) -> Result<Self, ConfigError> {
        let files = sources.read(&env)?;
        Ok(Self {
            sources,
            env,
            files,
        })
    }

    /// Reads an option as given with `-o`: `Name=value` or `Name value`. An empty one is `None`.
    pub fn option(&self, text: &str) -> Result<Option<OptionLine>, ConfigError> {
        Ok(parse::read_option(text, &self.env)?.map(|entry| OptionLine(entry, text.to_owned())))
    }

    /// What ssh would do for the host.
    pub fn evaluate(&self, query: &Query<'_>) -> Result<Evaluation, ConfigError> {
        if !is_safe_host(query.host) {
            return Err(ConfigError::BadHost(query.host.to_owned()));
        }
        if let Some(user) = query.user.filter(|user| !is_safe_user(user)) {
            return Err(ConfigError::BadUser(user.to_owned()));
        }
        let outcome = evaluate::run(&self.files, &self.env, query)?;
        let settings = finish::finish(
            &outcome.partial,
            query.host,
            outcome.hostname,
            &self.env,
            Origin::Files,
        )?;
        Ok(Evaluation {
            settings,
            unsupported: outcome.unsupported,
            needs_oracle: outcome.needs_oracle,
        })
    }

    /// What ssh would do for the host; it is asked itself when that can not be told in process. `needs_oracle` then
    /// says why it was asked.
    pub async fn evaluate_with_oracle(
        &self,
        query: &Query<'_>,
        oracle: &Oracle,
    ) -> Result<Evaluation, ConfigError> {
        let mut evaluation = self.evaluate(query)?;
        if evaluation.needs_oracle.is_some() {
            evaluation.settings = oracle.ask(&self.sources, query, &self.env).await?;
        }
        Ok(evaluation)
    }
}

/// As OpenSSH has come to do (Debian's 9.2 with it): what was typed and could act on the shell of a `ProxyCommand` is
/// refused. Names in the files are the user's own affair.
fn is_safe_host(host: &str) -> bool {
    let acts = |c: char| "'`\"$\\;&<>|(){},".contains(c) || c == ' ' || c.is_ascii_control();
    !host.is_empty() && !host.starts_with('-') && !host.contains(acts)
}

/// The same for users, where `$` and a backslash may be part of a domain's account.
fn is_safe_user(user: &str) -> bool {
    let acts = |c: char| "'`\";&<>|(){}".contains(c) || c.is_ascii_control();
    let could_be_option = user.starts_with('-') || user.contains(" -");
    !could_be_option && !user.ends_with('\\') && !user.contains(acts)
}
