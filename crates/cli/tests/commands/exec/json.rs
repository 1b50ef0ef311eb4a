//! `tow exec --output json`.

use towline_core::event::Status;

use crate::support::World;

#[test]
fn events_are_counted_and_the_last_is_the_report() {
    let world = World::with(&["web-01", "web-02"]);
    let done = world
        .tow([
            "exec",
            "-w",
            "-",
            "--output",
            "json",
            "--",
            "echo hi; test $HOSTNAME = web-01",
        ])
        .stdin("web-01\nweb-02\n")
        .expect(5);
    for (place, line) in done.events().iter().enumerate() {
        assert_eq!(line.seq, place as u64);
    }
    assert_eq!(done.result("web-01").status, Status::Ok);
    assert_eq!(done.result("web-02").exit_code, Some(1));
    let report = done.report();
    assert_eq!((report.nodes, report.ok, report.failed), (2, 1, 1));
    assert!(!report.success);
}
