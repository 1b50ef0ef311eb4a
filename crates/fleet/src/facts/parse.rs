//! From what the probe printed to [`Facts`].

use std::str::FromStr;

use super::{
    Account, Clock, Containerd, Engine, Facts, Flavour, Memory, Passwordless, Runs, Space, bsd,
    tools,
};

/// What the report begins with. Login scripts may have printed anything before it.
const BEGIN: &[u8] = b"towline-facts=1\0";

/// Why what a node printed is no report of the probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// There is none. What was printed instead begins with this.
    #[error("the node printed no report, but {0:?}")]
    NoReport(String),
    /// It has no end.
    #[error("the node's report ends in the middle")]
    CutShort,
    /// A record that the probe does not print.
    #[error("the node's report holds {0:?}, which the probe does not print")]
    Record(String),
}

/// The numbers that memory is worked out of, in KiB where not said otherwise.
#[derive(Default)]
struct MemoryParts {
    total: Option<u64>,
    free: Option<u64>,
    available: Option<u64>,
    buffers: Option<u64>,
    cached: Option<u64>,
    swap_total: Option<u64>,
    swap_free: Option<u64>,
    group_max_bytes: Option<u64>,
    group_used_bytes: Option<u64>,
    group_inactive_bytes: Option<u64>,
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    memory: MemoryParts,
    account: Account,
    account_told: bool,
    runs: Runs,
    bsd: bsd::Bsd,
    gpu_code: i32,
    sshd: tools::SshdConfig,
}

impl Facts {
    /// Reads what the probe printed on a node's standard output.
    ///
    /// What came before the report (a greeting of the login shell) is kept apart. A value that
    /// can not be understood counts as not told: nodes differ more than anyone knows.
    ///
    /// # Errors
    /// There is no report, it is cut short, or it holds something that the probe does not print.
    pub fn parse(output: &[u8]) -> Result<Self, ProbeError> {
        let at = output
            .windows(BEGIN.len())
            .position(|window| window == BEGIN)
            .ok_or_else(|| ProbeError::NoReport(excerpt(output)))?;
        let mut reader = Reader::default();
        reader.facts.greeting = text(excerpt(&output[..at]).trim());
        let mut rest = &output[at + BEGIN.len()..];
        loop {
            let end = rest
                .iter()
                .position(|&byte| byte == 0)
                .ok_or(ProbeError::CutShort)?;
            let record = &rest[..end];
            rest = &rest[end + 1..];
            if record == b"end=1" {
                return Ok(reader.finish());
            }
            let refuse = || ProbeError::Record(excerpt(record));
            let equals = record.iter().position(|&byte| byte == b'=');
            let (key, value) = record.split_at(equals.ok_or_else(refuse)?);
            let key = std::str::from_utf8(key).map_err(|_| refuse())?;
            let value = String::from_utf8_lossy(&value[1..]);
            if !reader.take(key, value.trim_end()) {
                return Err(refuse());
            }
        }
    }
}

fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

fn number<T: FromStr>(value: &str) -> Option<T> {
    value.trim().parse().ok()
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

impl Reader {
    /// Takes one record. `false` when the probe has no such key.
    fn take(&mut self, key: &str, value: &str) -> bool {
        // A configuration file without a word on limits says that the defaults hold.
        if value.is_empty() && key != "sshd.file" {
            return true;
        }
        let facts = &mut self.facts;
        let memory = &mut self.memory;
        match key {
            "kernel.type" => facts.platform = text(value),
            "hostname" => facts.hostname = text(value),
            "init" => facts.init = text(value),
            "kernel" => facts.kernel = text(value),
            "arch" => facts.architecture = text(value),
            "cpus" => facts.cpus = number(value),
            "cpus.online" => facts.cpus = tools::count_ranges(value),
            "uptime" => facts.uptime_s = value.split('.').next().and_then(number),
            "load" => facts.load = tools::load(value.split_whitespace()),
            "os" => facts.os = text(value.trim_matches(['"', '\''])),
            "clock" => facts.clock = clock(value),
            "mem.total_kib" => memory.total = number(value),
            "mem.free_kib" => memory.free = number(value),
            "mem.available_kib" => memory.available = number(value),
            "mem.buffers_kib" => memory.buffers = number(value),
            "mem.cached_kib" => memory.cached = number(value),
            "swap.total_kib" => memory.swap_total = number(value),
            "swap.free_kib" => memory.swap_free = number(value),
            "cgroup.max" => memory.group_max_bytes = number(value),
            "cgroup.used" => memory.group_used_bytes = number(value),
            "cgroup.inactive" => memory.group_inactive_bytes = number(value),
            "disks" => facts.disks = tools::disks(value),
            "inodes" => tools::inodes(value, &mut facts.disks),
            "gpu.code" => self.gpu_code = number(value).unwrap_or(1),
            "gpus" => facts.gpus = tools::gpus(value),
            "unit" => facts.units.push(tools::unit_asked(value)),
            "uname" => self.bsd.uname = value.to_owned(),
            "sysctl" => self.bsd.sysctl = value.to_owned(),
            "vm_stat" => self.bsd.vm_stat = value.to_owned(),
            "sw_vers" => self.bsd.sw_vers = value.to_owned(),
            "sshd.effective" => self.sshd.effective(value),
            "sshd.file" => self.sshd.file(value),
            _ => return self.take_account(key, value) || self.take_runs(key, value),
        }
        if key == "gpus" && self.gpu_code != 0 {
            self.facts.gpus.clear();
            self.facts.gpu_error = Some(tools::gpu_error(self.gpu_code, value));
        }
        true
    }

    fn take_account(&mut self, key: &str, value: &str) -> bool {
        let account = &mut self.account;
        match key {
            "id" => tools::id(value, account),
            "shell" => account.shell = text(value),
            "home" => account.home = text(value),
            "home.writable" => account.home_writable = value == "yes",
            "become.sudo" => account.sudo = passwordless(value),
            "become.doas" => account.doas = passwordless(value),
            _ => return false,
        }
        self.account_told = true;
        true
    }

    fn take_runs(&mut self, key: &str, value: &str) -> bool {
        let runs = &mut self.runs;
        let parts: Vec<&str> = key.split('.').collect();
        match parts[..] {
            ["docker", part] => return engine(&mut runs.docker, part, value),
            ["podman", part] => return engine(&mut runs.podman, part, value),
            ["containerd", flavour, part] => {
                return containerd(&mut runs.containerd, flavour, part, value);
            }
            ["lxc"] => runs.lxc = text(value),
            ["qemu"] => runs.qemu = text(value),
            ["virsh"] => runs.virsh = text(value),
            ["kvm"] => runs.kvm = Some(value == "yes"),
            ["packages"] => runs.packages = text(value),
            ["systemd"] => runs.systemd = Some(tools::systemd(value)),
            ["version", program] => {
                if let Some(version) = tools::version(value) {
                    self.facts.versions.insert(program.to_owned(), version);
                }
            }
            ["unit", part] => {
                let Some(unit) = self.facts.units.last_mut() else {
                    return false;
                };
                return tools::unit_answer(unit, part, value, self.facts.uptime_s);
            }
            _ => return false,
        }
        true
    }

    fn finish(mut self) -> Facts {
        self.facts.memory = self.memory.memory();
        self.facts.swap = self.memory.swap();
        self.bsd.fill(&mut self.facts);
        if self.gpu_code != 0 && self.facts.gpu_error.is_none() {
            self.facts.gpu_error = Some(tools::gpu_error(self.gpu_code, ""));
        }
        self.facts.account = self.account_told.then_some(self.account);
        self.facts.runs = (self.runs != Runs::default()).then_some(self.runs);
        self.facts.sshd = self.sshd.finish();
        self.facts
    }
}

impl MemoryParts {
    fn memory(&self) -> Option<Memory> {
        const KIB: u64 = 1024;
        let total = self.total?.saturating_mul(KIB);
        // Kernels before 3.14 do not say what is available; this is the estimate free used to make.
        let available = self.available.or_else(|| {
            let free = self.free?;
            Some(
                free.saturating_add(self.buffers.unwrap_or(0))
                    .saturating_add(self.cached.unwrap_or(0)),
            )
        });
        let available = available.map(|kib| kib.saturating_mul(KIB));
        match self.group_max_bytes {
            Some(limit) if limit < total => Some(Memory {
                total_bytes: limit,
                available_bytes: self.group_used_bytes.map(|used| {
                    let needed = used.saturating_sub(self.group_inactive_bytes.unwrap_or(0));
                    limit
                        .saturating_sub(needed)
                        .min(available.unwrap_or(u64::MAX))
                }),
                limited: true,
            }),
            _ => Some(Memory {
                total_bytes: total,
                available_bytes: available,
                limited: false,
            }),
        }
    }

    fn swap(&self) -> Option<Space> {
        Some(Space {
            total_bytes: self.swap_total?.saturating_mul(1024),
            free_bytes: self.swap_free?.saturating_mul(1024),
        })
    }
}

/// `SECONDS.FRACTION`; a date that knows no fractions prints a letter or nothing there.
fn clock(value: &str) -> Option<Clock> {
    let (seconds, fraction) = value.split_once('.').unwrap_or((value, ""));
    let whole = number::<i64>(seconds)?.checked_mul(1000)?;
    let exact = fraction.len() >= 3 && fraction.bytes().all(|b| b.is_ascii_digit());
    let millis = if exact { number(&fraction[..3])? } else { 0 };
    Some(Clock {
        epoch_ms: whole.checked_add(millis)?,
        resolution_ms: if exact { 1 } else { 1000 },
    })
}

fn passwordless(value: &str) -> Passwordless {
    match value {
        "yes" => Passwordless::Yes,
        "absent" => Passwordless::Absent,
        _ => Passwordless::No,
    }
}

fn engine(engine: &mut Option<Engine>, part: &str, value: &str) -> bool {
    let engine = engine.get_or_insert_default();
    match part {
        "client" => engine.client = text(value),
        "socket" => engine.socket = text(value),
        "access" => engine.accessible = value == "yes",
        _ => return false,
    }
    true
}

fn containerd(all: &mut Vec<Containerd>, flavour: &str, part: &str, value: &str) -> bool {
    let flavour = match flavour {
        "containerd" => Flavour::Containerd,
        "k0s" => Flavour::K0s,
        "k3s" => Flavour::K3s,
        "rke2" => Flavour::Rke2,
        "microk8s" => Flavour::Microk8s,
        _ => return false,
    };
    let at = all.iter().position(|known| known.flavour == flavour);
    let at = at.unwrap_or_else(|| {
        all.push(Containerd {
            flavour,
            socket: None,
            accessible: false,
            wrapper: Vec::new(),
        });
        all.len() - 1
    });
    match part {
        "socket" => all[at].socket = text(value),
        "access" => all[at].accessible = value == "yes",
        "program" => {
            all[at].wrapper = match flavour {
                Flavour::Containerd | Flavour::Rke2 => vec![value.to_owned()],
                _ => vec![value.to_owned(), "ctr".to_owned()],
            };
        }
        _ => return false,
    }
    true
}
