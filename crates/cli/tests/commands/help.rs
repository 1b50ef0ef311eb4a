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
fn short_help_fits_a_screen_and_long_help_has_every_flag() {
    let world = World::new();
    for command in [
        &[][..],
        &["exec"],
        &["node"],
        &["node", "ls"],
        &["node", "trust"],
    ] {
        let short = world.tow([command, &["-h"]].concat()).expect(0).out();
        assert!(
            short.lines().count() <= 45,
            "{}:\n{short}",
            short.lines().count()
        );
        assert!(short.lines().all(|line| line.len() <= 100), "{short}");
        let long = world.tow([command, &["--help"]].concat()).expect(0).out();
        let help = world.tow([&["help"], command].concat()).expect(0).out();
        assert_eq!(help.trim_end(), long.trim_end());
    }
    let long = world.tow(["help", "exec"]).expect(0).out();
    for flag in [
        "--pick",
        "--gate",
        "--max-exit-code",
        "--become-method",
        "--cwd",
        "--color",
        "Examples:",
    ] {
        assert!(long.contains(flag), "{flag}: {long}");
    }
}

#[test]
fn commands_are_listed_by_what_they_are_for() {
    let world = World::new();
    let short = world.tow(["-h"]).expect(0).out();
    for line in [
        "Do something on nodes:\n  exec ",
        "Look at nodes:\n",
        "\n  node ",
        "\n  completion ",
    ] {
        assert!(short.contains(line), "{line:?}: {short}");
    }
    assert!(!short.contains("\n  man "), "it is for packagers: {short}");
    // Without anything said, that is what is shown, and it is no success.
    assert_eq!(world.tow([""; 0]).expect(2).err(), short);
}

#[test]
fn what_was_meant_is_suggested() {
    let world = World::new();
    for (words, meant) in [
        (&["exce"][..], "'exec'"),
        (&["exec", "--fodl"], "'--fold'"),
        (&["exec", "-a", "--color", "allways"], "'always'"),
        (&["node", "lst"], "'ls'"),
    ] {
        let done = world.tow(words).expect(2);
        assert!(done.err().contains(meant), "{words:?}: {}", done.err());
    }
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
