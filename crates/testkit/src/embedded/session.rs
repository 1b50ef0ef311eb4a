//! One session channel: from its requests to the process, and the streams between the two.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use russh::ChannelWriteHalf;
use russh::server::{Handle, Msg};
use rustix::process::Pid;
use rustix::termios::Winsize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdin;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::input::Outlet;
use super::process::{self, Order, Process, Streams};
use super::pty::{Pty, PtyRequest};
use super::shared::Shared;
use super::signals;

/// Bytes read from a process at once: the most one packet of the protocol takes.
const CHUNK: usize = 32 * 1024;

/// The data type of standard error in the protocol (RFC 4254, 5.2).
const STDERR: u32 = 1;

/// One of the sessions a connection may have; free again when the last holder lets go.
#[derive(Debug, Clone)]
pub(crate) struct SessionSlot(#[expect(dead_code, reason = "held for its end")] Arc<Taken>);

#[derive(Debug)]
struct Taken {
    of_connection: Arc<AtomicUsize>,
    shared: Arc<Shared>,
}

impl SessionSlot {
    /// Takes a slot, when the connection has less than `most`.
    pub(crate) fn take(
        shared: &Arc<Shared>,
        of_connection: &Arc<AtomicUsize>,
        most: usize,
    ) -> Option<Self> {
        let more = |n: usize| (n < most).then_some(n + 1);
        of_connection
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        shared.counters.sessions.enter();
        let taken = Taken {
            of_connection: Arc::clone(of_connection),
            shared: Arc::clone(shared),
        };
        Some(Self(Arc::new(taken)))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.of_connection.fetch_sub(1, Ordering::Relaxed);
        self.shared.counters.sessions.leave();
    }
}

/// What a client has asked of a session channel before it says what to run.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) pty: Option<PtyRequest>,
}

/// The process of a channel, as soon as it runs.
#[derive(Debug, Default)]
pub(crate) struct Running {
    leader: OnceLock<Pid>,
    pty: OnceLock<Weak<Pty>>,
}

impl Running {
    /// Signals the process group, as long as its leader has not ended.
    pub(crate) fn signal(&self, shared: &Shared, name: &russh::Sig) -> bool {
        match (self.leader.get(), signals::from_request(name)) {
            (Some(leader), Some(signal)) => shared.groups.signal(*leader, signal),
            _ => false,
        }
    }

    /// Gives the terminal another size, if there is one.
    pub(crate) fn resize(&self, size: Winsize) -> bool {
        let pty = self.pty.get().and_then(Weak::upgrade);
        pty.is_some_and(|pty| pty.resize(size).is_ok())
    }
}

/// All that one command needs.
pub(crate) struct Job {
    pub(crate) shared: Arc<Shared>,
    pub(crate) order: Order,
    pub(crate) output: ChannelWriteHalf<Msg>,
    pub(crate) handle: Handle,
    pub(crate) input: Outlet,
    pub(crate) running: Arc<Running>,
    pub(crate) slot: SessionSlot,
    /// The channel or its connection is gone.
    pub(crate) gone: CancellationToken,
}

impl Job {
    /// Runs the command. When the channel goes, all pipes and the terminal are closed and the
    /// process is left to itself, as OpenSSH's server does it.
    pub(crate) async fn run(self) {
        let gone = self.gone.clone();
        tokio::select! {
            () = gone.cancelled() => {}
            () = self.serve() => {}
        }
    }

    async fn serve(self) {
        let delay = self.shared.faults.borrow().exec_delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let Self {
            shared,
            order,
            output,
            handle,
            input,
            running,
            slot,
            gone: _,
        } = self;
        match process::start(&shared, &order, slot.clone()) {
            Ok(process) => connect(&shared, process, &output, &handle, input, &running).await,
            Err(error) => {
                let text = format!("cannot start a process: {error}\n");
                let _ = output.extended_data_bytes(STDERR, text.into_bytes()).await;
                let _ = output.eof().await;
                let _ = output.exit_status(255).await;
            }
        }
        // Free before the client can know: it may open the next channel at once.
        drop(slot);
        let _ = output.close().await;
    }
}

/// Carries the streams until the process has ended and its output with it. A process in the
/// background that keeps the output open keeps the channel open, as it does with OpenSSH.
async fn connect(
    shared: &Shared,
    process: Process,
    output: &ChannelWriteHalf<Msg>,
    handle: &Handle,
    input: Outlet,
    running: &Running,
) {
    let Process {
        leader,
        streams,
        exit,
    } = process;
    let _ = running.leader.set(leader);
    match streams {
        Streams::Pipes {
            stdin,
            stdout,
            stderr,
        } => {
            let feed = feed(stdin, input);
            let drain = async {
                tokio::join!(
                    pump(stdout, output, None),
                    pump(stderr, output, Some(STDERR))
                );
            };
            let end = report_exit(shared, exit, output, handle);
            tokio::select! {
                () = feed => {}
                _ = async { tokio::join!(drain, end) } => {}
            }
            // Not before: a client may close the channel at the end of the output, and a channel
            // that is closed carries no exit status any more.
            let _ = output.eof().await;
        }
        Streams::Pty(pty) => {
            let _ = running.pty.set(Arc::downgrade(&pty));
            let ended = CancellationToken::new();
            let feed = type_in(&pty, input);
            let drain = async {
                pump_pty(&pty, output, &ended).await;
            };
            let end = async {
                let _end = ended.clone().drop_guard();
                report_exit(shared, exit, output, handle).await;
            };
            tokio::select! {
                () = feed => {}
                _ = async { tokio::join!(drain, end) } => {}
            }
            let _ = output.eof().await;
        }
    }
}

/// Copies one output stream to the channel, waiting for the client's window: nothing is read
/// from the process that cannot be sent.
pub(super) async fn pump(
    mut from: impl AsyncRead + Unpin,
    output: &ChannelWriteHalf<Msg>,
    extended: Option<u32>,
) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        if send(output, extended, &buffer[..n]).await.is_err() {
            return;
        }
    }
}

async fn pump_pty(pty: &Pty, output: &ChannelWriteHalf<Msg>, ended: &CancellationToken) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = tokio::select! {
            biased;
            read = pty.read(&mut buffer) => read,
            () = ended.cancelled() => break,
        };
        match read {
            Ok(n @ 1..) if send(output, None, &buffer[..n]).await.is_ok() => {}
            _ => return,
        }
    }
    // The shell has ended; what others still hold the terminal for is not waited for.
    while let Ok(n @ 1..) = pty.read_rest(&mut buffer) {
        if send(output, None, &buffer[..n]).await.is_err() {
            return;
        }
    }
}

/// Copies the client's input to a process until either has had enough of it.
async fn feed(mut stdin: ChildStdin, mut input: Outlet) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(n @ 1..) = input.read(&mut buffer).await {
        if stdin.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
    drop((stdin, input));
    std::future::pending().await
}

async fn type_in(pty: &Pty, mut input: Outlet) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(n @ 1..) = input.read(&mut buffer).await {
        if pty.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
    // The end of the client's input does not end a terminal.
    std::future::pending().await
}

async fn send(
    output: &ChannelWriteHalf<Msg>,
    extended: Option<u32>,
    data: &[u8],
) -> Result<(), russh::Error> {
    let data = Bytes::copy_from_slice(data);
    match extended {
        None => output.data_bytes(data).await,
        Some(kind) => output.extended_data_bytes(kind, data).await,
    }
}

/// Tells the client how the process ended, once it has.
async fn report_exit(
    shared: &Shared,
    exit: oneshot::Receiver<ExitStatus>,
    output: &ChannelWriteHalf<Msg>,
    handle: &Handle,
) {
    let Ok(status) = exit.await else { return };
    if shared.faults.borrow().omit_exit_status {
        return;
    }
    if let Some(code) = status.code() {
        let _ = output.exit_status(code.unsigned_abs()).await;
    } else if let Some(signal) = status.signal() {
        let name = signals::to_name(signal);
        let core = status.core_dumped();
        let told =
            handle.exit_signal_request(output.id(), name, core, String::new(), String::new());
        let _ = told.await;
    }
}
