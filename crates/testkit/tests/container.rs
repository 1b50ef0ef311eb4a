//! Every fault of a container node, as the system's ssh client sees it.
//!
//! Needs a bed of at least three nodes: `cargo xtask testbed up 3`, and its state file's name in
//! `TOWLINE_TESTBED`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail like tests"
)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use towline_testkit::container::{Bed, BedError, BedNode, NodeLease, layout};

fn bed() -> Bed {
    let state = std::env::var_os("TOWLINE_TESTBED")
        .expect("TOWLINE_TESTBED names no bed: cargo xtask testbed up");
    Bed::attach(state.as_ref()).unwrap()
}

/// The system's client with everything of the user's own left out, and the nodes' true keys known.
struct Client {
    dir: tempfile::TempDir,
    bed: Bed,
}

impl Client {
    fn new(bed: &Bed, nodes: &[&BedNode]) -> Self {
        let client = Self {
            dir: tempfile::tempdir().unwrap(),
            bed: bed.clone(),
        };
        let mut known = String::new();
        for node in nodes {
            for key in bed.host_keys(node).unwrap() {
                known.push_str(&format!("{} {key}\n", node.address));
            }
        }
        std::fs::write(client.dir.path().join("known"), known).unwrap();
        let identity = bed.identity_file();
        let config = format!(
            "IdentityFile {}\nIdentitiesOnly yes\nUserKnownHostsFile {}\nStrictHostKeyChecking yes\n\
             ConnectTimeout 2\nNumberOfPasswordPrompts 1\n",
            identity.display(),
            client.dir.path().join("known").display(),
        );
        std::fs::write(client.dir.path().join("config"), config).unwrap();
        client
    }

    fn command(&self, user: &str, node: &BedNode, options: &[&str], remote: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["60", "ssh", "-F"])
            .arg(self.dir.path().join("config"))
            .args(options);
        command
            .arg(format!("{user}@{}", node.address))
            .args(remote)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, user: &str, node: &BedNode, remote: &[&str]) -> Output {
        self.command(user, node, &["-o", "BatchMode=yes"], remote)
            .output()
            .unwrap()
    }

    /// Logs in with the password and nothing else, by the method named.
    fn by_password(&self, user: &str, node: &BedNode, method: &str) -> Output {
        let askpass = self.dir.path().join("askpass");
        std::fs::write(&askpass, "#!/bin/sh\nprintf '%s\\n' \"$BED_PASSWORD\"\n").unwrap();
        std::fs::set_permissions(&askpass, std::fs::Permissions::from_mode(0o700)).unwrap();
        let preferred = format!("PreferredAuthentications={method}");
        self.command(
            user,
            node,
            &["-o", "PubkeyAuthentication=no", "-o", &preferred],
            &["id", "-un"],
        )
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("BED_PASSWORD", self.bed.ops_password())
        .output()
        .unwrap()
    }
}

/// Nodes that are not leased may be anybody's: their keys may change this very moment.
fn client_of(bed: &Bed, leases: &[NodeLease<'_>]) -> Client {
    let nodes: Vec<&BedNode> = leases.iter().map(|lease| &**lease).collect();
    Client::new(bed, &nodes)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// ssh's own failure, which is neither the remote command's nor `timeout`'s.
#[track_caller]
fn assert_unreachable(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(255), "{output:?}");
    assert!(stderr(output).contains(why), "{output:?}");
}

#[track_caller]
fn assert_prints(output: &Output, expected: &str) {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(stdout(output), expected, "{output:?}");
}

/// Whether, from inside one node, sshd of another greets.
fn node_reaches(bed: &Bed, from: &BedNode, to: &BedNode) -> bool {
    let script = "exec 3<>/dev/tcp/$0/22 && head -c 4 <&3";
    let address = to.address.to_string();
    let output = bed
        .exec(from, &["timeout", "2", "bash", "-c", script, &address])
        .unwrap();
    output.stdout == b"SSH-"
}

fn wait_for_end(child: &mut Child, limit: Duration) -> std::process::ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < limit, "still running after {limit:?}");
        // tidy: allow-sleep polls until the deadline above
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_node_lets_the_key_in_and_is_itself() {
    let bed = bed();
    let leases = bed.lease(&["n1", "n2", "n3"]).unwrap();
    let client = client_of(&bed, &leases);
    for node in &leases {
        for user in ["root", "towline", "admin", "ops"] {
            let output = client.run(user, node, &["id", "-un;", "hostname"]);
            assert_prints(&output, &format!("{user}\n{}", node.name));
        }
    }
    let keys: HashSet<_> = leases
        .iter()
        .flat_map(|node| bed.host_keys(node).unwrap())
        .collect();
    assert_eq!(keys.len(), 6, "two keys a node, none twice");
}

#[test]
fn sudo_is_free_limited_or_wants_a_password() {
    let bed = bed();
    let leases = bed.lease(&["n2"]).unwrap();
    let (client, node) = (client_of(&bed, &leases), &*leases[0]);
    assert_prints(&client.run("admin", node, &["sudo", "-n", "id", "-u"]), "0");
    assert_prints(
        &client.run("towline", node, &["sudo", "-n", "/usr/bin/id", "-u"]),
        "0",
    );
    for refused in ["/usr/bin/ls", "/usr/bin/systemctl stop ssh.service"] {
        let output = client.run("towline", node, &["sudo", "-n", refused]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
    let output = client.run("ops", node, &["sudo", "-n", "id", "-u"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let mut asked = client
        .command(
            "ops",
            node,
            &["-o", "BatchMode=yes"],
            &["sudo", "-S", "-p", "''", "id", "-u"],
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(asked.stdin.take().unwrap(), "{}", bed.ops_password()).unwrap();
    assert_prints(&asked.wait_with_output().unwrap(), "0");
}

#[test]
fn only_ops_may_log_in_with_a_password() {
    let bed = bed();
    let leases = bed.lease(&["n3"]).unwrap();
    let (client, node) = (client_of(&bed, &leases), &*leases[0]);
    for method in ["password", "keyboard-interactive"] {
        assert_prints(&client.by_password("ops", node, method), "ops");
        assert_unreachable(
            &client.by_password("towline", node, method),
            "Permission denied",
        );
    }
}

#[test]
fn sshd_has_the_limits_of_the_distribution() {
    let bed = bed();
    let leases = bed.lease(&["n1"]).unwrap();
    let settings = bed.exec(&leases[0], &["sshd", "-T"]).unwrap();
    for setting in ["maxstartups 10:30:100", "maxsessions 10"] {
        assert!(
            stdout(&settings).lines().any(|line| line == setting),
            "{settings:?}"
        );
    }
}

#[test]
fn a_node_that_is_cut_off_times_out_until_it_is_healed() {
    let bed = bed();
    let leases = bed.lease(&["n1", "n2"]).unwrap();
    let (client, node, other) = (client_of(&bed, &leases), &*leases[0], &*leases[1]);

    bed.cut(node).unwrap();
    assert_unreachable(&client.run("root", node, &["true"]), "timed out");
    assert!(!node_reaches(&bed, other, node));
    assert_eq!(bed.condition(node).unwrap().faults, ["cut"]);

    bed.heal(node).unwrap();
    assert_prints(&client.run("root", node, &["hostname"]), &node.name);
    assert!(node_reaches(&bed, other, node));

    bed.cut_from_host(node).unwrap();
    assert_unreachable(&client.run("root", node, &["true"]), "timed out");
    assert!(node_reaches(&bed, other, node));
    bed.heal(node).unwrap();
    assert_prints(&client.run("root", node, &["hostname"]), &node.name);
}

#[test]
fn a_command_that_runs_when_its_node_is_cut_off_hears_nothing_more() {
    let bed = bed();
    let leases = bed.lease(&["n2"]).unwrap();
    let (client, node) = (client_of(&bed, &leases), &*leases[0]);
    let alive = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"];
    let mut running = client
        .command("root", node, &alive, &["echo started; exec sleep 300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "started\n");

    bed.cut(node).unwrap();
    let status = wait_for_end(&mut running, Duration::from_secs(20));
    assert_eq!(status.code(), Some(255));
    bed.heal(node).unwrap();
    bed.exec(node, &["pkill", "-f", "sleep 300"]).unwrap();
}

#[test]
fn new_host_keys_are_shown_and_refused_by_who_knew_the_old() {
    let bed = bed();
    let leases = bed.lease(&["n3"]).unwrap();
    let (knows_old, node) = (client_of(&bed, &leases), &*leases[0]);
    let scan = || {
        let address = node.address.to_string();
        let output = Command::new("ssh-keyscan")
            .args(["-t", "ed25519", &address])
            .output();
        stdout(&output.unwrap())
    };
    let (old_scan, old_keys) = (scan(), bed.host_keys(node).unwrap());
    assert_eq!(old_scan, format!("{} {}", node.address, old_keys[0]));

    bed.new_host_key(node).unwrap();
    let new_keys = bed.host_keys(node).unwrap();
    assert!(old_keys.iter().all(|key| !new_keys.contains(key)));
    assert_eq!(scan(), format!("{} {}", node.address, new_keys[0]));
    let output = knows_old.run("root", node, &["true"]);
    assert_unreachable(&output, "REMOTE HOST IDENTIFICATION HAS CHANGED");
    assert_prints(
        &client_of(&bed, &leases).run("root", node, &["hostname"]),
        &node.name,
    );

    bed.remember_host_keys(node).unwrap();
    let known = std::fs::read_to_string(bed.known_hosts_file()).unwrap();
    assert!(new_keys.iter().all(|key| known.contains(key)));
    assert!(old_keys.iter().all(|key| !known.contains(key)));
}

#[test]
fn a_full_file_system_takes_nothing_from_anyone() {
    let bed = bed();
    let leases = bed.lease(&["n1"]).unwrap();
    let (client, node) = (client_of(&bed, &leases), &*leases[0]);
    let write = "printf x > /srv/small/mine && rm /srv/small/mine && echo written";

    assert_prints(&client.run("towline", node, &[write]), "written");
    bed.fill(node).unwrap();
    bed.fill(node).unwrap();
    for user in ["towline", "root"] {
        let output = client.run(user, node, &[write]);
        assert!(!output.status.success(), "{output:?}");
        assert!(
            stderr(&output).contains("No space left on device"),
            "{output:?}"
        );
    }
    let free = client.run("root", node, &["df", "--output=avail", layout::SMALL_DIR]);
    assert_eq!(stdout(&free).lines().last().unwrap().trim(), "0");
    assert_eq!(bed.condition(node).unwrap().faults, ["/srv/small full"]);

    client.run("root", node, &["rm", "-f", "/srv/small/mine"]);
    bed.unfill(node).unwrap();
    assert_prints(&client.run("towline", node, &[write]), "written");
}

#[test]
fn a_node_behind_another_is_reached_by_a_jump_only() {
    let bed = bed();
    let leases = bed.lease(&["n3", "n1", "n2"]).unwrap();
    let (client, node, via, third) = (
        client_of(&bed, &leases),
        &*leases[0],
        &*leases[1],
        &*leases[2],
    );
    let jump = format!("ProxyJump=root@{}", via.address);
    let by_jump = || {
        client
            .command("root", node, &["-o", &jump], &["hostname"])
            .output()
            .unwrap()
    };

    bed.only_reachable_through(node, via).unwrap();
    assert_unreachable(&client.run("root", node, &["true"]), "timed out");
    assert!(!node_reaches(&bed, third, node));
    assert!(
        node_reaches(&bed, node, third),
        "its own connections are not concerned"
    );
    assert_prints(&by_jump(), &node.name);
    // Both faults at once, undone one by one.
    bed.cut(node).unwrap();
    assert!(!by_jump().status.success());
    bed.heal(node).unwrap();
    assert_unreachable(&client.run("root", node, &["true"]), "timed out");

    bed.reachable_again(node).unwrap();
    assert_prints(&client.run("root", node, &["hostname"]), &node.name);
    assert!(node_reaches(&bed, third, node));
}

#[test]
fn a_stopped_sshd_refuses_and_keeps_what_is_open() {
    let bed = bed();
    let leases = bed.lease(&["n2"]).unwrap();
    let (client, node) = (client_of(&bed, &leases), &*leases[0]);
    let mut open = client
        .command(
            "root",
            node,
            &[],
            &["echo started; read -r word; echo $word"],
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(open.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "started");

    bed.stop_sshd(node).unwrap();
    assert_unreachable(&client.run("root", node, &["true"]), "Connection refused");
    assert_eq!(bed.condition(node).unwrap().faults, ["sshd stopped"]);
    writeln!(open.stdin.take().unwrap(), "survived").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "survived");
    assert!(wait_for_end(&mut open, Duration::from_secs(20)).success());

    bed.start_sshd(node).unwrap();
    assert_prints(&client.run("root", node, &["hostname"]), &node.name);
}

#[test]
fn a_restart_keeps_disk_address_and_keys_and_loses_the_rest() {
    let bed = bed();
    let leases = bed.lease(&["n1"]).unwrap();
    let (client, node) = (client_of(&bed, &leases), &*leases[0]);
    let mark = "touch /var/tmp/disk /tmp/memory; echo marked";
    assert_prints(&client.run("root", node, &[mark]), "marked");
    bed.cut(node).unwrap();

    bed.restart(node).unwrap();
    // The client knows only the keys from before.
    let look = "ls /var/tmp/disk; ls /tmp/memory 2>/dev/null || echo gone; rm /var/tmp/disk";
    assert_prints(&client.run("root", node, &[look]), "/var/tmp/disk\ngone");
    assert_eq!(bed.condition(node).unwrap().faults, Vec::<String>::new());
}

#[test]
fn a_power_cut_ends_at_the_next_lease_if_not_before() {
    let bed = bed();
    let leases = bed.lease(&["n3"]).unwrap();
    let client = client_of(&bed, &leases);
    bed.power_off(&leases[0]).unwrap();
    assert!(!bed.condition(&leases[0]).unwrap().running);
    // Tests that begin meanwhile are not bothered.
    assert!(self::bed().node("n3").is_ok());
    assert_eq!(
        client.run("root", &leases[0], &["true"]).status.code(),
        Some(255)
    );
    bed.power_on(&leases[0]).unwrap();
    assert_prints(&client.run("root", &leases[0], &["hostname"]), "n3");

    bed.power_off(&leases[0]).unwrap();
    drop(leases);
    let leases = bed.lease(&["n3"]).unwrap();
    assert_prints(&client.run("root", &leases[0], &["hostname"]), "n3");
}

#[test]
fn a_node_is_lent_to_one_at_a_time_and_given_back_whole() {
    let bed = bed();
    let leases = bed.lease(&["n3", "n2"]).unwrap();
    let names: Vec<&str> = leases.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["n3", "n2"]);
    bed.cut(&leases[0]).unwrap();
    bed.fill(&leases[1]).unwrap();

    let (got, events) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let second = self::bed();
            let leases = second.lease(&["n2", "n3"]).unwrap();
            got.send(
                leases
                    .iter()
                    .map(|node| second.condition(node).unwrap())
                    .collect::<Vec<_>>(),
            )
            .unwrap();
        });
        assert!(
            events.recv_timeout(Duration::from_millis(300)).is_err(),
            "lent twice"
        );
        drop(leases);
        let conditions = events.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(
            conditions
                .iter()
                .all(|found| found.sshd_greets && found.faults.is_empty())
        );
    });
}

#[test]
fn what_is_not_there_is_said_by_type() {
    let bed = bed();
    let unknown = bed.node("n9999").unwrap_err();
    assert!(matches!(&unknown, BedError::NoSuchNode { name, .. } if name == "n9999"));
    let dir = tempfile::tempdir().unwrap();
    let gone = Bed::attach(&Bed::state_file_in(dir.path())).unwrap_err();
    assert!(matches!(gone, BedError::NotUp { .. }) && gone.hint().is_some());
}
