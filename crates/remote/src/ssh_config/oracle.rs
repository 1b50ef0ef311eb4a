//! Asking the system's ssh what it would do (`ssh -G`), for what is not evaluated in process. It costs some 6 ms of
//! CPU a host.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use super::Query;
use super::algorithms::{AlgorithmList, Algorithms};
use super::choices;
use super::env::LocalEnv;
use super::error::ConfigError;
use super::finish::{self, Origin};
use super::hops;
use super::keyword::{self, Keyword, Number, Text};
use super::parse::Owner;
use super::partial::Partial;
use super::settings::Settings;
use super::sources::Sources;
use super::values;

/// How long ssh may take. `Match exec` may run anything, and canonicalisation asks the DNS.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why the system's ssh gave no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OracleError {
    /// It can not be started.
    #[error("can not start {}", program.display())]
    Spawn {
        /// What was to be started.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It did not end in time and was killed.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// It refused.
    #[error("{status}: {stderr}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// Its answer makes no sense.
    #[error("its answer is not understood: {0}")]
    Answer(String),
}

/// The system's ssh.
#[derive(Debug)]
pub struct Oracle {
    program: PathBuf,
    timeout: Duration,
    defaults: OnceCell<Algorithms>,
}

impl Oracle {
    /// `program` is a path, or a name that is looked up in the `PATH` of the local environment's variables.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            timeout: TIMEOUT,
            defaults: OnceCell::new(),
        }
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What ssh would do for the host. Algorithm lists that are the client's defaults come as `None`.
    pub async fn ask(
        &self,
        sources: &Sources,
        query: &Query<'_>,
        env: &LocalEnv,
    ) -> Result<Settings, ConfigError> {
        let failed = |source| ConfigError::Oracle {
            host: query.host.to_owned(),
            source,
        };
        let answer = self.raw(sources, query, env).await.map_err(failed)?;
        let mut settings = read_answer(&answer, query.host, env)?;
        let defaults = self.defaults(env).await.map_err(failed)?;
        forget_defaults(&mut settings.algorithms, defaults);
        Ok(settings)
    }

    /// What ssh prints for the host, as it is.
    pub async fn raw(
        &self,
        sources: &Sources,
        query: &Query<'_>,
        env: &LocalEnv,
    ) -> Result<String, OracleError> {
        let mut command = Command::new(&self.program);
        command.arg("-G");
        match sources {
            Sources::Nothing => {
                command.args(["-F", "none"]);
            }
            Sources::File(path) => {
                command.arg("-F").arg(path);
            }
            // ssh finds these by itself.
            Sources::Standard { .. } => {}
        }
        if let Some(user) = query.user {
            command.args(["-l", user]);
        }
        if let Some(port) = query.port {
            command.args(["-p", &port.to_string()]);
        }
        for option in query.options {
            command.args(["-o", &option.1]);
        }
        command.args(["--", query.host]);
        self.run(command, env).await
    }

    async fn run(&self, mut command: Command, env: &LocalEnv) -> Result<String, OracleError> {
        command.env_clear().envs(&env.vars).stdin(Stdio::null());
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let spawned = |source| OracleError::Spawn {
            program: self.program.clone(),
            source,
        };
        let mut group = Group(command.spawn().map_err(spawned)?);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (mut out, mut err) = (group.0.stdout.take(), group.0.stderr.take());
        let gather = async {
            tokio::try_join!(
                read_all(out.as_mut(), &mut stdout),
                read_all(err.as_mut(), &mut stderr),
                group.0.wait(),
            )
        };
        let status = match tokio::time::timeout(self.timeout, gather).await {
            Err(_) => return Err(OracleError::Timeout(self.timeout)),
            Ok(ended) => ended.map_err(spawned)?.2,
        };
        if !status.success() {
            let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
            return Err(OracleError::Failed { status, stderr });
        }
        String::from_utf8(stdout)
            .map_err(|_| OracleError::Answer("it is not valid UTF-8".to_owned()))
    }

    /// The client's own algorithm lists, asked once.
    async fn defaults(&self, env: &LocalEnv) -> Result<&Algorithms, OracleError> {
        self.defaults
            .get_or_try_init(|| async {
                let query = Query {
                    host: "localhost",
                    user: None,
                    port: None,
                    options: &[],
                };
                let answer = self.raw(&Sources::Nothing, &query, env).await?;
                let settings = read_answer(&answer, "localhost", env)
                    .map_err(|error| OracleError::Answer(error.to_string()))?;
                Ok(settings.algorithms)
            })
            .await
    }
}

/// ssh and what it started, in a process group of their own: whoever stops waiting ends them all.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // The number is given only while ssh has not been waited for, so it is nobody else's.
        let id = self
            .0
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(group) = id {
            // It may have ended by now, which is as well.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

async fn read_all(
    from: Option<&mut (impl AsyncRead + Unpin)>,
    into: &mut Vec<u8>,
) -> io::Result<usize> {
    match from {
        Some(from) => from.read_to_end(into).await,
        None => Ok(0),
    }
}

fn forget_defaults(algorithms: &mut Algorithms, defaults: &Algorithms) {
    let forget = |list: &mut Option<AlgorithmList>, default: &Option<AlgorithmList>| {
        if list == default {
            *list = None;
        }
    };
    forget(&mut algorithms.ciphers, &defaults.ciphers);
    forget(&mut algorithms.macs, &defaults.macs);
    forget(&mut algorithms.kex, &defaults.kex);
    forget(&mut algorithms.host_key, &defaults.host_key);
    forget(&mut algorithms.pubkey_accepted, &defaults.pubkey_accepted);
    forget(&mut algorithms.ca_signature, &defaults.ca_signature);
    forget(
        &mut algorithms.hostbased_accepted,
        &defaults.hostbased_accepted,
    );
}

/// Reads what `ssh -G` prints: a keyword and its value a line, values without quotes and already expanded, but for
/// keys and commands.
pub(super) fn read_answer(
    answer: &str,
    typed_host: &str,
    env: &LocalEnv,
) -> Result<Settings, ConfigError> {
    let failed = |why: String| ConfigError::Oracle {
        host: typed_host.to_owned(),
        source: OracleError::Answer(why),
    };
    let mut partial = Partial::new();
    let mut hostname = None;
    for line in answer.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        if name == "hostname" {
            hostname = Some(value.to_owned());
            continue;
        }
        // The host as typed, which is no keyword here, and what is of no interest.
        let Some((_, keyword)) = keyword::lookup(&name.to_ascii_lowercase()) else {
            continue;
        };
        read_value(&mut partial, keyword, value, env).ok_or_else(|| failed(line.to_owned()))?;
    }
    let hostname = hostname.ok_or_else(|| failed("there is no host name".to_owned()))?;
    finish::finish(&partial, typed_host, hostname, env, Origin::Ssh)
}

fn read_value<'a>(
    partial: &mut Partial<'a>,
    keyword: Keyword,
    value: &'a str,
    env: &LocalEnv,
) -> Option<()> {
    match keyword {
        Keyword::Text(key) | Keyword::Command(key) => partial.put_text(key, value),
        Keyword::IdentityAgent => partial.put_text(Text::IdentityAgent, value),
        Keyword::ProxyCommand => partial.put_text(Text::ProxyCommand, value),
        Keyword::ProxyJump => {
            partial.jump = Some(hops::parse(value, &env.databases).ok()?.into());
        }
        Keyword::Choice(key, choices) => partial.put_number(key, choices::choose(choices, value)?),
        Keyword::Seconds(_) if value == "none" => {}
        Keyword::Count(key) | Keyword::Seconds(key) => {
            partial.put_number(key, values::count(value)?);
        }
        Keyword::Port => partial.put_number(Number::Port, values::count(value)?),
        Keyword::RekeyLimit => {
            let (bytes, seconds) = value.split_once(' ')?;
            partial.put_number(Number::RekeyBytes, bytes.parse().ok()?);
            partial.put_number(Number::RekeySeconds, values::count(seconds)?);
        }
        Keyword::IdentityFile => partial.identity_files.push((value.into(), Owner::User)),
        Keyword::CertificateFile => partial.certificate_files.push((value.into(), Owner::User)),
        Keyword::UserKnownHosts => partial.user_known_hosts = Some(words(value).into()),
        Keyword::GlobalKnownHosts => partial.global_known_hosts = Some(words(value).into()),
        Keyword::SendEnv => partial.send_env.push(value.into()),
        Keyword::SetEnv => partial.set_env.push(value.into()),
        Keyword::ForwardAgent => match choices::choose(choices::FLAG, value) {
            Some(flag) => partial.put_number(Number::ForwardAgent, flag),
            None => {
                partial.put_number(Number::ForwardAgent, 1);
                partial.put_text(Text::ForwardAgentPath, value);
            }
        },
        Keyword::AddKeysToAgent => {
            let (how, time) = value.split_once(' ').unwrap_or((value, ""));
            let (how, time) = match choices::choose(choices::ADD_KEYS, how) {
                Some(how) => (how, time),
                None => (1, how),
            };
            partial.put_number(Number::AddKeysToAgent, how);
            let seconds = if time.is_empty() {
                0
            } else {
                values::count(time)?
            };
            partial.put_number(Number::AddKeysLifetime, seconds);
        }
        Keyword::ControlPersist => {
            let flag = choices::choose(choices::FLAG, value);
            partial.put_number(Number::ControlPersist, flag.unwrap_or(1));
            let seconds = if flag.is_some() {
                0
            } else {
                values::count(value)?
            };
            partial.put_number(Number::ControlPersistSeconds, seconds);
        }
        Keyword::Host
        | Keyword::Match
        | Keyword::Include
        | Keyword::PermittedCnames
        | Keyword::Ignored(_)
        | Keyword::Unsupported(_) => {}
    }
    Some(())
}

fn words(value: &str) -> Vec<String> {
    value.split(' ').map(str::to_owned).collect()
}
