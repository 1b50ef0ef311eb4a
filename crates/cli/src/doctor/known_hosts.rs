//! The files with known host keys.

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use towline_fleet::facts::Check;
use towline_remote::known_hosts::{KnownHosts, Location, Options, Review};

use crate::{context::with_causes, render::human::count};

const NAME: &str = "known hosts";

/// So many broken lines are told one by one.
const TOLD: usize = 5;

/// Looks at all of them.
pub(super) fn checks(user: &[PathBuf], global: &[PathBuf]) -> Vec<Check> {
    let known = match KnownHosts::open(user, global, Options::default()) {
        Ok(known) => known,
        Err(error) => {
            return vec![Check::fail(NAME, with_causes(&error), error.hint("NODE"))];
        }
    };
    let there: Vec<&Path> = user
        .iter()
        .chain(global)
        .map(PathBuf::as_path)
        .filter(|path| path.exists())
        .collect();
    let mut checks: Vec<Check> = there.iter().filter_map(|path| writable(path)).collect();
    let review = known.review();
    checks.extend(lines(&review));
    if checks.is_empty() {
        let files: Vec<_> = there
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        checks.push(match files.is_empty() {
            true => Check::ok(NAME, "none yet; the first one is pinned when it is met"),
            false => Check::ok(
                NAME,
                format!("{} in {}", count(review.keys, "key"), files.join(", ")),
            ),
        });
    }
    checks
}

/// Whoever can write the file decides which machines are trusted.
fn writable(path: &Path) -> Option<Check> {
    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    (metadata.is_file() && mode & 0o022 != 0).then(|| {
        Check::fail(
            NAME,
            format!("others can write to {} (mode {mode:04o})", path.display()),
            format!("chmod go-w {}", path.display()),
        )
    })
}

fn lines(review: &Review) -> Vec<Check> {
    let mut checks = Vec::new();
    let broken: Vec<&Location> = review.broken.iter().map(|line| &line.at).collect();
    let mends = deletions(&broken);
    if !broken.is_empty() {
        let mut told: Vec<String> = review.broken.iter().map(ToString::to_string).collect();
        let more = told.len().saturating_sub(TOLD);
        told.truncate(TOLD);
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        checks.push(Check::warn(
            NAME,
            format!(
                "{} for nothing: {}",
                match broken.len() {
                    1 => "1 line counts".to_owned(),
                    lines => format!("{lines} lines count"),
                },
                told.join("; ")
            ),
            mends,
        ));
    }
    if !review.repeated.is_empty() {
        let repeated: Vec<&Location> = review.repeated.iter().collect();
        checks.push(Check::warn(
            NAME,
            format!(
                "{} what stands there before",
                match repeated.len() {
                    1 => "1 line says again".to_owned(),
                    lines => format!("{lines} lines say again"),
                }
            ),
            deletions(&repeated),
        ));
    }
    checks
}

/// What deletes these lines; the file as it was stays beside it.
fn deletions(lines: &[&Location]) -> String {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for at in lines {
        let numbers = files.entry(at.file.display().to_string()).or_default();
        numbers.push(at.line.to_string());
    }
    let commands: Vec<String> = files
        .into_iter()
        .map(|(file, numbers)| {
            let script = [&numbers.join("d;"), "d"].concat();
            ["sed -i.old '", &script, "' ", &file].concat()
        })
        .collect();
    commands.join("; ")
}
