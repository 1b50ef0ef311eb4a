//! A process on the far side of an SSH channel.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, client::Msg};
use towline_core::event::Stream;

use super::{lost::Lost, slots::Slot};
use crate::{
    error::RemoteError,
    host::{ExitStatus, Open, Process, ProcessEvent, ProcessInput, ProcessOutput, Signal},
};

/// The SSH name for standard error among the kinds of extended data (RFC 4254, 5.2).
const STDERR: u32 = 1;

/// A fresh session channel; closed when dropped without a process.
pub(super) struct Session(Option<russh::Channel<Msg>>);

impl Session {
    pub(super) fn new(channel: russh::Channel<Msg>) -> Self {
        Self(Some(channel))
    }

    /// Starts a process.
    pub(super) async fn start(
        mut self,
        open: Open,
        lost: Arc<Lost>,
        slot: Slot,
    ) -> Result<Process, RemoteError> {
        let channel = self.0.take().ok_or_else(|| lost.error())?;
        let (read, write) = channel.split();
        let input = SshInput {
            write: Some(write),
            lost: Arc::clone(&lost),
            _slot: slot,
        };
        let asked = async {
            let write = input.open()?;
            if let Some(size) = open.pty {
                let (columns, rows) = (u32::from(size.columns), u32::from(size.rows));
                let asked = write.request_pty(true, "xterm-256color", columns, rows, 0, 0, &[]);
                asked.await.map_err(|_| lost.error())?;
            }
            open.queued.over();
            let asked = write.exec(true, open.line).await;
            asked.map_err(|_| lost.error())
        };
        asked.await?;
        let output = SshOutput {
            read,
            lost: Arc::clone(&lost),
            exit: None,
            granted: false,
            awaited: 1 + u8::from(open.pty.is_some()),
        };
        Ok(Process {
            output: Box::new(output),
            input: Box::new(input),
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(channel) = self.0.take() {
            close_later(channel.split().1);
        }
    }
}

/// Dropping a channel does not close it, and an open one counts against the server's limit.
fn close_later(write: ChannelWriteHalf<Msg>) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            let _gone = write.close().await;
        });
    }
}

struct SshOutput {
    read: ChannelReadHalf,
    lost: Arc<Lost>,
    exit: Option<ExitStatus>,
    granted: bool,
    awaited: u8,
}

impl SshOutput {
    fn refused(&self) -> RemoteError {
        let what = if self.granted {
            "a running process"
        } else {
            "a process"
        };
        RemoteError::Channel {
            what: what.to_owned(),
            reason: "the server refused to start it".to_owned(),
            later: false,
        }
    }
}

#[async_trait]
impl ProcessOutput for SshOutput {
    async fn next(&mut self) -> Result<ProcessEvent, RemoteError> {
        loop {
            match self.read.wait().await {
                Some(ChannelMsg::Data { data }) => {
                    return Ok(ProcessEvent::Output(Stream::Stdout, data));
                }
                Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => {
                    return Ok(ProcessEvent::Output(Stream::Stderr, data));
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    // A 32-bit field of which POSIX uses eight bits.
                    let code = i32::try_from(exit_status).unwrap_or(i32::MAX);
                    self.exit = Some(ExitStatus::Code(code));
                }
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    self.exit = Some(ExitStatus::Signal(signal_text(&signal_name)));
                }
                Some(ChannelMsg::Success) => {
                    self.awaited = self.awaited.saturating_sub(1);
                    self.granted = self.awaited == 0;
                }
                Some(ChannelMsg::Failure) if !self.granted => return Err(self.refused()),
                Some(ChannelMsg::Close) => {
                    let untold = "its session was closed without telling how the command ended";
                    let exit = self.exit.take().map(ProcessEvent::Exit);
                    return exit.ok_or_else(|| self.lost.error_or(untold));
                }
                None => {
                    let exit = self.exit.take().map(ProcessEvent::Exit);
                    return exit.ok_or_else(|| self.lost.error());
                }
                Some(_) => {}
            }
        }
    }
}

fn signal_text(signal: &Sig) -> String {
    match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name,
    }
    .to_owned()
}

/// The channel's writing half and its place in the connection's count.
struct SshInput {
    write: Option<ChannelWriteHalf<Msg>>,
    lost: Arc<Lost>,
    _slot: Slot,
}

impl SshInput {
    fn open(&self) -> Result<&ChannelWriteHalf<Msg>, RemoteError> {
        self.write.as_ref().ok_or(RemoteError::InputClosed)
    }
}

#[async_trait]
impl ProcessInput for SshInput {
    async fn write(&mut self, data: Bytes) -> Result<(), RemoteError> {
        self.open()?
            .data_bytes(data)
            .await
            .map_err(|_| self.lost.error())
    }

    async fn end(&mut self) -> Result<(), RemoteError> {
        self.open()?.eof().await.map_err(|_| self.lost.error())
    }

    async fn signal(&mut self, signal: Signal) -> Result<(), RemoteError> {
        let signal = match signal {
            Signal::Hangup => Sig::HUP,
            Signal::Interrupt => Sig::INT,
            Signal::Terminate => Sig::TERM,
            Signal::Kill => Sig::KILL,
        };
        self.open()?
            .signal(signal)
            .await
            .map_err(|_| self.lost.error())
    }

    async fn close(&mut self) {
        if let Some(write) = self.write.take() {
            // The connection may be gone, and with it the channel.
            let _gone = write.close().await;
        }
    }
}

impl Drop for SshInput {
    fn drop(&mut self) {
        if let Some(write) = self.write.take() {
            close_later(write);
        }
    }
}
