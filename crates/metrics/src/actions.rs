//! Trajectory consistency: do repeated trials of a task do the same things, and in the same order?
//!
//! Compared are trials in which the agent ran; what an infrastructure failure cut short says nothing of the agent. Values
//! depend on the length of trajectories, so they compare agents on the same tasks only.

use retrial_stats::Undefined;
use retrial_stats::divergence::jensen_shannon_bits;
use retrial_stats::edit;
use retrial_stats::pairwise::Pairwise;

use crate::estimators::{self, Context};
use crate::sequences::Compared;
use crate::trials::{TaskTrials, Trial};
use crate::value::{Estimate, Number, Reason};
use crate::{Among, Granularity, Measure, MeasureId};

/// How alike the trials of one task are.
pub(crate) struct TaskSimilarity {
    /// Trials that ran.
    trials: usize,
    /// Those of them that passed.
    successes: usize,
    kind: Similarity,
    name: Similarity,
}

/// Mean similarities over pairs of trials, 1 where all are alike.
struct Similarity {
    mix: Means,
    order: Means,
}

struct Means {
    all: Result<f64, Undefined>,
    successes: Result<f64, Undefined>,
}

impl Means {
    fn of(pairs: &Result<Pairwise, Undefined>, passed: &[bool]) -> Self {
        let pairs = pairs.as_ref().map_err(|&reason| reason);
        Self {
            all: pairs.and_then(Pairwise::mean),
            successes: pairs.and_then(|pairs| pairs.mean_among(passed)),
        }
    }
}

impl Similarity {
    fn of(compared: &Compared<'_>, passed: &[bool]) -> Self {
        // Trials that did the same are compared with the others once, and not with each other: they are alike.
        let Compared { distinct, mixes, places, distances } = compared;
        let repeated = |pairs: Pairwise| pairs.repeated(places, 1.0);
        let mixes = mixes.as_ref().map_err(|&reason| reason);
        let mix = mixes.and_then(|mixes| Pairwise::of(mixes, |a, b| 1.0 - jensen_shannon_bits(a, b)));
        let mix = mix.and_then(repeated);
        let alike = |&first: &usize, &second: &usize| {
            let (a, b) = (distinct[first].len(), distinct[second].len());
            1.0 - edit::normalised(distances.between(first, second), a, b)
        };
        let order = Pairwise::of(&(0..distinct.len()).collect::<Vec<usize>>(), alike).and_then(repeated);
        Self { mix: Means::of(&mix, passed), order: Means::of(&order, passed) }
    }
}

impl TaskSimilarity {
    pub(crate) fn new(names: &Compared<'_>, kinds: &Compared<'_>, passed: &[bool]) -> Self {
        Self {
            trials: passed.len(),
            successes: passed.iter().filter(|&&passed| passed).count(),
            kind: Similarity::of(kinds, passed),
            name: Similarity::of(names, passed),
        }
    }

    fn mean(&self, id: MeasureId, granularity: Granularity, among: Among) -> Result<f64, Undefined> {
        let similarity = match granularity {
            Granularity::Kind => &self.kind,
            Granularity::Name => &self.name,
        };
        let means = if id == MeasureId::ActionMixConsistency { &similarity.mix } else { &similarity.order };
        match among {
            Among::All => means.all,
            Among::Successes => means.successes,
        }
    }

    fn compared(&self, among: Among) -> usize {
        match among {
            Among::All => self.trials,
            Among::Successes => self.successes,
        }
    }

    /// The headline value of one task.
    pub(crate) fn headline(&self, id: MeasureId) -> Number {
        Number::of(self.mean(id, Granularity::Name, Among::All))
    }
}

/// Returns action-mix and action-order consistency, at both granularities, over all trials and over successes.
///
/// The fine name over all trials is the headline.
pub(crate) fn measures(
    recorded: &Result<(), Reason>,
    similarities: &[&TaskSimilarity],
    context: &Context<'_>,
) -> Vec<Measure> {
    let mut measures = Vec::with_capacity(8);
    for id in [MeasureId::ActionMixConsistency, MeasureId::ActionOrderConsistency] {
        for among in [Among::All, Among::Successes] {
            for granularity in [Granularity::Name, Granularity::Kind] {
                let value =
                    recorded.clone().and_then(|()| estimate(similarities, (id, granularity, among), context));
                measures.push(Measure {
                    granularity: Some(granularity),
                    among: Some(among),
                    headline: granularity == Granularity::Name && among == Among::All,
                    ..Measure::new(id, context.target(), value)
                });
            }
        }
    }
    measures
}

/// Tells trials that did nothing from trials whose actions nobody recorded: some trial must have an action.
pub(crate) fn recorded(tasks: &[TaskTrials<'_>]) -> Result<(), Reason> {
    let mut ran = tasks.iter().flat_map(TaskTrials::ran).peekable();
    if ran.peek().is_none() {
        return Err(Reason::NO_TRIALS);
    }
    let has_acted = |trial: &Trial| trial.actions.as_ref().is_some_and(|actions| !actions.is_empty());
    if ran.any(has_acted) { Ok(()) } else { Err(Reason::NO_ACTIONS) }
}

fn estimate(
    similarities: &[&TaskSimilarity],
    (id, granularity, among): (MeasureId, Granularity, Among),
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let mut values = Vec::with_capacity(similarities.len());
    let mut trials = 0;
    for task in similarities.iter().filter(|task| task.compared(among) > 1) {
        values.push(task.mean(id, granularity, among)?);
        trials += task.compared(among) as u64;
    }
    if values.is_empty() {
        let most = similarities.iter().map(|task| task.compared(among)).max().unwrap_or(0);
        return Err(Undefined::TooFewItems { have: most, need: 2 }.into());
    }
    estimators::mean_over_tasks(&values, trials, (0.0, 1.0), context)
}
