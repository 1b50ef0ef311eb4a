//! Everything on a connection that is not a command: SFTP, forwarded streams, the agent.

use std::sync::Arc;

use russh::Channel;
use russh::ChannelId;
use russh::server::{ChannelOpenHandle, Handle, Msg};

use super::client::{Client, OpenChannel};
use super::forward::{Forward, SocketKind, Target, listen_port, listen_socket};
use super::{input, sftp};

/// A listener a client asked for, by the words it used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Listener {
    Port(String, u32),
    Socket(String),
}

impl Client {
    /// Starts the SFTP subsystem on a session channel, if that is free.
    pub(super) fn start_sftp(&mut self, id: ChannelId) -> bool {
        let Some(channel) = self.channels.get_mut(&id) else {
            return false;
        };
        let Some(session) = &mut channel.session else {
            return false;
        };
        let Some((output, slot)) = session.output.take().zip(session.slot.take()) else {
            return false;
        };
        let (inlet, outlet, back) = input::pair();
        channel.input = Some(inlet);
        let gone = channel.gone.clone();
        let home = self.shared.home.path().to_owned();
        self.shared.counters.sftp.one();
        self.shared.tasks.spawn(async move {
            tokio::select! {
                () = gone.cancelled() => {}
                () = sftp::run((back, outlet), home, output, slot) => gone.cancel(),
            }
        });
        true
    }

    /// Forwards a channel to its target, unless channels are refused.
    pub(super) async fn forward(
        &mut self,
        channel: Channel<Msg>,
        target: Target,
        reply: ChannelOpenHandle,
    ) {
        if let Some(reason) = self.refused() {
            self.shared.counters.channels_refused.one();
            return reply.reject(reason).await;
        }
        let (_, output) = channel.split();
        let (inlet, input, _) = input::pair();
        let gone = self.token.child_token();
        let channel = OpenChannel {
            input: Some(inlet),
            session: None,
            gone: gone.clone(),
        };
        self.remember(output.id(), channel);
        let shared = Arc::clone(&self.shared);
        let forward = Forward {
            shared,
            target,
            input,
            output,
            reply,
            gone: gone.clone(),
        };
        self.shared.tasks.spawn(async move {
            forward.run().await;
            gone.cancel();
        });
    }

    /// Listens on a port for the client; answers with its number.
    pub(super) async fn listen_on_port(
        &mut self,
        address: &str,
        port: u32,
        handle: Handle,
    ) -> Option<u32> {
        let wanted = u16::try_from(port).ok()?;
        let gone = self.token.child_token();
        let bound = listen_port(&self.shared, handle, address, wanted, gone.clone());
        let bound = u32::from(bound.await.ok()?);
        self.listeners
            .insert(Listener::Port(address.to_owned(), bound), gone);
        Some(bound)
    }

    /// Listens on a socket for the client.
    pub(super) fn listen_on_socket(&mut self, path: &str, handle: Handle) -> bool {
        let gone = self.token.child_token();
        let kind = SocketKind::Forwarded(path.to_owned());
        let place = self.shared.home.path().join(path);
        let done = listen_socket(&self.shared, handle, &place, kind, gone.clone());
        if done.is_ok() {
            self.listeners
                .insert(Listener::Socket(path.to_owned()), gone);
        }
        done.is_ok()
    }

    pub(super) fn stop_listening(&mut self, listener: &Listener) -> bool {
        let found = self.listeners.remove(listener);
        found.map(|gone| gone.cancel()).is_some()
    }

    /// Makes a socket that leads to the client's agent; one serves all commands.
    pub(super) fn listen_for_agent(&mut self, handle: Handle) -> bool {
        if self.agent.is_some() {
            return true;
        }
        let name = format!(".agent-{}", self.peer.port());
        let path = self.shared.home.path().join(name);
        let gone = self.token.child_token();
        let done = listen_socket(&self.shared, handle, &path, SocketKind::Agent, gone);
        if done.is_ok() {
            self.agent = Some(path);
        }
        done.is_ok()
    }
}
