//! The user's environment, read here and nowhere else.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use towline_remote::ssh_config::{Databases, LocalEnv};

/// The longest path of a folder for sockets, in bytes.
const SOCKET_FOLDER: usize = 60;

/// What of the user's environment counts.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// The home folder.
    pub(crate) home: PathBuf,
    /// The user's name.
    pub(crate) user: String,
    /// The user's number.
    pub(crate) uid: u32,
    /// The login shell.
    pub(crate) shell: String,
    /// The working directory.
    pub(crate) folder: PathBuf,
    vars: BTreeMap<String, String>,
}

impl Environment {
    /// Looks around.
    ///
    /// # Errors
    /// When there is no working directory any more.
    pub(crate) fn read() -> std::io::Result<Self> {
        let vars: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let uid = rustix::process::getuid().as_raw();
        let account = account(uid);
        let var = |name: &str| vars.get(name).filter(|value| !value.is_empty()).cloned();
        let home = var("HOME").map(PathBuf::from);
        let home = home.or_else(|| account.as_ref().map(|a| a.home.clone()));
        let user = account
            .as_ref()
            .map(|a| a.name.clone())
            .or_else(|| var("USER"));
        let shell = var("SHELL").or_else(|| account.map(|a| a.shell));
        Ok(Self {
            home: home.unwrap_or_else(|| PathBuf::from("/")),
            user: user.unwrap_or_else(|| uid.to_string()),
            uid,
            shell: shell
                .filter(|s| !s.is_empty())
                .unwrap_or_else(|| "/bin/sh".to_owned()),
            folder: std::env::current_dir()?,
            vars,
        })
    }

    /// A variable that is set to something.
    pub(crate) fn var(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A folder of the XDG base directories: `variable`, or `default` in the home folder.
    pub(crate) fn xdg(&self, variable: &str, default: &str) -> PathBuf {
        match self
            .var(variable)
            .map(Path::new)
            .filter(|path| path.is_absolute())
        {
            Some(path) => path.to_owned(),
            None => self.home.join(default),
        }
    }

    /// Where long output is put aside: on a disk, which /tmp may not be.
    pub(crate) fn spool(&self) -> PathBuf {
        self.var("TMPDIR")
            .map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
    }

    /// Where sockets are made: the path ends up in their addresses, which may hold a hundred bytes.
    pub(crate) fn sockets(&self) -> PathBuf {
        let is_fit = |path: &&Path| {
            path.is_absolute() && path.is_dir() && path.as_os_str().len() <= SOCKET_FOLDER
        };
        let runtime = self.var("XDG_RUNTIME_DIR").map(Path::new).filter(is_fit);
        runtime.unwrap_or(Path::new("/tmp")).to_owned()
    }

    /// Users whose configuration files are trusted: this one, and who called sudo.
    pub(crate) fn trusted_users(&self) -> Vec<u32> {
        let caller = self.var("SUDO_UID").and_then(|uid| uid.parse().ok());
        std::iter::once(self.uid).chain(caller).collect()
    }

    /// What ssh_config may refer to.
    pub(crate) fn for_ssh_config(&self) -> LocalEnv {
        let uname = rustix::system::uname();
        LocalEnv {
            home: self.home.clone(),
            local_user: self.user.clone(),
            uid: self.uid,
            hostname: uname.nodename().to_string_lossy().into_owned(),
            vars: self.vars.clone(),
            databases: Databases::default(),
        }
    }
}

struct AccountEntry {
    name: String,
    home: PathBuf,
    shell: String,
}

/// The user's line of the password database.
fn account(uid: u32) -> Option<AccountEntry> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, number, _, _, home, shell] = fields.as_slice() else {
            return None;
        };
        (number.parse() == Ok(uid)).then(|| AccountEntry {
            name: (*name).to_owned(),
            home: PathBuf::from(home),
            shell: (*shell).to_owned(),
        })
    })
}
