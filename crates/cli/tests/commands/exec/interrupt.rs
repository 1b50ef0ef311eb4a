//! Ctrl-C.

use std::path::Path;

use rustix::process::Signal;

use crate::support::World;

/// Ends at once on the first node; on the second it has a child, and goes on for long.
const LINE: &str = "echo $$ > pid; echo begun >&2; test $HOSTNAME = web-01 && echo done && exit
    sleep 1000 & wait";

/// Whether a process whose number stands in a file is there.
fn is_there(file: &Path) -> bool {
    let pid = std::fs::read_to_string(file).unwrap();
    Path::new("/proc").join(pid.trim()).exists()
}

#[test]
fn the_first_one_ends_the_commands_and_keeps_what_they_wrote() {
    let world = World::with(&["web-01", "web-02"]);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let words = ["exec", "-a", "--output", "json", "--", LINE];
        let running = world.tow(words).start();
        running.await_stdout(r#""node":"web-02","stream":"stderr","data":"begun"#);
        running.await_stdout(r#""type":"node-finished","node":"web-01","status":"ok""#);
        let pid = world.node("web-02").home().join("pid");
        assert!(is_there(&pid));
        running.signal(signal);
        let done = running.done();
        assert_eq!(done.code, Some(130), "{}", done.transcript());
        let told = "interrupted; ending what runs on 1 (web-02). Again: at once";
        assert!(done.err().contains(told), "{}", done.err());
        let report = done.report();
        assert_eq!((report.ok, report.cancelled), (1, 1));
        let error = done.result("web-02").error.unwrap();
        assert_eq!(error.message, "its 2 processes were ended");
        assert!(!is_there(&pid), "it still runs");
    }
}

#[test]
fn what_was_gathered_so_far_is_folded() {
    let world = World::with(&["web-01", "web-02"]);
    let running = world
        .tow(["exec", "-a", "-b", "--outdir", "results", "--", LINE])
        .start();
    let file = |name: &str| world.path("work/results").join(name);
    // Nothing is shown before the end; the files tell that both have begun.
    let begun = || {
        ["web-01.out", "web-02.err"]
            .iter()
            .all(|name| std::fs::read(file(name)).is_ok_and(|text| !text.is_empty()))
    };
    crate::support::wait_until(begun);
    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(130), "{}", done.transcript());
    for block in [
        "web-01\n---------------\ndone\n",
        "web-02 cancelled\n",
        "stderr: begun\n",
    ] {
        assert!(done.out().contains(block), "{}", done.transcript());
    }
}

#[test]
fn the_second_one_ends_it_at_once() {
    let world = World::with(&["web-02"]);
    let running = world.tow(["exec", "-a", "--", LINE]).start();
    running.await_stderr("begun");
    // The node will not answer, so that ending what runs there would take its time.
    world.fault("web-02", |faults| faults.freeze = true);
    running.signal(Signal::INT);
    running.await_stderr("Again: at once");
    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(130));
    assert!(!done.err().contains("1 cancelled"), "{}", done.err());
}

#[test]
fn a_node_that_does_not_answer_does_not_hold_up_the_end() {
    let world = World::with(&["web-02"]);
    let running = world.tow(["exec", "-a", "--", LINE]).start();
    running.await_stderr("begun");
    world.fault("web-02", |faults| faults.freeze = true);
    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(130), "{}", done.transcript());
    assert!(done.err().contains("1 cancelled"), "{}", done.err());
    assert!(done.said().contains("may still run"), "{}", done.err());
}

#[test]
fn at_a_terminal_it_is_typed() {
    let world = World::with(&["web-01", "web-02"]);
    let mut screen = world.tow(["exec", "-a", "--", LINE]).on_terminal(80);
    screen.await_text("1/2 done, 1 running: web-02");
    screen.enter("\x03");
    let done = screen.done();
    assert_eq!(done.code, Some(130), "{}", done.transcript());
    let plain = anstream::adapter::strip_str(&done.out()).to_string();
    assert!(plain.contains("tow: warning: interrupted"), "{plain}");
    assert!(plain.contains("1 ok, 1 cancelled"), "{plain}");
}

#[test]
fn a_run_that_waits_for_a_connection_or_a_batch_is_ended_as_well() {
    let world = World::with(&["web-01", "web-02"]);
    world.fault("web-01", |faults| faults.hang_before_banner = true);
    let running = world
        .tow(["exec", "-w", "web-01", "-t", "1h", "--", "true"])
        .start();
    crate::support::wait_until(|| world.node("web-01").stats().connections > 0);
    running.signal(Signal::INT);
    assert_eq!(running.done().code, Some(130));

    world.fault("web-01", |faults| faults.hang_before_banner = false);
    let words = [
        "exec", "-a", "--batch", "1", "--pause", "1h", "--", "echo hi",
    ];
    let running = world.tow(words).start();
    running.await_stdout("web-01: hi");
    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(130), "{}", done.transcript());
    assert!(done.err().contains("1 ok, 1 cancelled"), "{}", done.err());
}
