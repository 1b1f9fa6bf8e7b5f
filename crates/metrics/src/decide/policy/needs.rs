//! What would decide a measure that is open: more trials, more tasks, and at what price.

use retrial_stats::calibration::brier::brier;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::{ClusterCounts, Counts, Forecast, Level, Undefined, moments, power, special, spread};
use schemars::JsonSchema;
use serde::Serialize;

use super::drafts::{Both, outcomes};
use super::measures::worsening;
use crate::decide::contrast::amounts;
use crate::decide::pairing::Reading;
use crate::decide::{Aspect, Contrast, GateRule, Pairing, Scale};
use crate::entrant::{Entrant, EntrantTask};
use crate::value::{Finite, Reason};
use crate::{confidence, success};

/// Why nothing is said of a run that may stop: how long it goes on is not for whoever starts it to say.
const MAY_STOP: Reason = Reason::fixed(
    "may_stop",
    "a run with a stopping rule goes on until the rule is settled or its rounds are over",
);
/// A distance that is none but for rounding.
const NO_DISTANCE: f64 = 1e-9;
/// Why nothing would decide.
const AT_LIMIT: Reason =
    Reason::fixed("at_limit", "what was observed lies exactly between what passes and what fails");

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
    // What is all but impossible to show takes more trials than can be counted together.
    let trials: f64 = side.tasks.iter().map(|task| lacking(task) as f64).sum();
    Some(mean * trials / 1e6)
}

/// What is to be shown, and how surely.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    pub(super) rule: GateRule,
    /// How many measures Holm's procedure has not rejected, at least one: it is among so many that the next one has to be shown to be
    /// worse.
    pub(super) left: usize,
}

/// One way to decide a measure: to show it away from something at a distance.
#[derive(Debug, Clone, Copy)]
struct Way {
    distance: f64,
    /// The confidence of the one-sided bound that has to show it.
    confidence: f64,
}

impl Goal {
    pub(super) fn alpha(self) -> f64 {
        1.0 - self.rule.confidence
    }

    /// To show it away from the limit, which passes, and away from no change, which fails once Holm lets it.
    fn ways(self, worse: f64, margin: f64) -> impl Iterator<Item = Way> {
        let pass = Way { distance: margin - worse, confidence: self.rule.confidence };
        let fail = Way { distance: worse, confidence: 1.0 - self.alpha() / self.left as f64 };
        [pass, fail].into_iter().filter(|way| way.distance > NO_DISTANCE)
    }
}

/// Returns what would decide a measure with the rule's power, whichever way takes less, if the observed difference were the true one.
pub(super) fn needed(aspect: Aspect, contrast: &Contrast, margin: f64, both: Both<'_>, goal: Goal) -> Needed {
    if both.may_stop {
        return Needed::Undefined(MAY_STOP);
    }
    let Some(found) = contrast.value.estimate() else { return Needed::Undefined(Reason::NO_INTERVAL) };
    let margin = if contrast.scale == Scale::Ratio { margin.ln_1p() } else { margin };
    let ways = goal.ways(worsening(contrast, found.point.value()), margin);
    let design = if aspect == Aspect::Success { Some(design(both)) } else { None };
    let of_way = |way| {
        let needed = match &design {
            Some(Ok(design)) => of_success(way, *design, both, goal.rule),
            Some(Err(reason)) => Err(reason.clone()),
            None => of_contrast(aspect, contrast, way, both, goal.rule),
        };
        needed.unwrap_or_else(Needed::Undefined)
    };
    let by_effort = |needed: &Needed| match needed {
        Needed::Trials { of_each_task, .. } => (0, *of_each_task),
        Needed::MoreTasks { tasks } => (1, *tasks),
        Needed::Undefined(_) => (2, 0),
    };
    ways.map(of_way).min_by_key(by_effort).unwrap_or(Needed::Undefined(AT_LIMIT))
}

/// The mean success rate and the correlation of trials over tasks, by the beta-binomial posterior of both sides together, so that a suite
/// in which nothing varied by chance does not look free of noise.
fn design(both: Both<'_>) -> Result<power::Design, Reason> {
    let pairing = Pairing::new(&outcomes(both.candidate), &outcomes(both.baseline));
    let pairs = pairing.map_err(|_| Reason::NO_GRADED_TRIALS)?.counts(Reading::Plain)?;
    let sides = pairs.pairs().into_iter().map(|pair| {
        let (a, b) = (pair.first, pair.second);
        Counts::new(a.successes().saturating_add(b.successes()), a.total().saturating_add(b.total()))
    });
    let sides = sides.collect::<Result<Vec<Counts>, _>>().map_err(|_| Undefined::OutOfDomain)?;
    let posterior = GridPosterior::new(&ClusterCounts::new(sides).map_err(|_| Undefined::Empty)?)?;
    Ok(power::Design::new(posterior.mean_mu(), posterior.mean_rho(), 1)?)
}

/// Trials that show the success rate.
fn of_success(way: Way, design: power::Design, both: Both<'_>, rule: GateRule) -> Result<Needed, Reason> {
    let tasks = both.candidate.tasks.len() as u64;
    let Way { distance, confidence } = way;
    let trials = power::fixed_groups_items_needed(design, tasks, distance, confidence, rule.power)?;
    Ok(Needed::of_trials(trials.max(fewest(both).saturating_add(1)), both))
}

/// What shows a measure other than success.
///
/// With S the standard error of the contrast and d the distance, a one-sided test of the way's confidence has the rule's power where
/// S² = (d / (z₁ + z₂))². The noise of trials within tasks is inversely proportional to their number; what else S² has is between
/// tasks, and no number of trials brings it down.
fn of_contrast(
    aspect: Aspect,
    contrast: &Contrast,
    way: Way,
    both: Both<'_>,
    rule: GateRule,
) -> Result<Needed, Reason> {
    let found = contrast.value.estimate().ok_or(Reason::NO_INTERVAL)?;
    let interval = found.interval.interval().ok_or(Reason::NO_INTERVAL)?;
    let low = worsening(contrast, interval.low.value());
    let high = worsening(contrast, interval.high.value());
    let is_student = matches!(aspect, Aspect::Brier | Aspect::Spread(_) | Aspect::Amount(_));
    let tasks = both.candidate.tasks.len() as f64;
    let quantile = |confidence: f64| -> Result<f64, Reason> {
        let level = Level::from_one_sided(confidence).map_err(|_| Reason::NO_INTERVAL)?;
        Ok(if is_student { level.t(tasks - 1.0)? } else { level.z() })
    };
    let variance = ((high - low).abs() / 2.0 / quantile(rule.confidence)?).powi(2);
    let wanted = (way.distance / (quantile(way.confidence)? + special::normal_quantile(rule.power)?)).powi(2);
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

/// The fewest graded trials of a task on a side.
fn fewest(both: Both<'_>) -> u64 {
    let graded = |task: &EntrantTask| success::task_counts(&task.view()).total();
    both.candidate.tasks.iter().chain(&both.baseline.tasks).map(graded).min().unwrap_or(0)
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
