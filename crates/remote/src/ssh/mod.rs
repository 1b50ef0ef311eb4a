//! SSH in this process, by the russh library, which nothing outside of this module sees.

mod auth;
mod dial;
mod leash;
mod lost;
mod process;
mod signers;
mod slots;
mod stream;
mod trust;
mod tuning;
mod wire;

use std::{sync::Arc, time::Duration};

use russh::client;
use tokio::sync::OwnedSemaphorePermit;

pub(crate) use self::slots::{SESSIONS, Slot};
pub use self::{
    auth::{Credential, Login},
    dial::{Endpoint, Via, dial, offered_key},
    trust::Trust,
    tuning::Tuning,
};
use self::{leash::Leash, lost::Lost, slots::Slots, trust::Gatekeeper};
use crate::{
    error::RemoteError,
    host::{BoxStream, Host, Open, Process, Target},
};

/// How long a server is given to hear our goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// A live SSH connection. Cut when dropped.
pub struct SshHost {
    handle: Arc<client::Handle<Gatekeeper>>,
    lost: Arc<Lost>,
    slots: Arc<Slots>,
    leash: Leash,
    /// What this connection goes through must not be closed before it.
    _via: Option<Arc<dyn Host>>,
}

/// Why no process came of a session's place.
pub(crate) enum Refusal {
    /// The server allows no more sessions on this connection; another one may have room.
    Full,
    /// Nothing is gained by another connection.
    Failed(RemoteError),
}

impl SshHost {
    fn new(
        handle: client::Handle<Gatekeeper>,
        leash: Leash,
        lost: Arc<Lost>,
        via: Option<Arc<dyn Host>>,
    ) -> Self {
        Self {
            handle: Arc::new(handle),
            lost,
            slots: Slots::new(),
            leash,
            _via: via,
        }
    }

    /// A place for a session, if one is free. It holds on to `place` as long.
    pub(crate) fn take_slot(&self, place: Option<Arc<OwnedSemaphorePermit>>) -> Option<Slot> {
        self.slots.take(place)
    }

    /// Whether no session can be had here any more.
    pub(crate) fn is_used_up(&self) -> bool {
        self.slots.is_used_up()
    }

    /// Whether the connection is known to be lost.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Starts a process in a place taken before.
    pub(crate) async fn open(&self, slot: Slot, open: Open) -> Result<Process, Refusal> {
        let handle = Arc::clone(&self.handle);
        // A task of its own: given up midway, a channel would stay open over there.
        let opening = tokio::spawn(async move {
            let channel = handle.channel_open_session().await?;
            Ok(process::Session::new(channel))
        });
        let opened = opening.await.unwrap_or(Err(russh::Error::Disconnect));
        match opened {
            Ok(session) => {
                slot.served();
                let started = session.start(open, Arc::clone(&self.lost), slot).await;
                started.map_err(Refusal::Failed)
            }
            Err(error) => {
                let error = self.channel_error("session", error);
                let is_limit = matches!(error, RemoteError::Channel { later: true, .. });
                if is_limit && slot.refused() {
                    return Err(Refusal::Full);
                }
                Err(Refusal::Failed(error))
            }
        }
    }

    /// Opens a byte stream to something that the server can reach.
    ///
    /// # Errors
    /// When the server would not or could not, or the connection is lost.
    pub async fn connect(&self, target: &Target) -> Result<BoxStream, RemoteError> {
        let (handle, wanted) = (Arc::clone(&self.handle), target.clone());
        // A task of its own: given up midway, a channel would stay open over there.
        let opening = tokio::spawn(async move {
            let channel = match wanted {
                Target::Tcp { host, port } => {
                    handle
                        .channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0)
                        .await
                }
                Target::Unix(path) => handle.channel_open_direct_streamlocal(path).await,
            };
            channel.map(stream::Through::new)
        });
        match opening.await.unwrap_or(Err(russh::Error::Disconnect)) {
            Ok(stream) => Ok(Box::pin(stream)),
            Err(error) => Err(self.channel_error(&format!("connection to {target}"), error)),
        }
    }

    /// Says goodbye. What still runs on the node is not ended by it.
    pub async fn close(&self) {
        self.lost.because("we closed it");
        let goodbye = async {
            let by = russh::Disconnect::ByApplication;
            // It may be gone already.
            let _gone = self.handle.disconnect(by, "", "en").await;
            self.leash.gone().await;
        };
        // One that no longer listens is left without.
        let _unheard = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    fn channel_error(&self, what: &str, error: russh::Error) -> RemoteError {
        use russh::ChannelOpenFailure as Reason;
        match error {
            russh::Error::ChannelOpenFailure(reason) => RemoteError::Channel {
                what: what.to_owned(),
                later: matches!(reason, Reason::ConnectFailed | Reason::ResourceShortage),
                reason: refusal(reason),
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
