//! The processes below this one, as `/proc` shows them.

use std::fs;

/// What the processes below this one hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// How many they are.
    pub(super) processes: usize,
    /// Their memory in KiB, added up.
    pub(super) memory: u64,
}

/// How memory is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Resident pages of each process: what several share counts several times.
    Resident,
    /// What several share is divided among them. Costs far more to ask for.
    Proportional,
}

/// What all descendants of this process hold now.
pub(super) fn held(count: Count) -> Held {
    let mut held = Held::default();
    for pid in descendants() {
        let memory = match count {
            Count::Resident => status_field(pid, "VmRSS:"),
            Count::Proportional => field(&read(pid, "smaps_rollup"), "Pss:"),
        };
        // It may have ended between being listed and being asked.
        if let Some(memory) = memory {
            held.processes += 1;
            held.memory += memory;
        }
    }
    held
}

/// The most that one process ever held, in KiB.
pub(super) fn high_water(pid: u32) -> Option<u64> {
    status_field(pid, "VmHWM:")
}

/// The children of this process.
pub(super) fn children() -> Vec<u32> {
    children_of(std::process::id())
}

/// All processes below this one, parents first.
pub(super) fn descendants() -> Vec<u32> {
    let mut found = children();
    let mut at = 0;
    while let Some(&pid) = found.get(at) {
        found.extend(children_of(pid));
        at += 1;
    }
    found
}

/// A process's children are listed for each of its threads.
fn children_of(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.extend(
            list.split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
    }
    children
}

fn status_field(pid: u32, name: &str) -> Option<u64> {
    field(&read(pid, "status"), name)
}

fn read(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

/// The number after a name in a file of such lines.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn reads_the_files_of_proc() {
        let status = "Name:\tx\nVmHWM:\t    5120 kB\nVmRSS:\t    4096 kB\n";
        assert_eq!(field(status, "VmRSS:"), Some(4096));
        assert_eq!(field(status, "VmHWM:"), Some(5120));
        assert_eq!(field(status, "VmSwap:"), None);
    }

    #[test]
    fn finds_a_child_and_what_it_holds() {
        let mut cat = Command::new("cat");
        let mut child = cat
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Once it answers it is all there.
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert!(descendants().contains(&child.id()));
        assert!(high_water(child.id()).is_some_and(|memory| memory > 100));
        assert!(held(Count::Resident).memory > 100);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
