//! The runs of a baseline: those that are named, those of a directory, and adding one to a directory.

use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_runner::{RunDir, RunDirError};
use retrial_spec::{
    AgentName, ContentDigest, EVENTS_FILE, MANIFEST_FILE, RunManifest, STOP_FILE, TRIALS_FILE,
};

use crate::entered::{Entered, Entry};
use crate::failure::Failure;
use crate::trials::records_digest;

/// A run of a baseline.
#[derive(Debug)]
pub(crate) struct BaselineRun {
    pub(crate) path: PathBuf,
    pub(crate) agent: Option<AgentName>,
    pub(crate) manifest: RunManifest,
}

/// Finds the runs that the entries stand for: a run directory for itself, any other directory for the runs in it, by their names.
pub(crate) fn baseline_runs(entries: &[Entry]) -> Result<Vec<BaselineRun>, Failure> {
    let mut runs = Vec::new();
    for entry in entries {
        for path in run_paths(&entry.run)? {
            let (_, manifest) = RunDir::open(&path)?;
            runs.push(BaselineRun { path, agent: entry.agent.clone(), manifest });
        }
    }
    Ok(runs)
}

/// The run at a path, or the runs in the directory at it. A path that is neither is itself, so that reading it says what it is.
fn run_paths(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if is_run(path) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let found = runs_in(path)?;
    Ok(if found.is_empty() { vec![path.to_owned()] } else { found })
}

fn is_run(path: &Path) -> bool {
    path.join(MANIFEST_FILE).is_file()
}

/// The runs in a directory, by their names. What is hidden is none, and neither is anything else that lies there.
fn runs_in(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(directory).map_err(RunDirError::Io)? {
        let child = entry.map_err(RunDirError::Io)?.path();
        let is_hidden = child.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && is_run(&child) {
            found.push(child);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns whether a directory holds runs.
pub(crate) fn has_runs(directory: &Path) -> Result<bool, Failure> {
    Ok(!runs_in(directory)?.is_empty())
}

/// What scoring reads of a run. The last is there only where the stopping rule was settled.
const FILES: [&str; 4] = [MANIFEST_FILE, EVENTS_FILE, TRIALS_FILE, STOP_FILE];

/// How the directory of a copy is called that is not complete yet.
const STAGED: &str = ".adding-";

/// The right to add to a baseline; lost when it is dropped, or its process ends.
#[derive(Debug)]
pub(crate) struct BaselineLock {
    path: PathBuf,
    /// Whether there was no such directory before.
    is_new: bool,
    _directory: File,
}

impl Drop for BaselineLock {
    fn drop(&mut self) {
        if self.is_new {
            // Only an empty directory goes: where nothing was added, nothing is left.
            let _ = fs_err::remove_dir(&self.path);
        }
    }
}

impl BaselineLock {
    /// Makes the directory where it lacks, waits until nobody else adds to it, and takes away what a killed command left.
    pub(crate) fn take(baseline: &Path) -> Result<Self, Failure> {
        let is_new = !baseline.exists();
        fs_err::create_dir_all(baseline)?;
        let directory = File::open(baseline)?;
        directory.file().lock()?;
        for entry in fs_err::read_dir(baseline)? {
            let entry = entry?;
            let is_staged = entry.file_name().as_encoded_bytes().starts_with(STAGED.as_bytes());
            if is_staged && entry.file_type()?.is_dir() {
                fs_err::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { path: baseline.to_owned(), is_new, _directory: directory })
    }
}

/// Copies what scoring reads of a run into a baseline's directory, once `check` finds the copy fit. Nothing that is there is changed.
pub(crate) fn add(
    run: &Entered,
    baseline: &BaselineLock,
    check: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let target = target(run, &baseline.path)?;
    let staged = tempfile::Builder::new().prefix(STAGED).tempdir_in(&baseline.path)?;
    for name in FILES {
        let source = run.path.join(name);
        if source.is_file() {
            fs_err::copy(source, staged.path().join(name))?;
        }
    }
    check(staged.path())?;
    open_as_others(staged.path(), &baseline.path)?;
    // A directory never takes the place of one that holds something.
    fs_err::rename(staged.path(), &target)?;
    // It is no longer where it was made, and is to stay.
    let _ = staged.keep();
    Ok(target)
}

/// Where a run goes: under its id, or, where an import of the same second has that, under its id and the digest of its records.
fn target(run: &Entered, baseline: &Path) -> Result<PathBuf, Failure> {
    let id = run.manifest.run.as_str();
    let plain = baseline.join(id);
    if !plain.exists() {
        return Ok(plain);
    }
    let records = records_digest(&run.path)?;
    let records = records.as_ref().map_or("none", ContentDigest::short);
    Ok(baseline.join(format!("{id}-{records}")))
}

/// Gives the directory, which was made private, the permissions of the one that it is in.
fn open_as_others(directory: &Path, parent: &Path) -> Result<(), Failure> {
    let permissions = fs_err::metadata(parent)?.permissions();
    Ok(fs_err::set_permissions(directory, permissions)?)
}
