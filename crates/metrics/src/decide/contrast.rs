//! One measure of two sides, task by task: how far apart they are, and how sure that is.

use std::collections::BTreeMap;

use retrial_spec::TaskName;
use retrial_stats::calibration::brier::brier;
use retrial_stats::compare::Pair;
use retrial_stats::compare::mover::square_and_add;
use retrial_stats::compare::paired::PairedDifference;
use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::{
    ClusterCounts, Counts, Functional, Level, Method, Undefined, agreement, moments, passk, spread,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::entrant::{Entrant, EntrantTask};
use crate::paired::PairedCounts;
use crate::value::{Estimate, Evidence, Interval, Number, Reason, Value};
use crate::{Better, MeasureId, MetricsError, Resource, Settings, Target, confidence, resources, success};

/// Steps of the search for a p-value among confidence levels.
const BISECTIONS: u32 = 40;

/// What is compared of two sides: a measure that has a value for each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// The share of trials that pass.
    Success,
    /// The probability that all of so many trials pass.
    PassHatK(u32),
    /// How surely two trials end alike.
    OutcomeConsistency,
    /// How alike the mixes of actions of two trials are.
    ActionMix,
    /// How alike the orders of actions of two trials are.
    ActionOrder,
    /// How far the amounts of a resource lie apart between trials: the standard deviation of their logarithms.
    Spread(Resource),
    /// The mean squared distance of the stated confidence from what happened.
    Brier,
    /// The share of trials that failed and were claimed as done.
    InvisibleFailures,
    /// The mean amount of a resource that a trial takes.
    Amount(Resource),
}

impl Aspect {
    /// Returns the measure of a scorecard that it belongs to.
    pub fn measure(self) -> MeasureId {
        match self {
            Self::Success => MeasureId::SuccessRate,
            Self::PassHatK(_) => MeasureId::PassHatK,
            Self::OutcomeConsistency => MeasureId::OutcomeConsistency,
            Self::ActionMix => MeasureId::ActionMixConsistency,
            Self::ActionOrder => MeasureId::ActionOrderConsistency,
            Self::Spread(resource) => resources::spread_measure(resource),
            Self::Brier => MeasureId::Brier,
            Self::InvisibleFailures => MeasureId::InvisibleOfTrials,
            Self::Amount(resource) => resources::median_measure(resource),
        }
    }

    /// Returns its name for tables.
    pub fn label(self) -> String {
        match self {
            Self::PassHatK(k) => self.measure().label_with(Some(k)),
            Self::Amount(resource) => format!("{} per trial", resource.label()),
            _ => self.measure().label().to_owned(),
        }
    }

    /// Returns how two sides are set against each other.
    pub fn scale(self) -> Scale {
        match self {
            Self::Spread(_) | Self::Amount(_) => Scale::Ratio,
            _ => Scale::Difference,
        }
    }

    /// Returns which direction is the better one.
    pub fn better(self) -> Better {
        self.measure().better()
    }

    /// Returns the value of one task, on the scale on which differences are taken.
    pub(super) fn of_task(self, task: &EntrantTask, is_replayed: bool) -> Result<f64, Reason> {
        let counts = || success::task_counts(&task.view());
        let known = |number: &Number| match number {
            Number::Known(value) => Ok(value.value()),
            Number::Undefined(reason) => Err(reason.clone()),
        };
        match self {
            Self::Success => Ok(counts().rate()?),
            Self::PassHatK(k) => Ok(passk::pass_hat_k(counts(), u64::from(k))?),
            Self::OutcomeConsistency => Ok(agreement::outcome_consistency(counts())?),
            Self::ActionMix => known(&task.action_mix),
            Self::ActionOrder => known(&task.action_order),
            Self::Spread(resource) => Ok(log_deviation(&amounts(resource, task, is_replayed)?)?),
            Self::Brier => {
                let forecasts = confidence::forecasts(&[task.view()])?;
                Ok(brier(&forecasts.concat())?)
            }
            Self::InvisibleFailures => Ok(confidence::invisible_counts(&task.view()).rate()?),
            Self::Amount(resource) => Ok(log_mean(&amounts(resource, task, is_replayed)?)?),
        }
    }

    /// Returns how many trials of a task its value rests on, at most.
    fn trials_of(self, task: &EntrantTask) -> usize {
        match self {
            Self::Success | Self::PassHatK(_) | Self::OutcomeConsistency | Self::Brier => {
                task.view().graded().count()
            }
            Self::InvisibleFailures => confidence::invisible_counts(&task.view()).total() as usize,
            Self::ActionMix | Self::ActionOrder => task.view().acted().count(),
            Self::Spread(_) | Self::Amount(_) => task.view().ran().count(),
        }
    }
}

pub(super) fn amounts(resource: Resource, task: &EntrantTask, is_replayed: bool) -> Result<Vec<f64>, Reason> {
    Ok(resources::amounts_of(resource, &[task.view()], is_replayed)?.concat())
}

fn log_deviation(amounts: &[f64]) -> Result<f64, Undefined> {
    Ok(moments::variance(&spread::logarithms(amounts)?)?.sqrt())
}

fn log_mean(amounts: &[f64]) -> Result<f64, Undefined> {
    let mean = moments::mean(amounts)?;
    if mean > 0.0 { Ok(mean.ln()) } else { Err(Undefined::NotPositive) }
}

/// How two sides are set against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Candidate minus baseline; 0 is no difference.
    Difference,
    /// Candidate divided by baseline; 1 is no difference.
    Ratio,
}

impl Scale {
    /// Returns a value of the scale on which differences are taken as people read it.
    pub(super) fn shown(self, value: f64) -> f64 {
        match self {
            Self::Difference => value,
            Self::Ratio => value.exp(),
        }
    }

    /// Returns the smallest and the largest true value there can be, as people read it: what differs lies between 0 and 1.
    fn range(self) -> (f64, f64) {
        match self {
            Self::Difference => (-1.0, 1.0),
            Self::Ratio => (0.0, f64::MAX),
        }
    }
}

/// One measure of a candidate set against that of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Contrast {
    /// What is compared.
    pub measure: MeasureId,
    /// The number of draws, for pass^k.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// Its name for tables.
    pub label: String,
    /// How the sides are set against each other.
    pub scale: Scale,
    /// Which direction is the better one.
    pub better: Better,
    /// What the interval speaks of.
    pub target: Target,
    /// Candidate minus baseline, or divided by it, over the tasks that have a value on both sides; n is that of the candidate.
    pub value: Value,
    /// One-sided p-value of "the candidate is not worse".
    pub worse_p: Number,
    /// One-sided p-value of "the candidate is not better".
    pub better_p: Number,
    /// Two-sided p-value of "no difference".
    pub p: Number,
    /// Tasks that one side or both have no value for, which are left out.
    pub left_out: Vec<TaskName>,
}

/// Compares one measure of the tasks that both sides have.
///
/// | aspect | population | fixed suite |
/// |---|---|---|
/// | success, invisible failures | paired Student over tasks | square-and-add (MOVER) of two stratified Wilson intervals |
/// | pass^k, outcome consistency | paired Student over tasks | square-and-add of two posterior intervals of these tasks |
/// | all others | paired Student over tasks | the same, which is conservative: it takes what differs between tasks for chance |
///
/// Amounts and spreads are compared as ratios: the mean over tasks of the difference of the logarithms of the tasks' mean amounts, and of
/// the standard deviations of logarithms; so a value of 1.2 is a fifth more on a typical task. P-values are Student's, and where there is
/// none the smallest level whose one-sided bound leaves 0 out. Undefined for one task and where all tasks differ alike, but for
/// square-and-add. Sources: Miller 2024, arXiv 2411.00640; Zou & Donner 2008 (Statistics in Medicine 27, 1693–1702).
///
/// # Errors
/// [`MetricsError::Level`] for a level that is none.
pub fn contrast(
    aspect: Aspect,
    candidate: &Entrant,
    baseline: &Entrant,
    settings: &Settings,
) -> Result<Contrast, MetricsError> {
    let level = Level::new(settings.level).map_err(|_| MetricsError::Level(settings.level))?;
    let pairs = Pairs::new(aspect, candidate, baseline);
    let shift = Shift::new(&pairs, settings);
    let scale = aspect.scale();
    let value =
        shift.as_ref().map_err(Clone::clone).and_then(|shift| shift.estimate(&pairs, level, settings));
    let p = |of: &dyn Fn(&Shift) -> Result<f64, Reason>| {
        Number::of(shift.as_ref().map_err(Clone::clone).and_then(of))
    };
    let (above, below) = (p(&|shift| shift.p_not_above(level)), p(&|shift| shift.p_not_below(level)));
    let (worse_p, better_p) = match aspect.better() {
        Better::Lower => (above, below),
        Better::Higher | Better::Neither => (below, above),
    };
    let two_sided = |(a, b): (f64, f64)| (2.0 * a.min(b)).min(1.0);
    let p = match (worse_p.value(), better_p.value()) {
        (Some(worse), Some(better)) => Number::of::<Reason>(Ok(two_sided((worse, better)))),
        _ => worse_p.clone(),
    };
    Ok(Contrast {
        measure: aspect.measure(),
        k: if let Aspect::PassHatK(k) = aspect { Some(k) } else { None },
        label: aspect.label(),
        scale,
        better: aspect.better(),
        target: settings.target,
        value: value.into(),
        worse_p,
        better_p,
        p,
        left_out: pairs.left_out,
    })
}

/// The tasks of both sides that have a value on both.
struct Pairs<'a> {
    aspect: Aspect,
    tasks: Vec<(&'a EntrantTask, &'a EntrantTask)>,
    values: Vec<Pair<f64>>,
    left_out: Vec<TaskName>,
    /// Why the first task without a value has none.
    reason: Option<Reason>,
}

impl<'a> Pairs<'a> {
    fn new(aspect: Aspect, candidate: &'a Entrant, baseline: &'a Entrant) -> Self {
        let others: BTreeMap<&TaskName, &EntrantTask> =
            baseline.tasks.iter().map(|task| (&task.task, task)).collect();
        let mut pairs =
            Self { aspect, tasks: Vec::new(), values: Vec::new(), left_out: Vec::new(), reason: None };
        for task in &candidate.tasks {
            let Some(&other) = others.get(&task.task) else { continue };
            let first = aspect.of_task(task, candidate.is_replayed);
            match (first, aspect.of_task(other, baseline.is_replayed)) {
                (Ok(first), Ok(second)) => {
                    pairs.tasks.push((task, other));
                    pairs.values.push(Pair { first, second });
                }
                (Err(reason), _) | (_, Err(reason)) => {
                    pairs.left_out.push(task.task.clone());
                    pairs.reason.get_or_insert(reason);
                }
            }
        }
        pairs
    }

    fn evidence(&self) -> Evidence {
        let trials = self.tasks.iter().map(|(task, _)| self.aspect.trials_of(task) as u64).sum();
        Evidence { trials, tasks: self.tasks.len() as u64 }
    }

    fn counts(&self, of: impl Fn(&EntrantTask) -> Counts) -> Result<PairedCounts, Reason> {
        let (first, second) = self.tasks.iter().map(|(a, b)| (of(a), of(b))).unzip();
        PairedCounts::new(first, second)
    }
}

/// What is known of one side's function of success probabilities, for exactly its tasks.
struct OfSide {
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
enum Shift {
    /// The mean of paired values.
    Student(Vec<Pair<f64>>),
    /// Two rates.
    Rates(PairedCounts),
    /// A function of the tasks' success probabilities, which each side has a posterior of.
    Posterior { functional: Functional, first: Box<OfSide>, second: Box<OfSide> },
}

impl Shift {
    fn new(pairs: &Pairs<'_>, settings: &Settings) -> Result<Self, Reason> {
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
    fn estimate(&self, pairs: &Pairs<'_>, level: Level, settings: &Settings) -> Result<Estimate, Reason> {
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
        Estimate::new(scale.shown(point), pairs.evidence(), settings.target, interval)
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
                let found =
                    retrial_stats::compare::mover::mover_difference(&counts.first, &counts.second, level)?;
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
    fn p_not_above(&self, level: Level) -> Result<f64, Reason> {
        match self {
            Self::Student(values) => Ok(PairedDifference::new(values, level)?.p_non_inferior(0.0)?),
            _ => self.smallest_level(|interval| interval.low() > 0.0),
        }
    }

    /// The one-sided p-value of "the candidate's value is not below the baseline's".
    fn p_not_below(&self, level: Level) -> Result<f64, Reason> {
        match self {
            Self::Student(values) => Ok(1.0 - PairedDifference::new(values, level)?.p_non_inferior(0.0)?),
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
