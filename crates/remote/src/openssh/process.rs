//! A process on the far side of a master.

use std::{io, os::fd::AsFd, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
    sync::{OwnedSemaphorePermit, oneshot},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use towline_core::event::Stream;

use super::{
    master::Master,
    mux::{Mux, News, Refusal},
    terminal::Terminal,
};
use crate::{
    error::RemoteError,
    host::{ExitStatus, Open, Process, ProcessEvent, ProcessInput, ProcessOutput, Signal},
};

/// How much is read at once.
const CHUNK: usize = 32 * 1024;

/// What a terminal on a node is told it is.
const TERM: &str = "xterm-256color";

/// A process that was started, without its place in the connection's count.
pub(super) struct Started {
    output: MuxOutput,
    input: MuxInput,
}

impl Started {
    pub(super) fn holding(mut self, slot: OwnedSemaphorePermit) -> Process {
        self.input.slot = Some(slot);
        Process {
            output: Box::new(self.output),
            input: Box::new(self.input),
        }
    }
}

fn local(what: &'static str) -> impl Fn(io::Error) -> RemoteError {
    move |source| RemoteError::Local {
        what: what.to_owned(),
        source,
    }
}

/// Starts a process.
pub(super) async fn start(master: &Arc<Master>, open: Open) -> Result<Started, RemoteError> {
    let no_pipe = local("making the pipes of a process");
    let no_terminal = |error: rustix::io::Errno| local("making a terminal")(error.into());
    let terminal = open.pty.map(Terminal::new).transpose();
    let terminal = terminal.map_err(no_terminal)?;
    let (write, their_stdin) = pipe::pipe().map_err(&no_pipe)?;
    let (their_stdout, stdout) = pipe::pipe().map_err(&no_pipe)?;
    let (their_stderr, stderr) = pipe::pipe().map_err(&no_pipe)?;
    let their_stdin = their_stdin.into_blocking_fd().map_err(&no_pipe)?;
    let their_stdout = their_stdout.into_blocking_fd().map_err(&no_pipe)?;
    let their_stderr = their_stderr.into_blocking_fd().map_err(&no_pipe)?;
    let refused = |refusal| match refusal {
        Refusal::Refused(reason) => RemoteError::Channel {
            what: "session".to_owned(),
            reason,
            later: true,
        },
        Refusal::Lost(_) => master.lost(),
    };
    let mut mux = master.mux().await.map_err(refused)?;
    let stdin = terminal
        .as_ref()
        .map_or(their_stdin.as_fd(), |terminal| terminal.theirs.as_fd());
    let streams = [stdin, their_stdout.as_fd(), their_stderr.as_fd()];
    let term = terminal.as_ref().map(|_| TERM);
    mux.session(&open.line, term, streams)
        .await
        .map_err(refused)?;
    let has_terminal = terminal.is_some();
    let write = match terminal {
        Some(terminal) => {
            let ours = terminal.raw().map_err(no_terminal)?;
            // Not a pipe, but read and written in the same way.
            pipe::Sender::from_owned_fd_unchecked(ours).map_err(&no_pipe)?
        }
        None => write,
    };
    let given_up = CancellationToken::new();
    let (tell, exit) = oneshot::channel();
    tokio::spawn(follow(mux, given_up.clone(), tell));
    Ok(Started {
        output: MuxOutput {
            pipes: [Some(stdout), Some(stderr)],
            buffers: [BytesMut::new(), BytesMut::new()],
            exit,
            master: Arc::clone(master),
        },
        input: MuxInput {
            write: Some(write),
            has_terminal,
            channel: Some(given_up.drop_guard()),
            slot: None,
        },
    })
}

/// Holds the connection that stands for a session until the session is over, as the session ends
/// with it.
async fn follow(mut mux: Mux, given_up: CancellationToken, tell: oneshot::Sender<End>) {
    let mut end = End::Unsaid;
    loop {
        let news = tokio::select! {
            news = mux.news() => news,
            () = given_up.cancelled() => None,
        };
        match news {
            Some(News::Exit(code)) => end = End::Code(code),
            Some(News::NoTerminal) => end = End::NoTerminal,
            None => break,
        }
    }
    // Nobody may be left to hear it.
    let _unheard = tell.send(end);
}

/// How a session ended, as far as the master says.
enum End {
    Code(u32),
    NoTerminal,
    /// By a signal, which masters keep to themselves, or with the connection.
    Unsaid,
}

struct MuxOutput {
    pipes: [Option<pipe::Receiver>; 2],
    buffers: [BytesMut; 2],
    exit: oneshot::Receiver<End>,
    master: Arc<Master>,
}

/// The next chunk, or `None` at the end, where the pipe is let go.
async fn chunk(
    pipe: &mut Option<pipe::Receiver>,
    buffer: &mut BytesMut,
) -> Result<Option<Bytes>, RemoteError> {
    let Some(open) = pipe else {
        return std::future::pending().await;
    };
    buffer.reserve(CHUNK);
    let read = open.read_buf(buffer).await;
    let read = read.map_err(local("reading what ssh passes on"))?;
    if read == 0 {
        *pipe = None;
        return Ok(None);
    }
    Ok(Some(buffer.split().freeze()))
}

#[async_trait]
impl ProcessOutput for MuxOutput {
    async fn next(&mut self) -> Result<ProcessEvent, RemoteError> {
        let [stdout, stderr] = &mut self.pipes;
        let [out_buffer, err_buffer] = &mut self.buffers;
        while stdout.is_some() || stderr.is_some() {
            let (stream, read) = tokio::select! {
                read = chunk(stdout, out_buffer) => (Stream::Stdout, read?),
                read = chunk(stderr, err_buffer) => (Stream::Stderr, read?),
            };
            if let Some(data) = read {
                return Ok(ProcessEvent::Output(stream, data));
            }
        }
        match (&mut self.exit).await {
            Ok(End::Code(code)) => {
                // A 32-bit field of which POSIX uses eight bits.
                let code = i32::try_from(code).unwrap_or(i32::MAX);
                Ok(ProcessEvent::Exit(ExitStatus::Code(code)))
            }
            Ok(End::NoTerminal) => Err(RemoteError::Channel {
                what: "terminal".to_owned(),
                reason: "the server refused to make one".to_owned(),
                later: false,
            }),
            // A master that still answers has lost nothing.
            Ok(End::Unsaid) if self.master.mux().await.is_ok() => {
                Ok(ProcessEvent::Exit(ExitStatus::Signal("unknown".to_owned())))
            }
            _ => Err(self.master.lost()),
        }
    }
}

struct MuxInput {
    write: Option<pipe::Sender>,
    has_terminal: bool,
    channel: Option<DropGuard>,
    slot: Option<OwnedSemaphorePermit>,
}

#[async_trait]
impl ProcessInput for MuxInput {
    async fn write(&mut self, data: Bytes) -> Result<(), RemoteError> {
        let write = self.write.as_mut().ok_or(RemoteError::InputClosed)?;
        let written = write.write_all(&data).await;
        written.map_err(|_| RemoteError::InputClosed)
    }

    async fn end(&mut self) -> Result<(), RemoteError> {
        // A terminal has no end, and letting go of ours would throw away what it still holds.
        if !self.has_terminal {
            self.write = None;
        }
        Ok(())
    }

    /// Masters pass no signals on.
    async fn signal(&mut self, _: Signal) -> Result<(), RemoteError> {
        Ok(())
    }

    async fn close(&mut self) {
        self.write = None;
        self.channel = None;
        self.slot = None;
    }
}
