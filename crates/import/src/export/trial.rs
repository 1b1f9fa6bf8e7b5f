//! A trial to be exported, and the files that exports read and write.

use std::io;
use std::path::Path;

use retrial_spec::{AgentFacts, AttemptFailure, ContentDigest, TaskFacts, TrialRecord};
use serde_json::Value;

use crate::{ImportError, Place};

/// A trial to be exported.
#[derive(Debug, Clone, Copy)]
pub struct TrialToExport<'t> {
    /// Its record.
    pub record: &'t TrialRecord,
    /// Its agent.
    pub agent: &'t AgentFacts,
    /// Its task.
    pub task: &'t TaskFacts,
    /// The directory of its last attempt.
    pub evidence: &'t Path,
    /// The attempts that failed before it, oldest first.
    pub failed_attempts: &'t [AttemptFailure],
    /// The digest of the table that gave its actions their kinds and names.
    pub table: &'t ContentDigest,
}

impl TrialToExport<'_> {
    /// Reads the trajectory; none where there is none.
    ///
    /// # Errors
    /// [`ImportError`] where it cannot be read or is no JSON.
    pub(super) fn trajectory(&self) -> Result<Option<Value>, ImportError> {
        let path = self.evidence.join("trajectory.json");
        let Some(bytes) = kept(&path)? else { return Ok(None) };
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| Place::file(&path).caused("is not JSON; expected a trajectory", error))
    }
}

/// Reads a file of the evidence, which need not be there.
pub(super) fn kept(path: &Path) -> Result<Option<Vec<u8>>, ImportError> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Place::file(path).caused("cannot be read", error)),
    }
}

/// Writes a file, with the directories above it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), ImportError> {
    let unwritable = |error| Place::file(path).caused("cannot be written", error);
    if let Some(directory) = path.parent() {
        fs_err::create_dir_all(directory).map_err(unwritable)?;
    }
    fs_err::write(path, bytes).map_err(unwritable)
}

/// Writes a JSON value as a file that a person can read.
pub(super) fn write_json(path: &Path, value: &Value) -> Result<(), ImportError> {
    write(path, format!("{value:#}\n").as_bytes())
}
