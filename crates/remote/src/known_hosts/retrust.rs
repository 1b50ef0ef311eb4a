//! Replacing the keys of one host, after its user said that the change is right.
//!
//! Other hosts' keys, comments, the order of lines and the file's owner and mode stay. A new file
//! takes the place of the old one in one step, so a program that is killed leaves one of the two.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

use russh::keys::PublicKey;

use super::{
    error::{HostKeyError, KnownHostsError},
    file::{FileView, Stamp},
    host::HostName,
    line,
    pattern::{HostField, classify},
    pin::{Locked, append, keeps_keys},
    store::{KnownHosts, Writing},
    verdict::{KnownKey, KnownLine, OfferedKey, Verdict},
};

/// How often a file is read again because another program wrote to it meanwhile.
const ATTEMPTS: usize = 5;

/// What [`KnownHosts::retrust`] changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Keys that were taken out, and where they stood.
    pub removed: Vec<KnownKey>,
    /// Keys that are still trusted for the host beside the new one, because a pattern or a file of
    /// the system lists them.
    pub remaining: Vec<KnownKey>,
}

impl KnownHosts {
    /// Trusts `new_key` for `host` instead of the keys known so far, in all of the user's files.
    ///
    /// A host that shares its line with others is taken out of the line's list. Lines with a
    /// marker stay, and so do patterns. Does nothing when it is done already. Blocks like
    /// [`KnownHosts::pin`].
    ///
    /// # Errors
    /// [`KnownHostsError::Refused`] when the new key is revoked, else what went wrong with a file.
    pub fn retrust(
        &self,
        host: &HostName,
        new_key: &PublicKey,
    ) -> Result<Replaced, KnownHostsError> {
        let mut writing = self.writing();
        let paths: Vec<PathBuf> = {
            let files = self.files();
            let paths = files.user.iter().map(|view| view.path().to_owned());
            paths.collect()
        };
        for (index, path) in paths.iter().enumerate() {
            if path.exists() && keeps_keys(path) {
                let mut locked = Locked::open(path, &mut writing)?;
                self.refresh(index, &mut locked.0)
                    .map_err(|source| read_error(path, source))?;
            }
        }
        if let Verdict::Revoked { at } = self.check(host, new_key) {
            return Err(KnownHostsError::Refused(Box::new(HostKeyError::Revoked {
                host: host.clone(),
                offered: OfferedKey::new(new_key),
                at,
            })));
        }
        let line = self
            .new_line(host, new_key)
            .map_err(|source| write_error(&paths[0], source))?;
        let edit = Edit {
            name: host.as_str(),
            keep: &super::store::blob(new_key.key_data()),
        };
        let mut removed = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let line = (index == 0).then_some(line.as_str());
            if !keeps_keys(path) {
                removed.extend(self.edit_in_memory(index, &edit, line));
            } else if index == 0 || path.exists() {
                removed.extend(self.edit_file(index, path, &edit, line, &mut writing)?);
            }
        }
        let lines = self.files().lines_for(host.as_str());
        let others = lines
            .iter()
            .filter(|line| line.is_key() && *line.blob != *edit.keep);
        Ok(Replaced {
            removed,
            remaining: others.map(KnownLine::to_known).collect(),
        })
    }

    fn edit_in_memory(&self, index: usize, edit: &Edit, line: Option<&str>) -> Vec<KnownKey> {
        let mut files = self.files_mut();
        let view = &mut files.user[index];
        let edited = edit.apply(view, line);
        let mut fresh = FileView::empty(view.path());
        fresh.push(&edited.text);
        if let Some(line) = line.filter(|_| !edited.listed) {
            fresh.push(line.as_bytes());
        }
        *view = fresh;
        files.forget_all();
        edited.removed
    }

    fn edit_file(
        &self,
        index: usize,
        path: &Path,
        edit: &Edit,
        line: Option<&str>,
        writing: &mut Writing,
    ) -> Result<Vec<KnownKey>, KnownHostsError> {
        let failed = |source| write_error(path, source);
        for _ in 0..ATTEMPTS {
            let mut locked = Locked::open(path, writing)?;
            self.refresh(index, &mut locked.0).map_err(failed)?;
            let mut files = self.files_mut();
            let view = &mut files.user[index];
            let edited = edit.apply(view, line);
            if edited.removed.is_empty() {
                if let Some(line) = line.filter(|_| !edited.listed) {
                    let stamp = append(&mut locked.0, view, line).map_err(failed)?;
                    view.set_stamp(stamp);
                    files.forget(edit.name);
                }
                return Ok(edited.removed);
            }
            if replace(path, &locked.0, view.stamp(), &edited.text).map_err(failed)? {
                *view = FileView::read(path).map_err(|source| read_error(path, source))?;
                files.forget_all();
                return Ok(edited.removed);
            }
        }
        Err(KnownHostsError::Busy {
            path: path.to_owned(),
        })
    }
}

fn write_error(path: &Path, source: io::Error) -> KnownHostsError {
    KnownHostsError::Write {
        path: path.to_owned(),
        source,
    }
}

fn read_error(path: &Path, source: io::Error) -> KnownHostsError {
    KnownHostsError::Read {
        path: path.to_owned(),
        source,
    }
}

/// Takes all keys of `name` but `keep` out of a file.
struct Edit<'a> {
    name: &'a str,
    keep: &'a [u8],
}

struct Edited {
    text: Vec<u8>,
    removed: Vec<KnownKey>,
    /// Whether the key to keep is in the text.
    listed: bool,
}

impl Edit<'_> {
    /// The text without the keys; `line` stands where the first of them stood, unless the key
    /// to keep was listed already.
    fn apply(&self, view: &FileView, line: Option<&str>) -> Edited {
        let mut known = Vec::new();
        view.lines_for(self.name, &mut known, &mut Vec::new());
        known.retain(KnownLine::is_key);
        let mut edited = Edited {
            text: Vec::with_capacity(view.text().len() + 128),
            removed: Vec::new(),
            listed: known.iter().any(|line| *line.blob == *self.keep),
        };
        let mut known = known.iter().peekable();
        let lines = view.text().split_inclusive(|&byte| byte == b'\n');
        for (number, text) in (1..).zip(lines) {
            let ours = known.next_if(|known| known.at.line == number);
            let rest = match ours.filter(|known| *known.blob != *self.keep) {
                Some(_) => self.without_name(text),
                None => Rest::Same,
            };
            if let (Rest::Nothing | Rest::Line(_), Some(known)) = (&rest, ours) {
                edited.removed.push(known.to_known());
                if let Some(line) = line.filter(|_| !edited.listed) {
                    edited.text.extend_from_slice(line.as_bytes());
                    edited.listed = true;
                }
            }
            match rest {
                Rest::Same => edited.text.extend_from_slice(text),
                Rest::Line(line) => edited.text.extend_from_slice(&line),
                Rest::Nothing => {}
            }
        }
        edited
    }

    /// What is left of a line that is for the name, once the name is taken out of it.
    fn without_name(&self, text: &[u8]) -> Rest {
        let Ok(Some(fields)) = line::parse(text.strip_suffix(b"\n").unwrap_or(text)) else {
            return Rest::Same;
        };
        let hosts = &text[fields.hosts.clone()];
        if matches!(classify(hosts), Ok(HostField::Hashed(_))) {
            return Rest::Nothing;
        }
        let all = || hosts.split(|&byte| byte == b',');
        let is_name = |host: &&[u8]| host.eq_ignore_ascii_case(self.name.as_bytes());
        if !all().any(|host| is_name(&host)) {
            return Rest::Same;
        }
        let others: Vec<_> = all().filter(|host| !is_name(host)).collect();
        if others
            .iter()
            .all(|host| host.starts_with(b"!") || host.is_empty())
        {
            return Rest::Nothing;
        }
        let mut line = text[..fields.hosts.start].to_vec();
        line.extend_from_slice(&others.join(&b','));
        line.extend_from_slice(&text[fields.hosts.end..]);
        Rest::Line(line)
    }
}

enum Rest {
    Same,
    Line(Vec<u8>),
    Nothing,
}

/// Puts a new file in the place of `path`, unless it is no longer as `expected`.
///
/// A symlink stays; what it points to is replaced.
fn replace(path: &Path, current: &File, expected: Option<Stamp>, text: &[u8]) -> io::Result<bool> {
    let target = fs::canonicalize(path)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    // Always the same name: the lock is ours, and what a killed program left is used up.
    name.push(".tow");
    let fresh = folder.join(name);

    let done = write_copy(&fresh, current, text).and_then(|()| {
        // `ssh` appends without a lock; what it wrote meanwhile must not be lost.
        if Some(Stamp::of(&fs::metadata(&target)?)) != expected {
            return Ok(false);
        }
        fs::rename(&fresh, &target)?;
        Ok(true)
    });
    if !matches!(done, Ok(true)) {
        // The first error is the one to tell.
        let _ = fs::remove_file(&fresh);
    } else {
        File::open(folder)?.sync_all()?;
    }
    done
}

/// Writes `text` to a new file with the owner and mode of `current`, down to the disk.
fn write_copy(path: &Path, current: &File, text: &[u8]) -> io::Result<()> {
    let metadata = current.metadata()?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path)?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
        fchown(&file, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    file.set_permissions(metadata.permissions())?;
    file.write_all(text)?;
    file.sync_all()
}
