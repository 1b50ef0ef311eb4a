//! Ctrl-C.

use rustix::process::Signal;

use crate::support::World;

#[test]
fn the_first_one_ends_the_commands_and_keeps_what_they_wrote() {
    let world = World::with(&["web-01", "web-02"]);
    let line = "echo begun >&2; test $HOSTNAME = web-01 || exec sleep 1000; echo done";
    let running = world.tow(["exec", "-a", "--", line]).start();
    running.await_stderr("web-02: begun");
    running.await_stdout("web-01: done");
    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(130), "{}", done.transcript());
    assert!(
        done.err()
            .contains("interrupted; ending what runs on 1 (web-02)"),
        "{}",
        done.err()
    );
    assert!(done.err().contains("1 ok, 1 cancelled"), "{}", done.err());
}
