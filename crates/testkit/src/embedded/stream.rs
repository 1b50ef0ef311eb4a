//! A socket that can be slow, frozen or cut.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::shared::Shared;

type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The socket of one connection, as the protocol sees it. Both directions are polled by one
/// task, so that one registration for the end of the connection is enough.
pub(crate) struct NodeStream {
    socket: TcpStream,
    shared: Arc<Shared>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    token: CancellationToken,
    /// What the client sent while the node was silent.
    early: Vec<u8>,
    sent: u64,
    read_gate: Option<Gate>,
    write_gate: Option<Gate>,
    delay: Option<Pin<Box<Sleep>>>,
    /// The delay of the write at hand is over.
    delayed: bool,
}

impl NodeStream {
    pub(crate) fn new(
        socket: TcpStream,
        early: Vec<u8>,
        shared: Arc<Shared>,
        token: CancellationToken,
    ) -> Self {
        let ended = Box::pin(token.clone().cancelled_owned());
        Self {
            socket,
            shared,
            ended,
            token,
            early,
            sent: 0,
            read_gate: None,
            write_gate: None,
            delay: None,
            delayed: false,
        }
    }

    /// Fails once the connection is to end.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.ended.as_mut().poll(cx) {
            Poll::Ready(()) => Err(cut()),
            Poll::Pending => Ok(()),
        }
    }

    /// Waits for the delay of one write.
    fn poll_delay(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.delayed {
            return Poll::Ready(());
        }
        if self.delay.is_none() {
            let delay = self.shared.faults.borrow().packet_delay;
            if delay.is_zero() {
                return Poll::Ready(());
            }
            self.delay = Some(Box::pin(tokio::time::sleep(delay)));
        }
        if let Some(delay) = &mut self.delay {
            ready!(delay.as_mut().poll(cx));
        }
        self.delay = None;
        self.delayed = true;
        Poll::Ready(())
    }
}

/// Waits while the network is said to be cut.
fn poll_gate(shared: &Arc<Shared>, gate: &mut Option<Gate>, cx: &mut Context<'_>) -> Poll<()> {
    if gate.is_none() && !shared.faults.borrow().freeze {
        return Poll::Ready(());
    }
    let waiting = gate.get_or_insert_with(|| {
        let shared = Arc::clone(shared);
        Box::pin(async move { shared.until(|faults| !faults.freeze).await })
    });
    ready!(waiting.as_mut().poll(cx));
    *gate = None;
    Poll::Ready(())
}

fn cut() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "connection cut by the node",
    )
}

impl AsyncRead for NodeStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_ended(cx)?;
        ready!(poll_gate(&this.shared, &mut this.read_gate, cx));
        if !this.early.is_empty() {
            let n = this.early.len().min(buffer.remaining());
            buffer.put_slice(&this.early[..n]);
            this.early.drain(..n);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        this.shared.counters.bytes_received.add(read as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for NodeStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_ended(cx)?;
        ready!(poll_gate(&this.shared, &mut this.write_gate, cx));
        ready!(this.poll_delay(cx));
        let limit = this.shared.faults.borrow().drop_after;
        let room = limit.map(|limit| limit.saturating_sub(this.sent));
        if room == Some(0) {
            this.token.cancel();
            return Poll::Ready(Err(cut()));
        }
        let most = room
            .and_then(|room| usize::try_from(room).ok())
            .unwrap_or(data.len());
        let part = &data[..most.min(data.len())];
        let n = ready!(Pin::new(&mut this.socket).poll_write(cx, part))?;
        this.delayed = false;
        this.sent += n as u64;
        this.shared.counters.bytes_sent.add(n as u64);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
