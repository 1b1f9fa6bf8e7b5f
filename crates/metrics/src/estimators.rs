//! Which estimator of `stats` serves which target: the choices that measures of all dimensions share.

use std::num::NonZeroUsize;

use retrial_spec::{Action, ActionKind};
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::{
    ClusterCounts, Counts, Functional, Level, Method, Undefined, cluster, moments, proportion,
};

use crate::value::{Estimate, Evidence, Interval, Reason};
use crate::{Settings, Target};

/// From this number of tasks on the population's intervals come from the tasks' own spread: a grid of 200 steps would be
/// coarser than the interval.
pub(crate) const MANY_TASKS: usize = 100;

/// What every measure needs to know besides the trials.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) level: Level,
    /// The action of each code.
    pub(crate) actions: &'a [Action],
    /// The kind of each action code.
    pub(crate) kinds: &'a [ActionKind],
    /// Whether the run was answered from a recording.
    pub(crate) is_replayed: bool,
    /// Whether a stopping rule could end the run by what its trials showed.
    pub(crate) may_stop: bool,
    /// How many threads may work on one scorecard.
    pub(crate) threads: NonZeroUsize,
}

impl<'a> Context<'a> {
    /// Returns the context of measures that look at no actions, in one thread.
    pub(crate) fn without_actions(settings: &'a Settings, level: Level) -> Self {
        Self {
            settings,
            level,
            actions: &[],
            kinds: &[],
            is_replayed: false,
            may_stop: false,
            threads: NonZeroUsize::MIN,
        }
    }

    pub(crate) fn target(&self) -> Target {
        self.settings.target
    }
}

/// Returns what counts of tasks rest on.
pub(crate) fn evidence(counts: &ClusterCounts) -> Evidence {
    Evidence { trials: counts.total(), tasks: counts.len() as u64 }
}

/// Estimates the mean over tasks of a share, with the default interval of the target.
pub(crate) fn rate(counts: &ClusterCounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let point = counts.mean_rate()?;
    let level = context.level;
    let estimate = match context.target() {
        Target::Population if counts.len() < MANY_TASKS => {
            GridPosterior::new(counts).map(|grid| grid.estimate(Functional::Mean, point, level))
        }
        Target::Population => cluster::effective_wilson(counts, level).map(|wilson| wilson.estimate),
        Target::FixedSuite => cluster::stratified_wilson(counts, level).map(|wilson| wilson.estimate),
    };
    let interval = estimate.map_err(Reason::from).and_then(|estimate| Interval::of(&estimate, (0.0, 1.0)));
    Estimate::new(point, evidence(counts), context.target(), interval)
}

/// Estimates the mean over tasks of values that cannot leave `range`, one value for each task.
///
/// The population's interval is that of [`bounded_interval`]. There is none for the fixed suite.
pub(crate) fn mean_over_tasks(
    values: &[f64],
    trials: u64,
    range: (f64, f64),
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let point = moments::mean(values)?;
    let interval = match context.target() {
        Target::Population => bounded_interval(values, range, context.level),
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
    };
    let n = Evidence { trials, tasks: values.len() as u64 };
    Estimate::new(point, n, context.target(), interval)
}

/// Estimates the mean over tasks of values that are at least `lowest` and have no upper bound, one value for each task.
///
/// The population's interval is Student's over tasks, cut off at `lowest`. Equal values have none, and neither has the fixed suite.
pub(crate) fn mean_above(
    values: &[f64],
    trials: u64,
    lowest: f64,
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let mean = moments::mean_t(values, context.level)?;
    let interval = match context.target() {
        Target::Population if mean.standard_error.is_some_and(|error| error <= 0.0) => {
            Err(Undefined::ZeroVariance.into())
        }
        Target::Population => Interval::of(&mean, (lowest, f64::MAX)),
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
    };
    let n = Evidence { trials, tasks: values.len() as u64 };
    Estimate::new(mean.point, n, context.target(), interval)
}

/// Returns the interval of the mean of values in `range`: Wilson on the effective size with the Student quantile.
///
/// Values scaled to [0, 1] with mean m and variance v of the mean count as m(1−m)/v trials. Near an edge of the range
/// this covers where Student's plain interval is too short on the far side (20 tasks of 10 trials at .98: 96 % against
/// 92 %); elsewhere the two agree, and this one never leaves the range.
///
/// Where all values lie on the same edge there is no variance, yet something is known: a value scaled to [0, 1] with mean
/// μ is 1 with probability μ at most, so T tasks all at 1 have probability μ^T at most, and the Clopper–Pearson interval
/// of T of T covers. Equal values elsewhere leave the interval undefined.
pub(crate) fn bounded_interval(
    values: &[f64],
    (low, high): (f64, f64),
    level: Level,
) -> Result<Interval, Reason> {
    let plain = moments::mean_t(values, level)?;
    plain.interval?;
    let (share, method) = match plain.standard_error {
        Some(error) if error > 0.0 => {
            let mean = (plain.point - low) / (high - low);
            let size = mean * (1.0 - mean) / (error / (high - low)).powi(2);
            let quantile = level.t(values.len() as f64 - 1.0)?;
            (proportion::wilson_effective(mean, size, quantile)?, Method::EffectiveWilson)
        }
        _ => (proportion::clopper_pearson(on_edge(values, low, high)?, level)?, Method::ClopperPearson),
    };
    let scale = |end: f64| low + end * (high - low);
    let interval = retrial_stats::Interval::new(scale(share.low()), scale(share.high()))
        .map_err(|_| Reason::from(Undefined::NotFinite))?;
    Interval::new(interval.hull(plain.point), level, method)
}

/// Counts equal values as successes where they lie on the upper edge, as failures where they lie on the lower one.
fn on_edge(values: &[f64], low: f64, high: f64) -> Result<Counts, Reason> {
    let tasks = values.len() as u64;
    let successes = if values.iter().all(|&value| value >= high) {
        tasks
    } else if values.iter().all(|&value| value <= low) {
        0
    } else {
        return Err(Undefined::ZeroVariance.into());
    };
    Counts::new(successes, tasks).map_err(|_| Undefined::OutOfDomain.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_are_all_perfect_get_an_exact_interval_and_not_one_without_width() {
        let interval = bounded_interval(&[1.0; 20], (0.0, 1.0), Level::P95).unwrap();
        assert!((interval.low.value() - 0.025_f64.powf(1.0 / 20.0)).abs() < 1e-9);
        assert!((interval.high.value() - 1.0).abs() < 1e-12);
        assert_eq!(interval.method.to_string(), "clopper_pearson");
        let wide = bounded_interval(&[1.0; 20], (-1.0, 1.0), Level::P95).unwrap();
        assert!((wide.low.value() - (2.0 * interval.low.value() - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn tasks_that_are_alike_within_the_range_have_no_interval() {
        let reason = bounded_interval(&[0.5; 4], (0.0, 1.0), Level::P95).unwrap_err();
        assert_eq!(reason.code(), "no_variance");
    }

    #[test]
    fn the_interval_stays_within_the_range_and_follows_its_scale() {
        let interval = bounded_interval(&[1.0, 0.9, 1.0], (0.0, 1.0), Level::P95).unwrap();
        assert_eq!(interval.method.to_string(), "effective_wilson_t");
        assert!(interval.high.value() <= 1.0);
        assert!(interval.low.value() < 0.9);
        let wide = bounded_interval(&[1.0, 0.8, 1.0], (-1.0, 1.0), Level::P95).unwrap();
        assert!((wide.low.value() - (2.0 * interval.low.value() - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn far_from_the_edges_the_interval_is_close_to_students() {
        let values = [0.4, 0.5, 0.6, 0.5, 0.45, 0.55];
        let plain = moments::mean_t(&values, Level::P95).unwrap().interval.unwrap();
        let interval = bounded_interval(&values, (0.0, 1.0), Level::P95).unwrap();
        assert!((interval.low.value() - plain.low()).abs() < 0.01);
        assert!((interval.high.value() - plain.high()).abs() < 0.01);
    }
}
