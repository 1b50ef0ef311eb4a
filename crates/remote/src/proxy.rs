//! A command of the user's own that carries a connection: ssh's `ProxyCommand`.

use std::{
    pin::Pin,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};
use tokio_util::sync::CancellationToken;

use crate::{error::RemoteError, host::BoxStream};

/// The most that is kept of what a proxy command says.
const SAID: usize = 4 * 1024;

/// A command whose standard input and output is a connection.
#[derive(Clone, Debug)]
pub struct ProxyCommand {
    shell: Arc<str>,
    line: Arc<str>,
    said: Said,
}

/// What a proxy command wrote to standard error.
#[derive(Clone, Debug, Default)]
pub struct Said {
    text: Arc<Mutex<Vec<u8>>>,
    all: CancellationToken,
}

/// How long a proxy command that hung up is given to say why.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl Said {
    /// All of it, or what there is after a moment, trimmed; a word about its absence when there
    /// is none.
    pub async fn text(&self) -> String {
        // The connection may have ended before what was said of it has arrived here.
        let _late = tokio::time::timeout(LAST_WORDS, self.all.cancelled()).await;
        let said = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        match String::from_utf8_lossy(&said).trim() {
            "" => "it ended, or said something that is not SSH".to_owned(),
            text => text.to_owned(),
        }
    }
}

impl ProxyCommand {
    /// The command line as it stands in the user's own configuration, its tokens replaced by
    /// values that were checked to hold nothing a shell would read; and the shell to read it.
    #[must_use]
    pub fn new(shell: impl Into<Arc<str>>, line: impl Into<Arc<str>>) -> Self {
        Self {
            shell: shell.into(),
            line: line.into(),
            said: Said::default(),
        }
    }

    /// The same command for another connection: what it says there is kept apart.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self {
            said: Said::default(),
            ..self.clone()
        }
    }

    /// What it says while it runs.
    #[must_use]
    pub fn said(&self) -> Said {
        self.said.clone()
    }

    /// Starts it. It is ended when the stream is dropped.
    ///
    /// # Errors
    /// When the shell can not be started.
    pub fn start(&self) -> Result<BoxStream, RemoteError> {
        // ssh runs it the same way: the user's shell reads it, replaced by what it starts.
        let mut child = Command::new(&*self.shell)
            .arg("-c")
            .arg(["exec ", &self.line].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .map_err(|source| RemoteError::shell(&self.shell, source))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(RemoteError::ProxyCommand {
                reason: "it has no pipes".to_owned(),
            });
        };
        tokio::spawn(listen(stderr, self.said.clone()));
        Ok(Box::pin(Piped {
            stdin,
            stdout,
            _child: child,
        }))
    }
}

async fn listen(mut stderr: ChildStderr, said: Said) {
    let _all = said.all.clone().drop_guard();
    let mut buffer = [0; 512];
    while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
        let mut kept = said.text.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = read.min(SAID.saturating_sub(kept.len()));
        kept.extend_from_slice(&buffer[..fits]);
    }
}

/// The two pipes of a child as one stream.
struct Piped {
    stdin: ChildStdin,
    stdout: ChildStdout,
    _child: Child,
}

impl AsyncRead for Piped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for Piped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}
