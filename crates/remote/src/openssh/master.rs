//! The ssh process that holds a connection, from its start to its end.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::{
    Client, errors,
    mux::{self, Mux, Refusal},
};
use crate::error::{RemoteError, Stage};

/// A logged-in ssh in the background.
///
/// It ends when it is told to, when this is dropped, and by itself a few seconds after this
/// program is gone, however that ended: it holds no terminal and waits for nobody.
pub(super) struct Master {
    folder: Folder,
    gone: CancellationToken,
    client: Client,
}

/// The private folder with the control socket and what ssh says. The master ends with it.
struct Folder(TempDir);

impl Folder {
    fn new(client: &Client) -> io::Result<Self> {
        // Such a folder is open to nobody else. Its path has to be short: it ends up in the
        // address of a socket.
        let folder = tempfile::Builder::new()
            .prefix("tow-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(&client.folder)?;
        Ok(Self(folder))
    }

    fn socket(&self) -> PathBuf {
        self.0.path().join("ctl")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = mux::terminate(&self.socket());
    }
}

fn local(what: &str) -> impl FnOnce(io::Error) -> RemoteError {
    let what = what.to_owned();
    move |source| RemoteError::Local { what, source }
}

impl Master {
    pub(super) async fn start(client: &Client) -> Result<Self, RemoteError> {
        let folder = Folder::new(client).map_err(local("making a folder for a control socket"))?;
        let limit = client.connect_timeout * 2;
        let Ok(status) = tokio::time::timeout(limit, run(client, folder.0.path())).await else {
            return Err(RemoteError::ConnectTimeout {
                address: client.address(),
                after: limit,
                stage: Stage::Authentication,
            });
        };
        if !status?.success() {
            return Err(errors::explain(client, folder.0.path()));
        }
        let lease = Mux::connect(&folder.socket()).await.map_err(|refusal| {
            let reason = match refusal {
                Refusal::Refused(reason) => reason,
                Refusal::Lost(error) => error.to_string(),
            };
            RemoteError::OpenSsh {
                reason: format!("it logged in, then its control socket failed: {reason}"),
            }
        })?;
        let gone = CancellationToken::new();
        tokio::spawn(hold(lease, gone.clone()));
        Ok(Self {
            folder,
            gone,
            client: client.clone(),
        })
    }

    /// A connection to it, for one request.
    pub(super) async fn mux(&self) -> Result<Mux, Refusal> {
        Mux::connect(&self.folder.socket()).await
    }

    /// The private folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.0.path()
    }

    pub(super) fn is_lost(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// The error for a connection that is lost, with the last that ssh said.
    pub(super) fn lost(&self) -> RemoteError {
        let said = errors::last_word(self.folder());
        RemoteError::Closed {
            reason: said.unwrap_or_else(|| {
                let address = self.client.address();
                // tidy: allow-text told to people
                format!("the system's ssh client for {address} has ended")
            }),
        }
    }

    /// Ends it, and waits until it has.
    pub(super) async fn end(&self) {
        if mux::terminate(&self.folder.socket()).is_ok() {
            // It has nothing to wait for: what it carries is cut off.
            let _late =
                tokio::time::timeout(std::time::Duration::from_secs(1), self.gone.cancelled())
                    .await;
        }
        self.gone.cancel();
    }
}

/// Keeps a connection to the master open: while there is one it does not end by itself.
async fn hold(mut lease: Mux, gone: CancellationToken) {
    tokio::select! {
        _none = lease.news() => gone.cancel(),
        () = gone.cancelled() => {}
    }
}

/// Runs ssh until it has logged in and gone to the background, or failed.
async fn run(client: &Client, folder: &Path) -> Result<ExitStatus, RemoteError> {
    let said = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(folder.join(errors::SAID))
        .map_err(local("making a file for what ssh says"))?;
    let arguments = client.arguments(folder)?;
    Command::new(&client.program)
        .args(arguments)
        .env("SSH_ASKPASS_REQUIRE", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        // The terminal's Ctrl-C is for us.
        .process_group(0)
        .kill_on_drop(true)
        .status()
        .await
        .map_err(local("starting the system's ssh client"))
}
