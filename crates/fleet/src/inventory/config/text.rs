//! The checked texts of `towline.yaml`.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// A text type that is checked by `check` where it is read.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $wanted:literal, $check:path, $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(reason) => Err(format!("{text:?} is no {}: {reason}", $wanted)),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("text: a ", $wanted))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

checked_text!(
    /// The `id` of a node entry: a name, or a pattern with ranges.
    IdPattern,
    "node id",
    id_pattern,
    {"type": ["string", "number"], "pattern": "^[^-@\\s][^@\\s]*$"}
);
checked_text!(
    /// The `host` of a node entry: a name, an address, or a pattern with ranges.
    HostName,
    "host",
    host,
    {"type": "string", "pattern": "^[^-\\s]\\S*$"}
);
checked_text!(
    /// The account to log in to.
    Login,
    "user",
    login,
    {"type": "string", "pattern": "^[^-\\s]\\S*$"}
);
checked_text!(
    /// `[user@]host[:port]`, comma separated, or `none`.
    Jump,
    "jump",
    jump,
    {"type": "string", "examples": ["bastion.example.org", "root@10.0.0.1:2222,inner", "none"]}
);
checked_text!(
    /// The left side of a label.
    LabelKey,
    "label key",
    label_key,
    {"type": "string", "pattern": "^[A-Za-z0-9_./-]{1,128}$"}
);
checked_text!(
    /// The right side of a label. Numbers and truth values are taken as they are written.
    LabelValue,
    "label value",
    label_value,
    {"type": ["string", "number", "boolean"], "pattern": "^[^\\s,!&^()\\[\\]*?'\"`]{0,255}$"}
);
checked_text!(
    /// What a node is for.
    Role,
    "role",
    name,
    {"type": "string", "pattern": "^\\w[\\w.-]*$"}
);
checked_text!(
    /// The name of a group.
    GroupName,
    "group name",
    group_name,
    {"type": "string", "pattern": "^\\w[\\w.-]*$"}
);
checked_text!(
    /// Where a Docker engine listens.
    DockerUrl,
    "Docker URL",
    docker_url,
    {"type": "string", "pattern": "^(unix|tcp|https?|ssh|npipe)://\\S+$", "examples": ["unix:///var/run/docker.sock", "tcp://10.0.0.5:2376"]}
);

type Check = Result<(), &'static str>;

fn id_pattern(text: &str) -> Check {
    match text {
        "" => Err("it is empty"),
        _ if text.starts_with('-') => Err("it begins with '-'"),
        _ if text.contains(['@', ':']) => Err("'@' and ':' are kept for selections and addresses"),
        _ => Ok(()),
    }
}

/// What no host or account name holds, and what a shell or ssh itself would read otherwise.
fn unsafe_char(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "'`\"$\\;&<>|(){}".contains(c)
}

fn host(text: &str) -> Check {
    match text {
        "" => Err("it is empty"),
        _ if text.starts_with('-') => Err("it begins with '-'"),
        _ if text.contains('@') => Err("the account goes into `user`"),
        _ if text.contains("://") => Err("a name or an address is wanted, not a URL"),
        _ if text.contains(unsafe_char) => Err("white space, quotes and signs of a shell are out"),
        _ if text.matches(':').count() == 1 && !text.contains('[') => {
            Err("the port goes into `port`")
        }
        _ => Ok(()),
    }
}

fn login(text: &str) -> Check {
    match text {
        "" => Err("it is empty"),
        _ if text.starts_with('-') => Err("it begins with '-'"),
        // A backslash parts a Windows domain from the account.
        _ if text.contains(|c| c != '\\' && unsafe_char(c)) || text.ends_with('\\') => {
            Err("white space, quotes and signs of a shell are out")
        }
        _ => Ok(()),
    }
}

fn jump(text: &str) -> Check {
    if text == "none" {
        return Ok(());
    }
    for hop in text.split(',') {
        let (user, place) = hop
            .rsplit_once('@')
            .map_or((None, hop), |(u, p)| (Some(u), p));
        if let Some(user) = user {
            login(user)?;
        }
        let (name, port) = match place
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        {
            Some((name, "")) => (name, None),
            Some((name, rest)) => (name, Some(rest.strip_prefix(':').unwrap_or("?"))),
            None if place.matches(':').count() == 1 => place
                .split_once(':')
                .map_or((place, None), |(n, p)| (n, Some(p))),
            None => (place, None),
        };
        match name {
            "" => return Err("a hop without a host"),
            _ if name.starts_with('-') => return Err("a host begins with '-'"),
            _ if name.contains(unsafe_char) => {
                return Err("white space, quotes and signs of a shell are out");
            }
            _ if port.is_some_and(|p| !matches!(p.parse::<u16>(), Ok(1..))) => {
                return Err("a port is a number from 1 to 65535");
            }
            _ => {}
        }
    }
    Ok(())
}

fn label_key(text: &str) -> Check {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    match text {
        "" => Err("it is empty"),
        _ if text.len() > 128 => Err("it is longer than 128 bytes"),
        _ if text.chars().all(allowed) => Ok(()),
        _ => Err("only letters, digits and _./- may stand in it"),
    }
}

fn label_value(text: &str) -> Check {
    match text {
        _ if text.len() > 255 => Err("it is longer than 255 bytes"),
        _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            Err("no selection could name it with white space in it")
        }
        _ if text.contains(|c| ",!&^()[]*?'\"`".contains(c)) => {
            Err("no selection could name it with one of ,!&^()[]*?'\"` in it")
        }
        _ => Ok(()),
    }
}

fn name(text: &str) -> Check {
    let allowed = |c: char| c.is_alphanumeric() || "_.-".contains(c);
    match text {
        "" => Err("it is empty"),
        _ if text.len() > 128 => Err("it is longer than 128 bytes"),
        _ if text.starts_with(['-', '.']) => Err("it begins with a letter, a digit or '_'"),
        _ if text.chars().all(allowed) => Ok(()),
        _ => Err("only letters, digits and _.- may stand in it"),
    }
}

fn group_name(text: &str) -> Check {
    match text {
        "all" => Err("`all` always stands for every node"),
        _ => name(text),
    }
}

fn docker_url(text: &str) -> Check {
    match text.split_once("://") {
        Some(("unix" | "tcp" | "http" | "https" | "ssh" | "npipe", rest)) if !rest.is_empty() => {
            if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
                Err("there is white space in it")
            } else {
                Ok(())
            }
        }
        _ => Err("it begins with unix://, tcp://, http://, https://, ssh:// or npipe://"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses() {
        for text in [
            "localhost",
            "10.0.1.[1-20]",
            "fe80::1%eth0",
            "[::1]",
            "web-01.example.org",
        ] {
            assert!(text.parse::<HostName>().is_ok(), "{text}");
        }
        for text in [
            "",
            "-oProxyCommand=x",
            "a b",
            "pi@a",
            "a:22",
            "ssh://a",
            "a;b",
            "$(x)",
        ] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }

    #[test]
    fn jumps_are_one_or_more_hops() {
        for text in [
            "none",
            "a",
            "root@a:22,b",
            "[::1]:22",
            "u@[fe80::1]",
            "fe80::1",
        ] {
            assert!(text.parse::<Jump>().is_ok(), "{text}");
        }
        for text in [
            "", "a,", "a:0", "a:x", "-o@a", "u@-a", "a b", "[::1]x", "a:70000",
        ] {
            assert!(text.parse::<Jump>().is_err(), "{text}");
        }
    }

    #[test]
    fn accounts_may_carry_a_domain() {
        assert!("ACME\\jo".parse::<Login>().is_ok());
        assert!("jo@acme.org".parse::<Login>().is_ok());
        for text in ["", "-l", "a b", "a\\", "a;b", "a'"] {
            assert!(text.parse::<Login>().is_err(), "{text}");
        }
    }

    #[test]
    fn docker_urls_have_a_scheme_docker_knows() {
        assert!("unix:///var/run/docker.sock".parse::<DockerUrl>().is_ok());
        for text in ["/var/run/docker.sock", "unix://", "ftp://a", "tcp://a b"] {
            assert!(text.parse::<DockerUrl>().is_err(), "{text}");
        }
    }
}
