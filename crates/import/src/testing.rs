//! Reading files in a format, for the tests of its reader.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::collected::Collected;
use crate::{Format, ReaderOptions};

/// The reader of a format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader(pub(crate) Format);

impl Reader {
    /// Returns where a fixture of our own lies.
    pub(crate) fn fixture(self, path: &str) -> PathBuf {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        fixtures.join(self.0.as_str()).join(path)
    }

    /// Reads a file or directory of which the user says nothing.
    pub(crate) fn import(self, path: &Path) -> Result<Collected, String> {
        self.import_all(&[path.to_owned()], &ReaderOptions::default())
    }

    /// Reads files or directories.
    pub(crate) fn import_all(self, paths: &[PathBuf], options: &ReaderOptions) -> Result<Collected, String> {
        let mut sink = Collected::default();
        let read = crate::read(self.0, paths, options, &mut sink);
        read.map(|()| sink).map_err(|error| error.to_string())
    }

    /// Reads a file of this name and content. Errors do not say where it lay.
    pub(crate) fn import_file(
        self,
        name: &str,
        content: &str,
        options: &ReaderOptions,
    ) -> Result<Collected, String> {
        let directory = written(&[(name, content)]);
        let found = self.import_all(&[directory.path().join(name)], options);
        found.map_err(|error| error.replace(&format!("{}/", directory.path().display()), ""))
    }

    /// Returns why a file of this name and content cannot be read.
    pub(crate) fn refused(self, name: &str, content: &str) -> String {
        self.import_file(name, content, &ReaderOptions::default()).unwrap_err()
    }
}

/// Returns what a user says who names the task alone.
pub(crate) fn of_task(task: &str) -> ReaderOptions {
    ReaderOptions { task: Some(task.to_owned()), ..ReaderOptions::default() }
}

/// Makes a directory of files.
pub(crate) fn written<T: ToString>(files: &[(&str, T)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = directory.path().join(name);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, content.to_string()).unwrap();
    }
    directory
}
