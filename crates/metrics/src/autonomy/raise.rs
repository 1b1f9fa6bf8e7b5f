//! What evidence would raise a level: more trials, or more tasks, that go as those there are, decided anew.

use retrial_spec::AutonomyLevel;
use schemars::JsonSchema;
use serde::Serialize;

use super::decide::{Case, Ruling, level};
use super::evidence::TaskEvidence;
use super::model::Raising;
use super::sample::Sample;
use crate::Target;

/// How many times as much is looked at, so that a handful of bounds finds the least of them.
const TIMES: [u64; 20] = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300];
/// Most trials of a task that anybody would be told to run.
pub const MOST_TRIALS: u64 = 100;
/// Most tasks that anybody would be told to run.
pub const MOST_TASKS: u64 = 2000;

/// The least evidence with which a cell would get its next level, if tasks and trials went on as those there are.
///
/// Counts are multiplied, also those of trials that do not count, and the cell is decided as it was with the observed ones, at the same
/// confidence. So it says what it takes where the observed rates are the true ones, and it is about an even chance that so much
/// suffices. More trials of the same tasks tell little of new tasks once there are about 1/ρ of each, ρ the correlation of trials of
/// a task: then only more tasks help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MoreEvidence {
    /// Trials of each task in all, with the tasks there are; none where trials alone do not help. Of tasks with different numbers of
    /// trials it is that of the one with the fewest, the others growing alike.
    pub trials_of_each_task: Option<u64>,
    /// Tasks in all, with as many trials of each as there are; none where tasks alone do not help, or where
    /// bounds speak of exactly the tasks there are.
    pub tasks: Option<u64>,
}

/// What a cell is to get, and how sure its bounds must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) level: AutonomyLevel,
    /// The one-sided confidence of the trials that count.
    pub(super) plain: f64,
    /// The same with the others taken for failures.
    pub(super) worst: f64,
}

/// Searches for the least evidence that gives a level of which what was observed misses no need.
pub(super) fn more_evidence(case: &Case<'_>, wanted: Wanted, ruling: Ruling) -> MoreEvidence {
    let graded = case.tasks.iter().filter(|task| task.graded() > 0);
    let have = graded.clone().count() as u64;
    let fewest = graded.map(TaskEvidence::graded).min().unwrap_or(0);
    let reached = |times: (u64, u64), raising| {
        let tasks = multiplied(&case.tasks, times);
        let is_given = |tasks: &[TaskEvidence], confidence| {
            level(case.rule, &Sample::new(tasks, ruling, raising), confidence) >= wanted.level
        };
        let worst: Vec<TaskEvidence> = tasks.iter().map(TaskEvidence::at_worst).collect();
        is_given(&tasks, wanted.plain) && (worst == tasks || is_given(&worst, wanted.worst))
    };
    let trials = least(MOST_TRIALS, fewest, |times, raising| reached((1, times), raising));
    let is_of_new = ruling.speaking.target == Target::Population;
    let more_tasks =
        is_of_new.then(|| least(MOST_TASKS, have, |times, raising| reached((times, 1), raising)));
    MoreEvidence { trials_of_each_task: trials, tasks: more_tasks.flatten() }
}

/// So many times as many tasks, with so many times as many finished trials of each.
fn multiplied(tasks: &[TaskEvidence], (times_tasks, times_trials): (u64, u64)) -> Vec<TaskEvidence> {
    let one: Vec<TaskEvidence> = tasks.iter().map(|task| task.times(times_trials)).collect();
    (0..times_tasks).flat_map(|_| one.iter().cloned()).collect()
}

/// The least multiple of `have`, at most `most`, for which a condition holds that goes on holding. The cheap way of asking, which never
/// says no where the other says yes, leads to where the search begins.
fn least(most: u64, have: u64, enough: impl Fn(u64, Raising) -> bool) -> Option<u64> {
    if have == 0 {
        return None;
    }
    let within: Vec<u64> = TIMES.into_iter().filter(|times| times.saturating_mul(have) <= most).collect();
    if !within.last().is_some_and(|&times| enough(times, Raising::Left)) {
        return None;
    }
    let place = within.partition_point(|&times| !enough(times, Raising::Left));
    let found = within.iter().skip(place).find(|&&times| enough(times, Raising::Done));
    found.map(|times| times * have)
}
