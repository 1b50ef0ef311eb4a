//! How nodes are reached, and as whom: flags that mean what they mean in ssh.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use towline_core::command::{Account, BecomeMethod};

/// Flags for the connection.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct SshArgs {
    /// Account to log in to
    #[arg(short = 'l', long = "login", value_name = "USER",
          value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) login: Option<String>,
    /// Port of sshd
    #[arg(short = 'p', long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Private key to try first
    #[arg(short = 'i', long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
    /// Machines to go through, the nearest first: [user@]host[:port],…
    #[arg(short = 'J', long, value_name = "HOSTS")]
    pub(crate) jump: Option<String>,
    /// The ssh_config to read instead of ~/.ssh/config and the system's
    #[arg(short = 'F', long, value_name = "FILE", hide_short_help = true)]
    pub(crate) ssh_config: Option<PathBuf>,
    /// An option as in ssh_config: NAME=VALUE
    #[arg(
        short = 'o',
        long = "ssh-option",
        value_name = "OPTION",
        hide_short_help = true
    )]
    pub(crate) options: Vec<String>,
    /// Seconds a connection may take to come up (10)
    #[arg(short = 't', long, value_name = "SECONDS", value_parser = seconds, hide_short_help = true)]
    pub(crate) connect_timeout: Option<Duration>,
    /// Refuse host keys that are not known yet, instead of pinning them
    #[arg(long, hide_short_help = true)]
    pub(crate) strict_host_keys: bool,
    /// Ask for the account's password, once for all nodes
    #[arg(short = 'k', long, hide_short_help = true)]
    pub(crate) ask_password: bool,
    /// What carries the connections
    #[arg(long, value_enum, value_name = "WHAT", hide_short_help = true)]
    pub(crate) transport: Option<TransportArg>,
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TransportArg {
    /// The first that can do what the node asks for
    Auto,
    /// Towline's own SSH
    Native,
    /// The ssh program of this machine
    Openssh,
}

/// Flags for being another account.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct BecomeArgs {
    /// Run as another account once logged in (root, if none is named)
    #[arg(long = "become", value_name = "USER", num_args = 0..=1, require_equals = true,
          default_missing_value = "root")]
    pub(crate) become_: Option<Account>,
    /// The program that makes the change
    #[arg(long, value_name = "HOW", value_enum, hide_short_help = true)]
    pub(crate) become_method: Option<MethodArg>,
    /// Ask once for the password that sudo or doas will want
    #[arg(short = 'K', long)]
    pub(crate) ask_become_password: bool,
}

/// The program that makes another account of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodArg {
    /// sudo
    Sudo,
    /// doas
    Doas,
}

impl From<MethodArg> for BecomeMethod {
    fn from(method: MethodArg) -> Self {
        match method {
            MethodArg::Sudo => Self::Sudo,
            MethodArg::Doas => Self::Doas,
        }
    }
}

/// A length of time: seconds (`2.5`), or with a unit (`500ms`, `2m`, `1h`).
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("{unit:?} is none of ms, s, m, h")),
    };
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    let seconds = number * scale;
    if seconds > 0.0 && seconds < 1e9 {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err("a time must be more than 0 and less than 30 years".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_and_without_a_unit() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        assert_eq!(seconds("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("2m"), Ok(Duration::from_secs(120)));
        for text in ["", "0", "-1", "x", "1d", "1e99", "nan", "inf"] {
            assert!(seconds(text).is_err(), "{text:?} was taken");
        }
    }
}
