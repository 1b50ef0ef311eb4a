//! A machine whose disk is full.

use crate::ground::{Ground, bed};

#[test]
fn what_a_command_says_of_a_full_disk_comes_through() {
    let ground = Ground::alone(&["n3"]);
    bed().fill(ground.node("n3")).unwrap();
    let line = "cat /bin/bash /bin/bash >/srv/small/file";
    let done = ground.tow(["exec", "-a", "-b", "--", line]).expect(5);
    let out = done.out();
    assert!(out.contains("\nn3 failed: exit code 1\n"), "{out}");
    assert!(out.contains("No space left on device"), "{out}");
    assert!(done.err().contains("2 ok, 1 failed"), "{}", done.err());
    let line = "rm -f /srv/small/file";
    ground.tow(["exec", "-a", "--", line]).expect(0);
}
