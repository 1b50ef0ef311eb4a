//! Files and directories, as the protocol asks for them.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh_sftp::protocol::{File as Entry, FileAttributes, OpenFlags};
use rustix::fs::{CWD, RenameFlags};

use super::attributes;

/// The most that is read at once, whatever is asked for: OpenSSH's limit.
pub(super) const MAX_READ: u32 = 255 * 1024;

/// Modes of what is made when none is given; the umask takes its part.
const FILE_MODE: u32 = 0o666;
const DIRECTORY_MODE: u32 = 0o777;

/// What a handle stands for.
pub(super) enum Open {
    File(Arc<File>),
    Directory(VecDeque<Entry>),
}

/// The file system, seen from a home directory.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    home: PathBuf,
}

impl Tree {
    pub(super) fn new(home: PathBuf) -> Self {
        Self { home }
    }

    /// Relative paths start at home; absolute ones are what they are.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.home.join(path)
    }
}

pub(super) fn open(path: &Path, flags: OpenFlags, given: &FileAttributes) -> io::Result<File> {
    let mode = given.permissions.unwrap_or(FILE_MODE) & attributes::MODE_BITS;
    OpenOptions::from(flags).mode(mode).open(path)
}

/// Reads up to `len` bytes; none at the end of the file.
pub(super) fn read(file: &File, offset: u64, len: u32) -> io::Result<Vec<u8>> {
    let mut data = vec![0; len.min(MAX_READ) as usize];
    let n = file.read_at(&mut data, offset)?;
    data.truncate(n);
    Ok(data)
}

pub(super) fn write(file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
    file.write_all_at(data, offset)
}

pub(super) fn list(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for name in [".", ".."] {
        entries.push(Entry::new(
            name,
            attributes::of(&path.join(name).metadata()?),
        ));
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // One that has just gone is none.
        if let Ok(metadata) = entry.metadata() {
            entries.push(Entry::new(
                entry.file_name().to_string_lossy(),
                attributes::of(&metadata),
            ));
        }
    }
    Ok(entries)
}

pub(super) fn make_directory(path: &Path, given: &FileAttributes) -> io::Result<()> {
    let mode = given.permissions.unwrap_or(DIRECTORY_MODE) & attributes::MODE_BITS;
    DirBuilder::new().mode(mode).create(path)
}

/// The absolute path without links; as with OpenSSH its last part need not be there.
pub(super) fn real_path(path: &Path) -> io::Result<PathBuf> {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Err(error), Some(parent), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(parent.canonicalize()?.join(name))
        }
        (result, _, _) => result,
    }
}

/// The protocol's own rename does not replace what is there.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::renameat_with(
        CWD,
        from,
        CWD,
        to,
        RenameFlags::NOREPLACE,
    )?)
}
