//! The nodes of the demonstration, and the folder from which they are reached.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tempfile::TempDir;
use towline_core::quote::quote;
use towline_testkit::embedded::{EmbeddedBuilder, EmbeddedNode, TestKey};

/// The account that the nodes let in.
const USER: &str = "demo";

/// A node to be: its name, its roles, its release and how many workers it is set to.
const NODES: [(&str, &str, &str, &str); 3] = [
    ("web-1", "web", "1.4.2", "8"),
    ("web-2", "web", "1.4.2", "8"),
    ("db-1", "db", "1.4.1", "2"),
];

/// Variables that would lead `tow` to what is the user's own.
pub(crate) const UNSET: [&str; 4] = [
    "SSH_AUTH_SOCK",
    "TOWLINE_CONFIG",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
];

/// Three SSH servers on loopback, and a folder with all that is needed to reach them. Both are
/// gone when this goes.
pub(crate) struct Nodes {
    folder: TempDir,
    nodes: Vec<Slot>,
}

/// A node that can be stopped and started again as the same machine.
struct Slot {
    name: &'static str,
    template: EmbeddedBuilder,
    running: Option<EmbeddedNode>,
}

impl Nodes {
    /// Makes the folder and starts the nodes.
    ///
    /// # Errors
    /// When a file can not be written, or no port of 127.0.0.1 can be had.
    pub(crate) async fn start(tow: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("tow-demo-").tempdir()?;
        let key = TestKey::ed25519()?;
        key.write(folder.path(), "id_ed25519")?;
        let mut inventory = format!(
            "cluster: {{name: demo}}\nssh: {{user: {USER}, identity_file: id_ed25519}}\nnodes:\n"
        );
        let mut known_hosts = String::new();
        let mut nodes = Vec::new();
        for (name, role, release, workers) in NODES {
            let home = folder.path().join(name);
            furnish(&home, release, workers)?;
            let template = EmbeddedNode::builder()
                .name(name)
                .user(USER)
                .authorized_key(key.public())
                .host_key(TestKey::ed25519()?.private().clone())
                .home(home);
            let node = template.clone().start().await?;
            known_hosts.push_str(&node.known_hosts_line()?);
            let port = node.addr().port();
            writeln!(
                inventory,
                "  - {{id: {name}, host: 127.0.0.1, port: {port}, roles: [{role}]}}"
            )?;
            nodes.push(Slot {
                name,
                template: template.bind(node.addr()),
                running: Some(node),
            });
        }
        let nodes = Self { folder, nodes };
        fs::create_dir(nodes.folder().join(".ssh"))?;
        nodes.write(".ssh/known_hosts", &known_hosts)?;
        nodes.write("towline.yaml", &inventory)?;
        nodes.write("env", &nodes.environment(tow)?)?;
        Ok(nodes)
    }

    /// Where the inventory, the key and the nodes' homes are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The inventory.
    pub(crate) fn inventory(&self) -> PathBuf {
        self.folder().join("towline.yaml")
    }

    /// Ends a node: nobody listens at its port any more.
    pub(crate) async fn stop(&mut self, name: &str) {
        for slot in &mut self.nodes {
            if slot.name == name
                && let Some(node) = slot.running.take()
            {
                node.stop().await;
            }
        }
    }

    /// Starts those that were stopped, with the ports, keys and homes they had.
    ///
    /// # Errors
    /// When somebody has taken the port since.
    pub(crate) async fn start_again(&mut self) -> anyhow::Result<()> {
        for slot in &mut self.nodes {
            if slot.running.is_none() {
                let node = slot.template.clone().start().await;
                slot.running = Some(node.with_context(|| format!("{} did not start", slot.name))?);
            }
        }
        Ok(())
    }

    /// Ends all of them and removes the folder.
    ///
    /// # Errors
    /// When the folder can not be removed.
    pub(crate) async fn end(mut self) -> io::Result<()> {
        for (name, ..) in NODES {
            self.stop(name).await;
        }
        self.folder.close()
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder().join(name);
        fs::write(&path, text).with_context(|| format!("{} can not be written", path.display()))
    }

    /// What a shell reads to be in the folder as the demonstration is: with a home of its own, so
    /// that the user's keys and known hosts are neither used nor changed.
    fn environment(&self, tow: &Path) -> anyhow::Result<String> {
        let word = |path: &Path| -> anyhow::Result<String> {
            let quoted = quote(path.as_os_str().as_encoded_bytes())?.into_owned();
            Ok(String::from_utf8(quoted)?)
        };
        let bin = tow.parent().context("tow is in no folder")?;
        Ok([
            "PATH=",
            &word(bin)?,
            ":$PATH\nexport HOME=",
            &word(self.folder())?,
            "\nunset ",
            &UNSET.join(" "),
            "\ncd \"$HOME\"\n",
        ]
        .concat())
    }
}

/// What there is to see on a node.
fn furnish(home: &Path, release: &str, workers: &str) -> io::Result<()> {
    fs::create_dir(home)?;
    fs::write(home.join("release"), format!("{release}\n"))?;
    fs::write(
        home.join("app.conf"),
        format!("listen = 8080\nworkers = {workers}\ntimeout = 30\nlog = info\n"),
    )
}
