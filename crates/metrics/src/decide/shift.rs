//! How far apart two sides are in a measure, from which intervals and p-values of any level follow.

use retrial_stats::compare::Pair;
use retrial_stats::compare::mover::{mover_difference, square_and_add};
use retrial_stats::compare::paired::PairedDifference;
use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::{ClusterCounts, Functional, Level, Method, Undefined, moments};

use super::contrast::{Aspect, Pairs};
use crate::entrant::EntrantTask;
use crate::paired::PairedCounts;
use crate::value::{Estimate, Interval, Reason};
use crate::{Settings, Target, confidence, success};

/// Steps of the search for a p-value among confidence levels.
const BISECTIONS: u32 = 40;

/// What is known of one side's function of success probabilities, for exactly its tasks.
pub(super) struct OfSide {
    point: f64,
    posterior: FixedGroupsPosterior,
}

impl OfSide {
    fn new(
        functional: Functional,
        values: impl Iterator<Item = f64>,
        counts: &ClusterCounts,
        seed: u64,
    ) -> Result<Self, Reason> {
        let point = moments::mean(&values.collect::<Vec<f64>>())?;
        Ok(Self { point, posterior: success::fixed_posterior(counts, &[functional], seed)? })
    }

    fn interval(
        &self,
        functional: Functional,
        level: Level,
    ) -> Result<(f64, retrial_stats::Interval), Reason> {
        Ok((self.point, self.posterior.estimate(functional, self.point, level).interval?))
    }
}

/// How far apart the sides are, from which bounds of any level follow.
pub(super) enum Shift {
    /// The mean of paired values.
    Student(Vec<Pair<f64>>),
    /// Two rates.
    Rates(PairedCounts),
    /// A function of the tasks' success probabilities, which each side has a posterior of.
    Posterior { functional: Functional, first: Box<OfSide>, second: Box<OfSide> },
}

impl Shift {
    pub(super) fn new(pairs: &Pairs<'_>, settings: &Settings) -> Result<Self, Reason> {
        if pairs.values.is_empty() {
            return Err(pairs.reason.clone().unwrap_or(Reason::NO_TRIALS));
        }
        let outcomes = |task: &EntrantTask| success::task_counts(&task.view());
        let is_fixed = settings.target == Target::FixedSuite;
        match pairs.aspect {
            Aspect::Success if is_fixed => Ok(Self::Rates(pairs.counts(outcomes)?)),
            Aspect::InvisibleFailures if is_fixed => {
                Ok(Self::Rates(pairs.counts(|task| confidence::invisible_counts(&task.view()))?))
            }
            Aspect::PassHatK(k) if is_fixed => Self::posterior(Functional::PassHat(k), pairs, settings.seed),
            Aspect::OutcomeConsistency if is_fixed => {
                Self::posterior(Functional::Consistency, pairs, settings.seed)
            }
            _ => Ok(Self::Student(pairs.values.clone())),
        }
    }

    fn posterior(functional: Functional, pairs: &Pairs<'_>, seed: u64) -> Result<Self, Reason> {
        let sides = pairs.counts(|task| success::task_counts(&task.view()))?;
        let values = &pairs.values;
        let first = OfSide::new(functional, values.iter().map(|pair| pair.first), &sides.first, seed)?;
        let second = OfSide::new(functional, values.iter().map(|pair| pair.second), &sides.second, seed)?;
        Ok(Self::Posterior { functional, first: Box::new(first), second: Box::new(second) })
    }

    /// The estimate as people read it.
    pub(super) fn estimate(
        &self,
        pairs: &Pairs<'_>,
        level: Level,
        settings: &Settings,
    ) -> Result<Estimate, Reason> {
        let scale = pairs.aspect.scale();
        let (point, interval) = self.at(level)?;
        let range = scale.range();
        let interval = interval.and_then(|(interval, method)| {
            let ends =
                retrial_stats::Interval::new(scale.shown(interval.low()), scale.shown(interval.high()))
                    .map_err(|_| Reason::from(Undefined::NotFinite))?;
            // An unbiased estimate may lie outside, and its interval holds it all the same.
            Interval::new(ends.clamp(range.0, range.1).hull(scale.shown(point)), level, method)
        });
        Estimate::new(scale.shown(point), pairs.evidence().0, settings.target, interval)
    }

    /// The point and the interval of a level, on the scale on which differences are taken.
    #[expect(clippy::type_complexity, reason = "an interval may be missing where there is a point")]
    fn at(&self, level: Level) -> Result<(f64, Result<(retrial_stats::Interval, Method), Reason>), Reason> {
        match self {
            Self::Student(values) => {
                let paired = PairedDifference::new(values, level)?;
                let interval = paired.t().and(paired.estimate.interval).map_err(Reason::from);
                Ok((paired.estimate.point, interval.map(|interval| (interval, Method::PairedT))))
            }
            Self::Rates(counts) => {
                let found = mover_difference(&counts.first, &counts.second, level)?;
                let interval = found.interval.map_err(Reason::from);
                Ok((found.point, interval.map(|interval| (interval, found.method))))
            }
            Self::Posterior { functional, first, second } => {
                let both = first.interval(*functional, level).and_then(|first| {
                    let second = second.interval(*functional, level)?;
                    Ok((square_and_add(first, second), Method::Mover))
                });
                Ok((first.point - second.point, both))
            }
        }
    }

    /// The one-sided p-value of "the candidate's value is not above the baseline's".
    pub(super) fn p_not_above(&self, level: Level) -> Result<f64, Reason> {
        match self {
            Self::Student(values) => Ok(PairedDifference::new(values, level)?.p_non_inferior(0.0)?),
            _ => self.smallest_level(|interval| interval.low() > 0.0),
        }
    }

    /// The one-sided p-value of "the candidate's value is not below the baseline's".
    pub(super) fn p_not_below(&self, level: Level) -> Result<f64, Reason> {
        match self {
            Self::Student(values) => {
                // The sides exchanged, since one minus the other tail loses all that is smaller than rounding.
                let turned = |pair: &Pair<f64>| Pair { first: pair.second, second: pair.first };
                let turned: Vec<Pair<f64>> = values.iter().map(turned).collect();
                Ok(PairedDifference::new(&turned, level)?.p_non_inferior(0.0)?)
            }
            _ => self.smallest_level(|interval| interval.high() < 0.0),
        }
    }

    /// The smallest error rate that can be told from 0: draws of a posterior know no smaller one.
    fn finest(&self) -> f64 {
        match self {
            Self::Student(_) | Self::Rates(_) => 1e-9,
            Self::Posterior { .. } => 1.0 / success::DRAWS as f64,
        }
    }

    /// The smallest one-sided error rate, from 1/2 down, at which the bound leaves 0 out; 1/2 stands for all above it.
    fn smallest_level(&self, is_out: impl Fn(retrial_stats::Interval) -> bool) -> Result<f64, Reason> {
        let out_at = |error: f64| -> Result<bool, Reason> {
            let level = Level::from_one_sided(1.0 - error).map_err(|_| Undefined::OutOfDomain)?;
            Ok(is_out(self.at(level)?.1?.0))
        };
        let (mut low, mut high) = (self.finest(), 0.499_999);
        if !out_at(high)? {
            return Ok(0.5);
        }
        if out_at(low)? {
            return Ok(low);
        }
        for _ in 0..BISECTIONS {
            // Levels are compared by their ratio, since small ones matter most.
            let middle = (low * high).sqrt();
            if out_at(middle)? { high = middle } else { low = middle }
        }
        Ok(high)
    }
}

/// Returns the two-sided p-value of "no difference" of two rates of exactly these tasks: the smallest level whose interval leaves 0 out.
pub(super) fn rates_p(counts: &PairedCounts, level: Level) -> Result<f64, Reason> {
    let shift = Shift::Rates(counts.clone());
    let (above, below) = (shift.p_not_above(level)?, shift.p_not_below(level)?);
    Ok((2.0 * above.min(below)).min(1.0))
}
