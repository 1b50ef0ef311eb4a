//! The one quoting function: what comes out is read by a shell as exactly one literal word.
//!
//! The words are for `SHELL -c LINE` as sshd runs it with whatever login shell the account has:
//! dash, bash, busybox sh, zsh, ksh and fish read them alike. csh and tcsh do not (`!` and line
//! breaks are special to them inside single quotes too).

use std::borrow::Cow;

/// An argument holds a NUL byte, which neither a shell line nor an argument vector can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an argument may not hold a NUL byte, this one has one at offset {offset}")]
pub struct NulInArgument {
    /// Where the first NUL stands in the argument, in bytes.
    pub offset: usize,
}

/// `arg` as one word of a shell line.
///
/// What no shell could read otherwise is handed back as it is. That goes for `-x` too: as the first
/// word of a line, a shell started as `sh -c LINE` would take it for a flag of its own, so a
/// program's name must not begin with a dash.
///
/// # Errors
/// [`NulInArgument`] when there is a NUL byte in it.
pub fn quote(arg: &[u8]) -> Result<Cow<'_, [u8]>, NulInArgument> {
    if is_plain(arg) {
        return Ok(Cow::Borrowed(arg));
    }
    let mut word = Vec::with_capacity(arg.len() + 2);
    quote_into(&mut word, arg)?;
    Ok(Cow::Owned(word))
}

/// Appends `arg` to `out` as one word of a shell line.
///
/// # Errors
/// [`NulInArgument`] when there is a NUL byte in it; `out` is then left as it was.
pub fn quote_into(out: &mut Vec<u8>, arg: &[u8]) -> Result<(), NulInArgument> {
    if let Some(offset) = arg.iter().position(|&byte| byte == 0) {
        return Err(NulInArgument { offset });
    }
    if is_plain(arg) {
        out.extend_from_slice(arg);
        return Ok(());
    }
    if arg.is_empty() {
        out.extend_from_slice(b"''");
        return Ok(());
    }
    // A backslash is a plain byte between single quotes to a POSIX shell but an escape to fish.
    // Written outside of them, as `\\`, it means the same to both.
    let mut quoted = false;
    for &byte in arg {
        let escaped = matches!(byte, b'\'' | b'\\');
        if quoted == escaped {
            out.push(b'\'');
            quoted = !quoted;
        }
        if escaped {
            out.push(b'\\');
        }
        out.push(byte);
    }
    if quoted {
        out.push(b'\'');
    }
    Ok(())
}

/// Whether every shell reads `arg` as itself without quotes, wherever in a line it stands.
fn is_plain(arg: &[u8]) -> bool {
    // Not here: `~` (home), `%` (fish: `%self`), `^` (old sh: a pipe), `{}` and globs. `=` makes an
    // assignment of the first word and zsh looks up `=name`; after a dash it can be neither.
    let flag = arg.first() == Some(&b'-');
    let plain = |&byte: &u8| {
        byte.is_ascii_alphanumeric() || b"_./:@+,-".contains(&byte) || (flag && byte == b'=')
    };
    !arg.is_empty() && arg.iter().all(plain) && !RESERVED.contains(&arg)
}

/// Words that a shell takes for its grammar where a command name could stand. Quoted, `time` is
/// the program of that name and not the keyword.
const RESERVED: &[&[u8]] = &[
    b"and",
    b"begin",
    b"case",
    b"coproc",
    b"declare",
    b"do",
    b"done",
    b"elif",
    b"else",
    b"end",
    b"esac",
    b"export",
    b"fi",
    b"float",
    b"for",
    b"foreach",
    b"function",
    b"if",
    b"in",
    b"integer",
    b"local",
    b"nocorrect",
    b"not",
    b"or",
    b"readonly",
    b"repeat",
    b"select",
    b"switch",
    b"then",
    b"time",
    b"typeset",
    b"until",
    b"while",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn golden(arg: &str, word: &str) {
        let quoted = quote(arg.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&quoted), word, "{arg:?}");
    }

    #[test]
    fn leaves_plain_words_alone() {
        for plain in [
            "ls",
            "-la",
            "--",
            "--color=auto",
            "/etc/ssh/sshd_config",
            "root@10.0.0.7:2222",
            "registry.local:5000/app:v1.2.3",
            "a,b+c",
            "timer",
        ] {
            golden(plain, plain);
            assert!(matches!(quote(plain.as_bytes()), Ok(Cow::Borrowed(_))));
        }
    }

    #[test]
    fn quotes_what_a_shell_would_read_otherwise() {
        golden("", "''");
        golden("two words", "'two words'");
        golden("$(id) `id` ${HOME}", "'$(id) `id` ${HOME}'");
        golden("a\nb", "'a\nb'");
        golden("!!", "'!!'");
        golden("~root", "'~root'");
        golden("*", "'*'");
        golden("#x", "'#x'");
        golden("A=b", "'A=b'");
        golden("=ls", "'=ls'");
        golden("%self", "'%self'");
        golden("{a,b}", "'{a,b}'");
        golden("time", "'time'");
        golden("küche", "'küche'");
        assert_eq!(quote(b"\xff\xfe").unwrap().as_ref(), b"'\xff\xfe'");
    }

    #[test]
    fn writes_single_quotes_and_backslashes_outside_of_the_quotes() {
        golden("'", r"\'");
        golden(r"\", r"\\");
        golden("it's", r"'it'\''s'");
        golden(r"a\b", r"'a'\\'b'");
        golden(r"\'", r"\\\'");
        golden(r"C:\it's\", r"'C:'\\'it'\''s'\\");
    }

    #[test]
    fn refuses_nul_and_leaves_the_line_as_it_was() {
        assert_eq!(quote(b"ab\0c"), Err(NulInArgument { offset: 2 }));
        let mut line = b"echo ".to_vec();
        assert!(quote_into(&mut line, b"\0").is_err());
        assert_eq!(line, b"echo ");
    }
}
