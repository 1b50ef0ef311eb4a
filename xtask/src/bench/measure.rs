//! Running a tool once and knowing what it cost, and that it did what it was to do.

use std::{
    ffi::OsString,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};

use super::{fleet::Fleet, interrupt, peers::Invocation, probe::Cost, sshd_log};

/// The longest that any tool may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How memory is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Look {
    /// Not at all: for what is over in milliseconds.
    #[default]
    Away,
    /// Resident pages, every 5 ms.
    Resident,
    /// Shared pages divided among those that share them. It takes time from what is measured.
    Proportional,
}

/// How something is run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How {
    pub(super) look: Look,
    /// One after the other; 0 is once.
    pub(super) repeat: usize,
    /// The limit of file descriptors.
    pub(super) nofile: Option<u64>,
}

/// What is to be seen afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expect<'a> {
    /// So many hosts ran a command.
    pub(super) hosts: usize,
    /// So many commands were run; 0 when any number will do.
    pub(super) commands: usize,
    /// As many lines as hosts have this in them.
    pub(super) text: Option<&'a str>,
}

/// A command, what it cost and what it wrote.
pub(super) struct Ran {
    pub(super) cost: Cost,
    pub(super) stdout: String,
}

/// Runs things.
pub(super) struct Bench<'a> {
    fleet: &'a Fleet,
    xtask: PathBuf,
}

impl<'a> Bench<'a> {
    /// On that fleet.
    ///
    /// # Errors
    /// When this program does not know where it is.
    pub(super) fn new(fleet: &'a Fleet) -> anyhow::Result<Self> {
        let xtask = std::env::current_exe().context("finding this program")?;
        Ok(Self { fleet, xtask })
    }

    /// Runs a tool and makes sure that it did on the hosts what it was to do there.
    ///
    /// # Errors
    /// When it did not.
    pub(super) fn on_hosts(
        &self,
        invocation: &Invocation,
        how: How,
        expect: Expect<'_>,
    ) -> anyhow::Result<Ran> {
        let from = self.fleet.log_end()?;
        let ran = self.run(invocation, how)?;
        let seen = sshd_log::read(&self.fleet.log_since(from)?);
        let (hosts, commands) = (seen.hosts.len(), seen.commands);
        let enough = expect.commands == 0 || commands == expect.commands;
        if hosts != expect.hosts || !enough {
            bail!(
                "{commands} commands were run on {hosts} hosts, instead of one on each of {}",
                expect.hosts
            );
        }
        if let Some(text) = expect.text {
            let lines = ran
                .stdout
                .lines()
                .filter(|line| line.contains(text))
                .count();
            if lines != expect.hosts {
                bail!(
                    "the output of {lines} hosts was shown instead of {}",
                    expect.hosts
                );
            }
        }
        Ok(ran)
    }

    /// Runs something that has to end with exit code 0.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn run(&self, invocation: &Invocation, how: How) -> anyhow::Result<Ran> {
        interrupt::check()?;
        let file = |name: &str| self.fleet.folder().join(name);
        let (result, stdout, stderr) = (file("result"), file("stdout"), file("stderr"));
        let mut command = Command::new(&self.xtask);
        command.args(["bench", "probe", "--result"]).arg(&result);
        command
            .arg("--stdout")
            .arg(&stdout)
            .arg("--stderr")
            .arg(&stderr);
        command.args(["--repeat", &how.repeat.max(1).to_string()]);
        if let Some(limit) = how.nofile {
            command.args(["--nofile", &limit.to_string()]);
        }
        match how.look {
            Look::Away => {}
            Look::Resident => {
                command.arg("--memory");
            }
            Look::Proportional => {
                command.arg("--proportional");
            }
        }
        command.arg("--").args(&invocation.argv);
        self.set_environment(&mut command, &invocation.env);
        let mut probe = command
            .stdin(Stdio::null())
            .spawn()
            .context("starting the probe")?;
        let status = interrupt::wait(&mut probe, PATIENCE)?;
        let said = || fs::read_to_string(&stderr).unwrap_or_default();
        if !status.success() {
            bail!("the probe failed ({status}): {}", shortened(&said()));
        }
        let cost: Cost = serde_json::from_slice(&fs::read(&result)?)?;
        let text = String::from_utf8_lossy(&fs::read(&stdout)?).into_owned();
        if cost.exit != 0 {
            let said = [said(), text].concat();
            bail!("exit code {}: {}", cost.exit, shortened(&said));
        }
        Ok(Ran { cost, stdout: text })
    }

    /// The same for all, with nothing of the user's in it.
    fn set_environment(&self, command: &mut Command, more: &[(&str, OsString)]) {
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("HOME", self.fleet.client_home());
        command.env("LANG", "C.UTF-8");
        command.envs(more.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.fleet.client_home());
    }
}

/// The end of what a tool said, where the reason mostly is.
fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines.len().saturating_sub(3);
    lines[last..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_tell_why() {
        assert_eq!(shortened("a\nb\n\nc\nd\n"), "b; c; d");
        assert_eq!(shortened(""), "");
    }
}
