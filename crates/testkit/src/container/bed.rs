//! The bed as a whole: up, found again, down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::daemon;
use super::docker::Docker;
use super::error::BedError;
use super::image::Image;
use super::layout::{Files, MAX_NODES};
use super::lifecycle::{bring_up, take_down};
use super::login::{self, Login};
use super::node::{self, BedNode};
use super::process::{can_be_root, missing_tools};
use super::state::{Progress, State};

/// What kind of bed is wanted.
#[derive(Debug, Clone)]
pub struct BedOptions {
    /// How many nodes at least. A bed that has more keeps them.
    pub count: usize,
    /// Which image; `None` is what the bed has, or [`Image::Small`] for a new one.
    pub image: Option<Image>,
    /// Where the image, the key and the state file are kept between beds.
    pub cache_dir: PathBuf,
    /// The Debian archive to build the image from; `None` is mmdebstrap's own choice.
    pub mirror: Option<String>,
}

/// What [`Bed::down`] took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many nodes there were.
    pub nodes: usize,
    /// The container engine was the bed's own, and is ended.
    pub engine: bool,
}

/// A bed that is up.
#[derive(Debug, Clone)]
pub struct Bed {
    pub(super) docker: Docker,
    pub(super) files: Files,
    pub(super) state: State,
    pub(super) login: Login,
}

impl Bed {
    /// Brings up a bed, or what is missing of one, and waits until every node is ready.
    ///
    /// # Errors
    /// [`BedError::CannotStart`] when this machine cannot run the nodes; what was begun is then
    /// taken away again. Else what failed on the way; then [`Bed::down`] clears up.
    pub fn up(options: &BedOptions, progress: &mut dyn FnMut(Progress)) -> Result<Self, BedError> {
        if !(1..=MAX_NODES).contains(&options.count) {
            return Err(BedError::Count {
                asked: options.count,
                most: MAX_NODES,
            });
        }
        require(&[
            "docker",
            "dockerd",
            "ip",
            "iptables",
            "iptables-restore",
            "nsenter",
            "ssh-keygen",
            "zstd",
        ])?;
        let files = prepare_cache(&options.cache_dir)?;
        let _lock = lock(&files.lock())?;
        let had_none = daemon::answering()?.is_empty();
        let result = bring_up(options, &files, progress);
        if had_none && matches!(result, Err(BedError::CannotStart { .. })) {
            take_down(&files)?;
        }
        result
    }

    /// Takes a bed that is up, by its state file.
    ///
    /// # Errors
    /// [`BedError::NotUp`] when there is none or a node of it is gone. One that is switched off, or
    /// that somebody restarts just now, is still part of the bed.
    pub fn attach(state_file: &Path) -> Result<Self, BedError> {
        let state = State::read(state_file)?;
        let files = Files::new(state_file.parent().unwrap_or(Path::new(".")));
        let docker = Docker::at(&state.engine_socket);
        if !docker.answers()? {
            let reason = format!("no engine answers at {}", state.engine_socket.display());
            return Err(BedError::NotUp { reason });
        }
        let containers = docker.containers()?;
        for node in &state.nodes {
            // Whether it runs does not count: another test may have switched it off.
            if !containers.iter().any(|found| found.id == node.container) {
                return Err(BedError::NotUp {
                    reason: format!("{} is gone", node.name),
                });
            }
        }
        let login = login::ensure(&files)?;
        Ok(Self {
            docker,
            files,
            state,
            login,
        })
    }

    /// Takes away the nodes, the bridge, its route, and the engine if the bed had started it. The
    /// image and the key stay in the cache. No bed at all is fine too.
    ///
    /// # Errors
    /// What could not be taken away.
    pub fn down(cache_dir: &Path) -> Result<Removed, BedError> {
        require(&["docker", "ip"])?;
        let files = prepare_cache(cache_dir)?;
        let _lock = lock(&files.lock())?;
        take_down(&files)
    }

    /// The state file of the bed in a cache folder, whether it is up or not.
    #[must_use]
    pub fn state_file_in(cache_dir: &Path) -> PathBuf {
        Files::new(cache_dir).state()
    }

    /// The nodes, in order of their numbers.
    #[must_use]
    pub fn nodes(&self) -> &[BedNode] {
        &self.state.nodes
    }

    /// A node by its name.
    ///
    /// # Errors
    /// [`BedError::NoSuchNode`], with the names there are.
    pub fn node(&self, name: &str) -> Result<&BedNode, BedError> {
        self.state
            .nodes
            .iter()
            .find(|node| node.name == name)
            .ok_or_else(|| {
                let known: Vec<&str> = self
                    .state
                    .nodes
                    .iter()
                    .map(|node| node.name.as_str())
                    .collect();
                BedError::NoSuchNode {
                    name: name.to_owned(),
                    known: known.join(", "),
                }
            })
    }

    /// The image that the nodes run.
    #[must_use]
    pub fn image(&self) -> Image {
        self.state.image
    }

    /// The private key that root, `towline`, `admin` and `ops` of every node accept.
    #[must_use]
    pub fn identity_file(&self) -> PathBuf {
        self.files.identity()
    }

    /// The password of `ops`, the only user who may log in with one; sudo asks for it too.
    #[must_use]
    pub fn ops_password(&self) -> &str {
        &self.login.ops_password
    }

    /// The nodes' host keys, read inside of the nodes when the bed came up.
    #[must_use]
    pub fn known_hosts_file(&self) -> PathBuf {
        self.files.known_hosts()
    }

    /// A configuration for `ssh -F`: names, user, key and known hosts.
    #[must_use]
    pub fn ssh_config_file(&self) -> PathBuf {
        self.files.ssh_config()
    }

    /// The nodes as a `towline.yaml`.
    #[must_use]
    pub fn inventory_file(&self) -> PathBuf {
        self.files.inventory()
    }

    /// Puts a node's host keys, as they are now, in place of the old ones in
    /// [`Bed::known_hosts_file`].
    ///
    /// # Errors
    /// When they cannot be read or the file cannot be written.
    pub fn remember_host_keys(&self, node: &BedNode) -> Result<(), BedError> {
        let keys = node::host_keys(&self.docker, &node.container)?;
        let _lock = lock(&self.files.lock())?;
        login::remember_host_keys(&self.files, node, &keys)
    }

    /// The file for [`Bed::attach`].
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.files.state()
    }

    /// Runs a command in a node as root, not by SSH: works for one that is cut off.
    ///
    /// # Errors
    /// When it could not be run; how it ended is in the output.
    pub fn exec(&self, node: &BedNode, argv: &[&str]) -> Result<Output, BedError> {
        self.docker.exec(&node.container).args(argv).output()
    }

    /// The same with input, for what must not be in an argument. At most 64 KB.
    ///
    /// # Errors
    /// When it could not be run; how it ended is in the output.
    pub fn exec_with_input(
        &self,
        node: &BedNode,
        argv: &[&str],
        input: &[u8],
    ) -> Result<Output, BedError> {
        self.docker
            .exec(&node.container)
            .args(argv)
            .input(input)
            .output()
    }
}

fn require(tools: &[&str]) -> Result<(), BedError> {
    let missing = missing_tools(tools);
    let reason = if !missing.is_empty() {
        format!("not installed: {}", missing.join(", "))
    } else if !can_be_root() {
        "neither root nor allowed to use sudo without a password".to_owned()
    } else {
        return Ok(());
    };
    Err(BedError::CannotStart { reason })
}

fn prepare_cache(dir: &Path) -> Result<Files, BedError> {
    let file_error = |source| BedError::File {
        path: dir.to_owned(),
        source,
    };
    fs::create_dir_all(dir).map_err(file_error)?;
    Ok(Files::new(&dir.canonicalize().map_err(file_error)?))
}

/// Held while a bed goes up or down: two at once would undo each other's work.
fn lock(path: &Path) -> Result<fs::File, BedError> {
    let file_error = |source| BedError::File {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::create(path).map_err(file_error)?;
    file.lock().map_err(file_error)?;
    Ok(file)
}
