//! From an accepted socket to the protocol, with what goes wrong on the way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::client::{Client, Pending};
use super::shared::Shared;
use super::stream::NodeStream;

/// What OpenSSH says before it closes a connection that is one too many.
const TOO_MANY: &[u8] = b"Exceeded MaxStartups\r\n";

/// A client's banner is 255 bytes at most, and its first packet may follow at once.
const EARLY_BYTES: usize = 64 * 1024;

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Accepts connections until the node is stopped.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let node = Arc::clone(&shared);
                shared
                    .tasks
                    .spawn(async move { welcome(socket, peer, node).await });
            }
            // A connection that was reset meanwhile, or no file left: others may come.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn welcome(mut socket: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    shared.counters.connections.one();
    if shared.take_reset() {
        shared.counters.refused.one();
        // Dropped with this set, a socket sends a reset.
        let _ = socket.set_zero_linger();
        return;
    }
    let Some(pending) = Pending::enter(&shared) else {
        shared.counters.refused.one();
        let _ = socket.write_all(TOO_MANY).await;
        return;
    };
    shared.counters.open.enter();
    // What ends a connection here is the client's to see; there is nobody else to tell.
    let _ = serve(socket, peer, &shared, pending).await;
    shared.counters.open.leave();
}

async fn serve(
    mut socket: TcpStream,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    pending: Pending,
) -> Result<(), russh::Error> {
    let local = socket.local_addr()?;
    socket.set_nodelay(true)?;
    let mut early = Vec::new();
    stay_silent(&mut socket, &mut early, shared).await?;

    let token = shared.connection_token();
    let other_key = shared.faults.borrow().other_host_key;
    let config = shared
        .identity
        .config(other_key)
        .map_err(io::Error::other)?;
    let stream = NodeStream::new(socket, early, Arc::clone(shared), token.clone());
    let handler = Client::new(Arc::clone(shared), (peer, local), token, pending);
    russh::server::run_stream(config, stream, handler)
        .await?
        .await
}

/// Says nothing while the fault is on; what the client says meanwhile is kept. An error when
/// the client has gone.
async fn stay_silent(
    socket: &mut TcpStream,
    early: &mut Vec<u8>,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    if !shared.faults.borrow().hang_before_banner {
        return Ok(());
    }
    let lifted = shared.until(|faults| !faults.hang_before_banner);
    tokio::pin!(lifted);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return Err(io::ErrorKind::ConnectionAborted.into()),
            () = &mut lifted => return Ok(()),
            read = socket.read_buf(early), if early.len() < EARLY_BYTES => {
                if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
}
