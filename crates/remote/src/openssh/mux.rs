//! What is said to a master through its control socket: the protocol that OpenSSH describes in
//! PROTOCOL.mux, version 4. Each connection to the socket carries one request.
//!
//! Written here as the crates for it can not forward to standard streams, and so could not tell
//! whether the far end of a forward was reached.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::UnixStream,
};

const VERSION: u32 = 4;
const HELLO: u32 = 1;
const NEW_SESSION: u32 = 0x1000_0002;
const TERMINATE: u32 = 0x1000_0005;
const OPEN_FORWARD: u32 = 0x1000_0006;
const NEW_STDIO_FORWARD: u32 = 0x1000_0008;
const OK: u32 = 0x8000_0001;
const DENIED: u32 = 0x8000_0002;
const FAILURE: u32 = 0x8000_0003;
const EXIT: u32 = 0x8000_0004;
const SESSION_OPENED: u32 = 0x8000_0006;
const NO_TERMINAL: u32 = 0x8000_0008;

/// Each connection makes one request, so that they need no numbers of their own.
const REQUEST: u32 = 0;
const NO_ESCAPE: u32 = u32::MAX;
const LOCAL_FORWARD: u32 = 1;
/// The port that stands for a Unix socket (-2 as the client's C has it).
const UNIX_PORT: u32 = u32::MAX - 1;
/// The longest message that a master takes.
const LONGEST: usize = 256 * 1024;

/// How long a master may take to end.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(300);

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The server, or the client for it, said no.
    Refused(String),
    /// The master is not there, or not what it should be.
    Lost(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// What a master says of a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It ended with this code.
    Exit(u32),
    /// It got no terminal, though one was asked for.
    NoTerminal,
}

/// A connection to a master.
#[derive(Debug)]
pub(super) struct Mux(UnixStream);

impl Mux {
    /// Connects, and checks that both mean the same protocol.
    pub(super) async fn connect(socket: &Path) -> Result<Self, Refusal> {
        let mut mux = Self(UnixStream::connect(socket).await?);
        let mut hello = BytesMut::new();
        hello.put_u32(HELLO);
        hello.put_u32(VERSION);
        mux.send(&hello).await?;
        let mut answer = mux.receive().await?;
        match (number(&mut answer)?, number(&mut answer)?) {
            (HELLO, VERSION) => Ok(mux),
            (_, version) => Err(Refusal::Refused(format!(
                "it speaks version {version} of its protocol, not {VERSION}"
            ))),
        }
    }

    /// Starts a process with these standard streams.
    pub(super) async fn session(
        &mut self,
        line: &[u8],
        terminal: Option<&str>,
        streams: [BorrowedFd<'_>; 3],
    ) -> Result<(), Refusal> {
        let mut request = BytesMut::with_capacity(line.len() + 64);
        request.put_u32(NEW_SESSION);
        request.put_u32(REQUEST);
        put(&mut request, b"");
        request.put_u32(u32::from(terminal.is_some()));
        // Neither X11, nor the agent, nor a subsystem.
        for _ in 0..3 {
            request.put_u32(0);
        }
        request.put_u32(NO_ESCAPE);
        put(&mut request, terminal.unwrap_or_default().as_bytes());
        put(&mut request, line);
        if request.len() >= LONGEST {
            let reason = "the command line is too long for the system's ssh client";
            return Err(Refusal::Refused(reason.to_owned()));
        }
        self.send(&request).await?;
        for stream in streams {
            self.send_descriptor(stream).await?;
        }
        self.opened().await
    }

    /// Connects two pipes with a port that the node can reach.
    pub(super) async fn stdio_forward(
        &mut self,
        host: &str,
        port: u16,
        streams: [BorrowedFd<'_>; 2],
    ) -> Result<(), Refusal> {
        let mut request = BytesMut::new();
        request.put_u32(NEW_STDIO_FORWARD);
        request.put_u32(REQUEST);
        put(&mut request, b"");
        put(&mut request, host.as_bytes());
        request.put_u32(u32::from(port));
        self.send(&request).await?;
        for stream in streams {
            self.send_descriptor(stream).await?;
        }
        self.opened().await
    }

    /// Makes the master listen at a socket here, for a socket on the node.
    pub(super) async fn listen(&mut self, here: &[u8], there: &[u8]) -> Result<(), Refusal> {
        let mut request = BytesMut::new();
        request.put_u32(OPEN_FORWARD);
        request.put_u32(REQUEST);
        request.put_u32(LOCAL_FORWARD);
        for path in [here, there] {
            put(&mut request, path);
            request.put_u32(UNIX_PORT);
        }
        self.send(&request).await?;
        let (kind, answer) = self.answer().await?;
        expect(kind, OK, answer)
    }

    /// What happens next to the session; `None` when it is over, or the master gone.
    pub(super) async fn news(&mut self) -> Option<News> {
        loop {
            let mut message = self.receive().await.ok()?;
            let kind = number(&mut message).ok()?;
            let _session = number(&mut message).ok()?;
            match kind {
                EXIT => return Some(News::Exit(number(&mut message).ok()?)),
                NO_TERMINAL => return Some(News::NoTerminal),
                _ => {}
            }
        }
    }

    async fn opened(&mut self) -> Result<(), Refusal> {
        let (kind, answer) = self.answer().await?;
        expect(kind, SESSION_OPENED, answer)
    }

    async fn answer(&mut self) -> Result<(u32, Bytes), Refusal> {
        let mut answer = self.receive().await?;
        let kind = number(&mut answer)?;
        let _request = number(&mut answer)?;
        Ok((kind, answer))
    }

    async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.write_all(&framed(message)).await
    }

    async fn receive(&mut self) -> io::Result<Bytes> {
        let length = self.0.read_u32().await? as usize;
        if length > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut message = vec![0; length];
        self.0.read_exact(&mut message).await?;
        Ok(message.into())
    }

    /// Hands a descriptor over, with the one byte that it has to travel with.
    async fn send_descriptor(&self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let sending = || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            let descriptors = [descriptor];
            if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            let byte = [IoSlice::new(&[0])];
            sendmsg(self.0.as_fd(), &byte, &mut ancillary, SendFlags::NOSIGNAL)?;
            Ok(())
        };
        self.0.async_io(Interest::WRITABLE, sending).await
    }
}

/// Tells the master at `socket` to end, with all it carries. It may be gone already.
pub(super) fn terminate(socket: &Path) -> io::Result<()> {
    use std::{
        io::{Read, Write},
        os::unix::net::UnixStream,
    };
    let mut messages = BytesMut::new();
    for (kind, number) in [(HELLO, VERSION), (TERMINATE, REQUEST)] {
        messages.put_u32(8);
        messages.put_u32(kind);
        messages.put_u32(number);
    }
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(&messages)?;
    // A master that can not answer, as nobody listens any more, would not read on.
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answers = Vec::new();
    // Its end is what ends them.
    let _gone = stream.read_to_end(&mut answers);
    Ok(())
}

fn expect(kind: u32, wanted: u32, mut answer: Bytes) -> Result<(), Refusal> {
    match kind {
        _ if kind == wanted => Ok(()),
        DENIED | FAILURE => Err(Refusal::Refused(text(&mut answer)?)),
        _ => Err(Refusal::Lost(io::ErrorKind::InvalidData.into())),
    }
}

fn framed(message: &[u8]) -> BytesMut {
    let mut out = BytesMut::with_capacity(message.len() + 4);
    put(&mut out, message);
    out
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "messages are far shorter than 4 GiB"
)]
fn put(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

fn number(message: &mut Bytes) -> io::Result<u32> {
    message
        .try_get_u32()
        .map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

fn text(message: &mut Bytes) -> io::Result<String> {
    let length = number(message)? as usize;
    let bytes = message.get(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_the_masters_reason() {
        let mut answer = BytesMut::new();
        put(&mut answer, b"Session open refused by peer");
        let refusal = expect(FAILURE, SESSION_OPENED, answer.freeze()).unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Refused(why) if why == "Session open refused by peer"),
            "{refusal:?}"
        );
        let short = Bytes::from_static(&[0, 0, 0, 9, b'x']);
        let refusal = expect(FAILURE, OK, short).unwrap_err();
        assert!(matches!(refusal, Refusal::Lost(_)), "{refusal:?}");
        assert!(expect(OK, OK, Bytes::new()).is_ok());
    }
}
