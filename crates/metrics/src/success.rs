//! Success and outcome consistency: everything that follows from passed and graded trials per task.

use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::{
    ClusterCounts, Counts, Functional, Method, Undefined, agreement, cluster, moments, passk, proportion,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::estimators::{self, Context, MANY_TASKS};
use crate::trials::TaskTrials;
use crate::value::{Estimate, Evidence, Finite, Interval, Reason};
use crate::{Measure, MeasureId, Target};

/// The values of `k` that a short table shows, as far as there are enough trials.
const TABLE_K: [u32; 4] = [1, 3, 5, 10];
/// Longest curve over `k`; beyond it the curve says nothing new.
const LONGEST_CURVE: u32 = 100;
/// Draws for the intervals of the fixed suite.
pub(crate) const DRAWS: usize = 2000;

/// The success rate if every trial that does not count had failed, and if every one had passed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct WorstCase {
    /// All of them fail.
    pub all_fail: Finite,
    /// All of them pass.
    pub all_pass: Finite,
    /// How many they are.
    pub excluded: u64,
}

/// Passed and graded trials of each task that has a graded trial.
pub(crate) fn outcome_counts(tasks: &[TaskTrials<'_>]) -> Result<ClusterCounts, Reason> {
    if tasks.iter().all(|task| task.trials.is_empty()) {
        return Err(Reason::NO_TRIALS);
    }
    let counts: Vec<Counts> = tasks.iter().map(task_counts).filter(|counts| counts.total() > 0).collect();
    if counts.is_empty() {
        return Err(Reason::NO_GRADED_TRIALS);
    }
    ClusterCounts::new(counts).map_err(|_| Reason::NO_GRADED_TRIALS)
}

/// Passed and graded trials of one task.
pub(crate) fn task_counts(task: &TaskTrials<'_>) -> Counts {
    let outcomes: Vec<bool> = task.graded().map(crate::trials::Trial::is_passed).collect();
    Counts::of(&outcomes)
}

/// Returns the band of the success rate over the trials that do not count; none where all count.
pub(crate) fn worst_case(tasks: &[TaskTrials<'_>]) -> Option<WorstCase> {
    let excluded: usize = tasks.iter().map(|task| task.trials.len() - task.graded().count()).sum();
    if excluded == 0 {
        return None;
    }
    let with = |passes: bool| {
        let tried = tasks.iter().filter(|task| !task.trials.is_empty());
        let rates: Vec<f64> = tried
            .map(|task| {
                let passed = task
                    .trials
                    .iter()
                    .filter(|trial| trial.is_passed() || (passes && !trial.is_graded()))
                    .count();
                passed as f64 / task.trials.len() as f64
            })
            .collect();
        moments::mean(&rates).map_err(Reason::from).and_then(Finite::new).ok()
    };
    Some(WorstCase { all_fail: with(false)?, all_pass: with(true)?, excluded: excluded as u64 })
}

/// Returns the measures of success, and outcome consistency.
pub(crate) fn measures(counts: &Result<ClusterCounts, Reason>, context: &Context<'_>) -> Vec<Measure> {
    let target = context.target();
    let counts = match counts {
        Ok(counts) => counts,
        Err(reason) => return undefined(reason, target),
    };
    let found = Outcomes::new(counts, longest_curve(counts), context);
    let success = found.success_rate();
    // One draw is the success rate, interval and all.
    let once = success.clone().map(|estimate| Estimate { beside: Vec::new(), ..estimate });
    let mut measures = vec![Measure::new(MeasureId::SuccessRate, target, success)];
    for (id, ..) in CURVES {
        measures.extend((1..=found.longest).map(|k| {
            let estimate = if k == 1 { once.clone() } else { found.curve(id, k) };
            let headline = TABLE_K.contains(&k);
            Measure { k: Some(k), headline, ..Measure::new(id, target, estimate) }
        }));
    }
    measures.extend(partition(counts, context));
    measures.push(Measure::new(MeasureId::OutcomeConsistency, target, found.consistency()));
    let entropy = each(counts, 2, agreement::entropy_bits_miller_madow)
        .and_then(|of| estimators::mean_above(&of.values, of.n.trials, 0.0, context));
    measures.push(Measure { headline: false, ..Measure::new(MeasureId::OutcomeEntropy, target, entropy) });
    measures
}

/// Outcomes with the model of their intervals: what success and outcome consistency are estimated by.
pub(crate) struct Outcomes<'a> {
    counts: &'a ClusterCounts,
    /// The largest `k` of the curves.
    longest: u32,
    model: Model,
    context: &'a Context<'a>,
}

impl<'a> Outcomes<'a> {
    /// Fits the model; curves can be asked for up to `longest`.
    pub(crate) fn new(counts: &'a ClusterCounts, longest: u32, context: &'a Context<'a>) -> Self {
        Self { counts, longest, model: Model::new(counts, longest, context), context }
    }

    /// Estimates the success rate, for the population with the reference intervals beside it.
    pub(crate) fn success_rate(&self) -> Result<Estimate, Reason> {
        let success = estimators::rate(self.counts, self.context);
        success.map(|estimate| with_references(estimate, self.counts, self.context))
    }

    /// Estimates a point of a curve from `k` = 2 on.
    pub(crate) fn curve(&self, id: MeasureId, k: u32) -> Result<Estimate, Reason> {
        let curve = CURVES.into_iter().find(|curve| curve.0 == id).ok_or(Undefined::OutOfDomain)?;
        let values = each(self.counts, 1, |task| curve.1(task, u64::from(k)))?;
        self.model.estimate(curve.2(k), &values, self.context)
    }

    /// Estimates outcome consistency.
    pub(crate) fn consistency(&self) -> Result<Estimate, Reason> {
        let values = each(self.counts, 2, agreement::outcome_consistency)?;
        self.model.estimate(Functional::Consistency, &values, self.context)
    }

    /// Returns the posterior interval of the model before the estimate is added to it; none where the model is no posterior, or does
    /// not know the functional.
    pub(crate) fn raw_posterior(&self, functional: Functional) -> Option<retrial_stats::Interval> {
        match &self.model {
            Model::Grid(grid) => Some(grid.summary(functional, self.context.level).interval),
            Model::Fixed(fixed) => Some(fixed.summary(functional, self.context.level).ok()?.interval),
            Model::Spread | Model::None(_) => None,
        }
    }
}

type Curve = (MeasureId, fn(Counts, u64) -> Result<f64, Undefined>, fn(u32) -> Functional);

const CURVES: [Curve; 2] = [
    (MeasureId::PassAtK, passk::pass_at_k, Functional::PassAt),
    (MeasureId::PassHatK, passk::pass_hat_k, Functional::PassHat),
];

fn undefined(reason: &Reason, target: Target) -> Vec<Measure> {
    let ids = [
        MeasureId::SuccessRate,
        MeasureId::PassAtK,
        MeasureId::PassHatK,
        MeasureId::AlwaysSolved,
        MeasureId::SometimesSolved,
        MeasureId::NeverSolved,
        MeasureId::OutcomeConsistency,
        MeasureId::OutcomeEntropy,
    ];
    let k = |id| matches!(id, MeasureId::PassAtK | MeasureId::PassHatK).then_some(1);
    let headline = |id| id != MeasureId::OutcomeEntropy;
    ids.map(|id| Measure {
        k: k(id),
        headline: headline(id),
        ..Measure::new(id, target, Err(reason.clone()))
    })
    .into()
}

/// The largest `k` of the curves: every task has at least so many graded trials.
fn longest_curve(counts: &ClusterCounts) -> u32 {
    let smallest = counts.smallest_group().unwrap_or(0);
    u32::try_from(smallest).unwrap_or(LONGEST_CURVE).min(LONGEST_CURVE)
}

/// Puts the population's reference intervals beside the default one.
fn with_references(mut estimate: Estimate, counts: &ClusterCounts, context: &Context<'_>) -> Estimate {
    if context.target() == Target::Population && counts.len() > 1 {
        estimate.beside = vec![clustered(counts, context).into(), effective(counts, context).into()];
    }
    estimate
}

/// Student's interval over tasks; equal to the bias-reduced clustered one where tasks have as many trials each.
fn clustered(counts: &ClusterCounts, context: &Context<'_>) -> Result<Interval, Reason> {
    let estimate = cluster::mean_rate_t(counts, context.level)?;
    if estimate.standard_error == Some(0.0) {
        return Err(Undefined::ZeroVariance.into());
    }
    Interval::of(&estimate, (0.0, 1.0))
}

fn effective(counts: &ClusterCounts, context: &Context<'_>) -> Result<Interval, Reason> {
    let wilson = cluster::effective_wilson(counts, context.level)?;
    Interval::of(&wilson.estimate, (0.0, 1.0))
}

/// A value of each task, with what they rest on.
struct TaskValues {
    values: Vec<f64>,
    n: Evidence,
}

/// Returns a value of each task with at least `fewest` graded trials.
fn each(
    counts: &ClusterCounts,
    fewest: u64,
    value: impl Fn(Counts) -> Result<f64, Undefined>,
) -> Result<TaskValues, Reason> {
    let used: Vec<Counts> = counts.groups().iter().copied().filter(|task| task.total() >= fewest).collect();
    if used.is_empty() {
        return Err(Undefined::TooFewItems { have: 1, need: fewest as usize }.into());
    }
    let values = used.iter().map(|&task| value(task)).collect::<Result<Vec<f64>, _>>()?;
    let trials = used.iter().map(|task| task.total()).sum();
    Ok(TaskValues { n: Evidence { trials, tasks: values.len() as u64 }, values })
}

/// Returns the posterior of functions of the success probabilities of exactly these tasks.
pub(crate) fn fixed_posterior(
    counts: &ClusterCounts,
    functionals: &[Functional],
    seed: u64,
) -> Result<FixedGroupsPosterior, Undefined> {
    drawn_posterior(counts, functionals, DRAWS, seed)
}

/// As [`fixed_posterior`], from so many draws: quantiles far out take more than the [`DRAWS`] of an interval.
pub(crate) fn drawn_posterior(
    counts: &ClusterCounts,
    functionals: &[Functional],
    draws: usize,
    seed: u64,
) -> Result<FixedGroupsPosterior, Undefined> {
    FixedGroupsPosterior::new(counts, &GridPosterior::new(counts)?, functionals, draws, seed)
}

/// The posterior that intervals of functions of the tasks' success probabilities come from.
enum Model {
    Grid(GridPosterior),
    /// Many tasks of a population: their own spread says enough.
    Spread,
    Fixed(FixedGroupsPosterior),
    None(Reason),
}

impl Model {
    fn new(counts: &ClusterCounts, longest: u32, context: &Context<'_>) -> Self {
        if context.target() == Target::Population && counts.len() >= MANY_TASKS {
            return Self::Spread;
        }
        let model = GridPosterior::new(counts).and_then(|grid| match context.target() {
            Target::Population => Ok(Self::Grid(grid)),
            Target::FixedSuite => {
                let mut functionals = vec![Functional::Consistency];
                functionals
                    .extend((1..=longest).flat_map(|k| [Functional::PassAt(k), Functional::PassHat(k)]));
                let seed = context.settings.seed;
                FixedGroupsPosterior::new(counts, &grid, &functionals, DRAWS, seed).map(Self::Fixed)
            }
        });
        model.unwrap_or_else(|reason| Self::None(reason.into()))
    }

    fn estimate(
        &self,
        functional: Functional,
        of: &TaskValues,
        context: &Context<'_>,
    ) -> Result<Estimate, Reason> {
        let point = moments::mean(&of.values)?;
        // One task's consistency ranges from −1, so that its mean is unbiased.
        let lowest = if functional == Functional::Consistency { -1.0 } else { 0.0 };
        let range = (lowest, 1.0);
        let interval = match self {
            Self::Grid(grid) => Interval::of(&grid.estimate(functional, point, context.level), range),
            Self::Fixed(fixed) => Interval::of(&fixed.estimate(functional, point, context.level), range),
            Self::Spread => estimators::bounded_interval(&of.values, range, context.level),
            Self::None(reason) => Err(reason.clone()),
        };
        Estimate::new(point, of.n, context.target(), interval)
    }
}

/// The shares of tasks always, sometimes and never solved, among tasks with at least two graded trials.
///
/// A share of few tasks is often near 0, where Wilson's interval covers too seldom; hence the exact one.
fn partition(counts: &ClusterCounts, context: &Context<'_>) -> Vec<Measure> {
    let used: Vec<Counts> = counts.groups().iter().copied().filter(|task| task.total() > 1).collect();
    let used = ClusterCounts::new(used).unwrap_or_default();
    let parts = used.partition();
    let share = |tasks: usize| -> Result<Estimate, Reason> {
        if used.is_empty() {
            return Err(Undefined::TooFewItems { have: 1, need: 2 }.into());
        }
        let of = Counts::new(tasks as u64, used.len() as u64).map_err(|_| Undefined::OutOfDomain)?;
        let interval = match context.target() {
            Target::Population => proportion::clopper_pearson(of, context.level)
                .map_err(Reason::from)
                .and_then(|interval| Interval::new(interval, context.level, Method::ClopperPearson)),
            Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
        };
        Estimate::new(of.rate()?, estimators::evidence(&used), context.target(), interval)
    };
    [
        (MeasureId::AlwaysSolved, parts.always),
        (MeasureId::SometimesSolved, parts.mixed),
        (MeasureId::NeverSolved, parts.never),
    ]
    .map(|(id, tasks)| Measure::new(id, context.target(), share(tasks)))
    .into()
}
