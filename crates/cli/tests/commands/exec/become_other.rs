//! `tow exec --become`. The nodes run everything as one user, so what stands in for sudo here
//! asks and answers as sudo does, and says whom it would have become; the real one is tested on
//! the machines of the test bed.

use towline_core::event::{FailureKind, Status};

use crate::support::World;

const PASSWORD: &str = "open sesame";

/// sudo, as far as it is used, for whoever knows the password.
const SUDO: &str = r#"#!/bin/sh
ask=none prompt='[sudo] password: ' user=root
while :; do
  case $1 in
    -n) ask=never; shift ;;
    -S) ask=stdin; shift ;;
    -p) prompt=$2; shift 2 ;;
    -u) user=$2; shift 2 ;;
    --) shift; break ;;
  esac
done
if test -e "$HOME/needs-password"; then
  test $ask = stdin || { echo "sudo: a password is required" >&2; exit 1; }
  tries=0
  while :; do
    printf %s "$prompt" >&2
    read -r word || { echo "sudo: no password was provided" >&2; exit 1; }
    test "$word" = "open sesame" && break
    tries=$((tries + 1))
    test $tries -lt 3 || { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }
    echo "Sorry, try again." >&2
  done
fi
BECAME=$user exec "$@"
"#;

/// Nodes with that sudo, on which a password is needed.
fn fleet(names: &[&str]) -> World {
    let mut world = World::new();
    let bin = world.write("tmp/bin/sudo", SUDO);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&bin, mode).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.parent().unwrap().display());
    for name in names {
        let node = world.start(world.template().name(name).env("PATH", &path));
        std::fs::write(node.home().join("needs-password"), "").unwrap();
    }
    world
}

fn needs_none(world: &World, name: &str) {
    std::fs::remove_file(world.node(name).home().join("needs-password")).unwrap();
}

const WHO: &str = "echo ${BECAME-nobody}";

#[test]
fn another_account_is_had_by_flag_and_by_inventory() {
    let world = fleet(&["web-01"]);
    needs_none(&world, "web-01");
    let who = |flags: &[&str]| {
        let words = [&["exec", "-a"], flags, &["--", WHO]].concat();
        world.tow(words).expect(0).out()
    };
    assert_eq!(who(&[]), "web-01: nobody\n");
    assert_eq!(who(&["--become"]), "web-01: root\n");
    assert_eq!(who(&["--become=www-data"]), "web-01: www-data\n");
    assert_eq!(
        who(&["--become", "--become-method", "sudo"]),
        "web-01: root\n"
    );
    world.list_nodes("ssh: {become: postgres}\n");
    assert_eq!(who(&[]), "web-01: postgres\n");
    assert_eq!(who(&["--become=www-data"]), "web-01: www-data\n");
}

#[test]
fn the_password_is_asked_for_once_and_never_shown() {
    let world = fleet(&["web-01", "web-02"]);
    let line = format!("cat; {WHO}; echo the password is '{PASSWORD}'");
    world.write("work/input", "input\n");
    let words = ["exec", "-a", "-b", "-K", "--stdin", "input", "--", &line];
    let mut screen = world.tow(words).on_terminal(80);
    screen.await_text("Password for sudo on the nodes: ");
    screen.enter(&format!("{PASSWORD}\n"));
    let done = screen.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    assert_eq!(done.out().matches("Password for").count(), 1);
    assert!(!done.out().contains(PASSWORD), "{}", done.transcript());
    let shown = anstream::adapter::strip_str(&done.out()).to_string();
    assert!(shown.contains("web-[01-02] (2)"), "{shown}");
    assert!(shown.contains("input\nroot\nthe password is "), "{shown}");
}

#[test]
fn a_wrong_password_fails_at_once_and_runs_nothing() {
    let world = fleet(&["web-01"]);
    let words = ["exec", "-a", "-K", "-u", "1h", "--", "touch ran"];
    let mut screen = world.tow(words).on_terminal(80);
    screen.await_text("Password for sudo");
    let begun = std::time::Instant::now();
    screen.enter("wrong\n");
    let done = screen.done();
    let took = begun.elapsed();
    assert_eq!(done.code, Some(5), "{}", done.transcript());
    assert!(took.as_secs() < 2, "{took:?}");
    assert!(
        done.out().contains("the password is wrong"),
        "{}",
        done.transcript()
    );
    assert!(!world.node("web-01").home().join("ran").exists());
}

#[test]
fn a_password_that_was_not_given_is_told_with_the_flag_that_asks() {
    let world = fleet(&["web-01", "web-02"]);
    needs_none(&world, "web-02");
    let words = ["exec", "-a", "--become", "--output", "json", "--", WHO];
    let done = world.tow(words).expect(5);
    let result = done.result("web-01");
    let error = result.error.unwrap();
    assert_eq!(
        (result.status, error.kind),
        (Status::Failed, FailureKind::Become)
    );
    assert!(
        error.message.contains("a password is required"),
        "{}",
        error.message
    );
    assert!(error.hint.unwrap().contains("-K"));
    assert_eq!(done.result("web-02").status, Status::Ok);
}

#[test]
fn a_password_can_not_be_asked_for_without_a_terminal() {
    let world = fleet(&["web-01"]);
    for flag in ["-K", "-k"] {
        let done = world.tow(["exec", "-a", flag, "--", WHO]).expect(2);
        assert!(done.err().contains("no terminal"), "{}", done.err());
    }
    assert_eq!(world.node("web-01").stats().connections, 0);
}

#[test]
fn an_account_that_can_be_none_is_refused() {
    let world = World::with(&["web-01"]);
    for account in ["-x", "a b", "", "$(id)"] {
        let flag = format!("--become={account}");
        let done = world.tow(["exec", "-a", &flag, "--", WHO]).expect(2);
        assert!(
            done.err().contains("--become"),
            "{account:?}: {}",
            done.err()
        );
    }
}
