//! `tow exec --output json`: what programs read.

use towline_core::event::{Event, FailureKind, Status};

use crate::support::World;

#[test]
fn events_are_counted_and_the_last_is_the_report() {
    let world = World::with(&["web-01", "web-02"]);
    let line = "echo hi; test $HOSTNAME = web-01";
    let done = world
        .tow(["exec", "-w", "-", "--output", "json", "--", line])
        .stdin("web-01\nweb-02\n")
        .expect(5);
    for (place, line) in done.events().iter().enumerate() {
        assert_eq!(line.seq, place as u64);
    }
    assert_eq!(done.err(), "", "programs read standard output alone");
    assert_eq!(done.result("web-01").status, Status::Ok);
    assert_eq!(done.result("web-02").exit_code, Some(1));
    let report = done.report();
    assert_eq!((report.nodes, report.ok, report.failed), (2, 1, 1));
    assert!(!report.success);
}

#[test]
fn each_kind_of_event_has_its_form() {
    let mut world = World::with(&["n1", "n2", "n3", "n4"]);
    world.fault("n1", |faults| faults.reset_connections = 1);
    world.fault("n4", |faults| faults.refuse_auth = true);
    let gone = world.stop("n3");
    world.list_nodes(&format!(
        "  - {{id: n3, host: 127.0.0.1, port: {}, user: ops}}\n",
        gone.rsplit(':').next().unwrap()
    ));
    let port = gone.rsplit(':').next().unwrap().to_owned();
    let line =
        r"case $HOSTNAME in n1) printf 'caf\303\251\n' ;; n2) printf 'a\377' >&2; exit 3 ;; esac";
    let words = [
        "exec",
        "-a",
        "-f1",
        "--batch",
        "3",
        "--pause",
        "5ms",
        "--retries",
        "1",
        "--output",
        "json",
        "--",
        line,
    ];
    let done = world.tow(words).expect(4);
    let mut filters = world.filters();
    filters.add_filter(&format!(r"\b{port}\b"), "[port of n3]");
    // A reset is noticed at whatever is being done.
    filters.add_filter(
        "during the (TCP connection|SSH handshake)",
        "during [stage]",
    );
    filters.bind(|| insta::assert_snapshot!(done.out()));
}

#[test]
fn every_way_to_end_has_its_status() {
    let world = World::with(&["cancelled", "failed", "killed", "late", "ok"]);
    let line = "case $HOSTNAME in
        failed) exit 9 ;;
        killed) kill -TERM $$ ;;
        late) exec sleep 1000 ;;
      esac";
    let words = [
        "exec",
        "-w",
        "ok,failed,killed,late,cancelled",
        "-f1",
        "-u",
        "1",
        "--max-fail",
        "2",
        "--output",
        "json",
        "--",
        line,
    ];
    let done = world.tow(words).expect(3);
    // In the order of the inventory, so that this one comes first.
    assert_eq!(done.result("cancelled").status, Status::Ok);
    let failed = done.result("failed");
    assert_eq!((failed.status, failed.exit_code), (Status::Failed, Some(9)));
    assert_eq!(failed.error, None, "its code says it all");
    let killed = done.result("killed");
    assert_eq!(killed.signal.as_deref(), Some("TERM"));
    assert_eq!((killed.status, killed.exit_code), (Status::Failed, None));
    let late = done.result("late");
    assert_eq!(late.status, Status::Timeout);
    assert_eq!(late.error.unwrap().kind, FailureKind::Timeout);
    let never = done.result("ok");
    assert_eq!((never.status, never.attempts), (Status::Cancelled, 0));
    assert_eq!(never.error.unwrap().kind, FailureKind::Cancelled);
}

#[test]
fn output_in_pieces_is_the_output_of_the_node() {
    let world = World::with(&["web-01"]);
    let words = [
        "exec",
        "-a",
        "--output",
        "json",
        "--",
        "seq 1 100000; echo end >&2",
    ];
    let done = world.tow(words).expect(0);
    let mut text = Vec::new();
    for line in done.events() {
        if let Event::Output { data, stream, .. } = line.event {
            match stream {
                towline_core::event::Stream::Stdout => text.extend_from_slice(&data.0),
                towline_core::event::Stream::Stderr => assert_eq!(&data.0[..], b"end\n"),
            }
        }
    }
    let wanted: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    assert!(text == wanted.as_bytes());
}

#[test]
fn an_error_before_the_run_is_for_people() {
    let world = World::with(&["web-01"]);
    let words = ["exec", "-w", "nonsense", "--output", "json", "--", "true"];
    let done = world.tow(words).expect(2);
    assert_eq!(done.out(), "");
    assert!(done.err().contains("nonsense"), "{}", done.err());
}
