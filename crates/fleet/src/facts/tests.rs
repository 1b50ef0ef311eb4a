//! Recorded reports (`debian-root`, `busybox`: real; the others written after what the tools
//! print), in which `\0` stands for NUL, and the probe itself under three shells.

use proptest::prelude::*;

use super::*;

fn sample(text: &str) -> Facts {
    let bytes = text.replace("\\0\n", "\0").into_bytes();
    Facts::parse(&bytes).unwrap()
}

fn pretty(facts: &Facts) -> String {
    serde_json::to_string_pretty(facts).unwrap()
}

#[test]
fn a_debian_machine_as_root() {
    insta::assert_snapshot!(pretty(&sample(include_str!("samples/debian-root.txt"))));
}

#[test]
fn a_machine_with_nothing_but_busybox() {
    insta::assert_snapshot!(pretty(&sample(include_str!("samples/busybox.txt"))));
}

#[test]
fn macos_behind_a_greeting() {
    insta::assert_snapshot!(pretty(&sample(include_str!("samples/macos.txt"))));
}

#[test]
fn freebsd() {
    insta::assert_snapshot!(pretty(&sample(include_str!("samples/freebsd.txt"))));
}

#[test]
fn a_kubernetes_worker_with_graphics_cards_in_a_control_group() {
    insta::assert_snapshot!(pretty(&sample(include_str!("samples/kubernetes.txt"))));
}

#[test]
fn facts_read_back_from_json_as_they_were_written() {
    for text in [
        include_str!("samples/debian-root.txt"),
        include_str!("samples/kubernetes.txt"),
        include_str!("samples/macos.txt"),
    ] {
        let facts = sample(text);
        let json = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&json).unwrap(), facts);
    }
}

#[test]
fn inodes_are_told_of_the_file_systems_that_have_a_number_of_them() {
    let facts = Facts::parse(
        b"hi\ntowline-facts=1\0disks=Filesystem 1024-blocks Used Available Capacity Mounted on\n\
          /dev/sda1 1000 500 500 50% /\n/dev/sdb1 1000 500 500 50% /var/lib/docker\0\
          inodes=Filesystem Inodes IUsed IFree IUse% Mounted on\n\
          /dev/sda1 100 96 4 96% /\n/dev/sdb1 0 0 0 - /var/lib/docker\0end=1\0",
    )
    .unwrap();
    let used: Vec<_> = facts.disks.iter().map(|d| d.inodes_used_percent).collect();
    assert_eq!(used, [Some(96), None]);
    assert_eq!(facts.greeting.as_deref(), Some("hi"));
}

#[test]
fn a_kernel_without_available_memory_gets_the_old_estimate() {
    let facts = Facts::parse(
        b"towline-facts=1\0mem.total_kib=1000\0mem.free_kib=10\0mem.buffers_kib=20\0\
          mem.cached_kib=30\0end=1\0",
    )
    .unwrap();
    let memory = facts.memory.unwrap();
    assert_eq!(memory.available_bytes, Some(60 * 1024));
}

#[test]
fn a_graphics_driver_that_fails_is_told_and_not_taken_for_a_card() {
    let parse = |middle: &str| {
        let report = format!("towline-facts=1\0{middle}end=1\0");
        Facts::parse(report.as_bytes()).unwrap()
    };
    let said = parse("gpu.code=9\0gpus=NVIDIA-SMI has failed: a, b, c, d.\nsecond\0");
    assert!(said.gpus.is_empty());
    assert_eq!(
        said.gpu_error.as_deref(),
        Some("NVIDIA-SMI has failed: a, b, c, d.")
    );
    let silent = parse("gpu.code=9\0gpus=\0").gpu_error.unwrap();
    assert_eq!(silent, "nvidia-smi failed with code 9");
    for code in [124, 137] {
        let hung = parse(&format!("gpu.code={code}\0gpus=\0"));
        assert_eq!(
            hung.gpu_error.unwrap(),
            "nvidia-smi did not answer within 2 s"
        );
    }
}

#[test]
fn a_server_configured_without_limits_has_the_stock_ones() {
    let facts = Facts::parse(b"towline-facts=1\0sshd.file=\0end=1\0").unwrap();
    let limits = facts.sshd.unwrap();
    assert_eq!((limits.max_sessions, limits.max_startups.start), (10, 10));
    assert!(!limits.effective);
}

#[test]
fn a_value_can_not_pass_for_another_record() {
    let facts = Facts::parse(b"towline-facts=1\0hostname=evil\nkernel=fake\nend=1\0end=1\0");
    let facts = facts.unwrap();
    assert_eq!(facts.hostname.as_deref(), Some("evil\nkernel=fake\nend=1"));
    assert_eq!(facts.kernel, None);
}

#[test]
fn what_is_no_report_is_refused() {
    assert_eq!(
        Facts::parse(b"sh: not found"),
        Err(ProbeError::NoReport("sh: not found".into()))
    );
    assert_eq!(
        Facts::parse(b"towline-facts=1\0hostname=a\0"),
        Err(ProbeError::CutShort)
    );
    assert_eq!(
        Facts::parse(b"towline-facts=1\0hostname=a\0en"),
        Err(ProbeError::CutShort)
    );
    for record in [
        "what",
        "what=1",
        "docker.what=1",
        "containerd.x.socket=1",
        "unit.code=1",
    ] {
        let report = format!("towline-facts=1\0{record}\0end=1\0");
        assert_eq!(
            Facts::parse(report.as_bytes()),
            Err(ProbeError::Record(record.into()))
        );
    }
}

#[test]
fn values_that_make_no_sense_count_as_not_told() {
    let facts = Facts::parse(
        b"towline-facts=1\0uptime=soon\0load=nan inf x\0cpus.online=3-1\0clock=9223372036854775807\0\
          mem.total_kib=-1\0disks=Filesystem\nno disk at all\n\0id=nobody\0\xff\xfe\0end=1\0",
    );
    assert!(matches!(facts, Err(ProbeError::Record(_))));
    let facts = Facts::parse(
        b"towline-facts=1\0uptime=soon\0load=nan inf x\0cpus.online=3-1\0clock=9223372036854775807\0\
          mem.total_kib=-1\0disks=Filesystem\nno disk at all\n\0end=1\0",
    )
    .unwrap();
    assert_eq!(facts, Facts::default());
}

const KEYS: &[&str] = &[
    "clock",
    "cpus.online",
    "uptime",
    "load",
    "os",
    "mem.total_kib",
    "mem.available_kib",
    "cgroup.max",
    "cgroup.used",
    "swap.total_kib",
    "disks",
    "gpu.code",
    "gpus",
    "unit",
    "unit.systemd",
    "unit.code",
    "uname",
    "sysctl",
    "vm_stat",
    "sw_vers",
    "sshd.file",
    "id",
    "docker.socket",
    "containerd.k0s.program",
    "systemd",
    "version.docker",
];

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Facts::parse(&bytes);
        let _ = Facts::parse(&[b"towline-facts=1\0", &bytes[..], b"\0end=1\0"].concat());
    }

    #[test]
    fn no_values_make_it_panic(
        records in proptest::collection::vec(
            (proptest::sample::select(KEYS), "[0-9 :=.,%{}()/a-cM\n-]{0,40}"), 0..20),
        numbers in proptest::collection::vec((proptest::sample::select(KEYS), any::<i128>()), 0..9),
    ) {
        let mut report = String::from("towline-facts=1\0");
        for (key, value) in records {
            report.push_str(&format!("{key}={value}\0"));
        }
        for (key, value) in numbers {
            report.push_str(&format!("{key}={value}\0"));
        }
        report.push_str("end=1\0");
        let _ = Facts::parse(report.as_bytes());
    }
}
