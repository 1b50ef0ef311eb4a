//! How results look. Values in, text out: nothing here reads the terminal or the environment, and
//! all is written to a [`std::io::Write`] that the caller chose.

pub(crate) mod clean;
pub(crate) mod diff;
pub(crate) mod fold;
pub(crate) mod gather;
pub(crate) mod human;
pub(crate) mod prefix;
pub(crate) mod progress;
pub(crate) mod reason;
pub(crate) mod spool;
pub(crate) mod summary;
pub(crate) mod table;

use std::fmt;

use anstyle::AnsiColor;

/// What the place that is written to can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether colour is wanted.
    pub(crate) color: bool,
    /// Whether it is a terminal: what a node wrote is then kept from controlling it.
    pub(crate) terminal: bool,
    /// Its columns, where it has any.
    pub(crate) width: Option<u16>,
    /// Whether it shows more than ASCII.
    pub(crate) unicode: bool,
}

/// What a piece of text means; how that looks is decided here alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
    /// As it should be.
    Good,
    /// To be looked at some time.
    Warning,
    /// Not as it should be.
    Bad,
    /// One of several alike: a node's own colour.
    Node(AnsiColor),
    /// A line that came, in a diff.
    Added,
    /// A line that went, in a diff.
    Removed,
}

impl Tone {
    fn style(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        let colour = |colour: AnsiColor| plain.fg_color(Some(colour.into()));
        match self {
            Self::Plain => plain,
            Self::Strong => plain.bold(),
            Self::Faint => plain.dimmed(),
            Self::Good | Self::Added => colour(AnsiColor::Green),
            Self::Warning => colour(AnsiColor::Yellow),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Removed => colour(AnsiColor::Red),
            Self::Node(color) => colour(color),
        }
    }
}

impl Style {
    /// `text` in a tone, where colour is wanted.
    pub(crate) fn paint<T: fmt::Display>(&self, tone: Tone, text: T) -> Painted<T> {
        let style = if self.color {
            tone.style()
        } else {
            anstyle::Style::new()
        };
        Painted { style, text }
    }
}

/// Text with its colour; it is written with it and put back to normal after it.
pub(crate) struct Painted<T> {
    style: anstyle::Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style.render())?;
        self.text.fmt(f)?;
        write!(f, "{}", self.style.render_reset())
    }
}

/// Styles that tests look at.
#[cfg(test)]
mod styles {
    use super::Style;

    pub(crate) const PLAIN: Style = Style {
        color: false,
        terminal: false,
        width: None,
        unicode: false,
    };
    pub(crate) const TERMINAL: Style = Style {
        color: true,
        terminal: true,
        width: Some(80),
        unicode: true,
    };

    /// What was written, with escapes made visible.
    pub(crate) fn shown(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).replace('\x1b', "␛")
    }
}
