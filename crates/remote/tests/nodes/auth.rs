//! Proving who we are: the order, the refusals, and who is asked for what and when.

use std::{path::Path, sync::Arc};

use towline_core::{event::FailureKind, secret::Secret};
use towline_remote::{
    error::{AuthAttempt, AuthResult, RemoteError},
    plan::Ask,
    pool::{Connect, Limits, Pool},
    route::Through,
    ssh::Credential,
};
use towline_testkit::embedded::{CertAuthority, EmbeddedNode, Faults, TestKey};

use crate::{
    planned::Home,
    support::{World, denied, node},
};

fn key(key: &TestKey) -> Credential {
    Credential::Key(Arc::new(key.private().clone()))
}

fn named(name: &str, way: Credential) -> (String, Credential) {
    (name.to_owned(), way)
}

fn results(attempts: &[AuthAttempt]) -> Vec<(&str, &AuthResult)> {
    attempts
        .iter()
        .map(|attempt| (attempt.what.as_str(), &attempt.result))
        .collect()
}

#[tokio::test]
async fn what_was_tried_is_told_in_its_order_with_what_to_type_next() {
    let mut world = World::new();
    let server = world
        .node()
        .password("ops", "right")
        .keyboard_interactive("ops", "right")
        .start()
        .await
        .unwrap();
    let (first, second) = (TestKey::ed25519().unwrap(), TestKey::ecdsa().unwrap());
    let stranger = CertAuthority::new().unwrap();
    let certificate = stranger.sign_user(&second.public(), &["ops"]).unwrap();
    let private = Arc::new(second.private().clone());
    let ways = vec![
        named("first key", key(&first)),
        named(
            "certificate",
            Credential::Certificate(private, Box::new(certificate)),
        ),
        named("the password", Credential::Password(Secret::new("wrong"))),
    ];
    world.add("n1", world.endpoint_with(&server, ways), Through::Nothing);
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "n1").await;
    let RemoteError::AuthDenied { attempts, .. } = &error else {
        panic!("{error:?}")
    };
    let refused = &AuthResult::Refused;
    let expected = [
        ("first key", refused),
        ("certificate", refused),
        ("the password", refused),
    ];
    assert_eq!(results(attempts), expected);
    let address = server.addr();
    assert_eq!(
        error.to_string(),
        format!(
            "ops@{address} let nobody in: tried first key (refused), certificate (refused), \
             the password (refused)"
        )
    );
    assert_eq!(error.kind(), FailureKind::AuthDenied);
    assert!(!error.is_transient(), "what is refused stays refused");
    let hint = error.hint("n1").unwrap();
    let copy = format!("ssh-copy-id -p {} ops@127.0.0.1", address.port());
    for part in [&*copy, "--identity FILE", "-l USER"] {
        assert!(hint.contains(part), "{part:?} is not in {hint:?}");
    }
    // As a password, and as the answer to a question: both once.
    let stats = server.stats();
    assert_eq!(
        (stats.auth_password, stats.auth_keyboard_interactive),
        (1, 1)
    );
    assert_eq!(stats.connections, 1);
}

#[tokio::test]
async fn each_way_lets_in_by_itself() {
    let authority = CertAuthority::new().unwrap();
    let mut world = World::new();
    let by_key = world.node().start().await.unwrap();
    let by_certificate = EmbeddedNode::builder().trusted_user_ca(authority.public());
    let by_certificate = by_certificate.start().await.unwrap();
    let by_password = EmbeddedNode::builder().password("ops", "pw");
    let by_password = by_password.start().await.unwrap();
    let by_question = EmbeddedNode::builder().keyboard_interactive("ops", "pw");
    let by_question = by_question.start().await.unwrap();
    let own = Arc::new(world.key.private().clone());
    let certificate = authority.sign_user(&world.key.public(), &["ops"]).unwrap();
    let password = || Credential::Password(Secret::new("pw"));
    for (id, server, way) in [
        ("key", &by_key, Credential::Key(own.clone())),
        (
            "certificate",
            &by_certificate,
            Credential::Certificate(own, Box::new(certificate)),
        ),
        ("password", &by_password, password()),
        ("question", &by_question, password()),
    ] {
        let endpoint = world.endpoint_with(server, vec![named(id, way)]);
        world.add(id, endpoint, Through::Nothing);
    }
    let (pool, _folder) = world.pool();
    for id in ["key", "certificate", "password", "question"] {
        let connected = pool.connect(&node(id)).await;
        assert!(connected.is_ok(), "{id}: {:?}", connected.err());
    }
    pool.close().await;
}

#[tokio::test]
async fn a_kind_the_server_does_not_take_is_not_tried() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let other = TestKey::ed25519().unwrap();
    let password = Credential::Password(Secret::new("pw"));
    let ways = vec![named("a key", key(&other)), named("the password", password)];
    world.add("n1", world.endpoint_with(&server, ways), Through::Nothing);
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "n1").await;
    assert!(
        error
            .to_string()
            .ends_with("a key (refused), the password (not allowed by the server)"),
        "{error}"
    );
    assert_eq!(
        server.stats().auth_password,
        0,
        "the password was sent for nothing"
    );
}

#[tokio::test]
async fn nothing_to_try_is_told_as_that() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    world.add(
        "n1",
        world.endpoint_with(&server, Vec::new()),
        Through::Nothing,
    );
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "n1").await;
    assert!(
        error
            .to_string()
            .contains("there was no key, no agent and no password to try"),
        "{error}"
    );
    assert!(error.hint("n1").unwrap().contains("--identity"));
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_the_next_connection_may_be_let_in() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    server.set_faults(Faults {
        refuse_auth: true,
        ..Faults::default()
    });
    world.add("n1", world.endpoint(&server), Through::Nothing);
    let (pool, _folder) = world.pool();
    assert_eq!(denied(&pool, "n1").await.kind(), FailureKind::AuthDenied);
    assert_eq!(server.stats().connections, 1);
    server.set_faults(Faults::default());
    assert!(pool.connect(&node("n1")).await.is_ok());
    pool.close().await;
}

/// Knows a passphrase, and counts how often it is asked for it.
struct Counting(Vec<bool>);

impl Ask for Counting {
    fn passphrase(&mut self, _: &Path, again: bool) -> Option<Secret> {
        self.0.push(again);
        Some(Secret::new(if again { "open" } else { "wrong" }))
    }
}

#[tokio::test]
async fn a_passphrase_is_asked_for_once_for_all_nodes_and_before_any_is_connected() {
    let home = Home::new();
    let key = TestKey::ed25519().unwrap();
    let path = key.write_encrypted(home.path(), "id", "open").unwrap();
    let server = EmbeddedNode::builder().authorized_key(key.public());
    let server = server.start().await.unwrap();
    let ids: Vec<String> = (0..30).map(|n| format!("n{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let config = format!(
        "Host n*\nHostname 127.0.0.1\nPort {}\nIdentityFile {}\n",
        server.addr().port(),
        path.display()
    );
    let mut ask = Counting(Vec::new());
    let plan = home.plan(&config, &ids, &mut ask).await;
    // Once, and once more because the first answer was wrong.
    assert_eq!(ask.0, [false, true]);
    assert_eq!(server.stats().connections, 0);
    let pool = Pool::new(Arc::new(plan), Limits::default());
    for id in ids {
        pool.connect(&node(id)).await.unwrap();
    }
    assert_eq!(
        server.stats().authenticated,
        1,
        "30 names of one sshd are one connection"
    );
    pool.close().await;
}

struct Silent;

impl Ask for Silent {
    fn passphrase(&mut self, _: &Path, _: bool) -> Option<Secret> {
        None
    }
}

#[tokio::test]
async fn a_key_that_stays_locked_is_in_the_refusal() {
    let home = Home::new();
    let key = TestKey::ed25519().unwrap();
    let path = key.write_encrypted(home.path(), "id", "open").unwrap();
    let server = EmbeddedNode::builder().authorized_key(key.public());
    let server = server.start().await.unwrap();
    let config = format!(
        "Host n1\nHostname 127.0.0.1\nPort {}\nIdentityFile {}\n",
        server.addr().port(),
        path.display()
    );
    let plan = home.plan(&config, &["n1"], &mut Silent).await;
    let pool = Pool::new(Arc::new(plan), Limits::default());
    let said = denied(&pool, "n1").await.to_string();
    let expected = format!("key {} (its passphrase was not given)", path.display());
    assert!(said.contains(&expected), "{said}");
}

#[tokio::test]
async fn identities_only_keeps_the_agents_other_keys_away() {
    let mut home = Home::new();
    let agent = crate::keys::TestAgent::start(&home.folder);
    for name in ["a", "b", "c"] {
        agent.add(&crate::keys::plain(&home.folder, name, "ed25519"));
    }
    home.agent = Some(agent.socket.clone());
    let named = home.path().join("c");
    let server = EmbeddedNode::builder().authorized_key(crate::keys::public(&named));
    let server = server.start().await.unwrap();
    let config = format!(
        "Host only\nIdentitiesOnly yes\nIdentityFile {}\nHost *\nHostname 127.0.0.1\nPort {}\n",
        named.display(),
        server.addr().port()
    );
    let pool = home.pool(&config, &["only"]).await;
    pool.connect(&node("only")).await.unwrap();
    assert_eq!(server.stats().auth_publickey, 1);
    pool.close().await;

    server.set_faults(Faults {
        refuse_auth: true,
        ..Faults::default()
    });
    let pool = home.pool(&config, &["only"]).await;
    let error = denied(&pool, "only").await;
    let RemoteError::AuthDenied { attempts, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(attempts.len(), 1, "{error}");
    let pool = home.pool(&config, &["any"]).await;
    let RemoteError::AuthDenied { attempts, .. } = denied(&pool, "any").await else {
        panic!("another error")
    };
    assert_eq!(attempts.len(), 3);
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.what.contains("from the agent"))
    );
}

#[tokio::test]
async fn an_agent_that_ended_is_told_as_that() {
    let mut home = Home::new();
    let agent = crate::keys::TestAgent::start(&home.folder);
    agent.add(&crate::keys::plain(&home.folder, "a", "ed25519"));
    home.agent = Some(agent.socket.clone());
    let server = EmbeddedNode::builder()
        .password("ops", "pw")
        .start()
        .await
        .unwrap();
    let config = format!(
        "Host n1\nHostname 127.0.0.1\nPort {}\n",
        server.addr().port()
    );
    let pool = home.pool(&config, &["n1"]).await;
    drop(agent);
    let error = denied(&pool, "n1").await;
    assert_eq!(error.kind(), FailureKind::Agent, "{error}");
    let hint = error.hint("n1").unwrap();
    assert!(hint.contains("ssh-add"), "{hint}");
}

#[tokio::test]
async fn a_server_that_counts_tries_is_given_the_right_key_by_name() {
    let mut world = World::new();
    let server = world.node().start().await.unwrap();
    let wrong = (1..=9).map(|n| (format!("key {n}"), key(&TestKey::ed25519().unwrap())));
    let ways = wrong
        .chain([named("the right one", key(&world.key))])
        .collect();
    world.add("n1", world.endpoint_with(&server, ways), Through::Nothing);
    let (pool, _folder) = world.pool();
    let error = denied(&pool, "n1").await;
    assert_eq!(error.kind(), FailureKind::AuthDenied, "{error}");
    assert!(!error.is_transient());
    let said = error.to_string();
    assert!(said.contains("key 5 (refused)"), "{said}");
    assert!(said.ends_with("more (the server hung up)"), "{said}");
    let hint = error.hint("n1").unwrap();
    assert!(hint.contains("-o IdentitiesOnly=yes"), "{hint}");
}
