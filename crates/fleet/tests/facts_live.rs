//! The probe as it is, under the shells that nodes have, on the machine of the test.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a failure is to be seen at once"
)]

use std::{
    fs,
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};

use towline_core::command::Action;
use towline_fleet::facts::{Facts, Section, UnitName, UnitState, probe};

const SHELLS: &[&[&str]] = &[
    &["dash"],
    &["bash"],
    &["bash", "--posix"],
    &["busybox", "sh"],
];

const EVERYTHING: &[Section] = &[
    Section::Clock,
    Section::Disk,
    Section::Gpu,
    Section::Runs,
    Section::Versions,
    Section::Account,
    Section::Sshd,
];

/// What `shell` makes of the probe.
fn run(shell: &[&str], sections: &[Section], units: &[UnitName], path: Option<&str>) -> Output {
    let Action::Script(script, args) = probe(sections, units).action else {
        panic!("the probe is a script")
    };
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .args(["-c", script.text, script.name]);
    for arg in args {
        command.arg(String::from_utf8(arg).unwrap());
    }
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap().trim_end().to_owned()
}

fn meminfo_bytes(key: &str) -> u64 {
    let meminfo = read("/proc/meminfo");
    let line = meminfo.lines().find_map(|l| l.strip_prefix(key)).unwrap();
    let kib: u64 = line
        .trim_start_matches(':')
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1024
}

#[test]
fn every_shell_tells_what_the_kernel_tells() {
    let absent: UnitName = "towline-no-such-service".parse().unwrap();
    for shell in SHELLS {
        let before = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        let output = run(shell, EVERYTHING, std::slice::from_ref(&absent), None);
        let after = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        let facts = Facts::parse(&output.stdout).unwrap_or_else(|e| panic!("{shell:?}: {e}"));

        let some = |text: String| Some(text);
        assert_eq!(
            facts.hostname,
            some(read("/proc/sys/kernel/hostname")),
            "{shell:?}"
        );
        assert_eq!(facts.kernel, some(read("/proc/sys/kernel/osrelease")));
        assert_eq!(facts.platform.as_deref(), Some("Linux"));
        assert_eq!(facts.init, some(read("/proc/1/comm")));
        assert_eq!(facts.architecture.as_deref(), Some(std::env::consts::ARCH));
        let cpus = facts.cpus.unwrap() as usize;
        assert!(cpus >= std::thread::available_parallelism().unwrap().get());
        let uptime: f64 = read("/proc/uptime")
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(facts.uptime_s.unwrap().abs_diff(uptime as u64) <= 5);
        assert!(
            facts
                .load
                .unwrap()
                .iter()
                .all(|load| (0.0..10_000.0).contains(load))
        );
        let memory = facts.memory.unwrap();
        let total = meminfo_bytes("MemTotal");
        assert!(memory.total_bytes == total || (memory.limited && memory.total_bytes < total));
        assert!(memory.available_bytes.unwrap() <= memory.total_bytes);
        assert_eq!(facts.swap.unwrap().total_bytes, meminfo_bytes("SwapTotal"));

        let clock = facts.clock.unwrap();
        let told = u128::try_from(clock.epoch_ms).unwrap() + 1;
        assert!(told + u128::from(clock.resolution_ms) > before && told <= after + 1);

        let root = facts.root_disk().unwrap();
        assert!(root.total_bytes >= root.available_bytes && root.used_percent <= 100);
        assert!(facts.runs.unwrap().packages.is_some());
        let account = facts.account.unwrap();
        assert_eq!(account.uid, Some(rustix_uid()));
        assert_eq!(account.home, std::env::var("HOME").ok());
        assert_eq!(facts.units[0].name, absent.to_string());
        assert!(matches!(
            facts.units[0].state,
            UnitState::Absent | UnitState::Unknown
        ));
    }
}

fn rustix_uid() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").unwrap().uid()
}

#[test]
fn what_is_not_asked_is_not_told() {
    let facts = Facts::parse(&run(&["dash"], &[], &[], None).stdout).unwrap();
    assert!(facts.hostname.is_some() && facts.memory.is_some());
    assert!(facts.disks.is_empty() && facts.runs.is_none() && facts.account.is_none());
    assert!(facts.clock.is_none() && facts.sshd.is_none() && facts.units.is_empty());
}

/// A folder with programs of the test's own before all others in PATH.
fn programs(scripts: &[(&str, &str)]) -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in scripts {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    (folder, path)
}

#[test]
fn a_program_that_hangs_costs_two_seconds_and_no_more() {
    let (_folder, path) = programs(&[("nvidia-smi", "exec sleep 60")]);
    for shell in SHELLS {
        let began = std::time::Instant::now();
        let output = run(shell, &[Section::Gpu], &[], Some(&path));
        let facts = Facts::parse(&output.stdout).unwrap();
        assert_eq!(
            facts.gpu_error.as_deref(),
            Some("nvidia-smi did not answer within 2 s"),
            "{shell:?}"
        );
        assert!(began.elapsed().as_secs() < 10, "{shell:?}");
    }
}

#[test]
fn a_node_without_timeout_is_guarded_by_the_probe_itself() {
    // A `timeout` that is none stands for a system that has none.
    let (_folder, path) = programs(&[
        ("timeout", "exit 127"),
        ("nvidia-smi", "exec sleep 60"),
        ("docker", "echo Docker version 1.2.3, build x"),
    ]);
    for shell in SHELLS {
        let began = std::time::Instant::now();
        let output = run(shell, &[Section::Gpu, Section::Versions], &[], Some(&path));
        let facts = Facts::parse(&output.stdout).unwrap();
        assert_eq!(
            facts.gpu_error.as_deref(),
            Some("nvidia-smi did not answer within 2 s"),
            "{shell:?}"
        );
        assert_eq!(facts.versions["docker"], "1.2.3", "{shell:?}");
        assert!(began.elapsed().as_secs() < 15, "{shell:?}");
    }
}

#[test]
fn cards_are_read_from_what_nvidia_smi_prints() {
    let (_folder, path) = programs(&[("nvidia-smi", "echo 'Tesla T4, 15360, 1024, 7'")]);
    let facts = Facts::parse(&run(&["dash"], &[Section::Gpu], &[], Some(&path)).stdout).unwrap();
    assert_eq!(facts.gpus.len(), 1);
    assert_eq!(facts.gpus[0].name, "Tesla T4");
    assert_eq!(facts.gpus[0].utilisation_percent, Some(7));
}

/// The most that may pass before the reader knows where shells differ: nothing is written to
/// standard error, which `tow status` would show.
#[test]
fn nothing_is_said_beside_the_report() {
    for shell in SHELLS {
        let output = run(shell, EVERYTHING, &[], None);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
        assert!(output.stdout.ends_with(b"end=1\0"), "{shell:?}");
    }
}
