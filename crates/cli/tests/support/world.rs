//! A machine of its own for each test: home folder, key, inventory, nodes.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use towline_testkit::embedded::{EmbeddedBuilder, EmbeddedFleet, EmbeddedNode, Faults, TestKey};

use super::Tow;

/// The account on the nodes.
pub(crate) const USER: &str = "ops";

/// A home folder with a key, a working folder with a towline.yaml, and the nodes it lists.
pub(crate) struct World {
    nodes: Vec<EmbeddedNode>,
    key: TestKey,
    folder: TempDir,
    runtime: Runtime,
}

impl World {
    /// Without any node, and without a towline.yaml.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("towline-cli-")
            .tempdir()
            .unwrap();
        let key = TestKey::ed25519().unwrap();
        for name in ["home/.ssh", "work", "tmp"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        key.write(&folder.path().join("home/.ssh"), "id_ed25519")
            .unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            nodes: Vec::new(),
            key,
            folder,
            runtime,
        }
    }

    /// With nodes of these names, which `towline.yaml` lists.
    pub(crate) fn with(names: &[&str]) -> Self {
        let mut world = Self::new();
        for name in names {
            world.start(world.template().name(name));
        }
        world
    }

    /// With `n` nodes: `n1`, `n2` and so on.
    pub(crate) fn with_fleet(n: usize) -> Self {
        let mut world = Self::new();
        let starting = EmbeddedFleet::start(n, world.template().name("n"));
        world.nodes = world.runtime.block_on(starting).unwrap().into_nodes();
        world.list_nodes("");
        world
    }

    /// A node that takes this world's key.
    pub(crate) fn template(&self) -> EmbeddedBuilder {
        EmbeddedNode::builder().authorized_key(self.key.public())
    }

    /// Starts a node and lists it in `towline.yaml`.
    pub(crate) fn start(&mut self, template: EmbeddedBuilder) -> &EmbeddedNode {
        let node = self.runtime.block_on(template.start()).unwrap();
        self.nodes.push(node);
        self.list_nodes("");
        self.nodes.last().unwrap()
    }

    /// Writes `towline.yaml`: all nodes, and what else is to stand in it.
    pub(crate) fn list_nodes(&self, more: &str) {
        let mut text = "nodes:\n".to_owned();
        for node in &self.nodes {
            let (name, port) = (node.name(), node.addr().port());
            writeln!(
                text,
                "  - {{id: {name}, host: 127.0.0.1, port: {port}, user: {USER}}}"
            )
            .unwrap();
        }
        text.push_str(more);
        self.write("work/towline.yaml", &text);
    }

    /// A node by its name.
    pub(crate) fn node(&self, name: &str) -> &EmbeddedNode {
        let found = self.nodes.iter().find(|node| node.name() == name);
        found.unwrap_or_else(|| panic!("there is no node {name}"))
    }

    /// All nodes.
    pub(crate) fn nodes(&self) -> &[EmbeddedNode] {
        &self.nodes
    }

    /// Ends a node and returns `ops@127.0.0.1:PORT`, where nothing listens any more.
    pub(crate) fn stop(&mut self, name: &str) -> String {
        let address = format!("{USER}@{}", self.address(name));
        let at = self.nodes.iter().position(|node| node.name() == name);
        let node = self.nodes.remove(at.unwrap());
        self.runtime.block_on(node.stop());
        address
    }

    /// Makes a node fail as `change` says.
    pub(crate) fn fault(&self, name: &str, change: impl FnOnce(&mut Faults)) {
        let node = self.node(name);
        let mut faults = node.faults();
        change(&mut faults);
        node.set_faults(faults);
    }

    /// `127.0.0.1:PORT` of a node.
    pub(crate) fn address(&self, name: &str) -> String {
        self.node(name).addr().to_string()
    }

    /// A path below this world's folder: `home/…`, `work/…`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below this world's folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Reads a file below this world's folder.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `tow` with these words, to be run in this world and to know of no other.
    pub(crate) fn tow<W: AsRef<str>>(&self, words: impl IntoIterator<Item = W>) -> Tow {
        let home = self.path("home");
        let tow = Tow::new(Path::new(env!("CARGO_BIN_EXE_tow")), words)
            .folder(self.path("work"))
            .env("HOME", &home.to_string_lossy())
            .env("TMPDIR", &self.path("tmp").to_string_lossy())
            .env("LANG", "C.UTF-8")
            .env("SHELL", "/bin/sh");
        match std::env::var("PATH") {
            Ok(path) => tow.env("PATH", &path),
            Err(_) => tow,
        }
    }

    /// What is put in the place of what differs from run to run.
    pub(crate) fn filters(&self) -> insta::Settings {
        let mut settings = insta::Settings::clone_current();
        let folder = self.folder.path().to_string_lossy();
        settings.add_filter(&format!("(/private)?{folder}"), "[world]");
        for node in &self.nodes {
            let port = format!(r"\b{}\b", node.addr().port());
            settings.add_filter(&port, format!("[port of {}]", node.name()));
        }
        settings.add_filter(r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:[fingerprint]");
        settings.add_filter(r"\b\d+(\.\d+)? m?s\b", "[time]");
        settings.add_filter(r#""(duration|after|delay)_ms":\d+"#, r#""${1}_ms":0"#);
        settings
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let nodes = std::mem::take(&mut self.nodes);
        let ending = futures::future::join_all(nodes.into_iter().map(EmbeddedNode::stop));
        self.runtime.block_on(ending);
    }
}
