//! Writing a key down on first use.
//!
//! A line is appended by one `write`, so a program that is killed leaves whole lines, and other
//! programs that append at the same time (`ssh` does, without a lock) lose nothing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use russh::keys::PublicKey;

use super::{
    error::KnownHostsError,
    file::{FileView, Stamp},
    host::HostName,
    pattern,
    policy::{Decision, HostKeyPolicy, decide},
    store::{KnownHosts, NO_FILE, Writing},
    verdict::{Location, Verdict},
};

/// How long another program may keep the file locked.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the lock is tried.
const PAUSE: Duration = Duration::from_millis(5);

/// Where a key stands after [`KnownHosts::pin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// It was written down.
    Written(Location),
    /// It stood there already: another connection or program was first.
    Already(Location),
    /// There is no file to write to; it is known to this run only.
    ForThisRun,
}

impl KnownHosts {
    /// Writes down the key of a host that is seen for the first time.
    ///
    /// Safe when many connections and several programs do so at once: what was written meanwhile
    /// is looked at under a lock, so two keys never get pinned for one host. The file is created
    /// with mode 0600 and its folder with 0700. Blocks on the disk, and up to 10 s on the lock.
    ///
    /// # Errors
    /// [`KnownHostsError::Refused`] when the host is known by now and not by this key, else what
    /// went wrong with the file.
    pub fn pin(&self, host: &HostName, key: &PublicKey) -> Result<Pinned, KnownHostsError> {
        let mut writing = self.writing();
        let path = self.files().user[0].path().to_owned();
        let write_error = |source| KnownHostsError::Write {
            path: path.clone(),
            source,
        };
        let locked = if keeps_keys(&path) {
            let mut file = Locked::open(&path, &mut writing)?;
            self.refresh(0, &mut file.0).map_err(write_error)?;
            Some(file)
        } else {
            None
        };
        match self.check(host, key) {
            Verdict::Trusted { at, .. } => return Ok(Pinned::Already(at)),
            verdict => match decide(HostKeyPolicy::AcceptNew, host, key, verdict) {
                Decision::Accept | Decision::AcceptAndPin => {}
                Decision::Refuse(error) => return Err(KnownHostsError::Refused(error)),
            },
        }
        let line = self.new_line(host, key).map_err(write_error)?;

        let mut files = self.files_mut();
        let view = &mut files.user[0];
        let Some(mut file) = locked else {
            view.push(line.as_bytes());
            files.forget(host.as_str());
            return Ok(Pinned::ForThisRun);
        };
        let stamp = append(&mut file.0, view, &line).map_err(write_error)?;
        view.set_stamp(stamp);
        let at = Location {
            file: path.as_path().into(),
            line: view.count(),
        };
        files.forget(host.as_str());
        Ok(Pinned::Written(at))
    }

    /// Reads a user's file anew when it is not as it was.
    pub(super) fn refresh(&self, index: usize, file: &mut File) -> io::Result<()> {
        let stamp = Stamp::of(&file.metadata()?);
        let mut files = self.files_mut();
        if files.user[index].stamp() != Some(stamp) {
            files.user[index] = FileView::read_open(files.user[index].path(), file)?;
            files.forget_all();
        }
        Ok(())
    }

    /// A line for `known_hosts`, its end included.
    pub(super) fn new_line(&self, host: &HostName, key: &PublicKey) -> io::Result<String> {
        let name = if self.options().hash_new_entries {
            pattern::hashed(host.as_str())?
        } else {
            host.as_str().to_owned()
        };
        // Without the comment, which comes from the other side.
        let key = PublicKey::from(key.key_data().clone());
        let key = key.to_openssh().map_err(io::Error::other)?;
        Ok(format!("{name} {}\n", key.trim_end()))
    }
}

/// Whether what is written to `path` can be read again: not so for `/dev/null`, or without a file.
pub(super) fn keeps_keys(path: &Path) -> bool {
    path != Path::new(NO_FILE) && fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

/// Appends one line to the file and the view alike; returns the file's new state.
pub(super) fn append(file: &mut File, view: &mut FileView, line: &str) -> io::Result<Stamp> {
    let before = file.metadata()?.len();
    let line_end = if view.needs_line_end() { "\n" } else { "" };
    let written = format!("{line_end}{line}");
    if let Err(error) = file.write_all(written.as_bytes()) {
        // A full disk: half a line must not stay, unless another program has written after it.
        let after = file.metadata()?.len();
        if after > before && after - before < written.len() as u64 {
            file.set_len(before)?;
        }
        return Err(error);
    }
    view.close_last_line();
    view.push(line.as_bytes());
    Ok(Stamp::of(&file.metadata()?))
}

/// A file that no other Towline writes to.
pub(super) struct Locked(pub(super) File);

impl Locked {
    /// Opens the file for reading and appending, creates it if need be, and locks it.
    pub(super) fn open(path: &Path, writing: &mut Writing) -> Result<Self, KnownHostsError> {
        let patience = if writing.gave_up {
            Duration::ZERO
        } else {
            PATIENCE
        };
        let opened = Self::open_within(path, patience);
        writing.gave_up = matches!(opened, Err(KnownHostsError::Busy { .. }));
        opened
    }

    fn open_within(path: &Path, patience: Duration) -> Result<Self, KnownHostsError> {
        let error = |source| KnownHostsError::Write {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent()
            && !folder.as_os_str().is_empty()
            && !folder.exists()
        {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder.create(folder).map_err(error)?;
        }
        let deadline = Instant::now() + patience;
        loop {
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true).mode(0o600);
            let file = options.open(path).map_err(error)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(PAUSE);
                    continue;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(KnownHostsError::Busy {
                        path: path.to_owned(),
                    });
                }
                // Some network file systems know no locks. Appending is safe without one.
                Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(cause)) => return Err(error(cause)),
            }
            // Another program may have put a new file in its place while we waited.
            let ours = Stamp::of(&file.metadata().map_err(error)?);
            match fs::metadata(path) {
                Ok(current) if ours.same_file(&Stamp::of(&current)) => return Ok(Self(file)),
                _ if Instant::now() < deadline => {}
                Ok(_) => {
                    return Err(KnownHostsError::Busy {
                        path: path.to_owned(),
                    });
                }
                Err(cause) => return Err(error(cause)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_never_released_is_an_error_and_waited_for_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        let mut writing = Writing::default();
        let held = Locked::open(&path, &mut writing).unwrap();
        let busy = Locked::open_within(&path, Duration::from_millis(20));
        assert!(matches!(busy, Err(KnownHostsError::Busy { .. })));

        writing.gave_up = true;
        let asked = Instant::now();
        assert!(Locked::open(&path, &mut writing).is_err());
        assert!(asked.elapsed() < PATIENCE, "it waited once more");
        drop(held);
        assert!(Locked::open(&path, &mut writing).is_ok());
        assert!(!writing.gave_up);
    }
}
