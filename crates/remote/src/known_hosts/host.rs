//! The name under which a host's keys are looked up.

use std::fmt;

/// The port that is left out of names in `known_hosts`.
const DEFAULT_PORT: u16 = 22;

/// The name under which a host's keys are kept: `host`, `[host]:port`, or a `HostKeyAlias`.
///
/// Lower case always, as OpenSSH looks names up. It holds nothing that would turn a line of
/// `known_hosts` into a pattern, a list or another line, so writing it down is safe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName {
    name: Box<str>,
    bare: Option<Box<str>>,
}

/// Why a text can not stand as a host name in `known_hosts`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("host keys can not be kept under the name {text:?}: {reason}")]
pub struct InvalidHostName {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl HostName {
    /// The name of `host` (name or address, without brackets) on `port`.
    ///
    /// # Errors
    /// When `host` is empty or holds white space, control characters, brackets, or what
    /// `known_hosts` reads as a pattern, a list or a marker.
    pub fn new(host: &str, port: u16) -> Result<Self, InvalidHostName> {
        let host = checked(host, |c| "[]".contains(c))?;
        if port == DEFAULT_PORT {
            return Ok(Self {
                name: host.into(),
                bare: None,
            });
        }
        Ok(Self {
            name: format!("[{host}]:{port}").into(),
            bare: Some(host.into()),
        })
    }

    /// The name given by `HostKeyAlias`: taken as it is, whatever the port.
    ///
    /// # Errors
    /// As [`HostName::new`], but brackets may stand in it.
    pub fn alias(alias: &str) -> Result<Self, InvalidHostName> {
        Ok(Self {
            name: checked(alias, |_| false)?.into(),
            bare: None,
        })
    }

    /// The name under which keys are looked up and pinned.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The name without its port, under which a key is looked up when none is known for the port.
    #[must_use]
    pub fn bare(&self) -> Option<&str> {
        self.bare.as_deref()
    }

    /// The name that a host certificate must be made out to.
    #[must_use]
    pub fn principal(&self) -> &str {
        self.bare.as_deref().unwrap_or(&self.name)
    }

    /// All names that are looked up, the first one first.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.as_str()).chain(self.bare())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

fn checked(text: &str, forbidden: fn(char) -> bool) -> Result<String, InvalidHostName> {
    let reason = match text {
        "" => Some("it is empty"),
        // OpenSSH matches no pattern longer than this, so such a key would never be found again.
        _ if text.len() > 1000 => Some("it is longer than 1000 bytes"),
        _ if text.starts_with(['@', '#', '|']) => Some("it begins like a marker, comment or hash"),
        _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            Some("it holds white space or control characters")
        }
        _ if text.contains(|c: char| ",*?!".contains(c) || forbidden(c)) => {
            Some("it would be read as a pattern or a list")
        }
        _ => None,
    };
    match reason {
        Some(reason) => Err(InvalidHostName {
            text: text.to_owned(),
            reason,
        }),
        None => Ok(text.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_part_of_the_name_unless_it_is_22() {
        let plain = HostName::new("Web-1.Example.ORG", 22).unwrap();
        assert_eq!((plain.as_str(), plain.bare()), ("web-1.example.org", None));
        let other = HostName::new("::1", 2222).unwrap();
        assert_eq!((other.as_str(), other.bare()), ("[::1]:2222", Some("::1")));
        assert_eq!(other.principal(), "::1");
    }

    #[test]
    fn an_alias_stands_for_every_port() {
        let alias = HostName::alias("Bastion").unwrap();
        assert_eq!((alias.as_str(), alias.bare()), ("bastion", None));
        assert!(HostName::alias("[x]:22").is_ok());
    }

    #[test]
    fn what_would_change_the_meaning_of_a_line_is_refused() {
        for text in [
            "", "*", "web-?", "!a", "a,b", "a b", "a\nb", "a\tb", "#a", "@revoked", "|1|a|b",
            "[a]:1", "a\u{7f}",
        ] {
            assert!(HostName::new(text, 22).is_err(), "{text:?} was taken");
        }
    }
}
