//! Which files below a path are trajectories that stand for themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use super::files::{beside, named};
use super::normal::PREFIX;
use crate::json::{json_file, text};
use crate::{ImportError, Place, Sink};

const EXPECTED: &str = "a trajectory of ATIF 1.0 to 1.8";

/// Returns the trajectories of a path in the order of their names: the file itself, or all below a directory but those that
/// continue another or belong to a sub-agent of another.
pub(super) fn trajectories(path: &Path, sink: &mut dyn Sink) -> Result<Vec<PathBuf>, ImportError> {
    let place = Place::file(path);
    let facts = fs_err::symlink_metadata(path)
        .map_err(|error| place.caused(format!("cannot be read; expected {EXPECTED}"), error))?;
    if !facts.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut parts = BTreeSet::new();
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| place.caused("cannot be searched", error))?;
        let file = entry.path();
        if !entry.file_type().is_file() || file.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        match trajectory(file)? {
            Some(value) => {
                parts.extend(named(&value).iter().filter_map(|name| beside(file, name)));
                found.push(file.to_owned());
            }
            None => {
                sink.left_out(
                    &Place::file(file),
                    "is no trajectory: its `schema_version` is not `ATIF-v1.…`",
                );
            }
        }
    }
    if found.is_empty() {
        return Err(place.error(format!(
            "holds no `*.json` with `\"schema_version\": \"ATIF-v1.…\"`; expected {EXPECTED}"
        )));
    }
    found.retain(|file| !parts.contains(file));
    if found.is_empty() {
        return Err(place.error("holds only trajectories that continue each other in a circle"));
    }
    Ok(found)
}

/// Reads a file that may be a trajectory. A broken file is an error where it says, or its name, that it is one.
fn trajectory(file: &Path) -> Result<Option<Value>, ImportError> {
    match json_file(file, EXPECTED) {
        Ok((value, _)) => {
            let is_ours = text(&value, "schema_version").is_some_and(|version| version.starts_with(PREFIX));
            Ok(is_ours.then_some(value))
        }
        Err(error) if file.file_name().is_some_and(|name| name == "trajectory.json") || claims(file)? => {
            Err(error)
        }
        Err(_) => Ok(None),
    }
}

/// Whether a file that is no JSON has the words of the format at its beginning.
fn claims(file: &Path) -> Result<bool, ImportError> {
    use std::io::Read as _;
    let place = Place::file(file);
    let mut start = Vec::new();
    let opened = fs_err::File::open(file).map_err(|error| place.caused("cannot be read", error))?;
    opened.take(4096).read_to_end(&mut start).map_err(|error| place.caused("cannot be read", error))?;
    Ok(String::from_utf8_lossy(&start).contains(PREFIX))
}
