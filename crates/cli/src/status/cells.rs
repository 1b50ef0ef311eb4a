//! What stands in the cells of the table.

use towline_core::{event::FailureKind, id::NodeId};
use towline_fleet::facts::{Containerd, Disk, Engine, Facts, Flavour, NodeStatus, Unit, UnitState};

use crate::render::{
    Style, Tone,
    human::{age, bytes},
    table::Cell,
};

/// Fuller than this is worth a look, in percent; fuller than that is trouble.
const DISK: [u8; 2] = [85, 95];
const MEMORY: [u8; 2] = [90, 97];

fn tone(percent: u8, [warn, bad]: [u8; 2]) -> Tone {
    match percent {
        percent if percent >= bad => Tone::Bad,
        percent if percent >= warn => Tone::Warning,
        _ => Tone::Plain,
    }
}

/// A node that told.
pub(super) fn state(style: Style) -> Cell {
    Cell::new(Tone::Good, if style.unicode { "✓ up" } else { "up" })
}

/// Why a node did not tell, in a few words; with its name, where that does not stand before them.
pub(super) fn trouble(status: &NodeStatus, node: Option<&NodeId>, style: Style) -> Cell {
    let kind = status.error.as_ref().map(|error| error.kind);
    let words = match kind {
        Some(FailureKind::Resolve) => "down: its name has no address",
        Some(FailureKind::Refused) => "down: the connection was refused",
        Some(FailureKind::ConnectTimeout) => "down: no answer",
        Some(FailureKind::Unreachable) => "down: no route to it",
        Some(FailureKind::Proxy) => "unreachable: what it is reached through failed",
        Some(FailureKind::HostKeyUnknown) => "unreachable: its host key is not known",
        Some(FailureKind::HostKeyChanged) => "unreachable: its host key is not the one known",
        Some(FailureKind::AuthDenied) => "unreachable: the login was refused",
        Some(FailureKind::Agent) => "unreachable: the ssh-agent failed",
        Some(FailureKind::Identity) => "unreachable: a key can not be used",
        Some(FailureKind::Channel) => "failed: it opens no session",
        Some(FailureKind::Closed) => "failed: the connection was lost",
        Some(FailureKind::Protocol) => "unreachable: it does not speak SSH as it should",
        Some(FailureKind::Timeout) => "failed: connected, but it did not tell in time",
        Some(FailureKind::Cancelled) => "not asked to the end",
        Some(FailureKind::Config) => "unreachable: its configuration is wrong",
        Some(FailureKind::Local) => "unreachable: this machine is at a limit",
        _ => "failed: it told nothing of use",
    };
    let mark = if style.unicode { "✗ " } else { "" };
    let node = node.map(|node| format!("{node} ")).unwrap_or_default();
    Cell::new(Tone::Bad, [mark, &node, words].concat())
}

/// Whether a service is up.
pub(super) fn unit(unit: Option<&Unit>, style: Style) -> Cell {
    let Some(unit) = unit else {
        return Cell::default();
    };
    // Of `failed (Result: exit-code)` the first word.
    let word = unit.detail.as_deref().unwrap_or("down");
    let word = word.split(' ').next().unwrap_or(word);
    let (tone, mark, word) = match unit.state {
        UnitState::Up => {
            let up = unit.up_s.map(age).unwrap_or_default();
            let word = if style.unicode {
                up
            } else {
                ["up ", &up].concat()
            };
            return Cell::new(Tone::Good, with_mark(style, "✓", word.trim_end()));
        }
        UnitState::Down => (Tone::Bad, "✗", word),
        UnitState::Absent => (Tone::Bad, "✗", "absent"),
        UnitState::Unknown => (Tone::Warning, "✗", "unknown"),
    };
    Cell::new(tone, with_mark(style, mark, word))
}

fn with_mark(style: Style, mark: &str, word: &str) -> String {
    match (style.unicode, word) {
        (true, "") => mark.to_owned(),
        (true, word) => [mark, " ", word].concat(),
        (false, word) => word.to_owned(),
    }
}

/// Milliseconds, or seconds where they are many.
pub(super) fn latency(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

/// A number, where it is known.
pub(super) fn number(number: Option<u32>) -> Cell {
    number.map(|n| n.to_string()).unwrap_or_default().into()
}

/// The load of the last minute; more than there are processors means waiting.
pub(super) fn load(facts: &Facts) -> Cell {
    let Some([load, ..]) = facts.load else {
        return Cell::default();
    };
    let tone = match f64::from(load) / f64::from(facts.cpus.unwrap_or(1).max(1)) {
        each if each > 2.0 => Tone::Bad,
        each if each > 1.0 => Tone::Warning,
        _ => Tone::Plain,
    };
    Cell::new(tone, format!("{load:.2}"))
}

/// Memory that programs could not get any more, in percent, and all there is in bytes.
pub(super) fn memory_used(facts: &Facts) -> Option<(u8, u64)> {
    let memory = facts.memory?;
    let total = memory.total_bytes;
    let used = total.saturating_sub(memory.available_bytes?);
    let percent = u128::from(used) * 100 / u128::from(total.max(1));
    Some((u8::try_from(percent).unwrap_or(100), total))
}

/// `38% of 31G`.
pub(super) fn memory(facts: &Facts) -> Cell {
    match (memory_used(facts), facts.memory) {
        (Some((percent, total)), _) => {
            let text = format!("{percent}% of {}", bytes(total));
            Cell::new(tone(percent, MEMORY), text)
        }
        (None, Some(memory)) => bytes(memory.total_bytes).into(),
        (None, None) => Cell::default(),
    }
}

/// The file system that is the fullest; the root, where another is just as full.
pub(super) fn fullest(facts: &Facts) -> Option<&Disk> {
    facts
        .disks
        .iter()
        .rev()
        .max_by_key(|disk| disk.used_percent)
}

/// `61% of 40G`, and where that is, unless it is the root.
pub(super) fn disk(facts: &Facts) -> Cell {
    let Some(disk) = fullest(facts) else {
        return Cell::default();
    };
    let (percent, size) = (disk.used_percent, bytes(disk.total_bytes));
    let text = match disk.mount.as_str() {
        "/" => format!("{percent}% of {size}"),
        mount => format!("{percent}% of {size} {mount}"),
    };
    Cell::new(tone(percent, DISK), text)
}

/// `2× L4 35%`: cards of the same name together, and how busy they are on average.
pub(super) fn gpus(facts: &Facts, style: Style) -> Cell {
    if facts.gpus.is_empty() {
        return match facts.gpu_error {
            Some(_) => Cell::new(Tone::Warning, "error"),
            None => Cell::default(),
        };
    }
    let mut kinds: Vec<(&str, Vec<u8>, usize)> = Vec::new();
    for gpu in &facts.gpus {
        let name = gpu.name.trim_start_matches("NVIDIA ");
        let busy = gpu.utilisation_percent;
        match kinds.iter_mut().find(|(kind, ..)| *kind == name) {
            Some((_, all, count)) => {
                all.extend(busy);
                *count += 1;
            }
            None => kinds.push((name, busy.into_iter().collect(), 1)),
        }
    }
    let times = if style.unicode { "×" } else { "x" };
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(name, busy, count)| {
            let mut text = match count {
                1 => name.to_owned(),
                count => format!("{count}{times} {name}"),
            };
            if let Some(sum) = busy.iter().map(|&b| usize::from(b)).reduce(|a, b| a + b) {
                text.push_str(&format_args!(" {}%", sum / busy.len()).to_string());
            }
            text
        })
        .collect();
    kinds.join(", ").into()
}

/// What it can run, a word each. In brackets what keeps the account from it: `off` when nothing
/// listens, `root` when the account may not use what listens.
pub(super) fn runs(facts: &Facts) -> Vec<String> {
    let Some(runs) = &facts.runs else {
        return Vec::new();
    };
    let mut words = Vec::new();
    words.extend(runs.docker.as_ref().map(|e| engine("docker", e)));
    // Podman needs no engine that listens.
    words.extend(runs.podman.as_ref().map(|_| "podman".to_owned()));
    words.extend(runs.containerd.iter().map(containerd));
    let plain = [
        ("lxc", runs.lxc.is_some()),
        ("qemu", runs.qemu.is_some()),
        ("kvm", runs.kvm == Some(true)),
        ("systemd", runs.systemd.is_some()),
    ];
    words.extend(
        plain
            .into_iter()
            .filter(|&(_, there)| there)
            .map(|(word, _)| word.to_owned()),
    );
    words
}

fn engine(name: &str, engine: &Engine) -> String {
    bracketed(name, engine.socket.is_some(), engine.accessible)
}

fn containerd(containerd: &Containerd) -> String {
    let name = match containerd.flavour {
        Flavour::Containerd => "containerd",
        Flavour::K0s => "k0s",
        Flavour::K3s => "k3s",
        Flavour::Rke2 => "rke2",
        Flavour::Microk8s => "microk8s",
    };
    bracketed(name, containerd.socket.is_some(), containerd.accessible)
}

fn bracketed(name: &str, listens: bool, accessible: bool) -> String {
    match (listens, accessible) {
        (true, true) => name.to_owned(),
        (true, false) => [name, "(root)"].concat(),
        (false, _) => [name, "(off)"].concat(),
    }
}
