//! Runs as logs of Inspect, `.eval`: one log for each agent under each condition, a sample for each trial.
//!
//! The format's own fields hold what they can; the record as a whole stands in `metadata/retrial` of each sample, so that the
//! reader of this crate brings it back as it was. The same run gives the same bytes.

mod conversation;
mod log;
mod sample;
mod sums;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use retrial_spec::{AgentName, ConditionName, RunManifest, TaskFacts, TrialRecord};

use super::{ExportRun, Failures};
use crate::own::title_of;
use crate::{ImportError, Place};
use log::LogWriter;

/// The key under which a sample's store keeps the agent's change as a patch.
pub(crate) const PATCH_KEY: &str = "retrial:patch";

/// The key under which a sample's store keeps what the verifier printed, where there is no score to keep it.
pub(crate) const LOG_KEY: &str = "retrial:verifier_log";

/// The name of the only scorer.
const SCORER: &str = "retrial";

/// Writes a run as logs, and returns them.
///
/// # Errors
/// [`ImportError`] where a record or its evidence cannot be read, or a log cannot be written.
pub fn write(run: &ExportRun<'_>, out: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let failures = run.failures()?;
    let export = InspectExport { manifest: run.manifest, directory: run.directory, failures: &failures };
    export.write(run.records()?, out)
}

/// A run to be written as logs.
#[derive(Debug, Clone, Copy)]
pub struct InspectExport<'r> {
    /// What the run is made of.
    pub manifest: &'r RunManifest,
    /// Its directory, which holds the evidence of its trials.
    pub directory: &'r Path,
    /// The attempts at each trial that failed, oldest first; absent for a trial without any.
    pub failures: &'r Failures,
}

impl InspectExport<'_> {
    /// Writes the trials into logs in the directory `out`, and returns the files in the order of their names. One trial is held at a
    /// time.
    ///
    /// # Errors
    /// [`ImportError`] where a record or its evidence cannot be read, or a log cannot be written. No log is left then.
    pub fn write(
        &self,
        records: impl IntoIterator<Item = Result<TrialRecord, ImportError>>,
        out: &Path,
    ) -> Result<Vec<PathBuf>, ImportError> {
        let mut logs: BTreeMap<(AgentName, ConditionName), LogWriter<'_>> = BTreeMap::new();
        for record in records {
            let record = record?;
            let key = (record.trial.agent.clone(), record.trial.condition.clone());
            let log = match logs.entry(key) {
                std::collections::btree_map::Entry::Occupied(log) => log.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let (agent, condition) = place.key();
                    let log = LogWriter::new(self, agent, condition, out)?;
                    place.insert(log)
                }
            };
            let sample = self.sample(&record)?;
            log.add(&record, &sample)?;
        }
        let mut finished = Vec::new();
        for log in logs.into_values() {
            finished.push(log.finish()?);
        }
        finished.into_iter().map(log::FinishedLog::keep).collect()
    }

    /// The id of a task's samples: its title, and its name where another task has the same title.
    fn sample_id<'t>(&self, task: &'t TaskFacts) -> &'t str {
        let title = title_of(task);
        let same = self.manifest.tasks.iter().filter(|other| title_of(other) == title).count();
        if same > 1 { task.name.as_str() } else { title }
    }

    fn evidence(&self, record: &TrialRecord) -> PathBuf {
        let attempt = format!("attempt-{}", record.attempts);
        self.directory.join("trials").join(record.trial.to_string()).join(attempt)
    }
}

/// Reads a file of a trial's evidence; none where there is none.
fn evidence_file(path: &Path) -> Result<Option<Vec<u8>>, ImportError> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Place::file(path).caused("cannot be read", error)),
    }
}
