//! The connections to one node.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Instant,
};

use async_trait::async_trait;
use russh::keys::PublicKey;
use towline_core::node::Node;

use super::{Connect, Pool, connections::Connections};
use crate::{
    error::RemoteError,
    host::{BoxStream, Host, Open, Process, Target},
    openssh,
    route::{Route, SshRoute, Through},
    ssh::{SshHost, Via, dial, offered_key},
};

/// A node's place in the pool.
pub(super) struct Entry {
    /// Held while connecting, so that all who want the node wait for one connection.
    host: tokio::sync::Mutex<Option<Arc<dyn Host>>>,
    usage: Mutex<Usage>,
}

struct Usage {
    leases: usize,
    unused_since: Instant,
}

impl Entry {
    fn new() -> Arc<Self> {
        let usage = Usage {
            leases: 0,
            unused_since: Instant::now(),
        };
        Arc::new(Self {
            host: tokio::sync::Mutex::new(None),
            usage: Mutex::new(usage),
        })
    }

    fn usage(&self) -> std::sync::MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn unused_since(&self) -> Option<Instant> {
        let usage = self.usage();
        (usage.leases == 0).then_some(usage.unused_since)
    }

    pub(super) async fn close(&self) {
        if let Some(host) = self.host.lock().await.take() {
            host.close().await;
        }
    }
}

/// A handle on a node, for as long as it is needed.
pub struct Lease {
    host: Arc<dyn Host>,
    counted: Counted,
}

/// One use of an entry; the count goes down even when a lease is dropped without being released.
struct Counted {
    pool: Weak<Pool>,
    entry: Arc<Entry>,
}

impl Counted {
    fn new(pool: Weak<Pool>, entry: Arc<Entry>) -> Self {
        entry.usage().leases += 1;
        Self { pool, entry }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut usage = self.entry.usage();
        usage.leases = usage.leases.saturating_sub(1);
        usage.unused_since = Instant::now();
    }
}

impl Lease {
    /// Gives the handle back. Connections that are not to be kept are closed by then.
    pub async fn release(self) {
        let Self { host, counted } = self;
        let pool = counted.pool.upgrade();
        drop((host, counted));
        if let Some(pool) = pool {
            pool.tidy().await;
        }
    }

    /// The handle, to be shared with what outlives this lease's borrow.
    #[must_use]
    pub fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }
}

impl Deref for Lease {
    type Target = dyn Host;

    fn deref(&self) -> &Self::Target {
        &*self.host
    }
}

#[async_trait]
impl Connect for Pool {
    async fn connect(&self, node: &Node) -> Result<Lease, RemoteError> {
        let route = self.router.route(node)?;
        self.lease(route).await
    }
}

impl Pool {
    async fn lease(&self, route: Route) -> Result<Lease, RemoteError> {
        let entry = {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                entries
                    .entry(route.key().to_owned())
                    .or_insert_with(Entry::new),
            )
        };
        let counted = Counted::new(self.me.clone(), Arc::clone(&entry));
        let mut place = entry.host.lock().await;
        if let Some(host) = place.as_ref().filter(|host| !host.is_closed()) {
            return Ok(Lease {
                host: Arc::clone(host),
                counted,
            });
        }
        let host: Arc<dyn Host> = match route {
            Route::Local(local) => Arc::new(local),
            Route::Ssh(route) => {
                let first = self.dial(&route).await?;
                Arc::new(Connections::new(self.me.clone(), route, first))
            }
            Route::OpenSsh(client) => {
                let _room = self.handshakes.begin(&client.address()).await;
                Arc::new(openssh::start(&client).await?)
            }
        };
        *place = Some(Arc::clone(&host));
        Ok(Lease { host, counted })
    }

    /// A fresh connection, once there is room at the server's door.
    pub(super) async fn dial(&self, route: &SshRoute) -> Result<SshHost, RemoteError> {
        let via = self.via(route).await?;
        let _room = self.handshakes.begin(&route.endpoint.address()).await;
        dial(&route.endpoint, via).await
    }

    /// What a connection goes through, connected.
    async fn via(&self, route: &SshRoute) -> Result<Via, RemoteError> {
        Ok(match &route.through {
            Through::Nothing => Via::Direct,
            Through::Command(command) => Via::Command(command.afresh()),
            Through::Jump(jump) => {
                let name = jump.endpoint.address();
                let leased = Box::pin(self.lease(Route::Ssh(Arc::clone(jump)))).await;
                let lease = leased.map_err(|source| RemoteError::Proxy {
                    proxy: name.clone(),
                    source: Box::new(source),
                })?;
                Via::Jump {
                    host: Arc::new(Jump(lease)),
                    name,
                }
            }
        })
    }

    /// The host key that the sshd at the end of `route` offers, trusted or not. Nothing else is
    /// done there.
    ///
    /// # Errors
    /// When it can not be reached.
    pub async fn offered_key(&self, route: &SshRoute) -> Result<PublicKey, RemoteError> {
        let via = self.via(route).await?;
        let _room = self.handshakes.begin(&route.endpoint.address()).await;
        offered_key(&route.endpoint, via).await
    }
}

/// A jump host, counted as used for as long as a connection goes through it.
struct Jump(Lease);

#[async_trait]
impl Host for Jump {
    async fn open(&self, open: Open) -> Result<Process, RemoteError> {
        self.0.open(open).await
    }

    async fn connect(&self, target: &Target) -> Result<BoxStream, RemoteError> {
        self.0.connect(target).await
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    async fn close(&self) {}
}
