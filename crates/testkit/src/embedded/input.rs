//! What a client sends on a channel, on its way to whoever takes it.
//!
//! The protocol's window is meant to be given back as data is taken. The library gives it back
//! as soon as data has come in, and lets its user change nothing but the size of the next
//! window. So when something is not taken, the next windows are made so small that hardly
//! anything can follow: the client waits, and its signals, its other requests and all output
//! still pass. Other input on the same connection crawls for as long.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The window of a channel, as with OpenSSH.
pub(super) const WINDOW: u32 = 2 * 1024 * 1024;

/// Bytes of input that may wait before the windows get small.
const BACKLOG: usize = 2 * 1024 * 1024;

/// The least window that is still given back: the library does so once less than half is left.
pub(super) const TRICKLE: u32 = 2;

/// How long the connection is held up by each of the small packets that still come.
const PAUSE: Duration = Duration::from_millis(20);

/// More than can come: a backlog, the window that was out, and what trickled in since.
const CAPACITY: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
struct Backlog {
    bytes: AtomicUsize,
    taken: Notify,
}

impl Backlog {
    fn is_long(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > BACKLOG
    }

    fn remove(&self, n: usize) {
        self.bytes.fetch_sub(n, Ordering::Relaxed);
        if !self.is_long() {
            self.taken.notify_one();
        }
    }
}

/// The end into which the connection puts data.
#[derive(Debug)]
pub(crate) struct Inlet {
    stream: WriteHalf<DuplexStream>,
    backlog: Arc<Backlog>,
}

/// The end from which data is taken; what is written to it comes out of the third end.
#[derive(Debug)]
pub(crate) struct Outlet {
    stream: DuplexStream,
    backlog: Arc<Backlog>,
}

/// A pair of pipes: for the client's input, and back.
pub(crate) fn pair() -> (Inlet, Outlet, ReadHalf<DuplexStream>) {
    let (near, far) = tokio::io::duplex(CAPACITY);
    let (back, there) = tokio::io::split(near);
    let backlog = Arc::<Backlog>::default();
    let inlet = Inlet {
        stream: there,
        backlog: Arc::clone(&backlog),
    };
    (
        inlet,
        Outlet {
            stream: far,
            backlog,
        },
        back,
    )
}

impl Inlet {
    /// Is more waiting to be taken than should be?
    pub(super) fn is_slow(&self) -> bool {
        self.backlog.is_long()
    }

    /// Puts data in. When nobody takes it any more, it is thrown away.
    pub(super) async fn push(&mut self, data: &[u8], gone: &CancellationToken) {
        self.backlog.bytes.fetch_add(data.len(), Ordering::Relaxed);
        let pushed = tokio::select! {
            () = gone.cancelled() => return,
            pushed = self.stream.write_all(data) => pushed,
        };
        if pushed.is_err() {
            self.backlog.bytes.store(0, Ordering::Relaxed);
        } else if self.is_slow() && data.len() <= TRICKLE as usize {
            tokio::select! {
                () = gone.cancelled() => {}
                () = self.backlog.taken.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Says that nothing will follow.
    pub(super) async fn end(mut self) {
        let _ = self.stream.shutdown().await;
    }
}

impl AsyncRead for Outlet {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        this.backlog.remove(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Outlet {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        // What waits is never taken: nothing is to be waited for.
        self.backlog.bytes.store(0, Ordering::Relaxed);
        self.backlog.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_long_backlog_is_slow_until_it_is_taken() {
        let gone = CancellationToken::new();
        let (mut inlet, mut outlet, _back) = pair();
        inlet.push(&vec![0; BACKLOG], &gone).await;
        assert!(!inlet.is_slow());
        inlet.push(&[0; 100], &gone).await;
        assert!(inlet.is_slow());
        outlet.read_exact(&mut [0; 100]).await.unwrap();
        assert!(!inlet.is_slow());
    }

    #[tokio::test]
    async fn nobody_waits_for_what_is_never_taken() {
        let gone = CancellationToken::new();
        let (mut inlet, outlet, _back) = pair();
        inlet.push(&vec![0; BACKLOG + 1], &gone).await;
        drop(outlet);
        assert!(!inlet.is_slow());
        inlet.push(&vec![0; BACKLOG + 1], &gone).await;
        assert!(!inlet.is_slow());
    }
}
