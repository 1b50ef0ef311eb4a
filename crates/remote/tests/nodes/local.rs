//! This machine as a node: what can go wrong with starting a process.

use std::os::unix::fs::PermissionsExt;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use towline_core::{command::Command, event::FailureKind};
use towline_remote::{
    error::RemoteError,
    host::{ExitStatus, Host, Target},
    local::LocalHost,
    run::Outcome,
};

use crate::support::run;

fn here() -> LocalHost {
    LocalHost::new("/bin/sh")
}

#[tokio::test]
async fn a_missing_program_is_the_commands_failure_as_over_ssh() {
    let (outcome, said) = run(&here(), &Command::argv(["no-such-program"])).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(127)));
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("no-such-program: not found"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_no_program_is_the_commands_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain");
    std::fs::write(&file, "text").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (outcome, said) = run(&here(), &Command::argv([file.to_str().unwrap()])).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(126)));
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("Permission denied"), "{said}");
}

#[tokio::test]
async fn a_missing_folder_keeps_the_command_from_running() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::line("echo ran");
    command.cwd = Some(
        folder
            .path()
            .join("gone")
            .into_os_string()
            .into_encoded_bytes(),
    );
    let (outcome, said) = run(&here(), &command).await;
    assert_eq!(outcome.unwrap(), Outcome::Exited(ExitStatus::Code(1)));
    assert_eq!(said.stdout, b"");
    assert!(String::from_utf8(said.stderr).unwrap().contains("gone"));
}

#[tokio::test]
async fn a_missing_shell_is_our_own_failure_and_named() {
    let (outcome, _) = run(&LocalHost::new("/no/such/shell"), &Command::line("true")).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Config);
    assert!(!error.is_transient());
    let failure = error.failure("local");
    let message = failure.message;
    assert!(
        message.contains("/no/such/shell") && message.contains("No such file"),
        "{message}"
    );
    assert!(failure.hint.unwrap().contains("SHELL"));
}

#[tokio::test]
async fn streams_lead_to_ports_and_sockets_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let socket = tokio::net::UnixListener::bind(&path).unwrap();
    let target = Target::Unix(path.to_str().unwrap().to_owned());
    let mut near = here().connect(&target).await.unwrap();
    let (mut far, _) = socket.accept().await.unwrap();
    near.write_all(b"ping").await.unwrap();
    near.shutdown().await.unwrap();
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "ping");

    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let host = "127.0.0.1".to_owned();
    let Err(error) = here().connect(&Target::Tcp { host, port }).await else {
        panic!("connected to nothing")
    };
    assert!(matches!(error, RemoteError::Local { .. }));
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
}
