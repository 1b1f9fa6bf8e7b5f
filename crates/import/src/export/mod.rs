//! Giving runs back in forms that other tools read.

pub mod atif;
pub mod harbor;
pub mod inspect;
mod trial;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use fs_err::File;
use retrial_spec::{
    AttemptFailure, EVENTS_FILE, EVIDENCE_DIRECTORY, Event, MANIFEST_FILE, RunManifest, TRIALS_FILE, TrialId,
    TrialRecord, read_events, read_trials,
};

use crate::{ImportError, Place};
use harbor::{JobExport, JobToExport};
use inspect::InspectExport;

pub use trial::TrialToExport;

/// A form that is a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryForm {
    /// One trajectory for each trial.
    Atif,
    /// A job directory of Harbor.
    Harbor,
    /// Logs of Inspect, one for each agent and condition.
    Inspect,
}

/// Writes a run into a directory that is empty.
///
/// # Errors
/// [`ImportError`] where a record or its evidence cannot be read, or a file cannot be written.
pub fn write(run: &ExportRun<'_>, form: DirectoryForm, out: &Path) -> Result<(), ImportError> {
    match form {
        DirectoryForm::Atif => {
            for record in run.records()? {
                let record = record?;
                atif::trial(&run.trial(&record, &run.evidence(&record))?, out)?;
            }
        }
        DirectoryForm::Harbor => {
            let manifest = run.manifest;
            let job = JobToExport {
                name: manifest.run.as_str(),
                created_at: manifest.created_at,
                trials: manifest.trials(),
                planned: manifest.planned(),
                agents: &manifest.agents,
                tasks: &manifest.tasks,
            };
            let mut job = JobExport::begin(job, out)?;
            for record in run.records()? {
                let record = record?;
                job.trial(&run.trial(&record, &run.evidence(&record))?)?;
            }
            job.finish()?;
        }
        DirectoryForm::Inspect => {
            let failures = run.failures()?;
            let logs =
                InspectExport { manifest: run.manifest, directory: run.directory, failures: &failures };
            logs.write(run.records()?, out)?;
        }
    }
    Ok(())
}

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

    /// Returns the attempts that failed before a trial's last one, oldest first; nothing for a trial without any.
    ///
    /// # Errors
    /// [`ImportError`] where the events cannot be read.
    pub fn failures(&self) -> Result<HashMap<TrialId, Vec<AttemptFailure>>, ImportError> {
        let path = self.directory.join(EVENTS_FILE);
        let place = Place::file(&path);
        let file = File::open(&path).map_err(|source| place.caused("cannot read the events", source))?;
        let mut failures: HashMap<TrialId, Vec<AttemptFailure>> = HashMap::new();
        for event in read_events(BufReader::with_capacity(1 << 16, file)) {
            let event = event.map_err(|source| place.caused("cannot read the events", source))?;
            if let Event::AttemptFailed { trial, failure, .. } = event {
                failures.entry(trial).or_default().push(failure);
            }
        }
        Ok(failures)
    }

    /// Returns a trial with what the run knows of its agent and task.
    fn trial<'t>(&self, record: &'t TrialRecord, evidence: &'t Path) -> Result<TrialToExport<'t>, ImportError>
    where
        'a: 't,
    {
        let id = &record.trial;
        let agent = self.manifest.agents.iter().find(|agent| agent.name == id.agent);
        let task = self.manifest.tasks.iter().find(|task| task.name == id.task);
        match (agent, task) {
            (Some(agent), Some(task)) => Ok(TrialToExport { record, agent, task, evidence }),
            _ => {
                let place = Place::file(&self.directory.join(MANIFEST_FILE));
                Err(place.error(format!("does not name the agent or the task of the trial `{id}`")))
            }
        }
    }
}
