//! Nodes that a program lists: JSON on its stdout, with the fields of `towline.yaml`.

use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

use super::Source;
use crate::inventory::{
    Excess, InventoryError, Part,
    config::{Listing, SourceEntry},
    decode::decode,
    file::shown,
    tree::{Document, MAX_BYTES},
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// As much of its stderr as is kept for the error.
const MAX_STDERR: usize = 4096;

/// A program that prints nodes. It runs without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandSource {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// How long it may take.
    pub timeout: Duration,
}

impl CommandSource {
    /// The source an entry of a file in `folder` describes.
    #[must_use]
    pub fn new(entry: &SourceEntry, folder: &Path) -> Self {
        Self {
            argv: entry.command.value.clone(),
            folder: folder.to_owned(),
            timeout: entry.timeout.map_or(DEFAULT_TIMEOUT, |wait| wait.0),
        }
    }

    fn words(&self) -> String {
        format!("`{}`", self.argv.join(" "))
    }

    fn start(&self) -> io::Result<Child> {
        let [program, args @ ..] = self.argv.as_slice() else {
            return Err(io::Error::other("no program is named"));
        };
        // `./nodes.sh` stands beside the file; a bare name is looked for in $PATH.
        let program = match program.contains('/') {
            true => std::path::absolute(self.folder.join(program))?,
            false => PathBuf::from(program),
        };
        let mut command = Command::new(program);
        if !self.folder.as_os_str().is_empty() {
            command.current_dir(&self.folder);
        }
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    async fn run(&self) -> Result<Output, InventoryError> {
        let not_started = |source| InventoryError::NotStarted {
            command: self.words(),
            source,
        };
        let mut child = self.start().map_err(not_started)?;
        let group = Group::of(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut errors = Vec::new();
        let done = tokio::time::timeout(self.timeout, async {
            let (printed, said) = tokio::join!(all(stdout), last(stderr, &mut errors));
            said?;
            let Some(printed) = printed? else {
                return Ok(None);
            };
            io::Result::Ok(Some((printed, child.wait().await?)))
        })
        .await;
        drop(group);
        let stderr = String::from_utf8_lossy(&errors).into_owned();
        let killed = |reason, stderr| InventoryError::CommandKilled {
            command: self.words(),
            reason,
            stderr,
        };
        match done {
            Ok(Ok(Some((printed, status)))) => Ok(Output {
                printed,
                status,
                stderr,
            }),
            Ok(Ok(None)) => Err(killed(Excess::Output(MAX_BYTES), stderr)),
            Ok(Err(source)) => Err(not_started(source)),
            Err(_) => Err(killed(Excess::Time(self.timeout), stderr)),
        }
    }
}

#[async_trait]
impl Source for CommandSource {
    async fn load(&self) -> Result<Part, InventoryError> {
        let output = self.run().await?;
        if !output.status.success() {
            return Err(InventoryError::CommandFailed {
                command: self.words(),
                status: output.status.to_string(),
                stderr: output.stderr,
            });
        }
        let document = Document::from_json(self.words(), &output.printed).map_err(|source| {
            InventoryError::NotJson {
                command: self.words(),
                source,
                stderr: output.stderr,
            }
        })?;
        let (listing, mut findings) = decode::<Listing>(&document);
        let (part, more) = (listing.as_ref())
            .map(|listing| listing.resolve(&document, &self.folder))
            .unwrap_or_default();
        findings.extend(more);
        if findings.is_empty() {
            Ok(part)
        } else {
            Err(InventoryError::Invalid {
                problems: shown(findings, &document),
            })
        }
    }
}

struct Output {
    printed: Vec<u8>,
    status: ExitStatus,
    stderr: String,
}

/// The processes of a command; killed when this goes, so that nothing it started stays behind.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Most often it has ended already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Everything, or `None` when it is too much.
async fn all(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_BYTES + 1).read_to_end(&mut bytes).await?;
    }
    Ok((bytes.len() as u64 <= MAX_BYTES).then_some(bytes))
}

/// The end of it.
async fn last(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) -> io::Result<()> {
    let Some(mut pipe) = pipe else {
        return Ok(());
    };
    while pipe.read_buf(kept).await? > 0 {
        kept.drain(..kept.len().saturating_sub(MAX_STDERR));
    }
    Ok(())
}
