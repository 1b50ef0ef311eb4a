//! The system's ssh beside ours: what both make of a file, key by key.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use towline_remote::ssh_config::{
    AlgorithmList, Algorithms, ConfigError, Databases, LocalEnv, Oracle, Query, Settings, Sources,
    SshConfig,
};

/// A home directory for `Include`, an environment, and the oracle.
pub(crate) struct Bench {
    pub(crate) home: tempfile::TempDir,
    pub(crate) env: LocalEnv,
    pub(crate) oracle: Oracle,
    pub(crate) runtime: tokio::runtime::Runtime,
}

/// A query as it would be typed after `ssh`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed {
    pub(crate) user: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) options: Vec<String>,
    pub(crate) host: String,
}

impl Typed {
    pub(crate) fn host(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..Self::default()
        }
    }

    /// Reads `-l USER -p PORT -o NAME=VALUE HOST`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut typed = Self::default();
        let mut words = text.split_whitespace().map(str::to_owned);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-l" => typed.user = words.next(),
                "-p" => typed.port = words.next().map(|port| port.parse().unwrap()),
                "-o" => typed.options.extend(words.next()),
                _ => typed.host = word,
            }
        }
        typed
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let version = Command::new("ssh").arg("-V").output();
        assert!(
            version.is_ok_and(|output| output.status.success()),
            "these tests compare with the system's ssh: apt-get install openssh-client"
        );
        let home = tempfile::tempdir().unwrap();
        copy_tree(&source_dir().join("home"), home.path());
        let uid = rustix::process::getuid().as_raw();
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        let entry = passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields[2] == uid.to_string())
            .expect("an entry for this user in /etc/passwd");
        let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let vars = BTreeMap::from([
            ("HOME".to_owned(), home.path().to_str().unwrap().to_owned()),
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("KEYS".to_owned(), "/keys".to_owned()),
            ("SOCK".to_owned(), "/run/agent.sock".to_owned()),
        ]);
        let env = LocalEnv {
            home: entry[5].into(),
            local_user: entry[0].to_owned(),
            uid,
            hostname: hostname.trim().to_owned(),
            vars,
            databases: Databases::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            home,
            env,
            oracle: Oracle::new("ssh"),
            runtime,
        }
    }

    /// Our answer.
    pub(crate) fn ours(&self, sources: &Sources, typed: &Typed) -> Result<Settings, ConfigError> {
        let config = SshConfig::load(sources.clone(), self.env.clone())?;
        self.with_query(&config, typed, |query| {
            let evaluation = config.evaluate(query)?;
            assert_eq!(evaluation.needs_oracle, None, "{typed:?}");
            Ok(evaluation.settings)
        })
    }

    pub(crate) fn with_query<R>(
        &self,
        config: &SshConfig,
        typed: &Typed,
        ask: impl FnOnce(&Query<'_>) -> Result<R, ConfigError>,
    ) -> Result<R, ConfigError> {
        let options = typed.options.iter().map(|option| config.option(option));
        let options: Vec<_> = options
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
        ask(&Query {
            host: &typed.host,
            user: typed.user.as_deref(),
            port: typed.port,
            options: &options,
        })
    }

    /// What ssh prints.
    pub(crate) fn raw(&self, sources: &Sources, typed: &Typed) -> Result<String, String> {
        let mut command = Command::new("ssh");
        command.arg("-G").env_clear().envs(&self.env.vars);
        match sources {
            Sources::File(path) => command.arg("-F").arg(path),
            _ => command.args(["-F", "none"]),
        };
        if let Some(user) = &typed.user {
            command.args(["-l", user]);
        }
        if let Some(port) = typed.port {
            command.args(["-p", &port.to_string()]);
        }
        for option in &typed.options {
            command.args(["-o", option]);
        }
        let output = command.args(["--", &typed.host]).output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The system's answer, by way of the oracle.
    pub(crate) fn theirs(&self, sources: &Sources, typed: &Typed) -> Result<Settings, ConfigError> {
        // The options' syntax must be right for ours to pass them on.
        let config = SshConfig::load(Sources::Nothing, self.env.clone())?;
        self.with_query(&config, typed, |query| {
            self.runtime
                .block_on(self.oracle.ask(sources, query, &self.env))
        })
    }

    /// Compares both answers. `Ok(true)` is the same settings, `Ok(false)` is that both refuse; `Err` is what differs.
    pub(crate) fn compare(&self, sources: &Sources, typed: &Typed) -> Result<bool, String> {
        match (self.ours(sources, typed), self.theirs(sources, typed)) {
            (Err(_), Err(ConfigError::Oracle { .. } | ConfigError::Line { .. })) => Ok(false),
            (Ok(mut ours), Ok(theirs)) => {
                let lists = Lists::get(self);
                lists.resolve(&mut ours.algorithms);
                if ours == theirs {
                    Ok(true)
                } else {
                    Err(difference(&ours, &theirs))
                }
            }
            (Ok(_), Err(theirs)) => Err(format!("ssh refuses and we do not: {}", chain(&theirs))),
            (Err(ours), Ok(_)) => Err(format!("we refuse and ssh does not: {}", chain(&ours))),
            (Err(_), Err(theirs)) => Err(format!("the oracle broke: {}", chain(&theirs))),
        }
    }
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn difference(ours: &Settings, theirs: &Settings) -> String {
    let (ours, theirs) = (format!("{ours:#?}"), format!("{theirs:#?}"));
    let only = |mark: &str, these: &str, those: &str| {
        let known: Vec<&str> = those.lines().collect();
        these
            .lines()
            .filter(|line| !known.contains(line))
            .map(|line| format!("{mark} {line}\n"))
            .collect::<String>()
    };
    format!(
        "\n{}{}",
        only("ours", &ours, &theirs),
        only("ssh ", &theirs, &ours)
    )
}

/// What the installed client takes by default and what it supports.
struct Lists {
    defaults: Vec<Vec<String>>,
    supported: Vec<Vec<String>>,
}

/// Each keyword, and what `ssh -Q` calls what it may name.
const LISTS: [(&str, &str); 7] = [
    ("ciphers", "Ciphers"),
    ("macs", "MACs"),
    ("kexalgorithms", "KexAlgorithms"),
    ("hostkeyalgorithms", "HostKeyAlgorithms"),
    ("pubkeyacceptedalgorithms", "PubkeyAcceptedAlgorithms"),
    ("casignaturealgorithms", "sig"),
    ("hostbasedacceptedalgorithms", "HostbasedAcceptedAlgorithms"),
];

impl Lists {
    fn get(bench: &Bench) -> &'static Self {
        static LISTS_OF_SSH: OnceLock<Lists> = OnceLock::new();
        LISTS_OF_SSH.get_or_init(|| {
            let raw = bench
                .raw(&Sources::Nothing, &Typed::host("localhost"))
                .unwrap();
            let defaults = LISTS.map(|(key, _)| {
                let line = raw.lines().find_map(|line| line.strip_prefix(key)).unwrap();
                line.trim().split(',').map(str::to_owned).collect()
            });
            let supported = LISTS.map(|(_, name)| {
                let output = Command::new("ssh").args(["-Q", name]).output().unwrap();
                String::from_utf8(output.stdout)
                    .unwrap()
                    .lines()
                    .map(str::to_owned)
                    .collect()
            });
            Self {
                defaults: defaults.into(),
                supported: supported.into(),
            }
        })
    }

    /// Makes the lists absolute, as ssh prints them, and forgets those that come to the defaults.
    fn resolve(&'static self, algorithms: &mut Algorithms) {
        let lists = [
            &mut algorithms.ciphers,
            &mut algorithms.macs,
            &mut algorithms.kex,
            &mut algorithms.host_key,
            &mut algorithms.pubkey_accepted,
            &mut algorithms.ca_signature,
            &mut algorithms.hostbased_accepted,
        ];
        for (at, list) in lists.into_iter().enumerate() {
            let strs =
                |list: &'static [String]| list.iter().map(String::as_str).collect::<Vec<_>>();
            let (defaults, supported) = (strs(&self.defaults[at]), strs(&self.supported[at]));
            if let Some(given) = list.take() {
                let resolved = given.resolve(&defaults, &supported);
                let names = resolved.iter().map(|&name| name.to_owned()).collect();
                *list = (resolved != defaults).then_some(AlgorithmList::Replace(names));
            }
        }
    }
}

pub(crate) fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ssh_config")
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            write_private(&target, &fs::read(entry.path()).unwrap());
        }
    }
}

/// Writes a file that nobody else may write, whatever the umask.
pub(crate) fn write_private(path: &Path, text: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
