//! Many nodes at once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use towline_testkit::embedded::EmbeddedFleet;

use crate::library::{exec, finish, login};
use crate::support::Client;

/// One line of this process's state, in the unit the system gives.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.trim_start_matches(':')
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_thousand_nodes_start_in_five_seconds_and_cost_little() {
    let client = Client::new();
    let (threads, memory) = (status("Threads"), status("VmRSS"));
    let start = Instant::now();
    let fleet = EmbeddedFleet::start(1000, client.builder().name("n"))
        .await
        .unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    // Other tests run meanwhile, so these are generous: no thread each, and little memory.
    let (more_threads, more_memory) = (status("Threads") - threads, status("VmRSS") - memory);
    assert!(more_threads < 100, "{more_threads} more threads");
    assert!(more_memory < 200 * 1024, "{more_memory} kB more");

    let ports: HashSet<_> = fleet.iter().map(|node| node.addr().port()).collect();
    let homes: HashSet<_> = fleet.iter().map(|node| node.home().to_owned()).collect();
    let keys: HashSet<_> = fleet
        .iter()
        .map(|node| node.known_hosts_line().unwrap())
        .collect();
    assert_eq!((ports.len(), homes.len(), keys.len()), (1000, 1000, 1000));
    assert_eq!((fleet[0].name(), fleet[999].name()), ("n1", "n1000"));

    let session = login(&client, &fleet[499]).await;
    let mut channel = exec(&session, "echo $HOSTNAME $HOME").await;
    let expected = format!("n500 {}\n", fleet[499].home().display());
    assert_eq!(finish(&mut channel).await.text(), expected);

    let root = fleet[0].home().parent().unwrap().to_owned();
    fleet.stop().await;
    assert!(!root.exists());
}

#[tokio::test]
async fn every_node_serves_at_the_same_time() {
    let client = Client::new();
    let fleet = EmbeddedFleet::start(50, client.builder().name("n"))
        .await
        .unwrap();
    let one = async |node| {
        let session = login(&client, node).await;
        let mut channel = exec(&session, "echo $HOSTNAME").await;
        finish(&mut channel).await.text()
    };
    let names = futures::future::join_all(fleet.iter().map(one)).await;
    let expected: Vec<_> = (1..=50).map(|i| format!("n{i}\n")).collect();
    assert_eq!(names, expected);
    fleet.stop().await;
}

#[tokio::test]
async fn addresses_of_loopback_stand_for_machines() {
    let client = Client::new();
    let address = "127.1.2.3:0".parse().unwrap();
    let node = client.builder().bind(address).start().await.unwrap();
    assert_eq!(node.addr().ip(), address.ip());
    let output = client.ssh(&node, &["echo $SSH_CONNECTION"]).await;
    assert!(output.stdout_text().contains(" 127.1.2.3 "), "{output:?}");
    let taken = client
        .builder()
        .bind(node.addr())
        .start()
        .await
        .unwrap_err();
    assert!(
        taken
            .to_string()
            .starts_with("bind an embedded node to 127.1.2.3:")
    );
    let again = node.addr();
    node.stop().await;
    client
        .builder()
        .bind(again)
        .start()
        .await
        .unwrap()
        .stop()
        .await;
}
