//! Attributes of files, read and set.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use russh_sftp::protocol::FileAttributes;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

/// The bits of a mode a client may set.
pub(super) const MODE_BITS: u32 = 0o7777;

pub(super) fn of(metadata: &Metadata) -> FileAttributes {
    // Times are 32 bits wide in version 3.
    let seconds = |time: i64| u32::try_from(time).unwrap_or(u32::MAX);
    FileAttributes {
        size: Some(metadata.len()),
        uid: Some(metadata.uid()),
        gid: Some(metadata.gid()),
        permissions: Some(metadata.mode()),
        atime: Some(seconds(metadata.atime())),
        mtime: Some(seconds(metadata.mtime())),
        ..FileAttributes::empty()
    }
}

/// Sets what is given of a path. Nothing is opened but for a new size: a path may be a pipe.
pub(super) fn set_at(path: &Path, attributes: &FileAttributes) -> io::Result<()> {
    if let Some(size) = attributes.size {
        File::options().write(true).open(path)?.set_len(size)?;
    }
    if attributes.uid.is_some() || attributes.gid.is_some() {
        std::os::unix::fs::chown(path, attributes.uid, attributes.gid)?;
    }
    if let Some(mode) = attributes.permissions {
        std::fs::set_permissions(path, Permissions::from_mode(mode & MODE_BITS))?;
    }
    if let Some(times) = times(attributes) {
        rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?;
    }
    Ok(())
}

/// Sets what is given of an open file.
pub(super) fn set(file: &File, attributes: &FileAttributes) -> io::Result<()> {
    if let Some(size) = attributes.size {
        file.set_len(size)?;
    }
    if attributes.uid.is_some() || attributes.gid.is_some() {
        std::os::unix::fs::fchown(file, attributes.uid, attributes.gid)?;
    }
    if let Some(mode) = attributes.permissions {
        file.set_permissions(Permissions::from_mode(mode & MODE_BITS))?;
    }
    if let Some(times) = times(attributes) {
        rustix::fs::futimens(file, &times)?;
    }
    Ok(())
}

/// The protocol gives both times or none.
fn times(attributes: &FileAttributes) -> Option<Timestamps> {
    let time = |seconds: u32| Timespec {
        tv_sec: seconds.into(),
        tv_nsec: 0,
    };
    let (accessed, modified) = attributes.atime.zip(attributes.mtime)?;
    Some(Timestamps {
        last_access: time(accessed),
        last_modification: time(modified),
    })
}
