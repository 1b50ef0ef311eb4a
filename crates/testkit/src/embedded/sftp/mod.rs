//! The SFTP subsystem: version 3 as OpenSSH speaks it, over the real file system.

mod attributes;
mod extensions;
mod files;
mod status;

use std::collections::HashMap;
use std::path::PathBuf;

use russh::ChannelWriteHalf;
use russh::server::Msg;
use russh_sftp::protocol::{
    Attrs, Data, File, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::{Handler, StatusReply};
use tokio::io::{DuplexStream, ReadHalf};

use super::input::Outlet;
use super::session::{SessionSlot, pump};
use files::{Open, Tree};
use status::{failure, ok};

/// Names in one answer to a request for a directory's entries.
const NAMES_PER_ANSWER: usize = 100;

/// The library reads and writes one end of a pair of pipes; this is the other end's way to the
/// client.
pub(crate) async fn run(
    (near, far): (ReadHalf<DuplexStream>, Outlet),
    home: PathBuf,
    output: ChannelWriteHalf<Msg>,
    slot: SessionSlot,
) {
    let session = SftpSession {
        tree: Tree::new(home),
        open: HashMap::new(),
        next: 0,
    };
    russh_sftp::server::run(far, session).await;
    pump(near, &output, None).await;
    let _ = output.eof().await;
    let _ = output.exit_status(0).await;
    drop(slot);
    let _ = output.close().await;
}

/// One client's open files and directories.
struct SftpSession {
    tree: Tree,
    open: HashMap<String, Open>,
    next: u64,
}

impl SftpSession {
    fn remember(&mut self, id: u32, open: Open) -> Handle {
        self.next += 1;
        let handle = self.next.to_string();
        self.open.insert(handle.clone(), open);
        Handle { id, handle }
    }

    fn file(&self, handle: &str) -> Result<std::sync::Arc<std::fs::File>, StatusReply> {
        match self.open.get(handle) {
            Some(Open::File(file)) => Ok(std::sync::Arc::clone(file)),
            _ => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }
}

/// Does the work of a request where it holds nobody up.
async fn off<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StatusReply> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| failure(&error)),
        Err(_) => Err(StatusCode::Failure.with_message("the node is stopping")),
    }
}

impl Handler for SftpSession {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusCode::OpUnsupported.into()
    }

    async fn init(
        &mut self,
        _version: u32,
        _extensions: HashMap<String, String>,
    ) -> Result<Version, StatusReply> {
        Ok(Version {
            extensions: extensions::offered(),
            ..Version::new()
        })
    }

    async fn open(
        &mut self,
        id: u32,
        filename: String,
        pflags: OpenFlags,
        attrs: FileAttributes,
    ) -> Result<Handle, StatusReply> {
        let path = self.tree.path(&filename);
        let file = off(move || files::open(&path, pflags, &attrs)).await?;
        Ok(self.remember(id, Open::File(file.into())))
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, StatusReply> {
        match self.open.remove(&handle) {
            Some(_) => Ok(ok(id)),
            None => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }

    async fn read(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        len: u32,
    ) -> Result<Data, StatusReply> {
        let file = self.file(&handle)?;
        let data = off(move || files::read(&file, offset, len)).await?;
        if data.is_empty() {
            Err(StatusCode::Eof.into())
        } else {
            Ok(Data { id, data })
        }
    }

    async fn write(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        data: Vec<u8>,
    ) -> Result<Status, StatusReply> {
        let file = self.file(&handle)?;
        off(move || files::write(&file, offset, &data)).await?;
        Ok(ok(id))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        let path = self.tree.path(&path);
        let attrs = off(move || Ok(attributes::of(&path.symlink_metadata()?))).await?;
        Ok(Attrs { id, attrs })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        let path = self.tree.path(&path);
        let attrs = off(move || Ok(attributes::of(&path.metadata()?))).await?;
        Ok(Attrs { id, attrs })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, StatusReply> {
        let file = self.file(&handle)?;
        let attrs = off(move || Ok(attributes::of(&file.metadata()?))).await?;
        Ok(Attrs { id, attrs })
    }

    async fn setstat(
        &mut self,
        id: u32,
        path: String,
        attrs: FileAttributes,
    ) -> Result<Status, StatusReply> {
        let path = self.tree.path(&path);
        off(move || attributes::set_at(&path, &attrs)).await?;
        Ok(ok(id))
    }

    async fn fsetstat(
        &mut self,
        id: u32,
        handle: String,
        attrs: FileAttributes,
    ) -> Result<Status, StatusReply> {
        let file = self.file(&handle)?;
        off(move || attributes::set(&file, &attrs)).await?;
        Ok(ok(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusReply> {
        let path = self.tree.path(&path);
        let entries = off(move || files::list(&path)).await?;
        Ok(self.remember(id, Open::Directory(entries.into())))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, StatusReply> {
        let Some(Open::Directory(entries)) = self.open.get_mut(&handle) else {
            return Err(StatusCode::Failure.with_message("no such handle"));
        };
        let n = entries.len().min(NAMES_PER_ANSWER);
        let files: Vec<File> = entries.drain(..n).collect();
        if files.is_empty() {
            Err(StatusCode::Eof.into())
        } else {
            Ok(Name { id, files })
        }
    }

    async fn remove(&mut self, id: u32, filename: String) -> Result<Status, StatusReply> {
        let path = self.tree.path(&filename);
        off(move || std::fs::remove_file(path)).await?;
        Ok(ok(id))
    }

    async fn mkdir(
        &mut self,
        id: u32,
        path: String,
        attrs: FileAttributes,
    ) -> Result<Status, StatusReply> {
        let path = self.tree.path(&path);
        off(move || files::make_directory(&path, &attrs)).await?;
        Ok(ok(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status, StatusReply> {
        let path = self.tree.path(&path);
        off(move || std::fs::remove_dir(path)).await?;
        Ok(ok(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusReply> {
        let path = self.tree.path(&path);
        let real = off(move || files::real_path(&path)).await?;
        Ok(Name {
            id,
            files: vec![File::dummy(real.to_string_lossy())],
        })
    }

    async fn rename(
        &mut self,
        id: u32,
        oldpath: String,
        newpath: String,
    ) -> Result<Status, StatusReply> {
        let (from, to) = (self.tree.path(&oldpath), self.tree.path(&newpath));
        off(move || files::rename_new(&from, &to)).await?;
        Ok(ok(id))
    }

    async fn readlink(&mut self, id: u32, path: String) -> Result<Name, StatusReply> {
        let path = self.tree.path(&path);
        let target = off(move || std::fs::read_link(path)).await?;
        Ok(Name {
            id,
            files: vec![File::dummy(target.to_string_lossy())],
        })
    }

    /// OpenSSH has the arguments of the draft the wrong way round, and everyone follows it: what
    /// the library calls the link's path is its target.
    async fn symlink(
        &mut self,
        id: u32,
        linkpath: String,
        targetpath: String,
    ) -> Result<Status, StatusReply> {
        let (target, link) = (linkpath, self.tree.path(&targetpath));
        off(move || std::os::unix::fs::symlink(target, link)).await?;
        Ok(ok(id))
    }

    async fn extended(
        &mut self,
        id: u32,
        request: String,
        data: Vec<u8>,
    ) -> Result<Packet, StatusReply> {
        let request = extensions::Request::parse(&request, data)?;
        let file = request
            .handle()
            .map(|handle| self.file(handle))
            .transpose()?;
        let tree = self.tree.clone();
        let answer = off(move || request.run(&tree, file.as_deref())).await?;
        Ok(answer.into_packet(id))
    }
}
