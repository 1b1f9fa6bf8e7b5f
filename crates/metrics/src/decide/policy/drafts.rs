//! One measure held against its margin, before and after the p-values of all of them are adjusted.

use super::contrasts;
use super::gaps::{self, Band};
use super::matches::Deciding;
use super::measures::{Answer, GateMeasure, OpenMeasure, worsening};
use super::needs::{Goal, needed};
use crate::decide::contrast::amounts;
use crate::decide::{Aspect, Contrast, Decision, GateRule, Open, Pairing, Scale, Side, TaskOutcomes, gate};
use crate::entrant::{Entrant, EntrantTask};
use crate::value::{Finite, Number, Reason};
use crate::{Better, MetricsError, Settings, confidence, success};

/// What measures are judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Confidence and power; its margin does not matter.
    pub(super) rule: GateRule,
    /// The share of planned trials of which a measure must be known.
    pub(super) minimum_known: f64,
    /// Level, target and seed of contrasts.
    pub(super) settings: &'a Settings,
    /// How often posteriors are drawn from.
    pub(super) draws: usize,
}

/// Both sides of the tasks that decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Both<'a> {
    pub(super) candidate: &'a Entrant,
    pub(super) baseline: &'a Entrant,
    /// Whether a run of either side could stop by what its trials showed.
    pub(super) may_stop: bool,
}

impl<'a> From<&'a Deciding> for Both<'a> {
    fn from(deciding: &'a Deciding) -> Self {
        let Deciding { candidate, baseline, may_stop } = deciding;
        Self { candidate, baseline, may_stop: *may_stop }
    }
}

/// A measure before the p-values of all are adjusted.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    aspect: Aspect,
    margin: f64,
    limit: f64,
    contrast: Contrast,
    worst_bound: Option<f64>,
    best_bound: Option<f64>,
    candidate: Number,
    baseline: Number,
    /// Why it is open, whatever its bounds are.
    blocked: Option<OpenMeasure>,
    within: Held,
    worse: Held,
}

/// Whether something is shown, and whether it stays so however what is not known would have come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    No,
    /// Only as long as it is left out.
    Plain,
    Always,
}

impl Held {
    fn of(plain: bool, always: bool) -> Self {
        match (plain, always) {
            (false, _) => Self::No,
            (true, false) => Self::Plain,
            (true, true) => Self::Always,
        }
    }
}

impl Draft {
    pub(super) fn new(
        (aspect, margin): (Aspect, f64),
        both: Both<'_>,
        rules: Rules<'_>,
    ) -> Result<Self, MetricsError> {
        let contrast = contrasts::of(aspect, both, rules)?;
        let limit = limit(&contrast, margin);
        let (worst_bound, best_bound) = bounds(&contrast);
        let blocked = blocked(aspect, &contrast, both, rules);
        let (within, worse) = if aspect == Aspect::Success && !both.may_stop {
            of_success(margin, both, rules.rule)?
        } else {
            held(aspect, &contrast, limit, both, rules)?
        };
        Ok(Self {
            aspect,
            margin,
            limit,
            worst_bound,
            best_bound,
            candidate: mean(aspect, both.candidate),
            baseline: mean(aspect, both.baseline),
            contrast,
            blocked,
            within,
            worse,
        })
    }

    /// The p-value of "not worse"; 1 where there is none, so that what is judged does not depend on the data.
    pub(super) fn p(&self) -> f64 {
        self.contrast.worse_p.value().unwrap_or(1.0).clamp(0.0, 1.0)
    }

    /// | first that holds | answer |
    /// |---|---|
    /// | it is unknown of too many trials, or of a task | open |
    /// | within the limit, however what is not known would have come out | pass |
    /// | within it with what is known alone | open |
    /// | worse, also among several measures, and however what is not known would have come out | fail |
    /// | worse with what is known alone | open |
    /// | otherwise | open, with what would decide |
    pub(super) fn finish(self, adjusted_p: Finite, both: Both<'_>, goal: Goal) -> GateMeasure {
        let is_worse = self.worse != Held::No && adjusted_p.value() <= goal.alpha();
        let (answer, open) = match (&self.blocked, self.within) {
            (Some(blocked), _) => (Answer::Open, Some(blocked.clone())),
            (None, Held::Always) => (Answer::Pass, None),
            (None, Held::Plain) => (Answer::Open, Some(gaps::hanging(self.aspect, both))),
            (None, Held::No) if is_worse && self.worse == Held::Always => (Answer::Fail, None),
            (None, Held::No) if is_worse => (Answer::Open, Some(gaps::hanging(self.aspect, both))),
            (None, Held::No) => {
                let needed = needed(self.aspect, &self.contrast, self.margin, both, goal);
                (Answer::Open, Some(OpenMeasure::NotEnough(needed)))
            }
        };
        let number = |bound: Option<f64>| Number::of(bound.ok_or(Reason::NO_INTERVAL));
        let finite = |value| Finite::new(value).unwrap_or(Finite::ZERO);
        GateMeasure {
            answer,
            open,
            margin: finite(self.margin),
            limit: finite(self.limit),
            worst_bound: number(self.worst_bound),
            best_bound: number(self.best_bound),
            adjusted_p,
            candidate: self.candidate,
            baseline: self.baseline,
            contrast: self.contrast,
        }
    }
}

fn limit(contrast: &Contrast, margin: f64) -> f64 {
    match (contrast.scale, contrast.better) {
        (Scale::Ratio, _) => 1.0 + margin,
        (Scale::Difference, Better::Lower) => margin,
        (Scale::Difference, _) => -margin,
    }
}

/// The bounds on the worse and on the better side, as people read them.
fn bounds(contrast: &Contrast) -> (Option<f64>, Option<f64>) {
    let interval = contrast.value.estimate().and_then(|found| found.interval.interval().copied());
    let Some(interval) = interval else { return (None, None) };
    let (low, high) = (Some(interval.low.value()), Some(interval.high.value()));
    if contrast.better == Better::Lower { (high, low) } else { (low, high) }
}

/// Whether the bounds of a contrast show it within its limit, and worse.
fn shown(contrast: &Contrast, limit: f64) -> (bool, bool) {
    let (worst, best) = bounds(contrast);
    let bad = |bound: Option<f64>| bound.map(|bound| worsening(contrast, bound));
    let within = bad(worst).is_some_and(|worst| worst < worsening(contrast, limit));
    (within, bad(best).is_some_and(|best| best > 0.0))
}

/// As [`shown`], also with all that is not known taken for the worst and for the best, where the measure follows from outcomes and
/// claims alone. The bounds of a run that may stop count it both ways by themselves.
fn held(
    aspect: Aspect,
    plain: &Contrast,
    limit: f64,
    both: Both<'_>,
    rules: Rules<'_>,
) -> Result<(Held, Held), MetricsError> {
    let (within, worse) = shown(plain, limit);
    let band = Band::of(aspect, both).filter(|_| within || worse);
    let Some(band) = band else { return Ok((Held::of(within, true), Held::of(worse, true))) };
    let read = |(candidate, baseline): (Entrant, Entrant)| {
        let both = Both { candidate: &candidate, baseline: &baseline, ..both };
        contrasts::of(aspect, both, rules).map(|found| shown(&found, limit))
    };
    let (at_worst, at_best) = (read(band.at_worst(both))?, read(band.at_best(both))?);
    Ok((Held::of(within, at_worst.0 && at_best.0), Held::of(worse, at_worst.1 && at_best.1)))
}

/// The outcomes of a side, every planned trial that is not graded being excluded.
pub(super) fn outcomes(entrant: &Entrant) -> Vec<TaskOutcomes> {
    let of_tasks = entrant.outcomes().into_iter().zip(&entrant.tasks);
    let with_missing = of_tasks.map(|(outcomes, task)| {
        let graded = outcomes.passed.saturating_add(outcomes.failed);
        TaskOutcomes { excluded: u64::from(task.planned).saturating_sub(graded), ..outcomes }
    });
    with_missing.collect()
}

/// The success rate by the rule of [`gate`].
fn of_success(margin: f64, both: Both<'_>, rule: GateRule) -> Result<(Held, Held), MetricsError> {
    let Ok(pairing) = Pairing::new(&outcomes(both.candidate), &outcomes(both.baseline)) else {
        return Ok((Held::No, Held::No));
    };
    let found = gate(&pairing, GateRule { margin, ..rule })?;
    let is_within = found.lower.value().is_some_and(|lower| lower > -margin);
    let hangs_on_gaps = found.open == Some(Open::ExcludedTrials);
    let within = Held::of(is_within, found.decision == Decision::Pass);
    let is_regression = found.decision == Decision::Regression;
    let worse = Held::of(is_regression || (hangs_on_gaps && !is_within), is_regression);
    Ok((within, worse))
}

fn blocked(aspect: Aspect, contrast: &Contrast, both: Both<'_>, rules: Rules<'_>) -> Option<OpenMeasure> {
    let interval = match &contrast.value {
        crate::Value::Undefined(reason) => Err(reason),
        crate::Value::Estimate(found) => match &found.interval {
            crate::Bounds::Undefined(reason) => Err(reason),
            crate::Bounds::Interval(_) => Ok(()),
        },
    };
    if let Err(reason) = interval {
        return Some(OpenMeasure::Undefined(reason.clone()));
    }
    if !contrast.left_out.is_empty() {
        return Some(OpenMeasure::TasksWithout(contrast.left_out.clone()));
    }
    // How much is graded is asked of all tasks together, not again of each measure of outcomes.
    if matches!(aspect, Aspect::Success | Aspect::PassHatK(_) | Aspect::OutcomeConsistency) {
        return None;
    }
    let sides = [(Side::Candidate, both.candidate), (Side::Baseline, both.baseline)];
    sides.into_iter().find_map(|(side, entrant)| {
        let known = entrant.tasks.iter().map(|task| known_trials(aspect, task, entrant.is_replayed)).sum();
        let planned: u64 = entrant.tasks.iter().map(|task| u64::from(task.planned)).sum();
        let is_enough = known as f64 >= rules.minimum_known * planned as f64;
        (!is_enough).then_some(OpenMeasure::PartlyKnown { side, known, planned })
    })
}

/// How many trials of a task an aspect is known of.
fn known_trials(aspect: Aspect, task: &EntrantTask, is_replayed: bool) -> u64 {
    let view = task.view();
    match aspect {
        Aspect::Spread(resource) | Aspect::Amount(resource) => {
            amounts(resource, task, is_replayed).map_or(0, |amounts| amounts.len() as u64)
        }
        Aspect::Brier => confidence::forecasts(&[view]).map_or(0, |tasks| tasks.concat().len() as u64),
        Aspect::InvisibleFailures => confidence::invisible_counts(&view).total(),
        Aspect::ActionMix | Aspect::ActionOrder => view.acted().count() as u64,
        Aspect::Success | Aspect::PassHatK(_) | Aspect::OutcomeConsistency => {
            success::task_counts(&view).total()
        }
    }
}

/// The mean over tasks, as people read it.
fn mean(aspect: Aspect, entrant: &Entrant) -> Number {
    let values: Result<Vec<f64>, Reason> =
        entrant.tasks.iter().map(|task| aspect.of_task(task, entrant.is_replayed)).collect();
    let mean = values.and_then(|values| Ok(retrial_stats::moments::mean(&values)?));
    Number::of(mean.map(|mean| aspect.scale().shown(mean)))
}
