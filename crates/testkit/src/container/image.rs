//! The nodes' image: made of Debian packages, kept as a packed archive under the hash of its recipe.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::docker::Docker;
use super::error::BedError;
use super::layout::Files;
use super::process::{Tool, missing_tools};

const SUITE: &str = "bookworm";
const REPOSITORY: &str = "towline-testbed";
const IMPORT_LIMIT: Duration = Duration::from_secs(600);

const SMALL: [&str; 15] = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "opendoas",
    "tcsh",
    "busybox",
    "iproute2",
    "procps",
    "iptables",
    "rsync",
    "ca-certificates",
    "curl",
    "containerd",
];
const FULL_TOO: [&str; 3] = ["docker.io", "nginx-light", "git"];

/// Documentation and translations are half of a small Debian.
const LEFT_OUT: [&str; 3] = [
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
];

/// What is put into the image beside its packages, by file name. Those in `.sh` are programs.
const ASSETS: [(&str, &str); 11] = [
    ("hook.sh", include_str!("assets/hook.sh")),
    ("init.sh", include_str!("assets/init.sh")),
    ("prepare.sh", include_str!("assets/prepare.sh")),
    ("hostkeys.sh", include_str!("assets/hostkeys.sh")),
    ("fill.sh", include_str!("assets/fill.sh")),
    ("sudoers", include_str!("assets/sudoers")),
    ("doas.conf", include_str!("assets/doas.conf")),
    ("noisy.bashrc", include_str!("assets/noisy.bashrc")),
    ("sshd.conf", include_str!("assets/sshd.conf")),
    ("ssh.service.conf", include_str!("assets/ssh.service.conf")),
    ("journald.conf", include_str!("assets/journald.conf")),
];

/// Which image the nodes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Image {
    /// systemd, sshd, sudo, doas, odd login shells, rsync, curl, iptables, containerd: enough for
    /// most tests.
    Small,
    /// The same and docker, nginx and git.
    Full,
}

/// How an image came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The engine had it.
    Loaded,
    /// It was built before and only had to be imported.
    Archive,
}

impl Image {
    /// The Debian packages asked for; what they depend on comes with them.
    #[must_use]
    pub fn packages(self) -> Vec<&'static str> {
        let more: &[&str] = match self {
            Self::Small => &[],
            Self::Full => &FULL_TOO,
        };
        SMALL.iter().chain(more).copied().collect()
    }

    fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Full => "full",
        }
    }

    /// The name in the engine, which changes with the recipe.
    pub(super) fn tag(self) -> String {
        format!("{REPOSITORY}:{}-{}", self.word(), self.key())
    }

    /// The image of a tag, of whatever recipe.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        let rest = tag.strip_prefix(REPOSITORY)?.strip_prefix(':')?;
        [Self::Small, Self::Full].into_iter().find(|image| {
            rest.strip_prefix(image.word())
                .is_some_and(|key| key.starts_with('-'))
        })
    }

    /// Where the packed image is kept.
    pub(super) fn archive(self, files: &Files) -> PathBuf {
        files
            .dir()
            .join(format!("{}-{}.tar.zst", self.word(), self.key()))
    }

    /// The recipe's hash.
    fn key(self) -> String {
        let mut hash = Fnv::new();
        hash.add(SUITE);
        self.packages()
            .iter()
            .chain(&LEFT_OUT)
            .for_each(|word| hash.add(word));
        for (name, content) in ASSETS {
            hash.add(name);
            hash.add(content);
        }
        format!("{:016x}", hash.0)
    }
}

/// FNV-1a of 64 bits: the same in every build, and nobody attacks a cache folder of his own.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, word: &str) {
        for byte in word.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Builds the archive unless it is there. Whether it was built.
pub(super) fn build(image: Image, files: &Files, mirror: Option<&str>) -> Result<bool, BedError> {
    let archive = image.archive(files);
    if archive.exists() {
        return Ok(false);
    }
    let missing = missing_tools(&["mmdebstrap", "zstd"]);
    if !missing.is_empty() {
        let reason = format!("to build the image, {} is missing", missing.join(" and "));
        return Err(BedError::CannotStart { reason });
    }
    let recipe = tempfile::tempdir_in(files.dir()).map_err(|e| file_error(files.dir(), e))?;
    for (name, content) in ASSETS {
        let path = recipe.path().join(name);
        let mode = if name.ends_with(".sh") { 0o755 } else { 0o644 };
        fs::write(&path, content)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .map_err(|e| file_error(&path, e))?;
    }
    let mut hook = std::ffi::OsString::from("--customize-hook=");
    hook.push(recipe.path().join("hook.sh"));
    let debian = Tool::as_root("mmdebstrap")
        .args(["--variant=minbase", "--quiet"])
        .args(
            LEFT_OUT
                .iter()
                .map(|glob| format!("--dpkgopt=path-exclude={glob}")),
        )
        .arg(format!("--include={}", image.packages().join(",")))
        .arg(hook)
        .args([SUITE, "-"])
        .args(mirror);
    // Under another name until it is whole: a build that was interrupted must not be taken for one.
    let packed = recipe.path().join("image.tar.zst");
    let pack = Tool::new("zstd")
        .args(["-q", "-3", "-T0", "-o"])
        .arg(&packed);
    pipe(&debian, &pack)?;
    fs::rename(&packed, &archive).map_err(|e| file_error(&archive, e))?;
    Ok(true)
}

/// Gives the engine the image, from the archive, unless it has it.
pub(super) fn load(image: Image, docker: &Docker, files: &Files) -> Result<Origin, BedError> {
    if docker.has_image(&image.tag())? {
        return Ok(Origin::Loaded);
    }
    let unpack = Tool::new("zstd")
        .args(["-q", "-d", "-c"])
        .arg(image.archive(files));
    let import = docker
        .call()
        .args(["import", "-", &image.tag()])
        .limit(IMPORT_LIMIT);
    pipe(&unpack, &import)?;
    Ok(Origin::Archive)
}

/// Removes archives and images of older recipes, once no node runs them any more.
pub(super) fn forget_older(image: Image, docker: &Docker, files: &Files) -> Result<(), BedError> {
    let listed = docker
        .call()
        .args([
            "image",
            "ls",
            "--format",
            "{{.Repository}}:{{.Tag}}",
            REPOSITORY,
        ])
        .run()?;
    for tag in listed.lines() {
        if Image::of_tag(tag) == Some(image) && tag != image.tag() {
            docker.call().args(["image", "rm", tag]).run()?;
        }
    }
    let current = image.archive(files);
    let entries = fs::read_dir(files.dir()).map_err(|e| file_error(files.dir(), e))?;
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let same_kind = name
            .strip_prefix(image.word())
            .is_some_and(|rest| rest.starts_with('-'));
        if same_kind && name.ends_with(".tar.zst") && path != current {
            fs::remove_file(&path).map_err(|e| file_error(&path, e))?;
        }
    }
    Ok(())
}

/// One tool's output into another; both must end well.
fn pipe(from: &Tool, to: &Tool) -> Result<(), BedError> {
    let spawn = |tool: &Tool, command: &mut Command| {
        command
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| tool.spawn_error(source))
    };
    let mut first = spawn(
        from,
        from.command().stdin(Stdio::null()).stdout(Stdio::piped()),
    )?;
    let stdout = first.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let second = match spawn(to, to.command().stdin(stdout).stdout(Stdio::null())) {
        Ok(second) => second,
        Err(error) => {
            first.kill().and_then(|()| first.wait()).ok();
            return Err(error);
        }
    };
    // Both at once: the one that is not read could fill its pipe and stop.
    let taker = std::thread::spawn(move || second.wait_with_output());
    let gave = first
        .wait_with_output()
        .map_err(|source| from.spawn_error(source))?;
    let took = match taker.join() {
        Ok(end) => end.map_err(|source| to.spawn_error(source))?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    if !gave.status.success() {
        return Err(from.failed(&gave));
    }
    if !took.status.success() {
        return Err(to.failed(&took));
    }
    Ok(())
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

    #[test]
    fn a_tag_leads_back_to_its_image() {
        for image in [Image::Small, Image::Full] {
            assert_eq!(Image::of_tag(&image.tag()), Some(image));
        }
        assert_eq!(
            Image::of_tag("towline-testbed:small-0123"),
            Some(Image::Small)
        );
        assert_eq!(Image::of_tag("towline-testbed:smaller"), None);
        assert_eq!(Image::of_tag("debian:bookworm"), None);
    }

    #[test]
    fn another_recipe_is_another_key() {
        assert_ne!(Image::Small.key(), Image::Full.key());
        let hashed = |words: &[&str]| {
            let mut hash = Fnv::new();
            words.iter().for_each(|word| hash.add(word));
            hash.0
        };
        assert_ne!(hashed(&["ab", "c"]), hashed(&["a", "bc"]));
    }

    #[test]
    fn a_pipe_fails_when_either_end_does() {
        let ok = Tool::new("true");
        let bad = Tool::new("false");
        pipe(&ok, &ok).unwrap();
        assert!(
            matches!(pipe(&bad, &ok), Err(BedError::Tool { command, .. }) if command == "false")
        );
        assert!(
            matches!(pipe(&ok, &bad), Err(BedError::Tool { command, .. }) if command == "false")
        );
    }

    #[test]
    fn what_is_in_the_cache_is_not_built_again() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path());
        fs::write(Image::Small.archive(&files), "already here").unwrap();
        assert!(!build(Image::Small, &files, None).unwrap());
    }
}
