//! Results of HAL: a file `<run id>_UPLOAD.json` for every run.

mod calls;
mod condition;
mod run;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::{ImportError, Place, Sink};

const EXPECTED: &str = "a file `<run id>_UPLOAD.json` of HAL, or a directory of such files";

/// Reads files of HAL, and directories of them. Every file is a run: K of them are K trials of every task, numbered by their start.
///
/// # Errors
/// [`ImportError`] where there is no such file, it is encrypted, or not as HAL writes it.
pub fn read(paths: &[PathBuf], sink: &mut dyn Sink) -> Result<(), ImportError> {
    for path in paths {
        for file in files(path, sink)? {
            run::read(&file, sink)?;
        }
    }
    Ok(())
}

/// The files at or below a path, by name.
fn files(path: &Path, sink: &mut dyn Sink) -> Result<Vec<PathBuf>, ImportError> {
    let place = Place::file(path);
    let facts = fs_err::metadata(path)
        .map_err(|error| place.caused(format!("cannot be read; expected {EXPECTED}"), error))?;
    if !facts.is_dir() {
        return if is_encrypted(path) { Err(encrypted(path)) } else { Ok(vec![path.to_owned()]) };
    }
    let (mut found, mut locked) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| place.caused("cannot be searched", error))?;
        let is_upload = entry.file_name().to_str().is_some_and(|name| name.ends_with("_UPLOAD.json"));
        if !entry.file_type().is_file() {
            continue;
        }
        if is_upload {
            found.push(entry.into_path());
        } else if is_encrypted(entry.path()) {
            locked.push(entry.into_path());
        }
    }
    match (found.is_empty(), locked.first()) {
        (true, Some(first)) => return Err(encrypted(first)),
        (true, None) => return Err(place.error(format!("holds no run; expected {EXPECTED}"))),
        (false, _) => {}
    }
    for file in locked {
        sink.left_out(&Place::file(&file), "is encrypted");
    }
    Ok(found)
}

fn is_encrypted(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "zip" || ending == "encrypted")
}

fn encrypted(path: &Path) -> ImportError {
    let why = "is an encrypted trace, which needs a password and is not supported; decrypt it with HAL's own tool and give the file \
        `<run id>_UPLOAD.json` in it";
    Place::file(path).error(why)
}
