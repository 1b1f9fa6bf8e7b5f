//! The attempts at trials that failed before the one that counts, of which records hold the number alone.

use std::collections::HashMap;
use std::io::BufReader;
use std::path::Path;

use retrial_spec::{AttemptFailure, Event, TrialId, TrialRecord, read_events};

use crate::{ImportError, Place};

/// The attempts of a run that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures(HashMap<TrialId, Vec<(u32, AttemptFailure)>>);

impl Failures {
    /// Reads them from the events of a run directory. A run without events has none.
    ///
    /// # Errors
    /// [`ImportError`] where the events cannot be read.
    pub fn read(run: &Path) -> Result<Self, ImportError> {
        let path = run.join("events.jsonl");
        let file = match fs_err::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Place::file(&path).caused("cannot be read", error)),
        };
        let mut failures = Self::default();
        for event in read_events(BufReader::new(file)) {
            let event = event.map_err(|error| Place::file(&path).caused("cannot be read", error))?;
            if let Event::AttemptFailed { trial, attempt, failure, .. } = event {
                failures.0.entry(trial).or_default().push((attempt, failure));
            }
        }
        Ok(failures)
    }

    /// Returns the attempts that failed before the one that a record tells of, oldest first.
    pub fn before(&self, record: &TrialRecord) -> impl Iterator<Item = &AttemptFailure> {
        let all = self.0.get(&record.trial).map_or(&[][..], Vec::as_slice);
        let last = record.attempts;
        all.iter().filter(move |(attempt, _)| *attempt < last).map(|(_, failure)| failure)
    }
}

#[cfg(test)]
mod tests {
    use retrial_spec::Phase;
    use retrial_testkit::trial;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_attempt_that_counts_is_none_of_those_before_it() {
        let run = TempDir::new().unwrap();
        let record = TrialRecord { attempts: 2, ..trial("a", "b", 1) };
        assert_eq!(Failures::read(run.path()).unwrap().before(&record).count(), 0);
        let failed = |attempt, cause: &str| Event::AttemptFailed {
            at: record.started_at,
            trial: record.trial.clone(),
            attempt,
            failure: AttemptFailure { phase: Phase::Setup, cause: cause.to_owned() },
        };
        let lines = [failed(1, "first"), failed(2, "second")]
            .map(|event| serde_json::to_string(&event).unwrap() + "\n");
        fs_err::write(run.path().join("events.jsonl"), lines.concat()).unwrap();
        let failures = Failures::read(run.path()).unwrap();
        let causes: Vec<&str> = failures.before(&record).map(|failure| failure.cause.as_str()).collect();
        assert_eq!(causes, ["first"]);
    }

    #[test]
    fn events_that_cannot_be_read_are_named() {
        let run = TempDir::new().unwrap();
        fs_err::write(run.path().join("events.jsonl"), "{}\n").unwrap();
        let error = Failures::read(run.path()).unwrap_err();
        assert!(error.to_string().contains("events.jsonl`: cannot be read"), "{error}");
    }
}
