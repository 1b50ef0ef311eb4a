//! `tow node show`.

use crate::support::{World, snapshot};

#[test]
fn the_way_to_a_node_is_shown() {
    let world = World::with(&["web-01"]);
    let done = world.tow(["node", "show", "web-01"]).expect(0);
    snapshot!(world, done);
    assert_eq!(world.node("web-01").stats().connections, 0);
}

#[test]
fn flags_change_the_way_that_is_shown() {
    let world = World::with(&["web-01", "bastion"]);
    let shown = |flags: &[&str]| {
        let words = [&["node", "show", "web-01"], flags].concat();
        world.tow(words).expect(0).out()
    };
    let way = shown(&["-l", "root", "-p", "2222", "-J", "bastion", "-i", "missing"]);
    assert!(way.contains("reached    root@127.0.0.1:2222\n"), "{way}");
    let bastion = format!("through    ops@{}\n", world.address("bastion"));
    assert!(way.contains(&bastion), "{way}");
    assert!(
        way.contains("missing"),
        "a key that is not there is told: {way}"
    );
    let json = shown(&["--output", "json"]);
    let nodes: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(nodes[0]["id"], "web-01");
    assert!(
        world
            .nodes()
            .iter()
            .all(|node| node.stats().connections == 0)
    );
}

#[test]
fn this_machine_and_nodes_of_no_file_are_shown_too() {
    let world = World::new();
    let done = world.tow(["node", "show", "localhost"]).expect(0);
    assert!(done.out().contains("without SSH"), "{}", done.out());
    let done = world
        .tow(["node", "show", "-w", "root@10.0.0.1:2222"])
        .expect(0);
    assert!(
        done.out().contains("reached    root@10.0.0.1:2222"),
        "{}",
        done.out()
    );
}
