//! Borrowing nodes: tests run at once, in several processes, and a fault of one must not be
//! another's surprise.

use std::fs::File;
use std::ops::Deref;

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

    fn lease_one(&self, name: &str) -> Result<NodeLease<'_>, BedError> {
        let node = self.node(name)?.clone();
        let path = self.files.lease(name);
        let lock = File::create(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|source| BedError::File { path, source })?;
        self.reset(&node)?;
        Ok(NodeLease {
            bed: self,
            node,
            _lock: lock,
        })
    }
}

impl Deref for NodeLease<'_> {
    type Target = BedNode;

    fn deref(&self) -> &BedNode {
        &self.node
    }
}

impl Drop for NodeLease<'_> {
    fn drop(&mut self) {
        // Who leases it next resets it too, and hears of it if that fails.
        self.bed.reset(&self.node).ok();
    }
}
