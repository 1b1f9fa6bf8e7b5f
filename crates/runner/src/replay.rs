//! A run's recording as the provider of another run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use retrial_gateway::{InvalidIgnore, ReplayError, ReplayTrial, Upstream, Volatile};
use retrial_spec::{Ending, ReplayFacts, TrialId};

use crate::{Plan, PlannedModel, RunDir, RunDirError};

/// The file of an attempt's recording.
pub(crate) const RECORDING: &str = "recording.jsonl.zst";

/// Why a run cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is no such run.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// It does not hold a trial.
    #[error("the run at `{}` has no finished trial `{trial}`", path.display())]
    NoTrial {
        /// The run.
        path: PathBuf,
        /// The trial.
        trial: TrialId,
    },
    /// It did not record a trial.
    #[error("the run at `{}` has no recording of `{trial}`", path.display())]
    NotRecorded {
        /// The run.
        path: PathBuf,
        /// The trial.
        trial: TrialId,
    },
    /// The experiment's exceptions cannot be read.
    #[error(transparent)]
    Ignore(#[from] InvalidIgnore),
}

/// The recordings of a run's trials.
#[derive(Debug)]
pub(crate) struct Recording {
    run: RunDir,
    facts: ReplayFacts,
    volatile: Volatile,
    /// The attempt that a trial's record is of, and whether its agent was ended by its time limit.
    attempts: HashMap<TrialId, (u32, bool)>,
}

impl Recording {
    /// Opens a run and checks that it has a recording of every planned trial.
    pub(crate) fn open(path: &Path, plan: &Plan) -> Result<Self, RecordingError> {
        let volatile = Volatile::new(&plan.experiment.replay.ignore)?;
        let (run, manifest) = RunDir::open(path)?;
        let mut attempts = HashMap::new();
        for record in run.trials()? {
            let record = record?;
            attempts.insert(record.trial, (record.attempts, record.ending == Ending::Timeout));
        }
        let shown = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // By the same rule a replay stops after the same round.
        let stops_alike = manifest
            .measured()
            .is_some_and(|then| then.stopped.is_some() && then.experiment.stop == plan.experiment.stop);
        let rounds = if stops_alike { manifest.trials() } else { plan.experiment.trials };
        for trial in plan.order().into_iter().filter(|trial| trial.number <= rounds) {
            let Some((attempt, _)) = attempts.get(&trial) else {
                return Err(RecordingError::NoTrial { path: shown, trial });
            };
            if !run.attempt_path(&trial, *attempt).join(RECORDING).is_file() {
                return Err(RecordingError::NotRecorded { path: shown, trial });
            }
        }
        let facts = ReplayFacts { run: manifest.run, path: shown.display().to_string() };
        Ok(Self { run, facts, volatile, attempts })
    }

    /// Returns what a run's manifest says of its being a replay.
    pub(crate) fn facts(&self) -> ReplayFacts {
        self.facts.clone()
    }

    /// Returns what answers a trial; none where the run did not hold it, which opening has excluded.
    pub(crate) fn upstream(
        &self,
        trial: &TrialId,
        model: &PlannedModel,
    ) -> Result<Option<Upstream>, ReplayError> {
        let Some((attempt, ran_out_of_time)) = self.attempts.get(trial) else { return Ok(None) };
        let path = self.run.attempt_path(trial, *attempt).join(RECORDING);
        let replayed = ReplayTrial::read(&path, &self.volatile, model.priced_as(), *ran_out_of_time)?;
        Ok(Some(Upstream::Replayed(replayed)))
    }
}
