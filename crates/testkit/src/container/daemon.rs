//! The container engine: one that runs already is used as it is; else the bed starts its own, which
//! shares nothing with an installed one, and ends exactly that one.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::docker::Docker;
use super::error::BedError;
use super::layout::{Files, RUNTIME_DIR};
use super::process::Tool;

const SYSTEM_SOCKET: &str = "/var/run/docker.sock";
/// Version 1 of control groups leaves the nodes' common parent behind, in each tree.
const CGROUP_PARENT: &str = "/towline-testbed";
const CGROUP_TREES: &str = "/sys/fs/cgroup";
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(50);

fn own_socket() -> PathBuf {
    Path::new(RUNTIME_DIR).join("docker.sock")
}

fn pid_file() -> PathBuf {
    Path::new(RUNTIME_DIR).join("dockerd.pid")
}

/// dockerd's own containerd writes this one.
fn containerd_pid_file() -> PathBuf {
    Path::new(RUNTIME_DIR).join("exec/containerd/containerd.pid")
}

/// The engines that answer now, our own first.
pub(super) fn answering() -> Result<Vec<Docker>, BedError> {
    let mut found = Vec::new();
    for socket in [own_socket(), PathBuf::from(SYSTEM_SOCKET)] {
        let docker = Docker::at(&socket);
        if docker.answers()? {
            found.push(docker);
        }
    }
    Ok(found)
}

/// An engine that answers, and whether it had to be started.
pub(super) fn ensure(files: &Files) -> Result<(Docker, bool), BedError> {
    if let Some(docker) = answering()?.into_iter().next() {
        return Ok((docker, false));
    }
    start(files).map(|docker| (docker, true))
}

/// The same for taking a bed away: an engine that was killed has left its containers running, and
/// only a new one on the same folders can end them.
pub(super) fn revive(files: &Files) -> Result<(), BedError> {
    if Path::new(RUNTIME_DIR).exists() && !Docker::at(&own_socket()).answers()? {
        start(files)?;
    }
    Ok(())
}

fn start(files: &Files) -> Result<Docker, BedError> {
    Tool::as_root("mkdir").args(["-p", RUNTIME_DIR]).run()?;
    // dockerd takes the pid file of an engine that was killed for that of one that runs, as long
    // as any process has the number.
    for file in [pid_file(), containerd_pid_file()] {
        if pid_in(&file).is_none() {
            Tool::as_root("rm").arg("-f").arg(file).run()?;
        }
    }
    let log_path = files.engine_log();
    let log_error = |source| BedError::File {
        path: log_path.clone(),
        source,
    };
    let log = fs::File::create(&log_path).map_err(log_error)?;
    // A daemon.json of the machine would be in conflict with our flags.
    let config = files.engine_config();
    fs::write(&config, "{}\n").map_err(|source| BedError::File {
        path: config.clone(),
        source,
    })?;

    let socket = own_socket();
    let mut host = std::ffi::OsString::from("unix://");
    host.push(&socket);
    let tool = Tool::as_root("dockerd")
        .arg("--config-file")
        .arg(config)
        .arg("--host")
        .arg(host)
        .arg("--data-root")
        .arg(files.engine_data())
        .arg("--exec-root")
        .arg(Path::new(RUNTIME_DIR).join("exec"))
        .arg("--pidfile")
        .arg(pid_file())
        // A containerd of the machine, if there is one, is shared: but not its containers.
        .args(["--containerd-namespace", "towline-testbed"])
        .args(["--containerd-plugins-namespace", "towline-testbed-plugins"])
        // The nodes talk to this machine and to each other, to nobody else: no masquerading, no
        // forwarding, and so no rule and no sysctl that would outlive the engine.
        .args([
            "--bridge",
            "none",
            "--iptables=false",
            "--ip-forward=false",
            "--ip-masq=false",
        ])
        .args(["--userland-proxy=false", "--log-level", "warn"])
        .args(["--cgroup-parent", CGROUP_PARENT]);
    let mut child = tool
        .command()
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(log_error)?)
        .stderr(log)
        // Ctrl-C at the terminal is not meant for it.
        .process_group(0)
        .spawn()
        .map_err(|source| tool.spawn_error(source))?;

    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait()));
    wait_until_answering(&Docker::at(&socket), &end, files)
}

fn wait_until_answering(
    docker: &Docker,
    end: &mpsc::Receiver<io::Result<ExitStatus>>,
    files: &Files,
) -> Result<Docker, BedError> {
    let begun = Instant::now();
    loop {
        if docker.answers()? {
            return Ok(docker.clone());
        }
        let gone = match end.recv_timeout(POLL) {
            Ok(Ok(status)) => Some(format!("dockerd ended with {status}")),
            Ok(Err(error)) => Some(format!("dockerd is lost: {error}")),
            Err(RecvTimeoutError::Disconnected) => Some("dockerd is lost".to_owned()),
            Err(RecvTimeoutError::Timeout) if begun.elapsed() > START_LIMIT => Some(format!(
                "dockerd does not answer after {} s",
                START_LIMIT.as_secs()
            )),
            Err(RecvTimeoutError::Timeout) => None,
        };
        if let Some(what) = gone {
            stop(files).ok();
            return Err(BedError::CannotStart {
                reason: format!("{what}: {}", last_words(&files.engine_log())),
            });
        }
    }
}

/// The last line of a log: where dockerd says why it gives up.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing")
        .to_owned()
}

/// Ends the engine that the bed started, with all it left mounted. Whether there was one.
pub(super) fn stop(files: &Files) -> Result<bool, BedError> {
    let pid = pid_in(&pid_file());
    if let Some(pid) = pid {
        Tool::as_root("kill")
            .args(["-TERM", &pid.to_string()])
            .run()?;
        let begun = Instant::now();
        while is_alive(pid) {
            if begun.elapsed() > STOP_LIMIT {
                return Err(BedError::Deadline {
                    what: format!("dockerd (process {pid}) has not ended"),
                    waited: begun.elapsed(),
                    last: "it was sent SIGTERM".to_owned(),
                });
            }
            std::thread::sleep(POLL);
        }
    }
    // Fails while a node runs whose engine was killed; what is in our folder is then still needed.
    remove_cgroups()?;
    for folder in [Path::new(RUNTIME_DIR), &files.engine_data()] {
        for place in mounts_in(folder)? {
            Tool::as_root("umount").arg(place).run()?;
        }
    }
    if Path::new(RUNTIME_DIR).exists() {
        Tool::as_root("rm")
            .args(["-rf", "--one-file-system", RUNTIME_DIR])
            .run()?;
    }
    if pid.is_some() {
        remove_empty_folders()?;
    }
    Ok(pid.is_some())
}

/// What an engine makes outside of its own folders, whatever its flags; what is in use stays.
fn remove_empty_folders() -> Result<(), BedError> {
    const FOLDERS: [&str; 4] = [
        "/run/containerd/s",
        "/run/containerd",
        "/run/docker/plugins",
        "/run/docker",
    ];
    let left: Vec<&str> = FOLDERS
        .into_iter()
        .filter(|folder| Path::new(folder).is_dir())
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    Tool::as_root("rmdir")
        .arg("--ignore-fail-on-non-empty")
        .args(left)
        .run()
        .map(drop)
}

/// Removes the nodes' empty parent from every control group tree.
fn remove_cgroups() -> Result<(), BedError> {
    let root = PathBuf::from(CGROUP_TREES);
    let trees = fs::read_dir(&root).map_err(|source| BedError::File { path: root, source })?;
    let name = CGROUP_PARENT.trim_start_matches('/');
    // Some trees are symbolic links to others.
    let left: Vec<PathBuf> = trees
        .filter_map(|entry| entry.ok().filter(|entry| !entry.path().is_symlink()))
        .map(|entry| entry.path().join(name))
        .chain([Path::new(CGROUP_TREES).join(name)])
        .filter(|group| group.is_dir())
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    Tool::as_root("rmdir").arg("--").args(left).run().map(drop)
}

/// The process in a pid file, when it is still the one that wrote it: ids are used again.
fn pid_in(file: &Path) -> Option<u32> {
    let pid = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let is_ours = String::from_utf8_lossy(&arguments).contains(RUNTIME_DIR);
    is_ours.then_some(pid)
}

/// A process that has ended but was not waited for is not alive.
fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.starts_with(" Z"))
    })
}

/// Mount points at or in a folder, the newest first.
fn mounts_in(folder: &Path) -> Result<Vec<String>, BedError> {
    let path = PathBuf::from("/proc/self/mountinfo");
    let table = fs::read_to_string(&path).map_err(|source| BedError::File { path, source })?;
    Ok(parse_mounts(&table, folder))
}

/// The fifth field of a line is the mount point (proc_pid_mountinfo(5)). Blanks in it are written
/// as `\040`; a cache folder with blanks in its name keeps what a killed engine left mounted.
fn parse_mounts(table: &str, folder: &Path) -> Vec<String> {
    let mut places: Vec<String> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(|place| Path::new(place).starts_with(folder))
        .map(str::to_owned)
        .collect();
    places.reverse();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_the_newest_first() {
        let table = "\
            30 1 254:0 / / rw - ext4 /dev/vda rw\n\
            90 30 0:50 / /run/towline-testbed/exec/netns/default rw - nsfs nsfs rw\n\
            91 30 0:51 / /run/towline-testbed-other rw - tmpfs tmpfs rw\n\
            92 90 0:52 / /run/towline-testbed/exec/netns/b rw - nsfs nsfs rw\n";
        assert_eq!(
            parse_mounts(table, Path::new("/run/towline-testbed")),
            [
                "/run/towline-testbed/exec/netns/b",
                "/run/towline-testbed/exec/netns/default"
            ]
        );
    }

    #[test]
    fn this_process_is_alive_and_an_impossible_one_is_not() {
        assert!(is_alive(std::process::id()));
        assert!(!is_alive(u32::MAX));
    }
}
