//! The terminal on this side of a process that has one on the node: from it, ssh takes the size
//! and the modes to ask for.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize},
};
use towline_core::command::PtySize;

/// Both ends of a terminal.
pub(super) struct Terminal {
    /// Ours, which does not block.
    pub(super) ours: OwnedFd,
    /// The one for ssh.
    pub(super) theirs: OwnedFd,
}

impl Terminal {
    pub(super) fn new(size: PtySize) -> rustix::io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(&*name, flags, Mode::empty())?;
        tcsetwinsize(
            &theirs,
            Winsize {
                ws_row: size.rows,
                ws_col: size.columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )?;
        fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
        Ok(Self { ours, theirs })
    }

    /// From now on bytes go through as they are: ssh has read the modes, and the terminal on the
    /// node does what a terminal does. Gives back our end.
    pub(super) fn raw(self) -> rustix::io::Result<OwnedFd> {
        let mut modes = tcgetattr(&self.theirs)?;
        modes.make_raw();
        tcsetattr(&self.theirs, OptionalActions::Now, &modes)?;
        Ok(self.ours)
    }
}
