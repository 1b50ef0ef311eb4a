//! Flags that mean what they mean in ssh, and what they win over.

use towline_testkit::embedded::{EmbeddedNode, TestKey};

use crate::support::World;

/// A world with one node that knows another key only.
fn with_other_key() -> (World, TestKey) {
    let mut world = World::new();
    let key = TestKey::ed25519().unwrap();
    std::fs::create_dir(world.path("home/keys")).unwrap();
    key.write(&world.path("home/keys"), "other").unwrap();
    let node = EmbeddedNode::builder().authorized_key(key.public());
    world.start(node.name("web-01"));
    (world, key)
}

const HI: [&str; 2] = ["--", "echo $USER"];

#[test]
fn a_key_is_named_by_flag_by_inventory_and_by_ssh_config() {
    let (world, _) = with_other_key();
    let key = world.path("home/keys/other");
    let key = key.to_string_lossy();
    let run = |flags: &[&str]| world.tow([&["exec", "-a"], flags, &HI].concat());
    run(&[]).expect(4);
    for flags in [
        vec!["-i", &key],
        vec!["-o", "IdentityFile=~/keys/other"],
        vec!["-o", "IdentityFile ~/keys/other"],
    ] {
        assert_eq!(run(&flags).expect(0).out(), "web-01: ops\n", "{flags:?}");
    }
    world.write(
        "home/.ssh/config",
        "Host 127.0.0.1\n  IdentityFile ~/keys/other\n",
    );
    run(&[]).expect(0);
    // Another file in the place of the user's own.
    world.write("work/ssh_config", "# nothing\n");
    run(&["-F", "ssh_config"]).expect(4);
    run(&["-F", "none"]).expect(4);
    std::fs::remove_file(world.path("home/.ssh/config")).unwrap();
    world.list_nodes("ssh: {identity_file: ~/keys/other}\n");
    run(&[]).expect(0);
}

#[test]
fn a_key_that_is_not_there_is_named() {
    let world = World::with(&["web-01"]);
    let done = world
        .tow([&["exec", "-a", "-i", "missing"][..], &HI].concat())
        .run();
    assert!(done.err().contains("missing"), "{}", done.transcript());
}

#[test]
fn port_and_account_of_the_flags_win() {
    let world = World::with(&["web-01", "web-02"]);
    let port = world.node("web-02").addr().port().to_string();
    let config = "Host alias\n  HostName 127.0.0.1\n  Port 1\n  User nobody\n";
    world.write("home/.ssh/config", config);
    let words = [
        &["exec", "-w", "alias", "-p", &port, "-l", "somebody"][..],
        &["--", "echo $USER $HOSTNAME"],
    ];
    let inventory = world.read("work/towline.yaml");
    std::fs::remove_file(world.path("work/towline.yaml")).unwrap();
    let done = world.tow(words.concat()).expect(0);
    assert_eq!(done.out(), "alias: somebody web-02\n");
    world.write("work/towline.yaml", &inventory);
    // What the inventory says of a node wins over ssh_config too.
    world.write("home/.ssh/config", "Host *\n  Port 1\n  User nobody\n");
    let done = world
        .tow([&["exec", "-w", "web-01"][..], &HI].concat())
        .expect(0);
    assert_eq!(done.out(), "web-01: ops\n");
}

#[test]
fn machines_to_go_through_are_named_by_flag_or_inventory() {
    let mut world = World::with(&["bastion", "web-01"]);
    let bastion = format!("ops@{}", world.address("bastion"));
    let run = |world: &World, flags: &[&str]| {
        let words = [
            &["exec", "-w", "web-01", "-N"],
            flags,
            &["--", "echo $SSH_CONNECTION"],
        ];
        world.tow(words.concat()).expect(0);
    };
    let through = |world: &World| world.node("bastion").stats().connections;
    run(&world, &[]);
    assert_eq!(through(&world), 0);
    run(&world, &["-J", &bastion]);
    assert_eq!(through(&world), 1);
    // A node of the inventory can be named by its id.
    run(&world, &["-J", "bastion"]);
    assert_eq!(through(&world), 2);
    run(&world, &["-o", &format!("ProxyJump={bastion}")]);
    assert_eq!(through(&world), 3);
    let gone = world.stop("bastion");
    let words = [
        &["exec", "-w", "web-01", "--retries", "0", "-J", &gone][..],
        &HI,
    ]
    .concat();
    let done = world.tow(words).expect(4);
    assert!(done.said().contains("the way through"), "{}", done.err());
    assert!(
        done.said().contains("refused the connection"),
        "{}",
        done.err()
    );
}

#[test]
fn the_password_of_the_account_is_asked_for_once() {
    let mut world = World::new();
    for name in ["web-01", "web-02"] {
        let node = EmbeddedNode::builder().password("ops", "open sesame");
        world.start(node.name(name));
    }
    for (answer, code) in [("open sesame\n", 0), ("wrong\n", 4)] {
        let mut screen = world
            .tow([&["exec", "-a", "-k"][..], &HI].concat())
            .on_terminal(80);
        screen.await_text("Password of the account on the nodes: ");
        screen.enter(answer);
        let done = screen.done();
        assert_eq!(done.code, Some(code), "{}", done.transcript());
        assert_eq!(done.out().matches("Password of").count(), 1);
        assert!(!done.out().contains("sesame"), "{}", done.transcript());
    }
}

#[test]
fn whoever_is_asked_can_say_no() {
    let world = World::with(&["web-01"]);
    for flag in ["-k", "-K"] {
        let words = [&["exec", "-a", flag][..], &HI].concat();
        let mut screen = world.tow(&words).on_terminal(80);
        screen.await_text("assword");
        screen.enter("open ses\x03");
        let done = screen.done();
        assert_eq!(done.code, Some(130), "{}", done.transcript());
        let mut screen = world.tow(&words).on_terminal(80);
        screen.await_text("assword");
        screen.enter("\x04");
        let done = screen.done();
        assert_eq!(done.code, Some(2), "{}", done.transcript());
        assert!(done.out().contains("nothing was typed"), "{}", done.out());
    }
    assert_eq!(world.node("web-01").stats().connections, 0);
}

#[test]
fn a_locked_key_is_unlocked_before_anything_is_connected() {
    let mut world = World::new();
    let key = TestKey::ed25519().unwrap();
    std::fs::create_dir(world.path("home/keys")).unwrap();
    key.write_encrypted(&world.path("home/keys"), "locked", "open sesame")
        .unwrap();
    let node = EmbeddedNode::builder().authorized_key(key.public());
    world.start(node.name("web-01"));
    let words = [&["exec", "-a", "-i", "../home/keys/locked"][..], &HI].concat();
    let mut screen = world.tow(&words).on_terminal(80);
    screen.await_text("Passphrase of ");
    assert_eq!(world.node("web-01").stats().connections, 0);
    screen.enter("wrong\n");
    screen.await_text("That was wrong.");
    screen.enter("open sesame\n");
    let done = screen.done();
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    // Without anybody to ask, it is a key that can not be used, and that is said.
    let done = world.tow(&words).expect(4);
    assert!(done.said().contains("keys/locked"), "{}", done.err());
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let world = World::with(&["web-01"]);
    for (flags, said) in [
        (["-o", "NoSuchThing=1"], "nosuchthing"),
        (["-o", "Port"], "-o"),
        (["-o", "Port=x"], "-o"),
        (["-J", "a:b:c"], "\"a:b:c\" is no way"),
        (["-J", "x,-oProxyCommand=x"], "-oProxyCommand"),
        (["-l", ""], "--login"),
        (["-l", "-x"], "--login"),
        (["-p", "70000"], "70000"),
        (["-t", "0"], "--connect-timeout"),
    ] {
        let words = [&["exec", "-a"][..], &flags, &HI].concat();
        let done = world.tow(words).expect(2);
        assert!(done.err().contains(said), "{flags:?}: {}", done.err());
    }
}
