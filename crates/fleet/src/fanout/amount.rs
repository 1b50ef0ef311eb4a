//! So many nodes, or so many of a hundred.

use std::{fmt, str::FromStr};

/// A number of nodes, or a part of them: `3`, `25%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(usize),
    /// So many of a hundred, from 0 to 100.
    Percent(u8),
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a number of nodes (3) nor a part of them (25%)")]
pub struct InvalidAmount(String);

impl Amount {
    /// How many of `total` nodes this is, a part of a node not counted.
    #[must_use]
    pub fn of(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => total * usize::from(percent) / 100,
        }
    }
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAmount(text.to_owned());
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Count).map_err(|_| invalid()),
            Some(number) => match number.trim_end().parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(invalid()),
            },
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_parts() {
        assert_eq!("3".parse(), Ok(Amount::Count(3)));
        assert_eq!("25%".parse(), Ok(Amount::Percent(25)));
        assert_eq!(Amount::Percent(25).of(10), 2);
        assert_eq!(Amount::Percent(100).of(7), 7);
        for text in ["", "%", "-1", "101%", "3.5", "a"] {
            assert!(text.parse::<Amount>().is_err(), "{text:?} was taken");
        }
    }
}
