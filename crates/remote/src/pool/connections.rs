//! A node by as many connections as its server's limit on sessions makes necessary; one, mostly.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::Pool;
use crate::{
    error::RemoteError,
    host::{BoxStream, Host, Open, Process, Target},
    route::SshRoute,
    ssh::{Refusal, SESSIONS, Slot, SshHost},
};

/// The most connections to one node, when its server allows few sessions on each.
const CONNECTIONS: usize = 8;

/// The connections to one node. No more sessions are had at a time than fit on one connection to
/// a server with the usual limit: more of them wait for their turn.
pub(super) struct Connections {
    pool: Weak<Pool>,
    route: Arc<SshRoute>,
    places: Arc<Semaphore>,
    open: Mutex<Vec<Arc<SshHost>>>,
}

/// One of the node's sessions. It is held by whatever runs in it.
type Place = Option<Arc<OwnedSemaphorePermit>>;

impl Connections {
    pub(super) fn new(pool: Weak<Pool>, route: Arc<SshRoute>, first: SshHost) -> Self {
        Self {
            pool,
            route,
            places: Arc::new(Semaphore::new(SESSIONS)),
            open: Mutex::new(vec![Arc::new(first)]),
        }
    }

    async fn place(&self) -> Place {
        // The semaphore is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        place.map(Arc::new)
    }

    /// A connection with room, made now if need be; none when there are too many already.
    async fn room(&self, place: &Place) -> Result<Option<(Arc<SshHost>, Slot)>, RemoteError> {
        let mut open = self.open.lock().await;
        open.retain(|one| !one.is_closed() && !one.is_used_up());
        let slot = |one: &Arc<SshHost>| Some((Arc::clone(one), one.take_slot(place.clone())?));
        if let Some(found) = open.iter().find_map(slot) {
            return Ok(Some(found));
        }
        if open.len() >= CONNECTIONS {
            return Ok(None);
        }
        Ok(slot(&self.add(&mut open).await?))
    }

    async fn add(&self, open: &mut Vec<Arc<SshHost>>) -> Result<Arc<SshHost>, RemoteError> {
        let pool = self.pool.upgrade();
        let pool = pool.ok_or_else(|| RemoteError::Closed {
            reason: "the run is over".into(),
        })?;
        let connection = Arc::new(pool.dial(&self.route).await?);
        open.push(Arc::clone(&connection));
        Ok(connection)
    }
}

#[async_trait]
impl Host for Connections {
    async fn open(&self, open: Open) -> Result<Process, RemoteError> {
        open.queued.begin();
        let mut place = if open.urgent {
            None
        } else {
            self.place().await
        };
        loop {
            match self.room(&place).await? {
                Some((connection, slot)) => match connection.open(slot, open.clone()).await {
                    Ok(process) => return Ok(process),
                    Err(Refusal::Full) => {}
                    Err(Refusal::Failed(error)) => return Err(error),
                },
                None if open.urgent => {
                    return Err(RemoteError::Channel {
                        what: "session".to_owned(),
                        reason: format!("all {CONNECTIONS} connections are in use"),
                        later: true,
                    });
                }
                None => {
                    // There are fewer than was thought, for this run: give one up for good.
                    if let Some(surplus) = place.and_then(Arc::into_inner) {
                        surplus.forget();
                    }
                    place = self.place().await;
                }
            }
        }
    }

    async fn connect(&self, target: &Target) -> Result<BoxStream, RemoteError> {
        let connection = {
            let mut open = self.open.lock().await;
            open.retain(|one| !one.is_closed());
            match open.first() {
                Some(first) => Arc::clone(first),
                None => self.add(&mut open).await?,
            }
        };
        connection.connect(target).await
    }

    fn is_closed(&self) -> bool {
        self.open
            .try_lock()
            .is_ok_and(|open| open.iter().all(|one| one.is_closed()))
    }

    async fn close(&self) {
        let all = std::mem::take(&mut *self.open.lock().await);
        futures::future::join_all(all.iter().map(|one| one.close())).await;
    }
}
