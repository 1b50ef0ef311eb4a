//! The other tools: how each is asked to run a command on many hosts. One function each.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::fleet::{Fleet, Hosts, Kex};

/// What is to be run, where.
pub(super) struct Work<'a> {
    /// The sshd and the files of the run.
    pub(super) fleet: &'a Fleet,
    /// The hosts.
    pub(super) hosts: &'a Hosts,
    /// How many at a time.
    pub(super) fanout: usize,
    /// A line for the shell there.
    pub(super) command: &'a str,
    /// The key exchange of those that leave SSH to OpenSSH.
    pub(super) kex: Kex,
}

impl Work<'_> {
    fn config(&self) -> PathBuf {
        self.fleet.ssh_config(self.kex)
    }

    /// `-F FILE` as one word, for what takes ssh's options as a text.
    fn config_option(&self) -> OsString {
        let mut option = OsString::from("-F ");
        option.push(self.config());
        option
    }
}

/// A program, its arguments and what its environment has beside the usual.
pub(super) struct Invocation {
    pub(super) argv: Vec<OsString>,
    pub(super) env: Vec<(&'static str, OsString)>,
}

impl Invocation {
    pub(super) fn of(program: impl Into<OsString>) -> Self {
        Self {
            argv: vec![program.into()],
            env: Vec::new(),
        }
    }

    pub(super) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.argv.push(arg.into());
        self
    }

    pub(super) fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.argv.extend(args.map(OsString::from));
        self
    }

    pub(super) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }
}

/// Another tool.
pub(super) struct Peer {
    /// What it is called here.
    pub(super) name: &'static str,
    /// Its program.
    pub(super) program: &'static str,
    /// What it prints its version for.
    pub(super) version: &'static str,
    /// Whether it leaves SSH to OpenSSH, and so its key exchange can be chosen.
    pub(super) by_openssh: bool,
    invocation: fn(&Path, &Work<'_>) -> Invocation,
}

impl Peer {
    /// How it does the work, when its program is at that path.
    pub(super) fn invocation(&self, program: &Path, work: &Work<'_>) -> Invocation {
        (self.invocation)(program, work)
    }
}

/// All of them.
pub(super) const PEERS: &[Peer] = &[
    Peer {
        name: "bssh",
        program: "bssh",
        version: "--version",
        by_openssh: false,
        invocation: bssh,
    },
    Peer {
        name: "xargs ssh",
        program: "xargs",
        version: "--version",
        by_openssh: true,
        invocation: xargs_ssh,
    },
    Peer {
        name: "pssh",
        program: "parallel-ssh",
        version: "--version",
        by_openssh: true,
        invocation: pssh,
    },
    Peer {
        name: "clush",
        program: "clush",
        version: "--version",
        by_openssh: true,
        invocation: clush,
    },
    Peer {
        name: "pdsh",
        program: "pdsh",
        version: "-V",
        by_openssh: true,
        invocation: pdsh,
    },
    Peer {
        name: "ansible raw",
        program: "ansible",
        version: "--version",
        by_openssh: true,
        invocation: ansible,
    },
];

/// Towline itself.
pub(super) fn tow(program: &Path, work: &Work<'_>) -> Invocation {
    Invocation::of(program)
        .args(["exec", "-f", &work.fanout.to_string(), "-F"])
        .arg(work.config())
        .arg("--hostfile")
        .arg(&work.hosts.file)
        .args(["--", work.command])
}

/// It is told what it does not read in ssh_config. Host keys of its hosts are pinned when it is first
/// run, in its own way.
fn bssh(program: &Path, work: &Work<'_>) -> Invocation {
    let login = |name: &String| {
        [
            work.fleet.user(),
            "@",
            name,
            ":",
            &work.fleet.port().to_string(),
        ]
        .concat()
    };
    let hosts: Vec<String> = work.hosts.names.iter().map(login).collect();
    Invocation::of(program)
        .args(["--hosts", &hosts.join(",")])
        .args(["--parallel", &work.fanout.to_string()])
        .arg("--identity")
        .arg(work.fleet.identity())
        .arg(work.command)
}

fn xargs_ssh(program: &Path, work: &Work<'_>) -> Invocation {
    Invocation::of(program)
        .arg("--arg-file")
        .arg(&work.hosts.file)
        .args(["-P", &work.fanout.to_string(), "-I{}", "ssh", "-n", "-F"])
        .arg(work.config())
        .args(["{}", work.command])
}

/// `--inline` so that what the hosts write is seen.
fn pssh(program: &Path, work: &Work<'_>) -> Invocation {
    Invocation::of(program)
        .arg("--hosts")
        .arg(&work.hosts.file)
        .args([
            "--par",
            &work.fanout.to_string(),
            "--inline",
            "--extra-args",
        ])
        .arg(work.config_option())
        .arg(work.command)
}

fn clush(program: &Path, work: &Work<'_>) -> Invocation {
    Invocation::of(program)
        .args(["-S", "-f", &work.fanout.to_string(), "--hostfile"])
        .arg(&work.hosts.file)
        .arg("-o")
        .arg(work.config_option())
        .arg(work.command)
}

fn pdsh(program: &Path, work: &Work<'_>) -> Invocation {
    let mut hosts = OsString::from("^");
    hosts.push(&work.hosts.file);
    Invocation::of(program)
        .args(["-R", "ssh", "-S", "-f", &work.fanout.to_string(), "-w"])
        .arg(hosts)
        .arg(work.command)
        .env("PDSH_SSH_ARGS_APPEND", work.config_option())
}

/// Its cheapest way: `raw` needs no Python there. The connections it leaves open are counted in.
fn ansible(program: &Path, work: &Work<'_>) -> Invocation {
    Invocation::of(program)
        .args(["all", "-f", &work.fanout.to_string(), "-i"])
        .arg(&work.hosts.file)
        .arg("--ssh-common-args")
        .arg(work.config_option())
        .args(["-m", "raw", "-a", work.command])
}
