//! `[user@]host[:port]`, as ssh users write it.

use std::net::Ipv4Addr;

use crate::{
    id::{InvalidNodeId, NodeId},
    node::Node,
    nodeset::is_ipv6,
};

/// Why a text is no `[user@]host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no [user@]host[:port]: {reason}")]
pub struct InvalidTarget {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The node that a text describes by itself. Its id is the text.
///
/// An IPv6 address stands in brackets if a port follows: `[fe80::1%eth0]:22`.
///
/// # Errors
///
/// What a connection could not be made to, or what would be taken for a flag of ssh.
pub fn parse_target(text: &str) -> Result<Node, InvalidTarget> {
    let refuse = |reason| InvalidTarget {
        text: text.to_owned(),
        reason,
    };
    let id: NodeId = text
        .parse()
        .map_err(|InvalidNodeId { reason, .. }| refuse(reason))?;
    let (user, place) = match text.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, text),
    };
    if user == Some("") {
        return Err(refuse("no user stands before the '@'"));
    }
    let (host, port) = split_port(place).map_err(refuse)?;
    check_host(host).map_err(refuse)?;
    let port = port.map(parse_port).transpose().map_err(refuse)?;
    let mut node = Node::new(id, host);
    node.access.user = user.map(str::to_owned);
    node.access.port = port;
    Ok(node)
}

/// Whether a text can only be meant as a host: it has a dot, a user or a port, or is an address.
pub(crate) fn is_clearly_a_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', '@', ':'])
}

fn split_port(place: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = place.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((host, _)) if !is_ipv6(host) => Err("no IPv6 address stands in the brackets"),
            Some((host, "")) => Ok((host, None)),
            Some((host, rest)) => match rest.strip_prefix(':') {
                Some(port) => Ok((host, Some(port))),
                None => Err("only a port can follow the brackets"),
            },
            None => Err("its bracket is never closed"),
        };
    }
    if is_ipv6(place) {
        return Ok((place, None));
    }
    match place.split_once(':') {
        None => Ok((place, None)),
        Some((_, rest)) if rest.contains(':') => {
            Err("it has several colons and is no IPv6 address")
        }
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if is_ipv6(host) {
        return Ok(());
    }
    let allowed = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if host.is_empty() {
        Err("it names no host")
    } else if host.starts_with('-') {
        Err("its host begins with '-'")
    } else if !host.chars().all(allowed) {
        Err("only letters, digits and -_. may stand in its host")
    } else if !host.contains(char::is_alphanumeric) {
        Err("its host has neither letters nor digits")
    } else if host.contains('.')
        && host.split('.').all(numeric)
        && host.parse::<Ipv4Addr>().is_err()
    {
        Err("it looks like an IPv4 address but is none")
    } else {
        Ok(())
    }
}

fn parse_port(port: &str) -> Result<u16, &'static str> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if port > 0 && digits => Ok(port),
        _ => Err("its port is no number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_target_apart() {
        for (text, user, host, port) in [
            ("web", None, "web", None),
            ("10.0.0.7", None, "10.0.0.7", None),
            ("root@10.0.0.7:2222", Some("root"), "10.0.0.7", Some(2222)),
            ("me@corp@web.lan", Some("me@corp"), "web.lan", None),
            ("[::1]:22", None, "::1", Some(22)),
            ("[::1]", None, "::1", None),
            ("fe80::1%eth0", None, "fe80::1%eth0", None),
            (
                "u@[fe80::1%eth0]:65535",
                Some("u"),
                "fe80::1%eth0",
                Some(65535),
            ),
            ("u@fe80::1", Some("u"), "fe80::1", None),
            ("web.", None, "web.", None),
            ("xn--kche-0ra.example", None, "xn--kche-0ra.example", None),
        ] {
            let node = parse_target(text).unwrap();
            assert_eq!(node.id.as_str(), text);
            assert_eq!(node.host, host, "{text}");
            assert_eq!(node.access.user.as_deref(), user, "{text}");
            assert_eq!(node.access.port, port, "{text}");
        }
    }

    #[test]
    fn refuses_what_can_not_be_connected_to() {
        for text in [
            "",
            "@web",
            "root@",
            "web:",
            "web:0",
            "web:65536",
            "web:+22",
            "web:ssh",
            ":22",
            "a:b:c",
            "fe80::xyz",
            "[web]:22",
            "[::1]22",
            "[::1",
            "root@-oProxyCommand",
            "-l",
            "10.0.0.256",
            "10.0.0.07",
            "10.0.7",
            "a%b",
            "root@..",
            "we b",
            "x[1]",
        ] {
            assert!(parse_target(text).is_err(), "{text:?} was taken");
        }
    }
}
