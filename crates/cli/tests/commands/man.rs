//! `tow man`.

use crate::support::World;

#[test]
fn a_page_for_each_command_is_written() {
    let world = World::new();
    world.tow(["man", "pages"]).expect(0);
    for page in ["tow", "tow-exec", "tow-node-ls", "tow-node-trust"] {
        let text = world.read(&format!("work/pages/{page}.1"));
        assert!(text.contains(".TH"), "{page}: {text}");
    }
}
