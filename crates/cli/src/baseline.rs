//! The runs of a baseline: those that are named, those of a directory, and adding one to a directory.

use std::path::{Path, PathBuf};

use retrial_runner::{RunDir, RunDirError};
use retrial_spec::{AgentName, EVENTS_FILE, MANIFEST_FILE, RunManifest, TRIALS_FILE};

use crate::entered::Entry;
use crate::failure::Failure;

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
    let is_run = |path: &Path| path.join(MANIFEST_FILE).is_file();
    if is_run(path) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs_err::read_dir(path).map_err(RunDirError::Io)? {
        let child = entry.map_err(RunDirError::Io)?.path();
        let is_hidden = child.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && is_run(&child) {
            found.push(child);
        }
    }
    found.sort();
    Ok(if found.is_empty() { vec![path.to_owned()] } else { found })
}

/// Copies what scoring reads of a run into a baseline's directory, under the run's id. Nothing that is there is changed.
pub(crate) fn add(run: &Path, manifest: &RunManifest, baseline: &Path) -> Result<PathBuf, Failure> {
    let target = baseline.join(manifest.run.as_str());
    fs_err::create_dir_all(baseline)?;
    let staged = tempfile::Builder::new().prefix(".adding-").tempdir_in(baseline)?;
    for name in [MANIFEST_FILE, EVENTS_FILE, TRIALS_FILE] {
        let source = run.join(name);
        if source.is_file() {
            fs_err::copy(source, staged.path().join(name))?;
        }
    }
    let staged = staged.keep();
    open_as_others(&staged, baseline)?;
    // A directory never takes the place of one that holds something.
    fs_err::rename(&staged, &target)?;
    Ok(target)
}

/// Gives the directory, which was made private, the permissions of the one that it is in.
fn open_as_others(directory: &Path, parent: &Path) -> Result<(), Failure> {
    let permissions = fs_err::metadata(parent)?.permissions();
    Ok(fs_err::set_permissions(directory, permissions)?)
}
