//! One `known_hosts` file as it was read: its bytes, and an index of the names in it.

use std::{
    collections::HashMap, fs, io, ops::Range, os::unix::fs::MetadataExt, path::Path, sync::Arc,
};

use super::{
    line::{self, Fields, LineFault},
    pattern::{HashedName, HostField, classify, list_matches},
    verdict::{BadLine, KnownLine, Location},
};

/// Tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// Whether both are of the same file, whatever its state.
    pub(super) fn same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// A file's lines. Keys in it are decoded only for the hosts that are asked for.
pub(super) struct FileView {
    path: Arc<Path>,
    text: Vec<u8>,
    stamp: Option<Stamp>,
    /// How many lines there are, comments included.
    count: usize,
    entries: Vec<Entry>,
    /// Lines of plain names, by name.
    exact: HashMap<Box<[u8]>, Vec<usize>>,
    /// Lines with wildcards or negations.
    patterns: Vec<usize>,
    hashed: Vec<(HashedName, usize)>,
    faults: Vec<BadLine>,
}

struct Entry {
    number: usize,
    at: Range<usize>,
    fields: Fields,
}

/// A line with all its fields.
pub(super) struct FileLine<'a> {
    pub(super) at: Location,
    /// Its marker, if it has one, and its names.
    pub(super) names: &'a [u8],
    /// Its key in its wire form.
    pub(super) key: Result<Box<[u8]>, LineFault>,
}

impl FileView {
    /// A file that is not there yet, or is kept in memory only.
    pub(super) fn empty(path: &Path) -> Self {
        Self {
            path: path.into(),
            text: Vec::new(),
            stamp: None,
            count: 0,
            entries: Vec::new(),
            exact: HashMap::new(),
            patterns: Vec::new(),
            hashed: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Reads a file. One that is not there is empty.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let missing = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            )
        };
        match fs::File::open(path) {
            Ok(mut file) => Self::read_open(path, &mut file),
            Err(error) if missing(&error) => Ok(Self::empty(path)),
            Err(error) => Err(error),
        }
    }

    /// Reads a file that is already open, from its beginning.
    pub(super) fn read_open(path: &Path, file: &mut fs::File) -> io::Result<Self> {
        use std::io::{Read, Seek, SeekFrom};
        let metadata = file.metadata()?;
        let mut view = Self::empty(path);
        // Devices such as /dev/null have nothing to say; a pipe would be waited for without end.
        if metadata.is_file() {
            let mut text = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut text)?;
            view.push(&text);
        } else if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        view.stamp = Some(Stamp::of(&metadata));
        Ok(view)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    pub(super) fn set_stamp(&mut self, stamp: Stamp) {
        self.stamp = Some(stamp);
    }

    pub(super) fn faults(&self) -> &[BadLine] {
        &self.faults
    }

    /// Every line that has all its fields, with its key decoded.
    pub(super) fn lines(&self) -> impl Iterator<Item = FileLine<'_>> {
        self.entries.iter().map(|entry| {
            let line = &self.text[entry.at.clone()];
            FileLine {
                at: self.location(entry.number),
                names: &line[..entry.fields.hosts.end],
                key: entry.fields.key(line).map(|(blob, _)| blob),
            }
        })
    }

    /// How many lines the file has; the number of its last one.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Ends a last line that has no end yet.
    pub(super) fn close_last_line(&mut self) {
        if self.needs_line_end() {
            self.text.push(b'\n');
        }
    }

    /// Whether the last line has no end, so that what is appended would become part of it.
    pub(super) fn needs_line_end(&self) -> bool {
        !self.text.is_empty() && !self.text.ends_with(b"\n")
    }

    /// Adds whole lines at the end. The text so far must end with a line's end.
    pub(super) fn push(&mut self, text: &[u8]) {
        let mut start = self.text.len();
        self.text.extend_from_slice(text);
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let end = start + line.len();
            self.count += 1;
            self.index(start..end - usize::from(line.ends_with(b"\n")));
            start = end;
        }
    }

    fn index(&mut self, at: Range<usize>) {
        let line = &self.text[at.clone()];
        let number = self.count;
        let index = self.entries.len();
        let sorted = line::parse(line).and_then(|fields| {
            let Some(fields) = fields else {
                return Ok(None);
            };
            match classify(&line[fields.hosts.clone()])? {
                HostField::Names(names) => {
                    for name in names {
                        let name = name.to_ascii_lowercase().into_boxed_slice();
                        let lines = self.exact.entry(name).or_default();
                        if lines.last() != Some(&index) {
                            lines.push(index);
                        }
                    }
                }
                HostField::Patterns => self.patterns.push(index),
                HostField::Hashed(name) => self.hashed.push((name, index)),
            }
            Ok(Some(fields))
        });
        match sorted {
            Ok(None) => {}
            Ok(Some(fields)) => self.entries.push(Entry { number, at, fields }),
            Err(fault) => self.faults.push(BadLine {
                at: self.location(number),
                fault,
            }),
        }
    }

    fn location(&self, line: usize) -> Location {
        Location {
            file: self.path.clone(),
            line,
        }
    }

    /// The lines for `name` (lower case) in the file's order; lines whose key is unreadable go to `faults`.
    pub(super) fn lines_for(
        &self,
        name: &str,
        found: &mut Vec<KnownLine>,
        faults: &mut Vec<BadLine>,
    ) {
        let name = name.as_bytes();
        let mut matching: Vec<usize> = self.exact.get(name).cloned().unwrap_or_default();
        let hosts = |&index: &usize| {
            let entry = &self.entries[index];
            &self.text[entry.at.clone()][entry.fields.hosts.clone()]
        };
        let listed = |index: &usize| list_matches(hosts(index), name);
        matching.extend(self.patterns.iter().copied().filter(|index| listed(index)));
        let hashed = self.hashed.iter().filter(|(hash, _)| hash.is(name));
        matching.extend(hashed.map(|(_, index)| *index));
        matching.sort_unstable();

        for index in matching {
            let Entry { number, at, fields } = &self.entries[index];
            let at_line = self.location(*number);
            match fields.key(&self.text[at.clone()]) {
                Ok((blob, algorithm)) => found.push(KnownLine {
                    marker: fields.marker,
                    blob,
                    algorithm,
                    at: at_line,
                }),
                Err(fault) => faults.push(BadLine { at: at_line, fault }),
            }
        }
    }
}
