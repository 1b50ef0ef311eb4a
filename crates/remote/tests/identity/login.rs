//! Logging in by a plan.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use towline_core::secret::Secret;
use towline_remote::{
    error::RemoteError,
    identity::{AuthSources, Identities, agent_keys, plan_auth},
    known_hosts::{HostKeyPolicy, HostName, KnownHosts, Options},
    ssh::{Endpoint, Login, Trust, Tuning, Via, dial},
};
use towline_testkit::embedded::{EmbeddedBuilder, EmbeddedNode};

use super::support::{TestAgent, certify, keygen, named, plain, public};

async fn log_in(node: &EmbeddedNode, login: Login) -> Result<(), RemoteError> {
    let (ip, port) = (node.addr().ip().to_string(), node.addr().port());
    let endpoint = Endpoint {
        trust: Trust {
            name: HostName::new(&ip, port).unwrap(),
            known: KnownHosts::open(&[], &[], Options::default()).unwrap(),
            policy: HostKeyPolicy::AcceptNew,
        },
        host: ip,
        port,
        login: Arc::new(login),
        connect_timeout: Duration::from_secs(10),
        tuning: Tuning::default(),
    };
    dial(&endpoint, Via::Direct).await.map(|_| ())
}

async fn login(keys: &Identities, agent: Option<&Path>) -> Login {
    let held = match agent {
        Some(path) => agent_keys(path, Duration::from_secs(10)).await.unwrap(),
        None => towline_remote::identity::AgentKeys::default(),
    };
    let plan = plan_auth(&AuthSources {
        identities: keys,
        agent: &held.keys,
        identities_only: false,
        now: SystemTime::now(),
    });
    plan.login("ops".to_owned(), None, agent.map(PathBuf::from))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn node() -> EmbeddedBuilder {
    EmbeddedNode::builder().user("ops")
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_all_kinds_log_in_from_files_and_from_the_agent() {
    let folder = folder();
    let agent = TestAgent::start(&folder);
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let path = plain(&folder, kind, kind);
        let node = node().authorized_key(public(&path)).start().await.unwrap();
        let keys = Identities::load(&[named(&path)], &[]);
        log_in(&node, login(&keys, None).await).await.unwrap();

        agent.add(&path);
        let held = login(&Identities::default(), Some(&agent.socket)).await;
        log_in(&node, held).await.unwrap();
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_log_in_wherever_their_key_is() {
    let folder = folder();
    let authority = public(&plain(&folder, "ca", "ed25519"));
    let node = node().trusted_user_ca(authority).start().await.unwrap();
    let agent = TestAgent::start(&folder);
    for kind in ["ed25519", "rsa"] {
        let path = plain(&folder, kind, kind);
        // The plain key alone, which the node does not take.
        agent.add(&path);
        let certificate = certify(&folder, "ca", kind, &[]);
        let refused = login(&Identities::default(), Some(&agent.socket)).await;
        let refused = log_in(&node, refused).await;
        assert!(matches!(refused, Err(RemoteError::AuthDenied { .. })));

        let beside = Identities::load(&[named(&path)], &[]);
        log_in(&node, login(&beside, None).await).await.unwrap();
        let with_agent = Identities::load(&[], &[certificate]);
        let with_agent = login(&with_agent, Some(&agent.socket)).await;
        log_in(&node, with_agent).await.unwrap();

        agent.ssh_add(&["-q".as_ref(), "-D".as_ref()]);
        agent.add(&path);
        let held = login(&Identities::default(), Some(&agent.socket)).await;
        log_in(&node, held).await.unwrap();
        agent.ssh_add(&["-q".as_ref(), "-D".as_ref()]);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlocked_key_logs_in_and_a_locked_one_is_told() {
    let folder = folder();
    let path = keygen(&folder, "key", &["-t", "ed25519", "-a", "1", "-N", "x"]);
    let node = node().authorized_key(public(&path)).start().await.unwrap();
    let mut keys = Identities::load(&[named(&path)], &[]);
    let denied = log_in(&node, login(&keys, None).await).await.unwrap_err();
    let said = denied.to_string();
    assert!(said.contains("its passphrase was not given"), "{said}");
    for (locked, key) in keys.locked_mut() {
        key.set_unlocked(locked.unlock(&Secret::new("x")).unwrap());
    }
    log_in(&node, login(&keys, None).await).await.unwrap();
    node.stop().await;
}
