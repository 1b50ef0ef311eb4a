//! How `tow exec` spreads over nodes, and when it stops.

use towline_core::event::{Event, FailureKind, Status};

use crate::support::{Done, World};

/// Fails on the nodes whose names end in an odd number.
const ODD_FAILS: &str = "case $HOSTNAME in *[13579]) exit 1 ;; esac";

fn fleet(n: usize) -> World {
    World::with_fleet(n)
}

/// Runs with `flags` on 12 nodes what waits on each until three are there at the same time; how many
/// ever were.
fn meet(world: &World, flags: &[&str], limit: &[&str]) -> (Option<usize>, Done) {
    let meeting = world.path("tmp/meeting");
    std::fs::create_dir(&meeting).unwrap();
    let line = "cd \"$1\"; touch in.$HOSTNAME; ls in.* | wc -l
        until test $(ls | wc -l) -ge 3; do sleep 0.01; done
        mv in.$HOSTNAME out.$HOSTNAME";
    let meeting = meeting.to_string_lossy();
    let command = ["--", "sh", "-c", line, "sh", &meeting];
    let words = [&["exec", "-a", "-N"], flags, &command].concat();
    let done = world.tow(words).below(limit).expect(0);
    let seen = done.out();
    let counts = seen.lines().map(|n| n.trim().parse::<usize>().unwrap());
    (counts.max(), done)
}

#[test]
fn never_more_nodes_than_the_fan_out_at_once_and_never_fewer_without_need() {
    let (most, done) = meet(&fleet(12), &["-f3"], &[]);
    assert_eq!(most, Some(3), "{}", done.out());
}

#[test]
fn never_more_nodes_at_once_than_the_descriptors_allow() {
    let few = ["prlimit", "--nofile=70:70", "--"];
    let (most, done) = meet(&fleet(12), &["-f12"], &few);
    assert_eq!(most, Some(3), "{}", done.out());
    let warning = "3 nodes at a time instead of 12: this process may have only 70 file descriptors";
    assert!(done.err().contains(warning), "{}", done.err());
}

#[test]
fn the_limit_of_descriptors_is_raised_where_that_is_allowed() {
    let few = ["prlimit", "--nofile=70:4096", "--"];
    let (_, done) = meet(&fleet(12), &["-f12"], &few);
    assert!(!done.err().contains("descriptors"), "{}", done.err());
}

#[test]
fn batches_come_one_after_the_other_with_a_gate_and_a_rest_between() {
    let world = fleet(5);
    let gate = "date >> gates; test $(wc -l < gates) -le 5";
    let done = world
        .tow([
            "exec", "-a", "--batch", "40%", "--pause", "10ms", "--gate", gate, "--output", "json",
            "--", "true",
        ])
        .expect(0);
    let mut finished = 0;
    let mut rests = Vec::new();
    for line in done.events() {
        match line.event {
            Event::NodeFinished(_) => finished += 1,
            Event::BatchPause {
                finished: told,
                remaining,
                delay_ms,
            } => {
                assert_eq!((told, delay_ms), (finished, 10));
                rests.push((told, remaining));
            }
            _ => {}
        }
    }
    assert_eq!(rests, [(2, 3), (4, 1)]);
    assert_eq!(world.read("work/gates").lines().count(), 2);
}

#[test]
fn a_gate_that_says_no_stops_before_the_next_batch() {
    let world = fleet(4);
    let words = [
        "exec",
        "-a",
        "--batch",
        "1",
        "--gate",
        "echo no >&2; exit 3",
        "--",
        "true",
    ];
    let done = world.tow(words).expect(1);
    assert!(done.said().contains("stopped: the gate"), "{}", done.err());
    assert!(done.err().contains("1 ok, 3 cancelled"), "{}", done.err());
    let connected = world
        .nodes()
        .iter()
        .filter(|node| node.stats().connections > 0);
    assert_eq!(connected.count(), 1);
}

#[test]
fn no_node_is_begun_after_more_failures_than_allowed() {
    let world = fleet(10);
    for (limit, ok, failed) in [("0", 0, 1), ("1", 1, 2), ("20%", 2, 3), ("100%", 5, 5)] {
        let words = [
            "exec",
            "-a",
            "-f1",
            "--max-fail",
            limit,
            "--output",
            "json",
            "--",
            ODD_FAILS,
        ];
        let report = world.tow(words).expect(5).report();
        assert_eq!(
            (report.ok, report.failed),
            (ok, failed),
            "--max-fail {limit}"
        );
        assert_eq!(report.cancelled, 10 - ok - failed, "--max-fail {limit}");
        assert_eq!(report.stopped.is_some(), limit != "100%");
    }
}

#[test]
fn enough_nodes_that_end_well_are_a_success() {
    let world = fleet(4);
    for (enough, code) in [("0", 5), ("1", 0), ("2", 0), ("3", 5), ("99", 5)] {
        let words = ["exec", "-a", "--min-ok", enough, "--", ODD_FAILS];
        let done = world.tow(words).expect(code);
        assert!(done.err().contains("2 ok, 2 failed"), "{}", done.err());
    }
}

#[test]
fn the_first_failure_ends_everything_on_request() {
    let world = fleet(3);
    let line = "case $HOSTNAME in
        n1) touch begun; exec sleep 1000 ;;
        n2) until test -e \"$1\"; do sleep 0.01; done; exit 9 ;;
      esac";
    let begun = world.node("n1").home().join("begun");
    let begun = begun.to_string_lossy();
    let words = [
        "exec",
        "-a",
        "-f2",
        "--fail-fast",
        "--output",
        "json",
        "--",
        "sh",
        "-c",
        line,
        "sh",
        &begun,
    ];
    let done = world.tow(words).expect(5);
    assert_eq!(done.result("n2").exit_code, Some(9));
    for (node, attempts) in [("n1", 1), ("n3", 0)] {
        let result = done.result(node);
        assert_eq!(
            (result.status, result.attempts),
            (Status::Cancelled, attempts),
            "{node}"
        );
    }
    assert!(done.report().stopped.unwrap().contains("--fail-fast"));
}

#[test]
fn what_may_pass_is_tried_again_and_told() {
    let world = fleet(1);
    world.fault("n1", |faults| faults.reset_connections = 2);
    let words = ["exec", "-a", "--output", "json", "--", "true"];
    let done = world.tow(words).expect(0);
    assert_eq!(done.result("n1").attempts, 3);
    let retries: Vec<u32> = (done.events().iter())
        .filter_map(|line| match &line.event {
            Event::NodeRetry { attempt, error, .. } => {
                assert_eq!(error.kind, FailureKind::Closed);
                Some(*attempt)
            }
            _ => None,
        })
        .collect();
    assert_eq!(retries, [1, 2]);
}

#[test]
fn how_often_is_a_matter_of_a_flag() {
    let world = fleet(1);
    for (retries, code, attempts) in [("0", 4, 1), ("3", 0, 4)] {
        let resets = if code == 0 { 3 } else { 9 };
        world.fault("n1", |faults| faults.reset_connections = resets);
        let words = [
            "exec",
            "-a",
            "--retries",
            retries,
            "--output",
            "json",
            "--",
            "true",
        ];
        let done = world.tow(words).expect(code);
        assert_eq!(done.result("n1").attempts, attempts);
    }
}

#[test]
fn a_connection_that_never_comes_up_is_tried_again_on_request_only() {
    let world = fleet(1);
    world.fault("n1", |faults| faults.hang_before_banner = true);
    for (flags, attempts) in [(&[][..], 1), (&["--retries", "1"], 2)] {
        let words = [
            &["exec", "-a", "-t", "200ms", "--output", "json"],
            flags,
            &["--", "true"],
        ];
        let result = world.tow(words.concat()).expect(4).result("n1");
        assert_eq!(result.attempts, attempts, "{flags:?}");
        assert_eq!(result.error.unwrap().kind, FailureKind::ConnectTimeout);
    }
}

#[test]
fn what_does_not_pass_is_tried_once() {
    let world = fleet(1);
    world.fault("n1", |faults| faults.refuse_auth = true);
    let words = [
        "exec",
        "-a",
        "--retries",
        "9",
        "--output",
        "json",
        "--",
        "true",
    ];
    let result = world.tow(words).expect(4).result("n1");
    assert_eq!(result.attempts, 1);
    assert_eq!(result.error.unwrap().kind, FailureKind::AuthDenied);
    assert_eq!(world.node("n1").stats().connections, 1);
}
