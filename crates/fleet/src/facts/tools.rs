//! What the tools that the probe starts print, each understood in one function.

use super::{Account, Disk, Gpu, MaxStartups, SshdLimits, Systemd, Unit, UnitState};

/// The codes of a program that was ended because its time was up: by timeout, by a signal.
const TIMED_OUT: [i32; 3] = [124, 137, 143];

/// How many numbers `0-3,8` names.
pub(super) fn count_ranges(value: &str) -> Option<u32> {
    let mut count = 0u32;
    for part in value.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

/// The first three of `words`.
pub(super) fn load<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<[f32; 3]> {
    let mut next = || {
        let word = words.next()?.replace(',', ".");
        word.parse().ok().filter(|load: &f32| load.is_finite())
    };
    Some([next()?, next()?, next()?])
}

/// `df -P -k`: one line per folder asked about, each file system once.
pub(super) fn disks(output: &str) -> Vec<Disk> {
    let mut disks: Vec<Disk> = Vec::new();
    for disk in output.lines().skip(1).filter_map(disk) {
        if !disks.iter().any(|known| known.mount == disk.mount) {
            disks.push(disk);
        }
    }
    disks
}

/// `DEVICE 1024-BLOCKS USED AVAILABLE CAPACITY% MOUNT`; device and mount point may hold blanks.
fn disk(line: &str) -> Option<Disk> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let numbers = |at: usize| {
        let total: u64 = words[at].parse().ok()?;
        words[at + 1].parse::<u64>().ok()?;
        // Negative where root has used up what is kept back for it.
        let available: i64 = words[at + 2].parse().ok()?;
        let percent: u8 = words[at + 3].strip_suffix('%')?.parse().ok()?;
        Some((total, available, percent))
    };
    let last = words.len().checked_sub(5)?;
    let (at, (total, available, used_percent)) =
        (1..=last).find_map(|at| numbers(at).map(|found| (at, found)))?;
    Some(Disk {
        mount: words[at + 4..].join(" "),
        device: words[..at].join(" "),
        total_bytes: total.saturating_mul(1024),
        available_bytes: u64::try_from(available).unwrap_or(0).saturating_mul(1024),
        used_percent,
        inodes_used_percent: None,
    })
}

/// What `df -i` says of the same file systems, in the same columns.
pub(super) fn inodes(output: &str, disks: &mut [Disk]) {
    for told in output.lines().skip(1).filter_map(disk) {
        for disk in disks.iter_mut().filter(|disk| disk.mount == told.mount) {
            disk.inodes_used_percent = Some(told.used_percent);
        }
    }
}

/// `NAME, TOTAL MiB, USED MiB, PERCENT`, one card a line.
pub(super) fn gpus(output: &str) -> Vec<Gpu> {
    let card = |line: &str| {
        let mut fields = line.rsplitn(4, ',').map(str::trim);
        let utilisation = fields.next()?;
        let used = fields.next()?;
        let total = fields.next()?;
        let mib = |field: &str| field.parse::<u64>().ok()?.checked_mul(1024 * 1024);
        Some(Gpu {
            name: fields.next()?.to_owned(),
            memory_total_bytes: mib(total),
            memory_used_bytes: mib(used),
            utilisation_percent: utilisation.parse().ok(),
        })
    };
    output.lines().filter_map(card).collect()
}

/// Why nvidia-smi told nothing; it says so on its standard output.
pub(super) fn gpu_error(code: i32, output: &str) -> String {
    if TIMED_OUT.contains(&code) {
        return "nvidia-smi did not answer within 2 s".to_owned();
    }
    match output.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => line.to_owned(),
        None => format!("nvidia-smi failed with code {code}"),
    }
}

/// `KEY=VALUE` lines of `systemctl show`.
fn property<'a>(output: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = output.lines();
    lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

pub(super) fn systemd(output: &str) -> Systemd {
    let text = |key| {
        property(output, key)
            .filter(|v| !v.is_empty())
            .map(str::to_owned)
    };
    Systemd {
        version: text("Version"),
        state: text("SystemState"),
        failed_units: property(output, "NFailedUnits").and_then(|n| n.parse().ok()),
    }
}

/// A service of which nothing is known yet.
pub(super) fn unit_asked(name: &str) -> Unit {
    Unit {
        name: name.to_owned(),
        state: UnitState::Unknown,
        detail: None,
        up_s: None,
    }
}

/// Adds an answer of the service manager. `false` when the probe gives no such answer.
pub(super) fn unit_answer(unit: &mut Unit, part: &str, value: &str, uptime_s: Option<u64>) -> bool {
    match part {
        "systemd" => systemd_unit(unit, value, uptime_s),
        "code" => {
            let code: i32 = value.parse().unwrap_or(4);
            // The Linux Standard Base: 3 is not running, 4 is not known.
            let (state, detail) = match code {
                0 => (UnitState::Up, None),
                4 => (UnitState::Unknown, None),
                code if TIMED_OUT.contains(&code) => {
                    (UnitState::Unknown, Some("no answer within 2 s".to_owned()))
                }
                3 => (UnitState::Down, None),
                code => (UnitState::Down, Some(format!("code {code}"))),
            };
            unit.state = state;
            unit.detail = detail;
        }
        "unknown" if value == "unit" => unit.state = UnitState::Absent,
        "unknown" => unit.detail = Some("no service manager that is known".to_owned()),
        _ => return false,
    }
    true
}

fn systemd_unit(unit: &mut Unit, output: &str, uptime_s: Option<u64>) {
    let get = |key| property(output, key).unwrap_or_default();
    let (load, active, sub) = (get("LoadState"), get("ActiveState"), get("SubState"));
    unit.state = match (load, active) {
        (_, "active" | "reloading" | "refreshing") => UnitState::Up,
        ("not-found", _) => UnitState::Absent,
        (_, "") => UnitState::Unknown,
        _ => UnitState::Down,
    };
    if unit.state == UnitState::Absent || active.is_empty() {
        return;
    }
    let mut detail = format!("{active} ({sub})");
    if !matches!(load, "loaded" | "") {
        detail.push_str(", ");
        detail.push_str(load);
    }
    unit.detail = Some(detail);
    let since_us: Option<u64> = get("ActiveEnterTimestampMonotonic").parse().ok();
    if unit.state == UnitState::Up {
        unit.up_s = since_us
            .zip(uptime_s)
            .map(|(since, now)| now.saturating_sub(since / 1_000_000));
    }
}

/// The first word that looks like a version.
pub(super) fn version(output: &str) -> Option<String> {
    let word = output
        .split([' ', ',', '\n'])
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(word.to_owned())
}

/// `uid=1000(pi) gid=1000(pi) groups=1000(pi),27(sudo)`.
pub(super) fn id(output: &str, account: &mut Account) {
    for word in output.split_whitespace() {
        let Some((key, list)) = word.split_once('=') else {
            continue;
        };
        let name = |entry: &str| {
            let (_, name) = entry.split_once('(')?;
            Some(name.trim_end_matches(')').to_owned())
        };
        match key {
            "uid" => {
                let number = list.split('(').next().unwrap_or(list);
                account.uid = number.parse().ok();
                account.user = name(list);
            }
            "groups" => account.groups = list.split(',').filter_map(name).collect(),
            _ => {}
        }
    }
}

/// What was said about the limits of sshd: the first word on each counts.
#[derive(Default)]
pub(super) struct SshdConfig {
    told: bool,
    effective: bool,
    sessions: Option<u32>,
    startups: Option<MaxStartups>,
}

impl SshdConfig {
    /// Takes what `sshd -T` said.
    pub(super) fn effective(&mut self, output: &str) {
        self.effective = true;
        self.file(output);
    }

    /// Takes lines of a configuration file, up to the first that is about some connections only.
    pub(super) fn file(&mut self, lines: &str) {
        self.told = true;
        for line in lines.lines() {
            let mut words = line
                .split(|c: char| c.is_whitespace() || c == '=' || c == '"')
                .filter(|w| !w.is_empty());
            let keyword = words.next().unwrap_or_default().to_ascii_lowercase();
            let value = words.next().unwrap_or_default();
            match keyword.as_str() {
                "match" => return,
                "maxsessions" if self.sessions.is_none() => self.sessions = value.parse().ok(),
                "maxstartups" if self.startups.is_none() => self.startups = startups(value),
                _ => {}
            }
        }
    }

    /// The limits, with what OpenSSH takes where nothing is said.
    pub(super) fn finish(self) -> Option<SshdLimits> {
        self.told.then(|| SshdLimits {
            max_sessions: self.sessions.unwrap_or(10),
            max_startups: self.startups.unwrap_or(MaxStartups {
                start: 10,
                rate: 30,
                full: 100,
            }),
            effective: self.effective,
        })
    }
}

/// `START:RATE:FULL`, or one number at which all are refused.
fn startups(value: &str) -> Option<MaxStartups> {
    let numbers: Option<Vec<u32>> = value.split(':').map(|n| n.parse().ok()).collect();
    match numbers?[..] {
        [full] => Some(MaxStartups {
            start: full,
            rate: 100,
            full,
        }),
        [start, rate, full] => Some(MaxStartups { start, rate, full }),
        _ => None,
    }
}
