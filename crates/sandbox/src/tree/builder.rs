//! Building archives entry by entry, with every path checked and every cap enforced on the way.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use super::archive::{Entry, EntryKind, Skipped, Store, TreeArchive};
use super::error::{TreeCaps, TreeError};

/// Content beyond this goes to an unlinked temporary file.
const MEMORY_BYTES: usize = 4 << 20;

/// Collects entries into a [`TreeArchive`]; the input may be hostile.
#[derive(Debug)]
pub struct TreeBuilder {
    caps: TreeCaps,
    entries: Vec<Entry>,
    paths: HashSet<Vec<u8>>,
    skipped: Vec<Skipped>,
    memory: Vec<u8>,
    file: Option<fs_err::File>,
    bytes: u64,
    file_open: bool,
}

impl TreeBuilder {
    /// Returns a builder that refuses to exceed `caps`.
    pub fn new(caps: TreeCaps) -> Self {
        Self {
            caps,
            entries: Vec::new(),
            paths: HashSet::new(),
            skipped: Vec::new(),
            memory: Vec::new(),
            file: None,
            bytes: 0,
            file_open: false,
        }
    }

    /// Adds a directory.
    ///
    /// # Errors
    /// [`TreeError::BadPath`] or a cap exceeded.
    pub fn directory(&mut self, path: impl Into<Vec<u8>>, mode: u32) -> Result<(), TreeError> {
        self.push(path.into(), mode, EntryKind::Directory)
    }

    /// Adds a symbolic link; its target is taken as it is.
    ///
    /// # Errors
    /// [`TreeError::BadPath`], also for an empty target or one with NUL, or a cap exceeded.
    pub fn symlink(&mut self, path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> Result<(), TreeError> {
        let target = target.into();
        if target.is_empty() || target.contains(&0) {
            return Err(bad_path(&target));
        }
        if target.len() > self.caps.path_bytes as usize {
            return Err(TreeError::PathTooLong { cap: self.caps.path_bytes });
        }
        self.push(path.into(), 0o777, EntryKind::Symlink { target })
    }

    /// Adds a file with its whole content.
    ///
    /// # Errors
    /// [`TreeError::BadPath`], a cap exceeded, or [`TreeError::Host`] when spooling fails.
    pub fn file(&mut self, path: impl Into<Vec<u8>>, mode: u32, content: &[u8]) -> Result<(), TreeError> {
        self.begin_file(path, mode)?;
        self.content(content)
    }

    /// Begins a file whose content follows in pieces by [`Self::content`].
    ///
    /// # Errors
    /// [`TreeError::BadPath`] or a cap exceeded.
    pub fn begin_file(&mut self, path: impl Into<Vec<u8>>, mode: u32) -> Result<(), TreeError> {
        self.push(path.into(), mode, EntryKind::File { len: 0 })?;
        self.file_open = true;
        Ok(())
    }

    /// Appends to the file begun last.
    ///
    /// # Errors
    /// [`TreeError::BadPath`] when none is begun, [`TreeError::TooLarge`], [`TreeError::Host`] when spooling fails.
    pub fn content(&mut self, bytes: &[u8]) -> Result<(), TreeError> {
        let Some(EntryKind::File { len }) =
            self.entries.last_mut().filter(|_| self.file_open).map(|entry| &mut entry.kind)
        else {
            return Err(TreeError::BadPath { path: "content without a file".into() });
        };
        if self.bytes + bytes.len() as u64 > self.caps.bytes {
            return Err(TreeError::TooLarge { cap: self.caps.bytes });
        }
        *len += bytes.len() as u64;
        self.bytes += bytes.len() as u64;
        self.store(bytes)
    }

    /// Notes something that a tree cannot hold; counts as an entry.
    ///
    /// # Errors
    /// A cap exceeded.
    pub fn skip(&mut self, path: impl Into<Vec<u8>>, what: impl Into<String>) -> Result<(), TreeError> {
        let path = path.into();
        self.check_caps(&path)?;
        self.skipped.push(Skipped { path, what: what.into() });
        Ok(())
    }

    /// Returns the archive: entries in byte order of their paths, which puts parents before children.
    pub fn finish(mut self) -> TreeArchive {
        self.entries.sort_by(by_parts);
        let store = match self.file {
            Some(file) => Store::File(file),
            None => Store::Memory(self.memory),
        };
        TreeArchive { entries: self.entries.into(), store: Arc::new(store), skipped: self.skipped.into() }
    }

    fn push(&mut self, path: Vec<u8>, mode: u32, kind: EntryKind) -> Result<(), TreeError> {
        self.file_open = false;
        self.check_caps(&path)?;
        if !is_inside(&path) || !self.paths.insert(path.clone()) {
            return Err(bad_path(&path));
        }
        self.entries.push(Entry { path, mode: mode & 0o1777, kind, offset: self.bytes });
        Ok(())
    }

    fn check_caps(&self, path: &[u8]) -> Result<(), TreeError> {
        if path.len() > self.caps.path_bytes as usize {
            return Err(TreeError::PathTooLong { cap: self.caps.path_bytes });
        }
        if (self.entries.len() + self.skipped.len()) as u64 >= self.caps.entries {
            return Err(TreeError::TooManyEntries { cap: self.caps.entries });
        }
        Ok(())
    }

    fn store(&mut self, bytes: &[u8]) -> Result<(), TreeError> {
        let failed = |source| TreeError::Host { path: std::env::temp_dir(), source };
        if self.file.is_none() && self.memory.len() + bytes.len() > MEMORY_BYTES {
            let file = tempfile::tempfile().map_err(failed)?;
            let mut file = fs_err::File::from_parts(file, std::env::temp_dir());
            file.write_all(&self.memory).map_err(failed)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            return file.write_all(bytes).map_err(failed);
        }
        self.memory.extend_from_slice(bytes);
        Ok(())
    }
}

/// Compares by path parts, so that `a/b` comes directly after `a` and before `a-b`.
fn by_parts(a: &Entry, b: &Entry) -> std::cmp::Ordering {
    a.path.split(|byte| *byte == b'/').cmp(b.path.split(|byte| *byte == b'/'))
}

/// Returns whether `path` names something below a root: relative, no empty, `.` or `..` part, no NUL.
fn is_inside(path: &[u8]) -> bool {
    !path.contains(&0) && path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

fn bad_path(path: &[u8]) -> TreeError {
    TreeError::BadPath { path: path.escape_ascii().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn builder() -> TreeBuilder {
        TreeBuilder::new(TreeCaps::default())
    }

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for path in ["", "/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", "a\0b"] {
            let refused = builder().file(path, 0o644, b"");
            assert!(matches!(refused, Err(TreeError::BadPath { .. })), "{path:?} was accepted");
        }
    }

    #[test]
    fn names_that_are_not_text_are_kept_verbatim() {
        let mut tree = builder();
        for name in [&b"-rf"[..], b"new\nline", b"\xff\xfe", b"..."] {
            tree.file(name, 0o600, name).unwrap();
        }
        let tree = tree.finish();
        assert_eq!(tree.read(b"\xff\xfe", 100).unwrap().unwrap(), b"\xff\xfe");
        assert_eq!(tree.entries().len(), 4);
    }

    #[test]
    fn a_path_given_twice_is_refused() {
        let mut tree = builder();
        tree.file("a", 0o644, b"1").unwrap();
        assert!(matches!(tree.file("a", 0o644, b"2"), Err(TreeError::BadPath { .. })));
    }

    #[test]
    fn every_cap_has_its_own_error() {
        let caps = TreeCaps { bytes: 3, entries: 2, path_bytes: 4 };
        let mut tree = TreeBuilder::new(caps);
        assert!(matches!(tree.file("long5", 0o644, b""), Err(TreeError::PathTooLong { cap: 4 })));
        assert!(matches!(tree.file("a", 0o644, b"four"), Err(TreeError::TooLarge { cap: 3 })));
        tree.skip("b", "fifo").unwrap();
        assert!(matches!(tree.directory("c", 0o755), Err(TreeError::TooManyEntries { cap: 2 })));
    }

    #[test]
    fn large_content_is_spooled_and_reads_back() {
        let mut tree = builder();
        let chunk: Vec<u8> = (0..=MEMORY_BYTES / 2).map(|i| (i % 251) as u8).collect();
        for name in ["a", "b", "c"] {
            tree.file(name, 0o644, &chunk).unwrap();
        }
        let tree = tree.finish();
        assert!(matches!(*tree.store, Store::File(_)));
        assert_eq!(tree.read("b", u64::MAX).unwrap().unwrap(), chunk);
        assert_eq!(tree.content_bytes(), 3 * chunk.len() as u64);
    }

    #[test]
    fn content_after_a_directory_belongs_to_no_file() {
        let mut tree = builder();
        tree.file("a", 0o644, b"1").unwrap();
        tree.directory("d", 0o755).unwrap();
        assert!(matches!(tree.content(b"x"), Err(TreeError::BadPath { .. })));
    }

    #[test]
    fn the_digest_depends_on_content_mode_name_and_kind_but_not_on_order() {
        let build = |steps: &[(&str, u32, &str)]| {
            let mut tree = builder();
            for (path, mode, content) in steps {
                tree.file(*path, *mode, content.as_bytes()).unwrap();
            }
            tree.finish().digest().unwrap()
        };
        let base = build(&[("a", 0o644, "1"), ("b", 0o644, "2")]);
        assert_eq!(base, build(&[("b", 0o644, "2"), ("a", 0o644, "1")]));
        assert_ne!(base, build(&[("a", 0o755, "1"), ("b", 0o644, "2")]));
        assert_ne!(base, build(&[("a", 0o644, "1"), ("c", 0o644, "2")]));
        assert_ne!(base, build(&[("a", 0o644, "12"), ("b", 0o644, "")]));
    }

    proptest! {
        #[test]
        fn parents_come_before_their_children(names in proptest::collection::btree_set("[ab.-]{1,3}(/[ab.-]{1,3}){0,3}", 1..20)) {
            let mut tree = builder();
            for name in &names {
                let _ = tree.directory(name.as_bytes(), 0o755);
            }
            let tree = tree.finish();
            let entries = tree.entries();
            for (at, entry) in entries.iter().enumerate() {
                let mut prefix = entry.path().to_vec();
                prefix.push(b'/');
                prop_assert!(entries[..at].iter().all(|earlier| !earlier.path().starts_with(&prefix)));
            }
        }
    }
}
