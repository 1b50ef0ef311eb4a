//! What was found so far for a host: the first value of each setting, and the lists that grow.

use std::borrow::Cow;

use super::error::{ConfigError, Place, Problem};
use super::hops::Hop;
use super::keyword::{NUMBERS, Number, TEXTS, Text};
use super::parse::Owner;
use super::pattern;

/// The most keys, and the most certificates, that ssh takes.
const MAX_KEYS: usize = 100;

/// What was found so far.
#[derive(Debug)]
pub(super) struct Partial<'a> {
    texts: [Option<Cow<'a, str>>; TEXTS],
    numbers: [Option<i64>; NUMBERS],
    /// Empty is `none`.
    pub(super) jump: Option<Cow<'a, [Hop]>>,
    pub(super) identity_files: Vec<(Cow<'a, str>, Owner)>,
    pub(super) certificate_files: Vec<(Cow<'a, str>, Owner)>,
    pub(super) user_known_hosts: Option<Cow<'a, [String]>>,
    pub(super) global_known_hosts: Option<Cow<'a, [String]>>,
    pub(super) send_env: Vec<Cow<'a, str>>,
    pub(super) set_env: Vec<Cow<'a, str>>,
}

impl<'a> Partial<'a> {
    pub(super) fn new() -> Self {
        Self {
            texts: [const { None }; TEXTS],
            numbers: [None; NUMBERS],
            jump: None,
            identity_files: Vec::new(),
            certificate_files: Vec::new(),
            user_known_hosts: None,
            global_known_hosts: None,
            send_env: Vec::new(),
            set_env: Vec::new(),
        }
    }

    pub(super) fn text(&self, key: Text) -> Option<&str> {
        self.texts[key as usize].as_deref()
    }

    pub(super) fn number(&self, key: Number) -> Option<i64> {
        self.numbers[key as usize]
    }

    pub(super) fn put_text(&mut self, key: Text, value: impl Into<Cow<'a, str>>) {
        self.texts[key as usize].get_or_insert_with(|| value.into());
    }

    pub(super) fn put_number(&mut self, key: Number, value: i64) {
        self.numbers[key as usize].get_or_insert(value);
    }

    /// The name that the second pass goes by, whatever the first found.
    pub(super) fn replace_hostname(&mut self, name: String) {
        self.texts[Text::Hostname as usize] = Some(Cow::Owned(name));
    }

    /// A second value that comes with the first.
    pub(super) fn put_pair(&mut self, first: (Number, i64), second: (Number, i64)) {
        if self.number(first.0).is_none() {
            self.put_number(first.0, first.1);
            self.put_number(second.0, second.1);
        }
    }

    /// Adds names; one with a minus sign takes back those that fit it.
    pub(super) fn add_send_env(&mut self, names: &'a [String]) {
        for name in names {
            match name.strip_prefix('-') {
                Some(glob) => self.send_env.retain(|name| !pattern::matches(name, glob)),
                None => self.send_env.push(Cow::Borrowed(name)),
            }
        }
    }

    /// Keeps the first value of each name, all from one line.
    pub(super) fn put_set_env(&mut self, pairs: &'a [String]) {
        if !self.set_env.is_empty() {
            return;
        }
        let name = |pair: &'a str| pair.split_once('=').map_or(pair, |(name, _)| name);
        let mut known: Vec<&str> = Vec::new();
        for pair in pairs {
            if !known.contains(&name(pair)) {
                known.push(name(pair));
                self.set_env.push(Cow::Borrowed(pair));
            }
        }
    }

    /// Whether the connection is made without a proxy, as far as is known before the defaults are filled in: there
    /// even `ProxyJump none` counts as a proxy.
    pub(super) fn is_direct(&self) -> bool {
        let command = self.text(Text::ProxyCommand);
        self.jump.is_none() && command.is_none_or(|command| command.eq_ignore_ascii_case("none"))
    }
}

/// An empty list is never written, so that one set is one that counts.
pub(super) fn put_files<'a>(slot: &mut Option<Cow<'a, [String]>>, files: &'a [String]) {
    if slot.is_none() && !files.is_empty() {
        *slot = Some(Cow::Borrowed(files));
    }
}

pub(super) fn add_key<'a>(
    keys: &mut Vec<(Cow<'a, str>, Owner)>,
    path: &'a str,
    owner: Owner,
    place: &Place,
) -> Result<(), ConfigError> {
    if keys.len() >= MAX_KEYS {
        let problem = Problem::BadValue {
            value: path.to_owned(),
            expected: "one of at most 100 keys",
        };
        return Err(ConfigError::Line {
            place: place.clone(),
            problem,
        });
    }
    if !keys.iter().any(|(known, by)| *by == owner && known == path) {
        keys.push((Cow::Borrowed(path), owner));
    }
    Ok(())
}
