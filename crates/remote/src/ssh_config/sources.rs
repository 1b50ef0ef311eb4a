//! Which files are read, and in which order.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::env::LocalEnv;
use super::error::ConfigError;
use super::parse::{Blocks, Owner, Reading, read_file};

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// No file at all: `-F none`.
    Nothing,
    /// One file, which must be there: `-F FILE`.
    File(PathBuf),
    /// The user's file, then the system's; either may be missing.
    Standard {
        /// Usually `~/.ssh/config`.
        user: PathBuf,
        /// Usually `/etc/ssh/ssh_config`.
        system: PathBuf,
    },
}

impl Sources {
    /// The files that ssh reads without `-F`.
    pub fn standard(env: &LocalEnv) -> Self {
        Self::Standard {
            user: env.home.join(".ssh/config"),
            system: PathBuf::from("/etc/ssh/ssh_config"),
        }
    }

    /// What `-F FILE` means.
    pub fn from_flag(file: &str) -> Self {
        if file.eq_ignore_ascii_case("none") {
            Self::Nothing
        } else {
            Self::File(file.into())
        }
    }

    pub(super) fn read(&self, env: &LocalEnv) -> Result<Vec<(Owner, Blocks)>, ConfigError> {
        let reading = |owner, check_permissions| Reading {
            env,
            owner,
            check_permissions,
            depth: 0,
        };
        let mut files = Vec::new();
        match self {
            Self::Nothing => {}
            Self::File(path) => {
                files.push((Owner::User, read_file(path, reading(Owner::User, false))?));
            }
            Self::Standard { user, system } => {
                let user = read_optional(user, reading(Owner::User, true))?;
                files.extend(user.map(|blocks| (Owner::User, blocks)));
                let system = read_optional(system, reading(Owner::System, false))?;
                files.extend(system.map(|blocks| (Owner::System, blocks)));
            }
        }
        Ok(files)
    }
}

/// Reads a file that need not be there. As in ssh, one that can not be opened is passed over.
fn read_optional(path: &Path, reading: Reading<'_>) -> Result<Option<Blocks>, ConfigError> {
    match File::open(path) {
        Ok(_) => read_file(path, reading).map(Some),
        Err(_) => Ok(None),
    }
}
