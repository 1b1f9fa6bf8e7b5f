//! The trials of a side: several runs as one, some of the tasks, and gaps as if they had ended somehow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use retrial_spec::{Action, Claim, TaskName};

use crate::codes::Codes;
use crate::entrant::{Entrant, EntrantTask};
use crate::outcome::Outcome;
use crate::trials::Trial;
use crate::value::{Number, Reason};

/// What a trial is taken for that was planned and is not graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// It failed, and its agent claimed that the task is done.
    Failed,
    /// It passed.
    Passed,
}

/// Why a pool has no likeness of actions: codes of different runs are not the same actions.
const POOLED: Reason = Reason::fixed("pooled", "not computed over several runs");

/// Puts the trials of several runs together, task by task, in the order of the runs; none of no runs.
pub(super) fn pooled(entrants: &[&Entrant]) -> Option<Entrant> {
    let (first, rest) = entrants.split_first()?;
    if rest.is_empty() {
        return Some((*first).clone());
    }
    let all: BTreeSet<&Action> = entrants.iter().flat_map(|entrant| entrant.actions.iter()).collect();
    let places: BTreeMap<&Action, u32> = all.iter().copied().zip(0..).collect();
    let mut tasks: BTreeMap<&TaskName, EntrantTask> = BTreeMap::new();
    for entrant in entrants {
        let renamed: Vec<u32> = entrant.actions.iter().map(|action| places[action]).collect();
        for task in &entrant.tasks {
            let pool = tasks.entry(&task.task).or_insert_with(|| EntrantTask {
                task: task.task.clone(),
                planned: 0,
                trials: Vec::new(),
                action_mix: Number::Undefined(POOLED),
                action_order: Number::Undefined(POOLED),
            });
            let before = pool.planned;
            pool.planned = pool.planned.saturating_add(task.planned);
            pool.trials.extend(task.trials.iter().map(|trial| renumbered(trial, before, &renamed)));
        }
    }
    Some(Entrant {
        run: first.run.clone(),
        agent: first.agent.clone(),
        condition: first.condition.clone(),
        tasks: tasks.into_values().collect(),
        actions: all.into_iter().cloned().collect::<Arc<[Action]>>(),
        is_replayed: entrants.iter().any(|entrant| entrant.is_replayed),
    })
}

fn renumbered(trial: &Trial, before: u32, renamed: &[u32]) -> Trial {
    let mut trial = trial.clone();
    trial.number = trial.number.saturating_add(before);
    let codes = trial.action_codes();
    trial.actions = trial.actions.map(|_| Codes::new(codes.iter().map(|&code| renamed[code as usize])));
    trial
}

/// Keeps some of the tasks.
pub(super) fn of_tasks(entrant: &Entrant, kept: &BTreeSet<TaskName>) -> Entrant {
    let tasks = entrant.tasks.iter().filter(|task| kept.contains(&task.task));
    Entrant { tasks: tasks.cloned().collect(), ..entrant.clone() }
}

/// Takes every planned trial that is not graded, with or without a record, for one that ended so.
pub(super) fn with_gaps_as(entrant: &Entrant, gap: Gap) -> Entrant {
    let filled = |task: &EntrantTask| {
        let mut trials: Vec<Trial> = task.trials.clone();
        for trial in trials.iter_mut().filter(|trial| !trial.is_graded()) {
            end(trial, gap);
        }
        // Numbers do not matter to what is compared, only how many there are.
        let missing = (trials.len() as u32..task.planned).map(|place| {
            let mut trial = Trial::unknown(place.saturating_add(1));
            end(&mut trial, gap);
            trial
        });
        let missing: Vec<Trial> = missing.collect();
        trials.extend(missing);
        EntrantTask { trials, ..task.clone() }
    };
    Entrant { tasks: entrant.tasks.iter().map(filled).collect(), ..entrant.clone() }
}

fn end(trial: &mut Trial, gap: Gap) {
    trial.outcome = match gap {
        Gap::Failed => Outcome::Failed,
        Gap::Passed => Outcome::Passed,
    };
    trial.claim = Some(Claim::Done);
}
