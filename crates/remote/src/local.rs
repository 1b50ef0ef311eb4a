//! This machine as a node: processes are started directly, without SSH.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, process::Stdio, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use rustix::process::Pid;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};
use towline_core::event::Stream;

use crate::{
    error::RemoteError,
    host::{
        BoxStream, ExitStatus, Host, Open, Process, ProcessEvent, ProcessInput, ProcessOutput,
        Signal, Target,
    },
};

/// How much is read at once.
const CHUNK: usize = 32 * 1024;

/// This machine.
#[derive(Clone, Debug)]
pub struct LocalHost {
    shell: Arc<str>,
}

impl LocalHost {
    /// This machine, with the shell that reads command lines: the user's login shell.
    #[must_use]
    pub fn new(shell: impl Into<Arc<str>>) -> Self {
        Self {
            shell: shell.into(),
        }
    }

    fn command(&self, open: Open) -> Command {
        let line = OsString::from_vec(open.line);
        let mut command;
        if open.pty.is_some() {
            // util-linux's script gives a process a terminal; it starts $SHELL -c LINE itself.
            command = Command::new("script");
            command
                .args(["--quiet", "--return", "--command"])
                .arg(line)
                .arg("/dev/null");
            command.env("SHELL", &*self.shell);
        } else {
            command = Command::new(&*self.shell);
            command.arg("-c").arg(line);
        }
        // A process group of its own: the terminal's Ctrl-C is for us, we pass it on.
        command.process_group(0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

#[async_trait]
impl Host for LocalHost {
    async fn open(&self, open: Open) -> Result<Process, RemoteError> {
        let mut child = self
            .command(open)
            .spawn()
            .map_err(|source| RemoteError::shell(&self.shell, source))?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let input = LocalInput {
            stdin: child.stdin.take(),
            group,
        };
        let output = LocalOutput {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            buffer: [BytesMut::new(), BytesMut::new()],
            child,
        };
        Ok(Process {
            output: Box::new(output),
            input: Box::new(input),
        })
    }

    async fn connect(&self, target: &Target) -> Result<BoxStream, RemoteError> {
        let failed = |source| RemoteError::Local {
            what: format!("connecting to {target}"),
            source,
        };
        match target {
            Target::Tcp { host, port } => {
                let stream = tokio::net::TcpStream::connect((host.as_str(), *port)).await;
                Ok(Box::pin(stream.map_err(failed)?))
            }
            Target::Unix(path) => Ok(Box::pin(
                tokio::net::UnixStream::connect(path)
                    .await
                    .map_err(failed)?,
            )),
        }
    }

    fn is_closed(&self) -> bool {
        false
    }

    async fn close(&self) {}
}

struct LocalOutput {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    buffer: [BytesMut; 2],
}

/// The next chunk, or `None` at the end, where the pipe is let go.
async fn chunk<R: AsyncRead + Unpin>(
    pipe: &mut Option<R>,
    buffer: &mut BytesMut,
) -> Result<Option<Bytes>, RemoteError> {
    let Some(open) = pipe else {
        return std::future::pending().await;
    };
    buffer.reserve(CHUNK);
    let read = open
        .read_buf(buffer)
        .await
        .map_err(|source| RemoteError::Local {
            what: "reading what a process wrote".to_owned(),
            source,
        })?;
    if read == 0 {
        *pipe = None;
        return Ok(None);
    }
    Ok(Some(buffer.split().freeze()))
}

#[async_trait]
impl ProcessOutput for LocalOutput {
    async fn next(&mut self) -> Result<ProcessEvent, RemoteError> {
        let [out_buffer, err_buffer] = &mut self.buffer;
        while self.stdout.is_some() || self.stderr.is_some() {
            let (stream, read) = tokio::select! {
                read = chunk(&mut self.stdout, out_buffer) => (Stream::Stdout, read?),
                read = chunk(&mut self.stderr, err_buffer) => (Stream::Stderr, read?),
            };
            if let Some(data) = read {
                return Ok(ProcessEvent::Output(stream, data));
            }
        }
        let status = self
            .child
            .wait()
            .await
            .map_err(|source| RemoteError::Local {
                what: "waiting for a process".to_owned(),
                source,
            })?;
        Ok(ProcessEvent::Exit(exit_status(status)))
    }
}

fn exit_status(status: std::process::ExitStatus) -> ExitStatus {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, number) => ExitStatus::Signal(match number {
            Some(1) => "HUP".to_owned(),
            Some(2) => "INT".to_owned(),
            Some(6) => "ABRT".to_owned(),
            Some(9) => "KILL".to_owned(),
            Some(11) => "SEGV".to_owned(),
            Some(13) => "PIPE".to_owned(),
            Some(15) => "TERM".to_owned(),
            other => other.unwrap_or_default().to_string(),
        }),
    }
}

struct LocalInput {
    stdin: Option<ChildStdin>,
    group: Option<Pid>,
}

#[async_trait]
impl ProcessInput for LocalInput {
    async fn write(&mut self, data: Bytes) -> Result<(), RemoteError> {
        let stdin = self.stdin.as_mut().ok_or(RemoteError::InputClosed)?;
        stdin
            .write_all(&data)
            .await
            .map_err(|_| RemoteError::InputClosed)
    }

    async fn end(&mut self) -> Result<(), RemoteError> {
        self.stdin = None;
        Ok(())
    }

    async fn signal(&mut self, signal: Signal) -> Result<(), RemoteError> {
        use rustix::process::Signal as Native;
        let native = match signal {
            Signal::Hangup => Native::HUP,
            Signal::Interrupt => Native::INT,
            Signal::Terminate => Native::TERM,
            Signal::Kill => Native::KILL,
        };
        if let Some(group) = self.group {
            // A group that is gone already is what was wanted.
            let _gone = rustix::process::kill_process_group(group, native);
        }
        Ok(())
    }

    async fn close(&mut self) {
        self.stdin = None;
    }
}
