//! Companions of action mix and action order: other distances between the same trials, by fine names.
//!
//! Mix and order depend on the choice of a distance. Where all of these agree the finding does not.

use retrial_stats::Undefined;
use retrial_stats::divergence::{Histogram, total_variation};
use retrial_stats::edit;
use retrial_stats::kernel::{Grams, Spectrum};

use crate::estimators::{self, Context};
use crate::sequences::{Compared, something};
use crate::value::{Estimate, Reason};
use crate::{Among, Granularity, Measure, MeasureId};

/// The measures, in the order of [`Trajectory::similarities`].
const IDS: [MeasureId; 4] = [
    MeasureId::ActionMixOverlap,
    MeasureId::ActionComposition,
    MeasureId::ActionOrderMetric,
    MeasureId::ActionTransitions,
];

/// How alike the trials of one task are, by each measure.
pub(crate) struct TaskCompanions {
    all: Alike,
    successes: Alike,
}

/// Means over pairs of trials, in the order of [`IDS`].
#[derive(Default)]
struct Alike {
    trials: u64,
    means: [f64; IDS.len()],
}

/// A distinct sequence of actions, prepared for comparison.
struct Trajectory<'a> {
    sequence: &'a [u32],
    mix: &'a Histogram,
    single: Spectrum,
    pairs: Spectrum,
    /// Trials that did exactly this, and those of them that passed.
    trials: (u64, u64),
}

impl<'a> Trajectory<'a> {
    fn new(sequence: &'a [u32], mix: &'a Histogram, trials: (u64, u64)) -> Result<Self, Undefined> {
        let something = something(sequence);
        Ok(Self {
            sequence,
            mix,
            single: Spectrum::new(something, Grams::Single)?,
            pairs: Spectrum::new(something, Grams::Pairs)?,
            trials,
        })
    }

    /// By the Levenshtein distance of the two.
    fn similarities(&self, other: &Self, distance: usize) -> [f64; IDS.len()] {
        [
            1.0 - total_variation(self.mix, other.mix),
            self.single.cosine(&other.single),
            1.0 - edit::metric(distance, self.sequence.len(), other.sequence.len()),
            self.pairs.cosine(&other.pairs),
        ]
    }
}

impl TaskCompanions {
    pub(crate) fn new(compared: &Compared<'_>, passed: &[bool]) -> Self {
        let mut counts = vec![(0, 0); compared.distinct.len()];
        for (&place, &passed) in compared.places.iter().zip(passed) {
            let count: &mut (u64, u64) = &mut counts[place];
            *count = (count.0 + 1, count.1 + u64::from(passed));
        }
        // No sequence is without a mix once nothing done counts as an action.
        let mixes = compared.mixes.iter().flatten();
        let sequences = compared.distinct.iter().zip(mixes).zip(counts).enumerate();
        let mut trajectories: Vec<(usize, Trajectory<'_>)> = sequences
            .filter_map(|(place, ((sequence, mix), trials))| {
                Some((place, Trajectory::new(sequence, mix, trials).ok()?))
            })
            .collect();
        // Sums of floating point numbers depend on their order, which is not to be that of the trials.
        trajectories.sort_unstable_by_key(|(_, trajectory)| trajectory.sequence);
        let (mut all, mut successes) = (Sums::default(), Sums::default());
        for (index, (place, first)) in trajectories.iter().enumerate() {
            all.alike(first.trials.0);
            successes.alike(first.trials.1);
            for (other, second) in &trajectories[index + 1..] {
                let similarities = first.similarities(second, compared.distances.between(*place, *other));
                all.add(first.trials.0 * second.trials.0, &similarities);
                successes.add(first.trials.1 * second.trials.1, &similarities);
            }
        }
        Self { all: all.alike_of_pairs(), successes: successes.alike_of_pairs() }
    }

    fn among(&self, among: Among) -> &Alike {
        match among {
            Among::All => &self.all,
            Among::Successes => &self.successes,
        }
    }
}

/// Sums of similarities over pairs of trials.
#[derive(Default)]
struct Sums {
    trials: u64,
    pairs: u64,
    totals: [f64; IDS.len()],
}

impl Sums {
    /// Adds trials that did exactly the same.
    fn alike(&mut self, trials: u64) {
        self.trials += trials;
        self.add(trials * trials.saturating_sub(1) / 2, &[1.0; IDS.len()]);
    }

    fn add(&mut self, pairs: u64, similarities: &[f64; IDS.len()]) {
        self.pairs += pairs;
        for (sum, similarity) in self.totals.iter_mut().zip(similarities) {
            *sum += pairs as f64 * similarity;
        }
    }

    fn alike_of_pairs(self) -> Alike {
        let means = self.totals.map(|sum| if self.pairs == 0 { 0.0 } else { sum / self.pairs as f64 });
        Alike { trials: self.trials, means }
    }
}

/// Returns the companions over all trials and over successes; none belongs into a short table.
pub(crate) fn measures(
    recorded: &Result<(), Reason>,
    companions: &[&TaskCompanions],
    context: &Context<'_>,
) -> Vec<Measure> {
    let mut measures = Vec::with_capacity(2 * IDS.len());
    for (place, id) in IDS.into_iter().enumerate() {
        for among in [Among::All, Among::Successes] {
            let value = recorded.clone().and_then(|()| estimate(companions, among, place, context));
            measures.push(Measure {
                granularity: Some(Granularity::Name),
                among: Some(among),
                headline: false,
                ..Measure::new(id, context.target(), value)
            });
        }
    }
    measures
}

fn estimate(
    companions: &[&TaskCompanions],
    among: Among,
    place: usize,
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let of_tasks = companions.iter().map(|task| task.among(among));
    let most = of_tasks.clone().map(|alike| alike.trials).max().unwrap_or(0);
    let used: Vec<&Alike> = of_tasks.filter(|alike| alike.trials > 1).collect();
    if used.is_empty() {
        return Err(Undefined::TooFewItems { have: most as usize, need: 2 }.into());
    }
    let values: Vec<f64> = used.iter().map(|alike| alike.means[place]).collect();
    let trials = used.iter().map(|alike| alike.trials).sum();
    estimators::mean_over_tasks(&values, trials, (0.0, 1.0), context)
}
