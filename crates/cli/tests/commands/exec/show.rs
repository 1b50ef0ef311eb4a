//! What `tow exec` shows.

use crate::support::{World, snapshot};

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
