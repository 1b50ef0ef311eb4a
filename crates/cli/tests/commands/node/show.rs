//! `tow node show`.

use crate::support::{World, snapshot};

#[test]
fn the_way_to_a_node_is_shown() {
    let world = World::with(&["web-01"]);
    let done = world.tow(["node", "show", "web-01"]).expect(0);
    snapshot!(world, done);
    assert_eq!(world.node("web-01").stats().connections, 0);
}
