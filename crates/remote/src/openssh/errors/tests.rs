//! Recorded with OpenSSH 9.2.

use std::{sync::Arc, time::Duration};

use towline_core::event::FailureKind;

use super::*;
use crate::known_hosts::HostKeyPolicy;

fn client(proxy: Proxy) -> Client {
    Client {
        key: String::new(),
        why: String::new(),
        program: "ssh".into(),
        folder: "/run".into(),
        shell: "/bin/sh".to_owned(),
        config: None,
        host: "n1".to_owned(),
        hostname: "127.1.0.1".to_owned(),
        user: "root".to_owned(),
        port: 22871,
        identities: Vec::new(),
        options: Vec::new(),
        known_hosts: Vec::new(),
        host_keys: HostKeyPolicy::AcceptNew,
        connect_timeout: Duration::from_secs(1),
        keepalive: None,
        proxy,
    }
}

fn judged(said: &str) -> RemoteError {
    judge(&client(Proxy::Nothing), said, None)
}

#[test]
fn host_keys() {
    let unknown = judged(
        "No ED25519 host key is known for [127.1.0.1]:22871 and you have requested strict checking.\r\n\
         Host key verification failed.\r\n",
    );
    assert_eq!(unknown.kind(), FailureKind::HostKeyUnknown);
    let changed = judged(
        "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n\
         @    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n\
         @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n\
         IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n\
         Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r\n\
         It is also possible that a host key has just been changed.\r\n\
         The fingerprint for the ED25519 key sent by the remote host is\n\
         SHA256:0k/oTh80L2cut45tBelEgbc2RtZ1bPtf0XEpd6JWQno.\r\n\
         Please contact your system administrator.\r\n\
         Add correct host key in /home/me/kh2 to get rid of this message.\r\n\
         Offending ED25519 key in /home/me/kh2:1\r\n  remove with:\r\n\
         ssh-keygen -f \"/home/me/kh2\" -R \"[127.1.0.1]:22871\"\r\n\
         Host key for [127.1.0.1]:22871 has changed and you have requested strict checking.\r\n\
         Host key verification failed.\r\n",
    );
    assert_eq!(changed.kind(), FailureKind::HostKeyChanged);
    let text = changed.to_string();
    assert!(text.contains("ED25519 SHA256:0k/oTh80L2cut45tBelEgbc2RtZ1bPtf0XEpd6JWQno,"));
    assert!(text.contains("(/home/me/kh2:1)"), "{text}");
}

#[test]
fn logins() {
    let denied = judged(
        "Warning: Permanently added '[127.1.0.1]:22871' (ED25519) to the list of known hosts.\r\n\
         Warning: Identity file /nonexist not accessible: No such file or directory.\n\
         root@127.1.0.1: Permission denied (publickey,keyboard-interactive).\r\n",
    );
    assert_eq!(denied.kind(), FailureKind::AuthDenied);
    assert!(
        denied.to_string().contains("Identity file /nonexist"),
        "{denied}"
    );
    let RemoteError::AuthDenied { accepts, .. } = denied else {
        panic!()
    };
    assert_eq!(accepts, ["publickey", "keyboard-interactive"]);
}

#[test]
fn ways() {
    let samples = [
        (
            "ssh: connect to host 127.1.0.1 port 1: Connection refused\r\n",
            FailureKind::Refused,
        ),
        (
            "ssh: Could not resolve hostname nosuch.invalid: Name or service not known\r\n",
            FailureKind::Resolve,
        ),
        (
            "ssh: connect to host 10.0.0.9 port 22: No route to host\r\n",
            FailureKind::Unreachable,
        ),
        (
            "ssh: connect to host 10.0.0.9 port 22: Connection timed out\r\n",
            FailureKind::ConnectTimeout,
        ),
        (
            "Connection timed out during banner exchange\r\n\
             Connection to UNKNOWN port 65535 timed out\r\n",
            FailureKind::ConnectTimeout,
        ),
        (
            "kex_exchange_identification: Connection closed by remote host\r\n\
             Connection closed by 127.1.0.1 port 22871\r\n",
            FailureKind::Closed,
        ),
        (
            "banner exchange: Connection to UNKNOWN port 65535: Broken pipe\r\n",
            FailureKind::Closed,
        ),
        (
            "Unable to negotiate with 127.1.0.1 port 22871: no matching key exchange method found. \
             Their offer: curve25519-sha256,ecdh-sha2-nistp256\r\n",
            FailureKind::Protocol,
        ),
        (
            "command-line: line 0: Bad configuration option: nonsense\r\n",
            FailureKind::Config,
        ),
        ("something new\r\n", FailureKind::Protocol),
        ("", FailureKind::Protocol),
    ];
    for (said, kind) in samples {
        assert_eq!(judged(said).kind(), kind, "{said}");
    }
}

#[test]
fn what_stands_between_is_blamed_for_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        SAID,
        "kex_exchange_identification: Connection closed by remote host\r\n\
         Connection closed by UNKNOWN port 65535\r\n",
    );
    let jump = Arc::new(client(Proxy::Nothing));
    let behind = client(Proxy::Jump(jump));
    assert!(matches!(
        explain(&behind, folder.path()),
        RemoteError::Dropped { .. }
    ));
    write(
        "said-1",
        "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n",
    );
    let text = explain(&behind, folder.path()).failure("n1").message;
    assert!(
        text.ends_with("connect failed: Connection refused"),
        "{text}"
    );
    let behind = client(Proxy::Command("nc %h %p".to_owned()));
    write(PROXY_SAID, "no such way\n");
    let error = explain(&behind, folder.path());
    assert_eq!(error.kind(), FailureKind::Proxy);
    assert!(error.to_string().contains("no such way"), "{error}");
}
