//! What a node knows of one client.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use russh::server::{Auth, Msg};
use russh::{ChannelId, ChannelOpenFailure, ChannelWriteHalf};
use tokio_util::sync::CancellationToken;

use super::input::{Inlet, TRICKLE, WINDOW};
use super::session::{Running, SessionSlot, Wishes};
use super::shared::Shared;
use super::streams::Listener;

/// A connection that counts as a pending handshake until it is authenticated.
#[derive(Debug)]
pub(crate) struct Pending(Arc<Shared>);

impl Pending {
    /// Counts one more; none when the node has enough of them.
    pub(crate) fn enter(shared: &Arc<Shared>) -> Option<Self> {
        let now = shared.counters.pending.enter();
        let pending = Self(Arc::clone(shared));
        (shared.max_pending.is_none_or(|most| now <= most)).then_some(pending)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.counters.pending.leave();
    }
}

/// One connection and what its client has asked for so far.
pub(crate) struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) token: CancellationToken,
    pub(super) pending: Option<Pending>,
    pub(super) user: String,
    pub(super) sessions: Arc<AtomicUsize>,
    pub(super) channels: HashMap<ChannelId, OpenChannel>,
    /// What ends each of the listeners the client asked for.
    pub(super) listeners: HashMap<Listener, CancellationToken>,
    /// The socket that leads to the client's agent.
    pub(super) agent: Option<PathBuf>,
}

/// A channel between its opening and its close.
pub(super) struct OpenChannel {
    pub(super) input: Option<Inlet>,
    pub(super) session: Option<SessionChannel>,
    pub(super) gone: CancellationToken,
}

/// What a session channel has besides its input.
pub(super) struct SessionChannel {
    pub(super) wishes: Wishes,
    /// Given to the process when there is one.
    pub(super) output: Option<ChannelWriteHalf<Msg>>,
    pub(super) running: Arc<Running>,
    /// Goes to the process as well.
    pub(super) slot: Option<SessionSlot>,
}

impl Client {
    pub(crate) fn new(
        shared: Arc<Shared>,
        (peer, local): (SocketAddr, SocketAddr),
        token: CancellationToken,
        pending: Pending,
    ) -> Self {
        Self {
            shared,
            peer,
            local,
            token,
            pending: Some(pending),
            user: String::new(),
            sessions: Arc::default(),
            channels: HashMap::new(),
            listeners: HashMap::new(),
            agent: None,
        }
    }

    /// Lets in or not; a fault may refuse all, or never answer.
    pub(super) async fn judge(&self, accepted: bool) -> Auth {
        let faults = self.shared.faults();
        if faults.hang_in_auth {
            tokio::select! {
                () = self.token.cancelled() => {}
                () = self.shared.until(|faults| !faults.hang_in_auth) => {}
            }
        }
        if accepted && !faults.refuse_auth {
            Auth::Accept
        } else {
            self.refusal()
        }
    }

    /// A refusal that leaves all methods open, as OpenSSH does.
    pub(super) fn refusal(&self) -> Auth {
        let proceed_with_methods = Some(self.shared.auth.methods());
        Auth::Reject {
            proceed_with_methods,
            partial_success: false,
        }
    }

    /// Why no channel may be opened at all, if so.
    pub(super) fn refused(&self) -> Option<ChannelOpenFailure> {
        let refused = self.shared.faults.borrow().refuse_channels;
        refused.then_some(ChannelOpenFailure::AdministrativelyProhibited)
    }

    /// How much a client may send ahead of what is taken.
    pub(super) fn window(&self) -> u32 {
        let inputs = self
            .channels
            .values()
            .filter_map(|channel| channel.input.as_ref());
        if inputs.into_iter().any(Inlet::is_slow) {
            TRICKLE
        } else {
            WINDOW
        }
    }

    pub(super) fn remember(&mut self, id: ChannelId, channel: OpenChannel) {
        // A channel closed from this side is not announced by the library: swept up here.
        self.channels
            .retain(|_, channel| !channel.gone.is_cancelled());
        self.channels.insert(id, channel);
    }

    pub(super) fn session(&mut self, id: ChannelId) -> Option<&mut SessionChannel> {
        self.channels.get_mut(&id)?.session.as_mut()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.token.cancel();
    }
}
