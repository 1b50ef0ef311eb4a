//! Keys made by OpenSSH's tools, and an agent to hold them.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use russh::keys::PublicKey;
use tempfile::TempDir;
use towline_remote::identity::IdentityFile;

/// Runs a program in a folder; answers with what it wrote.
pub(crate) fn run(folder: &Path, program: &str, args: &[&str]) -> String {
    let done = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{program} {args:?}: {done:?}");
    String::from_utf8(done.stdout).unwrap()
}

/// Makes a key with `ssh-keygen`.
pub(crate) fn keygen(folder: &TempDir, name: &str, args: &[&str]) -> PathBuf {
    let mut all = vec!["-q", "-C", name, "-f", name];
    all.extend_from_slice(args);
    run(folder.path(), "ssh-keygen", &all);
    folder.path().join(name)
}

/// A plain key of a type.
pub(crate) fn plain(folder: &TempDir, name: &str, kind: &str) -> PathBuf {
    keygen(folder, name, &["-t", kind, "-N", ""])
}

pub(crate) fn public(path: &Path) -> PublicKey {
    let mut file = path.as_os_str().to_owned();
    file.push(".pub");
    let text = fs::read_to_string(file).unwrap();
    let key: PublicKey = text.parse().unwrap();
    key.key_data().clone().into()
}

/// Has `authority` sign a user's certificate for a key.
pub(crate) fn certify(folder: &TempDir, authority: &str, name: &str, more: &[&str]) -> PathBuf {
    let file = format!("{name}.pub");
    let mut all = vec!["-q", "-s", authority, "-I", name, "-n", "ops"];
    all.extend_from_slice(more);
    all.push(&file);
    run(folder.path(), "ssh-keygen", &all);
    folder.path().join(format!("{name}-cert.pub"))
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn named(path: &Path) -> IdentityFile {
    IdentityFile {
        path: path.to_owned(),
        explicit: true,
    }
}

/// A running `ssh-agent`, ended when dropped.
pub(crate) struct TestAgent {
    child: Child,
    pub(crate) socket: PathBuf,
}

impl TestAgent {
    pub(crate) fn start(folder: &TempDir) -> Self {
        let socket = folder.path().join("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { child, socket };
        let deadline = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(&agent.socket).is_err() {
            assert!(Instant::now() < deadline, "ssh-agent did not start");
            thread::yield_now();
        }
        agent
    }

    /// Adds a key, and the certificate beside it.
    pub(crate) fn add(&self, key: &Path) {
        self.ssh_add(&["-q".as_ref(), key]);
    }

    pub(crate) fn ssh_add(&self, args: &[&Path]) {
        let done = Command::new("ssh-add")
            .args(args)
            .env("SSH_AUTH_SOCK", &self.socket)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

impl Drop for TestAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
