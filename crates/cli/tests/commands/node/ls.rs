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
