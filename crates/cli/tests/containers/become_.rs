//! Being another account, by the sudo and doas of Debian.

use std::time::{Duration, Instant};

use towline_core::event::FailureKind;

use crate::{
    ground::{Ground, NODES, bed, word},
    support::Screen,
};

#[test]
fn without_a_password_where_none_is_wanted() {
    let ground = Ground::shared();
    for method in ["sudo", "doas"] {
        let done = ground
            .tow(["exec", "-a", "-b", "--become", "--become-method", method])
            .and(["--", "id -un; id -u"])
            .expect(0);
        let out = done.out();
        assert!(out.contains("\nn[1-3] (3)\n"), "{method}: {out}");
        assert!(out.ends_with("root\n0\n"), "{method}: {out}");
    }
}

#[test]
fn another_account_than_root() {
    let ground = Ground::shared();
    let done = ground
        .tow([
            "exec",
            "-w",
            "n1",
            "-N",
            "--become=towline",
            "--",
            "id",
            "-un",
        ])
        .expect(0);
    assert_eq!(done.out(), "towline\n");
}

#[test]
fn an_account_that_is_not_there_is_refused_with_the_words_of_sudo() {
    let ground = Ground::shared();
    let done = ground
        .tow([
            "exec",
            "-w",
            "n1",
            "--output",
            "json",
            "--become=nobody-there",
            "--",
            "id",
        ])
        .expect(5);
    let error = done.result("n1").error.unwrap();
    assert_eq!(error.kind, FailureKind::Become);
    assert!(error.message.contains("unknown user"), "{}", error.message);
}

#[test]
fn where_a_password_is_wanted_and_none_is_given_the_flag_for_it_is_named() {
    let ground = Ground::shared();
    for method in ["sudo", "doas"] {
        let begun = Instant::now();
        let done = ground
            .tow([
                "exec", "-w", "n1", "-l", "ops", "--output", "json", "--become",
            ])
            .and(["--become-method", method, "--", "id"])
            .expect(5);
        let error = done.result("n1").error.unwrap();
        assert_eq!(error.kind, FailureKind::Become, "{method}");
        assert!(error.hint.unwrap().contains("-K"), "{method}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{method}");
    }
}

/// A line on all nodes as root by way of `ops`, whose sudo and doas want a password.
fn with_password(ground: &Ground, method: &str, password: &str, line: &str) -> Screen {
    let mut screen = ground
        .tow(["exec", "-a", "-l", "ops", "-K", "--become-method", method])
        .and(["--output", "plain", "--", line])
        .on_terminal(200);
    screen.await_text("Password for");
    screen.enter(password);
    screen.enter("\n");
    screen
}

/// Whether a text stands in the command line or environment of a process of a node.
fn stands_in_a_process(ground: &Ground, node: &str, text: &str) -> bool {
    let search = "grep -laF -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ";
    let argv = ["/bin/sh", "-c", search];
    let found = bed().exec_with_input(ground.node(node), &argv, text.as_bytes());
    !found.unwrap().stdout.is_empty()
}

#[test]
fn the_password_is_given_and_is_seen_nowhere() {
    let ground = Ground::shared();
    let secret = bed().ops_password();
    for method in ["sudo", "doas"] {
        let word = word();
        let line = [
            "id -un; cat; until test -e /tmp/",
            &word,
            "; do sleep 0.1; done",
        ]
        .concat();
        let screen = with_password(&ground, method, secret, &line);
        for node in NODES {
            screen.await_text(&[node, ": root"].concat());
            assert!(stands_in_a_process(&ground, node, &word), "{method}: blind");
            assert!(!stands_in_a_process(&ground, node, secret), "{method}");
        }
        for node in NODES {
            ground.inside(node, &["touch", &["/tmp/", &word].concat()]);
        }
        let done = screen.done();
        assert_eq!(done.code, Some(0), "{method}: {}", done.transcript());
        assert!(!done.out().contains(secret), "{method}: it is shown");
        assert!(done.out().contains("3 ok"), "{}", done.out());
    }
}

#[test]
fn a_command_that_writes_the_password_is_masked_on_its_way() {
    let ground = Ground::shared();
    let secret = bed().ops_password();
    ground.world.write("work/secret", secret);
    let mut screen = ground
        .tow(["exec", "-a", "-b", "-l", "ops", "-K", "--stdin", "secret"])
        .and(["--", "cat"])
        .on_terminal(200);
    screen.await_text("Password for");
    screen.enter(secret);
    screen.enter("\n");
    let done = screen.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    let out = done.out();
    assert!(out.contains("n[1-3] (3)"), "{out}");
    assert!(out.contains("[redacted]"), "{out}");
    assert!(!out.contains(secret), "{out}");
}

#[test]
fn doas_with_a_password_says_that_it_can_not_carry_a_file() {
    let ground = Ground::shared();
    ground.world.write("work/file", "text");
    let mut screen = ground
        .tow([
            "exec",
            "-w",
            "n1",
            "-l",
            "ops",
            "-K",
            "--become-method",
            "doas",
        ])
        .and(["--stdin", "file", "--", "cat"])
        .on_terminal(300);
    screen.await_text("Password for");
    screen.enter(bed().ops_password());
    screen.enter("\n");
    let done = screen.done();
    assert_eq!(done.code, Some(5), "{}", done.transcript());
    assert!(done.out().contains("permit nopass"), "{}", done.out());
}

#[test]
fn a_wrong_password_fails_soon_and_says_so() {
    let ground = Ground::shared();
    for method in ["sudo", "doas"] {
        let screen = with_password(&ground, method, "wrong", "id -un");
        let begun = Instant::now();
        let done = screen.done();
        let took = begun.elapsed();
        assert_eq!(done.code, Some(5), "{method}: {}", done.transcript());
        let out = done.out();
        assert!(out.contains("the password is wrong"), "{method}: {out}");
        // PAM itself takes two seconds before it says no.
        assert!(took < Duration::from_secs(4), "{method}: {took:?}");
    }
}
