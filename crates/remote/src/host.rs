//! A live handle on a node: the small part that every adapter has to do. All else composes on it.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use towline_core::{command::PtySize, event::Stream};

use crate::error::RemoteError;

/// A node that can be worked on now. Handles are cheap to share; one connection stands behind all
/// clones of a handle.
#[async_trait]
pub trait Host: Send + Sync {
    /// Starts a process whose command line is read by the account's login shell.
    async fn open(&self, open: Open) -> Result<Process, RemoteError>;

    /// Opens a byte stream to something that the node can reach.
    async fn connect(&self, target: &Target) -> Result<BoxStream, RemoteError>;

    /// Whether the connection is known to be lost: such a handle is of no more use.
    fn is_closed(&self) -> bool;

    /// Says goodbye. What still runs on the node is not ended by it.
    async fn close(&self);
}

/// What is needed to start a process.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// The line for the login shell, made by [`towline_core::command::Command::wire`].
    pub line: Vec<u8>,
    /// The terminal it gets, if it gets one.
    pub pty: Option<PtySize>,
    /// Whether it goes before those that wait for one of the node's sessions, as what ends
    /// running processes must.
    pub urgent: bool,
    /// Whether it waits for its turn: then the node knows nothing of it yet.
    pub queued: Queued,
}

/// Tells whether something waits for its turn. Clones tell of the same.
#[derive(Clone, Debug, Default)]
pub struct Queued(Arc<AtomicBool>);

impl Queued {
    /// It waits from now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Its turn has come.
    pub fn over(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether it waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Something a node can open a connection to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A TCP port, with the name or address as the node sees it.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix socket on the node, by its path.
    Unix(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

/// A stream of bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A boxed stream of bytes both ways.
pub type BoxStream = Pin<Box<dyn Duplex>>;

/// A process on a node.
///
/// Its two halves are used at the same time: whoever writes much without reading may wait for ever,
/// as the process may wait for its output to be taken first.
pub struct Process {
    /// What it writes, in the order it wrote it, and how it ends. Nothing is read ahead beyond a
    /// fixed window: a reader that stops makes the process stop.
    pub output: Box<dyn ProcessOutput>,
    /// What it reads, and the ways to stop it.
    pub input: Box<dyn ProcessInput>,
}

/// The reading side of a process.
#[async_trait]
pub trait ProcessOutput: Send {
    /// What happens next, or an error when the connection is lost before the process ended.
    /// Nothing comes after [`ProcessEvent::Exit`]. Safe to cancel.
    async fn next(&mut self) -> Result<ProcessEvent, RemoteError>;
}

/// The writing side of a process. Dropping it gives the process's channel back.
#[async_trait]
pub trait ProcessInput: Send {
    /// Gives the process bytes to read; waits while it takes none. An error when it reads no more.
    async fn write(&mut self, data: Bytes) -> Result<(), RemoteError>;

    /// Ends what the process reads.
    async fn end(&mut self) -> Result<(), RemoteError>;

    /// Sends a signal to the process, where the adapter and the server can. A request: nothing
    /// tells whether it arrived.
    async fn signal(&mut self, signal: Signal) -> Result<(), RemoteError>;

    /// Gives up on the process: its channel is closed, what it still writes is thrown away.
    async fn close(&mut self);
}

/// Something a process did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessEvent {
    /// It wrote something.
    Output(Stream, Bytes),
    /// It ended.
    Exit(ExitStatus),
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// By itself, with this code.
    Code(i32),
    /// By a signal, named without `SIG`.
    Signal(String),
}

/// The signals SSH can carry to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The terminal was hung up.
    Hangup,
    /// Interrupt, as Ctrl-C does.
    Interrupt,
    /// Please end.
    Terminate,
    /// End at once.
    Kill,
}

impl Signal {
    /// Its name without `SIG`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hangup => "HUP",
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
            Self::Kill => "KILL",
        }
    }
}
