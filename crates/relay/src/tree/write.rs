//! Writing a tree for the host, and making directories. Whatever the agent left in the way is replaced, so that a
//! planted link cannot lead a test file elsewhere.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use super::failure;
use crate::protocol::{Directory, TreeFailure, TreePart, User};
use crate::users;

type Owner = Option<(u32, u32)>;

/// Makes a directory with its parents, or changes mode and owner of an existing one.
pub(crate) fn make_directory(directory: &Directory) -> Result<(), TreeFailure> {
    let path = Path::new(OsStr::from_bytes(&directory.path));
    let owner = users::resolve(&directory.owner).map_err(TreeFailure::Other)?;
    make_root(path).map_err(|error| failure(path, &error))?;
    if directory.recursive && owner.is_some() {
        own_tree(path, owner)?;
    }
    own(path, owner)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(directory.mode)))
        .map_err(|error| failure(path, &error))
}

/// Removes everything below a directory and keeps the directory; one that is missing is clear already. A link in its
/// place is replaced by an empty directory, for what it points to is none of the caller's concern.
pub(crate) fn clear_directory(path: &[u8]) -> Result<(), TreeFailure> {
    let path = Path::new(OsStr::from_bytes(path));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        _ => make_plain_directory(path).map_err(|error| failure(path, &error))?,
    }
    for entry in fs::read_dir(path).map_err(|error| failure(path, &error))? {
        let entry = entry.map_err(|error| failure(path, &error))?.path();
        clear(&entry).map_err(|error| failure(&entry, &error))?;
    }
    Ok(())
}

/// Receives a tree part by part. The first failure sticks; later parts are passed over until the end.
pub(crate) struct TreeWriter {
    root: PathBuf,
    owner: Owner,
    file: Option<(PathBuf, File)>,
    /// Modes of directories, set at the end, for a directory without write permission takes no files.
    modes: Vec<(PathBuf, u32)>,
    failed: Option<TreeFailure>,
}

impl TreeWriter {
    pub(crate) fn begin(to: &[u8], owner: &User) -> Self {
        let root = PathBuf::from(OsStr::from_bytes(to));
        let mut writer = Self { root, owner: None, file: None, modes: Vec::new(), failed: None };
        match users::resolve(owner) {
            Ok(owner) => writer.owner = owner,
            Err(reason) => writer.failed = Some(TreeFailure::Other(reason)),
        }
        if writer.failed.is_none()
            && let Err(error) = make_root(&writer.root).and_then(|()| own(&writer.root, writer.owner))
        {
            writer.failed = Some(failure(&writer.root, &error));
        }
        writer
    }

    pub(crate) fn part(&mut self, part: TreePart) {
        if self.failed.is_some() {
            return;
        }
        let path = match &part {
            TreePart::Content(_) => self.file.as_ref().map_or(PathBuf::new(), |(path, _)| path.clone()),
            TreePart::Directory { path, .. }
            | TreePart::File { path, .. }
            | TreePart::Symlink { path, .. }
            | TreePart::Skipped { path, .. } => self.root.join(OsStr::from_bytes(path)),
        };
        if let Err(error) = self.write(&path, part) {
            self.failed = Some(failure(&path, &error));
        }
    }

    pub(crate) fn finish(self) -> Result<(), TreeFailure> {
        drop(self.file);
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        for (path, mode) in self.modes.iter().rev() {
            fs::set_permissions(path, Permissions::from_mode(*mode))
                .map_err(|error| failure(path, &error))?;
        }
        Ok(())
    }

    fn write(&mut self, path: &Path, part: TreePart) -> io::Result<()> {
        match part {
            TreePart::Directory { mode, .. } => {
                self.file = None;
                make_plain_directory(path)?;
                own(path, self.owner)?;
                self.modes.push((path.to_path_buf(), mode & 0o1777));
                Ok(())
            }
            TreePart::File { mode, .. } => {
                self.file = None;
                clear(path)?;
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                own(path, self.owner)?;
                file.set_permissions(Permissions::from_mode(mode & 0o1777))?;
                self.file = Some((path.to_path_buf(), file));
                Ok(())
            }
            TreePart::Content(bytes) => match &mut self.file {
                Some((_, file)) => file.write_all(&bytes),
                None => Err(io::Error::other("content without a file")),
            },
            TreePart::Symlink { target, .. } => {
                self.file = None;
                clear(path)?;
                symlink(OsStr::from_bytes(&target), path)?;
                own(path, self.owner)
            }
            TreePart::Skipped { .. } => Ok(()),
        }
    }
}

/// Makes the directory that a command names; links in its parents are the image's own and are followed.
fn make_root(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    make_plain_directory(path)
}

/// Makes a directory unless there is one, replacing anything else.
fn make_plain_directory(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            if metadata.mode() & 0o700 == 0o700 || crate::sys::user_id() == 0 {
                return Ok(());
            }
            fs::set_permissions(path, Permissions::from_mode(metadata.mode() | 0o700))
        }
        Ok(_) => {
            fs::remove_file(path)?;
            fs::DirBuilder::new().mode(0o755).create(path)
        }
        Err(_) => fs::DirBuilder::new().mode(0o755).create(path),
    }
}

/// Removes whatever is at `path`, a whole directory included; links are removed, not followed.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            unlock(path)?;
            fs::remove_dir_all(path)
        }
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives the owner all rights to a directory and those below, which takes no privilege to do and may be needed to
/// remove them.
fn unlock(root: &Path) -> io::Result<()> {
    if crate::sys::user_id() == 0 {
        return Ok(());
    }
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            }
        }
    }
    Ok(())
}

fn own(path: &Path, owner: Owner) -> io::Result<()> {
    match owner {
        Some((uid, gid)) => lchown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// Gives everything below `root` on its file system to `owner`.
fn own_tree(root: &Path, owner: Owner) -> Result<(), TreeFailure> {
    let device = fs::symlink_metadata(root).map_err(|error| failure(root, &error))?.dev();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for found in fs::read_dir(&directory).map_err(|error| failure(&directory, &error))? {
            let path = found.map_err(|error| failure(&directory, &error))?.path();
            let metadata = fs::symlink_metadata(&path).map_err(|error| failure(&path, &error))?;
            if metadata.dev() != device {
                continue;
            }
            if owner != Some((metadata.uid(), metadata.gid())) {
                own(&path, owner).map_err(|error| failure(&path, &error))?;
            }
            if metadata.is_dir() {
                directories.push(path);
            }
        }
    }
    Ok(())
}
