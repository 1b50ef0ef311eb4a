//! What is given to ssh on its command line.
//!
//! ssh takes the first value it sees of each option: what has to hold stands first, then what the
//! user gave, and the user's ssh_config, which ssh reads itself, comes last.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use towline_core::quote::quote_into;

use super::errors;
use crate::{error::RemoteError, known_hosts::HostKeyPolicy};

/// Seconds after which a master ends by itself once this program is gone.
const ORPHANED: &str = "ControlPersist=10";

/// What holds for each connection, whatever ssh_config says: nobody is there to be asked,
/// what goes wrong is read, and nothing is run or opened beside what is asked for.
const ALWAYS: [&str; 6] = [
    "BatchMode=yes",
    "LogLevel=INFO",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "ClearAllForwardings=yes",
];

/// An sshd, and how the system's ssh client gets there.
#[derive(Clone, Debug)]
pub struct Client {
    /// What tells this way from every other.
    pub key: String,
    /// Why it is this client that goes there.
    pub why: String,
    /// The ssh program.
    pub program: PathBuf,
    /// Where private folders are made; short, as sockets stand in them.
    pub folder: PathBuf,
    /// The user's login shell, which reads proxy commands.
    pub shell: String,
    /// `-F`: read in place of the user's ssh_config and the system's.
    pub config: Option<PathBuf>,
    /// The host as it is called in ssh_config.
    pub host: String,
    /// The name or address that this comes to, for messages.
    pub hostname: String,
    /// The account.
    pub user: String,
    /// The port.
    pub port: u16,
    /// Keys named beside those of ssh_config.
    pub identities: Vec<PathBuf>,
    /// `-o`, in order.
    pub options: Vec<String>,
    /// Where host keys are looked up, and new ones kept in the first.
    pub known_hosts: Vec<PathBuf>,
    /// What is done about unknown ones.
    pub host_keys: HostKeyPolicy,
    /// Limit for the TCP connection and the handshake, and again for authentication.
    pub connect_timeout: Duration,
    /// How often the server is asked whether it is there, and how often in vain.
    pub keepalive: Option<(Duration, usize)>,
    /// What it goes through.
    pub proxy: Proxy,
}

/// What a connection goes through.
#[derive(Clone, Debug)]
pub enum Proxy {
    /// Nothing.
    Nothing,
    /// A jump host.
    Jump(Arc<Client>),
    /// A command of the user's, with ssh's tokens in it.
    Command(String),
}

impl Client {
    /// `host:port`, with brackets where they are needed.
    #[must_use]
    pub fn address(&self) -> String {
        if self.hostname.contains(':') {
            format!("[{}]:{}", self.hostname, self.port)
        } else {
            format!("{}:{}", self.hostname, self.port)
        }
    }

    /// The arguments for a master that keeps its socket, and all that is said, in `folder`.
    pub(super) fn arguments(&self, folder: &Path) -> Result<Vec<OsString>, RemoteError> {
        let mut arguments: Vec<OsString> = ["-f", "-N", "-M", "-S"].map(Into::into).to_vec();
        arguments.push(literal(folder.join("ctl").as_os_str()));
        arguments.extend(["-o", ORPHANED].map(Into::into));
        self.push_common(&mut arguments, folder, 0)?;
        Ok(arguments)
    }

    fn push_common(
        &self,
        out: &mut Vec<OsString>,
        folder: &Path,
        depth: usize,
    ) -> Result<(), RemoteError> {
        let mut option = |text: OsString| out.extend(["-o".into(), text]);
        for text in ALWAYS {
            option(text.into());
        }
        let strict = match self.host_keys {
            HostKeyPolicy::Strict => "StrictHostKeyChecking=yes",
            HostKeyPolicy::AcceptNew => "StrictHostKeyChecking=accept-new",
        };
        option(strict.into());
        option(self.known_hosts_option());
        // ssh knows whole seconds only.
        let seconds = self.connect_timeout.as_secs_f64().ceil().max(1.0);
        option(format!("ConnectTimeout={seconds:.0}").into());
        if let Some((interval, tries)) = self.keepalive {
            let interval = interval.as_secs().max(1);
            option(format!("ServerAliveInterval={interval}").into());
            option(format!("ServerAliveCountMax={}", tries.max(1)).into());
        }
        if let Some(command) = self.proxy_command(folder, depth)? {
            option(command);
        }
        for text in &self.options {
            option(text.into());
        }
        for identity in &self.identities {
            out.extend(["-i".into(), literal(identity.as_os_str())]);
        }
        if let Some(file) = &self.config {
            out.extend(["-F".into(), file.into()]);
        }
        let said = folder.join(errors::said_at(depth));
        out.extend(["-E".into(), said.into()]);
        out.extend(["-l".into(), self.user.as_str().into()]);
        out.extend(["-p".into(), self.port.to_string().into()]);
        out.extend(["--".into(), self.host.as_str().into()]);
        Ok(())
    }

    fn known_hosts_option(&self) -> OsString {
        let mut text = OsString::from("UserKnownHostsFile=");
        if self.known_hosts.is_empty() {
            text.push("none");
        }
        for file in &self.known_hosts {
            text.push("\"");
            text.push(literal(file.as_os_str()));
            text.push("\" ");
        }
        text
    }

    fn proxy_command(&self, folder: &Path, depth: usize) -> Result<Option<OsString>, RemoteError> {
        let mut text = b"ProxyCommand=".to_vec();
        match &self.proxy {
            Proxy::Nothing => return Ok(None),
            Proxy::Command(template) => {
                // ssh throws away what a proxy command says when it goes to the background itself.
                if reads_redirections(&self.shell) {
                    let mut said = b"2>>".to_vec();
                    push_word(&mut said, folder.join(errors::PROXY_SAID).as_os_str())?;
                    text.extend(doubled(&said));
                    text.push(b' ');
                }
                text.extend_from_slice(template.as_bytes());
            }
            Proxy::Jump(jump) => {
                // ssh's own -J would give nothing of what is said here on to the jump host.
                let mut words = vec![jump.program.clone().into_os_string()];
                words.extend(["-o", "ControlMaster=no", "-o", "ControlPath=none"].map(Into::into));
                jump.push_common(&mut words, folder, depth + 1)?;
                let mut line = Vec::new();
                for word in &words {
                    push_word(&mut line, word)?;
                    line.push(b' ');
                }
                let at = line.windows(4).rposition(|four| four == b" -- ");
                let (options, host) = line.split_at(at.unwrap_or(line.len()));
                text.extend(doubled(options));
                text.extend_from_slice(b" -W '[%h]:%p'");
                text.extend(doubled(host));
            }
        }
        Ok(Some(OsString::from_vec(text)))
    }
}

/// Whether `2>>FILE` in front of a command does in this shell what it does in a POSIX one.
fn reads_redirections(shell: &str) -> bool {
    let name = Path::new(shell).file_name().and_then(OsStr::to_str);
    matches!(
        name,
        Some("sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh")
    )
}

fn push_word(line: &mut Vec<u8>, word: &OsStr) -> Result<(), RemoteError> {
    quote_into(line, word.as_bytes()).map_err(|error| RemoteError::Config {
        reason: error.to_string(),
        hint: None,
    })
}

/// With no `%` that ssh would take for a token.
fn doubled(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        out.push(byte);
        if byte == b'%' {
            out.push(byte);
        }
    }
    out
}

fn literal(text: &OsStr) -> OsString {
    OsString::from_vec(doubled(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(host: &str, proxy: Proxy) -> Client {
        Client {
            key: host.to_owned(),
            why: String::new(),
            program: "ssh".into(),
            folder: "/run".into(),
            shell: "/bin/sh".to_owned(),
            config: None,
            host: host.to_owned(),
            hostname: host.to_owned(),
            user: "me".to_owned(),
            port: 22,
            identities: vec!["/keys/50% mine".into()],
            options: vec!["StrictHostKeyChecking=no".to_owned()],
            known_hosts: vec!["/a b".into(), "/c".into()],
            host_keys: HostKeyPolicy::Strict,
            connect_timeout: Duration::from_millis(1500),
            keepalive: None,
            proxy,
        }
    }

    fn arguments(client: &Client) -> Vec<String> {
        let words = client.arguments(Path::new("/run/x")).unwrap();
        words
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect()
    }

    #[test]
    fn what_has_to_hold_stands_before_what_the_user_gave() {
        let words = arguments(&client("n1", Proxy::Nothing));
        let at = |text: &str| words.iter().position(|word| word == text).unwrap();
        assert!(at("StrictHostKeyChecking=yes") < at("StrictHostKeyChecking=no"));
        assert!(words.contains(&"UserKnownHostsFile=\"/a b\" \"/c\" ".to_owned()));
        assert!(words.contains(&"ConnectTimeout=2".to_owned()));
        assert!(words.contains(&"/keys/50%% mine".to_owned()));
        assert_eq!(words[words.len() - 2..], ["--", "n1"]);
    }

    #[test]
    fn each_jump_keeps_the_tokens_of_its_own_level() {
        let first = Arc::new(client("j1", Proxy::Nothing));
        let second = Arc::new(client("j2", Proxy::Jump(first)));
        let words = arguments(&client("n1", Proxy::Jump(second)));
        let command = words
            .iter()
            .find_map(|word| word.strip_prefix("ProxyCommand="));
        let command = command.unwrap();
        assert!(command.ends_with(" -W '[%h]:%p' -- j2 "), "{command}");
        assert_eq!(command.matches("[%%h]:%%p").count(), 1, "{command}");
        // ssh replaces tokens in names of files too, and once more at each level.
        assert!(command.contains("-i '/keys/50%%%% mine'"), "{command}");
        assert!(command.contains("/keys/50%%%%%%%% mine"), "{command}");
        assert!(command.contains("said-1") && command.contains("said-2"));
    }

    #[test]
    fn a_proxy_commands_tokens_are_left_to_ssh() {
        let words = arguments(&client("n1", Proxy::Command("nc %h %p".to_owned())));
        let wanted = "ProxyCommand=2>>/run/x/proxy nc %h %p".to_owned();
        assert!(words.contains(&wanted), "{words:?}");
    }
}
