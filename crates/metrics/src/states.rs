//! Consistency of the final state: do repeated trials of a task change the same files, and in the same way?

use std::hash::{DefaultHasher, Hash, Hasher};

use retrial_spec::FinalState;
use retrial_stats::Undefined;

use crate::estimators::{self, Context};
use crate::trials::{TaskTrials, Trial};
use crate::value::{Estimate, Reason};
use crate::{Among, Measure, MeasureId};

/// What a trial left behind, as fingerprints that are compared within a process only: that of the patch's digest, and then those of
/// the changed files' paths, ascending and each once. In one piece of memory, for there is one for each trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndState(Box<[u64]>);

impl EndState {
    pub(crate) fn new(state: &FinalState) -> Self {
        let mut changed: Vec<u64> = state.changed.iter().map(|path| fingerprint(path)).collect();
        changed.sort_unstable();
        changed.dedup();
        changed.insert(0, fingerprint(&state.patch));
        Self(changed.into())
    }

    fn patch(&self) -> u64 {
        self.0[0]
    }

    fn changed(&self) -> &[u64] {
        &self.0[1..]
    }

    /// Files that both changed as a share of those that either changed; 1 where neither changed any.
    fn jaccard(&self, other: &Self) -> f64 {
        let (mut left, mut right) = (self.changed(), other.changed());
        let mut common = 0_usize;
        while let ([a, others @ ..], [b, rest @ ..]) = (left, right) {
            common += usize::from(a == b);
            if a <= b {
                left = others;
            }
            if b <= a {
                right = rest;
            }
        }
        let all = self.changed().len() + other.changed().len() - common;
        if all == 0 { 1.0 } else { common as f64 / all as f64 }
    }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// How alike the final states of one task's trials are.
pub(crate) struct TaskStates {
    all: Alike,
    successes: Alike,
}

/// Means over pairs of trials.
#[derive(Default)]
struct Alike {
    trials: usize,
    files: f64,
    patch: f64,
}

impl Alike {
    fn of(states: &[&EndState]) -> Self {
        let (mut files, mut same, mut pairs) = (0.0, 0_u64, 0_u64);
        for (index, first) in states.iter().enumerate() {
            for second in &states[index + 1..] {
                files += first.jaccard(second);
                same += u64::from(first.patch() == second.patch());
                pairs += 1;
            }
        }
        let mean = |sum: f64| if pairs == 0 { 0.0 } else { sum / pairs as f64 };
        Self { trials: states.len(), files: mean(files), patch: mean(same as f64) }
    }
}

impl TaskStates {
    pub(crate) fn new(task: &TaskTrials<'_>) -> Self {
        let known = |keep: fn(&Trial) -> bool| -> Vec<&EndState> {
            task.ran().filter(|trial| keep(trial)).filter_map(|trial| trial.state.as_ref()).collect()
        };
        Self { all: Alike::of(&known(|_| true)), successes: Alike::of(&known(Trial::is_passed)) }
    }

    fn among(&self, among: Among) -> &Alike {
        match among {
            Among::All => &self.all,
            Among::Successes => &self.successes,
        }
    }
}

/// A value of one task.
type Value = fn(&Alike) -> f64;

/// Returns the consistency of the changed files and the share of pairs with the same patch, over all trials and over successes.
pub(crate) fn measures(
    tasks: &[TaskTrials<'_>],
    states: &[&TaskStates],
    context: &Context<'_>,
) -> Vec<Measure> {
    let recorded = recorded(tasks, states);
    let mut measures = Vec::with_capacity(4);
    let values: [(MeasureId, Value); 2] = [
        (MeasureId::ChangedFilesConsistency, |alike| alike.files),
        (MeasureId::SamePatch, |alike| alike.patch),
    ];
    for (id, value) in values {
        for among in [Among::All, Among::Successes] {
            let value = recorded.clone().and_then(|()| estimate(states, among, value, context));
            measures.push(Measure {
                among: Some(among),
                headline: among == Among::All,
                ..Measure::new(id, context.target(), value)
            });
        }
    }
    measures
}

fn recorded(tasks: &[TaskTrials<'_>], states: &[&TaskStates]) -> Result<(), Reason> {
    if tasks.iter().all(|task| task.ran().next().is_none()) {
        return Err(Reason::NO_TRIALS);
    }
    if states.iter().any(|task| task.all.trials > 0) { Ok(()) } else { Err(Reason::NOT_RECORDED) }
}

fn estimate(
    states: &[&TaskStates],
    among: Among,
    value: Value,
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let of_tasks = states.iter().map(|task| task.among(among));
    let most = of_tasks.clone().map(|alike| alike.trials).max().unwrap_or(0);
    let used: Vec<&Alike> = of_tasks.filter(|alike| alike.trials > 1).collect();
    if used.is_empty() {
        return Err(Undefined::TooFewItems { have: most, need: 2 }.into());
    }
    let values: Vec<f64> = used.iter().map(|alike| value(alike)).collect();
    let trials = used.iter().map(|alike| alike.trials as u64).sum();
    estimators::mean_over_tasks(&values, trials, (0.0, 1.0), context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(changed: &[&str]) -> EndState {
        let changed = changed.iter().map(|&path| path.to_owned()).collect();
        EndState::new(&FinalState { changed, patch: String::new() })
    }

    #[test]
    fn files_in_common_count_once_whatever_their_order() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(state(&["a", "b", "c"]).jaccard(&state(&["c", "b", "d"])), 0.5);
        close(state(&["a", "a"]).jaccard(&state(&["a"])), 1.0);
        close(state(&[]).jaccard(&state(&["a"])), 0.0);
        close(state(&[]).jaccard(&state(&[])), 1.0);
    }
}
