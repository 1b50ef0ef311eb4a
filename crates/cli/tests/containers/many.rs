//! Many at once, where sshd has Debian's own limits: MaxStartups 10:30:100, MaxSessions 10.

use std::fmt::Write as _;

use crate::ground::{Ground, bed};

#[test]
fn sixty_four_nodes_behind_a_bastion_all_answer() {
    let ground = Ground::alone(&["n2", "n3"]);
    bed()
        .only_reachable_through(ground.node("n3"), ground.node("n2"))
        .unwrap();
    let mut more = String::new();
    let to = ground.node("n3").address;
    for number in 1..=64 {
        writeln!(more, "  - {{id: inner-{number}, host: {to}, jump: n2}}").unwrap();
    }
    ground.inventory(&more);
    let done = ground
        .tow([
            "exec",
            "-w",
            "inner-*",
            "-b",
            "-f",
            "64",
            "--",
            "sleep 0.5; hostname",
        ])
        .expect(0);
    assert!(
        done.out().contains("inner-[1-64] (64)"),
        "{}",
        done.transcript()
    );
    assert!(done.out().ends_with("\nn3\n"), "{}", done.transcript());
}

#[test]
fn sixty_four_commands_at_once_on_one_machine_all_end_well() {
    let ground = Ground::alone(&["n3"]);
    let mut more = String::new();
    let to = ground.node("n3").address;
    for number in 1..=64 {
        writeln!(more, "  - {{id: same-{number}, host: {to}}}").unwrap();
    }
    ground.inventory(&more);
    let done = ground
        .tow([
            "exec",
            "-w",
            "same-*",
            "-b",
            "--retries",
            "0",
            "--",
            "sleep 0.5; hostname",
        ])
        .expect(0);
    assert!(
        done.out().contains("same-[1-64] (64)"),
        "{}",
        done.transcript()
    );
}

#[test]
fn sixteen_runs_of_tow_at_once_share_a_machine() {
    let ground = Ground::alone(&["n3"]);
    // Each is a connection of its own, which sshd begins to refuse at random beyond ten.
    ground.tow(["exec", "-w", "n3", "--", "true"]).expect(0);
    let runs: Vec<_> = (0..16)
        .map(|_| {
            ground
                .tow(["exec", "-w", "n3", "-N", "--retries", "8", "--", "hostname"])
                .start()
        })
        .collect();
    for run in runs {
        let done = run.done();
        assert_eq!(done.code, Some(0), "{}", done.transcript());
        assert_eq!(done.out(), "n3\n");
    }
}
