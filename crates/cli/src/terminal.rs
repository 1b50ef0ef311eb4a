//! The terminal, if there is one: colour, width, and words to the user.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

use crate::render::Style;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal; NO_COLOR and CLICOLOR_FORCE are heeded
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What is known of the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Whether standard output may be coloured.
    pub(crate) stdout_color: bool,
    /// Whether standard error may be coloured.
    pub(crate) stderr_color: bool,
    /// Whether standard output is a terminal.
    pub(crate) stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub(crate) stderr_is_terminal: bool,
}

impl Terminal {
    /// Looks at the two streams and the environment.
    pub(crate) fn new(choice: ColorChoice) -> Self {
        let (out, err) = (
            std::io::stdout().is_terminal(),
            std::io::stderr().is_terminal(),
        );
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != "0");
        let off = std::env::var_os("CLICOLOR").is_some_and(|value| value == "0")
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let colour = |is_terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if set("NO_COLOR") => false,
            ColorChoice::Auto => forced || (is_terminal && !off),
        };
        Self {
            stdout_color: colour(out),
            stderr_color: colour(err),
            stdout_is_terminal: out,
            stderr_is_terminal: err,
        }
    }

    /// Columns of the terminal that standard output is, if it is one.
    pub(crate) fn width(&self) -> Option<u16> {
        let size = || terminal_size::terminal_size_of(std::io::stdout());
        let size = self.stdout_is_terminal.then(size)?;
        size.map(|(width, _)| width.0)
    }

    /// Columns of the terminal that standard error is, if it is one.
    fn stderr_width(&self) -> Option<u16> {
        let size = || terminal_size::terminal_size_of(std::io::stderr());
        let size = self.stderr_is_terminal.then(size)?;
        size.map(|(width, _)| width.0)
    }

    /// Whether a line on standard error can be taken away again.
    pub(crate) fn can_erase(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        self.stderr_is_terminal && !dumb
    }

    /// Lines of the terminal that standard output is, if it is one.
    pub(crate) fn height(&self) -> Option<u16> {
        if !self.stdout_is_terminal {
            return None;
        }
        terminal_size::terminal_size().map(|(_, height)| height.0)
    }

    /// How standard output and standard error are written to.
    pub(crate) fn styles(&self) -> [Style; 2] {
        let unicode = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .filter_map(std::env::var_os)
            .find(|value| !value.is_empty())
            .is_some_and(|value| value.to_string_lossy().to_lowercase().contains("utf"));
        let style = |color, terminal, width| Style {
            color,
            terminal,
            width,
            unicode,
        };
        [
            style(self.stdout_color, self.stdout_is_terminal, self.width()),
            style(
                self.stderr_color,
                self.stderr_is_terminal,
                self.stderr_width(),
            ),
        ]
    }

    /// Tells the user of an error that ended the command.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let (red, plain) = if self.stderr_color {
            ("\x1b[1;31m", "\x1b[0m")
        } else {
            ("", "")
        };
        // There is nobody left to tell that nobody can be told.
        let _unheard = writeln!(std::io::stderr(), "{red}tow:{plain} {error:#}");
    }

    /// Tells the user something that stops nothing.
    pub(crate) fn warn(&self, message: &str) {
        let (yellow, plain) = if self.stderr_color {
            ("\x1b[33m", "\x1b[0m")
        } else {
            ("", "")
        };
        let _unheard = writeln!(std::io::stderr(), "{yellow}tow: warning:{plain} {message}");
    }
}
