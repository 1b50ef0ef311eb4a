//! `ProxyJump`: the hosts on the way.

use std::fmt;

use super::env::Databases;
use super::values;

/// One host on the way, with only what was said about it: the rest comes from its own settings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hop {
    /// The user to log in as.
    pub user: Option<String>,
    /// The host as it would be typed, without the brackets of an IPv6 address.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match (self.host.contains(':'), self.port) {
            (true, _) => write!(f, "[{}]", self.host)?,
            (false, _) => f.write_str(&self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Hops separated by commas, in the order in which they are passed through. `none` is no hop. `Err` is the hop that
/// can not be read.
pub(super) fn parse(text: &str, databases: &Databases) -> Result<Vec<Hop>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|hop| parse_one(hop, databases).ok_or_else(|| hop.to_owned()))
        .collect()
}

fn parse_one(text: &str, databases: &Databases) -> Option<Hop> {
    match text.strip_prefix("ssh://") {
        Some(uri) => parse_uri(uri, databases),
        None => parse_plain(text, databases),
    }
}

/// `[user@]host[:port]`
fn parse_plain(text: &str, databases: &Databases) -> Option<Hop> {
    let (user, place) = match text.rsplit_once('@') {
        Some(("", _)) => return None,
        Some((user, place)) => (Some(user.to_owned()), place),
        None => (None, text),
    };
    let (host, port) = split_host(place)?;
    let port = match port {
        Some((':', "")) | None => None,
        Some((':', port)) => Some(read_port(port, databases)?),
        Some(_) => return None,
    };
    Some(Hop {
        user,
        host: host.to_owned(),
        port,
    })
}

/// `[user[;parameters]@]host[:port][/]`, the user percent-encoded.
fn parse_uri(text: &str, databases: &Databases) -> Option<Hop> {
    let (user, place) = match text.split_once('@') {
        Some((info, place)) => {
            let user = info.split(';').next().filter(|user| !user.is_empty())?;
            (Some(decode(user)?), place)
        }
        None => (None, text),
    };
    let (host, rest) = split_host(place)?;
    let host = valid_domain(host)?;
    let (port, path) = match rest {
        None => (None, ""),
        Some(('/', path)) => (None, path),
        Some((_, "")) => (None, ""),
        Some((_, rest)) => {
            let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
            (Some(read_port(port, databases)?), path)
        }
    };
    path.is_empty().then(|| Hop {
        user,
        host: host.to_owned(),
        port,
    })
}

/// The host without its brackets, and what follows it with its separator, `:` or `/`.
fn split_host(text: &str) -> Option<(&str, Option<(char, &str)>)> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find([':', '/']).unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(end);
    let rest = match rest.chars().next() {
        None => None,
        Some(separator @ (':' | '/')) => Some((separator, &rest[1..])),
        Some(_) => return None,
    };
    if host.is_empty() {
        return None;
    }
    Some((
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host),
        rest,
    ))
}

fn read_port(text: &str, databases: &Databases) -> Option<u16> {
    values::port(text, |name| databases.port_of(name))
}

/// A domain name as URIs may have it, without a dot at its end.
fn valid_domain(name: &str) -> Option<&str> {
    let first = name.chars().next()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let valid = first.is_ascii_alphanumeric() && name.chars().all(allowed) && !name.contains("..");
    valid.then(|| name.strip_suffix('.').unwrap_or(name))
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hops(text: &str) -> Result<Vec<String>, String> {
        let databases = Databases::at("/nowhere", "/nowhere");
        parse(text, &databases).map(|hops| hops.iter().map(Hop::to_string).collect())
    }

    #[test]
    fn hops_of_every_kind() {
        let all = hops("a,ssh://u%40x;fingerprint=1@b.:22/,[::1]:33,me@you@10.0.0.1,c:").unwrap();
        assert_eq!(all, ["a", "u@x@b:22", "[::1]:33", "me@you@10.0.0.1", "c"]);
        assert_eq!(hops("None").unwrap(), [""; 0]);
    }

    #[test]
    fn hops_that_are_none() {
        for bad in [
            "a,,b",
            ",b",
            "@b",
            "b:0",
            "b/c",
            "::1",
            "ssh://[::1]:5",
            "ssh://a/b",
            "b:x",
            "[::1]x",
        ] {
            assert!(hops(bad).is_err(), "{bad}");
        }
    }
}
