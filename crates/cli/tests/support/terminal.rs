//! The binary, run on a terminal.

use std::{
    fs::File,
    io::Write,
    process::{Child, Stdio},
    sync::Arc,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::OpenptFlags,
    termios::Winsize,
};

use super::{Done, Tow, process::Heard};

/// A program on a terminal, and who sits before it.
pub(crate) struct Screen {
    child: Child,
    keyboard: File,
    shown: Arc<Heard>,
}

impl Screen {
    pub(super) fn start(tow: &Tow, columns: u16) -> Self {
        let near = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::io::fcntl_setfd(&near, rustix::io::FdFlags::CLOEXEC).unwrap();
        rustix::pty::grantpt(&near).unwrap();
        rustix::pty::unlockpt(&near).unwrap();
        let name = rustix::pty::ptsname(&near, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let far = File::from(rustix::fs::open(&name, flags, Mode::empty()).unwrap());
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&near, size).unwrap();
        let far_end = || Stdio::from(far.try_clone().unwrap());
        let child = tow
            .command(&["--ctty"])
            .env("TERM", "xterm-256color")
            .stdin(far_end())
            .stdout(far_end())
            .stderr(far_end())
            .spawn()
            .unwrap();
        let keyboard = File::from(near);
        let shown = Heard::listen(keyboard.try_clone().unwrap());
        Self {
            child,
            keyboard,
            shown,
        }
    }

    /// Waits until this is shown.
    #[track_caller]
    pub(crate) fn await_text(&self, text: &str) {
        self.shown.wait_for(text);
    }

    /// Types; Return is `\n`, Ctrl-C is `\x03`.
    pub(crate) fn enter(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for its end. Everything shown is in `stdout`, its line ends as in a file.
    #[track_caller]
    pub(crate) fn done(mut self) -> Done {
        let shown = self.shown.rest();
        let shown = String::from_utf8_lossy(&shown).replace("\r\n", "\n");
        Done {
            code: self.child.wait().unwrap().code(),
            stdout: shown.into_bytes(),
            stderr: Vec::new(),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Gone already, unless a test failed.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
