//! What a node has seen so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// A picture of a node's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted, those refused or reset afterwards included.
    pub connections: u64,
    /// Connections open now.
    pub connections_open: u64,
    /// Connections refused for too many pending handshakes, or reset by a fault.
    pub connections_refused: u64,
    /// Key exchanges that came to their end, so that the client asked to authenticate.
    pub handshakes: u64,
    /// Connections not yet authenticated, now.
    pub pending: u64,
    /// The most of them at one time.
    pub pending_peak: u64,
    /// Connections that were let in.
    pub authenticated: u64,
    /// Attempts with the method `none`, with which clients ask what is offered.
    pub auth_none: u64,
    /// Public keys offered without a signature.
    pub auth_publickey_offers: u64,
    /// Attempts signed with a plain public key.
    pub auth_publickey: u64,
    /// Attempts signed with a certificate.
    pub auth_certificate: u64,
    /// Attempts with a password.
    pub auth_password: u64,
    /// Answers to a keyboard-interactive question.
    pub auth_keyboard_interactive: u64,
    /// Session channels open now, over all connections.
    pub sessions_open: u64,
    /// The most of them at one time.
    pub sessions_peak: u64,
    /// Channels that were refused.
    pub channels_refused: u64,
    /// Commands and shells started.
    pub execs: u64,
    /// SFTP sessions started.
    pub sftp: u64,
    /// Streams forwarded, to a port or to a socket.
    pub forwards: u64,
    /// Bytes written to sockets.
    pub bytes_sent: u64,
    /// Bytes read from sockets.
    pub bytes_received: u64,
}

/// A counter that also knows how high it has been.
#[derive(Debug, Default)]
pub(crate) struct Level {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Level {
    pub(crate) fn enter(&self) -> u64 {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        now
    }

    pub(crate) fn leave(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// A counter that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The living counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: Count,
    pub(crate) open: Level,
    pub(crate) refused: Count,
    pub(crate) handshakes: Count,
    pub(crate) pending: Level,
    pub(crate) authenticated: Count,
    pub(crate) auth_none: Count,
    pub(crate) auth_publickey_offers: Count,
    pub(crate) auth_publickey: Count,
    pub(crate) auth_certificate: Count,
    pub(crate) auth_password: Count,
    pub(crate) auth_keyboard_interactive: Count,
    pub(crate) sessions: Level,
    pub(crate) channels_refused: Count,
    pub(crate) execs: Count,
    pub(crate) sftp: Count,
    pub(crate) forwards: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) bytes_received: Count,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            connections: self.connections.get(),
            connections_open: self.open.now(),
            connections_refused: self.refused.get(),
            handshakes: self.handshakes.get(),
            pending: self.pending.now(),
            pending_peak: self.pending.peak(),
            authenticated: self.authenticated.get(),
            auth_none: self.auth_none.get(),
            auth_publickey_offers: self.auth_publickey_offers.get(),
            auth_publickey: self.auth_publickey.get(),
            auth_certificate: self.auth_certificate.get(),
            auth_password: self.auth_password.get(),
            auth_keyboard_interactive: self.auth_keyboard_interactive.get(),
            sessions_open: self.sessions.now(),
            sessions_peak: self.sessions.peak(),
            channels_refused: self.channels_refused.get(),
            execs: self.execs.get(),
            sftp: self.sftp.get(),
            forwards: self.forwards.get(),
            bytes_sent: self.bytes_sent.get(),
            bytes_received: self.bytes_received.get(),
        }
    }
}
