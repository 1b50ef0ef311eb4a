//! The socket under an SSH connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::TcpStream,
};

/// Reads for which every packet is acknowledged at once: the handshake, authentication, and the
/// start of the first command.
const EAGER_READS: u32 = 48;

/// A TCP stream that does not wait with its acknowledgements while a connection is set up.
///
/// sshd sends small packets one after another, and its kernel holds each back until ours has
/// acknowledged the one before, which ours delays by 40 ms: half of the time of a short command.
pub(super) struct Eager {
    socket: TcpStream,
    reads_left: u32,
}

/// The socket with a small read buffer: an SSH packet is read in two steps, of which the buffer
/// saves the second system call.
pub(super) fn socket(socket: TcpStream) -> io::Result<BufReader<Eager>> {
    socket.set_nodelay(true)?;
    let eager = Eager {
        socket,
        reads_left: EAGER_READS,
    };
    Ok(BufReader::with_capacity(8 * 1024, eager))
}

impl AsyncRead for Eager {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
        if polled.is_ready() && self.reads_left > 0 {
            self.reads_left -= 1;
            acknowledge_at_once(&self.socket);
        }
        polled
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn acknowledge_at_once(socket: &TcpStream) {
    // The kernel falls back to delaying by itself, so it is asked again after every read. That
    // it says no is no reason to fail.
    let _said_no = rustix::net::sockopt::set_tcp_quickack(socket, true);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn acknowledge_at_once(_socket: &TcpStream) {}

impl AsyncWrite for Eager {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
