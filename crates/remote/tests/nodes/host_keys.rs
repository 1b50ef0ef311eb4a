//! Host keys: pinned once, known again, and never changed in silence.

use std::{fs, sync::Arc};

use russh::keys::HashAlg;
use towline_core::event::FailureKind;
use towline_remote::{
    known_hosts::{HostKeyPolicy, KnownHosts, Options},
    pool::Connect,
    route::Through,
};
use towline_testkit::embedded::{CertAuthority, EmbeddedFleet, EmbeddedNode, Faults, TestKey};

use crate::{
    planned::Home,
    support::{World, denied, node},
};

impl World {
    /// With this in its `known_hosts`.
    fn knowing(text: &str) -> Self {
        let mut world = Self::new();
        fs::write(world.folder.path().join("known_hosts"), text).unwrap();
        let file = world.folder.path().join("known_hosts");
        world.known = KnownHosts::open(&[file], &[], Options::default()).unwrap();
        world
    }
}

fn text(key: &russh::keys::PublicKey) -> String {
    let key = russh::keys::PublicKey::from(key.key_data().clone());
    key.to_openssh().unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn a_new_key_is_pinned_under_its_port_and_known_again() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let file = world.folder.path().join("known_hosts");
    let (pool, _folder) = world.pool();
    pool.connect(&node("n1")).await.unwrap();
    pool.close().await;
    let written = fs::read_to_string(&file).unwrap();
    let (port, key) = (server.addr().port(), text(&server.host_key()));
    assert_eq!(written, format!("[127.0.0.1]:{port} {key}\n"));
    pool.connect(&node("n1")).await.unwrap();
    pool.close().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
}

#[tokio::test]
async fn strict_takes_no_unknown_key_and_writes_none() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let mut endpoint = world.endpoint(&server);
    endpoint.trust.policy = HostKeyPolicy::Strict;
    world.add("n1", endpoint, Through::Nothing);
    let file = world.folder.path().join("known_hosts");
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "n1").await;
    assert_eq!(error.kind(), FailureKind::HostKeyUnknown);
    assert!(!error.is_transient());
    let fingerprint = server.host_key().fingerprint(HashAlg::Sha256).to_string();
    assert!(error.to_string().contains(&fingerprint), "{error}");
    assert!(error.hint("n1").unwrap().contains("tow node trust n1"));
    assert!(!file.exists(), "something was pinned");
    assert_eq!(
        server.stats().auth_publickey,
        0,
        "a stranger was shown our key"
    );
}

#[tokio::test]
async fn a_changed_key_is_a_hard_failure_with_both_fingerprints_and_the_way_on() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let known = world.known.clone();
    let name = world.endpoint(&server).trust.name;
    let file = world.folder.path().join("known_hosts");
    let (pool, _folder) = world.pool();
    pool.connect(&node("n1")).await.unwrap();
    pool.close().await;
    let before = fs::read_to_string(&file).unwrap();
    server.set_faults(Faults {
        other_host_key: true,
        ..Faults::default()
    });
    let error = denied(&pool, "n1").await;
    assert_eq!(error.kind(), FailureKind::HostKeyChanged);
    assert!(!error.is_transient(), "trying again does not make it true");
    let said = error.to_string();
    let other = server.other_host_key().unwrap();
    for key in [&server.host_key(), &other] {
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        assert!(
            said.contains(&fingerprint),
            "{fingerprint} is not in {said}"
        );
    }
    assert!(said.contains(&format!("{}:1", file.display())), "{said}");
    assert!(error.hint("n1").unwrap().contains("tow node trust n1"));
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(server.stats().authenticated, 1);
    // What the hint's command does.
    known.retrust(&name, &other).unwrap();
    pool.connect(&node("n1")).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_even_if_it_is_listed() {
    let key = TestKey::ed25519().unwrap();
    let line = text(&key.public());
    let mut world = World::knowing(&format!("@revoked * {line}\n127.0.0.1 {line}\n"));
    let server = world.node().host_key(key.private().clone());
    let server = server.start().await.unwrap();
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "n1").await;
    assert_eq!(error.kind(), FailureKind::HostKeyChanged);
    let said = error.to_string();
    assert!(
        said.contains("is revoked (") && said.contains("known_hosts:1"),
        "{said}"
    );
}

#[tokio::test]
async fn an_authority_vouches_for_the_hosts_it_is_listed_for() {
    let authority = CertAuthority::new().unwrap();
    let line = format!("@cert-authority 127.0.0.* {}\n", text(&authority.public()));
    let mut world = World::knowing(&line);
    let certified = world.node().start().await.unwrap();
    certified.host_certificate(&authority).unwrap();
    let plain = world.node().start().await.unwrap();
    let elsewhere = world.node().start().await.unwrap();
    elsewhere
        .host_certificate(&CertAuthority::new().unwrap())
        .unwrap();
    for (id, server) in [
        ("certified", &certified),
        ("plain", &plain),
        ("elsewhere", &elsewhere),
    ] {
        world.add(id, world.endpoint(server), Through::Nothing);
    }
    let file = world.folder.path().join("known_hosts");
    let (pool, _folder) = world.pool();
    pool.connect(&node("certified")).await.unwrap();
    for id in ["plain", "elsewhere"] {
        let error = denied(&pool, id).await;
        let said = error.to_string();
        assert!(
            said.contains("without a certificate of the authority"),
            "{said}"
        );
        assert!(!error.is_transient());
        assert!(
            error
                .hint(id)
                .unwrap()
                .contains(&format!("tow node trust {id}"))
        );
    }
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        line,
        "nothing is pinned beside it"
    );
    pool.close().await;
}

#[tokio::test]
async fn an_alias_names_the_key_whatever_the_address() {
    let home = Home::new();
    let key = TestKey::ed25519().unwrap();
    let own = key.write(home.path(), "id").unwrap();
    let server = EmbeddedNode::builder().authorized_key(key.public());
    let (one, two) = (
        server.clone().start().await.unwrap(),
        server.start().await.unwrap(),
    );
    let config = format!(
        "Host one two\nHostKeyAlias The-Gate\nHost one\nPort {}\nHost two\nPort {}\n\
         Host *\nHostname 127.0.0.1\nIdentityFile {}\n",
        one.addr().port(),
        two.addr().port(),
        own.display()
    );
    let pool = home.pool(&config, &["one", "two"]).await;
    pool.connect(&node("one")).await.unwrap();
    let written = fs::read_to_string(home.known_hosts()).unwrap();
    assert_eq!(written, format!("the-gate {}\n", text(&one.host_key())));
    // Another machine under the same alias is another machine.
    assert_eq!(
        denied(&pool, "two").await.kind(),
        FailureKind::HostKeyChanged
    );
    pool.close().await;
}

#[tokio::test]
async fn two_hundred_connections_pin_at_once_and_the_file_is_read_once() {
    let mut world = World::new();
    let fleet = EmbeddedFleet::start(200, world.node().name("n"))
        .await
        .unwrap();
    for server in &fleet {
        world.add(server.name(), world.endpoint(server), Through::Nothing);
    }
    let expected = fleet.known_hosts().unwrap();
    // A line that comes after the file was read is not seen by a run that reads it once.
    let late = TestKey::ed25519().unwrap();
    let file = world.folder.path().join("known_hosts");
    let (pool, _folder) = world.pool();
    let connecting = fleet.iter().map(|server| {
        let pool = Arc::clone(&pool);
        async move { pool.connect(&node(server.name())).await.map(drop) }
    });
    for connected in futures::future::join_all(connecting).await {
        connected.unwrap();
    }
    let written = fs::read_to_string(&file).unwrap();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&written), sorted(&expected));
    pool.close().await;
    let first = format!("[127.0.0.1]:{}", fleet[0].addr().port());
    fs::write(&file, format!("{first} {}\n", text(&late.public()))).unwrap();
    pool.connect(&node(fleet[0].name())).await.unwrap();
    pool.close().await;
    fleet.stop().await;
}
