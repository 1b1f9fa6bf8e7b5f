//! One measure of two sides, task by task: how far apart they are, and how sure that is.

use std::collections::BTreeMap;

use retrial_spec::TaskName;
use retrial_stats::calibration::brier::brier;
use retrial_stats::compare::Pair;
use retrial_stats::{Counts, Forecast, Level, Undefined, agreement, moments, passk, spread};
use schemars::JsonSchema;
use serde::Serialize;

use super::shift::Shift;
use crate::entrant::{Entrant, EntrantTask};
use crate::paired::PairedCounts;
use crate::value::{Evidence, Number, Reason, Value};
use crate::{Better, MeasureId, MetricsError, Resource, Settings, Target, confidence, resources, success};

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
            Self::Brier => Ok(brier(&forecasts(task)?)?),
            Self::InvisibleFailures => Ok(confidence::invisible_counts(&task.view()).rate()?),
            Self::Amount(resource) => log_mean(&amounts(resource, task, is_replayed)?),
        }
    }

    /// Returns how many trials of a task its value rests on.
    fn trials_of(self, task: &EntrantTask, is_replayed: bool) -> usize {
        match self {
            Self::Success | Self::PassHatK(_) | Self::OutcomeConsistency => task.view().graded().count(),
            Self::Brier => forecasts(task).map_or(0, |stated| stated.len()),
            Self::InvisibleFailures => confidence::invisible_counts(&task.view()).total() as usize,
            Self::ActionMix | Self::ActionOrder => task.view().acted().count(),
            Self::Spread(resource) | Self::Amount(resource) => {
                amounts(resource, task, is_replayed).map_or(0, |known| known.len())
            }
        }
    }
}

pub(super) fn amounts(resource: Resource, task: &EntrantTask, is_replayed: bool) -> Result<Vec<f64>, Reason> {
    Ok(resources::amounts_of(resource, &[task.view()], is_replayed)?.concat())
}

/// The stated confidences of a task with what happened.
fn forecasts(task: &EntrantTask) -> Result<Vec<Forecast>, Reason> {
    Ok(confidence::forecasts(&[task.view()])?.concat())
}

fn log_deviation(amounts: &[f64]) -> Result<f64, Undefined> {
    Ok(moments::variance(&spread::logarithms(amounts)?)?.sqrt())
}

fn log_mean(amounts: &[f64]) -> Result<f64, Reason> {
    let mean = moments::mean(amounts)?;
    if mean > 0.0 { Ok(mean.ln()) } else { Err(Reason::NOTHING_TAKEN) }
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
    pub(super) fn range(self) -> (f64, f64) {
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
    /// The candidate's trials that the value rests on: those of which what is compared is known.
    pub candidate_n: Evidence,
    /// The same of the baseline.
    pub baseline_n: Evidence,
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
        candidate_n: pairs.evidence().0,
        baseline_n: pairs.evidence().1,
        worse_p,
        better_p,
        p,
        left_out: pairs.left_out,
    })
}

/// The tasks of both sides that have a value on both.
pub(super) struct Pairs<'a> {
    pub(super) aspect: Aspect,
    tasks: Vec<(&'a EntrantTask, &'a EntrantTask)>,
    pub(super) values: Vec<Pair<f64>>,
    left_out: Vec<TaskName>,
    /// Why the first task without a value has none.
    pub(super) reason: Option<Reason>,
    /// Whether the candidate was answered from a recording, and whether the baseline was.
    is_replayed: (bool, bool),
}

impl<'a> Pairs<'a> {
    fn new(aspect: Aspect, candidate: &'a Entrant, baseline: &'a Entrant) -> Self {
        let others: BTreeMap<&TaskName, &EntrantTask> =
            baseline.tasks.iter().map(|task| (&task.task, task)).collect();
        let is_replayed = (candidate.is_replayed, baseline.is_replayed);
        let (tasks, values, left_out) = (Vec::new(), Vec::new(), Vec::new());
        let mut pairs = Self { aspect, tasks, values, left_out, reason: None, is_replayed };
        for task in &candidate.tasks {
            let Some(&other) = others.get(&task.task) else { continue };
            match (aspect.of_task(task, is_replayed.0), aspect.of_task(other, is_replayed.1)) {
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

    /// What the candidate's values rest on, and what the baseline's do.
    pub(super) fn evidence(&self) -> (Evidence, Evidence) {
        let of = |trials: usize| Evidence { trials: trials as u64, tasks: self.tasks.len() as u64 };
        let used = |task: &EntrantTask, is_replayed| self.aspect.trials_of(task, is_replayed);
        let first = self.tasks.iter().map(|(task, _)| used(task, self.is_replayed.0)).sum();
        let second = self.tasks.iter().map(|(_, task)| used(task, self.is_replayed.1)).sum();
        (of(first), of(second))
    }

    pub(super) fn counts(&self, of: impl Fn(&EntrantTask) -> Counts) -> Result<PairedCounts, Reason> {
        let (first, second) = self.tasks.iter().map(|(a, b)| (of(a), of(b))).unzip();
        PairedCounts::new(first, second)
    }
}
