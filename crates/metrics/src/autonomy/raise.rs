//! What evidence would raise a level: the same bound of more trials, and of more tasks, that go as those there are.

use schemars::JsonSchema;
use serde::Serialize;

use super::bounds::{BoundOf, scaled};
use super::decide::Ruling;
use super::evidence::TaskEvidence;
use crate::Target;

/// How many times as much is looked at, so that a handful of bounds finds the least of them.
const TIMES: [u64; 20] = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300];
/// Most trials of a task that anybody would be told to run.
pub const MOST_TRIALS: u64 = 100;
/// Most tasks that anybody would be told to run.
pub const MOST_TASKS: u64 = 2000;

/// The least evidence with which the bound would meet its need, if tasks and trials went on as those there are.
///
/// Counts are multiplied and the bound is made of them as it was of the observed ones. So it says what it takes where the observed
/// rates are the true ones, and it is about an even chance that so much suffices. More trials of the same tasks tell little of new tasks
/// once there are about 1/ρ of each, ρ the correlation of trials of a task: then only more tasks help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MoreEvidence {
    /// Trials of each task in all, with the tasks there are; none where trials alone do not help. Of tasks with different numbers of
    /// trials it is that of the one with the fewest, the others growing alike.
    pub trials_of_each_task: Option<u64>,
    /// Tasks in all, with as many trials of each as there are; none where tasks alone do not help, or where
    /// bounds speak of exactly the tasks there are.
    pub tasks: Option<u64>,
}

/// Searches for the least evidence that shows a need which what was observed meets.
pub(super) fn more_evidence(
    tasks: &[TaskEvidence],
    (of, need): (BoundOf, f64),
    confidence: f64,
    ruling: Ruling,
) -> MoreEvidence {
    let graded = tasks.iter().filter(|task| task.graded() > 0);
    let have = graded.clone().count() as u64;
    let fewest = graded.map(TaskEvidence::graded).min().unwrap_or(0);
    let meets = |times: (u64, u64)| {
        let bound = scaled(tasks, times, ruling.repeats, ruling.speaking, (of, confidence));
        bound.is_ok_and(|bound| if of == BoundOf::Invisible { bound <= need } else { bound >= need })
    };
    let trials = least(MOST_TRIALS, fewest, |times| meets((1, times)));
    let more_tasks = (ruling.speaking.target == Target::Population)
        .then(|| least(MOST_TASKS, have, |times| meets((times, 1))))
        .flatten();
    MoreEvidence { trials_of_each_task: trials, tasks: more_tasks }
}

/// The least multiple of `have`, at most `most`, for which a condition holds that goes on holding.
fn least(most: u64, have: u64, enough: impl Fn(u64) -> bool) -> Option<u64> {
    if have == 0 {
        return None;
    }
    let within: Vec<u64> = TIMES.into_iter().filter(|times| times.saturating_mul(have) <= most).collect();
    if !within.last().is_some_and(|&times| enough(times)) {
        return None;
    }
    let place = within.partition_point(|&times| !enough(times));
    within.get(place).map(|times| times * have)
}
