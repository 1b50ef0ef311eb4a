//! What a node answers to a client: authentication, channels and their requests.

use std::future::Future;
use std::sync::Arc;

use russh::keys::Certificate;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Error, Pty, Sig};

use super::client::{Client, OpenChannel, SessionChannel};
use super::commands::{accepts_variable, answer, size};
use super::forward::Target;
use super::process::What;
use super::pty::PtyRequest;
use super::session::{SessionSlot, Wishes};
use super::streams::Listener;

impl Handler for Client {
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
        let id = output.id();
        let session = SessionChannel {
            wishes: Wishes::default(),
            output: Some(output),
            running: Arc::default(),
            slot: Some(slot),
        };
        let gone = self.token.child_token();
        self.remember(
            id,
            OpenChannel {
                input: None,
                session: Some(session),
                gone,
            },
        );
        reply.accept().await;
        Ok(())
    }

    async fn data(&mut self, id: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Error> {
        if let Some(OpenChannel {
            input: Some(input),
            gone,
            ..
        }) = self.channels.get_mut(&id)
        {
            input.push(data, gone).await;
        }
        Ok(())
    }

    fn adjust_window(&mut self, _: ChannelId, _: u32) -> u32 {
        self.window()
    }

    async fn channel_eof(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Error> {
        let input = self
            .channels
            .get_mut(&id)
            .and_then(|channel| channel.input.take());
        if let Some(input) = input {
            input.end().await;
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

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Error> {
        let done = name == "sftp" && self.start_sftp(id);
        answer(session, id, done)
    }

    async fn agent_request(&mut self, _: ChannelId, session: &mut Session) -> Result<bool, Error> {
        Ok(self.listen_for_agent(session.handle()))
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        let port = u16::try_from(port).unwrap_or_default();
        self.forward(channel, Target::Port(host.to_owned(), port), reply)
            .await;
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        let path = self.shared.home.path().join(path);
        self.forward(channel, Target::Socket(path), reply).await;
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        session: &mut Session,
    ) -> Result<bool, Error> {
        let bound = self.listen_on_port(address, *port, session.handle()).await;
        *port = bound.unwrap_or(*port);
        Ok(bound.is_some())
    }

    async fn cancel_tcpip_forward(
        &mut self,
        address: &str,
        port: u32,
        _: &mut Session,
    ) -> Result<bool, Error> {
        Ok(self.stop_listening(&Listener::Port(address.to_owned(), port)))
    }

    async fn streamlocal_forward(
        &mut self,
        path: &str,
        session: &mut Session,
    ) -> Result<bool, Error> {
        Ok(self.listen_on_socket(path, session.handle()))
    }

    async fn cancel_streamlocal_forward(
        &mut self,
        path: &str,
        _: &mut Session,
    ) -> Result<bool, Error> {
        Ok(self.stop_listening(&Listener::Socket(path.to_owned())))
    }
}
