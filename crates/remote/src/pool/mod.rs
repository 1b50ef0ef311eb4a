//! One connection for each node, kept while it is of use.

mod connections;
mod handshakes;
mod node;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use towline_core::node::Node;

use self::node::Entry;
pub use self::{handshakes::Handshakes, node::Lease};
use crate::{error::RemoteError, route::Router};

/// A way to get a live handle on a node.
#[async_trait]
pub trait Connect: Send + Sync {
    /// A handle on the node, connected by now. Give it back with [`Lease::release`].
    ///
    /// # Errors
    /// When the node can not be reached, is not the one we know, or does not let us in.
    async fn connect(&self, node: &Node) -> Result<Lease, RemoteError>;
}

/// How long connections are kept, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// An unused connection is closed after this time; at once when it is zero.
    pub idle: Duration,
    /// The most connections that are kept unused; the longest unused goes first.
    pub kept: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(60),
            kept: 256,
        }
    }
}

/// Connections by where they lead to.
pub struct Pool {
    router: Arc<dyn Router>,
    limits: Limits,
    handshakes: Handshakes,
    entries: Mutex<HashMap<String, Arc<Entry>>>,
    /// Itself, for the leases it gives out.
    me: Weak<Self>,
}

impl Pool {
    /// A pool that asks `router` for the way to each node.
    #[must_use]
    pub fn new(router: Arc<dyn Router>, limits: Limits) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            router,
            limits,
            handshakes: Handshakes::default(),
            entries: Mutex::new(HashMap::new()),
            me: Weak::clone(me),
        })
    }

    /// Closes what has been unused for too long, or is beyond the number that is kept.
    pub async fn tidy(&self) {
        let now = Instant::now();
        let mut unused: Vec<(Instant, String, Arc<Entry>)> = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = |(key, entry): (&String, &Arc<Entry>)| {
                entry
                    .unused_since()
                    .map(|since| (since, key.clone(), Arc::clone(entry)))
            };
            entries.iter().filter_map(idle).collect()
        };
        unused.sort_by_key(|(since, ..)| std::cmp::Reverse(*since));
        for (place, (since, key, entry)) in unused.into_iter().enumerate() {
            if place >= self.limits.kept || now.duration_since(since) >= self.limits.idle {
                self.forget(&key, &entry).await;
            }
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        let all: Vec<Arc<Entry>> = {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.drain().map(|(_, entry)| entry).collect()
        };
        futures::future::join_all(all.iter().map(|entry| entry.close())).await;
    }

    async fn forget(&self, key: &str, entry: &Arc<Entry>) {
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if entry.unused_since().is_none() {
                // Taken up again in the meantime.
                return;
            }
            if entries
                .get(key)
                .is_some_and(|current| Arc::ptr_eq(current, entry))
            {
                entries.remove(key);
            }
        }
        entry.close().await;
    }
}
