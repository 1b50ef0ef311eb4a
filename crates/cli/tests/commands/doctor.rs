//! `tow doctor`.

use std::{os::unix::fs::PermissionsExt, process::Command};

use towline_core::event::{Envelope, Report};
use towline_fleet::facts::{Check, DoctorLine, Level};

use crate::support::{Done, World};

/// The checks of this machine with this name, where standard output is JSON.
fn client(done: &Done, name: &str) -> Vec<Check> {
    let found = lines(done).into_iter().filter_map(|line| match line {
        DoctorLine::ClientCheck(check) if check.name == name => Some(check),
        _ => None,
    });
    found.collect()
}

/// The check of a node with this name.
fn on(done: &Done, wanted: &str, name: &str) -> Check {
    let mut found = lines(done).into_iter().filter_map(|line| match line {
        DoctorLine::NodeCheck { node, check } if node.as_str() == wanted && check.name == name => {
            Some(check)
        }
        _ => None,
    });
    found
        .next()
        .unwrap_or_else(|| panic!("no {name} of {wanted}: {}", done.transcript()))
}

fn report(done: &Done) -> Report {
    match lines(done).pop() {
        Some(DoctorLine::Report(report)) => report,
        other => panic!("the last line is no report: {other:?}"),
    }
}

fn lines(done: &Done) -> Vec<DoctorLine> {
    let text = done.out();
    let lines = text.lines().enumerate().map(|(place, line)| {
        let line: Envelope<DoctorLine> = serde_json::from_str(line).unwrap();
        assert_eq!(line.seq, place as u64);
        line.event
    });
    lines.collect()
}

/// A login shell that does something before it does what it should.
fn shell(world: &World, name: &str, before: &str) -> std::path::PathBuf {
    let text = format!("#!/bin/sh\n{before}\nexec /bin/sh \"$@\"\n");
    let path = world.write(&format!("shells/{name}"), &text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn without_an_inventory_it_looks_at_this_machine() {
    let world = World::new();
    let done = world.tow(["doctor"]).expect(0);
    let out = done.out();
    assert!(out.starts_with("this machine\n"), "{out}");
    for words in ["no towline.yaml", "id_ed25519 (ssh-ed25519)", "none yet"] {
        assert!(out.contains(words), "{words:?}: {out}");
    }
    assert!(!out.contains("\n\n"), "nodes where there are none: {out}");
    assert!(done.err().contains("checks well"), "{}", done.err());
}

#[test]
fn a_key_that_others_can_read_fails_and_what_it_says_mends_it() {
    let world = World::new();
    let key = world.path("home/.ssh/id_ed25519");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let done = world.tow(["doctor", "--output", "json"]).expect(1);
    let check = client(&done, "key").remove(0);
    assert_eq!(check.level, Level::Fail);
    assert!(!report(&done).success);
    type_line(&check.mend.unwrap());
    let done = world.tow(["doctor", "--output", "json"]).expect(0);
    assert_eq!(client(&done, "key")[0].level, Level::Ok);
}

#[test]
fn broken_and_repeated_host_keys_are_told_and_what_it_says_mends_them() {
    let world = World::with(&["web-01"]);
    let good = world.node("web-01").known_hosts_line().unwrap();
    let good = good.trim_end();
    let text = format!("{good}\nbroken ssh-ed25519 AAAA\n{good}\n# mine\n");
    world.write("home/.ssh/known_hosts", &text);
    let words = ["doctor", "--output", "json"];
    let done = world.tow(words).expect(0);
    let checks = client(&done, "known hosts");
    assert!(
        checks[0]
            .found
            .contains("known_hosts:2: the key can not be read")
    );
    assert!(checks[1].found.starts_with("1 line says again"));
    assert!(checks.iter().all(|check| check.level == Level::Warn));

    // From the end, as each deletion moves the lines behind it.
    for check in checks.into_iter().rev() {
        type_line(&check.mend.unwrap());
    }
    assert_eq!(
        world.read("home/.ssh/known_hosts"),
        format!("{good}\n# mine\n")
    );
    let done = world.tow(words).expect(0);
    assert_eq!(client(&done, "known hosts")[0].level, Level::Ok);
}

/// As a user would.
fn type_line(line: &str) {
    let status = Command::new("sh").arg("-c").arg(line).status().unwrap();
    assert!(status.success(), "{line}");
}

#[test]
fn an_agent_that_is_gone_is_a_warning() {
    let world = World::new();
    let socket = world.path("agent");
    let done = world
        .tow(["doctor"])
        .env("SSH_AUTH_SOCK", &socket.to_string_lossy())
        .expect(0);
    assert!(done.out().contains("! agent"), "{}", done.out());
    assert!(done.out().contains("→ start one"), "{}", done.out());
}

#[test]
fn too_few_open_files_for_the_fan_out_are_told() {
    let world = World::new();
    let done = world
        .tow(["doctor", "-f", "200"])
        .below(&["prlimit", "--nofile=256:256"])
        .expect(0);
    assert!(done.out().contains("→ ulimit -n 640"), "{}", done.out());
}

#[test]
fn an_inventory_that_can_not_be_read_does_not_end_it() {
    let world = World::new();
    world.write("work/towline.yaml", "nodes: [{id: a, hots: b}]\n");
    let done = world.tow(["doctor"]).expect(1);
    assert!(done.out().contains("✗ inventory"), "{}", done.out());
    assert!(
        done.out().contains("did you mean `host`?"),
        "{}",
        done.out()
    );
    assert!(done.out().contains("✓ known hosts"), "{}", done.out());
}

#[test]
fn a_group_that_can_not_be_selected_is_found_before_it_is_used() {
    let world = World::with(&["web-01"]);
    world.list_nodes("groups: {front: [web-01, web-09]}\n");
    let done = world.tow(["doctor", "--output", "json"]).expect(1);
    let check = client(&done, "groups").remove(0);
    assert_eq!(check.level, Level::Fail);
    assert!(check.found.contains("web-09"), "{}", check.found);
}

#[test]
fn what_ssh_config_asks_for_in_vain_is_told_by_name() {
    let world = World::new();
    world.write(
        "home/.ssh/config",
        "Host *\n  StrictHostKeyChecking no\n  LocalForward 8080 localhost:80\n",
    );
    let done = world.tow(["doctor"]).expect(0);
    let out = done.out();
    assert!(
        out.contains("StrictHostKeyChecking=no is not honoured"),
        "{out}"
    );
    assert!(out.contains("! ssh_config        localforward ("), "{out}");
}

#[test]
fn nodes_with_the_same_findings_stand_together() {
    let mut world = World::with(&["web-01", "web-02"]);
    let loud = shell(&world, "sh", "echo Welcome to web-03");
    world.start(world.template().name("web-03").shell(loud));
    world.start(world.template().name("web-04"));
    world.fault("web-04", |faults| faults.refuse_auth = true);
    let done = world.tow(["doctor"]).expect(4);
    let out = done.out();
    assert!(out.contains("\n\nweb-[01-03] (3)\n  ✓ login"), "{out}");
    assert!(
        out.contains("\n\nweb-[01-02] (2)\n  ✓ shell start-up"),
        "{out}"
    );
    assert!(
        out.contains(
            "\n\nweb-03\n  ! shell start-up    prints before every command: \"Welcome to web-03\"\n"
        ),
        "{out}"
    );
    assert!(out.contains("\n\nweb-04\n  ✗ login"), "{out}");
    assert!(out.contains("ssh-copy-id"), "{out}");
}

#[test]
fn a_check_that_fails_on_a_node_counts_for_the_report_and_the_exit_code() {
    let mut world = World::with(&["web-01"]);
    let odd = shell(&world, "tcsh", "");
    world.start(world.template().name("web-02").shell(odd));
    let done = world.tow(["doctor", "--output", "json"]).expect(5);
    let check = on(&done, "web-02", "login shell");
    assert_eq!(check.level, Level::Fail);
    assert_eq!(check.mend.as_deref(), Some("on the node: chsh -s /bin/sh"));
    assert_eq!(on(&done, "web-01", "login").level, Level::Ok);
    let report = report(&done);
    assert_eq!((report.ok, report.failed, report.success), (1, 1, false));

    let done = world.tow(["doctor", "-w", "web-01"]).expect(0);
    assert!(!done.out().contains("web-02"), "{}", done.out());
}
