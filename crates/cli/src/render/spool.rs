//! Output kept for later in little memory: what is long, or too much in sum, goes to one unnamed
//! file that vanishes with the process.

use std::{
    fs::File,
    hash::{BuildHasher, Hasher, RandomState},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
};

/// How much of one text stays in memory.
const TEXT_IN_MEMORY: usize = 64 * 1024;

/// How much of all texts stays in memory.
const ALL_IN_MEMORY: usize = 16 * 1024 * 1024;

/// Where texts are kept. One file serves all: with thousands of nodes, a file for each would
/// be more than a process may open.
pub(crate) struct Spool {
    folder: PathBuf,
    file: Option<File>,
    written: u64,
    in_memory: usize,
    hashers: [RandomState; 2],
}

/// A text as it grows.
pub(crate) struct Growing {
    memory: Vec<u8>,
    /// Where in the file what came earlier stands: offset and length.
    extents: Vec<(u64, u64)>,
    length: u64,
    hashers: [<RandomState as BuildHasher>::Hasher; 2],
}

/// A text that is complete.
#[derive(Debug)]
pub(crate) struct Text {
    memory: Vec<u8>,
    extents: Vec<(u64, u64)>,
    fingerprint: Fingerprint,
}

/// What texts are told apart by. 128 bits keyed anew in every process: that two texts share it by
/// chance or by intent will not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint {
    length: u64,
    hashes: [u64; 2],
}

impl Spool {
    /// The file is made in `folder`, once it is needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            file: None,
            written: 0,
            in_memory: 0,
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    /// An empty text.
    pub(crate) fn begin(&self) -> Growing {
        Growing {
            memory: Vec::new(),
            extents: Vec::new(),
            length: 0,
            hashers: [
                self.hashers[0].build_hasher(),
                self.hashers[1].build_hasher(),
            ],
        }
    }

    /// Adds to a text.
    ///
    /// # Errors
    /// When the file can not be made or written.
    pub(crate) fn push(&mut self, text: &mut Growing, data: &[u8]) -> io::Result<()> {
        for hasher in &mut text.hashers {
            hasher.write(data);
        }
        text.length += data.len() as u64;
        let fits = text.memory.len() + data.len() <= TEXT_IN_MEMORY
            && self.in_memory + data.len() <= ALL_IN_MEMORY;
        if fits {
            text.memory.extend_from_slice(data);
            self.in_memory += data.len();
            return Ok(());
        }
        self.in_memory -= text.memory.len();
        let memory = std::mem::take(&mut text.memory);
        self.write(&memory, &mut text.extents)?;
        self.write(data, &mut text.extents)
    }

    fn write(&mut self, data: &[u8], extents: &mut Vec<(u64, u64)>) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile_in(&self.folder)?);
        }
        if let Some(file) = &self.file {
            // At an offset of our own: after a write that failed halfway, the file's is off.
            file.write_all_at(data, self.written)?;
        }
        let length = data.len() as u64;
        match extents.last_mut() {
            Some((offset, before)) if *offset + *before == self.written => *before += length,
            _ => extents.push((self.written, length)),
        }
        self.written += length;
        Ok(())
    }

    /// Ends a text.
    pub(crate) fn end(&self, mut text: Growing) -> Text {
        let fingerprint = Fingerprint {
            length: text.length,
            hashes: [text.hashers[0].finish(), text.hashers[1].finish()],
        };
        text.memory.shrink_to_fit();
        Text {
            memory: text.memory,
            extents: text.extents,
            fingerprint,
        }
    }

    /// Gives back the memory of a text that is not needed.
    pub(crate) fn forget(&mut self, text: Text) {
        self.in_memory -= text.memory.len();
    }

    /// Hands a text to `take`, piece by piece.
    ///
    /// # Errors
    /// When the file can not be read, or `take` fails.
    pub(crate) fn read(
        &self,
        text: &Text,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut piece = vec![0; TEXT_IN_MEMORY];
        for &(mut offset, mut left) in &text.extents {
            let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
            while left > 0 {
                let most = left.min(piece.len() as u64) as usize;
                let read = file.read_at(&mut piece[..most], offset)?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                take(&piece[..read])?;
                offset += read as u64;
                left -= read as u64;
            }
        }
        if text.memory.is_empty() {
            return Ok(());
        }
        take(&text.memory)
    }

    /// A text as a whole.
    ///
    /// # Errors
    /// When the file can not be read.
    pub(crate) fn bytes(&self, text: &Text) -> io::Result<Vec<u8>> {
        let mut all = Vec::with_capacity(usize::try_from(text.len()).unwrap_or(0));
        self.read(text, |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(all)
    }
}

impl Text {
    /// Its length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.fingerprint.length
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What tells it apart from other texts of the same spool.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool() -> Spool {
        Spool::new(std::env::temp_dir())
    }

    #[test]
    fn long_texts_come_back_from_the_file_as_they_were() {
        let mut spool = spool();
        let mut texts = [spool.begin(), spool.begin()];
        let piece = |n: u32| [n.to_le_bytes().as_slice(), &[n as u8; 6000]].concat();
        for n in 0..100 {
            for text in &mut texts {
                spool.push(text, &piece(n)).unwrap();
            }
        }
        let expected: Vec<u8> = (0..100).flat_map(piece).collect();
        let [one, two] = texts.map(|text| spool.end(text));
        assert_eq!(one.fingerprint(), two.fingerprint());
        assert!(spool.bytes(&one).unwrap() == expected);
        assert!(spool.bytes(&two).unwrap() == expected);
        assert!(spool.in_memory <= 2 * TEXT_IN_MEMORY);
    }

    #[test]
    fn short_texts_need_no_file_until_they_are_too_many() {
        let mut spool = spool();
        let mut first = spool.begin();
        spool.push(&mut first, b"short").unwrap();
        assert!(spool.file.is_none());
        let mut texts = Vec::new();
        for _ in 0..(ALL_IN_MEMORY / 60_000 + 10) {
            let mut text = spool.begin();
            spool.push(&mut text, &[b'x'; 60_000]).unwrap();
            texts.push(text);
        }
        assert!(spool.file.is_some() && spool.in_memory <= ALL_IN_MEMORY);
        let prints: Vec<Fingerprint> = texts
            .into_iter()
            .map(|text| spool.end(text).fingerprint())
            .collect();
        assert!(prints.iter().all(|print| *print == prints[0]));
    }

    #[test]
    fn texts_that_differ_in_anything_differ_in_their_fingerprint() {
        let mut spool = spool();
        let mut print = |pieces: &[&[u8]]| {
            let mut text = spool.begin();
            for piece in pieces {
                spool.push(&mut text, piece).unwrap();
            }
            spool.end(text).fingerprint()
        };
        assert_eq!(print(&[b"ab", b"c"]), print(&[b"a", b"bc"]));
        assert_ne!(print(&[b"abc"]), print(&[b"abd"]));
        assert_ne!(print(&[]), print(&[b"\0"]));
    }
}
