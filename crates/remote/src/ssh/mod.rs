//! SSH in this process, by the russh library, which nothing outside of this module sees.

mod auth;
mod dial;
mod lost;
mod process;
mod signers;
mod stream;
mod trust;
mod tuning;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use russh::client;
use tokio::sync::Semaphore;

pub use self::{
    auth::{AuthAttempt, AuthResult, Credential, Login},
    dial::{Endpoint, Via, dial, offered_key},
    trust::Trust,
    tuning::Tuning,
};
use self::{lost::Lost, trust::Gatekeeper};
use crate::{
    error::RemoteError,
    host::{BoxStream, Host, Open, Process, Target},
};

/// Sessions at a time on one connection, as OpenSSH's `MaxSessions` has it by default.
const SESSIONS: usize = 10;

/// A live SSH connection.
pub struct SshHost {
    handle: client::Handle<Gatekeeper>,
    lost: Arc<Lost>,
    sessions: Arc<Semaphore>,
    /// What this connection goes through must not be closed before it.
    _via: Option<Arc<dyn Host>>,
}

impl SshHost {
    fn new(
        handle: client::Handle<Gatekeeper>,
        lost: Arc<Lost>,
        via: Option<Arc<dyn Host>>,
    ) -> Self {
        Self {
            handle,
            lost,
            sessions: Arc::new(Semaphore::new(SESSIONS)),
            _via: via,
        }
    }

    /// Whether another session can be had without waiting for one to end.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.sessions.available_permits() > 0
    }

    fn channel_error(&self, what: &str, later: bool, error: russh::Error) -> RemoteError {
        match error {
            russh::Error::ChannelOpenFailure(reason) => RemoteError::Channel {
                what: what.to_owned(),
                reason: refusal(reason),
                later,
            },
            _ => self.lost.error(),
        }
    }
}

/// The reason codes of RFC 4254, 5.1, in words.
fn refusal(reason: russh::ChannelOpenFailure) -> String {
    use russh::ChannelOpenFailure as Reason;
    match reason {
        Reason::AdministrativelyProhibited => "its configuration does not allow it".to_owned(),
        Reason::ConnectFailed => "it could not connect, or its limit is reached".to_owned(),
        Reason::UnknownChannelType => "it does not know this kind of channel".to_owned(),
        Reason::ResourceShortage => "it is short of resources".to_owned(),
        other => format!("{other:?}"),
    }
}

#[async_trait]
impl Host for SshHost {
    async fn open(&self, open: Open) -> Result<Process, RemoteError> {
        let waiting = Arc::clone(&self.sessions).acquire_owned();
        let slot = waiting.await.map_err(|_| self.lost.error())?;
        match self.handle.channel_open_session().await {
            Ok(channel) => process::start(channel, open, Arc::clone(&self.lost), slot).await,
            Err(error) => {
                if matches!(error, russh::Error::ChannelOpenFailure(_)) {
                    // The server allows fewer than was thought: never use this place again.
                    slot.forget();
                }
                Err(self.channel_error("session", true, error))
            }
        }
    }

    async fn connect(&self, target: &Target) -> Result<BoxStream, RemoteError> {
        let opened = match target {
            Target::Tcp { host, port } => {
                let from = ("127.0.0.1", 0);
                let opening = self.handle.channel_open_direct_tcpip(
                    host.as_str(),
                    u32::from(*port),
                    from.0,
                    from.1,
                );
                opening.await
            }
            Target::Unix(path) => {
                self.handle
                    .channel_open_direct_streamlocal(path.as_str())
                    .await
            }
        };
        match opened {
            Ok(channel) => Ok(Box::pin(stream::Through::new(channel))),
            Err(error) => Err(self.channel_error(&format!("connection to {target}"), false, error)),
        }
    }

    fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    async fn close(&self) {
        self.lost.because("we closed it");
        let goodbye = self
            .handle
            .disconnect(russh::Disconnect::ByApplication, "", "en");
        // It may be gone already.
        let _gone = goodbye.await;
    }
}
