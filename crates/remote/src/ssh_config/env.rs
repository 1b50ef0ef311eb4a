//! What of the local machine counts for the configuration. The caller gives it: nothing here reads the environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The local side: who runs this, where, and with which variables.
#[derive(Debug, Clone)]
pub struct LocalEnv {
    /// The home directory of the password database (`%d`, `~`).
    pub home: PathBuf,
    /// The local user's name (`%u`, `Match localuser`).
    pub local_user: String,
    /// The local user's number (`%i`, the owner check of files).
    pub uid: u32,
    /// The full name of this machine (`%l`; `%L` is its first part).
    pub hostname: String,
    /// Environment variables, for `${NAME}`, `IdentityAgent $NAME`, and `Include ~/…`, which goes by `HOME`.
    pub vars: BTreeMap<String, String>,
    /// Where `~user` and the names of ports are looked up.
    pub databases: Databases,
}

impl LocalEnv {
    /// The directory that `~` means in `Include`: there ssh asks `HOME` before the password database.
    pub(super) fn include_home(&self) -> PathBuf {
        self.vars
            .get("HOME")
            .filter(|home| !home.is_empty())
            .map_or_else(|| self.home.clone(), PathBuf::from)
    }
}

/// `/etc/passwd` and `/etc/services`, read when first needed and then kept. Cloning shares what was read.
#[derive(Debug, Clone)]
pub struct Databases {
    passwd: PathBuf,
    services: PathBuf,
    read: Arc<(OnceLock<String>, OnceLock<String>)>,
}

impl Default for Databases {
    fn default() -> Self {
        Self::at("/etc/passwd", "/etc/services")
    }
}

impl Databases {
    /// Files in the format of passwd(5) and services(5). A missing one is as good as an empty one.
    pub fn at(passwd: impl Into<PathBuf>, services: impl Into<PathBuf>) -> Self {
        Self {
            passwd: passwd.into(),
            services: services.into(),
            read: Arc::default(),
        }
    }

    /// The home directory of `user`.
    pub fn home_of(&self, user: &str) -> Option<PathBuf> {
        let text = self.read.0.get_or_init(|| read_lossy(&self.passwd));
        text.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == user)
                .then(|| fields.nth(4))
                .flatten()
                .map(PathBuf::from)
        })
    }

    /// The TCP port that is called `name`.
    pub fn port_of(&self, name: &str) -> Option<u16> {
        let text = self.read.1.get_or_init(|| read_lossy(&self.services));
        text.lines().find_map(|line| {
            let line = line.split('#').next()?;
            let mut fields = line.split_whitespace();
            let (official, number) = (fields.next()?, fields.next()?);
            let port = number.strip_suffix("/tcp")?.parse().ok()?;
            (official == name || fields.any(|alias| alias == name)).then_some(port)
        })
    }
}

fn read_lossy(path: &PathBuf) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_up_homes_and_ports() {
        let dir = tempfile::tempdir().unwrap();
        let (passwd, services) = (dir.path().join("passwd"), dir.path().join("services"));
        fs::write(
            &passwd,
            "root:x:0:0:root:/root:/bin/sh\nann:x:7:7::/home/ann:/bin/sh\n",
        )
        .unwrap();
        fs::write(
            &services,
            "# c\nssh 22/tcp # x\nntp 123/udp\nsmtp\t25/tcp mail\n",
        )
        .unwrap();
        let databases = Databases::at(&passwd, &services);
        assert_eq!(databases.home_of("ann"), Some("/home/ann".into()));
        assert_eq!(databases.home_of("bob"), None);
        assert_eq!(databases.port_of("mail"), Some(25));
        assert_eq!(databases.port_of("ntp"), None);
        assert_eq!(Databases::at("/nowhere", "/nowhere").port_of("ssh"), None);
    }
}
