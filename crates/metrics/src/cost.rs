//! What a success costs: all money spent, failures included, for each trial that passed.

use retrial_stats::Method;
use retrial_stats::compare::Pair;
use retrial_stats::compare::ratio::ratio_of_means;

use crate::estimators::Context;
use crate::trials::TaskTrials;
use crate::value::{Bounds, Estimate, Evidence, Interval, Reason};
use crate::{Measure, MeasureId, Target};

/// Returns the cost per success, Σ cost / Σ passed over graded trials whose cost is known.
///
/// The interval is that of a ratio of sums over tasks, linearised, with Fieller's beside it.
pub(crate) fn measure(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Measure {
    Measure::new(MeasureId::CostPerSuccess, context.target(), estimate(tasks, context))
}

fn estimate(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Result<Estimate, Reason> {
    if tasks.iter().all(|task| task.trials.is_empty()) {
        return Err(Reason::NO_TRIALS);
    }
    let (mut sums, mut trials) = (Vec::new(), 0);
    for task in tasks {
        let known: Vec<(u64, bool)> =
            task.graded().filter_map(|trial| Some((trial.cost_usd_micros?, trial.is_passed()))).collect();
        if !known.is_empty() {
            let cost: f64 = known.iter().map(|(cost, _)| *cost as f64).sum();
            let passed = known.iter().filter(|(_, passed)| *passed).count();
            sums.push(Pair { first: cost, second: passed as f64 });
            trials += known.len() as u64;
        }
    }
    if tasks.iter().all(|task| task.graded().next().is_none()) {
        return Err(Reason::NO_GRADED_TRIALS);
    }
    if sums.is_empty() {
        return Err(Reason::NOT_RECORDED);
    }
    if sums.iter().all(|sum| sum.second <= 0.0) {
        return Err(Reason::NO_SUCCESSES);
    }
    ratio(&sums, trials, context)
}

/// Returns Σ first / Σ second over tasks, of so many trials.
pub(crate) fn ratio(sums: &[Pair<f64>], trials: u64, context: &Context<'_>) -> Result<Estimate, Reason> {
    let ratio = ratio_of_means(sums, context.level)?;
    let is_flat = ratio.estimate.standard_error.is_none_or(|error| error <= 1e-12 * ratio.estimate.point);
    let shown = |interval: Result<Interval, Reason>| match context.target() {
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
        Target::Population if is_flat && sums.len() > 1 => Err(retrial_stats::Undefined::ZeroVariance.into()),
        Target::Population => interval,
    };
    let range = (0.0, f64::MAX);
    let linear = shown(Interval::of(&ratio.estimate, range));
    let fieller = ratio
        .fieller
        .map_err(Reason::from)
        .and_then(|interval| Interval::new(interval.clamp(range.0, range.1), context.level, Method::Fieller));
    let n = Evidence { trials, tasks: sums.len() as u64 };
    let mut estimate = Estimate::new(ratio.estimate.point, n, context.target(), linear)?;
    if context.target() == Target::Population && sums.len() > 1 {
        estimate.beside = vec![Bounds::from(shown(fieller))];
    }
    Ok(estimate)
}
