//! The system's ssh client: one master process for each node, and sessions through its socket.
//!
//! It can do what this program's own SSH can not: security keys, GSSAPI, PKCS#11 and whatever else
//! the user's ssh_config says. It costs a process and some ten times the work for each node, so it
//! is for the nodes that need it. Nothing is ever asked: it runs in batch mode.

mod args;
mod errors;
mod forward;
mod master;
mod mux;
mod process;
mod terminal;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

pub use self::args::{Client, Proxy};
use self::{forward::Listeners, master::Master, mux::Refusal};
use crate::{
    error::RemoteError,
    host::{BoxStream, Host, Open, Process, Target},
};

/// Sessions at a time on one connection: one fewer than OpenSSH's `MaxSessions` is by default, as
/// what ends running processes must find one free.
const SESSIONS: usize = 9;

/// A live connection of the system's ssh client.
pub struct OpenSshHost {
    master: Arc<Master>,
    sessions: Arc<Semaphore>,
    urgent: Arc<Semaphore>,
    listeners: Listeners,
}

/// Starts ssh and waits until it has logged in.
///
/// # Errors
/// When it could not; from what it says, the kind is worked out.
pub async fn start(client: &Client) -> Result<OpenSshHost, RemoteError> {
    Ok(OpenSshHost {
        master: Arc::new(Master::start(client).await?),
        sessions: Arc::new(Semaphore::new(SESSIONS)),
        urgent: Arc::new(Semaphore::new(1)),
        listeners: Listeners::default(),
    })
}

#[async_trait]
impl Host for OpenSshHost {
    async fn open(&self, open: Open) -> Result<Process, RemoteError> {
        let sessions = match open.urgent {
            true => &self.urgent,
            false => &self.sessions,
        };
        open.queued.begin();
        let waiting = Arc::clone(sessions).acquire_owned();
        let slot = waiting.await.map_err(|_| self.master.lost())?;
        open.queued.over();
        let started = process::start(&self.master, open).await?;
        Ok(started.holding(slot))
    }

    async fn connect(&self, target: &Target) -> Result<BoxStream, RemoteError> {
        match target {
            Target::Tcp { host, port } => forward::tcp(&self.master, host, *port)
                .await
                .map_err(|refusal| self.refused(target, refusal)),
            Target::Unix(path) => self
                .listeners
                .unix(&self.master, path)
                .await
                .map_err(|refusal| self.refused(target, refusal)),
        }
    }

    fn is_closed(&self) -> bool {
        self.master.is_lost()
    }

    async fn close(&self) {
        self.master.end().await;
    }
}

impl OpenSshHost {
    fn refused(&self, target: &Target, refusal: Refusal) -> RemoteError {
        match refusal {
            Refusal::Refused(reason) => RemoteError::Channel {
                what: format!("connection to {target}"),
                reason,
                later: false,
            },
            Refusal::Lost(_) => self.master.lost(),
        }
    }
}
