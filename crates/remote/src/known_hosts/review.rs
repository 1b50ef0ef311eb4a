//! A look at every line of the files, for people: what is broken, and what stands there twice.

use std::collections::HashSet;

use super::{
    KnownHosts,
    file::FileView,
    verdict::{BadLine, Location},
};

/// What was found in the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Lines that hold a key.
    pub keys: usize,
    /// Lines that count for nothing.
    pub broken: Vec<BadLine>,
    /// Lines that say again what an earlier line of the same file said. Hashed names can not be
    /// compared, and are not found.
    pub repeated: Vec<Location>,
}

impl Review {
    pub(super) fn add(&mut self, view: &FileView) {
        self.broken.extend(view.faults().iter().cloned());
        let mut seen = HashSet::new();
        for line in view.lines() {
            match line.key {
                Ok(key) => {
                    self.keys += 1;
                    if !seen.insert((line.names, key)) {
                        self.repeated.push(line.at);
                    }
                }
                Err(fault) => self.broken.push(BadLine { at: line.at, fault }),
            }
        }
    }
}

impl KnownHosts {
    /// Reads every line, also those of hosts that nobody asked for. Decodes all keys, which takes
    /// some microseconds each.
    #[must_use]
    pub fn review(&self) -> Review {
        let mut review = Review::default();
        self.each_file(|view| review.add(view));
        review
            .broken
            .sort_by_key(|line| (line.at.file.clone(), line.at.line));
        review
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_hosts::{LineFault, Options};

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn broken_and_repeated_lines_are_found_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        let text = format!(
            "# mine\n\
             a ssh-ed25519 {KEY}\n\
             b ssh-ed25519 AAAA\n\
             a  ssh-ed25519 {KEY} a comment\n\
             @revoked a ssh-ed25519 {KEY}\n\
             c ssh-ed25519\n"
        );
        std::fs::write(&file, text).unwrap();
        let known = KnownHosts::open(&[file], &[], Options::default()).unwrap();
        let review = known.review();
        assert_eq!(review.keys, 3);
        let broken: Vec<_> = review.broken.iter().map(|b| (b.at.line, b.fault)).collect();
        assert_eq!(broken, [(3, LineFault::Key), (6, LineFault::Fields)]);
        let repeated: Vec<_> = review.repeated.iter().map(|at| at.line).collect();
        assert_eq!(repeated, [4]);
    }
}
