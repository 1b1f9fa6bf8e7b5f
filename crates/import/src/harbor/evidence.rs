//! What a trial directory holds beside its result: trajectories, the verifier's output and a patch.

use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use crate::atif::{self, ReadTrajectory};
use crate::json::{list, text};
use crate::{Found, ImportError, Place, Sink};

/// Bytes of a file that are kept at most.
const KEPT: u64 = 64 << 20;

/// Reads what belongs to a trial, of one with steps for every step, and returns what its trajectories tell where there are any.
pub(super) fn evidence(
    directory: &Path,
    result: &Value,
    found: &mut Found,
    sink: &mut dyn Sink,
) -> Result<Vec<ReadTrajectory>, ImportError> {
    let steps = list(result, "step_results").iter().filter_map(|step| text(step, "step_name"));
    let parts: Vec<PathBuf> = steps
        .filter(|name| !name.contains(['/', '\\']) && *name != "..")
        .map(|name| directory.join("steps").join(name))
        .collect();
    let parts = if parts.is_empty() { vec![directory.to_owned()] } else { parts };
    let mut trajectories = Vec::new();
    let mut log: Option<Vec<u8>> = None;
    for part in &parts {
        let file = part.join("agent/trajectory.json");
        if is_file(&file) {
            let (read, bytes) = atif::read_trajectory_file(&file)?;
            sink.progress(bytes);
            for doubt in &read.doubts {
                sink.doubt(&Place::file(&file), doubt);
            }
            trajectories.push(read);
        }
        if let Some(bytes) = kept(&part.join("verifier/test-stdout.txt"), sink)? {
            log.get_or_insert_default().extend(bytes);
        }
    }
    found.evidence.verifier_log = log;
    found.evidence.patch = patch(&parts, sink)?;
    if trajectories.len() < parts.len() {
        if !trajectories.is_empty() {
            sink.doubt(&found.place, "not every step has a trajectory; the actions stay missing");
        }
        return Ok(Vec::new());
    }
    Ok(trajectories)
}

/// Returns the only patch among the artifacts of a trial.
fn patch(parts: &[PathBuf], sink: &mut dyn Sink) -> Result<Option<Vec<u8>>, ImportError> {
    let artifacts = parts.iter().map(|part| part.join("artifacts")).filter(|artifacts| artifacts.is_dir());
    let mut patches = Vec::new();
    for artifacts in artifacts {
        for entry in WalkDir::new(&artifacts).sort_by_file_name() {
            let entry = entry.map_err(|error| Place::file(&artifacts).caused("cannot be searched", error))?;
            let is_patch = entry.path().extension().is_some_and(|kind| kind == "patch" || kind == "diff");
            if entry.file_type().is_file() && is_patch {
                patches.push(entry.into_path());
            }
        }
    }
    if let [only] = patches.as_slice() {
        return kept(only, sink);
    }
    for patch in patches {
        sink.left_out(&Place::file(&patch), "is one of several patches");
    }
    Ok(None)
}

/// Reads a file that need not be there. One that is too large is left out.
fn kept(file: &Path, sink: &mut dyn Sink) -> Result<Option<Vec<u8>>, ImportError> {
    let Ok(facts) = fs_err::symlink_metadata(file) else { return Ok(None) };
    if !facts.is_file() || facts.len() > KEPT {
        sink.left_out(&Place::file(file), "is no file, or larger than 64 MiB");
        return Ok(None);
    }
    let bytes = fs_err::read(file).map_err(|error| Place::file(file).caused("cannot be read", error))?;
    sink.progress(bytes.len() as u64);
    Ok(Some(bytes))
}

fn is_file(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|facts| facts.is_file())
}
