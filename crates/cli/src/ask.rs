//! Asking at the terminal for what is not to be seen there.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use towline_core::secret::Secret;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CTRL_U: u8 = 0x15;
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

/// Asks for something that is not shown while it is typed.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] at Ctrl-C, with the terminal as it was; otherwise when there is
/// no terminal, or nothing was typed.
pub(crate) fn hidden(question: &str) -> io::Result<Secret> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let mut terminal = &terminal;
    // Hidden before the question is seen: an answer may come at once.
    let hiding = Hiding::begin(terminal)?;
    terminal.write_all(question.as_bytes())?;
    let answer = read_line(&mut terminal);
    drop(hiding);
    terminal.write_all(b"\n")?;
    answer.map(Secret::new)
}

/// Nothing that is typed is shown, and no key is a signal, until this is dropped.
struct Hiding<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hiding<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Now, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hiding<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        let _gone = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// One line, edited with the keys that a terminal knows, and not a byte beyond it.
fn read_line(from: &mut impl Read) -> io::Result<Vec<u8>> {
    // Room enough, so that no copy is left behind where it grew out of its place.
    let mut line = Vec::with_capacity(4096);
    loop {
        match next(from)? {
            None | Some(CTRL_D) if line.is_empty() => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            None | Some(b'\n' | b'\r' | CTRL_D) => return Ok(line),
            Some(CTRL_C) => {
                line.fill(0);
                return Err(io::ErrorKind::Interrupted.into());
            }
            Some(CTRL_U) => line.clear(),
            Some(BACKSPACE | DELETE) => while line.pop().is_some_and(is_continuation) {},
            Some(ESCAPE) => skip_sequence(from)?,
            Some(byte) if byte < b' ' => {}
            Some(byte) => line.push(byte),
        }
    }
}

fn next(from: &mut impl Read) -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match from.read(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return Ok((read? == 1).then_some(byte[0])),
        }
    }
}

/// Whether a byte is not the first of its UTF-8 character.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// An arrow key and its kind mean nothing here.
fn skip_sequence(from: &mut impl Read) -> io::Result<()> {
    if !matches!(next(from)?, Some(b'[' | b'O')) {
        return Ok(());
    }
    while !matches!(next(from)?, None | Some(0x40..=0x7e)) {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_it_is_typed() {
        for (typed, line) in [
            (&b"sesame\nrest"[..], Ok(&b"sesame"[..])),
            (b"sesame\r", Ok(b"sesame")),
            (b"\n", Ok(b"")),
            (b"wrong\x15ses\x7f\x08\x7f\x7fs\xc3\xa9\x7f!\n", Ok(b"s!")),
            (b"a\x1b[A\x1bOPb\x1b[3~c\t\n", Ok(b"abc")),
            (b"no end", Ok(b"no end")),
            (b"\xff\x80\n", Ok(b"\xff\x80")),
            (b"", Err(io::ErrorKind::UnexpectedEof)),
            (b"\x04", Err(io::ErrorKind::UnexpectedEof)),
            (b"sesame\x03\n", Err(io::ErrorKind::Interrupted)),
        ] {
            let read = read_line(&mut &typed[..]).map_err(|error| error.kind());
            assert_eq!(read, line.map(<[u8]>::to_vec), "{typed:?}");
        }
    }
}
