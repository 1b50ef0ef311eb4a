//! `tow node ls`.

use crate::support::{World, snapshot};

#[test]
fn a_pipe_gets_one_node_a_line() {
    let world = World::new();
    world.write(
        "work/towline.yaml",
        "nodes: [{id: 'web-[01-02]', host: '10.0.0.[1-2]'}]\n",
    );
    assert_eq!(
        world.tow(["node", "ls"]).expect(0).out(),
        "web-01\nweb-02\n"
    );
}

#[test]
fn a_terminal_gets_a_table() {
    let world = World::new();
    world.write(
        "work/towline.yaml",
        "nodes: [{id: 'web-[01-02]', host: '10.0.0.[1-2]', user: root, labels: {zone: a}, roles: [db]}]\n",
    );
    let done = world.tow(["node", "ls"]).on_terminal(80).done();
    snapshot!(world, done);
}

/// Three nodes that nobody needs to reach.
fn fleet() -> World {
    let world = World::new();
    world.write(
        "work/towline.yaml",
        "nodes:
  - {id: db-1, host: 10.0.0.9, port: 2222, roles: [db], labels: {zone: b}}
  - {id: 'web-[1-2]', host: '10.0.0.[1-2]', user: root, labels: {zone: a}, groups: [front]}
",
    );
    world
}

#[test]
fn a_selection_is_shown_as_what_it_comes_to() {
    let world = fleet();
    for (words, nodes) in [
        (&["@front"][..], "web-1\nweb-2\n"),
        (&["role:db"], "db-1\n"),
        (&["-w", "zone!=b", "-x", "web-1"], "web-2\n"),
        (&["zone=a", "--limit", "*-1"], "web-1\n"),
        (&["-g", "front", "-w", "db-1", "--fold"], "db-1,web-[1-2]\n"),
        (&["-a", "--fold"], "db-1,web-[1-2]\n"),
        (&["root@10.0.1.[1-3]", "--fold"], "root@10.0.1.[1-3]\n"),
    ] {
        let all = [&["node", "ls"], words].concat();
        assert_eq!(world.tow(all).expect(0).out(), nodes, "{words:?}");
    }
    let picked = world.tow(["node", "ls", "--pick", "1"]).expect(0);
    assert_eq!(picked.out().lines().count(), 1);
}

#[test]
fn what_is_printed_can_be_read_again() {
    let world = fleet();
    let printed = world.tow(["node", "ls"]).expect(0);
    let again = world.tow(["node", "ls", "-w", "-"]).stdin(printed.out());
    assert_eq!(again.expect(0).out(), printed.out());
    let folded = world.tow(["node", "ls", "--fold"]).expect(0);
    let again = world.tow(["node", "ls", folded.out().trim()]);
    assert_eq!(again.expect(0).out(), printed.out());
}

#[test]
fn programs_get_every_field() {
    let done = fleet().tow(["node", "ls", "--output", "json"]).expect(0);
    let nodes: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let nodes = nodes.as_array().unwrap();
    assert_eq!(nodes.len(), 3);
    assert_eq!(nodes[0]["id"], "db-1");
    assert_eq!(nodes[0]["labels"]["zone"], "b");
    assert_eq!(nodes[0]["roles"][0], "db");
    let text = done.out();
    assert!(text.contains("2222") && text.contains("10.0.0.2"), "{text}");
}

#[test]
fn a_selection_of_nothing_and_an_unknown_name_are_mistakes() {
    let world = fleet();
    for (expr, said) in [
        ("web-1!web-1", "no node is left"),
        ("wbe-1", "web-1"),
        ("@fornt", "front"),
    ] {
        let done = world.tow(["node", "ls", expr]).expect(2);
        assert!(done.err().contains(said), "{expr}: {}", done.err());
    }
}
