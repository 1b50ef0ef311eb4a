//! How to get into the nodes: a key and a password made for this bed, and the files that tell a
//! client about them.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::BedError;
use super::layout::{Files, SUBNET};
use super::node::BedNode;
use super::process::Tool;

/// The user of the files for people: sudo without a password shows most.
const EVERYDAY_USER: &str = "admin";

/// What lets one into all nodes of a bed.
#[derive(Debug, Clone)]
pub(super) struct Login {
    /// A line for `authorized_keys`.
    pub(super) public_key: String,
    pub(super) ops_password: String,
}

/// The cache folder's key and password, made when they are missing.
pub(super) fn ensure(files: &Files) -> Result<Login, BedError> {
    if !files.identity_public().exists() {
        Tool::new("ssh-keygen")
            .args([
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                "towline test bed",
                "-f",
            ])
            .arg(files.identity())
            .run()?;
    }
    let path = files.ops_password();
    if !path.exists() {
        let password = random_password().map_err(|e| file_error(&path, e))?;
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(password.as_bytes()))
            .map_err(|e| file_error(&path, e))?;
    }
    let read = |path: &Path| fs::read_to_string(path).map_err(|e| file_error(path, e));
    Ok(Login {
        public_key: read(&files.identity_public())?.trim().to_owned(),
        ops_password: read(&path)?,
    })
}

fn random_password() -> io::Result<String> {
    let mut bytes = [0_u8; 12];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    }))
}

/// Writes `known_hosts`, `ssh_config` and `towline.yaml`. `host_keys` belong to `nodes`, in order.
pub(super) fn write_client_files(
    files: &Files,
    nodes: &[BedNode],
    host_keys: &[Vec<String>],
) -> Result<(), BedError> {
    replace(&files.known_hosts(), &known_hosts(nodes, host_keys))?;
    replace(&files.ssh_config(), &ssh_config(files, nodes))?;
    replace(&files.inventory(), &inventory(files, nodes))
}

/// Writes a file whole or not at all.
pub(super) fn replace(path: &Path, content: &str) -> Result<(), BedError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    tempfile::NamedTempFile::new_in(folder)
        .and_then(|mut file| {
            file.write_all(content.as_bytes())?;
            file.persist(path).map_err(|error| error.error)
        })
        .map(drop)
        .map_err(|e| file_error(path, e))
}

/// Replaces what `known_hosts` says of one node.
pub(super) fn remember_host_keys(
    files: &Files,
    node: &BedNode,
    keys: &[String],
) -> Result<(), BedError> {
    let path = files.known_hosts();
    let old = fs::read_to_string(&path).map_err(|e| file_error(&path, e))?;
    replace(&path, &with_host_keys(&old, node, keys))
}

fn with_host_keys(old: &str, node: &BedNode, keys: &[String]) -> String {
    let names = format!("{},{}", node.name, node.address);
    let others = old
        .lines()
        .filter(|line| line.split(' ').next() != Some(&names));
    let mut text: String = others.flat_map(|line| [line, "\n"]).collect();
    for key in keys {
        writeln!(text, "{names} {key}").ok();
    }
    text
}

fn known_hosts(nodes: &[BedNode], host_keys: &[Vec<String>]) -> String {
    nodes
        .iter()
        .zip(host_keys)
        .fold(String::new(), |text, (node, keys)| {
            with_host_keys(&text, node, keys)
        })
}

fn ssh_config(files: &Files, nodes: &[BedNode]) -> String {
    let mut text = String::from("# Written by the test bed: ssh -F THIS_FILE n1\n");
    for node in nodes {
        let BedNode { name, address, .. } = node;
        write!(
            text,
            "\nHost {name}\n    HostName {address}\n    HostKeyAlias {address}\n"
        )
        .ok();
    }
    let (net, _) = SUBNET.rsplit_once(".0/").unwrap_or((SUBNET, ""));
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    write!(
        text,
        "\nHost {} {net}.*\n    User {EVERYDAY_USER}\n    IdentityFile \"{}\"\n    \
         IdentitiesOnly yes\n    UserKnownHostsFile \"{}\"\n    StrictHostKeyChecking yes\n",
        names.join(" "),
        files.identity().display(),
        files.known_hosts().display(),
    )
    .ok();
    text
}

fn inventory(files: &Files, nodes: &[BedNode]) -> String {
    let mut text = format!(
        "# Written by the test bed. Host keys are in the ssh_config beside it: tow -F.\n\
         cluster: {{name: test-bed}}\n\
         ssh:\n  user: {EVERYDAY_USER}\n  identity_file: {}\n\
         nodes:\n",
        json_string(&files.identity()),
    );
    for node in nodes {
        writeln!(text, "  - {{id: {}, host: {}}}", node.name, node.address).ok();
    }
    text
}

/// YAML takes JSON's strings as they are.
fn json_string(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy().into_owned()).to_string()
}

fn file_error(path: &Path, source: io::Error) -> BedError {
    BedError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::layout::{node_address, node_name};

    fn two_nodes() -> Vec<BedNode> {
        [1, 2]
            .map(|index| BedNode {
                name: node_name(index),
                address: node_address(index),
                container: format!("c{index}"),
            })
            .into()
    }

    #[test]
    fn the_inventory_lists_the_nodes() {
        let files = Files::new(Path::new("/c a/b"));
        let text = inventory(&files, &two_nodes());
        assert!(
            text.contains("  identity_file: \"/c a/b/id_ed25519\"\n"),
            "{text}"
        );
        assert!(text.ends_with("  - {id: n1, host: 10.77.0.11}\n  - {id: n2, host: 10.77.0.12}\n"));
    }

    #[test]
    fn every_key_of_a_node_is_known_by_name_and_address() {
        let keys = [
            vec!["ssh-ed25519 AAA".to_owned(), "ecdsa BBB".to_owned()],
            vec![],
        ];
        assert_eq!(
            known_hosts(&two_nodes(), &keys),
            "n1,10.77.0.11 ssh-ed25519 AAA\nn1,10.77.0.11 ecdsa BBB\n"
        );
    }

    #[test]
    fn ssh_itself_takes_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path());
        write_client_files(&files, &two_nodes(), &[]).unwrap();
        for target in ["n2", "10.77.0.12"] {
            let shown = Tool::new("ssh")
                .arg("-G")
                .arg("-F")
                .arg(files.ssh_config())
                .arg(target);
            let shown = shown.run().unwrap();
            assert!(shown.contains("\nhostname 10.77.0.12\n"), "{shown}");
            assert!(shown.contains("user admin\n"), "{shown}");
            assert!(shown.contains(&format!("identityfile {}", files.identity().display())));
        }
    }

    #[test]
    fn key_and_password_are_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path());
        let first = ensure(&files).unwrap();
        let second = ensure(&files).unwrap();
        assert!(first.public_key.starts_with("ssh-ed25519 "));
        assert_eq!(first.public_key, second.public_key);
        assert_eq!(first.ops_password.len(), 24);
        assert_eq!(first.ops_password, second.ops_password);
    }
}
