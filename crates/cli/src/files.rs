//! Files that a command writes: each is put in its place whole, or not at all.

use std::fs::Permissions;
use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The files of one directory that a command has written.
#[derive(Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    written: Vec<PathBuf>,
}

impl Files {
    /// Starts with none. The directory is made with the first file.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, written: Vec::new() }
    }

    /// Writes a file, replacing one that is there, whose permissions stay. Its name may hold directories, which are made.
    pub(crate) fn put<E: From<io::Error>>(
        &mut self,
        name: &Path,
        write: impl FnOnce(&mut BufWriter<NamedTempFile>) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.directory.join(name);
        let parent = path.parent().unwrap_or(&self.directory);
        fs_err::create_dir_all(parent)?;
        // As any file that a program makes; what the user's mask takes away stays away.
        let permissions = Permissions::from_mode(0o666);
        let file = tempfile::Builder::new().prefix(".").permissions(permissions).tempfile_in(parent)?;
        let mut writer = BufWriter::new(file);
        write(&mut writer)?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Ok(there) = fs_err::symlink_metadata(&path)
            && there.is_file()
        {
            file.as_file().set_permissions(there.permissions())?;
        }
        file.persist(&path).map_err(|error| error.error)?;
        self.written.push(path);
        Ok(())
    }

    /// Returns the paths of the files, in the order in which they were written.
    pub(crate) fn written(&self) -> &[PathBuf] {
        &self.written
    }
}
