//! Tokens, working time and money: how much a trial takes, and how much that differs between trials of one task.
//!
//! Amounts of trials in which the agent ran. Waiting for rate limits and queues is not working time.

use retrial_stats::quantile::Sorted;
use retrial_stats::{Method, Undefined, spread};

use crate::estimators::Context;
use crate::trials::{TaskTrials, Trial};
use crate::value::{Estimate, Evidence, Interval, Reason};
use crate::{Measure, MeasureId, Target};

/// Below this number of trials a 95 % quantile is little but the largest value.
const FEWEST_FOR_P95: usize = 20;

/// An amount that every trial has, with its three measures.
struct Resource {
    spread: MeasureId,
    median: MeasureId,
    p95: MeasureId,
    amount: fn(&Trial) -> Option<u64>,
}

const RESOURCES: [Resource; 3] = [
    Resource {
        spread: MeasureId::TokenSpread,
        median: MeasureId::TokenMedian,
        p95: MeasureId::TokenP95,
        amount: |trial| trial.tokens,
    },
    Resource {
        spread: MeasureId::TimeSpread,
        median: MeasureId::TimeMedian,
        p95: MeasureId::TimeP95,
        amount: |trial| trial.working_ms,
    },
    Resource {
        spread: MeasureId::CostSpread,
        median: MeasureId::CostMedian,
        p95: MeasureId::CostP95,
        amount: |trial| trial.cost_usd_micros,
    },
];

/// Returns the spreads within tasks, pooled over tasks.
pub(crate) fn spreads(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Vec<Measure> {
    let measure = |resource: &Resource| {
        let value = amounts(tasks, resource, context).and_then(|amounts| pooled_spread(&amounts, context));
        Measure::new(resource.spread, context.target(), value)
    };
    RESOURCES.iter().map(measure).collect()
}

/// Returns medians and 95 % quantiles.
pub(crate) fn quantiles(tasks: &[TaskTrials<'_>], context: &Context<'_>) -> Vec<Measure> {
    let target = context.target();
    let mut measures = Vec::with_capacity(2 * RESOURCES.len());
    for resource in &RESOURCES {
        let amounts = amounts(tasks, resource, context);
        let median = amounts.clone().and_then(|amounts| median(&amounts, context));
        measures.push(Measure::new(resource.median, target, median));
        let p95 = amounts.and_then(|amounts| p95(&amounts, context));
        measures.push(Measure { headline: false, ..Measure::new(resource.p95, target, p95) });
    }
    measures
}

/// Known amounts of each task that has any.
fn amounts(
    tasks: &[TaskTrials<'_>],
    resource: &Resource,
    context: &Context<'_>,
) -> Result<Vec<Vec<f64>>, Reason> {
    if context.is_replayed && resource.median == MeasureId::TimeMedian {
        return Err(Reason::REPLAYED);
    }
    let amounts: Vec<Vec<f64>> = tasks
        .iter()
        .map(|task| task.ran().filter_map(resource.amount).map(|amount| amount as f64).collect())
        .filter(|task: &Vec<f64>| !task.is_empty())
        .collect();
    if tasks.iter().all(|task| task.trials.is_empty()) {
        return Err(Reason::NO_TRIALS);
    }
    if amounts.is_empty() { Err(Reason::NOT_RECORDED) } else { Ok(amounts) }
}

fn evidence<'a>(tasks: impl Iterator<Item = &'a Vec<f64>>) -> Evidence {
    tasks.fold(Evidence::default(), |n, task| Evidence {
        trials: n.trials + task.len() as u64,
        tasks: n.tasks + 1,
    })
}

fn pooled_spread(amounts: &[Vec<f64>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let spread = spread::pooled_geometric_spread(amounts, context.level)?;
    let n = evidence(amounts.iter().filter(|task| task.len() > 1));
    let interval = if spread.log_deviation > 0.0 {
        Interval::of(&spread.deviation, (1.0, f64::INFINITY))
    } else {
        Err(Undefined::ZeroVariance.into())
    };
    Estimate::new(spread.deviation.point, n, context.target(), interval)
}

/// The median over tasks of the tasks' medians; as many independent values as tasks, so order statistics give an interval.
fn median(amounts: &[Vec<f64>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let medians = amounts
        .iter()
        .map(|task| Sorted::new(task).map(|sorted| sorted.median()))
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

fn p95(amounts: &[Vec<f64>], context: &Context<'_>) -> Result<Estimate, Reason> {
    let n = evidence(amounts.iter());
    let all = amounts.concat();
    if all.len() < FEWEST_FOR_P95 {
        return Err(Reason::too_few_trials(all.len(), FEWEST_FOR_P95));
    }
    Estimate::new(Sorted::new(&all)?.quantile(0.95), n, context.target(), Err(Reason::NO_METHOD))
}
