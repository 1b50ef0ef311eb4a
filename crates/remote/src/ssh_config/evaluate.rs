//! Going through the blocks for one host: the first value found counts.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::address::{self, Numeric};
use super::directive::Action;
use super::env::LocalEnv;
use super::error::{ConfigError, Place, Problem};
use super::keyword::{Number, Text};
use super::matching::{Subject, Verdict};
use super::parse::{Block, Blocks, Condition, Entry, Owner, What};
use super::partial::{Partial, add_key, put_files};
use super::pattern::PatternList;
use super::tokens;
use super::{OracleReason, Query, Unsupported};

/// What came of all passes.
pub(super) struct Outcome<'a> {
    pub(super) partial: Partial<'a>,
    pub(super) hostname: String,
    pub(super) unsupported: Vec<Unsupported>,
    pub(super) needs_oracle: Option<OracleReason>,
}

/// Goes through all sources for one host, twice where `Match final` asks for it.
pub(super) fn run<'a>(
    files: &'a [(Owner, Blocks)],
    env: &'a LocalEnv,
    query: &Query<'a>,
) -> Result<Outcome<'a>, ConfigError> {
    let mut walk = Walk {
        env,
        typed_host: query.host,
        host: Cow::Borrowed(query.host),
        final_pass: false,
        wants_final: false,
        partial: Partial::new(),
        canonicalize: None,
        unsupported: Vec::new(),
        named: BTreeSet::new(),
        needs_oracle: None,
    };
    if let Some(user) = query.user {
        walk.partial.put_text(Text::User, user);
    }
    if let Some(port) = query.port {
        walk.partial.put_number(Number::Port, i64::from(port));
    }
    for option in query.options {
        walk.entry(&option.0, Owner::User, true)?;
    }
    walk.files(files)?;
    let hostname = walk.settle_hostname()?;
    if walk.wants_final {
        walk.final_pass = true;
        walk.partial.replace_hostname(hostname.clone());
        walk.host = Cow::Owned(hostname.clone());
        walk.files(files)?;
    }
    let Walk {
        partial,
        unsupported,
        needs_oracle,
        ..
    } = walk;
    Ok(Outcome {
        partial,
        hostname,
        unsupported,
        needs_oracle,
    })
}

struct Walk<'a> {
    env: &'a LocalEnv,
    typed_host: &'a str,
    /// What `Host` is held against: as typed, or in the second pass what it turned out to be.
    host: Cow<'a, str>,
    final_pass: bool,
    wants_final: bool,
    partial: Partial<'a>,
    /// Where looking up the host's name was asked for.
    canonicalize: Option<Place>,
    unsupported: Vec<Unsupported>,
    named: BTreeSet<&'static str>,
    needs_oracle: Option<OracleReason>,
}

impl<'a> Walk<'a> {
    fn files(&mut self, files: &'a [(Owner, Blocks)]) -> Result<(), ConfigError> {
        files
            .iter()
            .try_for_each(|(owner, blocks)| self.blocks(blocks, *owner, true))
    }

    /// `active` is whether the file as a whole counts. Even one that does not is gone through: it may ask for the
    /// second pass or have words that nobody knows.
    fn blocks(&mut self, file: &'a Blocks, owner: Owner, active: bool) -> Result<(), ConfigError> {
        for block in &file.0 {
            let holds = match &block.condition {
                Condition::Inherited => active,
                Condition::Host(patterns) => active && patterns.matches(&self.host),
                Condition::Match(criteria) => {
                    self.wants_final |= criteria.asks_for_final;
                    active && self.decide(block)?
                }
            };
            if holds || block.has_unconditional {
                for entry in &block.entries {
                    self.entry(entry, owner, holds)?;
                }
            }
        }
        Ok(())
    }

    fn decide(&mut self, block: &Block) -> Result<bool, ConfigError> {
        let Condition::Match(criteria) = &block.condition else {
            return Ok(true);
        };
        let partial = &self.partial;
        let host = match partial.text(Text::Hostname) {
            Some(name) if self.final_pass => Cow::Borrowed(name),
            Some(template) => Cow::Owned(self.expand_hostname(template)?),
            None => Cow::Borrowed(&*self.host),
        };
        let verdict = criteria.decide(&Subject {
            host: &host.to_ascii_lowercase(),
            typed_host: self.typed_host,
            user: partial.text(Text::User).unwrap_or(&self.env.local_user),
            local_user: &self.env.local_user,
            tag: partial.text(Text::Tag).unwrap_or_default(),
            final_pass: self.final_pass,
        });
        Ok(match verdict {
            Verdict::Yes => true,
            Verdict::No => false,
            Verdict::AskSystem(what) => {
                self.ask(what, Some(block.place.clone()));
                false
            }
        })
    }

    fn ask(&mut self, what: &'static str, place: Option<Place>) {
        self.needs_oracle
            .get_or_insert(OracleReason { what, place });
    }

    fn expand_hostname(&self, template: &str) -> Result<String, ConfigError> {
        tokens::expand_hostname(template, self.typed_host).map_err(|source| ConfigError::Expand {
            keyword: "HostName",
            template: template.to_owned(),
            source,
        })
    }

    /// The name to connect to, and whether looking it up or a second pass is called for.
    fn settle_hostname(&mut self) -> Result<String, ConfigError> {
        let mut name = match self.partial.text(Text::Hostname) {
            Some(template) => self.expand_hostname(template)?,
            None => self.typed_host.to_owned(),
        };
        let canonicalize = self
            .partial
            .number(Number::CanonicalizeHostname)
            .unwrap_or(0);
        let family = self.partial.number(Number::AddressFamily).unwrap_or(0);
        self.wants_final |= canonicalize != 0;
        match address::read(&name, family) {
            Numeric::Yes(usual) => name = usual.unwrap_or(name),
            Numeric::Zoned => self.ask("an address with a zone", None),
            Numeric::No => {
                name.make_ascii_lowercase();
                let permitted = self.partial.number(Number::PermittedCnames) == Some(1);
                if (canonicalize != 0 || permitted)
                    && (self.partial.is_direct() || canonicalize == 2)
                {
                    let place = self.canonicalize.clone();
                    self.ask("CanonicalizeHostname", place);
                }
            }
        }
        Ok(name)
    }

    fn entry(&mut self, entry: &'a Entry, owner: Owner, holds: bool) -> Result<(), ConfigError> {
        match &entry.what {
            What::Include(files) => files
                .iter()
                .try_for_each(|file| self.blocks(file, owner, holds)),
            What::Set(Action::Unknown(keyword)) => {
                let ignored = self.partial.text(Text::IgnoreUnknown).unwrap_or_default();
                if PatternList::parse_lowercase(ignored).matches(keyword) {
                    return Ok(());
                }
                let problem = Problem::UnknownKeyword(keyword.clone());
                Err(ConfigError::Line {
                    place: entry.place.clone(),
                    problem,
                })
            }
            What::Set(action) if holds => self.set(action, &entry.place, owner),
            What::Set(_) => Ok(()),
        }
    }

    fn set(&mut self, action: &'a Action, place: &Place, owner: Owner) -> Result<(), ConfigError> {
        let partial = &mut self.partial;
        match action {
            Action::Text(key, value) => partial.put_text(*key, value.as_str()),
            Action::Number(key, value) => {
                if matches!(key, Number::CanonicalizeHostname | Number::PermittedCnames)
                    && *value != 0
                {
                    self.canonicalize.get_or_insert_with(|| place.clone());
                }
                partial.put_number(*key, *value);
            }
            Action::Pair(first, second) => partial.put_pair(*first, *second),
            Action::Both(first, second) => {
                partial.put_number(first.0, first.1);
                partial.put_number(second.0, second.1);
            }
            Action::ForwardAgent(path) => {
                partial.put_number(Number::ForwardAgent, 1);
                partial.put_text(Text::ForwardAgentPath, path.as_str());
            }
            Action::ProxyCommand(command) => {
                if partial.jump.as_ref().is_none_or(|hops| hops.is_empty()) {
                    partial.put_text(Text::ProxyCommand, command.as_str());
                }
            }
            Action::ProxyJump(hops) => {
                if partial.jump.is_none() && partial.text(Text::ProxyCommand).is_none() {
                    if !hops.is_empty() {
                        partial.put_text(Text::ProxyCommand, "none");
                    }
                    partial.jump = Some(Cow::Borrowed(hops));
                }
            }
            Action::IdentityFile(path) => add_key(&mut partial.identity_files, path, owner, place)?,
            Action::CertificateFile(path) => {
                add_key(&mut partial.certificate_files, path, owner, place)?;
            }
            Action::UserKnownHosts(files) => put_files(&mut partial.user_known_hosts, files),
            Action::GlobalKnownHosts(files) => put_files(&mut partial.global_known_hosts, files),
            Action::SendEnv(names) => partial.add_send_env(names),
            Action::SetEnv(pairs) => partial.put_set_env(pairs),
            Action::Unsupported(keyword) => {
                if self.named.insert(keyword) {
                    self.unsupported.push(Unsupported {
                        keyword,
                        place: place.clone(),
                    });
                }
            }
            // Conditions stand in the blocks; the rest was dealt with before.
            Action::Host(_)
            | Action::Match(_)
            | Action::Include(_)
            | Action::Unknown(_)
            | Action::Nothing => {}
        }
        Ok(())
    }
}
