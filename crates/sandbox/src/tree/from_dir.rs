//! Reading a trusted directory of the host into an archive: a task's starting files and tests.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::archive::TreeArchive;
use super::builder::TreeBuilder;
use super::error::{TreeCaps, TreeError};

impl TreeArchive {
    /// Reads the directory `dir` of the host. Links are kept as links; sockets, fifos and devices are skipped.
    ///
    /// # Errors
    /// [`TreeError::Missing`], a cap exceeded, or [`TreeError::Host`].
    pub fn from_dir(dir: &Path, caps: TreeCaps) -> Result<Self, TreeError> {
        if !dir.is_dir() {
            return Err(TreeError::Missing);
        }
        let mut tree = TreeBuilder::new(caps);
        for found in walkdir::WalkDir::new(dir).min_depth(1).follow_links(false).sort_by_file_name() {
            let found = found.map_err(|error| TreeError::Host {
                path: error.path().unwrap_or(dir).to_path_buf(),
                source: error.into(),
            })?;
            add(&mut tree, dir, &found)?;
        }
        Ok(tree.finish())
    }
}

fn add(tree: &mut TreeBuilder, root: &Path, found: &walkdir::DirEntry) -> Result<(), TreeError> {
    let host = |source: std::io::Error| TreeError::Host { path: found.path().to_path_buf(), source };
    let metadata = found.metadata().map_err(|error| host(error.into()))?;
    let name = found.path().strip_prefix(root).unwrap_or(found.path()).as_os_str().as_bytes();
    let kind = metadata.file_type();
    if kind.is_dir() {
        tree.directory(name, metadata.mode())
    } else if kind.is_symlink() {
        let target = fs_err::read_link(found.path()).map_err(host)?;
        tree.symlink(name, target.as_os_str().as_bytes())
    } else if kind.is_file() {
        tree.begin_file(name, metadata.mode())?;
        let mut file = fs_err::File::open(found.path()).map_err(host)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = file.read(&mut buffer).map_err(host)?;
            if n == 0 {
                return Ok(());
            }
            tree.content(&buffer[..n])?;
        }
    } else {
        let what = if kind.is_fifo() {
            "fifo"
        } else if kind.is_socket() {
            "socket"
        } else {
            "device"
        };
        tree.skip(name, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::EntryKind;

    #[test]
    fn a_directory_is_read_with_modes_links_and_empty_directories() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join("empty")).unwrap();
        fs_err::write(dir.path().join("file"), "text").unwrap();
        fs_err::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
        let tree = TreeArchive::from_dir(dir.path(), TreeCaps::default()).unwrap();
        let kinds: Vec<_> = tree.entries().iter().map(|e| (e.display_path(), e.kind().clone())).collect();
        assert_eq!(
            kinds,
            [
                ("empty".to_owned(), EntryKind::Directory),
                ("file".to_owned(), EntryKind::File { len: 4 }),
                ("link".to_owned(), EntryKind::Symlink { target: b"/etc/passwd".to_vec() }),
            ]
        );
    }

    #[test]
    fn a_missing_directory_is_missing_rather_than_empty() {
        let missing = TreeArchive::from_dir(Path::new("/nonexistent"), TreeCaps::default());
        assert!(matches!(missing, Err(TreeError::Missing)));
    }
}
