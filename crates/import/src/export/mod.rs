//! Giving runs back in forms that other tools read.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_spec::{
    AgentFacts, EVIDENCE_DIRECTORY, RunManifest, TRIALS_FILE, TaskFacts, TrialRecord, read_trials,
};

use crate::{ImportError, Place};

pub mod atif;
pub mod harbor;
mod trial;

pub use trial::TrialToExport;

/// A run that is given to others: its manifest, its records as a stream, and the evidence of its trials.
#[derive(Debug, Clone, Copy)]
pub struct ExportRun<'a> {
    /// What the run is made of.
    pub manifest: &'a RunManifest,
    /// The run directory.
    pub directory: &'a Path,
}

impl<'a> ExportRun<'a> {
    /// Reads the records as a stream.
    ///
    /// # Errors
    /// [`ImportError`] where they cannot be opened; each item where a line cannot be read.
    pub fn records(
        &self,
    ) -> Result<impl Iterator<Item = Result<TrialRecord, ImportError>> + use<>, ImportError> {
        let path = self.directory.join(TRIALS_FILE);
        let place = Place::file(&path);
        let file = File::open(&path).map_err(|source| place.caused("cannot read the records", source))?;
        let records = read_trials(BufReader::with_capacity(1 << 16, file));
        Ok(records
            .map(move |record| record.map_err(|source| place.caused("cannot read the records", source))))
    }

    /// Returns the directory with the evidence of the attempt that counts.
    pub fn evidence(&self, record: &TrialRecord) -> PathBuf {
        let trial = self.directory.join(EVIDENCE_DIRECTORY).join(record.trial.to_string());
        trial.join(format!("attempt-{}", record.attempts))
    }

    /// Returns what the run knows of a trial's agent.
    pub fn agent(&self, record: &TrialRecord) -> Option<&'a AgentFacts> {
        self.manifest.agents.iter().find(|agent| agent.name == record.trial.agent)
    }

    /// Returns what the run knows of a trial's task.
    pub fn task(&self, record: &TrialRecord) -> Option<&'a TaskFacts> {
        self.manifest.tasks.iter().find(|task| task.name == record.trial.task)
    }
}

/// Returns a trial of a run with all that is known for it.
fn trial_of<'t>(
    run: &ExportRun<'t>,
    record: &'t TrialRecord,
    evidence: &'t Path,
) -> Result<TrialToExport<'t>, ImportError> {
    match (run.agent(record), run.task(record)) {
        (Some(agent), Some(task)) => Ok(TrialToExport { record, agent, task, evidence }),
        _ => Err(Place::within(&run.directory.join(TRIALS_FILE), record.trial.to_string())
            .error("is of an agent or task that `run.json` does not name")),
    }
}

#[cfg(test)]
mod tests;
