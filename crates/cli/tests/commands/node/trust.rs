//! `tow node trust`.

use crate::support::{World, snapshot};

#[test]
fn whoever_says_yes_at_the_terminal_pins_the_key() {
    let world = World::with(&["web-01"]);
    let mut screen = world.tow(["node", "trust", "web-01"]).on_terminal(80);
    screen.await_text("[y/N]");
    screen.enter("y\n");
    let done = screen.done();
    snapshot!(world, done);
    let known = world.read("home/.ssh/known_hosts");
    let line = world.node("web-01").known_hosts_line().unwrap();
    assert!(
        known.contains(line.trim_end().split(' ').nth(2).unwrap()),
        "{known}"
    );
}

#[test]
fn whoever_says_no_or_nothing_pins_nothing() {
    let world = World::with(&["web-01"]);
    for answer in ["n\n", "\n", "maybe\n"] {
        let mut screen = world.tow(["node", "trust", "web-01"]).on_terminal(80);
        screen.await_text("[y/N]");
        screen.enter(answer);
        let done = screen.done();
        assert_ne!(done.code, Some(0), "{}", done.transcript());
        assert!(done.out().contains("not pinned"), "{}", done.transcript());
    }
    let done = world.tow(["node", "trust", "web-01"]).run();
    assert_ne!(done.code, Some(0), "{}", done.transcript());
    assert!(
        done.err().contains("--yes or --fingerprint"),
        "{}",
        done.err()
    );
    assert!(!world.path("home/.ssh/known_hosts").exists());
}

#[test]
fn a_changed_key_takes_the_place_of_the_old_one() {
    let world = World::with(&["web-01"]);
    let trust = ["node", "trust", "web-01", "-y"];
    let first = world.tow(trust).expect(0);
    assert!(first.out().contains("none was known"), "{}", first.out());
    let again = world.tow(trust).expect(0);
    assert!(
        again.out().contains("is trusted already"),
        "{}",
        again.out()
    );
    world.fault("web-01", |faults| faults.other_host_key = true);
    world.tow(["exec", "-a", "--", "true"]).expect(4);
    let changed = world.tow(trust).expect(0);
    assert!(
        changed.out().contains("known until now"),
        "{}",
        changed.out()
    );
    assert!(
        changed.out().contains("no longer trusted"),
        "{}",
        changed.out()
    );
    world.tow(["exec", "-a", "--", "true"]).expect(0);
}

#[test]
fn only_the_key_that_was_expected_is_pinned() {
    let world = World::with(&["web-01"]);
    let wrong = format!("SHA256:{}", "A".repeat(43));
    let done = world
        .tow(["node", "trust", "web-01", "--fingerprint", &wrong])
        .run();
    assert_ne!(done.code, Some(0), "{}", done.transcript());
    assert!(done.err().contains(&wrong), "{}", done.err());
    let offered = done.out();
    let at = offered.find("SHA256:").unwrap();
    let right = &offered[at..at + 50];
    world
        .tow(["node", "trust", "web-01", "--fingerprint", right])
        .expect(0);
    world
        .tow(["exec", "-a", "--strict-host-keys", "--", "true"])
        .expect(0);
}

#[test]
fn a_node_that_is_not_there_is_told_and_the_others_are_pinned() {
    let mut world = World::with(&["web-01", "web-02"]);
    let gone = world.stop("web-01");
    let done = world
        .tow(["node", "trust", "-y", "-w", &gone, "-w", "web-02"])
        .expect(4);
    assert!(
        done.said().contains("refused the connection"),
        "{}",
        done.err()
    );
    assert!(done.out().contains("web-02: pinned"), "{}", done.out());
}
