//! The line that tells how far a run is.

use crate::support::World;

/// Waits on one node until a file appears there; the others end at once.
const LINE: &str = "case $HOSTNAME in n2) until test -e go; do sleep 0.05; done ;; esac; echo hi";

#[test]
fn a_terminal_is_told_how_far_it_is_and_whom_is_waited_for() {
    let world = World::with_fleet(3);
    let screen = world.tow(["exec", "-a", "-b", "--", LINE]).on_terminal(80);
    screen.await_text("2/3 done, 1 running: n2");
    std::fs::write(world.node("n2").home().join("go"), "").unwrap();
    let done = screen.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    let (told, shown) = done
        .out()
        .split_once("\r\x1b[K")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert!(told.contains("done"), "{told:?}");
    let rest = shown.rsplit("\r\x1b[K").next().unwrap();
    assert!(!rest.contains("/3 done"), "it is gone in the end: {rest:?}");
    assert!(rest.contains("n[1-3]"), "{rest:?}");
}

#[test]
fn output_never_mixes_with_it() {
    let world = World::with_fleet(2);
    let line = "case $HOSTNAME in n2) until test -e go; do sleep 0.05; done ;; esac; echo hi; \
        sleep 0.1; echo end >&2";
    let screen = world.tow(["exec", "-a", "--", line]).on_terminal(80);
    screen.await_text("1/2 done, 1 running: n2");
    std::fs::write(world.node("n2").home().join("go"), "").unwrap();
    let done = screen.done();
    for line in done.out().lines() {
        let last = line.rsplit("\r\x1b[K").next().unwrap();
        let plain = anstream::adapter::strip_str(last).to_string();
        assert!(!plain.contains("/2 done"), "{}", done.transcript());
    }
}

#[test]
fn nobody_else_is_told() {
    let world = World::with_fleet(2);
    let slow = ["exec", "-a", "-b", "--", "sleep 1; echo hi"];
    let done = world.tow(slow).env("CLICOLOR_FORCE", "1").expect(0);
    assert!(!done.err().contains("running"), "{}", done.transcript());
    for form in ["json", "plain"] {
        let words = ["exec", "-a", "--output", form, "--", "sleep 1; echo hi"];
        let done = world.tow(words).on_terminal(80).done();
        assert!(!done.out().contains("1 running"), "{}", done.transcript());
        assert!(!done.out().contains("\x1b[K"), "{}", done.transcript());
    }
}
