//! `tow demo`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::support::World;

/// Whether nothing is left where the demonstration makes its folder.
fn is_clean(world: &World) -> bool {
    let mut left = std::fs::read_dir(world.path("tmp")).unwrap();
    left.next().is_none()
}

/// The folder of the demonstration that stays up.
fn folder(world: &World) -> PathBuf {
    let mut folders = std::fs::read_dir(world.path("tmp")).unwrap();
    folders.next().unwrap().unwrap().path()
}

/// Runs a line as a user would in another terminal; its exit code and all it printed.
fn by_hand(folder: &Path, line: &str) -> (Option<i32>, String) {
    let done = Command::new("sh")
        .args(["-c", ". \"$1/env\" && eval \"$2\" 2>&1", "sh"])
        .arg(folder)
        .arg(line)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&done.stdout).into_owned();
    (done.status.code(), shown)
}

#[test]
fn it_walks_through_and_ends_by_itself() {
    let world = World::new();
    let done = world.tow(["demo"]).expect(0);
    for words in [
        "$ tow node ls\n",
        "$ tow status\n",
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
    let folder = folder(&world);

    let (code, shown) = by_hand(&folder, "tow exec -a -b -- cat release");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("db-1,web-[1-2] (3)"), "{shown}");

    running.signal(Signal::INT);
    let done = running.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    let inventory = folder.join("towline.yaml");
    assert!(done.out().contains(&*inventory.to_string_lossy()));
    assert!(is_clean(&world));
}

/// Lines that begin with `tow` or lead to it, in the order of the page. One that must fail says with
/// which exit code.
#[test]
fn every_line_of_the_readme_s_tour_works() {
    let readme = include_str!("../../../../README.md");
    let blocks = readme.split("\n```sh\n").skip(1);
    let lines: Vec<&str> = blocks
        .flat_map(|block| block.split("\n```\n").next().unwrap().lines())
        .collect();
    assert!(lines.len() > 10, "the tour is not found: {lines:?}");

    let world = World::new();
    let running = world.tow(["demo", "--stay"]).start();
    running.await_stdout("$ tow exec -a --diff -- cat release\n");
    let folder = folder(&world);
    for line in lines {
        let wanted = line.split_once("# exit code ").map_or(0, |(_, rest)| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
            digits.parse().unwrap()
        });
        let (code, shown) = by_hand(&folder, line);
        assert_eq!(code, Some(wanted), "{line}\n{shown}");
    }
    running.signal(Signal::INT);
    assert_eq!(running.done().code, Some(0));
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
