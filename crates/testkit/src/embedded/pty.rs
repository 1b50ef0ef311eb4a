//! Pseudo-terminals.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use russh::Pty as Mode;
use rustix::fs::{Mode as FileMode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, Winsize,
};
use tokio::net::unix::pipe;

/// What a client wants its terminal to be.
#[derive(Debug, Clone)]
pub(crate) struct PtyRequest {
    pub(crate) term: String,
    pub(crate) size: Winsize,
    pub(crate) modes: Vec<(Mode, u32)>,
}

/// The near end of a terminal. A process at its far end is hung up on when this goes.
#[derive(Debug)]
pub(crate) struct Pty {
    /// Not a pipe, but read, written and waited for like one.
    reader: pipe::Receiver,
    writer: pipe::Sender,
    name: String,
    term: String,
}

impl Pty {
    /// A terminal as asked for, and its far end.
    pub(crate) fn open(request: &PtyRequest) -> io::Result<(Self, OwnedFd)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let near = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&near)?;
        rustix::pty::unlockpt(&near)?;
        let name = rustix::pty::ptsname(&near, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let far = rustix::fs::open(&name, flags, FileMode::empty())?;
        rustix::termios::tcsetwinsize(&near, request.size)?;
        set_modes(&far, &request.modes)?;
        rustix::io::ioctl_fionbio(&near, true)?;
        let pty = Self {
            reader: pipe::Receiver::from_owned_fd_unchecked(near.try_clone()?)?,
            writer: pipe::Sender::from_owned_fd_unchecked(near)?,
            name: name.to_string_lossy().into_owned(),
            term: request.term.clone(),
        };
        Ok((pty, far))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn term(&self) -> &str {
        &self.term
    }

    /// Tells the processes at the far end of a new size (they get SIGWINCH).
    pub(crate) fn resize(&self, size: Winsize) -> io::Result<()> {
        Ok(rustix::termios::tcsetwinsize(self.writer.as_fd(), size)?)
    }

    /// Reads what was written at the far end; 0 when nobody has that open any more.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.reader.readable().await?;
            match self.reader.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return hung_up_is_end(result),
            }
        }
    }

    /// Reads what is there already; 0 when that was all.
    pub(crate) fn read_rest(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(&self.reader, buffer) {
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(0),
            result => hung_up_is_end(result.map_err(io::Error::from)),
        }
    }

    /// Types all of `data`.
    pub(crate) async fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            self.writer.writable().await?;
            match self.writer.try_write(data) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => data = &data[result?..],
            }
        }
        Ok(())
    }
}

/// Linux says EIO when the last user of the far end is gone.
fn hung_up_is_end(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Ok(0),
        other => other,
    }
}

/// Sets what programs look at; speeds, parity and what Linux does not have are passed over.
fn set_modes(far: &OwnedFd, modes: &[(Mode, u32)]) -> io::Result<()> {
    let mut attributes = rustix::termios::tcgetattr(far)?;
    for (mode, value) in modes {
        set_mode(&mut attributes, *mode, *value);
    }
    rustix::termios::tcsetattr(far, OptionalActions::Now, &attributes)?;
    Ok(())
}

fn set_mode(attributes: &mut Termios, mode: Mode, value: u32) {
    let on = value != 0;
    if let Some(code) = special_code(mode) {
        // 255 stands for 'no such key' (RFC 4254, 8); Linux writes that as 0.
        let key = u8::try_from(value).unwrap_or(255);
        attributes.special_codes[code] = if key == 255 { 0 } else { key };
    } else if let Some(flag) = input_mode(mode) {
        attributes.input_modes.set(flag, on);
    } else if let Some(flag) = local_mode(mode) {
        attributes.local_modes.set(flag, on);
    } else if let Some(flag) = output_mode(mode) {
        attributes.output_modes.set(flag, on);
    }
}

fn special_code(mode: Mode) -> Option<SpecialCodeIndex> {
    Some(match mode {
        Mode::VINTR => SpecialCodeIndex::VINTR,
        Mode::VQUIT => SpecialCodeIndex::VQUIT,
        Mode::VERASE => SpecialCodeIndex::VERASE,
        Mode::VKILL => SpecialCodeIndex::VKILL,
        Mode::VEOF => SpecialCodeIndex::VEOF,
        Mode::VEOL => SpecialCodeIndex::VEOL,
        Mode::VEOL2 => SpecialCodeIndex::VEOL2,
        Mode::VSTART => SpecialCodeIndex::VSTART,
        Mode::VSTOP => SpecialCodeIndex::VSTOP,
        Mode::VSUSP => SpecialCodeIndex::VSUSP,
        Mode::VREPRINT => SpecialCodeIndex::VREPRINT,
        Mode::VWERASE => SpecialCodeIndex::VWERASE,
        Mode::VLNEXT => SpecialCodeIndex::VLNEXT,
        Mode::VDISCARD => SpecialCodeIndex::VDISCARD,
        _ => return None,
    })
}

fn input_mode(mode: Mode) -> Option<InputModes> {
    Some(match mode {
        Mode::IGNPAR => InputModes::IGNPAR,
        Mode::PARMRK => InputModes::PARMRK,
        Mode::INPCK => InputModes::INPCK,
        Mode::ISTRIP => InputModes::ISTRIP,
        Mode::INLCR => InputModes::INLCR,
        Mode::IGNCR => InputModes::IGNCR,
        Mode::ICRNL => InputModes::ICRNL,
        Mode::IXON => InputModes::IXON,
        Mode::IXANY => InputModes::IXANY,
        Mode::IXOFF => InputModes::IXOFF,
        Mode::IMAXBEL => InputModes::IMAXBEL,
        Mode::IUTF8 => InputModes::IUTF8,
        _ => return None,
    })
}

fn local_mode(mode: Mode) -> Option<LocalModes> {
    Some(match mode {
        Mode::ISIG => LocalModes::ISIG,
        Mode::ICANON => LocalModes::ICANON,
        Mode::ECHO => LocalModes::ECHO,
        Mode::ECHOE => LocalModes::ECHOE,
        Mode::ECHOK => LocalModes::ECHOK,
        Mode::ECHONL => LocalModes::ECHONL,
        Mode::NOFLSH => LocalModes::NOFLSH,
        Mode::TOSTOP => LocalModes::TOSTOP,
        Mode::IEXTEN => LocalModes::IEXTEN,
        Mode::ECHOCTL => LocalModes::ECHOCTL,
        Mode::ECHOKE => LocalModes::ECHOKE,
        Mode::PENDIN => LocalModes::PENDIN,
        _ => return None,
    })
}

fn output_mode(mode: Mode) -> Option<OutputModes> {
    Some(match mode {
        Mode::OPOST => OutputModes::OPOST,
        Mode::ONLCR => OutputModes::ONLCR,
        Mode::OCRNL => OutputModes::OCRNL,
        Mode::ONOCR => OutputModes::ONOCR,
        Mode::ONLRET => OutputModes::ONLRET,
        _ => return None,
    })
}
