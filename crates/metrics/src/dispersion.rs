//! Companions of the spread: the same question asked without logarithms and without trusting the largest values.
//!
//! Each is computed within a task and averaged over tasks.

use retrial_stats::quantile::Sorted;
use retrial_stats::{Method, Undefined, spread};

use crate::estimators::{self, Context};
use crate::resources::{Amounts, FEWEST_FOR_P95};
use crate::value::{Estimate, Interval, Reason};
use crate::{Measure, MeasureId, Resource, Target};

/// Vangel's interval of a coefficient of variation is good below this value.
const VANGEL_LIMIT: f64 = 0.33;

/// A statistic of one task's amounts, with its smallest value.
type Statistic = (MeasureId, f64, fn(&Sorted) -> Result<f64, Undefined>);

const STATISTICS: [Statistic; 5] = [
    (MeasureId::Variation, 0.0, |sorted| spread::coefficient_of_variation(sorted.values())),
    (MeasureId::RobustVariation, 0.0, spread::robust_coefficient_of_variation),
    (MeasureId::QuartileDispersion, 0.0, spread::quartile_coefficient),
    (MeasureId::MaxOverMin, 1.0, spread::max_over_min),
    (MeasureId::TailRatio, 1.0, spread::tail_ratio),
];

/// Returns the companions for one resource.
pub(crate) fn measures(
    resource: Resource,
    amounts: &Result<Amounts, Reason>,
    context: &Context<'_>,
) -> Vec<Measure> {
    let measure = |statistic: Statistic| {
        let value =
            amounts.as_ref().map_err(Clone::clone).and_then(|amounts| estimate(amounts, statistic, context));
        let caution = caution(statistic.0, amounts.as_deref().unwrap_or_default(), &value);
        Measure {
            resource: Some(resource),
            headline: false,
            caution,
            ..Measure::new(statistic.0, context.target(), value)
        }
    };
    STATISTICS.map(measure).into()
}

fn repeated(amounts: &[Vec<f64>]) -> impl Iterator<Item = &Vec<f64>> {
    amounts.iter().filter(|task| task.len() > 1)
}

fn estimate(
    amounts: &[Vec<f64>],
    (id, floor, statistic): Statistic,
    context: &Context<'_>,
) -> Result<Estimate, Reason> {
    let value = |task: &Vec<f64>| statistic(&Sorted::new(task)?);
    let values = repeated(amounts).map(value).collect::<Result<Vec<f64>, Undefined>>()?;
    if values.is_empty() {
        return Err(Undefined::TooFewItems { have: 1, need: 2 }.into());
    }
    let trials = repeated(amounts).map(|task| task.len() as u64).sum();
    let is_alone = id == MeasureId::Variation && context.target() == Target::FixedSuite && values.len() == 1;
    if is_alone {
        let n = crate::Evidence { trials, tasks: 1 };
        let interval = spread::vangel_interval(values[0], trials as usize, context.level)
            .map_err(Reason::from)
            .and_then(|interval| Interval::new(interval.hull(values[0]), context.level, Method::Vangel));
        return Estimate::new(values[0], n, context.target(), interval);
    }
    if id == MeasureId::QuartileDispersion {
        return estimators::mean_over_tasks(&values, trials, (0.0, 1.0), context);
    }
    estimators::mean_above(&values, trials, floor, context)
}

/// What a reader should know of the number, where there is one.
fn caution(id: MeasureId, amounts: &[Vec<f64>], value: &Result<Estimate, Reason>) -> Option<Reason> {
    let estimate = value.as_ref().ok()?;
    let has_vangel = estimate.interval.interval().is_some_and(|interval| interval.method.is(Method::Vangel));
    match id {
        MeasureId::TailRatio if repeated(amounts).any(|task| task.len() < FEWEST_FOR_P95) => {
            Some(Reason::FEW_FOR_TAIL)
        }
        MeasureId::Variation if has_vangel && estimate.point.value() >= VANGEL_LIMIT => {
            Some(Reason::WIDE_FOR_VANGEL)
        }
        _ => None,
    }
}
