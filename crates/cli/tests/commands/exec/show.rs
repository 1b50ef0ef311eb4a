//! What `tow exec` shows, and where.

use crate::support::{World, snapshot};

/// Says something on both streams, without a line break at its very end.
const TALK: &str = "echo out of $HOSTNAME; echo err of $HOSTNAME >&2; printf end";

#[test]
fn lines_carry_the_name_of_their_node_on_both_streams() {
    let world = World::with(&["web-01", "web-02"]);
    let done = world.tow(["exec", "-a", "--", TALK]).expect(0);
    assert_eq!(
        done.sorted(),
        [
            "web-01: end",
            "web-01: out of web-01",
            "web-02: end",
            "web-02: out of web-02"
        ]
    );
    for line in [
        "web-01: err of web-01\n",
        "web-02: err of web-02\n",
        "2 ok in ",
    ] {
        assert!(done.err().contains(line), "{}", done.transcript());
    }
}

#[test]
fn without_the_name_every_byte_is_as_the_node_wrote_it() {
    let world = World::with(&["web-01"]);
    let bytes = r"printf 'a\000\377\033[31m\r\n\nno end'";
    let done = world.tow(["exec", "-a", "-N", "--", bytes]).expect(0);
    assert_eq!(done.stdout, b"a\0\xff\x1b[31m\r\n\nno end");
    assert_eq!(done.err(), "");
}

#[test]
fn colour_is_for_terminals_and_for_whoever_asks() {
    let world = World::with(&["web-01"]);
    let coloured = |flags: &[&str], variables: &[(&str, &str)]| {
        let words = [&["exec", "-a"], flags, &["--", "echo hi; echo oh >&2"]].concat();
        let mut tow = world.tow(words);
        for (name, value) in variables {
            tow = tow.env(name, value);
        }
        let done = tow.expect(0);
        let has = |text: String| text.contains('\x1b');
        assert_eq!(has(done.out()), has(done.err()), "{}", done.transcript());
        has(done.out())
    };
    let (no, force) = (("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"));
    assert!(!coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&["--color=always"], &[no]));
    assert!(coloured(&[], &[force]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!coloured(&[], &[no, force]));
    assert!(!coloured(&["--color", "never"], &[force]));
    assert!(!coloured(&["--output", "plain", "--color", "always"], &[]));
}

#[test]
fn a_terminal_gets_colour_unless_told_otherwise() {
    let world = World::with(&["web-01"]);
    let hi = ["exec", "-a", "--", "echo hi"];
    let shown = |variable: &str| {
        let tow = world.tow(hi).env(variable, "1");
        tow.on_terminal(80).done().out().contains("\x1b[3")
    };
    assert!(shown("NOTHING"));
    assert!(!shown("NO_COLOR"));
}

#[test]
fn a_node_can_not_play_with_the_terminal() {
    let world = World::with(&["web-01"]);
    let line = r"printf '\033]0;title\007\033[2Jhere\n'";
    let done = world.tow(["exec", "-a", "--", line]).on_terminal(80).done();
    let shown = done.out();
    assert!(shown.contains("here"), "{shown:?}");
    assert!(!shown.contains("\x1b]0"), "{shown:?}");
    assert!(!shown.contains("\x1b[2J"), "{shown:?}");
}

#[test]
fn identical_output_is_folded() {
    let world = World::with(&["web-01", "web-02", "web-03"]);
    let done = world
        .tow([
            "exec",
            "-a",
            "-b",
            "--",
            "test $HOSTNAME = web-02 && echo odd || echo even",
        ])
        .expect(0);
    snapshot!(world, done);
}

#[test]
fn what_ended_otherwise_is_folded_apart() {
    let mut world = World::with(&[
        "code-1", "code-2", "err-1", "ok-1", "ok-2", "slow-1", "slow-2",
    ]);
    world.start(world.template().name("down-1"));
    world.fault("down-1", |faults| faults.refuse_auth = true);
    let line = "echo same
        case $HOSTNAME in
          code-*) exit 3 ;;
          err-*) echo same >&2 ;;
          slow-*) exec sleep 1000 ;;
        esac";
    let done = world
        .tow(["exec", "-a", "-b", "-u", "2", "--", line])
        .expect(4);
    snapshot!(world, done);
}

#[test]
fn the_majority_is_shown_and_how_others_differ() {
    let world = World::with(&["web-01", "web-02", "web-03"]);
    let line = "seq 1 5; test $HOSTNAME = web-02 && echo more || echo less; echo end";
    let done = world.tow(["exec", "-a", "--diff", "--", line]).expect(0);
    snapshot!(world, done);
}

#[test]
fn each_stream_of_each_node_gets_a_file() {
    let world = World::with(&["web-01", "web-02"]);
    let host = format!("ops@{}", world.address("web-02"));
    let nodes = format!("web-01,{host}");
    let done = world
        .tow(["exec", "-w", &nodes, "--outdir", "new/results", "--", TALK])
        .expect(0);
    assert_eq!(done.out(), "", "the files have it");
    let told = "written to new/results: NODE.out and NODE.err\n";
    assert!(done.err().contains(told), "{}", done.err());
    for (id, node) in [("web-01", "web-01"), (&host, "web-02")] {
        let out = world.read(&format!("work/new/results/{id}.out"));
        assert_eq!(out, format!("out of {node}\nend"));
        let err = world.read(&format!("work/new/results/{id}.err"));
        assert_eq!(err, format!("err of {node}\n"));
    }
    let files = std::fs::read_dir(world.path("work/new/results")).unwrap();
    assert_eq!(files.count(), 4);
}

#[test]
fn files_are_there_for_those_that_wrote_nothing_and_old_ones_are_replaced() {
    let world = World::with(&["web-01"]);
    world.write("work/results/web-01.out", "of an earlier run");
    let line = ["exec", "-a", "--outdir", "results", "--", "true"];
    world.tow(line).expect(0);
    assert_eq!(world.read("work/results/web-01.out"), "");
    assert_eq!(world.read("work/results/web-01.err"), "");
}

#[test]
fn files_and_folded_output_go_together() {
    let world = World::with(&["web-01", "web-02"]);
    let line = ["exec", "-a", "-b", "--outdir", "results", "--", "echo hi"];
    let done = world.tow(line).expect(0);
    assert!(done.out().contains("web-[01-02] (2)"), "{}", done.out());
    assert_eq!(world.read("work/results/web-02.out"), "hi\n");
}

#[test]
fn no_name_of_a_node_leads_out_of_the_folder_for_files() {
    let world = World::new();
    let file = "nodes: [{id: '../escape', host: localhost}]\n";
    world.write("work/towline.yaml", file);
    let run = |nodes: &str| world.tow(["exec", nodes, "--outdir", "results", "--", "echo hi"]);
    let done = run("-a").expect(2);
    assert!(done.err().contains("towline.yaml:1:14"), "{}", done.err());
    std::fs::remove_file(world.path("work/towline.yaml")).unwrap();
    for name in ["..", ".", "../escape", "ops@..", "/etc/escape", "a/../../b"] {
        run(&format!("-w{name}")).expect(2);
    }
    assert!(!world.path("work/escape.out").exists());
    assert!(!world.path("work/results").exists(), "nothing was run");
}

#[test]
fn a_folder_that_can_not_be_made_stops_the_run_before_it_begins() {
    let world = World::with(&["web-01"]);
    world.write("work/file", "");
    let line = ["exec", "-a", "--outdir", "file/results", "--", "touch ran"];
    let done = world.tow(line).expect(2);
    assert!(
        done.err().contains("--outdir file/results"),
        "{}",
        done.err()
    );
    assert!(!world.node("web-01").home().join("ran").exists());
}

#[test]
fn whoever_stops_reading_stops_the_run() {
    let world = World::with(&["web-01"]);
    let tow = world.tow(["exec", "-a", "--", "yes"]);
    let done = tow.below(&["sh", "-c", "\"$@\" | head -n 1", "sh"]).run();
    assert_eq!(done.out(), "web-01: y\n", "{}", done.transcript());
}
