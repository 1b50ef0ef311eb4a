//! The project's files, read once for all checks.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::source::Source;

/// Folders that hold what is built or fetched.
const NOT_OURS: &[&str] = &["target", ".git", "node_modules"];

/// All text files of the project.
pub(super) struct Tree {
    /// Where the files really are; checks that start a tool start it here.
    pub(super) root: PathBuf,
    /// Every file of the project, text or not, relative to the root.
    paths: BTreeSet<PathBuf>,
    texts: Vec<Text>,
    sources: Vec<Source>,
}

/// A text file.
pub(super) struct Text {
    /// Relative to the root.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Tree {
    /// Reads the project at `root`.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut paths = BTreeSet::new();
        collect(root, Path::new(""), &mut paths)?;
        let mut texts = Vec::new();
        for path in &paths {
            let bytes = fs::read(root.join(path))
                .with_context(|| format!("{} could not be read", path.display()))?;
            // What is not UTF-8 is a picture or a sample, nothing to check.
            if let Ok(text) = String::from_utf8(bytes) {
                texts.push(Text {
                    path: path.clone(),
                    text,
                });
            }
        }
        Self::assemble(root.to_owned(), paths, texts)
    }

    fn assemble(root: PathBuf, paths: BTreeSet<PathBuf>, texts: Vec<Text>) -> anyhow::Result<Self> {
        let mut sources = Vec::new();
        for text in &texts {
            if text.path.extension().is_some_and(|e| e == "rs") {
                sources.push(Source::parse(&text.path, &text.text)?);
            }
        }
        super::source::mark_test_modules(&mut sources);
        Ok(Self {
            root,
            paths,
            texts,
            sources,
        })
    }

    /// A project that is not on disk.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let paths = files.iter().map(|(path, _)| PathBuf::from(path)).collect();
        let mut texts: Vec<Text> = files
            .iter()
            .map(|(path, text)| Text {
                path: path.into(),
                text: (*text).to_owned(),
            })
            .collect();
        texts.sort_by(|one, other| one.path.cmp(&other.path));
        Self::assemble(PathBuf::from("/nowhere"), paths, texts).expect("the sample can be read")
    }

    /// All text files, by path.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        self.texts.iter()
    }

    /// Those text files whose names end so: `md`, `sh`.
    pub(super) fn with_extension(&self, extension: &str) -> impl Iterator<Item = &Text> {
        self.texts
            .iter()
            .filter(move |text| text.path.extension().is_some_and(|e| e == extension))
    }

    /// All Rust files, by path.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// The text file of that path.
    pub(super) fn text(&self, path: &Path) -> Option<&str> {
        let at = self
            .texts
            .binary_search_by(|text| text.path.as_path().cmp(path))
            .ok()?;
        Some(&self.texts[at].text)
    }

    /// Whether there is a file or a folder of that path.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.paths
            .range(path.to_owned()..)
            .next()
            .is_some_and(|next| next.starts_with(path))
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }
}

fn collect(root: &Path, folder: &Path, paths: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let here = root.join(folder);
    let entries =
        fs::read_dir(&here).with_context(|| format!("{} could not be read", here.display()))?;
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = folder.join(entry.file_name());
        if kind.is_dir() {
            if !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                collect(root, &path, paths)?;
            }
        } else if kind.is_file() && entry.file_name() != ".git" {
            paths.insert(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_ours_and_leaves_what_is_built() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "target/debug/x.rs",
            "crates/a/src/lib.rs",
            ".git/config",
            "logo.png",
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "//! x\n").unwrap();
        }
        fs::write(folder.path().join("logo.png"), b"\x89PNG\xff").unwrap();

        let tree = Tree::read(folder.path()).unwrap();
        assert_eq!(tree.len(), 2);
        assert_eq!(tree.texts().count(), 1);
        assert_eq!(tree.text(Path::new("crates/a/src/lib.rs")), Some("//! x\n"));
        assert!(tree.has(Path::new("crates/a")));
        assert!(tree.has(Path::new("logo.png")));
        assert!(!tree.has(Path::new("crates/b")));
        assert!(!tree.has(Path::new("target")));
    }
}
