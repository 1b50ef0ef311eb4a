//! A client made with the protocol library, for what `ssh` does not do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::sync::Arc;
use std::time::Duration;

use russh::client::{Config, Handle, Handler, Msg, connect};
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg};
use towline_testkit::embedded::EmbeddedNode;

use crate::support::{Client, PATIENCE};

/// Trusts every server: who it talks to is settled by the address.
#[derive(Debug)]
pub(crate) struct Trusting;

impl Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

pub(crate) type Session = Handle<Trusting>;

/// A connection that is not authenticated.
pub(crate) async fn dial(node: &EmbeddedNode) -> Result<Session, russh::Error> {
    // More messages than a window holds: the library's client stops altogether while one channel
    // is full that nobody reads.
    let config = Config {
        nodelay: true,
        channel_buffer_size: 65536,
        ..Config::default()
    };
    connect(Arc::new(config), node.addr(), Trusting).await
}

/// A connection that is.
pub(crate) async fn login(client: &Client, node: &EmbeddedNode) -> Session {
    let mut session = dial(node).await.unwrap();
    assert!(try_key(client, &mut session).await.unwrap());
    session
}

pub(crate) async fn try_key(client: &Client, session: &mut Session) -> Result<bool, russh::Error> {
    let key = PrivateKeyWithHashAlg::new(Arc::new(client.key.private().clone()), None);
    Ok(session.authenticate_publickey("tow", key).await?.success())
}

/// All that came on a channel.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) stdout: Vec<u8>,
    pub(crate) code: Option<u32>,
    pub(crate) signal: Option<String>,
    pub(crate) closed: bool,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn take(&mut self, message: Option<ChannelMsg>) -> bool {
        match message {
            Some(ChannelMsg::Data { data }) => self.stdout.extend_from_slice(&data),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.code = Some(exit_status),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.signal = Some(format!("{signal_name:?}"));
            }
            Some(ChannelMsg::Close) => self.closed = true,
            Some(_) => {}
            None => return false,
        }
        !self.closed
    }
}

/// Reads a channel to its end.
pub(crate) async fn finish(channel: &mut Channel<Msg>) -> Seen {
    let mut seen = Seen::default();
    let all = async { while seen.take(channel.wait().await) {} };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    seen
}

/// Reads a channel until some text has come.
pub(crate) async fn expect_text(channel: &mut Channel<Msg>, text: &str) -> String {
    let mut seen = Seen::default();
    let until = async {
        while !seen.text().contains(text) {
            assert!(
                seen.take(channel.wait().await),
                "only this came: {}",
                seen.text()
            );
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(20), until).await;
    assert!(done.is_ok(), "only this came: {}", seen.text());
    seen.text()
}

pub(crate) async fn exec(session: &Session, line: &str) -> Channel<Msg> {
    let channel = session.channel_open_session().await.unwrap();
    channel.exec(true, line).await.unwrap();
    channel
}
