//! Files, and the files that they include, read once into blocks.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::directive::{self, Action, Complaint};
use super::env::LocalEnv;
use super::error::{ConfigError, Place, Problem};
use super::glob;
use super::lexer::{self, LexError};
use super::matching::Match;
use super::pattern::HostPatterns;

/// How deep files may include files.
const MAX_DEPTH: u32 = 16;

/// A file, cut where `Host` and `Match` stand.
#[derive(Debug, Clone)]
pub(super) struct Blocks(pub(super) Vec<Block>);

/// The lines from one condition to the next.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) condition: Condition,
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
    /// Some of the entries count even when the condition does not hold.
    pub(super) has_unconditional: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// The head of a file: it counts when the file does.
    Inherited,
    Host(HostPatterns),
    Match(Match),
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Set(Action),
    Include(Vec<Blocks>),
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    User,
    System,
}

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) env: &'a LocalEnv,
    pub(super) owner: Owner,
    /// Refuse a file that others may write.
    pub(super) check_permissions: bool,
    pub(super) depth: u32,
}

/// Reads a file and all that it includes.
pub(super) fn read_file(path: &Path, reading: Reading<'_>) -> Result<Blocks, ConfigError> {
    let failed = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if reading.check_permissions {
        let foreign = metadata.uid() != 0 && metadata.uid() != reading.env.uid;
        if foreign || metadata.mode() & 0o022 != 0 {
            return Err(ConfigError::Permissions {
                path: path.to_owned(),
            });
        }
    }
    let mut text = Vec::new();
    // ssh opens a directory without complaint and finds nothing in it.
    if !metadata.is_dir() {
        file.read_to_end(&mut text).map_err(failed)?;
    }
    read_text(&text, Arc::from(path), reading)
}

fn read_text(text: &[u8], file: Arc<Path>, reading: Reading<'_>) -> Result<Blocks, ConfigError> {
    let start = Place {
        file: Arc::clone(&file),
        line: 1,
        column: 1,
    };
    let mut blocks = vec![Block::new(Condition::Inherited, start)];
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        // What follows a NUL is not seen.
        let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
        let lossy = String::from_utf8_lossy(line);
        let place = |at| Place {
            file: Arc::clone(&file),
            line: number,
            column: column(&lossy, at),
        };
        let said = read_line(&lossy, reading.env).map_err(|Complaint { at, problem }| {
            ConfigError::Line {
                place: place(at),
                problem,
            }
        })?;
        let Some(Said {
            at,
            action,
            garbled,
        }) = said
        else {
            continue;
        };
        if garbled && matches!(lossy, Cow::Owned(_)) {
            return Err(ConfigError::Line {
                place: place(at),
                problem: Problem::NotUtf8,
            });
        }
        let place = place(at);
        let what = match action {
            Action::Nothing => continue,
            Action::Host(patterns) => {
                blocks.push(Block::new(Condition::Host(patterns), place));
                continue;
            }
            Action::Match(criteria) => {
                blocks.push(Block::new(Condition::Match(criteria), place));
                continue;
            }
            Action::Include(patterns) => What::Include(include(&patterns, &place, reading)?),
            action => What::Set(action),
        };
        if let Some(block) = blocks.last_mut() {
            block.has_unconditional |=
                matches!(what, What::Include(_) | What::Set(Action::Unknown(_)));
            block.entries.push(Entry { place, what });
        }
    }
    Ok(Blocks(blocks))
}

impl Block {
    fn new(condition: Condition, place: Place) -> Self {
        Self {
            condition,
            place,
            entries: Vec::new(),
            has_unconditional: false,
        }
    }
}

/// What a line says, and the byte where its keyword stands.
struct Said {
    at: usize,
    action: Action,
    /// The value (comments apart) has the character that stands for bytes that are not text.
    garbled: bool,
}

fn read_line(line: &str, env: &LocalEnv) -> Result<Option<Said>, Complaint> {
    let line = lexer::cut(line).map_err(|error| match error {
        LexError::NoValue { keyword, at } => Complaint {
            at,
            problem: Problem::NoValue(keyword),
        },
        LexError::Quotes { at } => Complaint {
            at,
            problem: Problem::Quotes,
        },
    })?;
    let Some(line) = line else {
        return Ok(None);
    };
    let action = directive::read(&line, env)?;
    let text = match &action {
        Action::ProxyCommand(text) | Action::Text(_, text) => text.as_str(),
        _ => "",
    };
    let words = line.words.iter().map(|word| word.text.as_str());
    let garbled = words
        .chain([text])
        .any(|text| text.contains(char::REPLACEMENT_CHARACTER));
    Ok(Some(Said {
        at: line.keyword_at,
        action,
        garbled,
    }))
}

/// Reads one `-o` option, `Name=value` or `Name value`.
pub(super) fn read_option(text: &str, env: &LocalEnv) -> Result<Option<Entry>, ConfigError> {
    let file: Arc<Path> = Arc::from(Path::new("command-line"));
    let place = |at| Place {
        file: Arc::clone(&file),
        line: 0,
        column: column(text, at),
    };
    let said = read_line(text, env).map_err(|Complaint { at, problem }| ConfigError::Line {
        place: place(at),
        problem,
    })?;
    let Some(Said { at, action, .. }) = said else {
        return Ok(None);
    };
    let keyword = match action {
        Action::Host(_) => "Host",
        Action::Match(_) => "Match",
        Action::Include(_) => "Include",
        action => {
            return Ok(Some(Entry {
                place: place(at),
                what: What::Set(action),
            }));
        }
    };
    let problem = Problem::FileOnly(keyword.to_owned());
    Err(ConfigError::Line {
        place: place(at),
        problem,
    })
}

fn include(
    patterns: &[String],
    place: &Place,
    reading: Reading<'_>,
) -> Result<Vec<Blocks>, ConfigError> {
    let mut files = Vec::new();
    for pattern in patterns {
        let anchored = anchor(pattern, reading).map_err(|problem| ConfigError::Line {
            place: place.clone(),
            problem,
        })?;
        for path in glob::expand(&anchored) {
            if reading.depth >= MAX_DEPTH {
                return Err(ConfigError::TooDeep {
                    place: place.clone(),
                });
            }
            let reading = Reading {
                check_permissions: true,
                depth: reading.depth + 1,
                ..reading
            };
            files.push(read_file(Path::new(&path), reading)?);
        }
    }
    Ok(files)
}

/// The pattern as an absolute path: relative ones are meant from `~/.ssh`, or from `/etc/ssh` in the system's files.
fn anchor(pattern: &str, reading: Reading<'_>) -> Result<String, Problem> {
    let home = || reading.env.include_home().to_string_lossy().into_owned();
    if pattern.starts_with('/') {
        return Ok(pattern.to_owned());
    }
    let Some(after) = pattern.strip_prefix('~') else {
        return Ok(match reading.owner {
            Owner::User => [&home(), "/.ssh/", pattern].concat(),
            Owner::System => ["/etc/ssh/", pattern].concat(),
        });
    };
    if reading.owner == Owner::System {
        return Err(Problem::BadValue {
            value: pattern.to_owned(),
            expected: "a path that a system-wide file may include",
        });
    }
    let (user, tail) = after.split_once('/').unwrap_or((after, ""));
    Ok(match user {
        "" => [&home(), "/", tail].concat(),
        user => match reading.env.databases.home_of(user) {
            Some(home) => [&home.to_string_lossy(), "/", tail].concat(),
            None => pattern.to_owned(),
        },
    })
}

/// The character, from 1, that starts at byte `at`.
fn column(line: &str, at: usize) -> u32 {
    let before = line.get(..at).map_or(at, |before| before.chars().count());
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}
