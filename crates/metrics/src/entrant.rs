//! Who takes part in a comparison: one agent under one condition of a run, with its trials by task.

use std::sync::Arc;

use retrial_spec::{Action, AgentName, ConditionName, ContentDigest, RunId, TaskName};

use crate::decide::TaskOutcomes;
use crate::scorecard::Scorecard;
use crate::success;
use crate::trials::{TaskTrials, Trial};
use crate::value::Number;

/// One agent under one condition of a run, with what comparisons need of its trials.
#[derive(Debug, Clone)]
pub struct Entrant {
    /// The run.
    pub run: RunId,
    /// The agent.
    pub agent: AgentName,
    /// The condition.
    pub condition: ConditionName,
    /// The digest of the records that its trials were read from, where whoever read them says it: by it a run is known whatever its id.
    pub records: Option<ContentDigest>,
    /// The tasks that were planned for it, by name.
    pub(crate) tasks: Vec<EntrantTask>,
    /// The action of each code of its trials.
    pub(crate) actions: Arc<[Action]>,
    /// Whether models' answers came from a recording, so that times measure nothing.
    pub(crate) is_replayed: bool,
}

/// The trials of one task.
#[derive(Debug, Clone)]
pub(crate) struct EntrantTask {
    pub(crate) task: TaskName,
    pub(crate) planned: u32,
    /// In the order of their numbers.
    pub(crate) trials: Vec<Trial>,
    /// How alike the mixes of actions are, as in the scorecard's row.
    pub(crate) action_mix: Number,
    /// How alike the orders of actions are, as in the scorecard's row.
    pub(crate) action_order: Number,
}

impl EntrantTask {
    /// Puts the trials of planned tasks beside the rows of their scorecard, which are in the same order.
    pub(crate) fn all(
        trials: impl Iterator<Item = (TaskName, u32, Vec<Trial>)>,
        scorecard: &Scorecard,
    ) -> Vec<Self> {
        let planned = trials.filter(|(_, planned, _)| *planned > 0);
        planned
            .zip(&scorecard.tasks)
            .map(|((task, planned, trials), row)| Self {
                task,
                planned,
                trials,
                action_mix: row.action_mix_consistency.clone(),
                action_order: row.action_order_consistency.clone(),
            })
            .collect()
    }

    pub(crate) fn view(&self) -> TaskTrials<'_> {
        TaskTrials { task: &self.task, trials: &self.trials }
    }
}

impl Entrant {
    /// Returns the outcomes of each planned task, by name.
    pub fn outcomes(&self) -> Vec<TaskOutcomes> {
        let outcomes = |task: &EntrantTask| {
            let counts = success::task_counts(&task.view());
            TaskOutcomes {
                task: task.task.clone(),
                passed: counts.successes(),
                failed: counts.failures(),
                excluded: (task.trials.len() as u64).saturating_sub(counts.total()),
            }
        };
        self.tasks.iter().map(outcomes).collect()
    }

    /// Returns how many trials of each task are planned, by the tasks' names.
    pub fn planned(&self) -> impl Iterator<Item = (&TaskName, u32)> {
        self.tasks.iter().map(|task| (&task.task, task.planned))
    }
}
