//! The system's SSH programs, told to use nothing of the machine they run on.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says where"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use towline_testkit::embedded::{EmbeddedBuilder, EmbeddedNode, TestKey};

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A client with a key of its own.
pub(crate) struct Client {
    pub(crate) directory: TempDir,
    pub(crate) key: TestKey,
    pub(crate) key_file: PathBuf,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Output {
    pub(crate) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).replace('\r', "")
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = TestKey::ed25519().unwrap();
        let key_file = key.write(directory.path(), "id").unwrap();
        Self {
            directory,
            key,
            key_file,
        }
    }

    /// A node to be that knows this client as `tow`.
    pub(crate) fn builder(&self) -> EmbeddedBuilder {
        EmbeddedNode::builder()
            .name("n1")
            .user("tow")
            .authorized_key(self.key.public())
    }

    pub(crate) async fn node(&self) -> EmbeddedNode {
        self.builder().start().await.unwrap()
    }

    pub(crate) fn known_hosts(&self, node: &EmbeddedNode) -> PathBuf {
        let path = self
            .directory
            .path()
            .join(format!("known_hosts_{}", node.addr().port()));
        std::fs::write(&path, node.known_hosts_line().unwrap()).unwrap();
        path
    }

    /// `ssh` or `sftp` with the settings both take.
    pub(crate) fn program(&self, program: &str, node: &EmbeddedNode) -> Command {
        let mut command = Command::new(program);
        command.args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
        ]);
        command.args(["-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10"]);
        command.args(["-o", "KexAlgorithms=curve25519-sha256"]);
        command.args([
            "-o",
            "GlobalKnownHostsFile=/dev/null",
            "-o",
            "StrictHostKeyChecking=yes",
        ]);
        command.arg("-o").arg(format!(
            "UserKnownHostsFile={}",
            self.known_hosts(node).display()
        ));
        command
            .arg("-o")
            .arg(format!("Port={}", node.addr().port()));
        command.arg("-i").arg(&self.key_file);
        command
            .env_remove("SSH_AUTH_SOCK")
            .env("LC_TEST", "für")
            .kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `ssh`, with options before the command line.
    pub(crate) fn command(&self, node: &EmbeddedNode, arguments: &[&str]) -> Command {
        let mut command = self.program("ssh", node);
        let (line, options) = arguments.split_last().unwrap();
        command
            .args(options)
            .arg(format!("tow@{}", node.addr().ip()))
            .arg(line);
        command
    }

    pub(crate) async fn ssh(&self, node: &EmbeddedNode, arguments: &[&str]) -> Output {
        run(self.command(node, arguments), b"").await
    }
}

/// Runs a program with some input.
pub(crate) async fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feed = tokio::spawn(async move {
        // A program that ended without reading it all is for the caller to judge.
        let _ = stdin.write_all(&input).await;
    });
    let done = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    feed.await.unwrap();
    let output = done.expect("the program should have ended").unwrap();
    Output {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
    }
}

/// Waits until something holds.
pub(crate) async fn eventually(patience: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < patience,
            "still not so after {patience:?}"
        );
        // tidy: allow-sleep polls until its deadline, for what tells nobody when it is so
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The processes whose `HOME` is this directory.
pub(crate) fn processes_of(home: &Path) -> Vec<u32> {
    let wanted = format!("HOME={}", home.display());
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
    })
    .collect()
}
