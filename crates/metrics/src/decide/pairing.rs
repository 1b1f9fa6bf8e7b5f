//! The same tasks on two sides, or why they cannot be compared.

use std::collections::BTreeMap;

use retrial_spec::{Exit, TaskName};
use retrial_stats::Counts;
use schemars::JsonSchema;
use serde::Serialize;

use crate::TaskRow;
use crate::paired::PairedCounts;
use crate::value::Reason;

/// Whose trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The agent or release that is judged.
    Candidate,
    /// What it is judged against.
    Baseline,
}

impl std::fmt::Display for Side {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Candidate => "candidate",
            Self::Baseline => "baseline",
        })
    }
}

/// Finished trials of one task on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskOutcomes {
    /// The task.
    pub task: TaskName,
    /// Trials that count as passed.
    pub passed: u64,
    /// Trials that count as failed.
    pub failed: u64,
    /// Trials that count as neither.
    pub excluded: u64,
}

impl From<&TaskRow> for TaskOutcomes {
    fn from(row: &TaskRow) -> Self {
        Self {
            task: row.task.clone(),
            passed: row.passed,
            failed: row.graded.saturating_sub(row.passed),
            excluded: row.finished.saturating_sub(row.graded),
        }
    }
}

impl TaskOutcomes {
    fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed == 0 && self.excluded == 0
    }

    /// Counts the trials, the excluded ones as told.
    fn counts(&self, excluded: Excluded) -> Counts {
        let (passed, failed) = match excluded {
            Excluded::LeftOut => (self.passed, self.failed),
            Excluded::Fail => (self.passed, self.failed.saturating_add(self.excluded)),
            Excluded::Pass => (self.passed.saturating_add(self.excluded), self.failed),
        };
        let total = passed.saturating_add(failed);
        Counts::new(passed.min(total), total).unwrap_or_else(|_| Counts::of(&[]))
    }
}

/// What excluded trials are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excluded {
    LeftOut,
    Fail,
    Pass,
}

/// A way to take the excluded trials of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Left out on both sides.
    Plain,
    /// The candidate's fail, the baseline's pass.
    Worst,
    /// The candidate's pass, the baseline's fail.
    Best,
}

impl Reading {
    fn of(self, side: Side) -> Excluded {
        match (self, side) {
            (Self::Plain, _) => Excluded::LeftOut,
            (Self::Worst, Side::Candidate) | (Self::Best, Side::Baseline) => Excluded::Fail,
            (Self::Worst, Side::Baseline) | (Self::Best, Side::Candidate) => Excluded::Pass,
        }
    }
}

/// Why two sides cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// Nothing was tried on a side.
    #[error("the {0} has no finished trial")]
    NoTrials(Side),
    /// A task is listed twice.
    #[error("the {side} lists the task `{task}` twice")]
    Twice {
        /// Where.
        side: Side,
        /// The task.
        task: TaskName,
    },
    /// Tasks have finished trials on one side only: what vanished cannot be compared, and leaving it out could hide a failure.
    #[error("the sides have different tasks: {} only the candidate has, {} only the baseline has", only_candidate.len(), only_baseline.len())]
    TasksDiffer {
        /// Tasks that only the candidate has.
        only_candidate: Vec<TaskName>,
        /// Tasks that only the baseline has.
        only_baseline: Vec<TaskName>,
    },
    /// No task has graded trials on both sides.
    #[error("no task has graded trials on both sides")]
    NothingGraded,
}

impl NotComparable {
    /// Returns the exit code a command ends with.
    pub fn exit(&self) -> Exit {
        Exit::Invalid
    }
}

/// The outcomes of the same tasks on both sides, by the tasks' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    tasks: Vec<(TaskOutcomes, TaskOutcomes)>,
}

impl Pairing {
    /// Pairs the outcomes by task. Tasks without any finished trial count as not there.
    ///
    /// # Errors
    /// [`NotComparable`]: a side without trials, a task twice, tasks on one side only, or no task with graded trials on both.
    pub fn new(candidate: &[TaskOutcomes], baseline: &[TaskOutcomes]) -> Result<Self, NotComparable> {
        let candidate = by_name(Side::Candidate, candidate)?;
        let mut baseline = by_name(Side::Baseline, baseline)?;
        let (mut tasks, mut only_candidate) = (Vec::new(), Vec::new());
        for (name, outcomes) in candidate {
            match baseline.remove(name) {
                Some(other) => tasks.push((outcomes.clone(), other.clone())),
                None => only_candidate.push(name.clone()),
            }
        }
        let only_baseline: Vec<TaskName> = baseline.into_keys().cloned().collect();
        if !only_candidate.is_empty() || !only_baseline.is_empty() {
            return Err(NotComparable::TasksDiffer { only_candidate, only_baseline });
        }
        let pairing = Self { tasks };
        if pairing.graded().next().is_none() { Err(NotComparable::NothingGraded) } else { Ok(pairing) }
    }

    /// Returns the tasks that estimates leave out because a side has no graded trial of them.
    pub fn left_out(&self) -> Vec<TaskName> {
        let ungraded = self.tasks.iter().filter(|pair| !is_graded(pair));
        ungraded.map(|(candidate, _)| candidate.task.clone()).collect()
    }

    /// Returns the excluded trials of both sides.
    pub fn excluded(&self) -> u64 {
        self.tasks.iter().fold(0_u64, |sum, (a, b)| sum.saturating_add(a.excluded).saturating_add(b.excluded))
    }

    /// Iterates over the tasks with graded trials on both sides.
    pub(super) fn graded(&self) -> impl Iterator<Item = &(TaskOutcomes, TaskOutcomes)> {
        self.tasks.iter().filter(|pair| is_graded(pair))
    }

    /// Returns the counts of the tasks: with [`Reading::Plain`] of the graded ones, otherwise of all.
    pub(super) fn counts(&self, reading: Reading) -> Result<PairedCounts, Reason> {
        let pairs = self.tasks.iter().map(|(candidate, baseline)| {
            let counts = |side, outcomes: &TaskOutcomes| outcomes.counts(reading.of(side));
            (counts(Side::Candidate, candidate), counts(Side::Baseline, baseline))
        });
        let (candidate, baseline) = pairs.filter(|(a, b)| a.total() > 0 && b.total() > 0).unzip();
        PairedCounts::new(candidate, baseline)
    }
}

fn is_graded((candidate, baseline): &(TaskOutcomes, TaskOutcomes)) -> bool {
    let graded = |outcomes: &TaskOutcomes| outcomes.passed > 0 || outcomes.failed > 0;
    graded(candidate) && graded(baseline)
}

fn by_name(
    side: Side,
    outcomes: &[TaskOutcomes],
) -> Result<BTreeMap<&TaskName, &TaskOutcomes>, NotComparable> {
    let mut named = BTreeMap::new();
    for task in outcomes.iter().filter(|task| !task.is_empty()) {
        if named.insert(&task.task, task).is_some() {
            return Err(NotComparable::Twice { side, task: task.task.clone() });
        }
    }
    if named.is_empty() { Err(NotComparable::NoTrials(side)) } else { Ok(named) }
}
