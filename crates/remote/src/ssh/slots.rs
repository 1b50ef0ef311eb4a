//! The sessions of one connection, as many as its server allows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

/// Sessions at a time on one connection, as OpenSSH's `MaxSessions` has it by default.
pub(crate) const SESSIONS: usize = 10;

/// The count.
pub(super) struct Slots(Mutex<Count>);

struct Count {
    used: usize,
    limit: usize,
    /// Whether a session was ever had here.
    served: bool,
}

/// The place of one session; free again when dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    /// Its place among all sessions of the node, where those are counted.
    _place: Option<Arc<OwnedSemaphorePermit>>,
}

impl Slots {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Count {
            used: 0,
            limit: SESSIONS,
            served: false,
        })))
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(self: &Arc<Self>, place: Option<Arc<OwnedSemaphorePermit>>) -> Option<Slot> {
        let mut count = self.count();
        if count.used >= count.limit {
            return None;
        }
        count.used += 1;
        Some(Slot {
            slots: Arc::clone(self),
            _place: place,
        })
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.count().limit == 0
    }
}

impl Slot {
    pub(super) fn served(&self) {
        self.slots.count().served = true;
    }

    /// The server refused a session: it allows fewer than was thought. Whether it may be had on
    /// another connection: not where the first one ever was refused.
    pub(super) fn refused(self) -> bool {
        let mut count = self.slots.count();
        count.limit = count.used - 1;
        let elsewhere = count.used > 1 || count.served;
        drop(count);
        elsewhere
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.count().used -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_the_limit() {
        let slots = Slots::new();
        let taken: Vec<_> = (0..4).filter_map(|_| slots.take(None)).collect();
        taken[0].served();
        assert!(slots.take(None).unwrap().refused());
        assert!(slots.take(None).is_none());
        drop(taken);
        assert_eq!(
            (0..9)
                .map_while(|_| slots.take(None))
                .collect::<Vec<_>>()
                .len(),
            4
        );
        // All are free by our count and still it refuses: what is left over there keeps it busy.
        assert!(slots.take(None).unwrap().refused());
        assert!(slots.is_used_up());
    }

    #[test]
    fn a_server_that_refuses_the_first_one_refuses_all() {
        assert!(!Slots::new().take(None).unwrap().refused());
    }
}
