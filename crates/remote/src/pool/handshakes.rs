//! How many handshakes are pending towards one sshd.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pending at a time. sshd drops connections at random once ten have not logged in yet
/// (`MaxStartups 10:30:100`), and others may be knocking too.
const PENDING: usize = 8;

/// Counts the handshakes that are pending towards each address.
#[derive(Default)]
pub struct Handshakes(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Handshakes {
    /// Waits until another handshake with the sshd at `address` may begin. What is returned is
    /// kept until the login is over.
    pub async fn begin(&self, address: &str) -> Option<OwnedSemaphorePermit> {
        let door = {
            let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Semaphore::new(PENDING));
            Arc::clone(doors.entry(address.to_owned()).or_insert_with(fresh))
        };
        // The semaphores are never closed.
        door.acquire_owned().await.ok()
    }
}
