//! What can go wrong between this machine and a process on a node.

mod attempt;
mod host_key;

use std::{io, time::Duration};

use towline_core::{
    command::CommandError,
    event::{Failure, FailureKind},
};

pub use self::{
    attempt::{AuthAttempt, AuthResult},
    host_key::HostKeyProblem,
};
use crate::known_hosts::HostKeyError;

/// A failure of the connection layer. Each kind says what was tried; which node it was for is
/// added by whoever knows the node's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The host name has no address.
    #[error("the name {host:?} has no address")]
    Resolve {
        /// The name that was looked up.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The address answered that nothing listens there.
    #[error("{address} refused the connection")]
    Refused {
        /// `host:port`.
        address: String,
    },
    /// No answer in time.
    #[error("{address} did not answer within {} ({stage})", seconds(*after))]
    ConnectTimeout {
        /// `host:port`.
        address: String,
        /// How long was waited.
        after: Duration,
        /// What was being waited for.
        stage: Stage,
    },
    /// The network has no way there.
    #[error("{address} can not be reached")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// What stands between here and the node failed.
    #[error("the way through {proxy} failed")]
    Proxy {
        /// The jump host or the proxy command.
        proxy: String,
        /// How.
        source: Box<RemoteError>,
    },
    /// A proxy command ended or said something else than SSH.
    #[error("the proxy command failed: {reason}")]
    ProxyCommand {
        /// Its exit status and what it wrote to standard error.
        reason: String,
    },
    /// The node's host key is not trusted.
    #[error(transparent)]
    HostKey(Box<HostKeyError>),
    /// The system's ssh client does not trust the node's host key.
    #[error("the host key of {address} {problem}")]
    HostKeyRefused {
        /// `host:port`.
        address: String,
        /// Why.
        problem: HostKeyProblem,
    },
    /// The node's host key could not be pinned.
    #[error("the host key of {address} could not be pinned")]
    Pin {
        /// `host:port`.
        address: String,
        /// Why.
        source: Box<crate::known_hosts::KnownHostsError>,
    },
    /// Every way to prove who we are was refused.
    #[error("{user}@{address} let nobody in: {}", tried(attempts))]
    AuthDenied {
        /// The account.
        user: String,
        /// `host:port`.
        address: String,
        /// What was tried, in this order, and what became of it.
        attempts: Vec<AuthAttempt>,
        /// What the server would still have taken.
        accepts: Vec<String>,
    },
    /// The server would not open a channel.
    #[error("the server opened no {what}: {reason}")]
    Channel {
        /// What was wanted.
        what: String,
        /// The server's reason.
        reason: String,
        /// Whether it may be had later: a session, when others have ended.
        later: bool,
    },
    /// The connection was closed by the other side before it stood.
    #[error("{address} closed the connection during {stage}")]
    Dropped {
        /// `host:port`.
        address: String,
        /// How far it had come.
        stage: Stage,
        /// What the transport said, if it said anything.
        #[source]
        source: Option<io::Error>,
    },
    /// The connection was lost while a process was running.
    #[error("the connection was lost ({reason}); what was started may still run on the node")]
    Closed {
        /// How it was lost.
        reason: String,
    },
    /// The process reads no more.
    #[error("the process takes no more input")]
    InputClosed,
    /// The other side does not speak SSH as it should, or no algorithm is shared.
    #[error("{address} can not be talked to: {reason}")]
    Protocol {
        /// `host:port`.
        address: String,
        /// What did not fit.
        reason: String,
    },
    /// sudo or doas did not let us become the other account.
    #[error("{program} did not let us become {account}: {reason}")]
    Become {
        /// `sudo` or `doas`.
        program: &'static str,
        /// The account that was wanted.
        account: String,
        /// What is known of why.
        reason: BecomeRefusal,
    },
    /// The command can not be put on the wire.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// What is configured for the node makes no sense.
    #[error("its configuration is wrong: {reason}")]
    Config {
        /// What is wrong, and where.
        reason: String,
        /// What would be right.
        hint: Option<String>,
    },
    /// The system's ssh client failed in a way of its own.
    #[error("the system's ssh client failed: {reason}")]
    OpenSsh {
        /// What it said.
        reason: String,
    },
    /// Something on this machine.
    #[error("{what} failed on this machine")]
    Local {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Whether this process or machine may open no more files.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
}

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The TCP connection.
    Tcp,
    /// The server's greeting and the key exchange.
    Handshake,
    /// Proving who we are.
    Authentication,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "the TCP connection",
            Self::Handshake => "the SSH handshake",
            Self::Authentication => "authentication",
        })
    }
}

/// Why another account was not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BecomeRefusal {
    /// The password is wrong.
    WrongPassword,
    /// Anything else.
    Said {
        /// What it said.
        said: String,
        /// Whether a password was at hand.
        password_given: bool,
    },
}

impl std::fmt::Display for BecomeRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongPassword => f.write_str("the password is wrong"),
            Self::Said { said, .. } => f.write_str(said),
        }
    }
}

impl RemoteError {
    /// The shell that is to read a command line on this machine can not be started.
    pub(crate) fn shell(shell: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Self::Config {
                reason: format!("the login shell {shell} can not be started: {source}"),
                hint: Some("set SHELL to a shell that exists".to_owned()),
            },
            _ => Self::Local {
                what: format!("starting {shell}"),
                source,
            },
        }
    }

    /// The kind, for programs.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Resolve { .. } => FailureKind::Resolve,
            Self::Refused { .. } => FailureKind::Refused,
            Self::ConnectTimeout { .. } => FailureKind::ConnectTimeout,
            Self::Unreachable { .. } => FailureKind::Unreachable,
            Self::Proxy { .. } | Self::ProxyCommand { .. } => FailureKind::Proxy,
            Self::HostKey(error) => match **error {
                HostKeyError::Unknown { .. } => FailureKind::HostKeyUnknown,
                _ => FailureKind::HostKeyChanged,
            },
            Self::HostKeyRefused { problem, .. } => problem.kind(),
            Self::AuthDenied { attempts, .. } => {
                if attempts.iter().any(AuthAttempt::is_agent_failure) {
                    FailureKind::Agent
                } else {
                    FailureKind::AuthDenied
                }
            }
            Self::Channel { .. } => FailureKind::Channel,
            Self::Dropped { .. } | Self::Closed { .. } | Self::InputClosed => FailureKind::Closed,
            Self::Protocol { .. } | Self::OpenSsh { .. } => FailureKind::Protocol,
            Self::Become { .. } => FailureKind::Become,
            Self::Command(_) => FailureKind::Command,
            Self::Config { .. } => FailureKind::Config,
            Self::Local { .. } | Self::Pin { .. } => FailureKind::Local,
        }
    }

    /// Whether trying again may help: the network or a busy server failed us, and nothing was
    /// started on the node yet. Authentication and host keys never heal by themselves, and a
    /// command that was already started must not be started twice.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { .. }
            | Self::ConnectTimeout { .. }
            | Self::Unreachable { .. }
            | Self::Dropped { .. } => true,
            Self::Resolve { source, .. } => source.kind() == io::ErrorKind::TimedOut,
            Self::Proxy { source, .. } => source.is_transient(),
            Self::Channel { later, .. } => *later,
            _ => false,
        }
    }

    /// Whether a connection was waited for until its time was up.
    #[must_use]
    pub fn is_connect_timeout(&self) -> bool {
        match self {
            Self::ConnectTimeout { .. } => true,
            Self::Proxy { source, .. } => source.is_connect_timeout(),
            _ => false,
        }
    }

    /// Whether it went wrong before the account was ours: nothing can have been started.
    #[must_use]
    pub fn is_before_login(&self) -> bool {
        !matches!(
            self,
            Self::Channel { .. }
                | Self::Closed { .. }
                | Self::InputClosed
                | Self::Become { .. }
                | Self::Command(_)
                | Self::Local { .. }
        )
    }

    /// What to type next, where something is known to help.
    #[must_use]
    pub fn hint(&self, node: &str) -> Option<String> {
        let text = match self {
            Self::Resolve { host, .. } => {
                format!("check the spelling of {host:?}, or give the node's address as its 'host'")
            }
            Self::Refused { address } => {
                format!("is sshd running on {address}? Another port is given with -p PORT")
            }
            Self::ConnectTimeout { .. } => {
                "is the machine up and the port open? -t SECONDS waits longer".to_owned()
            }
            Self::Dropped { .. } => {
                "sshd may be full, restarting, or not what listens there: try again with \
                 --retries N, or see the node's own log: journalctl -u ssh"
                    .to_owned()
            }
            Self::Unreachable { .. } => {
                "check the network; a jump host is given with -J HOST".to_owned()
            }
            Self::Proxy { source, proxy } => return source.hint(proxy),
            Self::ProxyCommand { .. } => {
                "run the ProxyCommand by hand to see it fail; -o ProxyCommand=none does without it"
                    .to_owned()
            }
            Self::HostKey(error) => error.hint(node),
            Self::HostKeyRefused { problem, .. } => problem.hint(node),
            Self::AuthDenied {
                user,
                address,
                attempts,
                accepts,
            } => auth_hint(user, address, attempts, accepts),
            Self::Become {
                account, reason, ..
            } => match reason {
                BecomeRefusal::WrongPassword => {
                    format!("give the password of the account you log in with, not {account}'s")
                }
                BecomeRefusal::Said {
                    password_given: false,
                    ..
                } => "where a password is needed, -K asks for it once".to_owned(),
                BecomeRefusal::Said { .. } => return None,
            },
            Self::Closed { .. } => {
                format!("look at what still runs: tow exec -w {node} -- ps -ef")
            }
            Self::Protocol { .. } => {
                "--transport openssh uses the system's ssh client instead".to_owned()
            }
            Self::Config { hint, .. } => return hint.clone(),
            Self::Channel { later: true, .. } => {
                "nothing listens there, or a limit is reached: see MaxSessions in the node's \
                 sshd_config"
                    .to_owned()
            }
            Self::Channel { .. } => {
                "see what the node's sshd allows: sshd -T | grep -i -e max -e allow -e force"
                    .to_owned()
            }
            Self::Pin { source, .. } => source.hint(node),
            Self::Local { source, .. } if is_out_of_files(source) => {
                "raise the limit with: ulimit -n 4096; or lower the fan-out with -f N".to_owned()
            }
            _ => return None,
        };
        Some(text)
    }

    /// This error as data, with the causes in the message.
    #[must_use]
    pub fn failure(&self, node: &str) -> Failure {
        let mut message = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Failure {
            kind: self.kind(),
            message,
            hint: self.hint(node),
        }
    }
}

fn auth_hint(user: &str, address: &str, attempts: &[AuthAttempt], accepts: &[String]) -> String {
    if attempts.iter().any(AuthAttempt::is_agent_failure) {
        return "see whether the agent answers: ssh-add -l; or name a key with --identity FILE"
            .to_owned();
    }
    if attempts.iter().any(|a| a.result == AuthResult::HungUp) {
        return "the server allows only so many tries: name the right key with \
                --identity FILE -o IdentitiesOnly=yes"
            .to_owned();
    }
    let takes = |kind: &str| accepts.iter().any(|accepted| accepted == kind);
    let password = if takes("password") || takes("keyboard-interactive") {
        "; or give the account's password with -k"
    } else {
        ""
    };
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "22"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = if port == "22" {
        String::new()
    } else {
        format!("-p {port} ")
    };
    format!(
        "put your key there with: ssh-copy-id {port}{user}@{host}; or name another key with \
         --identity FILE or another account with -l USER{password}"
    )
}

fn tried(attempts: &[AuthAttempt]) -> String {
    if attempts.is_empty() {
        return "there was no key, no agent and no password to try".to_owned();
    }
    let listed: Vec<String> = attempts.iter().map(ToString::to_string).collect();
    format!("tried {}", listed.join(", "))
}

fn seconds(duration: Duration) -> String {
    let text = format!("{:.1}", duration.as_secs_f64());
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}
