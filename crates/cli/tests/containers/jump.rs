//! A machine that can be reached through another only.

use crate::{
    ground::{Ground, bed},
    support::Done,
};

/// All nodes, of which n3 takes connections from n2 only.
fn ground() -> Ground {
    let ground = Ground::alone(&["n3"]);
    let (node, via) = (ground.node("n3"), ground.node("n2"));
    bed().only_reachable_through(node, via).unwrap();
    ground
}

fn is_n3(done: &Done) {
    assert_eq!(done.code, Some(0), "{}", done.transcript());
    assert!(done.out().ends_with("n3\n"), "{}", done.transcript());
}

#[test]
fn every_way_to_name_a_jump_host_leads_there() {
    let ground = ground();
    let (to, via) = (ground.node("n3").address, ground.node("n2").address);
    let direct = ground.tow(["exec", "-w", "n3", "-t", "1", "--retries", "0", "--", "id"]);
    direct.expect(4);

    // The flag, with a node of the inventory and with an address.
    let hosts = [
        "n2".to_owned(),
        format!("admin@{via}:22"),
        "n1,n2".to_owned(),
    ];
    for jump in hosts {
        let tow = ground.tow(["exec", "-w", "n3", "-N", "-J", &jump, "--", "hostname"]);
        is_n3(&tow.run());
    }
    // The inventory, where only one node wants it.
    ground.inventory(&format!("  - {{id: inner, host: {to}, jump: n2}}\n"));
    let done = ground
        .tow(["exec", "-w", "inner,n1", "--", "hostname"])
        .expect(0);
    assert_eq!(done.sorted(), ["inner: n3", "n1: n1"]);
    // ssh_config, for a host that is in no inventory.
    let config = format!(
        "Host gate\n  HostName {via}\nHost inner.example\n  HostName {to}\n  ProxyJump gate\n\
         Host *\n  User admin\n  IdentityFile {:?}\n",
        bed().identity_file()
    );
    ground.world.write("home/.ssh/config", &config);
    std::fs::remove_file(ground.world.path("work/towline.yaml")).unwrap();
    let tow = ground.tow(["exec", "-w", "inner.example", "-N", "--", "hostname"]);
    is_n3(&tow.run());
    // The same by a command that makes the connection.
    let proxy = "ssh -F ~/.ssh/config -W %h:%p gate";
    let config = config.replace("ProxyJump gate", &["ProxyCommand ", proxy].concat());
    // ssh knows its home folder from the list of accounts: here, that of who runs the tests.
    let known = "  StrictHostKeyChecking accept-new\n  UserKnownHostsFile ~/.ssh/known_hosts\n";
    let config = [&config, known].concat();
    let config = config.replace("~", &ground.world.path("home").to_string_lossy());
    ground.world.write("home/.ssh/config", &config);
    let tow = ground.tow(["exec", "-w", "inner.example", "-N", "--", "hostname"]);
    is_n3(&tow.run());
}

#[test]
fn a_jump_host_that_is_down_is_named_as_the_cause() {
    let ground = Ground::alone(&["n2"]);
    bed().stop_sshd(ground.node("n2")).unwrap();
    let done = ground
        .tow(["exec", "-w", "n3", "-J", "n2", "--retries", "0", "--", "id"])
        .expect(4);
    let err = done.err();
    assert!(err.contains("the way through"), "{err}");
    assert!(
        err.contains(&ground.node("n2").address.to_string()),
        "{err}"
    );
    assert!(err.contains("refused"), "{err}");
}

#[test]
fn what_runs_behind_a_jump_host_is_ended_there() {
    let ground = ground();
    let begun = std::time::Instant::now();
    let word = crate::ground::word();
    let line = ["echo begun; sh -c 'while :; do sleep 1; done' ", &word].concat();
    let done = ground
        .tow(["exec", "-w", "n3", "-J", "n2", "-u", "1", "--", &line])
        .expect(3);
    assert_eq!(
        ground.processes("n3", &word),
        [""; 0],
        "{}",
        done.transcript()
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(6));
}
