//! As many hosts as wanted on this machine: one sshd of our own, reached at 127.1.x.y.
//!
//! A remote command should cost what a command costs, and not what somebody's start-up files do: the
//! account's home is an empty folder there. Nobody is let in but over loopback, with a key that is
//! made for the run.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use super::interrupt;

/// Where Debian's sshd locks itself in before anybody has logged in.
const SEPARATION: &str = "/run/sshd";

/// The hybrid key exchange that Towline prefers, and what it takes where that is not offered.
const BEST_KEX: &str = "mlkem768x25519-sha256";
const GOOD_KEX: &str = "curve25519-sha256";

/// With which key exchange OpenSSH's client is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kex {
    /// The one it chooses by itself.
    Shipped,
    /// The one that Towline uses with this server.
    Same,
}

/// The sshd, and the files that clients need. Gone when dropped.
pub(super) struct Fleet {
    folder: TempDir,
    sshd: Child,
    port: u16,
    user: String,
    /// What Towline and this sshd agree on.
    pub(super) kex: &'static str,
}

impl Fleet {
    /// Starts the sshd.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("towline-bench-")
            .tempdir()
            .context("making a temporary folder")?;
        for name in ["home", "client"] {
            fs::create_dir(folder.path().join(name))?;
        }
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all(SEPARATION).with_context(|| format!("making {SEPARATION}"))?;
        }
        for key in ["host_key", "id"] {
            keygen(&folder.path().join(key))?;
        }
        fs::copy(
            folder.path().join("id.pub"),
            folder.path().join("authorized_keys"),
        )?;
        let port = free_port()?;
        let program = sshd_program()?;
        let config = folder.path().join("sshd_config");
        fs::write(&config, sshd_config(folder.path(), port))?;
        let kex = kex(&program, &config)?;
        let log = folder.path().join("sshd.log");
        let sshd = Command::new(&program)
            .args(["-D", "-f"])
            .arg(&config)
            .arg("-E")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let user = whoami()?;
        let mut fleet = Self {
            folder,
            sshd,
            port,
            user,
            kex,
        };
        fleet.wait_until_up()?;
        fleet.write_client_files()?;
        Ok(fleet)
    }

    fn wait_until_up(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            interrupt::check()?;
            let ended = self.sshd.try_wait()?.is_some();
            if ended || Instant::now() > deadline {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                bail!("sshd does not come up: {}", log.trim());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn write_client_files(&self) -> anyhow::Result<()> {
        let key = fs::read_to_string(self.path("host_key.pub"))?;
        let (kind, rest) = key.split_once(' ').context("an odd host key")?;
        let key = rest.split_whitespace().next().context("an odd host key")?;
        let port = self.port;
        fs::write(
            self.path("known_hosts"),
            format!("[127.1.*]:{port} {kind} {key}\n"),
        )?;
        for kex in [Kex::Shipped, Kex::Same] {
            let mut text = client_config(self.folder.path(), port, &self.user);
            if kex == Kex::Same {
                text.push_str("    KexAlgorithms ");
                text.push_str(self.kex);
                text.push('\n');
            }
            fs::write(self.ssh_config(kex), text)?;
        }
        // What looks only where people keep such files finds them there.
        let ssh = self.client_home().join(".ssh");
        fs::create_dir(&ssh)?;
        fs::copy(self.path("known_hosts"), ssh.join("known_hosts"))?;
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder in which all files of the run are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The home folder of the clients.
    pub(super) fn client_home(&self) -> PathBuf {
        self.path("client")
    }

    /// The private key that lets in.
    pub(super) fn identity(&self) -> PathBuf {
        self.path("id")
    }

    /// The configuration for OpenSSH's client, and for whoever reads it.
    pub(super) fn ssh_config(&self, kex: Kex) -> PathBuf {
        self.path(match kex {
            Kex::Shipped => "ssh_config",
            Kex::Same => "ssh_config_kex",
        })
    }

    /// The account to log in to.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The port of the sshd.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn log(&self) -> PathBuf {
        self.path("sshd.log")
    }

    /// The end of the sshd's log, to read from later.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn log_end(&self) -> anyhow::Result<u64> {
        Ok(fs::metadata(self.log())?.len())
    }

    /// What was written to the sshd's log from there on.
    ///
    /// # Errors
    /// When it can not be read.
    pub(super) fn log_since(&self, from: u64) -> anyhow::Result<String> {
        let mut file = fs::File::open(self.log())?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first so many hosts.
    ///
    /// # Errors
    /// When their file can not be written.
    pub(super) fn hosts(&self, count: usize) -> anyhow::Result<Hosts> {
        let names: Vec<String> = (0..count).map(address).collect();
        let file = self.path(&format!("hosts-{count}"));
        let mut out = std::io::BufWriter::new(fs::File::create(&file)?);
        for name in &names {
            writeln!(out, "{name}")?;
        }
        out.flush()?;
        Ok(Hosts { names, file })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        interrupt::end(&mut self.sshd);
    }
}

/// Hosts, and the file that names them one a line.
pub(super) struct Hosts {
    /// Their addresses.
    pub(super) names: Vec<String>,
    /// The file.
    pub(super) file: PathBuf,
}

fn address(at: usize) -> String {
    format!("127.1.{}.{}", at / 250, at % 250 + 1)
}

fn sshd_config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "Port {port}
# 127.0.0.0/8 has no end; who comes by another address finds no key that fits.
ListenAddress 0.0.0.0
HostKey {folder}/host_key
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile none
PermitRootLogin prohibit-password
PermitUserRC no
PrintMotd no
PrintLastLog no
MaxStartups 4096
LogLevel VERBOSE
SetEnv HOME={folder}/home
Match LocalAddress 127.0.0.0/8
    AuthorizedKeysFile {folder}/authorized_keys
"
    )
}

/// The hosts share the processors of this machine, so that a connection to one of a thousand may take
/// long: `ConnectTimeout`.
fn client_config(folder: &Path, port: u16, user: &str) -> String {
    let folder = folder.display();
    format!(
        "Host *
    Port {port}
    User {user}
    IdentityFile {folder}/id
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
    BatchMode yes
    ConnectTimeout 60
    LogLevel ERROR
"
    )
}

fn keygen(file: &Path) -> anyhow::Result<()> {
    let output = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "towline-bench", "-f"])
        .arg(file)
        .output()
        .context("starting ssh-keygen")?;
    ensure!(
        output.status.success(),
        "ssh-keygen failed: {}",
        output.status
    );
    Ok(())
}

/// By its full path, which sshd insists on.
fn sshd_program() -> anyhow::Result<PathBuf> {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"]
        .iter()
        .map(PathBuf::from)
        .find(|program| program.exists())
        .context("there is no sshd: install openssh-server")
}

/// Below the range from which outgoing connections take theirs.
fn free_port() -> anyhow::Result<u16> {
    (22_000..30_000)
        .find(|&port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok())
        .context("no free port between 22000 and 30000")
}

fn kex(sshd: &Path, config: &Path) -> anyhow::Result<&'static str> {
    let output = Command::new(sshd)
        .arg("-T")
        .arg("-f")
        .arg(config)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "sshd does not take its configuration: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(agreed(&text))
}

/// The key exchange that Towline uses with an sshd of that configuration.
fn agreed(effective: &str) -> &'static str {
    let offered = effective
        .lines()
        .find_map(|line| line.strip_prefix("kexalgorithms "))
        .unwrap_or_default();
    if offered.split(',').any(|name| name == BEST_KEX) {
        BEST_KEX
    } else {
        GOOD_KEX
    }
}

fn whoami() -> anyhow::Result<String> {
    let output = Command::new("id")
        .arg("-un")
        .output()
        .context("starting id")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_an_address_of_its_own() {
        let all: std::collections::BTreeSet<_> = (0..5000).map(address).collect();
        assert_eq!(all.len(), 5000);
        assert!(all.iter().all(|name| name.parse::<Ipv4Addr>().is_ok()));
        assert_eq!(address(0), "127.1.0.1");
        assert_eq!(address(999), "127.1.3.250");
    }

    #[test]
    fn the_best_key_exchange_that_is_offered() {
        let new = "port 22\nkexalgorithms mlkem768x25519-sha256,curve25519-sha256\n";
        let old = "kexalgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256\n";
        assert_eq!(agreed(new), BEST_KEX);
        assert_eq!(agreed(old), GOOD_KEX);
    }
}
