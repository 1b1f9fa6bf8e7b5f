//! What single trials count as. It stands in the report, so that no form decides it a second time.

use std::collections::HashMap;

use retrial_spec::{AgentName, ConditionName, TaskName, TrialId};

use crate::ReportedRun;

/// What a trial counts as under the report's policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountsAs {
    /// Passed.
    Passed,
    /// Failed.
    Failed,
    /// It does not count.
    Excluded,
}

impl CountsAs {
    /// Returns the word as it stands in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Excluded => "excluded",
        }
    }
}

/// What the trials of a run count as, by trial.
#[derive(Debug, Clone)]
pub struct RunOutcomes<'a> {
    run: &'a ReportedRun,
    /// A letter for each trial number, by task.
    letters: HashMap<(&'a AgentName, &'a ConditionName, &'a TaskName), &'a str>,
}

impl<'a> RunOutcomes<'a> {
    /// Reads the outcomes of a run.
    pub fn of(run: &'a ReportedRun) -> Self {
        let rows = run.curves.iter().flat_map(|curves| {
            let key = (&curves.agent, &curves.condition);
            curves.outcomes.iter().map(move |row| ((key.0, key.1, &row.task), row.trials.as_str()))
        });
        Self { run, letters: rows.collect() }
    }

    /// Returns the run.
    pub fn run(&self) -> &'a ReportedRun {
        self.run
    }

    /// Returns what a trial counts as; none where the report has no record of it.
    pub fn of_trial(&self, trial: &TrialId) -> Option<CountsAs> {
        let letters = self.letters.get(&(&trial.agent, &trial.condition, &trial.task))?;
        match letters.as_bytes().get(trial.number.checked_sub(1)? as usize)? {
            b'P' => Some(CountsAs::Passed),
            b'F' | b'I' => Some(CountsAs::Failed),
            b'x' => Some(CountsAs::Excluded),
            _ => None,
        }
    }
}
