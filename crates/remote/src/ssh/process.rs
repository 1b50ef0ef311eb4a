//! A process on the far side of an SSH channel.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, client::Msg};
use tokio::sync::OwnedSemaphorePermit;
use towline_core::event::Stream;

use super::lost::Lost;
use crate::{
    error::RemoteError,
    host::{ExitStatus, Open, Process, ProcessEvent, ProcessInput, ProcessOutput, Signal},
};

/// The SSH name for standard error among the kinds of extended data (RFC 4254, 5.2).
const STDERR: u32 = 1;

/// Starts a process on a fresh session channel.
pub(super) async fn start(
    channel: russh::Channel<Msg>,
    open: Open,
    lost: Arc<Lost>,
    slot: OwnedSemaphorePermit,
) -> Result<Process, RemoteError> {
    let (read, write) = channel.split();
    let sent = async {
        if let Some(size) = open.pty {
            let (columns, rows) = (u32::from(size.columns), u32::from(size.rows));
            write
                .request_pty(true, "xterm-256color", columns, rows, 0, 0, &[])
                .await?;
        }
        write.exec(true, open.line).await
    };
    sent.await.map_err(|_| lost.error())?;
    let output = SshOutput {
        read,
        lost: Arc::clone(&lost),
        exit: None,
        granted: false,
        awaited: 1 + u8::from(open.pty.is_some()),
    };
    let input = SshInput {
        write: Some(write),
        lost,
        _slot: slot,
    };
    Ok(Process {
        output: Box::new(output),
        input: Box::new(input),
    })
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
                Some(ChannelMsg::Close) | None => {
                    return match self.exit.take() {
                        Some(status) => Ok(ProcessEvent::Exit(status)),
                        None => Err(self.lost.error()),
                    };
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
    _slot: OwnedSemaphorePermit,
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
    /// Dropping a channel does not close it, and an open one counts against the server's limit.
    fn drop(&mut self) {
        if let (Some(write), Ok(runtime)) =
            (self.write.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move {
                let _gone = write.close().await;
            });
        }
    }
}
