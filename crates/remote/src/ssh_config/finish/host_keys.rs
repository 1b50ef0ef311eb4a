//! Who they are: known hosts and what is done about unknown ones.

use std::path::PathBuf;

use super::super::error::ConfigError;
use super::super::keyword::{Number as N, Text as T};
use super::super::settings::{HostKeys, StrictHostKeys, YesNoAsk};
use super::{Finisher, LOG_INFO};

const USER_HOSTS: [&str; 2] = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"];
const GLOBAL_HOSTS: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

impl Finisher<'_> {
    pub(super) fn host_keys(&self, alias: Option<String>) -> Result<HostKeys, ConfigError> {
        let chosen = self.partial.user_known_hosts.as_deref();
        let dns = self.number(N::VerifyHostKeyDns, 0);
        let usual_files = chosen.is_none_or(|files| files == [USER_HOSTS[0]]);
        let update = match self.number(N::UpdateHostKeys, i64::from(dns == 0 && usual_files)) {
            // There would be no way to ask.
            2 if self.number(N::LogLevel, LOG_INFO) < LOG_INFO => 0,
            2 if self.unless_none(T::RemoteCommand).is_some() => 0,
            2 if self.number(N::RequestTty, 3) == 0 => 0,
            update => update,
        };
        let user_files = match chosen {
            Some([none]) if none.eq_ignore_ascii_case("none") => Vec::new(),
            Some(files) => files.iter().map(String::as_str).collect(),
            None => USER_HOSTS.to_vec(),
        };
        let user_files = user_files.into_iter().map(|file| {
            self.expander
                .path("UserKnownHostsFile", file)
                .map(PathBuf::from)
        });
        let global_files = match self.partial.global_known_hosts.as_deref() {
            Some([none]) if none.eq_ignore_ascii_case("none") => Vec::new(),
            Some(files) => files.iter().map(PathBuf::from).collect(),
            None => GLOBAL_HOSTS.iter().map(PathBuf::from).collect(),
        };
        Ok(HostKeys {
            user_files: user_files.collect::<Result<_, _>>()?,
            global_files,
            alias,
            strict: match self.number(N::StrictHostKeyChecking, 3) {
                0 => StrictHostKeys::Off,
                1 => StrictHostKeys::AcceptNew,
                2 => StrictHostKeys::Yes,
                _ => StrictHostKeys::Ask,
            },
            hash: self.flag(N::HashKnownHosts, false),
            check_ip: self.flag(N::CheckHostIp, false),
            command: self.unless_none(T::KnownHostsCommand).map(str::to_owned),
            verify_dns: yes_no_ask(dns),
            update: yes_no_ask(update),
            revoked: self.unless_none(T::RevokedHostKeys).map(str::to_owned),
            skip_localhost: self.flag(N::NoHostAuthenticationForLocalhost, false),
        })
    }
}

fn yes_no_ask(number: i64) -> YesNoAsk {
    match number {
        0 => YesNoAsk::No,
        2 => YesNoAsk::Ask,
        _ => YesNoAsk::Yes,
    }
}
