//! The files of one run: read once, asked for every host, kept in step with what is pinned.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::SystemTime,
};

use russh::keys::{
    Algorithm, Certificate, PublicKey,
    ssh_key::{known_hosts::Marker, public::KeyData},
};

use super::{
    authority,
    error::KnownHostsError,
    file::FileView,
    host::HostName,
    verdict::{BadLine, KnownLine, Location, TrustedBy, Verdict},
};

/// Stands for the user's file when there is none.
pub(super) const NO_FILE: &str = "(this run)";

/// How keys are written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether names of new lines are hashed, as `HashKnownHosts` asks for.
    pub hash_new_entries: bool,
}

/// The known host keys of one run. Cloning is cheap; clones share what they know.
#[derive(Clone)]
pub struct KnownHosts {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    files: RwLock<Files>,
    /// Held while a file is written, so that this run's connections queue here, not at the file's lock.
    writing: Mutex<Writing>,
}

/// What the run's writers tell each other.
#[derive(Default)]
pub(super) struct Writing {
    /// Whether the last one waited for a file's lock in vain. The next ones try once only, or
    /// a thousand hosts would wait one after the other.
    pub(super) gave_up: bool,
}

/// The user's files first, which are written to, then the system's.
pub(super) struct Files {
    pub(super) user: Vec<FileView>,
    global: Vec<FileView>,
    /// What was found for a name: a host is asked for several times on its way.
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    by_name: HashMap<Box<str>, Arc<[KnownLine]>>,
    faults: Vec<BadLine>,
}

impl KnownHosts {
    /// Reads the files. Those that are not there are empty; keys are pinned in the first of the
    /// user's files, or for this run only when there is none.
    ///
    /// Blocks on the disk; 5,000 lines take 2 to 3 ms. A host looked for in 5,000 hashed lines costs 1 ms,
    /// once; in plain ones next to nothing.
    ///
    /// # Errors
    /// [`KnownHostsError::Read`] when a file is there but can not be read: it may revoke a key.
    pub fn open(
        user_files: &[PathBuf],
        global_files: &[PathBuf],
        options: Options,
    ) -> Result<Self, KnownHostsError> {
        let read = |path: &PathBuf| {
            FileView::read(path).map_err(|source| KnownHostsError::Read {
                path: path.clone(),
                source,
            })
        };
        let mut user = user_files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if user.is_empty() {
            user.push(FileView::empty(Path::new(NO_FILE)));
        }
        let global = global_files.iter().map(read).collect::<Result<_, _>>()?;
        let files = Files {
            user,
            global,
            found: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                files: RwLock::new(files),
                writing: Mutex::default(),
            }),
        })
    }

    /// Lines that were left out of account so far. Keys are decoded on demand, so a line with a
    /// broken key shows up once a host that it names was asked for.
    #[must_use]
    pub fn warnings(&self) -> Vec<BadLine> {
        let files = self.files();
        let views = files.user.iter().chain(&files.global);
        let mut faults: Vec<_> = views.flat_map(|view| view.faults().to_vec()).collect();
        for fault in &lock(&files.found).faults {
            if !faults.contains(fault) {
                faults.push(fault.clone());
            }
        }
        faults
    }

    /// Shows each file to somebody.
    pub(super) fn each_file(&self, mut look: impl FnMut(&FileView)) {
        let files = self.files();
        for view in files.user.iter().chain(&files.global) {
            look(view);
        }
    }

    /// What is known of a key that `host` offers.
    #[must_use]
    pub fn check(&self, host: &HostName, key: &PublicKey) -> Verdict {
        self.files().check(host, key)
    }

    /// What is known of a certificate that `host` offers.
    ///
    /// A certificate of an authority that is not listed for the host counts as the plain key it
    /// certifies, and so does one that is not valid: OpenSSH falls back the same way. But where
    /// no key is known, the invalid certificate is refused.
    #[must_use]
    pub fn check_certificate(
        &self,
        host: &HostName,
        certificate: &Certificate,
        now: SystemTime,
    ) -> Verdict {
        self.files().check_certificate(host, certificate, now)
    }

    /// Puts the algorithms a host's known keys are for first, so that its server shows a key that
    /// can be compared. Otherwise the order stays.
    ///
    /// When a key of the most preferred type is known, the list stays as it is: as in OpenSSH.
    #[must_use]
    pub fn order_algorithms(&self, host: &HostName, preferred: &[Algorithm]) -> Vec<Algorithm> {
        let files = self.files();
        let mut known = files.lines_for(host.as_str());
        if let (false, Some(bare)) = (known.iter().any(KnownLine::is_key), host.bare()) {
            known = files.lines_for(bare);
        }
        let is_known = |algorithm: &&Algorithm| {
            let lines = known.iter().filter(|line| line.is_key());
            lines
                .into_iter()
                .any(|line| same_type(&line.algorithm, algorithm))
        };
        if preferred.first().is_some_and(|best| is_known(&best)) {
            return preferred.to_vec();
        }
        let (mut first, last): (Vec<_>, Vec<_>) = preferred.iter().partition(is_known);
        first.extend(last);
        first.into_iter().cloned().collect()
    }

    /// Whether a certificate authority is listed for `host`, so that certificates should be asked for.
    #[must_use]
    pub fn has_authority(&self, host: &HostName) -> bool {
        self.files().authority(host).is_some()
    }

    pub(super) fn options(&self) -> Options {
        self.shared.options
    }

    pub(super) fn files(&self) -> RwLockReadGuard<'_, Files> {
        let files = self.shared.files.read();
        files.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn files_mut(&self) -> RwLockWriteGuard<'_, Files> {
        let files = self.shared.files.write();
        files.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn writing(&self) -> MutexGuard<'_, Writing> {
        lock(&self.shared.writing)
    }
}

impl Files {
    pub(super) fn check(&self, host: &HostName, key: &PublicKey) -> Verdict {
        let offered = blob(key.key_data());
        if let Some(at) = self.revocation(host, &[&offered]) {
            return Verdict::Revoked { at };
        }
        let trusted = |line: &KnownLine| Verdict::Trusted {
            at: line.at.clone(),
            by: TrustedBy::Key,
        };
        let own = self.lines_for(host.as_str());
        let keys = || own.iter().filter(|line| line.is_key());
        if let Some(line) = keys().find(|line| *line.blob == offered) {
            return trusted(line);
        }
        if keys().next().is_some() {
            let known = keys().map(KnownLine::to_known).collect();
            return Verdict::Changed { known };
        }
        // A key known for the bare name vouches for other ports; another one there says nothing.
        if let Some(bare) = host.bare() {
            let lines = self.lines_for(bare);
            let same = |line: &&KnownLine| line.is_key() && *line.blob == offered;
            if let Some(line) = lines.iter().find(same) {
                return trusted(line);
            }
        }
        let authority = self.authority(host);
        Verdict::Unknown { authority }
    }

    fn check_certificate(
        &self,
        host: &HostName,
        certificate: &Certificate,
        now: SystemTime,
    ) -> Verdict {
        let signer = blob(certificate.signature_key());
        let certified = blob(certificate.public_key());
        if let Some(at) = self.revocation(host, &[&signer, &certified]) {
            return Verdict::Revoked { at };
        }
        let listed = host.names().find_map(|name| {
            let lines = self.lines_for(name);
            let signed = |line: &&KnownLine| line.is_authority() && *line.blob == signer;
            lines.iter().find(signed).map(|line| line.at.clone())
        });
        let key = PublicKey::from(certificate.public_key().clone());
        let Some(at) = listed else {
            return self.check(host, &key);
        };
        match authority::validate(certificate, host.principal(), now) {
            Ok(()) => Verdict::Trusted {
                at,
                by: TrustedBy::Authority,
            },
            Err(fault) => match self.check(host, &key) {
                Verdict::Unknown { .. } => Verdict::CertificateRefused { fault, at },
                other => other,
            },
        }
    }

    /// The line that revokes one of the keys for the host, whatever its port.
    fn revocation(&self, host: &HostName, blobs: &[&[u8]]) -> Option<Location> {
        host.names().find_map(|name| {
            let lines = self.lines_for(name);
            let revokes = |line: &&KnownLine| {
                line.marker == Some(Marker::Revoked) && blobs.contains(&&*line.blob)
            };
            lines.iter().find(revokes).map(|line| line.at.clone())
        })
    }

    fn authority(&self, host: &HostName) -> Option<Location> {
        host.names().find_map(|name| {
            let lines = self.lines_for(name);
            let line = lines.iter().find(|line| line.is_authority());
            line.map(|line| line.at.clone())
        })
    }

    /// The lines of all files for a name; looked for once.
    pub(super) fn lines_for(&self, name: &str) -> Arc<[KnownLine]> {
        if let Some(lines) = lock(&self.found).by_name.get(name) {
            return lines.clone();
        }
        // Not under the lock: trying every hashed name takes a millisecond in a big file.
        let (mut lines, mut faults) = (Vec::new(), Vec::new());
        for view in self.user.iter().chain(&self.global) {
            view.lines_for(name, &mut lines, &mut faults);
        }
        let lines: Arc<[KnownLine]> = lines.into();
        let mut found = lock(&self.found);
        for fault in faults {
            if !found.faults.contains(&fault) {
                found.faults.push(fault);
            }
        }
        found.by_name.insert(name.into(), lines.clone());
        lines
    }

    /// Forgets what was found for one name, a line for it having been added.
    pub(super) fn forget(&mut self, name: &str) {
        lock(&self.found).by_name.remove(name);
    }

    /// Forgets all that was found, a file having been read anew.
    pub(super) fn forget_all(&mut self) {
        *lock(&self.found) = Found::default();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// RSA keys serve all RSA signature algorithms.
fn same_type(key: &Algorithm, algorithm: &Algorithm) -> bool {
    match algorithm {
        Algorithm::Rsa { .. } => matches!(key, Algorithm::Rsa { .. }),
        other => key == other,
    }
}

/// A key in its wire form.
#[expect(
    clippy::expect_used,
    reason = "encoding fails only for fields beyond 4 GiB; a key came in a packet of at most 256 KiB"
)]
pub(super) fn blob(key: &KeyData) -> Vec<u8> {
    PublicKey::from(key.clone())
        .to_bytes()
        .expect("a key has a wire form")
}
