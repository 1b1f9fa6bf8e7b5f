//! What would decide a measure that is open: more trials, more tasks, and at what price.

use retrial_stats::calibration::brier::brier;
use retrial_stats::{Forecast, Level, moments, special, spread};
use schemars::JsonSchema;
use serde::Serialize;

use super::measures::{Both, fewest, worsening};
use crate::decide::contrast::amounts;
use crate::decide::{Aspect, Contrast, GateRule, Scale};
use crate::entrant::{Entrant, EntrantTask};
use crate::value::{Finite, Reason};
use crate::{confidence, success};

/// What would decide with the policy's power, if the observed difference were the true one.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// Trials.
    Trials {
        /// Trials of each task on each side, those that there are included.
        of_each_task: u64,
        /// How many more that are than the task with the fewest has.
        more: u64,
        /// What they would cost in US dollars, at the mean cost of the trials of each side; only where costs are known.
        #[serde(skip_serializing_if = "Option::is_none")]
        price_usd: Option<Finite>,
    },
    /// Tasks: it is not the noise of trials that leaves it open, but that tasks differ.
    MoreTasks {
        /// Tasks in all.
        tasks: u64,
    },
    /// Nothing that is known.
    Undefined(Reason),
}

impl Needed {
    pub(super) fn of_trials(of_each_task: u64, both: Both<'_>) -> Self {
        let more = of_each_task.saturating_sub(fewest(both));
        let price = price(both.candidate, of_each_task).and_then(|candidate| {
            let baseline = price(both.baseline, of_each_task)?;
            Finite::new(candidate + baseline).ok()
        });
        Self::Trials { of_each_task, more, price_usd: price }
    }
}

/// What a side costs until each of its tasks has so many graded trials; none where no cost is known.
fn price(side: &Entrant, of_each_task: u64) -> Option<f64> {
    let costs =
        side.tasks.iter().flat_map(|task| task.trials.iter().filter_map(|trial| trial.cost_usd_micros));
    let costs: Vec<f64> = costs.map(|micros| micros as f64).collect();
    let mean = moments::mean(&costs).ok()?;
    let lacking =
        |task: &EntrantTask| of_each_task.saturating_sub(success::task_counts(&task.view()).total());
    let trials: u64 = side.tasks.iter().map(lacking).sum();
    Some(mean * trials as f64 / 1e6)
}

/// Returns what would decide a measure other than success.
///
/// With S the standard error of the contrast and d its distance from the farther of limit and no change, a one-sided test of the rule's
/// confidence has the rule's power where S² = (d / (z₁ + z₂))². The noise of trials within tasks is inversely proportional to
/// their number; what else S² has is between tasks, and no number of trials brings it down.
pub(super) fn needed(
    aspect: Aspect,
    contrast: &Contrast,
    margin: f64,
    both: Both<'_>,
    rule: GateRule,
) -> Needed {
    match needs(aspect, contrast, margin, both, rule) {
        Ok(needed) => needed,
        Err(reason) => Needed::Undefined(reason),
    }
}

fn needs(
    aspect: Aspect,
    contrast: &Contrast,
    margin: f64,
    both: Both<'_>,
    rule: GateRule,
) -> Result<Needed, Reason> {
    let found = contrast.value.estimate().ok_or(Reason::NO_INTERVAL)?;
    let interval = found.interval.interval().ok_or(Reason::NO_INTERVAL)?;
    let margin = if contrast.scale == Scale::Ratio { margin.ln_1p() } else { margin };
    let worse = worsening(contrast, found.point.value());
    let distance = (margin - worse).max(worse);
    let low = worsening(contrast, interval.low.value());
    let high = worsening(contrast, interval.high.value());
    let level = Level::from_one_sided(rule.confidence).map_err(|_| Reason::NO_INTERVAL)?;
    let is_student = matches!(aspect, Aspect::Brier | Aspect::Spread(_) | Aspect::Amount(_));
    let tasks = both.candidate.tasks.len() as f64;
    let quantile = if is_student { level.t(tasks - 1.0)? } else { level.z() };
    let variance = ((high - low).abs() / 2.0 / quantile).powi(2);
    let wanted = (distance / (quantile + special::normal_quantile(rule.power)?)).powi(2);
    if !(variance.is_finite() && wanted > 0.0) {
        return Err(Reason::NO_INTERVAL);
    }
    let have = fewest(both);
    let within = if is_student { noise(aspect, both).unwrap_or(0.0).min(variance) } else { variance };
    let between = variance - within;
    // Trials that bring it down by less than half are no way to decide.
    if wanted <= between * 1.05 || within <= 0.0 {
        let tasks = (tasks * variance / wanted).ceil();
        return Ok(Needed::MoreTasks { tasks: tasks.max(both.candidate.tasks.len() as f64 + 1.0) as u64 });
    }
    let trials = (have as f64 * within / (wanted - between)).ceil() as u64;
    Ok(Needed::of_trials(trials.max(have.saturating_add(1)), both))
}

/// The part of the contrast's variance that is the noise of trials within tasks.
fn noise(aspect: Aspect, both: Both<'_>) -> Option<f64> {
    let of_side = |side: &Entrant| -> Option<f64> {
        side.tasks.iter().map(|task| noise_of_task(aspect, task, side.is_replayed)).sum()
    };
    let tasks = both.candidate.tasks.len() as f64;
    Some((of_side(both.candidate)? + of_side(both.baseline)?) / (tasks * tasks))
}

/// The variance of a task's value by the noise of its trials, to first order.
fn noise_of_task(aspect: Aspect, task: &EntrantTask, is_replayed: bool) -> Option<f64> {
    let of = |values: &[f64]| -> Option<(f64, f64)> {
        Some((moments::variance(values).ok()?, values.len() as f64))
    };
    match aspect {
        Aspect::Amount(resource) => {
            let amounts = amounts(resource, task, is_replayed).ok()?;
            let (variance, n) = of(&amounts)?;
            Some(variance / n / moments::mean(&amounts).ok()?.powi(2))
        }
        Aspect::Spread(resource) => {
            let amounts = amounts(resource, task, is_replayed).ok()?;
            let (variance, n) = of(&spread::logarithms(&amounts).ok()?)?;
            Some(variance / (2.0 * (n - 1.0)))
        }
        Aspect::Brier => {
            let forecasts: Vec<Forecast> = confidence::forecasts(&[task.view()]).ok()?.concat();
            let scores: Vec<f64> =
                forecasts.iter().map(|&one| brier(&[one])).collect::<Result<_, _>>().ok()?;
            let (variance, n) = of(&scores)?;
            Some(variance / n)
        }
        _ => None,
    }
}
