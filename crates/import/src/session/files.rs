//! The logs among the given files and directories.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::{ImportError, Place, Sink};

/// What a file of a directory is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileRole {
    /// A log.
    Log,
    /// A part of a log, to which the log leads.
    Part,
    /// Something else.
    Other,
}

impl FileRole {
    /// Returns that of a log, or of something else.
    pub(crate) fn log_if(is_log: bool) -> Self {
        if is_log { Self::Log } else { Self::Other }
    }
}

/// Returns the logs: every given file, and the files of every given directory that are logs by their names, sorted. Others are
/// left out. Links are not followed.
///
/// # Errors
/// [`ImportError`] where a path cannot be read, and where a directory holds no log.
pub(crate) fn log_files(
    paths: &[PathBuf],
    expected: &str,
    role: fn(&Path) -> FileRole,
    sink: &mut dyn Sink,
) -> Result<Vec<PathBuf>, ImportError> {
    let mut logs = Vec::new();
    for path in paths {
        let place = Place::file(path);
        let facts = fs_err::metadata(path)
            .map_err(|error| place.caused(format!("cannot be read; expected {expected}"), error))?;
        if !facts.is_dir() {
            logs.push(path.clone());
            continue;
        }
        let before = logs.len();
        for entry in WalkDir::new(path).sort_by_file_name() {
            let entry = entry.map_err(|error| place.caused("cannot be read", error))?;
            let is_file = entry.file_type().is_file();
            match role(entry.path()) {
                _ if entry.file_type().is_dir() => {}
                FileRole::Log if is_file => logs.push(entry.into_path()),
                FileRole::Part if is_file => {}
                _ => sink.left_out(&Place::file(entry.path()), "is no log of a session"),
            }
        }
        if logs.len() == before {
            return Err(place.error(format!("holds no log of a session; expected {expected}")));
        }
    }
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collected::Collected;

    fn is_text(path: &Path) -> FileRole {
        FileRole::log_if(path.extension().is_some_and(|kind| kind == "txt"))
    }

    #[test]
    fn logs_come_sorted_and_what_is_none_is_left_out_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs_err::create_dir(at("b")).unwrap();
        for name in ["b/2.txt", "a.txt", "c.md"] {
            fs_err::write(at(name), "x").unwrap();
        }
        fs_err::os::unix::fs::symlink(at("a.txt"), at("link.txt")).unwrap();
        let mut sink = Collected::default();
        let found = log_files(&[directory.path().to_owned()], "logs", is_text, &mut sink).unwrap();
        assert_eq!(found, [at("a.txt"), at("b/2.txt")]);
        assert_eq!(sink.left_out.len(), 2, "{:?}", sink.left_out);
    }

    #[test]
    fn a_path_without_a_log_is_refused_with_what_was_expected() {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = Collected::default();
        for path in [directory.path().to_owned(), directory.path().join("absent")] {
            let error = log_files(&[path], "`*.txt`", is_text, &mut sink).unwrap_err();
            assert!(error.to_string().ends_with("expected `*.txt`"), "{error}");
        }
    }
}
