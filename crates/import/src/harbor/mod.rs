//! Harbor's job directories: every trial with its cause of failure, told apart into those of the agent and those of infrastructure.

mod amounts;
mod cause;
mod evidence;
mod job;
mod outcome;
mod plan;
mod trial;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::json::json_file;
use crate::{ImportError, Place, Sink};

pub(crate) use cause::{Cause, cause_of};

/// What a path should be.
const EXPECTED: &str = "a job directory of Harbor, one of its trial directories, or a directory of jobs";

/// Reads job directories, directories of jobs, and single trial directories.
///
/// # Errors
/// [`ImportError`] where a path is none of these, or a file in it is broken.
pub fn read(paths: &[PathBuf], sink: &mut dyn Sink) -> Result<(), ImportError> {
    let mut known = BTreeSet::new();
    for path in paths {
        let place = Place::file(path);
        let facts = fs_err::symlink_metadata(path)
            .map_err(|error| place.caused(format!("cannot be read; expected {EXPECTED}"), error))?;
        if !facts.is_dir() {
            return Err(place.error(format!("is no directory; expected {EXPECTED}")));
        }
        match kind(path)? {
            Some(Kind::Trial) => job::single(path, &mut known, sink)?,
            Some(Kind::Job) => job::job(path, &mut known, sink)?,
            None => jobs(path, &mut known, sink)?,
        }
    }
    Ok(())
}

/// Reads every job of a directory; of one that holds trials, those as a job that lost its own files.
fn jobs(path: &Path, known: &mut BTreeSet<String>, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let mut jobs = Vec::new();
    let mut others = Vec::new();
    for directory in directories(path, sink)? {
        match kind(&directory)? {
            Some(Kind::Job) => jobs.push(directory),
            Some(Kind::Trial) => return job::job(path, known, sink),
            None => others.push(directory),
        }
    }
    if jobs.is_empty() {
        return Err(Place::file(path).error(format!("holds no job; expected {EXPECTED}")));
    }
    for other in others {
        sink.left_out(&Place::file(&other), "holds neither a job nor a trial");
    }
    jobs.iter().try_for_each(|directory| job::job(directory, known, sink))
}

/// What a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Job,
    Trial,
}

fn kind(directory: &Path) -> Result<Option<Kind>, ImportError> {
    for name in ["result.json", "config.json"] {
        if let Some((value, _)) = optional(&directory.join(name))? {
            let has = |names: &[&str]| names.iter().any(|name| value.get(name).is_some());
            if has(&["trial_name"]) {
                return Ok(Some(Kind::Trial));
            }
            if has(&[
                "stats",
                "n_total_trials",
                "job_name",
                "n_attempts",
                "agents",
                "datasets",
                "orchestrator",
            ]) {
                return Ok(Some(Kind::Job));
            }
        }
    }
    Ok(None)
}

/// Reads a file that need not be there.
fn optional(path: &Path) -> Result<Option<(Value, u64)>, ImportError> {
    if fs_err::symlink_metadata(path).is_err() {
        return Ok(None);
    }
    json_file(path, "a file of a job of Harbor").map(Some)
}

/// Returns the directories in a directory by name. Symbolic links are left out.
fn directories(path: &Path, sink: &mut dyn Sink) -> Result<Vec<PathBuf>, ImportError> {
    let place = Place::file(path);
    let unreadable = |error| place.caused("cannot be listed", error);
    let mut directories = Vec::new();
    for entry in fs_err::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            directories.push(entry.path());
        } else if kind.is_symlink() {
            sink.left_out(&Place::file(&entry.path()), "is a symbolic link, which is not followed");
        }
    }
    directories.sort();
    Ok(directories)
}

#[cfg(test)]
mod tests;
