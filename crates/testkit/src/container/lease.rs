//! Borrowing nodes: tests run at once, in several processes, and a fault of one must not be
//! another's surprise.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::ops::Deref;
use std::path::PathBuf;

use super::bed::Bed;
use super::error::BedError;
use super::node::BedNode;

/// A node that nobody else holds. When it is given back, its faults are undone.
///
/// Two leases of the same thread must not ask for the same node: the second would wait for ever.
#[derive(Debug)]
pub struct NodeLease<'a> {
    bed: &'a Bed,
    node: BedNode,
    /// Locked as long as it is open. Not empty while the node may have faults.
    lock: File,
}

/// A node that others may use at the same time, and nobody may damage.
#[derive(Debug)]
pub struct NodeShare {
    node: BedNode,
    /// Locked as long as it is open.
    _lock: File,
}

impl Bed {
    /// Waits until nobody holds any of these nodes, and takes them all, free of faults. The leases
    /// are in the order of `names`.
    ///
    /// # Errors
    /// A name that is not in the bed, a lock file that cannot be made, a fault that cannot be undone.
    pub fn lease(&self, names: &[&str]) -> Result<Vec<NodeLease<'_>>, BedError> {
        // Always in the same order, so that two who want the same nodes do not wait for each other.
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|&index| names[index]);
        let mut taken = Vec::new();
        for index in order {
            taken.push((index, self.lease_one(names[index])?));
        }
        taken.sort_by_key(|(index, _)| *index);
        Ok(taken.into_iter().map(|(_, lease)| lease).collect())
    }

    /// Waits until nobody has leased the node for itself, and uses it together with others. Who
    /// takes several nodes, some of them alone, takes them in the order of their names.
    ///
    /// # Errors
    /// As [`Bed::lease`].
    pub fn share(&self, name: &str) -> Result<NodeShare, BedError> {
        let node = self.node(name)?.clone();
        loop {
            let (path, lock) = self.lock_file(name)?;
            let length = lock.lock_shared().and_then(|()| lock.metadata());
            match length.map_err(|source| BedError::File { path, source })? {
                clean if clean.len() == 0 => return Ok(NodeShare { node, _lock: lock }),
                _ => drop(lock),
            }
            // Whoever had it alone was killed before the faults were undone.
            drop(self.lease_one(name)?);
        }
    }

    fn lease_one(&self, name: &str) -> Result<NodeLease<'_>, BedError> {
        let node = self.node(name)?.clone();
        let (path, lock) = self.lock_file(name)?;
        lock.lock()
            .and_then(|()| mark_as_damaged(&lock))
            .map_err(|source| BedError::File { path, source })?;
        self.reset(&node)?;
        Ok(NodeLease {
            bed: self,
            node,
            lock,
        })
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File), BedError> {
        let path = self.files.lease(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        match options.open(&path) {
            Ok(file) => Ok((path, file)),
            Err(source) => Err(BedError::File { path, source }),
        }
    }
}

fn mark_as_damaged(mut lock: &File) -> io::Result<()> {
    lock.write_all(b"its faults are still to be undone\n")
}

impl Deref for NodeLease<'_> {
    type Target = BedNode;

    fn deref(&self) -> &BedNode {
        &self.node
    }
}

impl Deref for NodeShare {
    type Target = BedNode;

    fn deref(&self) -> &BedNode {
        &self.node
    }
}

impl Drop for NodeLease<'_> {
    fn drop(&mut self) {
        // Who takes it next resets it too, and hears of it if that fails.
        if self.bed.reset(&self.node).is_ok() {
            self.lock.set_len(0).ok();
        }
    }
}
