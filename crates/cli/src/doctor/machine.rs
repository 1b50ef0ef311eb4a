//! Limits and programs of this machine.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::process::{Resource, getrlimit};
use towline_fleet::facts::Check;

/// Files that are open without any node: streams, the runtime, the files with keys.
const OWN_FILES: u64 = 40;

/// Files that one connection may hold open: its socket, or the pipes of a program.
const FILES_EACH: u64 = 3;

/// How many files this process may have open; `None`: as many as it likes.
pub(super) fn open_files_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Whether so many connections can be open at once.
pub(super) fn open_files(limit: Option<u64>, at_once: usize) -> Check {
    const NAME: &str = "open files";
    let needed = OWN_FILES + FILES_EACH * u64::try_from(at_once).unwrap_or(u64::MAX / 8);
    match limit {
        None => Check::ok(NAME, "no limit"),
        Some(limit) if limit >= needed => Check::ok(NAME, format!("as many as {limit}")),
        Some(limit) => {
            let room = limit.saturating_sub(OWN_FILES) / FILES_EACH;
            Check::warn(
                NAME,
                format!(
                    "no more than {limit}, and {at_once} nodes at once may take up to {needed}"
                ),
                format!(
                    "ulimit -n {needed}; or fewer nodes at once: -f {}",
                    room.max(1)
                ),
            )
        }
    }
}

/// Where a program is, in the folders of `PATH`.
pub(super) fn find(program: &str, path: &str) -> Option<PathBuf> {
    let is_program = |file: &PathBuf| {
        let metadata = std::fs::metadata(file);
        metadata.is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    path.split(':')
        .filter(|folder| !folder.is_empty())
        .map(|folder| Path::new(folder).join(program))
        .find(is_program)
}

/// Whether the system's ssh is there, where something needs it.
pub(super) fn ssh_client(found: Option<PathBuf>, needed: Option<String>) -> Check {
    const NAME: &str = "ssh program";
    match (found, needed) {
        (Some(path), Some(why)) => Check::ok(NAME, format!("{}, for {why}", path.display())),
        (Some(path), None) => Check::ok(NAME, format!("{}, not needed", path.display())),
        (None, None) => Check::ok(NAME, "not installed, and not needed"),
        (None, Some(why)) => Check::fail(
            NAME,
            format!("not installed, and needed for {why}"),
            "install it: apt-get install openssh-client",
        ),
    }
}

#[cfg(test)]
mod tests {
    use towline_fleet::facts::Level;

    use super::*;

    #[test]
    fn a_limit_that_is_too_low_says_what_fits() {
        assert_eq!(open_files(None, 10_000).level, Level::Ok);
        assert_eq!(open_files(Some(1024), 64).level, Level::Ok);
        let check = open_files(Some(64), 64);
        assert_eq!(check.level, Level::Warn);
        assert_eq!(
            check.mend.unwrap(),
            "ulimit -n 232; or fewer nodes at once: -f 8"
        );
        assert_eq!(open_files(Some(232), 64).level, Level::Ok);
    }

    #[test]
    fn a_program_is_a_file_that_can_be_run() {
        assert!(find("sh", "/nowhere::/bin").is_some());
        assert!(find("passwd", "/etc").is_none());
        assert!(find("etc", "/").is_none());
    }

    #[test]
    fn ssh_is_missed_only_where_it_is_needed() {
        let level = |found: Option<&str>, needed: Option<&str>| {
            ssh_client(found.map(PathBuf::from), needed.map(str::to_owned)).level
        };
        assert_eq!(level(None, None), Level::Ok);
        assert_eq!(level(Some("/usr/bin/ssh"), Some("match exec")), Level::Ok);
        assert_eq!(level(None, Some("match exec")), Level::Fail);
    }
}
