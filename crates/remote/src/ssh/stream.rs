//! A byte stream through a connection, writing to which never waits.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};

/// What is written is queued, and a task of its own brings it to the channel.
///
/// A connection is one loop that stands still while a channel's reader is slow. When that reader is
/// itself an SSH connection, as through a jump host, it must not stand still in turn because the
/// loop takes nothing from it: both would wait for ever, and with them every other node behind
/// the jump host. The queue does not grow without bounds: whoever writes SSH into it has no more
/// under way than the windows of its own channels allow.
pub(super) struct Through {
    reading: Reading,
    left: Bytes,
    queue: mpsc::UnboundedSender<Piece>,
}

/// What is brought to the channel.
enum Piece {
    Data(Bytes),
    /// Nothing more is written; what comes back is still read.
    End,
}

type Reading = Pin<Box<dyn Future<Output = (Option<ChannelMsg>, ChannelReadHalf)> + Send>>;

async fn next(mut half: ChannelReadHalf) -> (Option<ChannelMsg>, ChannelReadHalf) {
    (half.wait().await, half)
}

impl Through {
    pub(super) fn new(channel: Channel<Msg>) -> Self {
        let (read, write) = channel.split();
        let (queue, queued) = mpsc::unbounded_channel();
        tokio::spawn(bring(write, queued));
        Self {
            reading: Box::pin(next(read)),
            left: Bytes::new(),
            queue,
        }
    }
}

/// Ends, and closes the channel, when the stream is dropped or the connection is lost.
async fn bring(write: ChannelWriteHalf<Msg>, mut queued: mpsc::UnboundedReceiver<Piece>) {
    while let Some(piece) = queued.recv().await {
        let brought = match piece {
            Piece::Data(data) => write.data_bytes(data).await,
            Piece::End => write.eof().await,
        };
        if brought.is_err() {
            return;
        }
    }
    // The connection may be gone by now, and with it the channel.
    let _gone = write.close().await;
}

impl AsyncRead for Through {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.left.is_empty() {
            let (message, half) = ready!(self.reading.as_mut().poll(cx));
            self.reading = Box::pin(next(half));
            match message {
                Some(ChannelMsg::Data { data }) => self.left = data,
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return Poll::Ready(Ok(())),
                Some(_) => {}
            }
        }
        let fits = self.left.len().min(buf.remaining());
        buf.put_slice(&self.left[..fits]);
        self.left.advance(fits);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Through {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = self.queue.send(Piece::Data(Bytes::copy_from_slice(data)));
        Poll::Ready(match sent {
            Ok(()) => Ok(data.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It may have ended already.
        let _ended = self.queue.send(Piece::End);
        Poll::Ready(Ok(()))
    }
}
