//! A directory that is made beside the place where it will stand and moved there in one step, so that it is there wholly or not at all.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err::File;
use tempfile::TempDir;

use crate::{ImportError, Place};

/// A directory in the making. Removed when dropped before its end.
#[derive(Debug)]
pub struct MadeDirectory {
    out: PathBuf,
    made: TempDir,
}

impl MadeDirectory {
    /// Begins a directory that will stand at `out`, where nothing or an empty directory is.
    ///
    /// # Errors
    /// [`ImportError`] where something is there, or where the directory above cannot be written.
    pub fn new(out: &Path) -> Result<Self, ImportError> {
        if fs_err::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) || out.is_file() {
            let expected = "exists and is not empty; name a directory that does not exist";
            return Err(Place::file(out).error(expected));
        }
        let failed = |source: io::Error| ImportError::unwritable(out, source);
        fs_err::create_dir_all(above(out)).map_err(failed)?;
        let made =
            tempfile::Builder::new().prefix(".in-the-making-").tempdir_in(above(out)).map_err(failed)?;
        Ok(Self { out: out.to_owned(), made })
    }

    /// Returns where its files are written.
    pub fn path(&self) -> &Path {
        self.made.path()
    }

    /// Moves it to where it will stand.
    ///
    /// # Errors
    /// Where something has come to stand there meanwhile, or the file system fails.
    pub fn put_in_place(self) -> io::Result<()> {
        if self.out.is_dir() {
            fs_err::remove_dir(&self.out)?;
        }
        // Only its owner may read a temporary directory.
        fs_err::set_permissions(self.made.path(), Permissions::from_mode(0o755))?;
        fs_err::rename(self.made.path(), &self.out)?;
        // It is no longer where it was made, so that nothing is left to be removed.
        let _ = self.made.keep();
        File::open(above(&self.out))?.sync_all()
    }
}

fn above(out: &Path) -> &Path {
    match out.parent() {
        Some(above) if above != Path::new("") => above,
        _ => Path::new("."),
    }
}
