//! How `tow exec` ends: each exit code, and what is said on the way.

use crate::support::World;

/// Ends as its own name says.
const BY_NAME: &str = "case $HOSTNAME in
    ok-*) exit 0 ;;
    failed-*) exit 7 ;;
    killed-*) kill -KILL $$ ;;
    slow-*) exec sleep 1000 ;;
  esac";

fn fleet() -> World {
    let mut world = World::with(&["ok-1", "failed-1", "killed-1", "slow-1"]);
    world.start(world.template().name("away-1"));
    world.fault("away-1", |faults| faults.refuse_auth = true);
    world
}

#[test]
fn the_exit_code_tells_what_is_worst_and_is_never_0_on_a_failure() {
    let world = fleet();
    for (nodes, code) in [
        ("ok-1", 0),
        ("failed-1", 5),
        ("ok-1,failed-1", 5),
        ("killed-1", 3),
        ("failed-1,killed-1", 3),
        ("slow-1,failed-1", 3),
        ("away-1", 4),
        ("ok-1,failed-1,killed-1,away-1", 4),
    ] {
        let line = ["exec", "-w", nodes, "-u", "1", "--", BY_NAME];
        let done = world.tow(line).expect(code);
        assert_eq!(done.out(), "", "{nodes}");
    }
}

#[test]
fn on_request_it_is_the_highest_code_of_a_command() {
    let world = fleet();
    for (nodes, code) in [
        ("ok-1", 0),
        ("ok-1,failed-1", 7),
        ("failed-1,away-1", 7),
        ("away-1", 4),
    ] {
        let line = ["exec", "-S", "-w", nodes, "--", BY_NAME];
        world.tow(line).expect(code);
    }
}

#[test]
fn a_command_whose_time_is_up_is_ended_with_all_it_started() {
    let world = World::with(&["web-01"]);
    let line = "echo begun; (sleep 1000; touch late) & sleep 1000";
    let done = world
        .tow(["exec", "-a", "-u", "500ms", "--", line])
        .expect(3);
    assert_eq!(done.out(), "web-01: begun\n");
    for words in ["not done after 500ms", "-u SECONDS", "1 timed out"] {
        assert!(done.said().contains(words), "{}", done.err());
    }
}

#[test]
fn a_node_that_is_not_there_is_told_with_what_to_do() {
    let mut world = World::with(&["web-01"]);
    let gone = world.stop("web-01");
    let line = ["exec", "-w", &gone, "--retries", "0", "--", "true"];
    let done = world.tow(line).expect(4);
    for words in ["refused the connection", "is sshd running", "1 unreachable"] {
        assert!(done.said().contains(words), "{}", done.err());
    }
}

#[test]
fn a_node_that_never_answers_is_given_up_after_the_connect_timeout() {
    let world = World::with(&["web-01"]);
    world.fault("web-01", |faults| faults.hang_before_banner = true);
    let line = ["exec", "-a", "-t", "300ms", "--", "true"];
    let done = world.tow(line).expect(4);
    for words in ["did not answer within 0.3 s", "-t SECONDS"] {
        assert!(done.said().contains(words), "{}", done.err());
    }
}

#[test]
fn another_host_key_is_a_hard_failure_with_both_and_the_way_to_trust_it_again() {
    let world = World::with(&["web-01"]);
    world.tow(["exec", "-a", "--", "true"]).expect(0);
    world.fault("web-01", |faults| faults.other_host_key = true);
    let done = world.tow(["exec", "-a", "--", "touch ran"]).expect(4);
    let prints = done.err().matches("SHA256:").count();
    assert!(prints >= 2, "{}", done.err());
    assert!(
        done.err().contains("tow node trust web-01"),
        "{}",
        done.err()
    );
    assert!(!world.node("web-01").home().join("ran").exists());
}

#[test]
fn an_unknown_host_key_is_refused_on_request() {
    let world = World::with(&["web-01"]);
    let line = ["exec", "-a", "--strict-host-keys", "--", "true"];
    let done = world.tow(line).expect(4);
    assert!(
        done.err().contains("tow node trust web-01"),
        "{}",
        done.err()
    );
    world.tow(["node", "trust", "web-01", "-y"]).expect(0);
    world.tow(line).expect(0);
}

#[test]
fn a_connection_that_is_lost_midway_is_a_failure_and_never_run_twice() {
    let world = World::with(&["web-01"]);
    let running = world
        .tow([
            "exec",
            "-a",
            "--",
            "echo x >> runs; echo begun; exec sleep 1000",
        ])
        .start();
    running.await_stdout("begun");
    world.node("web-01").cut_connections();
    let done = running.done();
    assert_eq!(done.code, Some(4), "{}", done.transcript());
    assert!(
        done.said().contains("may still run on the node"),
        "{}",
        done.err()
    );
    let runs = std::fs::read_to_string(world.node("web-01").home().join("runs")).unwrap();
    assert_eq!(runs, "x\n");
}
