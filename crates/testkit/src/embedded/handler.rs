//! What a node answers to a client: authentication, channels and their requests.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use russh::keys::Certificate;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, Error, Pty, Sig};
use rustix::termios::Winsize;
use tokio::io::{AsyncWriteExt as _, DuplexStream, WriteHalf};
use tokio_util::sync::CancellationToken;

use super::process::{Order, What};
use super::pty::PtyRequest;
use super::session::{Job, Running, SessionSlot, Wishes};
use super::shared::Shared;

/// What a client may send ahead of a process that does not read: eight windows. Beyond that its
/// whole connection waits, since the library gives a window back as soon as data has come in,
/// not when it was taken.
pub(super) const INPUT_BUFFER: usize = 16 * 1024 * 1024;

/// A connection that counts as a pending handshake until it is authenticated.
#[derive(Debug)]
pub(crate) struct Pending(Arc<Shared>);

impl Pending {
    /// Counts one more; none when the node has enough of them.
    pub(crate) fn enter(shared: &Arc<Shared>) -> Option<Self> {
        let now = shared.counters.pending.enter();
        let pending = Self(Arc::clone(shared));
        (shared.max_pending.is_none_or(|most| now <= most)).then_some(pending)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.counters.pending.leave();
    }
}

/// One connection, as the protocol library drives it.
pub(crate) struct ConnectionHandler {
    pub(super) shared: Arc<Shared>,
    peer: SocketAddr,
    local: SocketAddr,
    pub(super) token: CancellationToken,
    pending: Option<Pending>,
    user: String,
    sessions: Arc<AtomicUsize>,
    channels: HashMap<ChannelId, OpenChannel>,
}

/// A channel between its opening and its close.
pub(super) struct OpenChannel {
    pub(super) input: Option<WriteHalf<DuplexStream>>,
    pub(super) session: Option<SessionChannel>,
    pub(super) gone: CancellationToken,
}

/// What a session channel has besides its input.
pub(super) struct SessionChannel {
    wishes: Wishes,
    /// Given to the process when there is one.
    output: Option<ChannelWriteHalf<Msg>>,
    running: Arc<Running>,
    slot: SessionSlot,
}

impl ConnectionHandler {
    pub(crate) fn new(
        shared: Arc<Shared>,
        (peer, local): (SocketAddr, SocketAddr),
        token: CancellationToken,
        pending: Pending,
    ) -> Self {
        Self {
            shared,
            peer,
            local,
            token,
            pending: Some(pending),
            user: String::new(),
            sessions: Arc::default(),
            channels: HashMap::new(),
        }
    }

    /// Lets in or not; a fault may refuse all, or never answer.
    async fn judge(&self, accepted: bool) -> Auth {
        let faults = self.shared.faults();
        if faults.hang_in_auth {
            tokio::select! {
                () = self.token.cancelled() => {}
                () = self.shared.until(|faults| !faults.hang_in_auth) => {}
            }
        }
        if accepted && !faults.refuse_auth {
            Auth::Accept
        } else {
            self.refusal()
        }
    }

    /// A refusal that leaves all methods open, as OpenSSH does.
    fn refusal(&self) -> Auth {
        let proceed_with_methods = Some(self.shared.auth.methods());
        Auth::Reject {
            proceed_with_methods,
            partial_success: false,
        }
    }

    /// Why no channel may be opened at all, if so.
    pub(super) fn refused(&self) -> Option<ChannelOpenFailure> {
        let refused = self.shared.faults.borrow().refuse_channels;
        refused.then_some(ChannelOpenFailure::AdministrativelyProhibited)
    }

    pub(super) fn remember(&mut self, id: ChannelId, channel: OpenChannel) {
        // A channel closed from this side is not announced by the library: swept up here.
        self.channels
            .retain(|_, channel| !channel.gone.is_cancelled());
        self.channels.insert(id, channel);
    }

    fn session(&mut self, id: ChannelId) -> Option<&mut SessionChannel> {
        self.channels.get_mut(&id)?.session.as_mut()
    }

    /// The variables OpenSSH gives a command, and the node's own.
    fn environment(&self) -> std::collections::BTreeMap<String, String> {
        let (peer, local) = (self.peer, self.local);
        let home = self.shared.home.path().display().to_string();
        let shell = self.shared.shell.display().to_string();
        let mut environment = self.shared.environment.clone();
        let client = format!("{} {} {}", peer.ip(), peer.port(), local.port());
        let connection = format!(
            "{} {} {} {}",
            peer.ip(),
            peer.port(),
            local.ip(),
            local.port()
        );
        for (name, value) in [
            ("HOME", home),
            ("USER", self.user.clone()),
            ("LOGNAME", self.user.clone()),
            ("SHELL", shell),
            ("SSH_CLIENT", client),
            ("SSH_CONNECTION", connection),
        ] {
            environment.insert(name.to_owned(), value);
        }
        environment
    }

    /// Starts a command or a shell on a channel; one channel runs one.
    fn run(&mut self, id: ChannelId, what: What, session: &mut Session) -> Result<(), Error> {
        if self.shared.faults.borrow().close_after_exec {
            self.token.cancel();
            return Ok(());
        }
        let mut environment = self.environment();
        let shared = Arc::clone(&self.shared);
        let Some(channel) = self.channels.get_mut(&id) else {
            return Ok(());
        };
        let gone = channel.gone.clone();
        let Some(wanted) = &mut channel.session else {
            return session.channel_failure(id);
        };
        let Some(output) = wanted.output.take() else {
            return session.channel_failure(id);
        };
        environment.append(&mut wanted.wishes.environment);
        let pty = wanted.wishes.pty.take();
        let (near, far) = tokio::io::duplex(INPUT_BUFFER);
        let (_, near) = tokio::io::split(near);
        channel.input = Some(near);
        let job = Job {
            shared: Arc::clone(&shared),
            order: Order {
                what,
                environment,
                pty,
            },
            output,
            handle: session.handle(),
            input: far,
            running: Arc::clone(&wanted.running),
            slot: wanted.slot.clone(),
            gone: gone.clone(),
        };
        session.channel_success(id)?;
        shared.tasks.spawn(async move {
            job.run().await;
            gone.cancel();
        });
        Ok(())
    }
}

impl Drop for ConnectionHandler {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

/// Answers a channel request that asked for an answer.
fn answer(session: &mut Session, id: ChannelId, done: bool) -> Result<(), Error> {
    if done {
        session.channel_success(id)
    } else {
        session.channel_failure(id)
    }
}

/// A terminal's size; what does not fit is cut off.
fn size(columns: u32, rows: u32, width: u32, height: u32) -> Winsize {
    let cut = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    Winsize {
        ws_row: cut(rows),
        ws_col: cut(columns),
        ws_xpixel: cut(width),
        ws_ypixel: cut(height),
    }
}

/// What OpenSSH accepts as Debian ships it (`AcceptEnv LANG LC_*`).
fn accepts_variable(name: &str) -> bool {
    name == "LANG" || name.starts_with("LC_")
}

impl Handler for ConnectionHandler {
    type Error = Error;

    fn authentication_banner(
        &mut self,
    ) -> impl Future<Output = Result<Option<String>, Error>> + Send {
        // Asked for once the keys are exchanged.
        self.shared.counters.handshakes.one();
        std::future::ready(Ok(None))
    }

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Error> {
        self.shared.counters.auth_none.one();
        user.clone_into(&mut self.user);
        Ok(self.judge(self.shared.auth.open_for(user)).await)
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Error> {
        self.shared.counters.auth_password.one();
        user.clone_into(&mut self.user);
        Ok(self
            .judge(self.shared.auth.accepts_password(user, password))
            .await)
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Error> {
        self.shared.counters.auth_publickey_offers.one();
        Ok(self
            .judge(self.shared.auth.may_sign(user, offer.public_key))
            .await)
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Error> {
        self.shared.counters.auth_publickey.one();
        user.clone_into(&mut self.user);
        Ok(self
            .judge(self.shared.auth.accepts_key(user, key.public_key))
            .await)
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Error> {
        self.shared.counters.auth_certificate.one();
        user.clone_into(&mut self.user);
        Ok(self
            .judge(self.shared.auth.accepts_certificate(user, certificate))
            .await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Error> {
        user.clone_into(&mut self.user);
        let Some(mut response) = response else {
            if self.shared.auth.answers.is_empty() {
                return Ok(self.refusal());
            }
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Password: ".into(), false)].into(),
            });
        };
        self.shared.counters.auth_keyboard_interactive.one();
        let right = response
            .next()
            .is_some_and(|it| self.shared.auth.accepts_answer(user, &it));
        Ok(self.judge(right).await)
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Result<(), Error> {
        self.shared.counters.authenticated.one();
        self.pending = None;
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        let most = self.shared.max_sessions();
        let slot = match self.refused() {
            Some(reason) => Err(reason),
            // The code OpenSSH gives when MaxSessions is reached.
            None => SessionSlot::take(&self.shared, &self.sessions, most)
                .ok_or(ChannelOpenFailure::ConnectFailed),
        };
        let slot = match slot {
            Ok(slot) => slot,
            Err(reason) => {
                self.shared.counters.channels_refused.one();
                reply.reject(reason).await;
                return Ok(());
            }
        };
        // Input comes by `data`; the library's own queue for it goes with the read half.
        let (_, output) = channel.split();
        let session = SessionChannel {
            wishes: Wishes::default(),
            running: Arc::default(),
            slot,
            output: Some(output),
        };
        let gone = self.token.child_token();
        let id = session.output.as_ref().map(ChannelWriteHalf::id);
        if let Some(id) = id {
            self.remember(
                id,
                OpenChannel {
                    input: None,
                    session: Some(session),
                    gone,
                },
            );
        }
        reply.accept().await;
        Ok(())
    }

    async fn data(&mut self, id: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Error> {
        let Some(channel) = self.channels.get_mut(&id) else {
            return Ok(());
        };
        if let Some(input) = &mut channel.input {
            tokio::select! {
                () = channel.gone.cancelled() => {}
                // Nobody reads it any more: thrown away.
                _ = input.write_all(data) => {}
            }
        }
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Error> {
        if let Some(channel) = self.channels.get_mut(&id)
            && let Some(mut input) = channel.input.take()
        {
            let _ = input.shutdown().await;
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Error> {
        if let Some(channel) = self.channels.remove(&id) {
            channel.gone.cancel();
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Error> {
        let size = size(columns, rows, width, height);
        let request = PtyRequest {
            term: term.to_owned(),
            size,
            modes: modes.to_vec(),
        };
        let wanted = self.session(id).filter(|channel| channel.output.is_some());
        let done = wanted
            .map(|channel| channel.wishes.pty = Some(request))
            .is_some();
        answer(session, id, done)
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Error> {
        let wanted = self.session(id).filter(|_| accepts_variable(name));
        let variables = wanted.map(|channel| &mut channel.wishes.environment);
        let done = variables
            .map(|all| all.insert(name.to_owned(), value.to_owned()))
            .is_some();
        answer(session, id, done)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), Error> {
        self.run(id, What::Line(line.to_vec()), session)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Error> {
        self.run(id, What::Shell, session)
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        session: &mut Session,
    ) -> Result<(), Error> {
        let size = size(columns, rows, width, height);
        let done = self
            .session(id)
            .is_some_and(|channel| channel.running.resize(size));
        answer(session, id, done)
    }

    async fn signal(
        &mut self,
        id: ChannelId,
        signal: Sig,
        session: &mut Session,
    ) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let running = self.session(id).map(|channel| Arc::clone(&channel.running));
        let done = running.is_some_and(|running| running.signal(&shared, &signal));
        answer(session, id, done)
    }
}
