//! Machines that go away while something is done on them.

use std::time::{Duration, Instant};

use towline_core::event::{FailureKind, Status};

use crate::{
    ground::{Ground, bed, eventually, word},
    support::Tow,
};

/// `tow exec` on all nodes that notices after four seconds when one is silent.
fn watchful(ground: &Ground, line: &str) -> Tow {
    ground
        .tow([
            "exec",
            "-a",
            "--output",
            "json",
            "-t",
            "2",
            "--retries",
            "0",
        ])
        .and(["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=3"])
        .and(["--", line])
}

#[test]
fn a_node_that_is_cut_off_midway_is_lost_in_bounded_time_and_the_others_finish() {
    let ground = Ground::alone(&["n3"]);
    let word = word();
    let line = [
        "echo begun; test $(hostname) != n3 || exec sleep 1000; : ",
        &word,
    ]
    .concat();
    let running = watchful(&ground, &line).start();
    eventually("sleep runs on n3", || {
        !ground.processes("n3", "sleep 1000").is_empty()
    });
    running.await_stdout(r#""node":"n3","stream":"stdout""#);
    bed().cut(ground.node("n3")).unwrap();
    let cut = Instant::now();
    let done = running.done();
    let took = cut.elapsed();
    assert_eq!(done.code, Some(4), "{}", done.transcript());
    for other in ["n1", "n2"] {
        assert_eq!(done.result(other).status, Status::Ok);
    }
    let error = done.result("n3").error.unwrap();
    assert_eq!(error.kind, FailureKind::Closed, "{error:?}");
    assert!(error.message.contains("may still run"), "{error:?}");
    assert!(took < Duration::from_secs(8), "noticed after {took:?}");

    let begun = Instant::now();
    let done = watchful(&ground, "hostname").run();
    assert_eq!(done.code, Some(4), "{}", done.transcript());
    let result = done.result("n3");
    assert_eq!(result.status, Status::Unreachable);
    assert_eq!(result.error.unwrap().kind, FailureKind::ConnectTimeout);
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );

    bed().heal(ground.node("n3")).unwrap();
    watchful(&ground, "hostname").expect(0);
}

#[test]
fn a_node_that_comes_back_in_time_loses_nothing() {
    let ground = Ground::alone(&["n3"]);
    let line = "echo begun; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; echo $i; done";
    let running = ground.tow(["exec", "-w", "n3", "-N", "--", line]).start();
    running.await_stdout("begun");
    bed().cut(ground.node("n3")).unwrap();
    // Long enough for something to be sent into the void.
    let cut = Instant::now();
    eventually("one second without a network", || {
        cut.elapsed() > Duration::from_secs(1)
    });
    bed().heal(ground.node("n3")).unwrap();
    let done = running.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    assert_eq!(done.out(), "begun\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

#[test]
fn a_node_without_sshd_refuses_and_the_others_answer() {
    let ground = Ground::alone(&["n3"]);
    bed().stop_sshd(ground.node("n3")).unwrap();
    let done = watchful(&ground, "hostname").run();
    assert_eq!(done.code, Some(4), "{}", done.transcript());
    assert_eq!(done.report().ok, 2);
    let error = done.result("n3").error.unwrap();
    assert_eq!(error.kind, FailureKind::Refused);
    assert!(error.hint.unwrap().contains("sshd"));
}

#[test]
fn a_node_whose_sshd_comes_back_between_two_attempts_is_reached() {
    let ground = Ground::alone(&["n3"]);
    bed().stop_sshd(ground.node("n3")).unwrap();
    let running = ground
        .tow([
            "exec",
            "-w",
            "n3",
            "--output",
            "json",
            "--retries",
            "20",
            "--",
            "hostname",
        ])
        .start();
    running.await_stdout("node-retry");
    bed().start_sshd(ground.node("n3")).unwrap();
    let done = running.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    assert!(done.result("n3").attempts > 1);
}

#[test]
fn a_killed_sshd_is_noticed_at_once() {
    let ground = Ground::alone(&["n3"]);
    let running = watchful(&ground, "echo begun; test $(hostname) != n3 || sleep 1000").start();
    running.await_stdout(r#""node":"n3","stream":"stdout""#);
    let begun = Instant::now();
    // The listener lives on; what serves this connection does not.
    ground.inside("n3", &["pkill", "-KILL", "-f", "sshd: admin"]);
    let done = running.done();
    assert_eq!(done.code, Some(4), "{}", done.transcript());
    assert_eq!(done.result("n3").error.unwrap().kind, FailureKind::Closed);
    assert_eq!(done.report().ok, 2);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    ground.inside("n3", &["pkill", "-KILL", "-x", "sleep"]);
}

#[test]
fn a_node_that_loses_its_power_is_lost_and_can_be_used_when_it_is_back() {
    let ground = Ground::alone(&["n3"]);
    let running = watchful(&ground, "echo begun; test $(hostname) != n3 || sleep 1000").start();
    running.await_stdout(r#""node":"n3","stream":"stdout""#);
    let begun = Instant::now();
    bed().power_off(ground.node("n3")).unwrap();
    let done = running.done();
    assert_eq!(done.code, Some(4), "{}", done.transcript());
    assert_eq!(done.result("n3").error.unwrap().kind, FailureKind::Closed);
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    bed().power_on(ground.node("n3")).unwrap();
    watchful(&ground, "hostname").expect(0);
}

#[test]
fn a_command_that_ends_the_sshd_it_came_by_is_told_as_lost() {
    let ground = Ground::alone(&["n3"]);
    let done = ground
        .tow(["exec", "-w", "n3", "--output", "json", "--become", "--"])
        .and(["systemctl kill --signal=KILL ssh.service; sleep 1000"])
        .expect(4);
    let result = done.result("n3");
    assert_eq!(result.error.unwrap().kind, FailureKind::Closed);
    assert_eq!(result.attempts, 1, "what may have run is not run again");
}
