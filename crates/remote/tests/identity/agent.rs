//! Agents, real ones and broken ones.

use std::{path::PathBuf, time::Duration};

use russh::keys::agent::AgentIdentity;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};
use towline_remote::identity::{AgentError, AgentKeys, agent_keys};

use super::support::{TestAgent, certify, plain, public};

const PATIENCE: Duration = Duration::from_secs(10);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn keys_and_certificates_are_listed_in_order() {
    let folder = folder();
    let agent = TestAgent::start(&folder);
    let held = agent_keys(&agent.socket, PATIENCE).await.unwrap();
    assert!(held.keys.is_empty() && held.unreadable == 0);

    plain(&folder, "ca", "ed25519");
    let (first, second) = (
        plain(&folder, "rsa", "rsa"),
        plain(&folder, "ed", "ed25519"),
    );
    certify(&folder, "ca", "ed", &[]);
    agent.add(&first);
    agent.add(&second);
    let AgentKeys { keys, .. } = agent_keys(&agent.socket, PATIENCE).await.unwrap();
    let listed: Vec<_> = keys
        .iter()
        .map(|key| {
            let certified = matches!(key, AgentIdentity::Certificate { .. });
            (
                key.public_key().key_data().clone(),
                certified,
                key.comment(),
            )
        })
        .collect();
    let data = |path| public(path).key_data().clone();
    assert_eq!(
        listed,
        [
            (data(&first), false, "rsa"),
            (data(&second), false, "ed"),
            (data(&second), true, "ed"),
        ]
    );
}

#[tokio::test]
async fn sockets_without_an_agent_are_told_apart() {
    let folder = folder();
    let path = folder.path().join("none");
    let error = agent_keys(&path, PATIENCE).await.unwrap_err();
    assert!(matches!(error, AgentError::Missing { .. }));
    assert!(error.hint().contains("ssh-add"));

    let path = folder.path().join("stale");
    drop(UnixListener::bind(&path).unwrap());
    let error = agent_keys(&path, PATIENCE).await.unwrap_err();
    assert!(matches!(&error, AgentError::Gone { path: told } if *told == path));
}

/// Something that answers each request with the same bytes.
fn answering(folder: &TempDir, answer: Vec<u8>) -> PathBuf {
    let path = folder.path().join("fake");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(request, [0, 0, 0, 1, 11]);
            stream.write_all(&answer).await.unwrap();
            // Held open: an agent does not close after its answer.
            let _ = stream.read(&mut request).await;
        }
    });
    path
}

#[tokio::test]
async fn odd_answers_are_errors() {
    let wrong: [&[u8]; 4] = [
        &[0, 0, 0, 1, 6],
        &[0, 0, 0, 0],
        &[0xff; 8],
        b"\0\0\0\x05\x0c\0\0\0\x01",
    ];
    for answer in wrong {
        let folder = folder();
        let path = answering(&folder, answer.to_vec());
        let error = agent_keys(&path, PATIENCE).await.unwrap_err();
        assert!(
            matches!(error, AgentError::Protocol { .. }),
            "{answer:?}: {error:?}"
        );
    }
    let folder = folder();
    let path = answering(&folder, vec![0, 0, 0, 1, 5]);
    let error = agent_keys(&path, PATIENCE).await.unwrap_err();
    assert!(matches!(error, AgentError::Refused { .. }));
}

#[tokio::test]
async fn a_silent_agent_is_not_waited_for_without_end() {
    let folder = folder();
    let path = answering(&folder, vec![0, 0]);
    let error = agent_keys(&path, Duration::from_millis(20))
        .await
        .unwrap_err();
    assert!(matches!(error, AgentError::Silent { .. }));
}

#[tokio::test]
async fn one_strange_key_does_not_hide_the_others() {
    let string = |bytes: &[u8]| {
        let mut out = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
        out.extend_from_slice(bytes);
        out
    };
    let keys = folder();
    let good = public(&plain(&keys, "key", "ed25519"));
    let blob = good.to_bytes().unwrap();
    let mut list = vec![12, 0, 0, 0, 2];
    list.extend(
        [
            string(b"???"),
            string(b"odd"),
            string(&blob),
            string(b"caf\xe9"),
        ]
        .concat(),
    );
    let folder = folder();
    let path = answering(&folder, string(&list));
    let held = agent_keys(&path, PATIENCE).await.unwrap();
    assert_eq!(held.unreadable, 1);
    assert_eq!(held.keys.len(), 1);
    assert_eq!(held.keys[0].public_key().key_data(), good.key_data());
    assert_eq!(held.keys[0].comment(), "caf\u{fffd}");
}
