//! What a node wrote, made harmless for a terminal.
//!
//! A terminal obeys what it is sent: text can move the cursor and overwrite what stands there,
//! change the title, fill the clipboard, or make the terminal type. Kept are printable text, tabs,
//! line breaks, and colours (`ESC [ … m`) where colour is wanted; all other escape sequences and
//! control characters are left out, and so are the marks that make text run backwards. Of a line
//! that was overwritten with carriage returns, its last state is kept, as a terminal would show
//! it. Bytes that are not UTF-8 become `�`.
//!
//! This is for terminals only: a file or a pipe gets every byte as it came.

/// Cleans one stream of one node, line by line. A sequence may begin in one piece and end in the
/// next.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    state: State,
    /// What has come of a sequence that may turn out to be a colour.
    pending: Vec<u8>,
    coloured: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and intermediate bytes: one more ends it.
    EscapeIntermediate,
    /// After ESC [.
    Csi,
    /// In a string for the terminal (OSC, DCS, SOS, PM, APC), which BEL or ESC \ ends.
    String,
    /// In such a string, after ESC.
    StringEscape,
}

/// Longer than any colour: what is longer is none.
const LONGEST_COLOUR: usize = 64;

impl Cleaner {
    /// A line, or a piece of one, without its line break. Colours are switched off at its end.
    pub(crate) fn line(&mut self, line: &[u8], color: bool) -> String {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\r');
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            self.character(c, color, &mut out);
        }
        if self.coloured {
            out.push_str("\x1b[0m");
            self.coloured = false;
        }
        out
    }

    fn character(&mut self, c: char, color: bool, out: &mut String) {
        match self.state {
            State::Text => match c {
                '\x1b' => self.state = State::Escape,
                // The eight-bit forms of ESC [ and of ESC ] and its like.
                '\u{9b}' => self.begin_csi(),
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => self.state = State::String,
                '\r' => out.clear(),
                '\t' => out.push(c),
                c if c.is_control() || turns_text_around(c) => {}
                c => out.push(c),
            },
            State::Escape => match c {
                '[' => self.begin_csi(),
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::String,
                '\x1b' => {}
                ' '..='/' => self.state = State::EscapeIntermediate,
                _ => self.state = State::Text,
            },
            State::EscapeIntermediate => match c {
                '\x1b' => self.state = State::Escape,
                ' '..='/' => {}
                _ => self.state = State::Text,
            },
            State::Csi => self.csi(c, color, out),
            State::String => match c {
                '\x07' | '\u{9c}' => self.state = State::Text,
                '\x1b' => self.state = State::StringEscape,
                _ => {}
            },
            State::StringEscape => {
                self.state = match c {
                    '\\' => State::Text,
                    '\x1b' => State::StringEscape,
                    // Anything else ends the string too, and is a sequence of its own.
                    _ => State::Escape,
                };
                if self.state == State::Escape {
                    self.character(c, color, out);
                }
            }
        }
    }

    fn begin_csi(&mut self) {
        self.state = State::Csi;
        self.pending.clear();
    }

    fn csi(&mut self, c: char, color: bool, out: &mut String) {
        match c {
            '0'..='9' | ';' | ':' if self.pending.len() < LONGEST_COLOUR => {
                self.pending.push(c as u8);
            }
            'm' if color && self.pending.len() < LONGEST_COLOUR => {
                out.push_str("\x1b[");
                out.extend(self.pending.iter().map(|&byte| char::from(byte)));
                out.push('m');
                self.coloured = true;
                self.state = State::Text;
            }
            '\x1b' => self.state = State::Escape,
            // Parameters and intermediates that no colour has: the end of it will not be one.
            ' '..='?' => self.pending.resize(LONGEST_COLOUR, b' '),
            _ => self.state = State::Text,
        }
    }
}

/// Marks by which a text can be made to look like another one.
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Text that came from a node, for one line of ours: a name, a message, a cell of a table. What is
/// no printable text becomes `?`.
pub(crate) fn single_line(text: &str) -> String {
    let keep = |c: char| {
        if c == '\t' || c == '\n' {
            ' '
        } else if c.is_control() || turns_text_around(c) {
            '?'
        } else {
            c
        }
    };
    text.trim_end().chars().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        Cleaner::default().line(text.as_bytes(), true)
    }

    #[test]
    fn text_and_colours_stay_and_colours_end_with_the_line() {
        assert_eq!(clean("a\tb ü 日本"), "a\tb ü 日本");
        assert_eq!(
            clean("\x1b[1;31mred\x1b[0m x"),
            "\x1b[1;31mred\x1b[0m x\x1b[0m"
        );
        assert_eq!(clean("\x1b[38:2::1:2:3mx"), "\x1b[38:2::1:2:3mx\x1b[0m");
        let without = Cleaner::default().line(b"\x1b[31mred\x1b[0m", false);
        assert_eq!(without, "red");
    }

    #[test]
    fn what_would_control_the_terminal_goes() {
        for (hostile, harmless) in [
            ("a\x1b[2Jb", "ab"),
            ("a\x1b[10;10Hb", "ab"),
            ("a\x1b[?1049hb", "ab"),
            ("a\x1b]0;title\x07b", "ab"),
            ("a\x1b]52;c;aGk=\x1b\\b", "ab"),
            ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
            ("a\x1bP1$r0m\x1b\\b", "ab"),
            ("a\x1b_Gi=1\x1b\\b", "ab"),
            ("a\x1b(0b", "ab"),
            ("a\x1bcb", "ab"),
            ("a\x1b7b\x1b8c", "abc"),
            ("a\u{9b}2Jb", "ab"),
            ("a\u{9d}0;t\u{9c}b", "ab"),
            ("a\x08\x07\x0b\x0c\x0e\x7fb", "ab"),
            ("a\x1b[>4;2mb", "ab"),
            ("a\x1b[6nb", "ab"),
            ("a\x1b]0;no end\x1b[31mb", "a\x1b[31mb\x1b[0m"),
            ("user\u{202e}txt.exe", "usertxt.exe"),
            ("10%\r50%\rdone", "done"),
            ("dos\r", "dos"),
        ] {
            assert_eq!(clean(hostile), harmless, "{hostile:?}");
        }
        let endless = format!("a\x1b[{}mb", "1;".repeat(100));
        assert_eq!(clean(&endless), "ab");
    }

    #[test]
    fn a_sequence_may_come_in_pieces() {
        let mut cleaner = Cleaner::default();
        assert_eq!(cleaner.line(b"a\x1b]0;ti", true), "a");
        assert_eq!(cleaner.line(b"tle\x07b", true), "b");
        assert_eq!(cleaner.line(b"c\x1b[3", true), "c");
        assert_eq!(cleaner.line(b"1md", true), "\x1b[31md\x1b[0m");
    }

    #[test]
    fn what_is_not_utf8_is_shown_as_such() {
        assert_eq!(Cleaner::default().line(b"a\xffb", true), "a\u{fffd}b");
        assert_eq!(single_line("a\nb\x1b[31m\u{202e}\n"), "a b?[31m?");
    }
}
