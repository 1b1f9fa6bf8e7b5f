//! Reading a tree for the host. The agent that made it may have meant harm: deep nesting, huge sparse files, fifos
//! and unreadable directories must neither hang the relay nor get past the caps.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::failure;
use crate::link::Link;
use crate::protocol::{MAX_CHUNK, Report, TreeFailure, TreePart};
use crate::sys::{O_NOFOLLOW, O_NONBLOCK};

/// Bounds on what is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    pub(crate) path_bytes: u32,
}

/// What stops a reading: the tree itself, or the link, which ends the relay.
enum Stop {
    Tree(TreeFailure),
    Link(io::Error),
}

impl From<TreeFailure> for Stop {
    fn from(failure: TreeFailure) -> Self {
        Self::Tree(failure)
    }
}

/// Reads the tree at `from` and sends its parts.
pub(crate) fn read(from: &[u8], caps: Caps, link: &mut Link) -> io::Result<Result<(), TreeFailure>> {
    let root = PathBuf::from(OsStr::from_bytes(from));
    let mut reader = Reader { link, left: caps, device: 0, restore: Vec::new(), buffer: vec![0; MAX_CHUNK] };
    let outcome = reader.root(&root);
    // Children first, since a directory may lose the right to enter it.
    for (path, mode) in reader.restore.iter().rev() {
        let _ = fs::set_permissions(path, Permissions::from_mode(*mode));
    }
    match outcome {
        Ok(()) => Ok(Ok(())),
        Err(Stop::Tree(failure)) => Ok(Err(failure)),
        Err(Stop::Link(error)) => Err(error),
    }
}

struct Reader<'a> {
    link: &'a mut Link,
    left: Caps,
    device: u64,
    /// Files made readable for a moment, with the modes they had.
    restore: Vec<(PathBuf, u32)>,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    fn root(&mut self, root: &Path) -> Result<(), Stop> {
        let metadata = match fs::symlink_metadata(root) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(TreeFailure::Missing.into()),
            Err(error) => return Err(failure(root, &error).into()),
        };
        self.device = metadata.dev();
        if !metadata.is_dir() {
            let name = root.file_name().unwrap_or(OsStr::new("root")).as_bytes().to_vec();
            return self.entry(root, name, &metadata).map(drop);
        }
        self.make_accessible(root, &metadata, 0o700);
        let mut directories = vec![(root.to_path_buf(), Vec::new())];
        while let Some((path, relative)) = directories.pop() {
            self.directory(&path, &relative, &mut directories)?;
        }
        Ok(())
    }

    /// Sends a directory's entries; its subdirectories are added to `directories`, not entered.
    fn directory(
        &mut self,
        path: &Path,
        relative: &[u8],
        directories: &mut Vec<(PathBuf, Vec<u8>)>,
    ) -> Result<(), Stop> {
        for found in fs::read_dir(path).map_err(|error| failure(path, &error))? {
            let found = found.map_err(|error| failure(path, &error))?;
            let mut name = relative.to_vec();
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(found.file_name().as_bytes());
            let path = found.path();
            let metadata = fs::symlink_metadata(&path).map_err(|error| failure(&path, &error))?;
            if self.entry(&path, name.clone(), &metadata)? {
                directories.push((path, name));
            }
        }
        Ok(())
    }

    /// Sends one entry; returns whether it is a directory to be read as well.
    fn entry(&mut self, path: &Path, name: Vec<u8>, metadata: &Metadata) -> Result<bool, Stop> {
        if name.len() > self.left.path_bytes as usize {
            return Err(TreeFailure::PathTooLong.into());
        }
        self.left.entries = self.left.entries.checked_sub(1).ok_or(TreeFailure::TooManyEntries)?;
        let (kind, mode) = (metadata.file_type(), metadata.mode() & 0o7777);
        if metadata.dev() != self.device {
            self.send(TreePart::Skipped { path: name, what: "other file system".into() })?;
        } else if kind.is_dir() {
            self.send(TreePart::Directory { path: name, mode })?;
            self.make_accessible(path, metadata, 0o700);
            return Ok(true);
        } else if kind.is_symlink() {
            let target = fs::read_link(path).map_err(|error| failure(path, &error))?;
            self.send(TreePart::Symlink { path: name, target: target.as_os_str().as_bytes().to_vec() })?;
        } else if kind.is_file() {
            self.make_accessible(path, metadata, 0o400);
            self.file(path, name, metadata)?;
        } else {
            let what = if kind.is_fifo() {
                "fifo"
            } else if kind.is_socket() {
                "socket"
            } else {
                "device"
            };
            self.send(TreePart::Skipped { path: name, what: what.into() })?;
        }
        Ok(false)
    }

    fn file(&mut self, path: &Path, name: Vec<u8>, metadata: &Metadata) -> Result<(), Stop> {
        if metadata.len() > self.left.bytes {
            return Err(TreeFailure::TooLarge.into());
        }
        let mut file = open(path).map_err(|error| failure(path, &error))?;
        self.send(TreePart::File { path: name, mode: metadata.mode() & 0o7777 })?;
        loop {
            let n = file.read(&mut self.buffer).map_err(|error| failure(path, &error))?;
            if n == 0 {
                return Ok(());
            }
            self.left.bytes = self.left.bytes.checked_sub(n as u64).ok_or(TreeFailure::TooLarge)?;
            let content = self.buffer[..n].to_vec();
            self.send(TreePart::Content(content))?;
        }
    }

    fn send(&mut self, part: TreePart) -> Result<(), Stop> {
        self.link.send(&Report::Part(part)).map_err(Stop::Link)
    }

    /// Gives the owner `rights` where they lack and this process has no privilege to do without; undone at the end.
    fn make_accessible(&mut self, path: &Path, metadata: &Metadata, rights: u32) {
        let mode = metadata.mode() & 0o7777;
        if mode & rights != rights
            && crate::sys::user_id() != 0
            && fs::set_permissions(path, Permissions::from_mode(mode | rights)).is_ok()
        {
            self.restore.push((path.to_path_buf(), mode));
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path)
}
