//! The trials of a side: several runs as one, and some of the tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use retrial_spec::{Action, TaskName};

use crate::codes::Codes;
use crate::entrant::{Entrant, EntrantTask};
use crate::trials::Trial;
use crate::value::{Number, Reason};

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
        records: None,
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
