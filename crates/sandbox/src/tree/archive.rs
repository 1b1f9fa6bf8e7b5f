//! The archive itself: an immutable list of entries over shared content. Built by [`TreeBuilder`](super::TreeBuilder).

use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::TreeError;

/// Where the files' content lies.
#[derive(Debug)]
pub(super) enum Store {
    Memory(Vec<u8>),
    /// Unlinked, so it goes away with the last handle even after a crash.
    File(fs_err::File),
}

impl Store {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
                let n = rest.len().min(buffer.len());
                buffer[..n].copy_from_slice(&rest[..n]);
                Ok(n)
            }
            Self::File(file) => file.file().read_at(buffer, offset),
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory; its entries follow it.
    Directory,
    /// A regular file of this many bytes.
    File {
        /// Length in bytes.
        len: u64,
    },
    /// A symbolic link, never followed.
    Symlink {
        /// Its target, verbatim: any bytes but NUL.
        target: Vec<u8>,
    },
}

/// One file, directory or link of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) mode: u32,
    pub(super) kind: EntryKind,
    pub(super) offset: u64,
}

impl Entry {
    /// Returns the path relative to the tree's root: not empty, no leading slash, no `.` or `..` part, any other bytes but NUL.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Returns the path for reading by humans; what is not UTF-8 is replaced.
    pub fn display_path(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// Returns the permission bits with sticky, `0..=0o1777`; those of a link mean nothing.
    pub fn mode(&self) -> u32 {
        self.mode
    }

    /// Returns what it is.
    pub fn kind(&self) -> &EntryKind {
        &self.kind
    }
}

/// Something in the source that a tree cannot hold: a socket, fifo, device or other file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Path relative to the root.
    pub path: Vec<u8>,
    /// What it is, as a noun.
    pub what: String,
}

/// Digest of a tree's paths, kinds, modes and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeDigest([u8; 32]);

impl TreeDigest {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for TreeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

/// A tree of files as a value: cheap to clone, immutable, independent of any file system.
#[derive(Debug, Clone)]
pub struct TreeArchive {
    pub(super) entries: Arc<[Entry]>,
    pub(super) store: Arc<Store>,
    pub(super) skipped: Arc<[Skipped]>,
}

impl TreeArchive {
    /// Returns a tree without entries.
    pub fn empty() -> Self {
        Self { entries: Arc::new([]), store: Arc::new(Store::Memory(Vec::new())), skipped: Arc::new([]) }
    }

    /// Returns the entries, parents before children, otherwise in byte order of their paths.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns what the source held and the tree does not.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the bytes of all files together.
    pub fn content_bytes(&self) -> u64 {
        self.entries.iter().map(|entry| if let EntryKind::File { len } = entry.kind { len } else { 0 }).sum()
    }

    /// Returns the entry with exactly this path.
    pub fn find(&self, path: impl AsRef<[u8]>) -> Option<&Entry> {
        let path = path.as_ref();
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// Returns a reader of an entry's content; empty for what is not a file.
    pub fn reader(&self, entry: &Entry) -> impl Read + Send + use<> {
        let len = if let EntryKind::File { len } = entry.kind { len } else { 0 };
        ContentReader { store: Arc::clone(&self.store), offset: entry.offset, left: len }
    }

    /// Returns the content of the file at `path`, or `None` where there is no regular file of at most `cap` bytes.
    ///
    /// # Errors
    /// [`TreeError::Host`] when spooled content cannot be read back.
    pub fn read(&self, path: impl AsRef<[u8]>, cap: u64) -> Result<Option<Vec<u8>>, TreeError> {
        let Some(entry) = self.find(path) else { return Ok(None) };
        match entry.kind {
            EntryKind::File { len } if len <= cap => {
                let mut content = Vec::new();
                self.reader(entry)
                    .read_to_end(&mut content)
                    .map_err(|source| TreeError::Host { path: "spooled content".into(), source })?;
                Ok(Some(content))
            }
            _ => Ok(None),
        }
    }

    /// Returns the tree of the entries that `keep` accepts. A directory is kept only if accepted itself.
    pub fn filter(&self, keep: impl Fn(&Entry) -> bool) -> Self {
        Self {
            entries: self.entries.iter().filter(|entry| keep(entry)).cloned().collect(),
            store: Arc::clone(&self.store),
            skipped: Arc::clone(&self.skipped),
        }
    }

    /// Returns the digest: SHA-256 over every entry in order as kind, mode, length-prefixed path and content.
    ///
    /// # Errors
    /// [`TreeError::Host`] when spooled content cannot be read back.
    pub fn digest(&self) -> Result<TreeDigest, TreeError> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        for entry in self.entries.iter() {
            let (tag, len, target): (u8, u64, &[u8]) = match &entry.kind {
                EntryKind::Directory => (b'd', 0, &[]),
                EntryKind::File { len } => (b'f', *len, &[]),
                EntryKind::Symlink { target } => (b'l', target.len() as u64, target),
            };
            // The mode of a link differs between systems and means nothing.
            let mode = if tag == b'l' { 0 } else { entry.mode };
            hash.update([tag]);
            hash.update(mode.to_le_bytes());
            hash.update((entry.path.len() as u64).to_le_bytes());
            hash.update(&entry.path);
            hash.update(len.to_le_bytes());
            hash.update(target);
            let mut reader = self.reader(entry);
            loop {
                let n = reader
                    .read(&mut buffer)
                    .map_err(|source| TreeError::Host { path: "spooled content".into(), source })?;
                if n == 0 {
                    break;
                }
                hash.update(&buffer[..n]);
            }
        }
        Ok(TreeDigest(hash.finalize().into()))
    }
}

struct ContentReader {
    store: Arc<Store>,
    offset: u64,
    left: u64,
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let n = self.store.read_at(&mut buffer[..want], self.offset)?;
        if n == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}
