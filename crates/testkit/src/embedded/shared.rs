//! What the connections of one node have in common.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::auth::AuthRules;
use super::faults::Faults;
use super::groups::{self, Groups};
use super::home::Home;
use super::identity::Identity;
use super::stats::Counters;

/// A node, as its connections see it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) home: Home,
    pub(crate) shell: PathBuf,
    /// Variables every command gets, besides those OpenSSH sets.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) auth: AuthRules,
    pub(crate) identity: Identity,
    pub(crate) max_sessions: usize,
    pub(crate) max_pending: Option<u64>,
    pub(crate) faults: watch::Sender<Faults>,
    /// How many connections are still to be reset.
    pub(crate) resets: AtomicU32,
    pub(crate) counters: Counters,
    pub(crate) groups: Groups,
    /// Ends the connections that are open now; replaced when that is done.
    pub(crate) connected: Mutex<CancellationToken>,
    /// Ends the node with all that belongs to it.
    pub(crate) stop: CancellationToken,
    /// Connections, pumps and waits for processes: all are waited for at the end.
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    /// The faults as they are now.
    pub(crate) fn faults(&self) -> Faults {
        self.faults.borrow().clone()
    }

    /// Changes the faults from now on.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.resets
            .store(faults.reset_connections, Ordering::Relaxed);
        self.faults.send_replace(faults);
    }

    /// Is this connection one of those to be reset?
    pub(crate) fn take_reset(&self) -> bool {
        let left = |n: u32| n.checked_sub(1);
        self.resets
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok()
    }

    /// How many session channels one connection may have now.
    pub(crate) fn max_sessions(&self) -> usize {
        self.faults
            .borrow()
            .max_sessions
            .unwrap_or(self.max_sessions)
    }

    /// Waits until a fault is lifted; for ever if it never is.
    pub(crate) async fn until(&self, lifted: impl FnMut(&Faults) -> bool) {
        // The sender lives as long as `self`, so this cannot end for any other reason.
        let _ = self.faults.subscribe().wait_for(lifted).await;
    }

    /// What ends a connection that is made now.
    pub(crate) fn connection_token(&self) -> CancellationToken {
        self.connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .child_token()
    }

    /// Ends the connections that are open now.
    pub(crate) fn cut(&self) {
        let mut connected = self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *connected, self.stop.child_token()).cancel();
    }

    /// Ends all connections and the process groups that are left. Says, once, whether there was
    /// anything that may have left its group and has only its private home to be known by.
    pub(crate) fn end_groups(&self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        self.groups.kill_all() && self.home.is_private()
    }

    /// Ends all connections and kills all processes of the node.
    pub(crate) fn end(&self) {
        if self.end_groups() {
            groups::kill_by_home(self.home.path());
        }
    }
}
