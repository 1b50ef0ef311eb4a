//! `tow exec`.

mod become_other;
mod command;
mod connection;
mod exits;
mod interrupt;
mod json;
mod progress;
mod schema;
mod selection;
mod show;
mod spread;

use crate::support::World;

#[test]
fn a_command_is_run_on_every_node() {
    let world = World::with(&["web-01", "web-02"]);
    let done = world
        .tow(["exec", "-a", "--", "echo hello from $HOSTNAME"])
        .expect(0);
    assert_eq!(
        done.sorted(),
        ["web-01: hello from web-01", "web-02: hello from web-02"]
    );
}

#[test]
fn a_host_that_is_in_no_file_needs_none() {
    let world = World::with(&["web-01"]);
    std::fs::remove_file(world.path("work/towline.yaml")).unwrap();
    let host = format!("ops@{}", world.address("web-01"));
    let done = world
        .tow(["exec", "-w", &host, "-N", "--", "echo hi"])
        .expect(0);
    assert_eq!(done.out(), "hi\n");
}

#[test]
fn a_node_that_lets_nobody_in_is_unreachable() {
    let world = World::with(&["web-01"]);
    world.fault("web-01", |faults| faults.refuse_auth = true);
    let done = world.tow(["exec", "-a", "--", "echo hi"]).expect(4);
    assert!(done.err().contains("ssh-copy-id"), "{}", done.err());
}

#[test]
fn a_thousand_nodes_need_no_more_than_1024_open_files() {
    let world = World::with_fleet(1000);
    let done = world
        .tow(["exec", "-a", "-b", "--", "echo $((6 * 7))"])
        .below(&["prlimit", "--nofile=1024:1024"])
        .expect(0);
    assert!(
        done.out().contains("\nn[1-1000] (1000)\n"),
        "{}",
        done.out()
    );
    assert!(done.out().ends_with("\n42\n"), "{}", done.out());
    let connections: u64 = world
        .nodes()
        .iter()
        .map(|node| node.stats().connections)
        .sum();
    assert_eq!(connections, 1000, "each node is connected to once");
}
