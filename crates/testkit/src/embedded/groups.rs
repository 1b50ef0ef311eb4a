//! The process groups a node has started, so that it can end them and no others.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal};

/// Groups by the id of their leader.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The leader lives, or is not reaped yet: its id cannot be anyone else's.
    led: HashSet<Pid>,
    /// The leader is gone and others of its group were still there. As long as they are, the
    /// system does not give the id away; after that it may.
    orphaned: HashSet<Pid>,
    started: bool,
    closed: bool,
}

impl Groups {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a group that was just started. When the node has been stopped meanwhile, the
    /// group is ended at once.
    pub(crate) fn add(&self, leader: Pid) {
        let mut inner = self.lock();
        inner.started = true;
        inner.led.insert(leader);
        if inner.closed {
            let _ = rustix::process::kill_process_group(leader, Signal::KILL);
        }
    }

    /// The leader has ended and was reaped.
    pub(crate) fn leader_ended(&self, leader: Pid) {
        let mut inner = self.lock();
        inner.led.remove(&leader);
        if rustix::process::test_kill_process_group(leader).is_ok() {
            inner.orphaned.insert(leader);
        }
    }

    /// Sends a signal to the group of a leader that has not ended; says whether it could.
    pub(crate) fn signal(&self, leader: Pid, signal: Signal) -> bool {
        let inner = self.lock();
        inner.led.contains(&leader) && rustix::process::kill_process_group(leader, signal).is_ok()
    }

    /// Kills all groups that are left, and every one that is still to come. Says, once, whether
    /// there ever was one: then others may have left theirs.
    pub(crate) fn kill_all(&self) -> bool {
        let mut inner = self.lock();
        inner.closed = true;
        for leader in &inner.led {
            let _ = rustix::process::kill_process_group(*leader, Signal::KILL);
        }
        for leader in std::mem::take(&mut inner.orphaned) {
            // Were the id somebody else's by now, its leader would be there.
            if rustix::process::test_kill_process(leader).is_err() {
                let _ = rustix::process::kill_process_group(leader, Signal::KILL);
            }
        }
        std::mem::take(&mut inner.started)
    }
}

/// Kills every process that was started with this `HOME` or one below it, whatever group and
/// session it is in now. For directories nobody else has.
pub(crate) fn kill_by_home(home: &Path) {
    /// More rounds than a process can fork and get away.
    const ROUNDS: usize = 20;
    for _ in 0..ROUNDS {
        if !kill_round(home) {
            return;
        }
    }
}

/// One look at all processes; says whether there was one to kill.
fn kill_round(home: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return false;
    };
    let mut found = false;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw);
        let Some(pid) = pid else { continue };
        // Others' processes cannot be read; those that have ended are empty.
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else {
            continue;
        };
        if environment
            .split(|byte| *byte == 0)
            .any(|variable| is_home(variable, home))
        {
            found |= rustix::process::kill_process(pid, Signal::KILL).is_ok();
        }
    }
    found
}

fn is_home(variable: &[u8], home: &Path) -> bool {
    let value = variable.strip_prefix(b"HOME=").map(OsStr::from_bytes);
    value.is_some_and(|value| Path::new(value).starts_with(home))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command};

    fn sleeper(home: &str) -> Child {
        let mut command = Command::new("sleep");
        command
            .arg("600")
            .env("HOME", home)
            .process_group(0)
            .spawn()
            .unwrap()
    }

    fn pid(child: &Child) -> Pid {
        Pid::from_child(child)
    }

    #[test]
    fn kills_what_it_started_and_nothing_else() {
        let groups = Groups::default();
        let (mut ours, mut theirs) = (sleeper("/ours-1"), sleeper("/theirs-1"));
        groups.add(pid(&ours));
        assert!(groups.kill_all());
        kill_by_home(Path::new("/ours-1"));
        assert!(!ours.wait().unwrap().success());
        assert!(theirs.try_wait().unwrap().is_none());
        theirs.kill().unwrap();
        theirs.wait().unwrap();
    }

    #[test]
    fn finds_by_home_what_left_its_group() {
        let groups = Groups::default();
        let (mut leader, mut gone) = (sleeper("/ours-2"), sleeper("/ours-2/below"));
        groups.add(pid(&leader));
        assert!(groups.kill_all());
        assert!(gone.try_wait().unwrap().is_none());
        kill_by_home(Path::new("/ours-2"));
        leader.wait().unwrap();
        assert!(!gone.wait().unwrap().success());
    }

    #[test]
    fn signals_only_what_has_not_ended() {
        let groups = Groups::default();
        let mut child = sleeper("/ours-3");
        let leader = pid(&child);
        assert!(!groups.signal(leader, Signal::TERM));
        groups.add(leader);
        assert!(groups.signal(leader, Signal::TERM));
        child.wait().unwrap();
        groups.leader_ended(leader);
        assert!(!groups.signal(leader, Signal::TERM));
    }

    #[test]
    fn a_group_started_after_the_end_is_ended_too() {
        let groups = Groups::default();
        assert!(!groups.kill_all());
        let mut child = sleeper("/ours-4");
        groups.add(pid(&child));
        assert!(!child.wait().unwrap().success());
    }
}
