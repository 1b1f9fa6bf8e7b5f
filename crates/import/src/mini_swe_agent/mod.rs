//! Trajectories of mini-swe-agent, formats 1, 1.0 and 1.1, single or of a batch with its `preds.json`.
//!
//! `docs/interop/mini-swe-agent.md` says what becomes of what.

mod ending;
mod messages;
mod predictions;
mod trajectory;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::session::{FileRole, log_files};
use crate::{ImportError, SessionOptions, Sink};
use predictions::Predictions;

const EXPECTED: &str = "trajectories of mini-swe-agent, `*.traj.json`";
const ENDING: &str = ".traj.json";
const PREDICTIONS: &str = "preds.json";

/// Reads trajectories: files, and directories of a batch.
///
/// # Errors
/// [`ImportError`] where a path holds no trajectory, and where a file is none of a known format.
pub fn read(paths: &[PathBuf], options: &SessionOptions, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let files = log_files(
        paths,
        EXPECTED,
        |path| FileRole::log_if(is_trajectory(path) || is_predictions(path)),
        sink,
    )?;
    let (predictions, trajectories): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|path| is_predictions(path));
    let mut predictions = Predictions::read(&predictions, sink)?;
    for path in trajectories {
        let trial = trajectory::read(&path, options, sink)?;
        predictions.compare(&trial, sink);
        sink.trial(trial)?;
    }
    predictions.leave_out_the_rest(sink);
    Ok(())
}

fn is_trajectory(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING))
}

fn is_predictions(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == PREDICTIONS)
}

/// Returns a file's JSON, which must be an object.
fn object(path: &Path, expected: &str, sink: &mut dyn Sink) -> Result<serde_json::Value, ImportError> {
    let place = crate::Place::file(path);
    let text = fs_err::read(path)
        .map_err(|error| place.caused(format!("cannot be read; expected {expected}"), error))?;
    sink.progress(text.len() as u64);
    let value: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| place.caused(format!("is not JSON; expected {expected}"), error))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(place.error(format!("is not a JSON object; expected {expected}")))
    }
}
