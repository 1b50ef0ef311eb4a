//! Starting commands the way OpenSSH's server does.

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::Pid;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;

use super::pty::{Pty, PtyRequest};
use super::session::SessionSlot;
use super::shared::Shared;

/// Makes its argument the leader of a session of its own, by the same process id; part of
/// util-linux, which every Debian has. The standard library can start a process group, but not
/// a session, and this crate has no unsafe code.
const SETSID: &str = "/usr/bin/setsid";

/// What is to run.
pub(crate) enum What {
    /// A line for the shell, byte for byte as the client sent it.
    Line(Vec<u8>),
    /// The shell itself. Not as a login shell: that would read `/etc/profile`, and the
    /// environment would be the machine's, not the node's.
    Shell,
}

/// A command as it was asked for on a channel.
pub(crate) struct Order {
    pub(crate) what: What,
    /// With variables of the connection and those the client asked for.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) pty: Option<PtyRequest>,
}

/// The near ends of a process's streams.
pub(crate) enum Streams {
    Pipes {
        stdin: ChildStdin,
        stdout: ChildStdout,
        stderr: ChildStderr,
    },
    Pty(Arc<Pty>),
}

/// A process that was started.
pub(crate) struct Process {
    pub(crate) leader: Pid,
    pub(crate) streams: Streams,
    /// Answers once the process has ended and was reaped.
    pub(crate) exit: oneshot::Receiver<ExitStatus>,
}

/// Starts a command as leader of its own session and process group. The slot is held until it
/// has ended: OpenSSH counts a session until both its channel and its process are gone.
pub(crate) fn start(shared: &Arc<Shared>, order: &Order, slot: SessionSlot) -> io::Result<Process> {
    let mut environment = order.environment.clone();
    let mut command = Command::new(SETSID);
    let terminal = order.pty.as_ref().map(Pty::open).transpose()?;
    match &terminal {
        None => {
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        }
        Some((pty, far)) => {
            command.arg("--ctty");
            command
                .stdin(far.try_clone()?)
                .stdout(far.try_clone()?)
                .stderr(far.try_clone()?);
            environment.insert("SSH_TTY".to_owned(), pty.name().to_owned());
            environment.insert("TERM".to_owned(), pty.term().to_owned());
        }
    }
    command.arg(&shared.shell);
    if let What::Line(line) = &order.what {
        command.arg("-c").arg(os_string(line));
    }
    command
        .env_clear()
        .envs(&environment)
        .current_dir(shared.home.path());

    let mut child = command.spawn()?;
    // The command holds the far end of the terminal until it goes.
    drop(command);
    let streams = match terminal {
        Some((pty, _far)) => Streams::Pty(Arc::new(pty)),
        None => take_pipes(&mut child)?,
    };
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let leader = pid.ok_or_else(|| io::Error::other("the process has ended already"))?;
    shared.groups.add(leader);
    shared.counters.execs.one();
    let exit = reap(shared, child, leader, slot);
    Ok(Process {
        leader,
        streams,
        exit,
    })
}

fn take_pipes(child: &mut Child) -> io::Result<Streams> {
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(stdin), Some(stdout), Some(stderr)) => Ok(Streams::Pipes {
            stdin,
            stdout,
            stderr,
        }),
        _ => Err(io::Error::other("the process has no pipes")),
    }
}

/// Waits for the end of a process, whatever becomes of its connection.
fn reap(
    shared: &Arc<Shared>,
    mut child: Child,
    leader: Pid,
    slot: SessionSlot,
) -> oneshot::Receiver<ExitStatus> {
    let (tell, told) = oneshot::channel();
    let node = Arc::clone(shared);
    shared.tasks.spawn(async move {
        let status = child.wait().await;
        node.groups.leader_ended(leader);
        drop(slot);
        if let Ok(status) = status {
            // Nobody listens when the connection is gone.
            let _ = tell.send(status);
        }
    });
    told
}

fn os_string(line: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(line)
}
