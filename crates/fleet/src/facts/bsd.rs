//! macOS and the BSDs, whose tools are asked where Linux has files.

use super::{Facts, Memory, Space, tools};

/// What the tools printed, empty where there is no such tool.
#[derive(Default)]
pub(super) struct Bsd {
    /// `SYSTEM HOSTNAME RELEASE MACHINE`.
    pub(super) uname: String,
    /// `key: value`, `key=value` or `key = value` lines.
    pub(super) sysctl: String,
    /// macOS's page counts.
    pub(super) vm_stat: String,
    /// macOS's name and version.
    pub(super) sw_vers: String,
}

impl Bsd {
    /// Adds what is known to `facts`.
    pub(super) fn fill(&self, facts: &mut Facts) {
        if let [system, hostname, release, .., machine] =
            self.uname.split_whitespace().collect::<Vec<_>>()[..]
        {
            facts.platform = Some(system.to_owned());
            facts.hostname = Some(hostname.to_owned());
            facts.kernel = Some(release.to_owned());
            facts.architecture = Some(machine.to_owned());
            facts.os = self.os().or_else(|| Some(format!("{system} {release}")));
        }
        if self.sysctl.is_empty() {
            return;
        }
        facts.cpus = facts.cpus.or_else(|| self.number("hw.ncpu"));
        facts.load = self.value("vm.loadavg").and_then(|value| {
            tools::load(value.split(['{', '}', ' ']).filter(|word| !word.is_empty()))
        });
        let booted = self.value("kern.boottime").and_then(epoch);
        facts.uptime_s = booted.zip(facts.clock).and_then(|(booted, clock)| {
            u64::try_from(clock.epoch_ms / 1000)
                .ok()?
                .checked_sub(booted)
        });
        facts.memory = self.memory();
        facts.swap = self.swap();
    }

    fn value(&self, key: &str) -> Option<&str> {
        let value = |line: &'_ str| -> Option<usize> {
            let rest = line.strip_prefix(key)?;
            let value = rest.trim_start().strip_prefix([':', '='])?.trim_start();
            Some(line.len() - value.len())
        };
        let mut lines = self.sysctl.lines();
        lines.find_map(|line| value(line).map(|at| line[at..].trim_end()))
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.value(key)?.parse().ok()
    }

    fn os(&self) -> Option<String> {
        let get = |key: &str| {
            let mut lines = self.sw_vers.lines();
            lines.find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim()))
        };
        Some(format!(
            "{} {}",
            get("ProductName")?,
            get("ProductVersion")?
        ))
    }

    fn memory(&self) -> Option<Memory> {
        let total_bytes = self
            .number("hw.memsize")
            .or_else(|| self.number("hw.physmem64"))
            .or_else(|| self.number("hw.physmem"))?;
        Some(Memory {
            total_bytes,
            available_bytes: self.available().map(|bytes| bytes.min(total_bytes)),
            limited: false,
        })
    }

    /// What is free, and what is cached and can be had at once.
    fn available(&self) -> Option<u64> {
        let (page, pages): (u64, [Option<u64>; 3]) = if self.vm_stat.is_empty() {
            let page = self.number("hw.pagesize")?;
            let get = |key| self.number(key);
            (
                page,
                [
                    get("vm.stats.vm.v_free_count"),
                    get("vm.stats.vm.v_inactive_count"),
                    None,
                ],
            )
        } else {
            let (_, size) = self.vm_stat.split_once("page size of ")?;
            let get = |key: &str| {
                let mut lines = self.vm_stat.lines();
                let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
                value.trim().trim_end_matches('.').parse().ok()
            };
            (
                size.split(' ').next()?.parse().ok()?,
                [
                    get("Pages free"),
                    get("Pages inactive"),
                    get("Pages speculative"),
                ],
            )
        };
        pages[0]?;
        let sum = pages.into_iter().flatten().fold(0u64, u64::saturating_add);
        Some(sum.saturating_mul(page))
    }

    /// `total = 2048.00M  used = 1017.25M  free = 1030.75M  (encrypted)`.
    fn swap(&self) -> Option<Space> {
        let usage = self.value("vm.swapusage")?;
        let get = |key: &str| {
            let (_, after) = usage.split_once(key)?;
            let word = after.trim_start_matches([' ', '=']).split(' ').next()?;
            let mib: f64 = word.strip_suffix('M')?.parse().ok()?;
            mebibytes(mib)
        };
        Some(Space {
            total_bytes: get("total")?,
            free_bytes: get("free")?,
        })
    }
}

fn mebibytes(mib: f64) -> Option<u64> {
    let bytes = format!("{:.0}", mib * 1024.0 * 1024.0);
    bytes.parse().ok()
}

/// `{ sec = 1700000000, usec = 0 } Tue Nov 14 …`, or the seconds alone.
fn epoch(value: &str) -> Option<u64> {
    let seconds = match value.split_once("sec = ") {
        Some((_, after)) => after,
        None => value,
    };
    let digits: String = seconds.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
