//! Which actions two agents take more or less often, task by task.

use std::collections::BTreeMap;

use retrial_spec::{Action, ActionKind};
use retrial_stats::Level;
use retrial_stats::compare::Pair;
use retrial_stats::compare::paired::PairedDifference;
use schemars::JsonSchema;
use serde::Serialize;

use super::Explored;
use super::holm::with_unknown;
use crate::decide::Purpose;
use crate::entrant::EntrantTask;
use crate::value::{Estimate, Evidence, Finite, Interval, Number, Reason, Value};
use crate::{Entrant, Target};

/// How often an action is taken on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ActionDifference {
    /// The kind.
    pub kind: ActionKind,
    /// The fine name; none for all actions of the kind.
    pub name: Option<String>,
    /// Actions per trial of the candidate, mean over tasks.
    pub candidate: Finite,
    /// Actions per trial of the baseline, mean over tasks.
    pub baseline: Finite,
    /// Candidate minus baseline, with Student's interval over tasks.
    pub difference: Value,
    /// Two-sided p-value of paired Student's test over tasks.
    pub p: Number,
    /// The same, adjusted over all rows that have one (Benjamini–Hochberg).
    pub adjusted_p: Number,
}

/// The tasks in which both sides have trials with known actions, and the actions of each side's codes.
pub(super) struct Common<'a> {
    pub(super) tasks: Vec<(&'a EntrantTask, &'a EntrantTask)>,
    candidate: &'a [Action],
    baseline: &'a [Action],
}

impl<'a> Common<'a> {
    pub(super) fn new(candidate: &'a Entrant, baseline: &'a Entrant, least: usize) -> Self {
        let has = |task: &EntrantTask| task.view().acted().count() >= least;
        let others: BTreeMap<_, &EntrantTask> =
            baseline.tasks.iter().filter(|task| has(task)).map(|task| (&task.task, task)).collect();
        let tasks = candidate.tasks.iter().filter(|task| has(task));
        let tasks = tasks.filter_map(|task| Some((task, *others.get(&task.task)?))).collect();
        Self { tasks, candidate: &candidate.actions, baseline: &baseline.actions }
    }

    /// What each side's codes are among the actions of both.
    pub(super) fn shared_codes(&self) -> (Vec<u32>, Vec<u32>) {
        let mut all: Vec<&Action> = self.candidate.iter().chain(self.baseline).collect();
        all.sort();
        all.dedup();
        let code = |action: &Action| all.binary_search(&action).map_or(u32::MAX, |place| place as u32);
        (self.candidate.iter().map(code).collect(), self.baseline.iter().map(code).collect())
    }
}

/// What is counted: a kind with all its actions, or one action.
type What = (ActionKind, Option<String>);

/// Actions per trial by what they are, in each task.
type Rates = BTreeMap<What, Vec<Pair<f64>>>;

/// Compares how often each kind of action and each action is taken; a task in which one never occurs counts as 0 for it.
pub(super) fn differences(common: &Common<'_>, level: Level) -> Result<Explored<ActionDifference>, Reason> {
    let mut rates = Rates::new();
    let tasks = common.tasks.len();
    let mut trials = 0;
    for (place, (candidate, baseline)) in common.tasks.iter().enumerate() {
        trials += candidate.view().acted().count() as u64;
        for (what, rate) in per_trial(candidate, common.candidate) {
            slot(&mut rates, what, place, tasks).first = rate;
        }
        for (what, rate) in per_trial(baseline, common.baseline) {
            slot(&mut rates, what, place, tasks).second = rate;
        }
    }
    let n = Evidence { trials, tasks: tasks as u64 };
    let mut rows = rates
        .into_iter()
        .map(|(what, rates)| row(what, &rates, n, level))
        .collect::<Result<Vec<ActionDifference>, Reason>>()?;
    let p: Vec<Number> = rows.iter().map(|row| row.p.clone()).collect();
    for (row, adjusted) in rows.iter_mut().zip(with_unknown(&p, Purpose::Exploration)) {
        row.adjusted_p = adjusted;
    }
    Ok(Explored::new(rows))
}

/// The two rates of something in a task.
fn slot(rates: &mut Rates, what: What, place: usize, tasks: usize) -> &mut Pair<f64> {
    let of_tasks = rates.entry(what).or_insert_with(|| vec![Pair { first: 0.0, second: 0.0 }; tasks]);
    &mut of_tasks[place]
}

fn per_trial(task: &EntrantTask, actions: &[Action]) -> BTreeMap<What, f64> {
    let mut counts = vec![0_u64; actions.len()];
    let mut trials = 0.0;
    for trial in task.view().acted() {
        trials += 1.0;
        for code in trial.action_codes() {
            counts[code as usize] += 1;
        }
    }
    let mut rates = BTreeMap::new();
    for (action, count) in actions.iter().zip(counts).filter(|(_, count)| *count > 0) {
        let rate = count as f64 / trials;
        *rates.entry((action.kind, None)).or_insert(0.0) += rate;
        *rates.entry((action.kind, Some(action.name.clone()))).or_insert(0.0) += rate;
    }
    rates
}

fn row(
    (kind, name): What,
    rates: &[Pair<f64>],
    n: Evidence,
    level: Level,
) -> Result<ActionDifference, Reason> {
    let tasks = rates.len() as f64;
    let mean = |of: fn(&Pair<f64>) -> f64| Finite::new(rates.iter().map(of).sum::<f64>() / tasks);
    let paired = PairedDifference::new(rates, level)?;
    let interval =
        paired.t().map_err(Reason::from).and_then(|_| Interval::of(&paired.estimate, (f64::MIN, f64::MAX)));
    Ok(ActionDifference {
        kind,
        name,
        candidate: mean(|pair| pair.first)?,
        baseline: mean(|pair| pair.second)?,
        difference: Estimate::new(paired.estimate.point, n, Target::Population, interval).into(),
        p: Number::of(paired.p_two_sided()),
        adjusted_p: Number::Undefined(Reason::NO_ACTIONS),
    })
}
