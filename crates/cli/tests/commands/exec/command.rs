//! What is run by `tow exec`, and with what around it.

use crate::support::World;

#[test]
fn a_single_word_is_a_line_for_the_shell_and_several_are_a_program_and_its_arguments() {
    let world = World::with(&["web-01"]);
    let line = world.tow(["exec", "-a", "-N", "--", "echo $((6 * 7)); echo *"]);
    assert_eq!(line.expect(0).out(), "42\n*\n");
    let hostile = [
        "$HOME",
        "a  b",
        "it's",
        "*",
        "; exit 9",
        "",
        "-n",
        "two\nlines",
        "`id`",
    ];
    let words = [&["exec", "-a", "-N", "--", "printf", "[%s]"][..], &hostile].concat();
    let shown: String = hostile.map(|word| format!("[{word}]")).concat();
    assert_eq!(world.tow(words).expect(0).out(), shown);
}

#[test]
fn a_program_that_is_not_there_returns_127_as_in_a_shell() {
    let world = World::with(&["web-01"]);
    for line in [&["no-such-program"][..], &["no-such-program", "--flag"]] {
        let done = world.tow([&["exec", "-a", "--"], line].concat()).expect(5);
        assert!(
            done.err().contains("exit code 127"),
            "{}",
            done.transcript()
        );
    }
}

#[test]
fn a_command_may_be_as_long_as_a_shell_can_take_it_and_longer_ones_are_refused_here() {
    let world = World::with(&["web-01"]);
    let long = "x".repeat(120_000);
    let words = ["exec", "-a", "-N", "--", "printf", "%s", &long];
    assert!(world.tow(words).expect(0).out() == long);
    let connections = world.node("web-01").stats().connections;
    let words = ["exec", "-a", "--", "printf", "%s", &long, &long];
    let done = world.tow(words).expect(2);
    assert!(
        done.said().contains("a shell takes 131071 at most"),
        "{}",
        done.err()
    );
    assert!(
        done.said().contains("--stdin FILE -- sh -s"),
        "{}",
        done.err()
    );
    assert_eq!(world.node("web-01").stats().connections, connections);
    // What the hint says does it.
    world.write("work/script", &format!("printf %s {long}{long}"));
    let words = ["exec", "-a", "-N", "--stdin", "script", "--", "sh", "-s"];
    assert_eq!(world.tow(words).expect(0).out().len(), 240_000);
}

#[test]
fn variables_and_the_folder_reach_the_command() {
    let world = World::with(&["web-01"]);
    std::fs::create_dir(world.node("web-01").home().join("-a b")).unwrap();
    let done = world
        .tow([
            "exec",
            "-a",
            "-N",
            "--env",
            "A=it's $HOME=1\n",
            "--env",
            "B=",
            "--cwd=-a b",
            "--",
            "printf '%s|%s|' \"$A\" \"${B-unset}\"; basename \"$PWD\"",
        ])
        .expect(0);
    assert_eq!(done.out(), "it's $HOME=1\n||-a b\n");
}

#[test]
fn variables_that_no_shell_could_set_are_refused_before_anything_is_run() {
    let world = World::with(&["web-01"]);
    for (variable, said) in [
        ("A", "NAME=VALUE"),
        ("1A=x", "1A"),
        ("A B=x", "A B"),
        ("=x", ""),
    ] {
        let done = world
            .tow(["exec", "-a", "--env", variable, "--", "true"])
            .expect(2);
        assert!(done.err().contains(said), "{}", done.err());
    }
    assert_eq!(world.node("web-01").stats().connections, 0);
}

#[test]
fn a_file_is_read_by_every_node_from_its_beginning() {
    let world = World::with(&["web-01", "web-02"]);
    let text: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
    world.write("work/input", &text);
    let sum = ["exec", "-a", "--stdin", "input", "-b", "--", "cksum"];
    let file = world.tow(sum).expect(0);
    let piped = world.tow(["exec", "-a", "--stdin", "-", "-b", "--", "cksum"]);
    let piped = piped.stdin(text.clone()).expect(0);
    for done in [&file, &piped] {
        assert!(
            done.out().contains("web-[01-02] (2)"),
            "{}",
            done.transcript()
        );
        assert!(
            done.out().contains(&format!(" {}\n", text.len())),
            "{}",
            done.out()
        );
    }
    assert_eq!(file.out(), piped.out());
}

#[test]
fn without_stdin_the_command_reads_nothing() {
    let world = World::with(&["web-01"]);
    let tow = world.tow(["exec", "-a", "-N", "--", "cat; echo end"]);
    assert_eq!(tow.stdin("not for the node\n").expect(0).out(), "end\n");
}

#[test]
fn input_that_is_not_there_is_said_before_anything_is_run() {
    let world = World::with(&["web-01"]);
    let line = ["exec", "-a", "--stdin", "missing", "--", "cat"];
    let done = world.tow(line).expect(2);
    assert!(
        done.err().contains("--stdin missing: No such file"),
        "{}",
        done.err()
    );
    let done = world
        .tow(["exec", "-a", "--stdin", "..", "--", "cat"])
        .expect(2);
    assert!(done.err().contains("--stdin ..:"), "{}", done.err());
    assert_eq!(world.node("web-01").stats().connections, 0);
}

#[test]
fn standard_input_can_not_be_the_nodes_and_the_input_at_once() {
    let world = World::with(&["web-01"]);
    let line = ["exec", "-w", "-", "--stdin", "-", "--", "cat"];
    let done = world.tow(line).stdin("web-01\n").expect(2);
    assert!(done.err().contains("-w -"), "{}", done.err());
    assert!(done.err().contains("--stdin -"), "{}", done.err());
}

#[test]
fn a_terminal_is_there_when_asked_for_only() {
    let world = World::with(&["web-01"]);
    let line = "test -t 0 && test -t 1 && echo yes || echo no";
    let with = world
        .tow(["exec", "-a", "-N", "--pty", "--", line])
        .expect(0);
    assert_eq!(with.out().trim_end(), "yes");
    let without = world.tow(["exec", "-a", "-N", "--", line]).expect(0);
    assert_eq!(without.out(), "no\n");
}

#[test]
fn a_dry_run_says_what_and_where_and_connects_to_nobody() {
    let world = World::with(&["db-01", "web-01", "web-02"]);
    let line = [
        "exec",
        "-a",
        "--dry-run",
        "--become",
        "--",
        "printf",
        "%s",
        "a b",
    ];
    let done = world.tow(line).expect(0);
    assert_eq!(
        done.out(),
        "db-01,web-[01-02] (3): sudo -u root -- printf '%s' 'a b'\n"
    );
    assert!(
        world
            .nodes()
            .iter()
            .all(|node| node.stats().connections == 0)
    );
}

#[test]
fn the_last_failures_are_run_again() {
    let world = World::with(&["web-01", "web-02", "web-03"]);
    let again = ["exec", "--rerun-failed"];
    let done = world.tow(again).expect(2);
    assert!(done.err().contains("no earlier run"), "{}", done.err());

    let line = "test -e mended || test $HOSTNAME = web-02";
    world.tow(["exec", "-a", "--", line]).expect(5);
    std::fs::write(world.node("web-01").home().join("mended"), "").unwrap();
    let done = world.tow(again).expect(5);
    assert!(done.err().contains("1 ok, 1 failed"), "{}", done.err());
    // Now only one is left, and another command may be run on it.
    let done = world.tow([
        "exec",
        "--rerun-failed",
        "--",
        "touch mended; echo $HOSTNAME",
    ]);
    assert_eq!(done.expect(0).out(), "web-03: web-03\n");
    let done = world.tow(again).expect(2);
    assert!(done.err().contains("ended well"), "{}", done.err());
}

#[test]
fn what_was_typed_ad_hoc_is_remembered_too_and_no_inventory_is_needed_to_run_it_again() {
    let world = World::with(&["web-01"]);
    std::fs::remove_file(world.path("work/towline.yaml")).unwrap();
    let host = format!("ops@{}", world.address("web-01"));
    world
        .tow(["exec", "-w", &host, "--", "test -e mended"])
        .expect(5);
    std::fs::write(world.node("web-01").home().join("mended"), "").unwrap();
    world.tow(["exec", "--rerun-failed"]).expect(0);
}

#[test]
fn several_run_at_once_and_do_not_disturb_each_other() {
    let world = World::with(&["web-01", "web-02"]);
    // Each waits until the other has begun, on the same nodes.
    let meet = |mine: &str, other: &str| {
        let line = format!("touch {mine}; until test -e {other}; do sleep 0.02; done; echo {mine}");
        world.tow(["exec", "-a", "-b", "--", &line]).start()
    };
    let (first, second) = (meet("first", "second"), meet("second", "first"));
    for (running, said) in [(first, "first"), (second, "second")] {
        let done = running.done();
        assert_eq!(done.code, Some(0), "{}", done.transcript());
        assert!(
            done.out().ends_with(&format!("\n{said}\n")),
            "{}",
            done.out()
        );
    }
    serde_json::from_str::<serde_json::Value>(
        &world.read("home/.local/state/towline/last-run.json"),
    )
    .unwrap();
}

#[test]
fn without_a_command_or_nodes_it_says_how_to_go_on() {
    let world = World::with(&["web-01"]);
    let done = world.tow(["exec", "-a"]).expect(2);
    assert!(
        done.err().contains("tow exec -a -- uptime"),
        "{}",
        done.err()
    );
    let done = world.tow(["exec", "--", "true"]).expect(2);
    assert!(done.err().contains("-w, -g or -a"), "{}", done.err());
    let done = world.tow(["exec", "-a", "uptime"]).expect(2);
    assert!(done.err().contains("--"), "{}", done.err());
}
