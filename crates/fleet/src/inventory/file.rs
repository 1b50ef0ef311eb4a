//! `towline.yaml` itself: read, decoded and resolved.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    InventoryError, Part, Problem,
    config::Config,
    decode::{MAX_FINDINGS, decode},
    problem::{Finding, Mark},
    resolve::resolve,
    tree::{Document, Kind, MAX_BYTES},
};

/// A `towline.yaml` that was read and found to be in order.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub config: Config,
    pub(super) part: Part,
}

impl ConfigFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// When it can not be read, and with every mistake that was found in it.
    pub fn read(path: &Path) -> Result<Self, InventoryError> {
        let bytes = read_limited(path).map_err(|source| InventoryError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, bytes)
    }

    /// Takes `bytes` for the contents of the file at `path`.
    ///
    /// # Errors
    ///
    /// With every mistake that was found in it.
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, InventoryError> {
        let name = path.display().to_string();
        let invalid = |problems| Err(InventoryError::Invalid { problems });
        let text = match text(&name, bytes) {
            Ok(text) => text,
            Err(problem) => return invalid(vec![*problem]),
        };
        let document = match Document::from_yaml(name, text) {
            Ok(document) => document,
            Err(broken) => {
                let (document, error) = *broken;
                let place = (error.place).or_else(|| document.place_at(error.line_and_column?));
                let mut finding = match place {
                    Some(place) => Finding::new(error.message, Mark::new(Some(place), 0), ""),
                    None => Finding::of_all(error.message),
                };
                if document.text.as_deref().is_some_and(has_tab_indent) {
                    finding = finding.help("YAML is indented by spaces, and there is a tab here");
                }
                return invalid(vec![finding.show(&document)]);
            }
        };
        if matches!(document.root.kind, Kind::Null) {
            let finding = Finding::of_all("the file is empty")
                .help("a first line could be: nodes: [{id: local, host: localhost}]");
            return invalid(vec![finding.show(&document)]);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let (config, mut findings) = decode::<Config>(&document);
        let mut part = Part::default();
        if let Some(config) = &config {
            let (resolved, more) = resolve(&document, folder, &config.nodes, &config.groups);
            findings.extend(more);
            findings.extend(config.inventory.iter().filter_map(|source| {
                let empty = source.command.first().is_none_or(String::is_empty);
                let mark = source.command.mark;
                empty.then(|| Finding::new("a command without a program", mark, "nothing to run"))
            }));
            part = resolved;
        }
        match config {
            Some(config) if findings.is_empty() => Ok(Self {
                path: path.to_owned(),
                config,
                part,
            }),
            _ => invalid(shown(findings, &document)),
        }
    }

    /// The folder that relative paths in the file begin at.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// The findings in the order of the text.
pub(super) fn shown(mut findings: Vec<Finding>, document: &Document) -> Vec<Problem> {
    findings.sort_by_key(Finding::order);
    findings.dedup_by(|second, first| second.repeats(first));
    let more = findings.len() >= MAX_FINDINGS;
    findings.truncate(MAX_FINDINGS);
    if more {
        findings.push(Finding::of_all(
            "too many mistakes to show; mend these first",
        ));
    }
    (findings.into_iter().map(|finding| finding.show(document))).collect()
}

fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// The bytes as text, without a byte order mark.
fn text(name: &str, bytes: Vec<u8>) -> Result<String, Box<Problem>> {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    match String::from_utf8(bytes) {
        Ok(text) => Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let lossy = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let document = Document::bare(name.to_owned(), lossy);
            let finding = if utf16 {
                Finding::of_all("the file is UTF-16").help("save it as UTF-8")
            } else {
                let mark = Mark {
                    start: at,
                    end: at + 3,
                    number: 0,
                };
                Finding::new("the file is not UTF-8", mark, "this byte is no UTF-8")
                    .help("save it as UTF-8")
            };
            Err(Box::new(finding.show(&document)))
        }
    }
}

fn has_tab_indent(text: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    text.lines().any(|line| line[..indent(line)].contains('\t'))
}
