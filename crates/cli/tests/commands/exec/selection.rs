//! Where `tow exec` runs.

use towline_core::event::Event;

use crate::support::World;

/// The nodes a run was for, in its order.
#[track_caller]
fn nodes(world: &World, flags: &[&str], stdin: &str) -> Vec<String> {
    let words = [&["exec", "--output", "json"], flags, &["--", "true"]].concat();
    let done = world.tow(words).stdin(stdin).expect(0);
    match done.events().remove(0).event {
        Event::RunStarted { nodes, .. } => nodes.iter().map(ToString::to_string).collect(),
        other => panic!("the first event is {other:?}"),
    }
}

fn fleet() -> World {
    let world = World::with(&["db-01", "web-01", "web-02", "web-03"]);
    world.list_nodes("groups: {data: [db-01], front: ['web-[01-02]', '@data']}\n");
    world
}

#[test]
fn every_flag_selects_what_it_says() {
    let world = fleet();
    let of = |flags: &[&str]| nodes(&world, flags, "");
    assert_eq!(of(&["-a"]), ["db-01", "web-01", "web-02", "web-03"]);
    assert_eq!(of(&["-w", "web-[02-03]"]), ["web-02", "web-03"]);
    assert_eq!(of(&["-w", "web-01", "-w", "db-01"]), ["db-01", "web-01"]);
    assert_eq!(of(&["-a", "-x", "web-*"]), ["db-01"]);
    assert_eq!(of(&["-g", "front"]), ["db-01", "web-01", "web-02"]);
    assert_eq!(of(&["-g", "data", "-w", "web-03"]).len(), 2);
    assert_eq!(
        of(&["-a", "--limit", "@front", "-x", "db-01"]),
        ["web-01", "web-02"]
    );
    assert_eq!(
        of(&["-w", "@front&web-*,web-03!web-01"]),
        ["web-02", "web-03"]
    );
    assert_eq!(of(&["-a", "--pick", "2"]).len(), 2);
}

#[test]
fn nodes_are_read_from_standard_input_and_from_a_file() {
    let world = fleet();
    let piped = nodes(&world, &["-w", "-"], "web-03 web-01\ndb-01\n");
    assert_eq!(
        piped,
        ["db-01", "web-01", "web-03"],
        "in the order of the file"
    );
    let hosts = ["web-01", "web-02"].map(|node| format!("ops@{}", world.address(node)));
    let text = format!("# the front\n{}\n\n  {} # second\n", hosts[0], hosts[1]);
    world.write("work/hosts", &text);
    assert_eq!(nodes(&world, &["--hostfile", "hosts"], ""), hosts);
}

#[test]
fn ranges_of_hosts_need_no_file() {
    let world = World::new();
    let done = world
        .tow([
            "exec",
            "--dry-run",
            "-w",
            "root@10.0.0.[1-3,9]:2222!root@10.0.0.2:2222",
            "--",
            "id",
        ])
        .expect(0);
    assert_eq!(done.out(), "root@10.0.0.[1,3,9]:2222 (3): id\n");
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let world = fleet();
    world.write("work/hosts", "good\nbad host!\n");
    world.write("work/ssh_config", "Host *\n  NoSuchThing yes\n");
    for (flags, said) in [
        (&["-w", "web-[1-"][..], "-w: "),
        (&["-x", "a!!b", "-a"], "-x: "),
        (&["-a", "--limit", "((db-01"], "--limit: "),
        (&["-g", "nonsense"], "nonsense"),
        (&["-w", "wbe-01"], "web-01"),
        (&["--hostfile", "hosts"], "--hostfile hosts:2:5: "),
        (
            &["--hostfile", "missing"],
            "--hostfile missing: No such file",
        ),
        (&["-a", "-F", "ssh_config"], "ssh_config:2"),
        (&["-a", "-F", "missing"], "missing"),
        (&["-a", "-p", "0"], "--port"),
        (&["-a", "-u", "never"], "--timeout"),
        (&["-a", "-f", "0"], "--fanout"),
        (&["-a", "--batch", "101%"], "--batch"),
        (&["-a", "--gate", "true"], "--batch"),
        (&["-a", "--output", "xml"], "json"),
        (&["-C", "elsewhere.yaml", "-a"], "elsewhere.yaml"),
    ] {
        let words = [&["exec"], flags, &["--", "true"]].concat();
        let done = world.tow(words).expect(2);
        assert!(done.err().contains(said), "{flags:?}: {}", done.err());
        assert_eq!(done.out(), "", "{flags:?}");
    }
    assert!(
        world
            .nodes()
            .iter()
            .all(|node| node.stats().connections == 0)
    );
}

#[test]
fn a_mistake_in_the_inventory_is_shown_with_file_line_and_column() {
    let world = World::new();
    world.write("work/towline.yaml", "nodes:\n  - {id: a, prot: 22}\n");
    let done = world.tow(["exec", "-a", "--", "true"]).expect(2);
    assert!(done.err().contains("towline.yaml:2:13"), "{}", done.err());
    assert!(done.err().contains("port"), "{}", done.err());
}

#[test]
fn the_inventory_is_found_as_documented() {
    let world = World::new();
    let inventory = |node: &str| format!("nodes: [{{id: {node}, host: localhost}}]\n");
    world.write(
        "home/.config/towline/towline.yaml",
        &inventory("of-the-user"),
    );
    let all = ["exec", "-a", "--", "true"];
    let listed = |tow: crate::support::Tow| tow.expect(0).out();
    let ls = || world.tow(["node", "ls"]);
    assert_eq!(listed(ls()), "of-the-user\n");
    world.write("work/towline.yaml", &inventory("of-the-folder"));
    std::fs::create_dir_all(world.path("work/deep/deeper")).unwrap();
    let below = world.path("work/deep/deeper");
    assert_eq!(listed(ls().folder(below)), "of-the-folder\n");
    let other = world.write("other/towline.yaml", &inventory("of-the-variable"));
    let other = other.to_string_lossy().into_owned();
    assert_eq!(
        listed(ls().env("TOWLINE_CONFIG", &other)),
        "of-the-variable\n"
    );
    world.write("flag/towline.yaml", &inventory("of-the-flag"));
    let flagged = world.tow(["node", "ls", "-C", "../flag"]);
    assert_eq!(
        listed(flagged.env("TOWLINE_CONFIG", &other)),
        "of-the-flag\n"
    );
    world.tow(all).expect(0);
}
