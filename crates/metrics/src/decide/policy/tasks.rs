//! Which tasks decide, and how much of them is there.

use std::collections::{BTreeMap, BTreeSet};

use retrial_spec::{QuarantinedTask, TaskName};
use schemars::JsonSchema;
use serde::Serialize;

use crate::decide::Side;
use crate::entrant::{Entrant, EntrantTask};
use crate::success;
use crate::value::Finite;

/// The trials of a task on a side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TaskCounts {
    /// Planned trials.
    pub planned: u64,
    /// Trials with a record.
    pub finished: u64,
    /// Trials that passed or failed.
    pub graded: u64,
    /// Trials that passed.
    pub passed: u64,
}

impl TaskCounts {
    fn of(task: Option<&EntrantTask>) -> Self {
        let Some(task) = task else { return Self::default() };
        let counts = success::task_counts(&task.view());
        Self {
            planned: u64::from(task.planned),
            finished: task.trials.len() as u64,
            graded: counts.total(),
            passed: counts.successes(),
        }
    }
}

/// What part a task has in the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskPlace {
    /// It decides.
    Judged,
    /// It should decide and has too few graded trials on a side, which leaves the gate open.
    TooFewTrials,
    /// The baseline has it and the candidate has not, or no finished trial of it.
    Vanished,
    /// It informs for now, for it is in quarantine.
    Quarantined,
    /// It informs, for the baseline has planned too few trials of it so far.
    NotYet,
    /// It informs, for the baseline does not have it.
    New,
}

/// A task of either side.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateTask {
    /// The task.
    pub task: TaskName,
    /// What part it has.
    pub place: TaskPlace,
    /// Its trials in the candidate's run.
    pub candidate: TaskCounts,
    /// Its trials in the baseline.
    pub baseline: TaskCounts,
}

/// How much of what was planned is graded, over the tasks that decide or should.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Coverage {
    /// Planned trials.
    pub planned: u64,
    /// Graded trials.
    pub graded: u64,
    /// Graded of planned; 0 where nothing is planned.
    pub share: Finite,
}

impl Coverage {
    pub(super) fn new(planned: u64, graded: u64) -> Self {
        let share = if planned == 0 { 0.0 } else { graded as f64 / planned as f64 };
        Self { planned, graded, share: Finite::new(share).unwrap_or(Finite::ZERO) }
    }
}

/// The rules by which tasks get their places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placing<'a> {
    pub(super) minimum_trials: u32,
    /// Tasks in quarantine today.
    pub(super) quarantined: &'a [QuarantinedTask],
}

/// The tasks of both sides of one agent, by name.
pub(super) fn placed(candidate: &Entrant, baseline: &Entrant, rules: Placing<'_>) -> Vec<GateTask> {
    let by_name = |entrant: &Entrant| -> BTreeMap<TaskName, TaskCounts> {
        entrant.tasks.iter().map(|task| (task.task.clone(), TaskCounts::of(Some(task)))).collect()
    };
    let (candidates, baselines) = (by_name(candidate), by_name(baseline));
    let names: BTreeSet<&TaskName> = candidates.keys().chain(baselines.keys()).collect();
    let counts =
        |side: &BTreeMap<TaskName, TaskCounts>, name: &TaskName| side.get(name).copied().unwrap_or_default();
    let task = |name: &TaskName| {
        let (candidate, baseline) = (counts(&candidates, name), counts(&baselines, name));
        let is_quarantined = rules.quarantined.iter().any(|task| task.name == *name);
        let place = place(candidate, baseline, is_quarantined, u64::from(rules.minimum_trials));
        GateTask { task: name.clone(), place, candidate, baseline }
    };
    names.into_iter().map(task).collect()
}

/// | first that holds | place |
/// |---|---|
/// | the baseline does not plan it | new |
/// | in quarantine | quarantined |
/// | the candidate has no finished trial of it | vanished |
/// | the baseline plans fewer trials than the minimum | not yet |
/// | a side has fewer graded trials than the minimum | too few trials |
/// | otherwise | judged |
///
/// That a task counts is a matter of what the baseline planned, not of what came of it: a task whose trials were lost is a hole,
/// and holes must not make a gate easier.
fn place(candidate: TaskCounts, baseline: TaskCounts, is_quarantined: bool, minimum: u64) -> TaskPlace {
    if baseline.planned == 0 {
        TaskPlace::New
    } else if is_quarantined {
        TaskPlace::Quarantined
    } else if candidate.finished == 0 {
        TaskPlace::Vanished
    } else if baseline.planned < minimum {
        TaskPlace::NotYet
    } else if candidate.graded < minimum || baseline.graded < minimum {
        TaskPlace::TooFewTrials
    } else {
        TaskPlace::Judged
    }
}

/// The tasks that decide or should.
pub(super) fn deciding(tasks: &[GateTask]) -> impl Iterator<Item = &GateTask> {
    tasks.iter().filter(|task| matches!(task.place, TaskPlace::Judged | TaskPlace::TooFewTrials))
}

/// How much of the deciding tasks is graded on a side.
pub(super) fn coverage(tasks: &[GateTask], side: Side) -> Coverage {
    let of = |task: &GateTask| match side {
        Side::Candidate => task.candidate,
        Side::Baseline => task.baseline,
    };
    let sum = |count: fn(TaskCounts) -> u64| deciding(tasks).map(|task| count(of(task))).sum::<u64>();
    Coverage::new(sum(|counts| counts.planned), sum(|counts| counts.graded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(planned: u64, finished: u64, graded: u64) -> TaskCounts {
        TaskCounts { planned, finished, graded, passed: 0 }
    }

    #[test]
    fn every_row_of_the_table_holds() {
        let full = counts(5, 5, 5);
        let rows = [
            (full, counts(0, 0, 0), true, TaskPlace::New),
            (counts(0, 0, 0), full, true, TaskPlace::Quarantined),
            (counts(0, 0, 0), full, false, TaskPlace::Vanished),
            (counts(5, 0, 0), full, false, TaskPlace::Vanished),
            (counts(0, 0, 0), counts(2, 2, 2), false, TaskPlace::Vanished),
            (full, counts(2, 2, 2), false, TaskPlace::NotYet),
            (full, counts(5, 5, 2), false, TaskPlace::TooFewTrials),
            (counts(5, 5, 2), full, false, TaskPlace::TooFewTrials),
            (counts(3, 3, 3), full, false, TaskPlace::Judged),
        ];
        for (candidate, baseline, is_quarantined, expected) in rows {
            assert_eq!(place(candidate, baseline, is_quarantined, 3), expected, "{candidate:?} {baseline:?}");
        }
    }
}
