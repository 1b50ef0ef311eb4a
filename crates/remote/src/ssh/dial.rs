//! From an address to a connection that has let us in.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream::FuturesUnordered};
use russh::{client, keys::PublicKey};
use tokio::net::TcpStream;

use super::{
    Login, SshHost, Trust, Tuning,
    leash::{Leash, leashed},
    lost::Lost,
    trust::{Gatekeeper, Judge, KeyRefused},
    wire,
};
use crate::{
    error::{RemoteError, Stage, is_out_of_files},
    host::{BoxStream, Host, Target},
    proxy::ProxyCommand,
};

/// All that is needed to connect to one sshd.
#[derive(Clone)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Which host keys are taken.
    pub trust: Trust,
    /// Who we say we are, and how we prove it.
    pub login: Arc<Login>,
    /// Limit for the TCP connection and the handshake together, and again for authentication.
    pub connect_timeout: Duration,
    /// Library settings.
    pub tuning: Tuning,
}

/// What a connection goes through.
#[derive(Clone)]
pub enum Via {
    /// Straight to the address.
    Direct,
    /// A connection of a jump host.
    Jump {
        /// The jump host.
        host: Arc<dyn Host>,
        /// Its name, for messages.
        name: String,
    },
    /// A command whose standard input and output is the connection.
    Command(ProxyCommand),
}

impl Endpoint {
    /// `host:port`, with brackets where they are needed.
    #[must_use]
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn too_late(&self, stage: Stage) -> RemoteError {
        RemoteError::ConnectTimeout {
            address: self.address(),
            after: self.connect_timeout,
            stage,
        }
    }
}

/// Connects, looks at the host key, and logs in.
///
/// # Errors
/// The kinds before [`RemoteError::Closed`]; what was tried is in them.
pub async fn dial(endpoint: &Endpoint, via: Via) -> Result<SshHost, RemoteError> {
    let deadline = Instant::now() + endpoint.connect_timeout;
    let (keep, said) = match &via {
        Via::Jump { host, .. } => (Some(Arc::clone(host)), None),
        Via::Command(command) => (None, Some(command.said())),
        Via::Direct => (None, None),
    };
    let lost = Arc::new(Lost::default());
    let judge = Judge::Trust(endpoint.trust.clone());
    let connecting = handshake(endpoint, via, judge, &lost);
    let connected = tokio::time::timeout_at(deadline.into(), connecting).await;
    let (mut handle, leash) = match connected {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => return Err(blame_proxy(error, said).await),
        Err(_) => return Err(endpoint.too_late(Stage::Handshake)),
    };
    let address = endpoint.address();
    let login = endpoint.login.log_in(&mut handle, &address);
    match tokio::time::timeout(endpoint.connect_timeout, login).await {
        Ok(Ok(())) => Ok(SshHost::new(handle, leash, lost, keep)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(endpoint.too_late(Stage::Authentication)),
    }
}

/// The host key that the server offers. The connection ends there.
///
/// # Errors
/// When the server is not reached.
pub async fn offered_key(endpoint: &Endpoint, via: Via) -> Result<PublicKey, RemoteError> {
    let noted = Arc::new(OnceLock::new());
    let (judge, lost) = (Judge::Note(Arc::clone(&noted)), Arc::new(Lost::default()));
    let connecting = handshake(endpoint, via, judge, &lost);
    let refused = match tokio::time::timeout(endpoint.connect_timeout, connecting).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error),
        Err(_) => Some(endpoint.too_late(Stage::Handshake)),
    };
    match (noted.get(), refused) {
        (Some(key), _) => Ok(key.clone()),
        (None, Some(error)) => Err(error),
        (None, None) => Err(RemoteError::Protocol {
            address: endpoint.address(),
            reason: "it offered no host key".to_owned(),
        }),
    }
}

/// When a proxy command is in between, what it wrote to standard error tells more than the end
/// of the stream that followed.
async fn blame_proxy(error: RemoteError, said: Option<crate::proxy::Said>) -> RemoteError {
    match (error, said) {
        (RemoteError::Dropped { .. } | RemoteError::Protocol { .. }, Some(said)) => {
            RemoteError::ProxyCommand {
                reason: said.text().await,
            }
        }
        (error, _) => error,
    }
}

async fn handshake(
    endpoint: &Endpoint,
    via: Via,
    judge: Judge,
    lost: &Arc<Lost>,
) -> Result<(client::Handle<Gatekeeper>, Leash), RemoteError> {
    let trust = &endpoint.trust;
    let (plain, certified) = match judge {
        Judge::Trust(_) => (trust.algorithms(), trust.certificate_algorithms()),
        // What is noted down is pinned afterwards: the best plain key the server has.
        Judge::Note(_) => (super::tuning::host_key_algorithms(), Vec::new()),
    };
    let config = endpoint.tuning.config(plain, certified);
    let keeper = Gatekeeper {
        judge,
        lost: Arc::clone(lost),
    };
    let stream: BoxStream = match via {
        Via::Direct => {
            let socket = wire::socket(connect_tcp(endpoint).await?);
            Box::pin(socket.map_err(|source| RemoteError::Local {
                what: "setting up a socket".to_owned(),
                source,
            })?)
        }
        Via::Jump { host, name } => {
            let target = Target::Tcp {
                host: endpoint.host.clone(),
                port: endpoint.port,
            };
            let connected = host.connect(&target).await;
            connected.map_err(|error| RemoteError::Proxy {
                source: Box::new(not_through(endpoint, &name, error)),
                proxy: name,
            })?
        }
        Via::Command(command) => command.start()?,
    };
    let (stream, leash) = leashed(stream, endpoint.tuning.patience());
    let connected = client::connect_stream(config, stream, keeper).await;
    let handle = connected.map_err(|error| handshake_error(endpoint, error))?;
    Ok((handle, leash))
}

/// Why a jump host led nowhere. Nothing has been started there, so that it may be tried again.
fn not_through(endpoint: &Endpoint, jump: &str, error: RemoteError) -> RemoteError {
    match error {
        RemoteError::Channel { later: true, .. } => RemoteError::Unreachable {
            address: endpoint.address(),
            source: io::Error::other("the jump host could not connect to it"),
        },
        RemoteError::Closed { reason } => RemoteError::Dropped {
            address: jump.to_owned(),
            stage: Stage::Tcp,
            source: Some(io::Error::other(reason)),
        },
        other => other,
    }
}

fn handshake_error(endpoint: &Endpoint, error: KeyRefused) -> RemoteError {
    let address = endpoint.address();
    match error {
        KeyRefused::Untrusted(error) => RemoteError::HostKey(error),
        KeyRefused::NotPinned(source) => RemoteError::Pin {
            address,
            source: Box::new(source),
        },
        KeyRefused::Transport(error) => match error {
            russh::Error::IO(source) => RemoteError::Dropped {
                address,
                stage: Stage::Handshake,
                source: Some(source),
            },
            russh::Error::Disconnect | russh::Error::HUP | russh::Error::RecvError => {
                RemoteError::Dropped {
                    address,
                    stage: Stage::Handshake,
                    source: None,
                }
            }
            russh::Error::NoCommonAlgo { kind, theirs, .. } => RemoteError::Protocol {
                address,
                reason: format!(
                    "no {kind:?} algorithm is shared; the server has {}",
                    theirs.join(", ")
                ),
            },
            other => RemoteError::Protocol {
                address,
                reason: other.to_string(),
            },
        },
    }
}

/// How long an address gets before the next one of the same name is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the first of the name's addresses that answers.
async fn connect_tcp(endpoint: &Endpoint) -> Result<TcpStream, RemoteError> {
    let found = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await;
    let resolve = |source| RemoteError::Resolve {
        host: endpoint.host.clone(),
        source,
    };
    let addresses: Vec<SocketAddr> = found.map_err(resolve)?.collect();
    let mut trying: FuturesUnordered<_> = addresses
        .iter()
        .zip(0u32..)
        .map(|(&address, place)| async move {
            tokio::time::sleep(HEAD_START * place).await;
            TcpStream::connect(address).await
        })
        .collect();
    let mut last = None;
    while let Some(attempt) = trying.next().await {
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(tcp_error(endpoint, error)),
        None => Err(resolve(io::Error::from(io::ErrorKind::NotFound))),
    }
}

fn tcp_error(endpoint: &Endpoint, source: io::Error) -> RemoteError {
    let address = endpoint.address();
    match source.kind() {
        io::ErrorKind::ConnectionRefused => RemoteError::Refused { address },
        io::ErrorKind::TimedOut => endpoint.too_late(Stage::Tcp),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => RemoteError::Dropped {
            address,
            stage: Stage::Tcp,
            source: Some(source),
        },
        _ if is_out_of_files(&source) => RemoteError::Local {
            what: "opening a socket".to_owned(),
            source,
        },
        _ => RemoteError::Unreachable { address, source },
    }
}
