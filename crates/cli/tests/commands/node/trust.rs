//! `tow node trust`.

use crate::support::{World, snapshot};

#[test]
fn whoever_says_yes_at_the_terminal_pins_the_key() {
    let world = World::with(&["web-01"]);
    let mut screen = world.tow(["node", "trust", "web-01"]).on_terminal(80);
    screen.await_text("[y/N]");
    screen.enter("y\n");
    let done = screen.done();
    snapshot!(world, done);
    let known = world.read("home/.ssh/known_hosts");
    let line = world.node("web-01").known_hosts_line().unwrap();
    assert!(
        known.contains(line.trim_end().split(' ').nth(2).unwrap()),
        "{known}"
    );
}
