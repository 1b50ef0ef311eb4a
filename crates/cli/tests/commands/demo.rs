//! `tow demo`.

use std::process::Command;

use rustix::process::Signal;

use crate::support::World;

/// Whether nothing is left where the demonstration makes its folder.
fn is_clean(world: &World) -> bool {
    let mut left = std::fs::read_dir(world.path("tmp")).unwrap();
    left.next().is_none()
}

#[test]
fn it_walks_through_and_ends_by_itself() {
    let world = World::new();
    let done = world.tow(["demo"]).expect(0);
    for words in [
        "$ tow node ls\n",
        "$ tow exec -a -b -- cat release\n---------------\nweb-[1-2] (2)\n",
        "web-2 unreachable\n",
        "exit code 4\n",
        "exit code 5\n",
        "\"type\":\"report\"",
        "each did what it should",
    ] {
        assert!(
            done.out().contains(words),
            "{words:?}: {}",
            done.transcript()
        );
    }
    assert!(!done.out().contains('\x1b'), "colour where no terminal is");
    assert!(is_clean(&world));
}

#[test]
fn a_terminal_shows_what_tow_shows_on_a_terminal() {
    let world = World::new();
    let done = world.tow(["demo"]).on_terminal(80).done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    let shown = anstream::adapter::strip_str(&done.out()).to_string();
    // The table of `node ls` is for terminals alone.
    assert!(shown.contains("NODE   ADDRESS"), "{shown}");
    assert!(done.out().contains("\x1b["), "no colour: {shown}");
    let mut commented = shown.lines().filter(|line| line.starts_with('#'));
    assert!(commented.all(|line| line.len() <= 80), "{shown}");
}

#[test]
fn the_nodes_stay_until_they_are_interrupted() {
    let world = World::new();
    let running = world.tow(["demo", "--stay"]).start();
    running.await_stdout("$ tow exec -a --diff -- cat release\n");
    let folders = std::fs::read_dir(world.path("tmp")).unwrap();
    let folder = folders.map(|entry| entry.unwrap().path()).next().unwrap();

    // As a user would in another terminal.
    let script = ". \"$1/env\" && tow exec -C \"$1/towline.yaml\" -a -b -- cat release";
    let by_hand = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(&folder)
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&by_hand.stdout);
    assert!(by_hand.status.success(), "{shown}");
    assert!(shown.contains("db-1,web-[1-2] (3)"), "{shown}");

    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    let inventory = folder.join("towline.yaml");
    assert!(done.out().contains(&*inventory.to_string_lossy()));
    assert!(is_clean(&world));
}

#[test]
fn interrupted_on_the_way_it_cleans_up() {
    let world = World::new();
    let running = world.tow(["demo"]).start();
    running.await_stdout("$ tow node ls");
    running.signal(Signal::TERM);
    assert_eq!(running.done().code, Some(130));
    assert!(is_clean(&world));
}
