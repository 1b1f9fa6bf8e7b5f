//! Which files are logs.

use std::io::Read;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::{ImportError, Place, Sink};

/// How every archive begins.
const ARCHIVE: &[u8] = b"PK\x03\x04";

/// How an archive without a member begins.
const EMPTY_ARCHIVE: &[u8] = b"PK\x05\x06";

/// A log.
#[derive(Debug, Clone)]
pub(super) struct Log {
    /// Its file.
    pub(super) path: PathBuf,
    /// How it is written.
    pub(super) form: Form,
}

/// How a log is written; told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An archive, `.eval`.
    Archive,
    /// One JSON text, `.json`.
    Whole,
}

/// Finds the logs of a path: the file itself, or those in a directory and below, in the order of their names.
pub(super) fn find(path: &Path, sink: &mut dyn Sink) -> Result<Vec<Log>, ImportError> {
    let place = Place::file(path);
    let facts = fs_err::metadata(path).map_err(|error| {
        place.caused("cannot be read; expected a log of Inspect or a directory of logs", error)
    })?;
    if !facts.is_dir() {
        let start = first_bytes(path)?;
        let form = form_of(&start).ok_or_else(|| {
            place.error("is no log of Inspect; expected an archive (`.eval`) or a JSON object (`.json`)")
        })?;
        return Ok(vec![Log { path: path.to_owned(), form }]);
    }
    let mut logs = Vec::new();
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| place.caused("cannot be listed", error))?;
        if entry.file_type().is_file() {
            logs.extend(log_in_directory(entry.path(), sink)?);
        } else if entry.file_type().is_symlink() {
            sink.left_out(&Place::file(entry.path()), "is a symbolic link, which is not followed");
        }
    }
    if logs.is_empty() {
        return Err(place.error("holds no log of Inspect; expected files `.eval` or `.json`"));
    }
    Ok(logs)
}

/// A file of a directory, where other things lie beside logs.
fn log_in_directory(path: &Path, sink: &mut dyn Sink) -> Result<Option<Log>, ImportError> {
    let place = Place::file(path);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let form = match ending {
        "eval" => Form::Archive,
        "json" => Form::Whole,
        _ => {
            sink.left_out(&place, "is neither `.eval` nor `.json`");
            return Ok(None);
        }
    };
    let start = first_bytes(path)?;
    if form == Form::Whole && !is_log(&start) {
        sink.left_out(&place, "is JSON and no log: it does not begin with `version`, `status` or `eval`");
        return Ok(None);
    }
    Ok(Some(Log { path: path.to_owned(), form: form_of(&start).unwrap_or(form) }))
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, ImportError> {
    let cannot = |error| Place::file(path).caused("cannot be read", error);
    let mut start = Vec::new();
    fs_err::File::open(path).map_err(cannot)?.take(4096).read_to_end(&mut start).map_err(cannot)?;
    Ok(start)
}

fn form_of(start: &[u8]) -> Option<Form> {
    if start.starts_with(ARCHIVE) || start.starts_with(EMPTY_ARCHIVE) {
        return Some(Form::Archive);
    }
    start.trim_ascii_start().starts_with(b"{").then_some(Form::Whole)
}

/// Whether a JSON text begins as a log does; one that is cut off before its first name counts as one, and is an error later.
fn is_log(start: &[u8]) -> bool {
    let Some(rest) = start.trim_ascii_start().strip_prefix(b"{") else { return start.is_empty() };
    let names: [&[u8]; 3] = [b"\"version\"", b"\"status\"", b"\"eval\""];
    let rest = rest.trim_ascii_start();
    names.iter().any(|name| rest.starts_with(name) || name.starts_with(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_from_other_json_by_its_first_name() {
        assert!(is_log(b"{\n  \"version\": 2, "));
        assert!(is_log(b"{\"eval\": {}"));
        assert!(is_log(b"{ \"vers"));
        assert!(!is_log(b"{\"2026_a.eval\": {}}"));
        assert!(!is_log(b"[1]"));
    }
}
