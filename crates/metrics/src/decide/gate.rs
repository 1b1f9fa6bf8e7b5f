//! The gate: may the candidate replace the baseline on exactly these tasks?

use retrial_stats::compare::mover::{monotone_lower_bound, mover_difference};
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::{ClusterCounts, Counts, Level, Undefined, power};
use schemars::JsonSchema;
use serde::Serialize;

use super::pairing::{Pairing, Reading};
use crate::MetricsError;
use crate::paired::PairedCounts;
use crate::value::{Number, Reason};

/// The rule of a gate on the success rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct GateRule {
    /// The largest drop that is tolerated, as a share from 0 up to, but not including, 1.
    pub margin: f64,
    /// The confidence of each one-sided bound, strictly between 0.5 and 1.
    pub confidence: f64,
    /// The probability with which the trials needed are to decide, strictly between 0.5 and 1.
    pub power: f64,
}

impl Default for GateRule {
    fn default() -> Self {
        Self { margin: 0.10, confidence: 0.95, power: 0.8 }
    }
}

impl GateRule {
    /// Returns the two-sided level whose ends are the one-sided bounds, once all parts are checked.
    pub(super) fn level(self) -> Result<Level, MetricsError> {
        if !(0.0..1.0).contains(&self.margin) {
            return Err(MetricsError::Margin(self.margin));
        }
        if !(self.power > 0.5 && self.power < 1.0) {
            return Err(MetricsError::Power(self.power));
        }
        Level::from_one_sided(self.confidence).map_err(|_| MetricsError::Level(self.confidence))
    }
}

/// The answer of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A drop of the margin or more is ruled out.
    Pass,
    /// There is a drop.
    Regression,
    /// The evidence is not enough for either.
    Inconclusive,
}

/// A gate's answer with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Gate {
    /// The answer.
    pub decision: Decision,
    /// Why it is open; only where it is inconclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
    /// The rule.
    pub rule: GateRule,
    /// Success of the candidate minus that of the baseline, mean over tasks.
    pub difference: Number,
    /// The lower one-sided bound of the difference.
    pub lower: Number,
    /// The upper one-sided bound of the difference.
    pub upper: Number,
    /// Whether a drop is shown (the upper bound is below 0); a gate can pass all the same, where the drop is surely within the margin.
    pub drop_shown: bool,
    /// The answer if all excluded trials of the candidate had failed and all of the baseline had passed; none where all trials count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_worst: Option<Decision>,
    /// The answer the other way round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_best: Option<Decision>,
}

/// Why a gate is inconclusive.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Open {
    /// More trials may decide.
    TooFewTrials(TrialsNeeded),
    /// The answer depends on what the excluded trials would have been.
    ExcludedTrials,
}

/// How many trials would decide.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialsNeeded {
    /// Trials of each task on each side with which the gate would decide with the rule's power, if the true difference were the
    /// observed one.
    OfEachTask(u64),
    /// There is no such number.
    Undefined(Reason),
}

/// Decides whether the candidate may replace the baseline on exactly these tasks.
///
/// | first that holds | answer |
/// |---|---|
/// | the answer differs between the readings of excluded trials | inconclusive |
/// | lower bound > −margin | pass |
/// | upper bound < 0, and no result with as many failures or more could pass | regression |
/// | otherwise | inconclusive |
///
/// The bounds are the ends of the square-and-add (MOVER) interval of two stratified Wilson intervals, one-sided. "No result … could
/// pass" asks that [`monotone_lower_bound`] lie at or below −margin too: the plain lower bound can rise by a failure where nearly no
/// task is mixed, and then a regression would turn into a pass by failing once more. With it, no failure of the candidate ever turns
/// a regression into a pass. A task with a single trial on a side leaves the bounds undefined and the gate inconclusive.
///
/// Sources: non-inferiority with a margin, Schuirmann 1987 (J. Pharmacokinetics and Biopharmaceutics 15, 657–680); MOVER, Zou & Donner
/// 2008 (Statistics in Medicine 27, 1693–1702).
///
/// # Errors
/// [`MetricsError::Margin`], [`MetricsError::Level`], [`MetricsError::Power`] for a rule that cannot be.
pub fn gate(pairing: &Pairing, rule: GateRule) -> Result<Gate, MetricsError> {
    let level = rule.level()?;
    let plain = pairing.counts(Reading::Plain);
    let bounds = plain.clone().and_then(|pairs| OneSided::new(&pairs, level));
    let alone = bounds.as_ref().map_or(Decision::Inconclusive, |bounds| bounds.decide(rule.margin));
    let answer = |pairs: Result<PairedCounts, Reason>| {
        let bounds = pairs.and_then(|pairs| OneSided::new(&pairs, level));
        bounds.map_or(Decision::Inconclusive, |bounds| bounds.decide(rule.margin))
    };
    let extreme = |reading| (pairing.excluded() > 0).then(|| answer(pairing.counts(reading)));
    let (at_worst, at_best) = (extreme(Reading::Worst), extreme(Reading::Best));
    let flips = [at_worst, at_best].into_iter().flatten().any(|decision| decision != alone);
    let decision = if flips { Decision::Inconclusive } else { alone };
    let open = match (decision, alone) {
        (Decision::Inconclusive, Decision::Inconclusive) => {
            Some(Open::TooFewTrials(trials_needed(&plain, rule).into()))
        }
        (Decision::Inconclusive, _) => Some(Open::ExcludedTrials),
        _ => None,
    };
    let number = |of: fn(&OneSided) -> f64| Number::of(bounds.as_ref().map(of).map_err(Clone::clone));
    Ok(Gate {
        decision,
        open,
        rule,
        difference: Number::of(plain.and_then(|pairs| point(&pairs))),
        lower: number(|bounds| bounds.lower),
        upper: number(|bounds| bounds.upper),
        drop_shown: bounds.as_ref().is_ok_and(|bounds| bounds.upper < 0.0),
        at_worst,
        at_best,
    })
}

/// One-sided bounds of the difference for exactly these tasks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneSided {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// At or above `lower`; no failure of the candidate raises it.
    monotone: f64,
}

impl OneSided {
    pub(crate) fn new(pairs: &PairedCounts, level: Level) -> Result<Self, Reason> {
        let interval = mover_difference(&pairs.first, &pairs.second, level)?.interval?;
        let monotone = monotone_lower_bound(&pairs.first, &pairs.second, level)?;
        Ok(Self { lower: interval.low(), upper: interval.high(), monotone })
    }

    /// Returns the answer; see the table of [`gate`].
    pub(crate) fn decide(self, margin: f64) -> Decision {
        if self.lower > -margin {
            Decision::Pass
        } else if self.upper < 0.0 && self.monotone <= -margin {
            Decision::Regression
        } else {
            Decision::Inconclusive
        }
    }
}

fn point(pairs: &PairedCounts) -> Result<f64, Reason> {
    Ok(pairs.first.mean_rate()? - pairs.second.mean_rate()?)
}

/// Trials of each task on each side that decide with the rule's power if the observed difference is the true one: enough to tell it
/// from the farther of −margin and 0.
///
/// Mean rate and correlation of trials come from the beta-binomial posterior of both sides together, so that a suite in which nothing
/// varied by chance does not look free of noise. Never below one trial more than the smallest task has.
fn trials_needed(plain: &Result<PairedCounts, Reason>, rule: GateRule) -> Result<u64, Reason> {
    let pairs = plain.as_ref().map_err(Clone::clone)?;
    let both = pairs.pairs().into_iter().map(|pair| {
        let (a, b) = (pair.first, pair.second);
        Counts::new(a.successes().saturating_add(b.successes()), a.total().saturating_add(b.total()))
    });
    let both = both.collect::<Result<Vec<Counts>, _>>().map_err(|_| Undefined::OutOfDomain)?;
    let groups = ClusterCounts::new(both).map_err(|_| Undefined::Empty)?;
    let posterior = GridPosterior::new(&groups)?;
    let design = power::Design::new(posterior.mean_mu(), posterior.mean_rho(), 1)?;
    let difference = point(pairs)?;
    let distance = (difference + rule.margin).max(-difference);
    let tasks = groups.len() as u64;
    let needed = power::fixed_groups_items_needed(design, tasks, distance, rule.confidence, rule.power)?;
    let have = pairs.first.smallest_group().min(pairs.second.smallest_group()).unwrap_or(0);
    Ok(needed.max(have.saturating_add(1)))
}

impl From<Result<u64, Reason>> for TrialsNeeded {
    fn from(result: Result<u64, Reason>) -> Self {
        match result {
            Ok(trials) => Self::OfEachTask(trials),
            Err(reason) => Self::Undefined(reason),
        }
    }
}
