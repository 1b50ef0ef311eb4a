//! Keys to log in with: their files, and the agents.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use towline_fleet::facts::Check;
use towline_remote::identity::{
    IdentityError, IdentityFile, KeyFault, SecretKey, agent_keys, load_identity,
};

use crate::{context::with_causes, render::human::count};

/// How long an agent may take to say what it holds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What agents hold.
pub(super) struct Agents {
    /// How many keys.
    pub(super) held: usize,
    /// What is to be said about them.
    pub(super) checks: Vec<Check>,
}

/// Asks each agent what it holds.
pub(super) async fn agents(sockets: &[PathBuf]) -> Agents {
    const NAME: &str = "agent";
    let mut agents = Agents {
        held: 0,
        checks: Vec::new(),
    };
    if sockets.is_empty() {
        let none = Check::ok(NAME, "none; keys are read from files");
        agents.checks.push(none);
    }
    for socket in sockets {
        let check = match agent_keys(socket, PATIENCE).await {
            Ok(told) => {
                agents.held += told.keys.len();
                let keys = count(told.keys.len(), "key");
                Check::ok(NAME, format!("{} holds {keys}", socket.display()))
            }
            Err(error) => Check::warn(NAME, with_causes(&error), error.hint()),
        };
        agents.checks.push(check);
    }
    agents
}

/// Whether others can put files where the keys are.
pub(super) fn folder(folder: &Path) -> Option<Check> {
    let mode = std::fs::metadata(folder).ok()?.permissions().mode() & 0o7777;
    (mode & 0o022 != 0).then(|| {
        Check::fail(
            "key folder",
            format!("others can write to {} (mode {mode:04o})", folder.display()),
            format!("chmod go-w {}", folder.display()),
        )
    })
}

/// Looks at each key file. `held` says that an agent has keys, so that no file is needed.
pub(super) fn files(files: &[IdentityFile], held: bool, folder: &Path) -> Vec<Check> {
    const NAME: &str = "key";
    let mut checks = Vec::new();
    let mut usable = held;
    for file in files {
        let path = file.path.display();
        let fault = match load_identity(&file.path) {
            Ok(identity) => match identity.secret {
                SecretKey::Ready(key) => {
                    usable = true;
                    let kind = key.algorithm();
                    checks.push(Check::ok(NAME, format!("{path} ({kind})")));
                    continue;
                }
                SecretKey::Locked(_) => {
                    usable = true;
                    let found = format!("{path}, its passphrase is asked for before a run begins");
                    checks.push(Check::ok(NAME, found));
                    continue;
                }
                SecretKey::Unusable(error) => judge(file, &error),
            },
            Err(error) => judge(file, &error),
        };
        checks.extend(fault);
    }
    if !usable && checks.is_empty() {
        let file = folder.join("id_ed25519");
        checks.push(Check::warn(
            NAME,
            "there is none to log in with, neither in a file nor in an agent",
            format!(
                "make one: ssh-keygen -t ed25519 -f {}; then put it on each node: ssh-copy-id USER@HOST",
                file.display()
            ),
        ));
    }
    checks
}

/// What is wrong with a key. One of the usual names may be missing; what others can read is no
/// secret any more, whoever named it.
fn judge(file: &IdentityFile, error: &IdentityError) -> Option<Check> {
    const NAME: &str = "key";
    let said = with_causes(error);
    match error.fault {
        KeyFault::Missing if !file.explicit => None,
        KeyFault::TooOpen { .. } => Some(Check::fail(NAME, said, error.hint())),
        // An agent may hold the private half: that is how such files are used.
        KeyFault::PublicOnly | KeyFault::SecurityKey => Some(Check::warn(NAME, said, error.hint())),
        _ if file.explicit => Some(Check::fail(NAME, said, error.hint())),
        _ => Some(Check::warn(NAME, said, error.hint())),
    }
}
