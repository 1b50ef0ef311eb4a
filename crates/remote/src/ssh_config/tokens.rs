//! Replacing `%h`, `${NAME}` and `~`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha1::{Digest, Sha1};
use thiserror::Error;

use super::env::LocalEnv;

/// Why a value can not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// A token that the setting does not have.
    #[error("%{0} is not a token that is replaced here")]
    UnknownToken(char),
    /// A single `%` at the end.
    #[error("a % at the end stands for nothing (write %%)")]
    LonelyPercent,
    /// `${` without `}`, or with nothing between.
    #[error("${{…}} is not closed or empty")]
    BadVariable,
    /// A variable that is not set.
    #[error("the environment variable {0} is not set")]
    UnsetVariable(String),
    /// `~name` for a user whom the password database does not know.
    #[error("there is no user {0}")]
    UnknownUser(String),
    /// A value that the shell which reads a `ProxyCommand` would take for more than a word.
    #[error("%{0} stands for {1:?}, which a shell would not read as one plain word")]
    Unsafe(char, String),
}

/// Whether a shell reads a text as one word that stands for itself, and no program as a flag.
fn is_plain_word(text: &str) -> bool {
    let special =
        |c: char| c.is_whitespace() || c.is_control() || "'\"`$\\;&<>|(){}*?[]!#".contains(c);
    !text.is_empty() && !text.starts_with(['-', '~']) && !text.contains(special)
}

/// What the tokens stand for when settings of one host are expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// `%h`: the name or address that is connected to.
    pub host: String,
    /// `%n`: the host as typed.
    pub typed_host: String,
    /// `%p`.
    pub port: u16,
    /// `%r`: the remote user.
    pub user: String,
    /// `%k`: the `HostKeyAlias`, or else the host as typed.
    pub key_alias: String,
    /// `%u`: the local user.
    pub local_user: String,
    /// `%i`: the local user's number.
    pub uid: u32,
    /// `%d`: the local home directory.
    pub home: String,
    /// `%l`: the name of this machine; `%L` is its first part.
    pub hostname: String,
}

impl Tokens {
    fn get(&self, token: char) -> Option<Cow<'_, str>> {
        Some(match token {
            'h' => Cow::Borrowed(&*self.host),
            'n' => Cow::Borrowed(&*self.typed_host),
            'p' => Cow::Owned(self.port.to_string()),
            'r' => Cow::Borrowed(&*self.user),
            'k' => Cow::Borrowed(&*self.key_alias),
            'u' => Cow::Borrowed(&*self.local_user),
            'i' => Cow::Owned(self.uid.to_string()),
            'd' => Cow::Borrowed(&*self.home),
            'l' => Cow::Borrowed(&*self.hostname),
            'L' => Cow::Borrowed(self.hostname.split('.').next().unwrap_or_default()),
            'C' => Cow::Owned(self.connection_hash()),
            _ => return None,
        })
    }

    /// `%C`: what tells one connection from another, short enough for the name of a socket.
    pub fn connection_hash(&self) -> String {
        let port = self.port.to_string();
        let mut hash = Sha1::new();
        for part in [&self.hostname, &self.host, &port, &self.user] {
            hash.update(part.as_bytes());
        }
        let mut hex = String::with_capacity(40);
        for byte in hash.finalize() {
            // Writing to a string can not fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Replaces all tokens of a connection and those in `extra` (the host key's, for `KnownHostsCommand`).
    pub fn expand(&self, template: &str, extra: &[(char, &str)]) -> Result<String, ExpandError> {
        expand(template, None, |token| {
            let own = extra
                .iter()
                .find(|(name, _)| *name == token)
                .map(|(_, value)| Cow::Borrowed(*value));
            own.or_else(|| self.get(token))
        })
    }

    /// Replaces the tokens that `ProxyCommand` has: `%h %k %n %p %r`. A shell reads the result, so
    /// that every value has to be a plain word: names may come from anywhere.
    pub fn expand_proxy(&self, template: &str) -> Result<String, ExpandError> {
        for token in ['h', 'k', 'n', 'r'] {
            let is_used = template.contains(&['%', token].iter().collect::<String>());
            match self.get(token).filter(|_| is_used) {
                Some(value) if !is_plain_word(&value) => {
                    return Err(ExpandError::Unsafe(token, value.into_owned()));
                }
                _ => {}
            }
        }
        expand(template, None, |token| {
            matches!(token, 'h' | 'k' | 'n' | 'p' | 'r')
                .then(|| self.get(token))
                .flatten()
        })
    }

    /// Replaces tokens and variables.
    pub(super) fn expand_all(
        &self,
        template: &str,
        vars: &BTreeMap<String, String>,
    ) -> Result<String, ExpandError> {
        expand(template, Some(vars), |token| self.get(token))
    }
}

/// The one token of `HostName`.
pub(super) fn expand_hostname(template: &str, host: &str) -> Result<String, ExpandError> {
    expand(template, None, |token| {
        (token == 'h').then_some(Cow::Borrowed(host))
    })
}

/// Replaces variables only.
pub(super) fn expand_vars(
    template: &str,
    vars: &BTreeMap<String, String>,
) -> Result<String, ExpandError> {
    walk(
        template,
        Some(vars),
        None::<fn(char) -> Option<Cow<'static, str>>>,
    )
}

fn expand<'v>(
    template: &str,
    vars: Option<&BTreeMap<String, String>>,
    token: impl Fn(char) -> Option<Cow<'v, str>>,
) -> Result<String, ExpandError> {
    walk(template, vars, Some(token))
}

fn walk<'v>(
    template: &str,
    vars: Option<&BTreeMap<String, String>>,
    token: Option<impl Fn(char) -> Option<Cow<'v, str>>>,
) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['%', '$']) {
        out.push_str(&rest[..at]);
        let (here, after) = (&rest[at..], &rest[at + 1..]);
        rest = after;
        if here.starts_with('$') {
            match (vars, after.strip_prefix('{')) {
                (Some(vars), Some(named)) => {
                    let end = named.find('}').filter(|&end| end > 0);
                    let end = end.ok_or(ExpandError::BadVariable)?;
                    let name = &named[..end];
                    let value = vars.get(name);
                    out.push_str(value.ok_or_else(|| ExpandError::UnsetVariable(name.to_owned()))?);
                    rest = &named[end + 1..];
                }
                _ => out.push('$'),
            }
            continue;
        }
        let Some(token) = &token else {
            out.push('%');
            continue;
        };
        let name = after.chars().next().ok_or(ExpandError::LonelyPercent)?;
        if name == '%' {
            out.push('%');
        } else {
            out.push_str(&token(name).ok_or(ExpandError::UnknownToken(name))?);
        }
        rest = &after[name.len_utf8()..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Replaces a leading `~` or `~user`.
pub(super) fn expand_tilde<'p>(path: &'p str, env: &LocalEnv) -> Result<Cow<'p, str>, ExpandError> {
    let Some(after) = path.strip_prefix('~') else {
        return Ok(Cow::Borrowed(path));
    };
    let (user, tail) = after.split_once('/').unwrap_or((after, ""));
    let home = if user.is_empty() {
        env.home.clone()
    } else {
        let home = env.databases.home_of(user);
        home.ok_or_else(|| ExpandError::UnknownUser(user.to_owned()))?
    };
    let mut out = home.to_string_lossy().into_owned();
    if !out.ends_with('/') {
        out.push('/');
    }
    out.push_str(tail.trim_start_matches('/'));
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens {
            host: "10.0.0.1".into(),
            typed_host: "web".into(),
            port: 2222,
            user: "ann".into(),
            key_alias: "web".into(),
            local_user: "bob".into(),
            uid: 7,
            home: "/home/bob".into(),
            hostname: "here.example".into(),
        }
    }

    #[test]
    fn tokens_and_variables() {
        let vars = BTreeMap::from([("DIR".to_owned(), "/keys".to_owned())]);
        let expand = |text: &str| tokens().expand_all(text, &vars);
        assert_eq!(expand("${DIR}/%n-%p%%$x").unwrap(), "/keys/web-2222%$x");
        assert_eq!(
            expand("%l %L %u %i %d").unwrap(),
            "here.example here bob 7 /home/bob"
        );
        assert_eq!(expand("%x").unwrap_err(), ExpandError::UnknownToken('x'));
        assert_eq!(expand("a%").unwrap_err(), ExpandError::LonelyPercent);
        assert_eq!(expand("${A").unwrap_err(), ExpandError::BadVariable);
        assert_eq!(expand("${}").unwrap_err(), ExpandError::BadVariable);
        assert_eq!(
            expand("${A}").unwrap_err(),
            ExpandError::UnsetVariable("A".into())
        );
        assert_eq!(
            tokens().expand("${DIR} %K", &[('K', "AAA")]).unwrap(),
            "${DIR} AAA"
        );
        assert_eq!(
            tokens().expand_proxy("nc %h %p").unwrap(),
            "nc 10.0.0.1 2222"
        );
        assert_eq!(
            Tokens {
                user: "a;b".into(),
                ..tokens()
            }
            .expand_proxy("nc -l %r")
            .unwrap_err(),
            ExpandError::Unsafe('r', "a;b".into())
        );
        assert_eq!(
            tokens().expand_proxy("%u").unwrap_err(),
            ExpandError::UnknownToken('u')
        );
    }
}
