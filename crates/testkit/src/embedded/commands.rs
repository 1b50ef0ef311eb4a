//! Commands on session channels: from the request to the job.

use std::collections::BTreeMap;
use std::sync::Arc;

use russh::server::Session;
use russh::{ChannelId, Error};
use rustix::termios::Winsize;

use super::client::Client;
use super::input;
use super::process::{Order, What};
use super::session::Job;

impl Client {
    /// The variables OpenSSH gives a command, and the node's own.
    fn environment(&self) -> BTreeMap<String, String> {
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
        if let Some(agent) = &self.agent {
            environment.insert("SSH_AUTH_SOCK".to_owned(), agent.display().to_string());
        }
        environment
    }

    /// Starts a command or a shell on a channel; one channel runs one.
    pub(super) fn run(
        &mut self,
        id: ChannelId,
        what: What,
        session: &mut Session,
    ) -> Result<(), Error> {
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
        let Some((output, slot)) = wanted.output.take().zip(wanted.slot.take()) else {
            return session.channel_failure(id);
        };
        environment.append(&mut wanted.wishes.environment);
        let pty = wanted.wishes.pty.take();
        let (inlet, input, _) = input::pair();
        channel.input = Some(inlet);
        let job = Job {
            shared: Arc::clone(&shared),
            order: Order {
                what,
                environment,
                pty,
            },
            output,
            handle: session.handle(),
            input,
            running: Arc::clone(&wanted.running),
            slot,
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

/// Answers a channel request that asked for an answer.
pub(super) fn answer(session: &mut Session, id: ChannelId, done: bool) -> Result<(), Error> {
    if done {
        session.channel_success(id)
    } else {
        session.channel_failure(id)
    }
}

/// A terminal's size; what does not fit is cut off.
pub(super) fn size(columns: u32, rows: u32, width: u32, height: u32) -> Winsize {
    let cut = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    Winsize {
        ws_row: cut(rows),
        ws_col: cut(columns),
        ws_xpixel: cut(width),
        ws_ypixel: cut(height),
    }
}

/// What OpenSSH accepts as Debian ships it (`AcceptEnv LANG LC_*`).
pub(super) fn accepts_variable(name: &str) -> bool {
    name == "LANG" || name.starts_with("LC_")
}
