//! Giving runs back in forms that other tools read.

pub mod atif;
pub mod harbor;
pub mod inspect;
pub mod otlp;
mod trial;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_spec::{
    AgentFacts, AttemptFailure, EVENTS_FILE, EVIDENCE_DIRECTORY, Event, RunManifest, TRIALS_FILE, TaskFacts,
    TrialId, TrialRecord, read_events, read_trials,
};

use crate::{ImportError, Place};

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

    /// Returns the attempts that failed, by trial, oldest first.
    ///
    /// # Errors
    /// [`ImportError`] where the events cannot be read.
    pub fn failures(&self) -> Result<Failures, ImportError> {
        let path = self.directory.join(EVENTS_FILE);
        let place = Place::file(&path);
        let file = match File::open(&path) {
            Ok(file) => file,
            // Records without their events are scored too, with a warning.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Failures::new()),
            Err(source) => return Err(place.caused("cannot read the events", source)),
        };
        let mut failures = Failures::new();
        for event in read_events(BufReader::with_capacity(1 << 16, file)) {
            let event = event.map_err(|source| place.caused("cannot read the events", source))?;
            if let Event::AttemptFailed { trial, failure, .. } = event {
                failures.entry(trial).or_default().push(failure);
            }
        }
        Ok(failures)
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

/// The attempts that failed, by trial, oldest first.
pub type Failures = HashMap<TrialId, Vec<AttemptFailure>>;

/// Returns the attempts that failed before the one that counts: of a trial that failed altogether, that is the last of them.
fn failed_before<'f>(failures: &'f Failures, record: &TrialRecord) -> &'f [AttemptFailure] {
    let all = failures.get(&record.trial).map_or(&[][..], Vec::as_slice);
    all.get(..record.attempts.saturating_sub(1) as usize).unwrap_or(all)
}

/// Returns a trial of a run with all that is known for it.
fn trial_of<'t>(
    run: &ExportRun<'t>,
    record: &'t TrialRecord,
    (evidence, failures): (&'t Path, &'t Failures),
) -> Result<TrialToExport<'t>, ImportError> {
    match (run.agent(record), run.task(record)) {
        (Some(agent), Some(task)) => {
            let failed_attempts = failed_before(failures, record);
            let table = &run.manifest.actions;
            Ok(TrialToExport { record, agent, task, evidence, failed_attempts, table })
        }
        _ => Err(Place::within(&run.directory.join(TRIALS_FILE), record.trial.to_string())
            .error("is of an agent or task that `run.json` does not name")),
    }
}
