//! The ways in which a node can be told to misbehave.

use std::time::Duration;

/// What a node does wrong. The default is nothing.
///
/// Set at the start with [`EmbeddedBuilder::faults`](super::EmbeddedBuilder::faults), or at any
/// time with [`EmbeddedNode::set_faults`](super::EmbeddedNode::set_faults); every field says to
/// whom a change applies.
///
/// ```
/// use towline_testkit::embedded::Faults;
///
/// let faults = Faults { refuse_auth: true, ..Faults::default() };
/// assert!(!faults.freeze);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// Every attempt to authenticate is refused. Applies to the next attempt.
    pub refuse_auth: bool,
    /// New connections are shown a host key other than
    /// [`host_key`](super::EmbeddedNode::host_key).
    pub other_host_key: bool,
    /// New connections are accepted and then hear nothing, not even the version banner, until
    /// the fault is lifted.
    pub hang_before_banner: bool,
    /// The handshake goes through, but no attempt to authenticate is ever answered until the
    /// fault is lifted.
    pub hang_in_auth: bool,
    /// A connection is cut once it has sent this many bytes, counted on the wire from its start.
    /// A handshake takes about three thousand. Applies to open connections as well.
    pub drop_after: Option<u64>,
    /// A command is started this long after it was asked for. Applies to the next command.
    pub exec_delay: Duration,
    /// Every write to the socket waits this long. Applies to open connections as well.
    pub packet_delay: Duration,
    /// Overrides [`max_sessions`](super::EmbeddedBuilder::max_sessions) for the next channels.
    pub max_sessions: Option<usize>,
    /// No channel of any kind can be opened. Applies to the next channel.
    pub refuse_channels: bool,
    /// So many of the next connections are reset as soon as they are accepted.
    pub reset_connections: u32,
    /// The connection is cut when a command is asked for; the command does not run.
    pub close_after_exec: bool,
    /// A command's channel is closed without its exit status. Applies to the next command that
    /// ends.
    pub omit_exit_status: bool,
    /// Nothing is read from or written to any connection, as when a network is cut, until the
    /// fault is lifted. New connections are accepted by the system and hear nothing.
    pub freeze: bool,
}
