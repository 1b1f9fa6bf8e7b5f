//! Difficulty against run-to-run noise: how much of what differs between trials is the task, and how much is chance?
//!
//! The law of total variance, Var(y) = Var(pᵢ) + E pᵢ(1−pᵢ), and the one-way random-effects model behind the intraclass
//! correlation.

use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::variance::{BinaryVariance, OneWay};
use retrial_stats::{ClusterCounts, Counts, Method, Undefined, agreement, cluster, spread};
use schemars::JsonSchema;
use serde::Serialize;

use crate::estimators::{self, Context};
use crate::trials::{TaskTrials, Trial};
use crate::value::{Bounds, Estimate, Evidence, Finite, Interval, Known, Reason};
use crate::{Measure, MeasureId, Target};

/// The largest unbiased estimate of p(1 − p), that of one success in two.
const MOST_NOISE: f64 = 0.5;

/// Points of the grid of the correlation of trials within a task; finer in ρ than the one that success needs.
const GRID: (usize, usize) = (100, 100);

/// The success rate over all trials with its clustered standard errors, the reference that other tools show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ClusteredErrors {
    /// Passed of all graded trials, whatever their task.
    pub pooled: Finite,
    /// The binomial error of as many independent trials, for comparison: trials of a task are not independent.
    pub naive: Finite,
    /// The plain sandwich error.
    pub cr0: Finite,
    /// The same times √(T/(T−1)) for T tasks.
    pub cr1: Finite,
    /// The bias-reduced error.
    pub cr2: Finite,
    /// Its Satterthwaite degrees of freedom.
    pub cr2_df: Finite,
}

/// Returns the clustered standard errors of the pooled success rate.
pub(crate) fn clustered_errors(counts: &Result<ClusterCounts, Reason>) -> Known<ClusteredErrors> {
    let errors = counts.as_ref().map_err(Clone::clone).and_then(|counts| {
        let errors = cluster::clustered_errors(counts)?;
        Ok(ClusteredErrors {
            pooled: Finite::new(errors.pooled)?,
            naive: Finite::new(errors.naive)?,
            cr0: Finite::new(errors.cr0)?,
            cr1: Finite::new(errors.cr1)?,
            cr2: Finite::new(errors.cr2)?,
            cr2_df: Finite::new(errors.cr2_df)?,
        })
    });
    errors.into()
}

/// Returns the pooled success rate with the bias-reduced clustered interval, the plain one beside it.
pub(crate) fn pooled(counts: &Result<ClusterCounts, Reason>, context: &Context<'_>) -> Measure {
    let value = counts.as_ref().map_err(Clone::clone).and_then(|counts| {
        let point = counts.pooled().rate()?;
        let mut estimate =
            Estimate::new(point, estimators::evidence(counts), context.target(), reduced(counts, context))?;
        if context.target() == Target::Population && counts.len() > 1 {
            estimate.beside = vec![Bounds::from(plain(counts, context))];
        }
        Ok(estimate)
    });
    Measure { headline: false, ..Measure::new(MeasureId::PooledSuccessRate, context.target(), value) }
}

fn reduced(counts: &ClusterCounts, context: &Context<'_>) -> Result<Interval, Reason> {
    let errors = cluster::clustered_errors(counts)?;
    let half = context.level.t(errors.cr2_df)? * errors.cr2;
    sandwich(errors.pooled, half, Method::ClusteredCr2, context)
}

fn plain(counts: &ClusterCounts, context: &Context<'_>) -> Result<Interval, Reason> {
    let errors = cluster::clustered_errors(counts)?;
    sandwich(errors.pooled, context.level.z() * errors.cr0, Method::ClusteredCr0, context)
}

fn sandwich(point: f64, half: f64, method: Method, context: &Context<'_>) -> Result<Interval, Reason> {
    if context.target() == Target::FixedSuite {
        return Err(Reason::NOT_FOR_TARGET);
    }
    if half <= 1e-15 {
        return Err(Undefined::ZeroVariance.into());
    }
    let interval = retrial_stats::Interval::new((point - half).max(0.0), (point + half).min(1.0))
        .map_err(|_| Reason::from(Undefined::NotFinite))?;
    Interval::new(interval, context.level, method)
}

/// Returns the parts of the variance of outcomes, and of the logarithms of tokens.
pub(crate) fn measures(
    counts: &Result<ClusterCounts, Reason>,
    tasks: &[TaskTrials<'_>],
    context: &Context<'_>,
) -> Vec<Measure> {
    let repeated = counts.as_ref().map_err(Clone::clone).and_then(repeated);
    let of_outcomes = |value: fn(&ClusterCounts, &Context<'_>) -> Result<Estimate, Reason>| {
        repeated.as_ref().map_err(Clone::clone).and_then(|counts| value(counts, context))
    };
    let tokens = log_tokens(tasks);
    let of_tokens = |value: fn(&[Vec<f64>], &Context<'_>) -> Result<Estimate, Reason>| {
        tokens.as_ref().map_err(Clone::clone).and_then(|logs| value(logs, context))
    };
    let measures = [
        (MeasureId::DifficultyVariance, false, of_outcomes(between)),
        (MeasureId::NoiseVariance, false, of_outcomes(within)),
        (MeasureId::DifficultyShare, true, of_outcomes(|counts, context| share(counts, false, context))),
        (MeasureId::NoiseShare, true, of_outcomes(|counts, context| share(counts, true, context))),
        (MeasureId::OutcomeIcc, false, of_outcomes(outcome_icc)),
        (MeasureId::TokenDifficultyShare, false, of_tokens(token_share)),
        (MeasureId::TokenIcc, false, of_tokens(icc)),
    ];
    let shown = |(id, headline, value)| Measure { headline, ..Measure::new(id, context.target(), value) };
    measures.map(shown).into()
}

/// The tasks with at least two graded trials: a single one says nothing of noise.
fn repeated(counts: &ClusterCounts) -> Result<ClusterCounts, Reason> {
    let used: Vec<Counts> = counts.groups().iter().copied().filter(|task| task.total() > 1).collect();
    if used.is_empty() {
        return Err(Undefined::TooFewItems { have: 1, need: 2 }.into());
    }
    ClusterCounts::new(used).map_err(|_| Undefined::Empty.into())
}

/// The variance of the tasks' success probabilities, raw.
fn between(counts: &ClusterCounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let parts = BinaryVariance::new(counts)?;
    Estimate::new(parts.between, estimators::evidence(counts), context.target(), Err(Reason::NO_METHOD))
}

/// The mean over tasks of the unbiased p(1 − p), a quarter of what consistency lacks to 1.
fn within(counts: &ClusterCounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let noise = |&task: &Counts| Ok((1.0 - agreement::outcome_consistency(task)?) / 4.0);
    let values = counts.groups().iter().map(noise).collect::<Result<Vec<f64>, Undefined>>()?;
    estimators::mean_over_tasks(&values, counts.total(), (0.0, MOST_NOISE), context)
}

/// The share of the variance that difficulty makes, or that noise makes: the one is 1 less the other.
///
/// In the beta-binomial model the share of difficulty is the correlation ρ of trials within a task, whose posterior gives the
/// interval.
fn share(counts: &ClusterCounts, of_noise: bool, context: &Context<'_>) -> Result<Estimate, Reason> {
    let turned = |share: f64| if of_noise { 1.0 - share } else { share };
    let difficulty = BinaryVariance::new(counts)?.share_between()?;
    let interval = match context.target() {
        Target::Population => GridPosterior::with_grid(counts, GRID.0, GRID.1)
            .map_err(Reason::from)
            .map(|grid| grid.rho_interval(context.level).hull(difficulty))
            .and_then(|rho| {
                let (low, high) = (turned(rho.low()), turned(rho.high()));
                retrial_stats::Interval::new(low.min(high), low.max(high))
                    .map_err(|_| Undefined::NotFinite.into())
            })
            .and_then(|interval| Interval::new(interval, context.level, Method::BetaBinomialGrid)),
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
    };
    Estimate::new(turned(difficulty), estimators::evidence(counts), context.target(), interval)
}

fn outcome_icc(counts: &ClusterCounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let outcomes = |task: &Counts| {
        let passed = std::iter::repeat_n(1.0, task.successes() as usize);
        passed.chain(std::iter::repeat_n(0.0, task.failures() as usize)).collect()
    };
    icc(&counts.groups().iter().map(outcomes).collect::<Vec<Vec<f64>>>(), context)
}

/// The intraclass correlation of values, raw, with the F interval where tasks have as many trials each.
fn icc(values: &[Vec<f64>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let table = OneWay::new(values)?;
    let point = table.correlation()?;
    let interval = match context.target() {
        Target::Population => table
            .correlation_interval(context.level)
            .map_err(Reason::from)
            .and_then(|interval| Interval::new(interval.hull(point), context.level, Method::AnovaF)),
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
    };
    Estimate::new(point, evidence(values), context.target(), interval)
}

fn token_share(logs: &[Vec<f64>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let share = OneWay::new(logs)?.share_between()?;
    Estimate::new(share, evidence(logs), context.target(), Err(Reason::NO_METHOD))
}

fn evidence(values: &[Vec<f64>]) -> Evidence {
    Evidence { trials: values.iter().map(|task| task.len() as u64).sum(), tasks: values.len() as u64 }
}

/// Logarithms of the known tokens of each task that has any.
fn log_tokens(tasks: &[TaskTrials<'_>]) -> Result<Vec<Vec<f64>>, Reason> {
    if tasks.iter().all(|task| task.trials.is_empty()) {
        return Err(Reason::NO_TRIALS);
    }
    let tokens = |task: &TaskTrials<'_>| -> Vec<f64> {
        task.ran().filter_map(|trial: &Trial| trial.tokens).map(|tokens| tokens as f64).collect()
    };
    let known: Vec<Vec<f64>> = tasks.iter().map(tokens).filter(|task| !task.is_empty()).collect();
    if known.is_empty() {
        return Err(Reason::NOT_RECORDED);
    }
    Ok(known.iter().map(|task| spread::logarithms(task)).collect::<Result<_, _>>()?)
}
