//! Sessions of opencode: what `opencode export` prints, the events of `opencode run --format json`, and the directory `storage` in
//! which releases before its database kept them.
//!
//! `docs/interop/opencode.md` says what becomes of what.

mod conversation;
mod ending;
mod kept;
mod printed;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::session::{FileRole, Lines, log_files};
use crate::{ImportError, Place, SessionOptions, Sink};

const EXPECTED: &str =
    "sessions of opencode, as `opencode export` or `opencode run --format json` print them";
const PROGRAM: &str = "opencode";

/// Reads sessions: files, and directories of them. A session is a trial, together with the sessions that it started.
///
/// # Errors
/// [`ImportError`] where a path holds no session, where a file is none of opencode, and where a session's task is not known.
pub fn read(paths: &[PathBuf], options: &SessionOptions, sink: &mut dyn Sink) -> Result<(), ImportError> {
    if let Some(path) = paths.iter().find(|path| path.extension().is_some_and(|kind| kind == "db")) {
        return Err(Place::file(path).error(format!("is a database; expected {EXPECTED}")));
    }
    let files = log_files(paths, EXPECTED, role, sink)?;
    let mut whole = Vec::new();
    for path in files {
        if is_printed(&path)? {
            let found = printed::read(&path, options, sink)?;
            sink.trial(found)?;
        } else {
            whole.push(path);
        }
    }
    kept::read(&whole, options, sink)
}

/// The messages of a kept session lie in files of their own, which its file leads to.
fn role(path: &Path) -> FileRole {
    let directories: Vec<_> = path.parent().into_iter().flat_map(Path::iter).collect();
    let in_storage =
        directories.iter().rposition(|name| *name == "storage").and_then(|index| directories.get(index + 1));
    let is_session = path.extension().is_some_and(|kind| kind == "json" || kind == "jsonl");
    match in_storage {
        Some(name) if *name == "message" || *name == "part" => FileRole::Part,
        Some(name) if *name != "session" => FileRole::Other,
        _ => FileRole::log_if(is_session),
    }
}

/// Whether a file's first line is an event.
fn is_printed(path: &Path) -> Result<bool, ImportError> {
    match Lines::open(path)?.next() {
        Ok(Some(line)) => Ok(line.object.get("sessionID").is_some() && line.object.get("type").is_some()),
        Ok(None) => Err(Place::file(path).error(format!("is empty; expected {EXPECTED}"))),
        // An object over several lines.
        Err(_) => Ok(false),
    }
}

/// Returns a text at a JSON pointer.
fn word<'v>(object: &'v Value, pointer: &str) -> Option<&'v str> {
    object.pointer(pointer)?.as_str()
}
