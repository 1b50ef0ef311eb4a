//! `tow help`, and what `-h` says.

use crate::support::{World, snapshot};

#[test]
fn topics_are_shown() {
    let world = World::new();
    for topic in ["exit-codes", "selection"] {
        let done = world.tow(["help", topic]).expect(0);
        snapshot!(world, done);
    }
}

#[test]
fn a_topic_that_is_not_there_is_a_mistake_of_the_user() {
    let world = World::new();
    let done = world.tow(["help", "nonsense"]).expect(2);
    snapshot!(world, done);
}

#[test]
fn the_reference_tells_of_every_command_and_every_topic() {
    let world = World::new();
    let page = world.tow(["help", "--markdown"]).expect(0).out();
    for title in ["tow", "tow exec", "tow node ls", "tow help exit-codes"] {
        assert!(page.contains(&format!("\n## {title}\n")), "{title}: {page}");
    }
    let committed = include_str!("../../../../docs/reference/cli.md");
    assert!(
        page == committed,
        "docs/reference/cli.md is old: run `cargo xtask generate`"
    );
}
