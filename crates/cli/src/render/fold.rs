//! `-b`: what nodes wrote, each different text once, under the names of all that wrote it.

use std::io::{self, Write};

use super::{
    Style, Tone,
    clean::Cleaner,
    gather::{Gathered, Group},
    spool::{Spool, Text},
};

const RULE: &str = "---------------";

/// Writes one block for each group.
///
/// # Errors
/// When the text can not be read back, or not be written.
pub(crate) fn fold(gathered: &Gathered, style: Style, to: &mut impl Write) -> io::Result<()> {
    for group in &gathered.groups {
        block(&gathered.spool, group, style, to)?;
    }
    Ok(())
}

/// Writes the block of one group: its header, what it wrote, and what became of it.
pub(crate) fn block(
    spool: &Spool,
    group: &Group,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    header(group, "", style, to)?;
    if group.ran() && group.stdout.is_empty() && group.stderr.is_empty() {
        return writeln!(to, "{}", style.paint(Tone::Faint, "(no output)"));
    }
    text(spool, &group.stdout, "", style, to)?;
    text(spool, &group.stderr, "stderr: ", style, to)?;
    end(group, style, to)
}

/// The lines between two rules: who, how they ended unless well, and `note`.
pub(crate) fn header(
    group: &Group,
    note: &str,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    let rule = style.paint(Tone::Faint, RULE);
    let name = style.paint(Tone::Strong, group.name());
    writeln!(to, "{rule}")?;
    write!(to, "{name}")?;
    if group.cause.status != towline_core::event::Status::Ok {
        write!(to, " {}", style.paint(Tone::Bad, group.cause.title()))?;
    }
    if !note.is_empty() {
        write!(to, " {note}")?;
    }
    writeln!(to)?;
    writeln!(to, "{}", style.paint(Tone::Faint, RULE))
}

/// What is known about why a group did not end well.
pub(crate) fn end(group: &Group, style: Style, to: &mut impl Write) -> io::Result<()> {
    let (message, hint) = group.message_and_hint();
    if let Some(message) = message {
        writeln!(to, "{} {message}", style.paint(Tone::Bad, "tow:"))?;
    }
    if let Some(hint) = hint {
        writeln!(to, "{} {hint}", style.paint(Tone::Warning, "hint:"))?;
    }
    Ok(())
}

/// A text line by line, each with `mark` before it, in memory that does not grow with it.
pub(crate) fn text(
    spool: &Spool,
    text: &Text,
    mark: &str,
    style: Style,
    to: &mut impl Write,
) -> io::Result<()> {
    let mark = match mark {
        "" => String::new(),
        mark => style.paint(Tone::Bad, mark).to_string(),
    };
    if !style.terminal {
        return exactly(spool, text, &mark, to);
    }
    let mut cleaner = Cleaner::default();
    let mut begun: Vec<u8> = Vec::new();
    let mut line = |line: &[u8]| writeln!(to, "{mark}{}", cleaner.line(line, style.color));
    spool.read(text, |mut piece| {
        while let Some(at) = piece.iter().position(|&byte| byte == b'\n') {
            begun.extend_from_slice(&piece[..at]);
            line(&begun)?;
            begun.clear();
            piece = &piece[at + 1..];
        }
        begun.extend_from_slice(piece);
        // No line of a person is this long: it may as well be broken.
        if begun.len() > 1024 * 1024 {
            line(&begun)?;
            begun.clear();
        }
        Ok(())
    })?;
    if begun.is_empty() {
        return Ok(());
    }
    line(&begun)
}

/// Every byte as it came, with `mark` before each line and a line break after the last.
fn exactly(spool: &Spool, text: &Text, mark: &str, to: &mut impl Write) -> io::Result<()> {
    let mut at_start = true;
    spool.read(text, |piece| {
        if mark.is_empty() {
            at_start = piece.last() == Some(&b'\n');
            return to.write_all(piece);
        }
        for line in piece.split_inclusive(|&byte| byte == b'\n') {
            if at_start {
                to.write_all(mark.as_bytes())?;
            }
            to.write_all(line)?;
            at_start = line.last() == Some(&b'\n');
        }
        Ok(())
    })?;
    if at_start {
        Ok(())
    } else {
        to.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            gather::runs::{gathered, mixed, result},
            styles::{PLAIN, TERMINAL, shown},
        },
        *,
    };

    #[test]
    fn a_run_of_all_kinds() {
        let gathered = gathered(mixed());
        insta::assert_snapshot!(shown(|to| fold(&gathered, PLAIN, to).unwrap()));
    }

    #[test]
    fn a_run_of_all_kinds_on_a_terminal() {
        let gathered = gathered(mixed());
        insta::assert_snapshot!(shown(|to| fold(&gathered, TERMINAL, to).unwrap()));
    }

    #[test]
    fn nodes_without_output_are_named_as_well() {
        let ok = towline_core::event::Status::Ok;
        let gathered = gathered(vec![(result("a1", ok), "", ""), (result("a2", ok), "", "")]);
        insta::assert_snapshot!(shown(|to| fold(&gathered, PLAIN, to).unwrap()));
    }

    #[test]
    fn a_file_gets_the_bytes_and_a_terminal_what_is_harmless_of_them() {
        let ok = towline_core::event::Status::Ok;
        let gathered = gathered(vec![(result("a1", ok), "x\x1b[2Jy\n", "e\x1b]0;t\x07f")]);
        let file = shown(|to| fold(&gathered, PLAIN, to).unwrap());
        assert!(file.ends_with("x␛[2Jy\nstderr: e␛]0;t\x07f\n"), "{file}");
        let terminal = Style {
            terminal: true,
            ..PLAIN
        };
        let terminal = shown(|to| fold(&gathered, terminal, to).unwrap());
        assert!(terminal.ends_with("xy\nstderr: ef\n"), "{terminal}");
    }

    #[test]
    fn long_lines_that_cross_pieces_stay_whole() {
        let ok = towline_core::event::Status::Ok;
        let long = format!("{}\n{}", "x".repeat(70_000), "y".repeat(70_000));
        let gathered = gathered(vec![(result("a1", ok), "", &long)]);
        let expected = format!(
            "stderr: {}\nstderr: {}\n",
            "x".repeat(70_000),
            "y".repeat(70_000)
        );
        for terminal in [false, true] {
            let style = Style { terminal, ..PLAIN };
            let shown = shown(|to| fold(&gathered, style, to).unwrap());
            assert!(shown.ends_with(&expected), "terminal: {terminal}");
        }
    }
}
