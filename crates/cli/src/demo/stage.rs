//! Where the demonstration is given: types command lines, runs them as a user would, shows what
//! they print, and checks that it is what was to be shown.

use std::{
    io::{self, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::OpenptFlags,
    termios::{OptionalActions, Winsize},
};
use tokio::net::unix::pipe;
use towline_core::quote::quote;

use super::nodes::UNSET;
use crate::{
    exit::Exit,
    render::{Style, Tone},
    terminal::Terminal,
};

/// One command line of the demonstration.
pub(crate) struct Step<'a> {
    /// What it is about to show, in lines of at most 78 columns.
    pub(crate) about: &'a str,
    /// What comes after `tow`.
    pub(crate) words: &'a [&'a str],
    /// How it must end.
    pub(crate) exit: Exit,
    /// What must be in its output, however that is broken into lines.
    pub(crate) shows: &'a [&'a str],
}

/// The stage.
pub(crate) struct Stage {
    tow: PathBuf,
    home: PathBuf,
    terminal: Terminal,
    style: Style,
    /// Command lines so far.
    steps: usize,
    /// What was not as it should be.
    wrong: usize,
}

impl Stage {
    /// A stage on standard output, for the binary `tow` with the home `home`.
    pub(crate) fn new(tow: &Path, home: &Path, terminal: &Terminal) -> Self {
        let [style, _] = terminal.styles();
        Self {
            tow: tow.to_owned(),
            home: home.to_owned(),
            terminal: *terminal,
            style,
            steps: 0,
            wrong: 0,
        }
    }

    /// Says something, in the way of a comment.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for line in text.lines() {
            let comment = if line.is_empty() { "#" } else { "# " };
            let line = [comment, line].concat();
            writeln!(out, "{}", self.style.paint(Tone::Good, line))?;
        }
        out.flush()
    }

    /// Shows a command line as if it had been typed.
    ///
    /// # Errors
    /// When nobody looks.
    pub(crate) fn type_line(&self, line: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "$ {}", self.style.paint(Tone::Strong, line))?;
        out.flush()
    }

    /// Does a step and checks it.
    ///
    /// # Errors
    /// When `tow` can not be run or the output not be shown. What it does wrong is counted.
    pub(crate) async fn step(&mut self, step: Step<'_>) -> anyhow::Result<()> {
        writeln!(io::stdout())?;
        self.say(step.about)?;
        self.type_line(&command_line(step.words)?)?;
        let (code, shown) = self.run(step.words).await?;
        if code != 0 {
            let line = ["exit code ", &code.to_string()].concat();
            writeln!(io::stdout(), "{}", self.style.paint(Tone::Faint, line))?;
        }
        self.steps += 1;
        for fault in faults(&step, code, &shown) {
            self.wrong += 1;
            writeln!(io::stdout(), "{}", self.style.paint(Tone::Bad, fault))?;
        }
        Ok(())
    }

    /// Command lines so far, and how much was wrong with them.
    pub(crate) fn tally(&self) -> (usize, usize) {
        (self.steps, self.wrong)
    }

    /// Runs `tow` to its end; its exit code and what it printed.
    async fn run(&self, words: &[&str]) -> anyhow::Result<(i32, Vec<u8>)> {
        let (near, far) = if self.terminal.stdout_is_terminal {
            terminal_like_ours()?
        } else {
            let (near, far) = io::pipe()?;
            (near.into(), far.into())
        };
        let mut command = tokio::process::Command::new(&self.tow);
        command
            .arg0("tow")
            .args(words)
            .current_dir(&self.home)
            .env("HOME", &self.home)
            .stdin(Stdio::null())
            .stdout(far.try_clone()?)
            .stderr(far)
            .kill_on_drop(true);
        for name in UNSET {
            command.env_remove(name);
        }
        if self.terminal.stdout_color {
            command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
        } else {
            command.env("NO_COLOR", "1");
        }
        let mut child = command.spawn()?;
        // It holds the far end; the output would have no end.
        drop(command);
        let shown = relay(near).await?;
        let status = child.wait().await?;
        Ok((status.code().unwrap_or(-1), shown))
    }
}

/// A terminal of the size of ours: what `tow` shows there is what it shows to a user.
fn terminal_like_ours() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let near = rustix::pty::openpt(flags)?;
    rustix::pty::grantpt(&near)?;
    rustix::pty::unlockpt(&near)?;
    let name = rustix::pty::ptsname(&near, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let far = rustix::fs::open(&name, flags, Mode::empty())?;
    // What is written passes as it is: our own terminal sees to line ends.
    let mut modes = rustix::termios::tcgetattr(&far)?;
    modes.make_raw();
    rustix::termios::tcsetattr(&far, OptionalActions::Now, &modes)?;
    let size = rustix::termios::tcgetwinsize(io::stdout()).unwrap_or(Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    });
    rustix::termios::tcsetwinsize(&near, size)?;
    rustix::io::ioctl_fionbio(&near, true)?;
    Ok((near, far))
}

/// Passes on what comes, as it comes, until there is no more; all of it.
async fn relay(near: OwnedFd) -> io::Result<Vec<u8>> {
    rustix::io::ioctl_fionbio(&near, true)?;
    // A terminal is no pipe, but is read and waited for like one.
    let near = pipe::Receiver::from_owned_fd_unchecked(near)?;
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        near.readable().await?;
        let count = match near.try_read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            // This is how the end of a terminal is told.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => 0,
            Err(error) => return Err(error),
        };
        if count == 0 {
            return Ok(all);
        }
        let mut out = io::stdout().lock();
        out.write_all(&buffer[..count])?;
        out.flush()?;
        all.extend_from_slice(&buffer[..count]);
    }
}

/// The line that a user would type.
fn command_line(words: &[&str]) -> anyhow::Result<String> {
    let mut line = b"tow".to_vec();
    for word in words {
        line.push(b' ');
        line.extend_from_slice(&quote(word.as_bytes())?);
    }
    Ok(String::from_utf8(line)?)
}

/// What a step should have shown and did not.
fn faults(step: &Step<'_>, code: i32, shown: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(shown);
    let text = anstream::adapter::strip_str(&text).to_string();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut faults = Vec::new();
    let wanted = i32::from(step.exit.code());
    if code != wanted {
        faults.push(format!(
            "not as it should be: exit code {code}, {wanted} was expected"
        ));
    }
    for words in step.shows.iter().filter(|words| !text.contains(**words)) {
        faults.push(format!(
            "not as it should be: {words:?} was expected in the output"
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_it_should_be_is_found() {
        let step = Step {
            about: "",
            words: &[],
            exit: Exit::Remote,
            shows: &["two words", "gone"],
        };
        assert!(faults(&step, 5, b"\x1b[31mtwo\x1b[0m\r\n  words, gone\r\n").is_empty());
        assert_eq!(faults(&step, 0, b"two words").len(), 2);
        assert_eq!(faults(&step, -1, b"").len(), 3);
    }

    #[test]
    fn a_line_is_shown_as_it_would_be_typed() {
        assert_eq!(
            command_line(&["exec", "-w", "web-*", "--", "cat release"]).unwrap(),
            "tow exec -w 'web-*' -- 'cat release'"
        );
    }

    #[tokio::test]
    async fn a_terminal_passes_output_on_as_it_is_and_has_an_end() {
        let (near, far) = terminal_like_ours().unwrap();
        rustix::io::write(&far, b"a\n\x1b[1mb\n").unwrap();
        drop(far);
        assert_eq!(relay(near).await.unwrap(), b"a\n\x1b[1mb\n");
    }
}
