//! `tow status`.

use rustix::process::Signal;
use towline_core::event::{Envelope, FailureKind, Status};
use towline_fleet::facts::{NodeStatus, StatusLine};
use unicode_width::UnicodeWidthStr;

use crate::support::{Done, World, snapshot, status_schema};

/// The lines of `--output json`. Every one is held against the schema.
fn lines(done: &Done) -> Vec<Envelope<StatusLine>> {
    let parse = |line: &str| {
        let value = serde_json::from_str(line).unwrap();
        status_schema()
            .validate(&value)
            .unwrap_or_else(|e| panic!("not as schema/status.schema.json says: {e}: {line}"));
        serde_json::from_value(value).unwrap()
    };
    done.out().lines().map(parse).collect()
}

/// What `--output json` says of a node.
fn of(done: &Done, node: &str) -> NodeStatus {
    let mut found = lines(done).into_iter().filter_map(|line| match line.event {
        StatusLine::NodeStatus(status) if status.node.as_str() == node => Some(*status),
        _ => None,
    });
    found.next().unwrap_or_else(|| panic!("nothing of {node}"))
}

#[test]
fn every_node_has_its_row_in_the_order_of_the_selection() {
    let world = World::with(&["web-02", "db", "web-01"]);
    let done = world.tow(["status", "--columns", "node,state"]).expect(0);
    snapshot!(world, done);
}

#[test]
fn a_node_that_does_not_answer_says_why_in_its_row() {
    let world = World::with(&["web-01", "web-02", "web-03"]);
    world.fault("web-02", |faults| faults.refuse_auth = true);
    let done = world
        .tow(["status", "-a", "--columns", "node,state"])
        .expect(4);
    assert_eq!(
        done.out(),
        "NODE    STATE\n\
         web-01  ✓ up\n\
         web-02  ✗ unreachable: the login was refused\n\
         web-03  ✓ up\n"
    );
    // All of it, and what to type, is said once below the table.
    for words in [
        "web-02 unreachable: ops@",
        "ssh-copy-id",
        "2 ok, 1 unreachable in",
    ] {
        assert!(done.err().contains(words), "{words:?}: {}", done.err());
    }
}

#[test]
fn a_table_fits_into_the_terminal() {
    let world = World::with(&["web-01", "web-02"]);
    world.fault("web-02", |faults| faults.refuse_auth = true);
    for width in [40, 60, 80, 120] {
        let done = world.tow(["status"]).on_terminal(width).done();
        let shown = anstream::adapter::strip_str(&done.out()).to_string();
        assert_eq!(done.code, Some(4), "{shown}");
        // The table ends where the reasons begin. A line of progress was overwritten.
        let table = shown.lines().skip_while(|line| !line.starts_with("NODE"));
        let table: Vec<&str> = table.take(3).collect();
        assert!(table.len() == 3 && table[1].contains("✓ up"), "{shown}");
        for line in table {
            assert!(line.width() <= usize::from(width), "{width}: {line}");
        }
    }
}

#[test]
fn a_service_that_is_not_up_is_a_failure() {
    let world = World::with(&["web-01"]);
    let words = ["status", "--unit", "towline-none", "--output", "json"];
    let done = world.tow(words).expect(5);
    let status = of(&done, "web-01");
    assert_eq!(status.status, Status::Failed);
    let error = status.error.unwrap();
    assert_eq!(error.kind, FailureKind::Unit);
    assert!(error.message.contains("towline-none"), "{}", error.message);
    let facts = status.facts.unwrap();
    assert_eq!(facts.units[0].name, "towline-none");
    assert!(facts.kernel.is_some(), "the rest is told all the same");

    let done = world.tow(["status", "--unit", "towline-none"]).expect(5);
    let head = done.out().lines().next().unwrap().to_owned();
    assert!(head.contains("towline-none"), "{}", done.transcript());
    assert!(done.err().contains("1 failed"), "{}", done.transcript());
}

#[test]
fn what_is_no_name_of_a_service_is_not_asked_for() {
    let world = World::with(&["web-01"]);
    let done = world.tow(["status", "--unit", "a;b"]).expect(2);
    assert!(
        done.err().contains("no name of a service"),
        "{}",
        done.err()
    );
    assert_eq!(world.node("web-01").stats().connections, 0);
}

#[test]
fn rows_are_sorted_on_demand() {
    let world = World::with(&["n2", "n10", "n1"]);
    let words = ["status", "--columns", "node", "--sort", "-state,-node"];
    let done = world.tow(words).expect(0);
    assert_eq!(done.out(), "NODE\nn10\nn2\nn1\n");
    let done = world.tow(["status", "--sort", "colour"]).expect(2);
    assert!(done.err().contains("latency, uptime"), "{}", done.err());
}

#[test]
fn json_ends_with_the_report() {
    let world = World::with(&["web-01", "web-02"]);
    world.fault("web-02", |faults| faults.refuse_auth = true);
    let done = world.tow(["status", "--output", "json"]).expect(4);
    let lines = lines(&done);
    for (place, line) in lines.iter().enumerate() {
        assert_eq!(line.seq, place as u64);
    }
    let Some(StatusLine::Report(report)) = lines.last().map(|line| &line.event) else {
        panic!("{}", done.out());
    };
    assert_eq!((report.ok, report.unreachable), (1, 1));
    let told = of(&done, "web-01");
    assert!(told.latency_ms.is_some() && told.facts.unwrap().root_disk().is_some());
    let silent = of(&done, "web-02");
    assert_eq!(silent.error.unwrap().kind, FailureKind::AuthDenied);
    assert!(silent.facts.is_none());
}

#[test]
fn plain_is_ascii() {
    let world = World::with(&["web-01"]);
    let done = world
        .tow(["status", "--output", "plain", "--color", "always"])
        .expect(0);
    assert!(done.out().is_ascii(), "{}", done.out());
    assert!(!done.out().contains('\x1b'), "{}", done.out());
    assert!(done.out().contains("  up "), "{}", done.out());
}

#[test]
fn each_node_is_asked_with_one_command_and_a_watch_connects_once() {
    let world = World::with(&["web-01"]);
    let words = ["status", "--watch", "0.1", "--columns", "node,state"];
    let running = world.tow(words).start();
    let table = "NODE    STATE\nweb-01  ✓ up\n";
    running.await_stdout(&[table, table, table].join("\n"));
    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    assert_eq!(world.node("web-01").stats().connections, 1);
}

#[test]
fn a_watch_ends_with_the_code_of_its_last_round() {
    let world = World::with(&["web-01"]);
    world.fault("web-01", |faults| faults.refuse_auth = true);
    let running = world
        .tow(["status", "--watch", "0.1", "--retries", "0"])
        .start();
    running.await_stdout("login was refused\n\nNODE");
    running.signal(Signal::INT);
    assert_eq!(running.done().code, Some(4));
}

#[test]
fn a_watch_redraws_in_place() {
    let world = World::with(&["web-01", "web-02"]);
    let mut screen = world
        .tow(["status", "--watch", "0.1", "--columns", "node,state"])
        .on_terminal(80);
    // Up again over the head, two rows and the line below them.
    screen.await_text("\x1b[4A\r");
    screen.enter("\x03");
    let done = screen.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    assert!(done.out().contains("Ctrl-C ends it"), "{}", done.out());
}
