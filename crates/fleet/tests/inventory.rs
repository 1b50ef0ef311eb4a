//! What comes of a right `towline.yaml`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{path::Path, time::Duration};

use towline_core::{
    command::BecomeMethod,
    node::Node,
    selection::{parse_target, select},
};
use towline_fleet::inventory::{
    AdHocNodes, ConfigFile, HostKeys, Inventory, InventoryError, Transport, schema,
};

const EXAMPLE: &str = include_str!("../../../docs/examples/home-cluster.yaml");

fn parse(text: &str) -> ConfigFile {
    match ConfigFile::parse(Path::new("/etc/fleet/towline.yaml"), text.into()) {
        Ok(file) => file,
        Err(error) => panic!("{error}"),
    }
}

async fn load(text: &str) -> Inventory {
    Inventory::load(Some(&parse(text))).await.unwrap()
}

fn node<'a>(inventory: &'a Inventory, id: &str) -> &'a Node {
    let found = inventory.nodes.iter().find(|node| node.id.as_str() == id);
    found.unwrap_or_else(|| panic!("{id} is not there"))
}

#[tokio::test]
async fn the_home_cluster_loads_as_it_is() {
    let file = parse(EXAMPLE);
    let inventory = Inventory::load(Some(&file)).await.unwrap();
    assert_eq!(inventory.cluster.as_deref(), Some("home-cluster"));
    assert_eq!(inventory.nodes.len(), 22);

    let local = node(&inventory, "local");
    assert!(local.is_local());
    assert_eq!(
        local.docker_url.as_deref(),
        Some("unix:///var/run/docker.sock")
    );
    let pi = node(&inventory, "rpi-01");
    assert_eq!(
        (pi.host.as_str(), pi.access.user.as_deref()),
        ("192.168.2.7", Some("pi"))
    );
    for n in 1..=20 {
        let web = node(&inventory, &format!("web-{n:02}"));
        assert_eq!(web.host, format!("10.0.1.{n}"));
        assert_eq!(web.labels["zone"], "a");
        assert!(web.roles.contains("worker"));
    }
    let origin = inventory.origin(&pi.id).unwrap();
    assert_eq!(origin.to_string(), "/etc/fleet/towline.yaml:6");

    let config = &file.config;
    assert_eq!(
        config.mqtt,
        Some(serde_json::json!({"host": "192.168.2.1", "port": 1883}))
    );
    assert_eq!(
        config.services.as_ref().unwrap()[0]["environment"]["NGINX_HOST"],
        "localhost"
    );
}

#[tokio::test]
async fn what_a_node_says_wins_over_the_defaults() {
    let inventory = load(
        "
ssh: {user: deploy, port: 2222, identity_file: keys/fleet, jump: 'bastion:22,inner', become: true}
nodes:
  - {id: plain}
  - {id: own, host: 10.0.0.1, user: pi, port: 22, identity_file: ~/.ssh/pi, jump: none, become: false}
  - {id: doas, become: {user: www, method: doas}}
  - {id: here, host: localhost}
  - {id: sshd-here, host: localhost, port: 22}
",
    )
    .await;
    let plain = &node(&inventory, "plain").access;
    assert_eq!(plain.user.as_deref(), Some("deploy"));
    assert_eq!(plain.port, Some(2222));
    assert_eq!(
        plain.identity_file.as_deref(),
        Some("/etc/fleet/keys/fleet")
    );
    assert_eq!(plain.jump.as_deref(), Some("bastion:22,inner"));
    assert_eq!(plain.become_user.as_deref(), Some("root"));
    assert_eq!(plain.become_method, None);
    assert_eq!(node(&inventory, "plain").host, "plain");

    let own = &node(&inventory, "own").access;
    assert_eq!(own.user.as_deref(), Some("pi"));
    assert_eq!(own.port, Some(22));
    assert_eq!(own.identity_file.as_deref(), Some("~/.ssh/pi"));
    assert_eq!(own.jump.as_deref(), Some("none"));
    assert_eq!(own.become_user, None);

    let doas = &node(&inventory, "doas").access;
    assert_eq!(doas.become_user.as_deref(), Some("www"));
    assert_eq!(doas.become_method, Some(BecomeMethod::Doas));

    assert!(node(&inventory, "here").is_local());
    assert!(!node(&inventory, "sshd-here").is_local());
    let user = &node(&inventory, "sshd-here").access.user;
    assert_eq!(user.as_deref(), Some("deploy"));
}

#[tokio::test]
async fn a_default_jump_leads_to_its_own_hops_without_going_through_them() {
    let inventory = load(
        "
ssh: {jump: 'ops@gate:2222,10.9.0.1'}
nodes: [{id: gate}, {id: inner, host: 10.9.0.1}, {id: web, host: gateway}]
",
    )
    .await;
    let jump = |id| node(&inventory, id).access.jump.as_deref();
    assert_eq!(jump("gate"), Some("none"));
    assert_eq!(jump("inner"), Some("ops@gate:2222"));
    assert_eq!(jump("web"), Some("ops@gate:2222,10.9.0.1"));
}

#[tokio::test]
async fn defaults_that_belong_to_no_node_are_kept() {
    let text = "ssh: {connect_timeout: 1m 30s, host_keys: strict, transport: openssh}\n";
    let ssh = load(text).await.ssh;
    assert_eq!(ssh.connect_timeout.unwrap().0, Duration::from_secs(90));
    assert_eq!(ssh.host_keys, Some(HostKeys::Strict));
    assert_eq!(ssh.transport, Some(Transport::Openssh));
    for (text, millis) in [("2.5", 2500), ("30", 30_000), ("500ms", 500)] {
        let text = format!("ssh: {{connect_timeout: {text}}}\n");
        let wait = load(&text).await.ssh.connect_timeout.unwrap();
        assert_eq!(wait.0, Duration::from_millis(millis), "{text}");
    }
}

#[tokio::test]
async fn groups_come_from_the_file_and_from_the_nodes() {
    let inventory = load(
        "
nodes:
  - {id: 'web-[1-2]', groups: [web, all-web], labels: {zone: a}}
  - {id: other, labels: {zone: b}}
  - {id: db, groups: [db]}
groups:
  web: ['db&(web-1,web-2)', 'web-2!zone=b']
  app: {nodes: ['@web', db]}
  none:
",
    )
    .await;
    let written = |name: &str| {
        let members = inventory.groups[name].iter();
        members.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        written("web"),
        ["db&(web-1,web-2)", "web-2!zone=b", "web-1", "web-2"]
    );
    assert_eq!(written("all-web"), ["web-1", "web-2"]);
    assert_eq!(written("app"), ["@web", "db"]);
    assert_eq!(written("db"), ["db"]);
    assert!(written("none").is_empty());

    let universe = inventory.universe().unwrap();
    let app = select(&"@app".parse().unwrap(), &universe).unwrap();
    let ids: Vec<&str> = app.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["web-1", "web-2", "db"]);
}

#[tokio::test]
async fn scalars_are_taken_as_they_are_written() {
    let inventory = load(
        "nodes: [{id: 007, user: 1000, labels: {version: 1.10, gpu: true, country: no, rack: 0x1F, empty: ''}}]\n",
    )
    .await;
    let node = node(&inventory, "007");
    assert_eq!(node.access.user.as_deref(), Some("1000"));
    for (key, value) in [
        ("version", "1.10"),
        ("gpu", "true"),
        ("country", "no"),
        ("rack", "0x1F"),
        ("empty", ""),
    ] {
        assert_eq!(node.labels[key], value, "{key}");
    }
}

#[tokio::test]
async fn anchors_and_merge_keys_are_understood() {
    let inventory = load(
        "
nodes:
  - &base {id: a, user: pi, labels: &zone {zone: a}}
  - {<<: *base, id: b}
  - {id: c, labels: {<<: *zone, disk: ssd}}
",
    )
    .await;
    assert_eq!(node(&inventory, "b").access.user.as_deref(), Some("pi"));
    assert_eq!(node(&inventory, "c").labels["zone"], "a");
    assert_eq!(node(&inventory, "c").labels["disk"], "ssd");
}

#[tokio::test]
async fn keys_without_a_value_say_nothing() {
    let inventory =
        load("cluster:\nssh:\ngroups:\nnodes:\n  - id: a\n    labels:\n    roles:\n").await;
    assert_eq!(inventory.nodes.len(), 1);
}

#[tokio::test]
async fn an_address_in_brackets_is_no_range() {
    let inventory = load("nodes: [{id: a, host: '[fe80::1%eth0]'}, {id: b, host: '::1'}]\n").await;
    assert_eq!(node(&inventory, "a").host, "fe80::1%eth0");
    assert!(node(&inventory, "b").is_local());
}

#[tokio::test]
async fn ad_hoc_nodes_get_the_defaults_and_must_not_be_known_already() {
    let file = parse("ssh: {user: deploy, port: 2222}\nnodes: [{id: a}]\n");
    let mut inventory = Inventory::load(Some(&file)).await.unwrap();
    let typed = parse_target("root@10.0.0.7").unwrap();
    inventory
        .add_all(&[&AdHocNodes(vec![typed])])
        .await
        .unwrap();
    let added = node(&inventory, "root@10.0.0.7");
    assert_eq!(added.access.user.as_deref(), Some("root"));
    assert_eq!(added.access.port, Some(2222));
    assert_eq!(
        inventory.origin(&added.id).unwrap().to_string(),
        "the command line"
    );

    let again = AdHocNodes(vec![Node::new("a".parse().unwrap(), "10.0.0.8")]);
    match inventory.add_all(&[&again]).await {
        Err(error @ InventoryError::Duplicate { .. }) => assert_eq!(
            error.to_string(),
            "the node id `a` is there twice: in /etc/fleet/towline.yaml:2 and in the command line"
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn hosts_that_a_selection_names_get_the_defaults() {
    let inventory = load("ssh: {user: deploy, port: 2222}\nnodes: [{id: a, port: 22}]\n").await;
    let universe = inventory.universe().unwrap();
    let selected = select(&"a,10.0.0.7,root@10.0.0.8".parse().unwrap(), &universe).unwrap();
    let complete = inventory.complete(selected);
    let access = |n: usize| (complete[n].access.user.as_deref(), complete[n].access.port);
    assert_eq!(access(0), (Some("deploy"), Some(22)));
    assert_eq!(access(1), (Some("deploy"), Some(2222)));
    assert_eq!(access(2), (Some("root"), Some(2222)));
}

#[tokio::test]
async fn without_a_file_there_are_no_nodes() {
    assert!(Inventory::load(None).await.unwrap().nodes.is_empty());
}

#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let committed = include_str!("../../../schema/towline.schema.json");
    let committed: serde_json::Value = serde_json::from_str(committed).unwrap();
    assert!(
        committed == schema(),
        "schema/towline.schema.json is old: run `cargo xtask generate`"
    );
}

/// Every key of every table in the schema.
fn schema_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        keys.extend(properties.keys().cloned());
    }
    match schema {
        serde_json::Value::Object(object) => object.values().for_each(|v| schema_keys(v, keys)),
        serde_json::Value::Array(list) => list.iter().for_each(|v| schema_keys(v, keys)),
        _ => {}
    }
}

#[test]
fn the_reference_tells_of_every_key() {
    let reference = include_str!("../../../docs/reference/towline.yaml.md");
    let mut keys = Vec::new();
    schema_keys(&schema(), &mut keys);
    assert!(keys.len() > 25, "{keys:?}");
    for key in keys {
        assert!(
            reference.contains(&format!("`{key}`")),
            "`{key}` is not in docs/reference/towline.yaml.md"
        );
    }
}

/// The examples of the documentation are files that load.
#[test]
fn the_examples_of_the_reference_load() {
    let reference = include_str!("../../../docs/reference/towline.yaml.md");
    let examples: Vec<&str> = (reference.split("```yaml\n").skip(1))
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() >= 3);
    examples.into_iter().for_each(|example| {
        parse(example);
    });
}

#[test]
fn a_thousand_nodes_load_in_an_instant() {
    use std::fmt::Write as _;
    let mut text = String::from("ssh: {user: deploy}\nnodes:\n");
    for n in 0..1000 {
        write!(
            text,
            "  - id: node-{n:04}\n    host: 10.{}.{}.1\n    port: 2222\n    labels: {{zone: z{}, rack: r{n}}}\n    roles: [worker, web]\n",
            n / 250, n % 250, n % 3,
        )
        .unwrap();
    }
    let begin = std::time::Instant::now();
    let file = parse(&text);
    let took = begin.elapsed();
    assert_eq!(file.config.nodes.len(), 1000);
    // It takes a hundredth of that when optimised; this only finds what grows with the square.
    assert!(took < Duration::from_secs(2), "{took:?}");
}
