//! OpenSSH's extensions of the protocol.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use russh_sftp::extensions::{
    FSYNC, FsyncExtension, HARDLINK, HardlinkExtension, LIMITS, LimitsExtension, STATVFS, Statvfs,
    StatvfsExtension,
};
use russh_sftp::protocol::{ExtendedReply, Packet, StatusCode};
use russh_sftp::server::StatusReply;
use russh_sftp::{de, ser};
use rustix::fs::StatVfsMountFlags;

use super::files::{MAX_READ, Tree};
use super::status::ok;

const POSIX_RENAME: &str = "posix-rename@openssh.com";

/// Packets may be this long, as with OpenSSH (and the library).
const MAX_PACKET: u64 = 256 * 1024;

/// What is announced, with OpenSSH's version of each.
pub(super) fn offered() -> HashMap<String, String> {
    [
        (POSIX_RENAME, "1"),
        (STATVFS, "2"),
        (HARDLINK, "1"),
        (FSYNC, "1"),
        (LIMITS, "1"),
    ]
    .into_iter()
    .map(|(name, version)| (name.to_owned(), version.to_owned()))
    .collect()
}

/// A request of one of the extensions.
pub(super) enum Request {
    Rename(HardlinkExtension),
    Link(HardlinkExtension),
    Sync(FsyncExtension),
    Space(StatvfsExtension),
    Limits,
}

/// What comes back: nothing but success, or data.
pub(super) enum Answer {
    Done,
    Data(Vec<u8>),
}

impl Answer {
    pub(super) fn into_packet(self, id: u32) -> Packet {
        match self {
            Self::Done => ok(id).into(),
            Self::Data(data) => ExtendedReply { id, data }.into(),
        }
    }
}

impl Request {
    pub(super) fn parse(name: &str, data: Vec<u8>) -> Result<Self, StatusReply> {
        let mut data = data.into();
        let parsed = match name {
            // Two paths, old and new, as for a link.
            POSIX_RENAME => de::from_bytes(&mut data).map(Self::Rename),
            HARDLINK => de::from_bytes(&mut data).map(Self::Link),
            FSYNC => de::from_bytes(&mut data).map(Self::Sync),
            STATVFS => de::from_bytes(&mut data).map(Self::Space),
            LIMITS => Ok(Self::Limits),
            _ => return Err(StatusCode::OpUnsupported.into()),
        };
        parsed.map_err(|error| StatusCode::BadMessage.with_message(error.to_string()))
    }

    /// The open file the request is about, if it is about one.
    pub(super) fn handle(&self) -> Option<&str> {
        match self {
            Self::Sync(request) => Some(&request.handle),
            _ => None,
        }
    }

    pub(super) fn run(&self, tree: &Tree, file: Option<&File>) -> io::Result<Answer> {
        match self {
            Self::Rename(it) => {
                std::fs::rename(tree.path(&it.oldpath), tree.path(&it.newpath))?;
            }
            Self::Link(it) => {
                std::fs::hard_link(tree.path(&it.oldpath), tree.path(&it.newpath))?;
            }
            Self::Sync(_) => file.map_or(Ok(()), File::sync_all)?,
            Self::Space(it) => return encode(&space(&tree.path(&it.path))?),
            Self::Limits => {
                return encode(&LimitsExtension {
                    max_packet_len: MAX_PACKET,
                    max_read_len: MAX_READ.into(),
                    max_write_len: MAX_READ.into(),
                    max_open_handles: 0,
                });
            }
        }
        Ok(Answer::Done)
    }
}

fn encode<T: serde::Serialize>(value: &T) -> io::Result<Answer> {
    let bytes = ser::to_bytes(value).map_err(io::Error::other)?;
    Ok(Answer::Data(bytes.to_vec()))
}

fn space(path: &std::path::Path) -> io::Result<Statvfs> {
    let it = rustix::fs::statvfs(path)?;
    let read_only = u64::from(it.f_flag.contains(StatVfsMountFlags::RDONLY));
    let no_suid = u64::from(it.f_flag.contains(StatVfsMountFlags::NOSUID));
    Ok(Statvfs {
        block_size: it.f_bsize,
        fragment_size: it.f_frsize,
        blocks: it.f_blocks,
        blocks_free: it.f_bfree,
        blocks_avail: it.f_bavail,
        inodes: it.f_files,
        inodes_free: it.f_ffree,
        inodes_avail: it.f_favail,
        fs_id: it.f_fsid,
        flags: read_only | no_suid << 1,
        name_max: it.f_namemax,
    })
}
