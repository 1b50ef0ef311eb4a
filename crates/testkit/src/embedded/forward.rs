//! Forwarded streams: from the client to a port or socket here, and from one here to the client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::server::{ChannelOpenHandle, Handle, Msg};
use russh::{Channel, ChannelOpenFailure, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::input::Outlet;
use super::session::pump;
use super::shared::Shared;

/// Where a client wants a stream to go.
pub(crate) enum Target {
    Port(String, u16),
    Socket(PathBuf),
}

/// A channel that is to become a forwarded stream.
pub(crate) struct Forward {
    pub(crate) shared: Arc<Shared>,
    pub(crate) target: Target,
    pub(crate) input: Outlet,
    pub(crate) output: ChannelWriteHalf<Msg>,
    pub(crate) reply: ChannelOpenHandle,
    pub(crate) gone: CancellationToken,
}

impl Forward {
    /// Connects, answers the client, and carries both directions until both have ended or the
    /// channel is gone.
    pub(crate) async fn run(self) {
        let gone = self.gone.clone();
        tokio::select! {
            () = gone.cancelled() => {}
            () = self.connect() => {}
        }
    }

    async fn connect(self) {
        let Self {
            shared,
            target,
            input,
            output,
            reply,
            gone: _,
        } = self;
        let connected = match target {
            Target::Port(host, port) => TcpStream::connect((host, port))
                .await
                .map(|stream| Box::new(stream) as BoxStream),
            Target::Socket(path) => UnixStream::connect(path)
                .await
                .map(|stream| Box::new(stream) as BoxStream),
        };
        let Ok(stream) = connected else {
            shared.counters.channels_refused.one();
            return reply.reject(ChannelOpenFailure::ConnectFailed).await;
        };
        shared.counters.forwards.one();
        reply.accept().await;
        carry(stream, input, &output).await;
        let _ = output.close().await;
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type BoxStream = Box<dyn Stream>;

async fn carry(stream: BoxStream, mut input: Outlet, output: &ChannelWriteHalf<Msg>) {
    let (from, mut to) = tokio::io::split(stream);
    let there = async {
        let _ = tokio::io::copy(&mut input, &mut to).await;
        let _ = to.shutdown().await;
    };
    let back = async {
        pump(from, output, None).await;
        let _ = output.eof().await;
    };
    tokio::join!(there, back);
}

/// What the library keeps of a stream that was opened from this side: it goes to the client.
async fn relay(channel: Channel<Msg>, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut far = channel.into_stream();
    // An end of either side is the end of both.
    let _ = tokio::io::copy_bidirectional(&mut far, &mut stream).await;
}

/// Listens on loopback for a client; answers with the port. The address asked for counts only
/// when it is one of loopback's, as with OpenSSH's `GatewayPorts no`.
pub(crate) async fn listen_port(
    shared: &Arc<Shared>,
    handle: Handle,
    address: &str,
    port: u16,
    gone: CancellationToken,
) -> io::Result<u16> {
    let asked = address.parse().ok().filter(Ipv4Addr::is_loopback);
    let listener = TcpListener::bind((asked.unwrap_or(Ipv4Addr::LOCALHOST), port)).await?;
    let port = listener.local_addr()?.port();
    let (node, address) = (Arc::clone(shared), address.to_owned());
    shared.tasks.spawn(async move {
        while let Some((stream, from)) = next(&gone, listener.accept()).await {
            node.counters.forwards.one();
            let (handle, address, gone) = (handle.clone(), address.clone(), gone.clone());
            node.tasks.spawn(async move {
                unless(&gone, send_stream(&handle, (address, port), from, stream)).await;
            });
        }
    });
    Ok(port)
}

async fn send_stream(
    handle: &Handle,
    (address, port): (String, u16),
    from: SocketAddr,
    stream: TcpStream,
) {
    let (origin, origin_port) = (from.ip().to_string(), u32::from(from.port()));
    let opened = handle
        .channel_open_forwarded_tcpip(address, u32::from(port), origin, origin_port)
        .await;
    if let Ok(channel) = opened {
        relay(channel, stream).await;
    }
}

/// What a socket made for a client leads to.
#[derive(Debug, Clone)]
pub(crate) enum SocketKind {
    /// A socket the client listens for, by the path it gave.
    Forwarded(String),
    /// The client's agent.
    Agent,
}

/// Listens at a path for a client; the socket is removed at the end.
pub(crate) fn listen_socket(
    shared: &Arc<Shared>,
    handle: Handle,
    path: &Path,
    kind: SocketKind,
    gone: CancellationToken,
) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let (node, path) = (Arc::clone(shared), path.to_owned());
    shared.tasks.spawn(async move {
        while let Some((stream, _)) = next(&gone, listener.accept()).await {
            node.counters.forwards.one();
            let (handle, kind, gone) = (handle.clone(), kind.clone(), gone.clone());
            node.tasks.spawn(async move {
                unless(&gone, send_socket(&handle, kind, stream)).await;
            });
        }
        let _ = std::fs::remove_file(path);
    });
    Ok(())
}

async fn send_socket(handle: &Handle, kind: SocketKind, stream: UnixStream) {
    let opened = match kind {
        SocketKind::Forwarded(path) => handle.channel_open_forwarded_streamlocal(path).await,
        SocketKind::Agent => handle.channel_open_agent().await,
    };
    if let Ok(channel) = opened {
        relay(channel, stream).await;
    }
}

/// The next connection, until the listener is no longer wanted.
async fn next<T>(
    gone: &CancellationToken,
    accepted: impl Future<Output = io::Result<T>>,
) -> Option<T> {
    tokio::select! {
        () = gone.cancelled() => None,
        accepted = accepted => accepted.ok(),
    }
}

async fn unless(gone: &CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = gone.cancelled() => {}
        () = work => {}
    }
}
