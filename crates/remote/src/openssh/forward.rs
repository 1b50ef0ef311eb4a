//! Byte streams through a master.

use std::{
    collections::HashMap,
    io,
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{UnixStream, unix::pipe},
    sync::Mutex,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    errors,
    master::Master,
    mux::{Mux, Refusal},
};
use crate::host::BoxStream;

/// How long what was written last may take to arrive once a stream is dropped.
const LINGER: Duration = Duration::from_secs(10);

/// A stream to a TCP port that the node can reach.
pub(super) async fn tcp(master: &Master, host: &str, port: u16) -> Result<BoxStream, Refusal> {
    let (write, theirs_in) = pipe::pipe()?;
    let (theirs_out, read) = pipe::pipe()?;
    let (theirs_in, theirs_out) = (
        theirs_in.into_blocking_fd()?,
        theirs_out.into_blocking_fd()?,
    );
    let mut mux = master.mux().await?;
    let streams = [theirs_in.as_fd(), theirs_out.as_fd()];
    mux.stdio_forward(host, port, streams).await?;
    let dropped = CancellationToken::new();
    tokio::spawn(linger(mux, dropped.clone()));
    Ok(Box::pin(Piped {
        read,
        write: Some(write),
        _channel: dropped.drop_guard(),
    }))
}

/// The forward ends with the connection to the master that stands for it.
async fn linger(mut mux: Mux, dropped: CancellationToken) {
    let too_late = async {
        dropped.cancelled().await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::select! {
        _none = mux.news() => {}
        () = too_late => {}
    }
}

/// Two pipes as one stream.
struct Piped {
    read: pipe::Receiver,
    write: Option<pipe::Sender>,
    _channel: DropGuard,
}

impl AsyncRead for Piped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buf)
    }
}

impl AsyncWrite for Piped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.write {
            Some(write) => Pin::new(write).poll_write(cx, data),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write = None;
        Poll::Ready(Ok(()))
    }
}

/// The sockets at which a master listens for sockets on its node, made when they are first wanted.
/// They stay: taking one away could cut off who has just connected to it.
#[derive(Default)]
pub(super) struct Listeners(Mutex<HashMap<String, PathBuf>>);

impl Listeners {
    /// A stream to a Unix socket on the node.
    pub(super) async fn unix(&self, master: &Master, path: &str) -> Result<BoxStream, Refusal> {
        let here = {
            let mut all = self.0.lock().await;
            match all.get(path) {
                Some(here) => here.clone(),
                None => {
                    let here = master.folder().join(format!("f{}", all.len()));
                    let mut mux = master.mux().await?;
                    mux.listen(here.as_os_str().as_bytes(), path.as_bytes())
                        .await?;
                    all.insert(path.to_owned(), here.clone());
                    here
                }
            }
        };
        let said = errors::said_so_far(master.folder());
        Ok(Box::pin(Forwarded {
            stream: UnixStream::connect(here).await?,
            folder: master.folder().to_owned(),
            said: Some(said),
        }))
    }
}

/// A stream through a listener. Whether the far end was reached is not known beforehand; when it
/// was not, the stream ends before it began and ssh notes down why.
struct Forwarded {
    stream: UnixStream,
    folder: PathBuf,
    /// How much ssh had said before; nothing once there was something to read.
    said: Option<usize>,
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let nothing = matches!(&result, Ok(()) if buf.filled().len() == before) || result.is_err();
        if let Some(said) = self.said.take()
            && nothing
            && let Some(reason) = errors::open_failed(&self.folder, said)
        {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::ConnectionRefused,
                reason,
            )));
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
