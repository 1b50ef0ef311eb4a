//! The stream under an SSH connection: it can be cut at once, and is not written to in vain for
//! ever.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

/// What the SSH library holds a connection by.
///
/// The library's task outlives whoever wanted the connection: in the middle of a handshake it
/// would wait for a silent server for ever. And while it waits to be rid of something it neither
/// reads nor counts the questions that go unanswered.
pub(super) struct Leashed<S> {
    stream: S,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// How long one write may wait.
    patience: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
    _gone: DropGuard,
}

/// Cuts the connection when dropped.
pub(super) struct Leash {
    _cut: DropGuard,
    gone: CancellationToken,
}

pub(super) fn leashed<S>(stream: S, patience: Option<Duration>) -> (Leashed<S>, Leash) {
    let (cut, gone) = (CancellationToken::new(), CancellationToken::new());
    let leash = Leash {
        _cut: cut.clone().drop_guard(),
        gone: gone.clone(),
    };
    let leashed = Leashed {
        stream,
        cut: Box::pin(cut.cancelled_owned()),
        patience,
        waiting: None,
        _gone: gone.drop_guard(),
    };
    (leashed, leash)
}

impl Leash {
    /// Waits until the library has let go of the stream.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }
}

impl<S> Leashed<S> {
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Fails once a write has waited for too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(patience) = self.patience else {
            return Ok(());
        };
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                super::lost::NO_ANSWER,
            )),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Leashed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_cut(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Leashed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(cx)?;
        let polled = Pin::new(&mut self.stream).poll_write(cx, data);
        if polled.is_ready() {
            self.waiting = None;
        } else {
            self.poll_patience(cx)?;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
