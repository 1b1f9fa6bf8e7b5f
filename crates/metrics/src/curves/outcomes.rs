//! What became of each trial, as a letter.

use super::OutcomeRow;
use crate::outcome::Outcome;
use crate::trials::{TaskTrials, Trial};

/// Returns a row for each task, with a letter for each of so many planned trials.
pub(super) fn rows(tasks: &[TaskTrials<'_>], planned: u32) -> Vec<OutcomeRow> {
    let row = |task: &TaskTrials<'_>| {
        let mut letters = vec!['-'; planned as usize];
        for trial in task.trials {
            letters[trial.number as usize - 1] = letter(trial);
        }
        OutcomeRow { task: task.task.clone(), trials: letters.into_iter().collect() }
    };
    tasks.iter().map(row).collect()
}

fn letter(trial: &Trial) -> char {
    match trial.outcome {
        Outcome::Passed => 'P',
        Outcome::Failed if trial.claims_done() == Some(true) => 'I',
        Outcome::Failed => 'F',
        Outcome::Excluded => 'x',
    }
}
