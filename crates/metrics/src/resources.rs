//! Tokens, working time, money and steps: how much a trial takes, and how much that differs between trials of one task.
//!
//! Amounts of trials in which the agent ran. Waiting for rate limits and queues is not working time.

use retrial_stats::quantile::Sorted;
use retrial_stats::{Method, Undefined, spread};

use crate::estimators::Context;
use crate::trials::{TaskTrials, Trial};
use crate::value::{Estimate, Evidence, Interval, Reason};
use crate::{Measure, MeasureId, Resource, Target, Unit, dispersion};

/// Below this number of trials a 95 % quantile is little but the largest value.
pub(crate) const FEWEST_FOR_P95: usize = 20;

/// Known amounts of each task that has any.
pub(crate) type Amounts = Vec<Vec<f64>>;

/// A resource with the unit and the known amounts that its measures are computed from.
pub(crate) type OfResource = (Resource, Unit, Result<Amounts, Reason>);

/// A resource with its measures and where a trial's amount is found.
struct Kind {
    resource: Resource,
    /// None where most trials have none of it.
    spread: Option<MeasureId>,
    median: MeasureId,
    deviation: MeasureId,
    p95: MeasureId,
    /// Whether the median belongs into a short table.
    headline: bool,
    amount: fn(&Trial) -> Option<u64>,
}

const KINDS: [Kind; 6] = [
    Kind {
        resource: Resource::Tokens,
        spread: Some(MeasureId::TokenSpread),
        median: MeasureId::TokenMedian,
        deviation: MeasureId::TokenDeviation,
        p95: MeasureId::TokenP95,
        headline: true,
        amount: |trial| trial.tokens,
    },
    Kind {
        resource: Resource::Time,
        spread: Some(MeasureId::TimeSpread),
        median: MeasureId::TimeMedian,
        deviation: MeasureId::TimeDeviation,
        p95: MeasureId::TimeP95,
        headline: true,
        amount: |trial| trial.working_ms,
    },
    Kind {
        resource: Resource::ModelTime,
        spread: Some(MeasureId::ModelTimeSpread),
        median: MeasureId::ModelTimeMedian,
        deviation: MeasureId::ModelTimeDeviation,
        p95: MeasureId::ModelTimeP95,
        headline: false,
        amount: |trial| trial.model_ms,
    },
    Kind {
        resource: Resource::Waiting,
        spread: None,
        median: MeasureId::WaitingMedian,
        deviation: MeasureId::WaitingDeviation,
        p95: MeasureId::WaitingP95,
        headline: true,
        amount: |trial| trial.waiting_ms,
    },
    Kind {
        resource: Resource::Cost,
        spread: Some(MeasureId::CostSpread),
        median: MeasureId::CostMedian,
        deviation: MeasureId::CostDeviation,
        p95: MeasureId::CostP95,
        headline: true,
        amount: |trial| trial.cost_usd_micros,
    },
    Kind {
        resource: Resource::Steps,
        spread: Some(MeasureId::StepSpread),
        median: MeasureId::StepMedian,
        deviation: MeasureId::StepDeviation,
        p95: MeasureId::StepP95,
        headline: true,
        amount: |trial| trial.actions.as_ref().map(|actions| actions.len() as u64),
    },
];

/// Returns the row of a resource.
fn kind_of(resource: Resource) -> Result<&'static Kind, Reason> {
    KINDS.iter().find(|kind| kind.resource == resource).ok_or(Reason::NOT_RECORDED)
}

/// Returns the measure of how far the amounts of a resource lie apart within a task; for waiting, of which most trials have none, the
/// median absolute deviation.
pub(crate) fn spread_measure(resource: Resource) -> MeasureId {
    kind_of(resource).map_or(MeasureId::TimeSpread, |kind| kind.spread.unwrap_or(kind.deviation))
}

/// Returns the measure of how much of a resource a trial takes.
pub(crate) fn median_measure(resource: Resource) -> MeasureId {
    kind_of(resource).map_or(MeasureId::TimeMedian, |kind| kind.median)
}

/// Returns the spreads within tasks, pooled over tasks, with their companions, and the amounts themselves.
pub(crate) fn measures(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Vec<Measure> {
    KINDS.iter().flat_map(|kind| of_kind(tasks, kind, context)).collect()
}

/// Returns the amounts of each resource, in the order of [`Resource`].
pub(crate) fn all_amounts(tasks: &[TaskTrials<'_>], is_replayed: bool) -> impl Iterator<Item = OfResource> {
    KINDS.iter().map(move |kind| (kind.resource, kind.median.unit(), amounts(tasks, kind, is_replayed)))
}

/// Returns the known amounts of a resource, of each task that has any.
pub(crate) fn amounts_of(
    resource: Resource,
    tasks: &[TaskTrials<'_>],
    is_replayed: bool,
) -> Result<Amounts, Reason> {
    amounts(tasks, kind_of(resource)?, is_replayed)
}

fn of_kind(tasks: &[TaskTrials<'_>], kind: &Kind, context: &Context<'_>) -> Vec<Measure> {
    let amounts = amounts(tasks, kind, context.is_replayed);
    let value = |estimate: fn(&Amounts, &Context<'_>) -> Result<Estimate, Reason>| {
        amounts.as_ref().map_err(Clone::clone).and_then(|amounts| estimate(amounts, context))
    };
    let target = context.target();
    let measure = |id, headline, value| Measure { headline, ..Measure::new(id, target, value) };
    let mut measures = Vec::with_capacity(9);
    if let Some(spread) = kind.spread {
        let pooled = if kind.resource == Resource::Steps { pooled_spread_of_counts } else { pooled_spread };
        measures.push(measure(spread, true, value(pooled)));
        measures.extend(dispersion::measures(kind.resource, &amounts, context));
    }
    measures.push(measure(
        kind.median,
        kind.headline,
        value(|amounts, context| median(amounts, Sorted::median, context)),
    ));
    let deviation = value(|amounts, context| median(amounts, Sorted::median_absolute_deviation, context));
    measures.push(measure(kind.deviation, false, deviation));
    measures.push(measure(kind.p95, false, value(p95)));
    measures
}

/// Known amounts of each task that has any.
fn amounts(tasks: &[TaskTrials<'_>], kind: &Kind, is_replayed: bool) -> Result<Amounts, Reason> {
    let is_time = matches!(kind.resource, Resource::Time | Resource::ModelTime | Resource::Waiting);
    if is_replayed && is_time {
        return Err(Reason::REPLAYED);
    }
    let amounts: Amounts = tasks
        .iter()
        .map(|task| task.ran().filter_map(kind.amount).map(|amount| amount as f64).collect())
        .filter(|task: &Vec<f64>| !task.is_empty())
        .collect();
    if tasks.iter().all(|task| task.trials.is_empty()) {
        return Err(Reason::NO_TRIALS);
    }
    if amounts.is_empty() {
        return Err(Reason::NOT_RECORDED);
    }
    // Where no trial has an action nobody recorded them.
    let is_idle = kind.resource == Resource::Steps && amounts.iter().flatten().all(|&amount| amount <= 0.0);
    if is_idle { Err(Reason::NO_ACTIONS) } else { Ok(amounts) }
}

pub(crate) fn evidence<'a>(tasks: impl Iterator<Item = &'a Vec<f64>>) -> Evidence {
    tasks.fold(Evidence::default(), |n, task| Evidence {
        trials: n.trials + task.len() as u64,
        tasks: n.tasks + 1,
    })
}

fn pooled_spread(amounts: &Amounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let spread = spread::pooled_geometric_spread(amounts, context.level)?;
    let n = evidence(amounts.iter().filter(|task| task.len() > 1));
    let interval = if spread.log_deviation > 0.0 {
        Interval::of(&spread.deviation, (1.0, f64::INFINITY))
    } else {
        Err(Undefined::ZeroVariance.into())
    };
    Estimate::new(spread.deviation.point, n, context.target(), interval)
}

/// Small counts are not lognormal: the interval of the spread held the true value in 80 % of simulated runs only.
fn pooled_spread_of_counts(amounts: &Amounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let spread = spread::pooled_geometric_spread(amounts, context.level)?;
    let n = evidence(amounts.iter().filter(|task| task.len() > 1));
    Estimate::new(spread.deviation.point, n, context.target(), Err(Reason::NO_METHOD_FOR_COUNTS))
}

/// The median over tasks of a value of each task; as many independent values as tasks, so order statistics give an interval.
fn median(amounts: &Amounts, of_task: fn(&Sorted) -> f64, context: &Context<'_>) -> Result<Estimate, Reason> {
    let medians = amounts
        .iter()
        .map(|task| Sorted::new(task).map(|sorted| of_task(&sorted)))
        .collect::<Result<Vec<f64>, _>>()?;
    let sorted = Sorted::new(&medians)?;
    let interval = match context.target() {
        Target::Population => sorted
            .median_interval(context.level)
            .map_err(Reason::from)
            .and_then(|interval| Interval::new(interval, context.level, Method::OrderStatistics)),
        Target::FixedSuite => Err(Reason::NOT_FOR_TARGET),
    };
    Estimate::new(sorted.median(), evidence(amounts.iter()), context.target(), interval)
}

fn p95(amounts: &Amounts, context: &Context<'_>) -> Result<Estimate, Reason> {
    let p95 = p95_of_trials(&Sorted::new(&amounts.concat())?)?;
    Estimate::new(p95, evidence(amounts.iter()), context.target(), Err(Reason::NO_METHOD))
}

/// The 95 % quantile of the amounts of all trials.
pub(crate) fn p95_of_trials(amounts: &Sorted) -> Result<f64, Reason> {
    let trials = amounts.values().len();
    if trials < FEWEST_FOR_P95 {
        return Err(Reason::too_few_trials(trials, FEWEST_FOR_P95));
    }
    Ok(amounts.quantile(0.95))
}
