//! What is written down about a bed that is up, and what is told while it comes up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::BedError;
use super::image::Image;
use super::login::replace;
use super::node::BedNode;

/// The content of the state file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) engine_socket: PathBuf,
    pub(super) image: Image,
    pub(super) nodes: Vec<BedNode>,
}

impl State {
    pub(super) fn read(path: &Path) -> Result<Self, BedError> {
        let text = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => BedError::NotUp {
                reason: format!("{} is not there", path.display()),
            },
            _ => BedError::File {
                path: path.to_owned(),
                source,
            },
        })?;
        serde_json::from_slice(&text).map_err(|source| BedError::State {
            path: path.to_owned(),
            source,
        })
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), BedError> {
        let text = serde_json::to_string_pretty(self).map_err(|source| BedError::State {
            path: path.to_owned(),
            source,
        })?;
        replace(path, &format!("{text}\n"))
    }
}

/// One step on the way up, when it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What was done.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
}

/// What [`Bed::up`](super::Bed::up) does, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A container engine answers.
    Engine {
        /// It had to be started.
        started: bool,
    },
    /// The image is in the cache.
    ImageArchive {
        /// It had to be built.
        built: bool,
    },
    /// The engine has the image.
    ImageLoaded {
        /// It had to be imported.
        imported: bool,
    },
    /// The bridge is there.
    Network {
        /// It had to be made.
        made: bool,
    },
    /// The containers run.
    NodesStarted {
        /// How many had to be started.
        started: usize,
        /// How many nodes there are.
        of: usize,
    },
    /// sshd and systemd of all nodes are ready.
    NodesReady {
        /// How many nodes there are.
        of: usize,
    },
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Engine { started: true } => f.write_str("container engine started"),
            Self::Engine { started: false } => f.write_str("container engine found"),
            Self::ImageArchive { built: true } => f.write_str("image built"),
            Self::ImageArchive { built: false } => f.write_str("image found in the cache"),
            Self::ImageLoaded { imported: true } => f.write_str("image imported"),
            Self::ImageLoaded { imported: false } => f.write_str("image found in the engine"),
            Self::Network { made: true } => f.write_str("bridge made"),
            Self::Network { made: false } => f.write_str("bridge found"),
            Self::NodesStarted { started, of } => write!(f, "{started} of {of} nodes started"),
            Self::NodesReady { of } => write!(f, "{of} nodes ready"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bed.json");
        assert!(matches!(State::read(&path), Err(BedError::NotUp { .. })));
        let node = BedNode {
            name: "n1".into(),
            address: [10, 77, 0, 11].into(),
            container: "0a1b".into(),
        };
        let state = State {
            engine_socket: "/run/x.sock".into(),
            image: Image::Full,
            nodes: vec![node.clone()],
        };
        state.write(&path).unwrap();
        let again = State::read(&path).unwrap();
        assert_eq!(again.nodes, [node]);
        assert_eq!(again.image, Image::Full);
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(State::read(&path), Err(BedError::State { .. })));
    }
}
