//! The name of a Unix account, checked where it enters.

use std::{fmt, str::FromStr};

/// The name of a Unix account on a node: `root`, `www-data`, `_apt`, `#1000` (a numeric id).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(Box<str>);

/// Why a text is no account name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no account name: letters, digits, '_', '.', '-' and a final '$' only, or '#' and a number"
)]
pub struct InvalidAccount(pub String);

impl Account {
    /// The superuser.
    #[must_use]
    pub fn root() -> Self {
        Self("root".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Account {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let by_number = text.strip_prefix('#').is_some_and(|n| {
            !n.is_empty() && n.len() <= 10 && n.bytes().all(|b| b.is_ascii_digit())
        });
        let stem = text.strip_suffix('$').unwrap_or(text);
        let by_name = text.len() <= 64
            && stem
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
            && stem
                .bytes()
                .next()
                .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        if by_name || by_number {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAccount(text.into()))
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_taken() {
        for name in [
            "root",
            "www-data",
            "_apt",
            "first.last",
            "machine$",
            "#1000",
        ] {
            assert_eq!(name.parse::<Account>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_sudo_could_read_as_something_else_is_refused() {
        for name in [
            "", "-u", "a b", "a;b", "#", "#x", "#-1", "$", "a$b", "a\nb", "ä",
        ] {
            assert!(name.parse::<Account>().is_err(), "{name:?} was taken");
        }
    }
}
