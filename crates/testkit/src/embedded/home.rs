//! The private home directory of a node.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::Error;

/// Where a node's commands run, and who removes it.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    made_here: bool,
    /// Kept for its end: a fleet's homes share one directory, removed with the last of them.
    _root: Option<Arc<TempDir>>,
}

impl Home {
    /// A directory of the caller, which is left alone at the end.
    pub(crate) fn given(path: PathBuf) -> Result<Self, Error> {
        make(&path)?;
        Ok(Self {
            path,
            made_here: false,
            _root: None,
        })
    }

    /// A directory of its own below `root`.
    pub(crate) fn below(root: Arc<TempDir>, name: &str) -> Result<Self, Error> {
        let path = root.path().join(name);
        make(&path)?;
        Ok(Self {
            path,
            made_here: true,
            _root: Some(root),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Is this directory nobody else's, so that `HOME` tells whose process one is?
    pub(crate) fn is_private(&self) -> bool {
        self.made_here
    }

    /// The directory that holds the homes of one node or of a whole fleet.
    pub(crate) fn root() -> Result<Arc<TempDir>, Error> {
        const PREFIX: &str = "towline-node-";
        // Where exactly it was tried is in what tempfile says.
        let wrap = |source| Error::Write {
            path: PREFIX.into(),
            source,
        };
        Ok(Arc::new(
            tempfile::Builder::new()
                .prefix(PREFIX)
                .tempdir()
                .map_err(wrap)?,
        ))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.made_here {
            // What is still being written to by a process that was just killed goes with the root.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn make(path: &Path) -> Result<(), Error> {
    let wrap = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(path).map_err(wrap)
}
