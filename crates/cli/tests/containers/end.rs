//! What is interrupted or takes too long is ended on the node: all of it, and nothing else.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use towline_core::event::{FailureKind, Status};

use crate::{
    ground::{Ground, bed, eventually, word},
    support::{Done, Running, Tow},
};

/// How long a tree may live on once it is to be ended.
const SOON: Duration = Duration::from_secs(2);

/// Allowance for a machine that does other things too.
const LOADED: Duration = Duration::from_secs(3);

/// A line that starts a small forest: a child, one that ignores signals, one in a session of its
/// own, and one whose parent has gone. Each carries the word in its command line.
fn forest(word: &str) -> String {
    let kinds = [
        "sh -c 'while :; do sleep 1; done' WORD &",
        "sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' WORD &",
        "setsid sh -c 'while :; do sleep 1; done' WORD &",
        "(setsid nohup sh -c 'while :; do sleep 1; done' WORD >/dev/null 2>&1 </dev/null &);",
        "echo begun; sh -c 'while :; do sleep 1; done' WORD; true",
    ];
    kinds.join(" ").replace("WORD", word)
}

/// One with the same command line, of the same user, that `tow` has nothing to do with.
fn innocent(ground: &Ground, user: &str, word: &str) -> String {
    let line = ["sh -c 'while :; do sleep 1; done' ", word, " innocent"].concat();
    let detached = ["setsid ", &line, " >/dev/null 2>&1 </dev/null &"].concat();
    ground.inside("n1", &["runuser", "-u", user, "--", "sh", "-c", &detached]);
    let all = ground.processes("n1", &[word, " innocent"].concat());
    all.first().unwrap().clone()
}

/// Checks that of what carries the word only the innocent one lives, and ends that.
fn only_the_innocent_one_lives(ground: &Ground, word: &str, innocent: &str) {
    let left = ground.processes("n1", word);
    assert_eq!(left, [innocent], "these should be gone");
    let pid = innocent.split_whitespace().next().unwrap();
    ground.inside("n1", &["kill", "-KILL", pid]);
}

fn begin(tow: Tow, ground: &Ground, word: &str) -> Running {
    let running = tow.start();
    running.await_stdout("begun");
    eventually("the forest stands", || {
        ground.processes("n1", word).len() > 5
    });
    running
}

/// Interrupts a run and says how it ended, and that it was soon.
fn interrupt(running: Running) -> Done {
    running.signal(Signal::INT);
    let begun = Instant::now();
    let done = running.done();
    let took = begun.elapsed();
    assert_eq!(done.code, Some(130), "{}", done.transcript());
    assert!(took < LOADED, "it took {took:?}");
    done
}

#[test]
fn an_interrupt_ends_the_whole_tree_and_nothing_else() {
    let ground = Ground::shared();
    let word = word();
    let innocent = innocent(&ground, "admin", &word);
    let tow = ground.tow(["exec", "-w", "n1", "--output", "json", "--", &forest(&word)]);
    let done = interrupt(begin(tow, &ground, &word));
    only_the_innocent_one_lives(&ground, &word, &innocent);
    let result = done.result("n1");
    assert_eq!(result.status, Status::Cancelled);
    assert!(
        result
            .error
            .unwrap()
            .message
            .contains("processes were ended")
    );
}

#[test]
fn an_interrupt_ends_what_sudo_has_started() {
    let ground = Ground::shared();
    for user in ["root", "towline"] {
        let word = word();
        let innocent = innocent(&ground, user, &word);
        let tow = ground.tow(["exec", "-w", "n1", "--output", "json"]).and([
            &["--become=", user].concat(),
            "--",
            &forest(&word),
        ]);
        let done = interrupt(begin(tow, &ground, &word));
        only_the_innocent_one_lives(&ground, &word, &innocent);
        assert_eq!(done.result("n1").status, Status::Cancelled, "{user}");
    }
}

#[test]
fn an_interrupt_ends_what_sudo_and_doas_have_started_for_a_password() {
    let ground = Ground::shared();
    for method in ["sudo", "doas"] {
        let word = word();
        let innocent = innocent(&ground, "root", &word);
        let mut screen = ground
            .tow([
                "exec",
                "-w",
                "n1",
                "-l",
                "ops",
                "-K",
                "--become-method",
                method,
            ])
            .and(["--", &forest(&word)])
            .on_terminal(200);
        screen.await_text("Password for");
        screen.enter(bed().ops_password());
        screen.enter("\n");
        screen.await_text("begun");
        eventually("the forest stands", || {
            ground.processes("n1", &word).len() > 5
        });
        let begun = Instant::now();
        screen.enter("\x03");
        let done = screen.done();
        let took = begun.elapsed();
        assert_eq!(done.code, Some(130), "{method}: {}", done.transcript());
        assert!(took < LOADED, "{method}: {took:?}");
        only_the_innocent_one_lives(&ground, &word, &innocent);
    }
}

#[test]
fn a_command_whose_time_is_up_is_ended_with_all_it_started() {
    let ground = Ground::shared();
    for more in [&[][..], &["--become"], &["--pty"]] {
        let word = word();
        let innocent = innocent(&ground, "admin", &word);
        let begun = Instant::now();
        let done = ground
            .tow(["exec", "-w", "n1", "-u", "1", "--output", "json"])
            .and(more)
            .and(["--", &forest(&word)])
            .expect(3);
        let took = begun.elapsed();
        only_the_innocent_one_lives(&ground, &word, &innocent);
        let result = done.result("n1");
        assert_eq!(result.status, Status::Timeout, "{more:?}");
        let error = result.error.unwrap();
        assert_eq!(error.kind, FailureKind::Timeout, "{more:?}");
        assert!(
            took < Duration::from_secs(1) + SOON + LOADED,
            "{more:?}: {took:?}"
        );
    }
}

#[test]
fn a_tow_that_is_killed_itself_leaves_nothing_that_reads_or_writes() {
    let ground = Ground::shared();
    let word = word();
    let line = ["echo begun; while echo ", &word, "; do sleep 0.1; done"].concat();
    let running = ground.tow(["exec", "-w", "n1", "--", &line]).start();
    running.await_stdout("begun");
    running.signal(Signal::KILL);
    eventually("it ends by itself", || {
        ground.processes("n1", &word).is_empty()
    });
    assert_eq!(running.done().code, None);
}
