//! One measure against its margin: non-inferior, worse, or open.

use retrial_spec::{Margins, TaskName};
use schemars::JsonSchema;
use serde::Serialize;

use super::entrants::{Gap, with_gaps_as};
use super::needs::{Needed, needed};
use crate::decide::contrast::amounts;
use crate::decide::{
    Aspect, Contrast, Decision, GateRule, Open, Pairing, Scale, Side, TaskOutcomes, TrialsNeeded, contrast,
    gate,
};
use crate::entrant::{Entrant, EntrantTask};
use crate::value::{Finite, Number, Reason};
use crate::{Better, MetricsError, Resource, Settings, confidence, success};

/// What a gate says of one measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is shown to be within its margin.
    Pass,
    /// It is shown to be worse, and not to be within its margin.
    Fail,
    /// Neither.
    Open,
}

/// Why a measure is open.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenMeasure {
    /// There is no estimate, or no interval.
    Undefined(Reason),
    /// It is known of too few trials of a side.
    PartlyKnown {
        /// The side.
        side: Side,
        /// Trials of which it is known.
        known: u64,
        /// Planned trials.
        planned: u64,
    },
    /// Tasks that decide have no value of it.
    TasksWithout(Vec<TaskName>),
    /// The answer depends on what the trials that are not graded would have been.
    UngradedTrials,
    /// The bounds leave both open.
    NotEnough(Needed),
}

/// One measure of the candidate against that of the baseline, with its margin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateMeasure {
    /// The answer.
    pub answer: Answer,
    /// Why it is open; only where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenMeasure>,
    /// The margin, as the policy gives it.
    pub margin: Finite,
    /// What the contrast must stay within: −margin where more is better, margin where less is, 1 + margin of ratios.
    pub limit: Finite,
    /// The one-sided bound of the contrast on its worse side: within the limit, the measure passes.
    pub worst_bound: Number,
    /// The one-sided bound on its better side: beyond no change, the measure is worse.
    pub best_bound: Number,
    /// The p-value of "not worse", adjusted over all judged measures (Holm); 1 where there is none.
    pub adjusted_p: Finite,
    /// The mean over tasks of the candidate's values; of amounts and spreads the geometric mean.
    pub candidate: Number,
    /// The same of the baseline.
    pub baseline: Number,
    /// The comparison, with an interval whose ends are the bounds.
    pub contrast: Contrast,
}

impl GateMeasure {
    /// Returns whether the contrast's estimate itself is beyond the limit.
    pub fn is_beyond(&self) -> bool {
        let point = self.contrast.value.estimate().map(|found| found.point.value());
        point.is_some_and(|point| {
            worsening(&self.contrast, point) > worsening(&self.contrast, self.limit.value())
        })
    }
}

/// How far a value of the contrast is on the worse side; on the scale on which differences are taken.
pub(super) fn worsening(contrast: &Contrast, value: f64) -> f64 {
    let value = match contrast.scale {
        Scale::Difference => value,
        Scale::Ratio => value.ln(),
    };
    if contrast.better == Better::Lower { value } else { -value }
}

/// What the policy judges, with the margins: success first, the rest in the order of the file's documentation.
pub(super) fn judged(margins: &Margins) -> Vec<(Aspect, f64)> {
    let Margins {
        success,
        pass_hat_k,
        consistency,
        invisible_failures,
        brier,
        token_spread,
        time_spread,
        cost_spread,
        tokens,
        steps,
        cost,
        time,
    } = *margins;
    let optional = [
        (Aspect::OutcomeConsistency, consistency),
        (Aspect::InvisibleFailures, invisible_failures),
        (Aspect::Brier, brier),
        (Aspect::Spread(Resource::Tokens), token_spread),
        (Aspect::Spread(Resource::Time), time_spread),
        (Aspect::Spread(Resource::Cost), cost_spread),
        (Aspect::Amount(Resource::Tokens), tokens),
        (Aspect::Amount(Resource::Steps), steps),
        (Aspect::Amount(Resource::Cost), cost),
        (Aspect::Amount(Resource::Time), time),
    ];
    let pass = pass_hat_k.map(|pass| (Aspect::PassHatK(pass.k), pass.margin));
    let given = optional.into_iter().filter_map(|(aspect, margin)| Some((aspect, margin?)));
    [(Aspect::Success, success)].into_iter().chain(pass).chain(given).collect()
}

/// What measures are judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Confidence and power; its margin does not matter.
    pub(super) rule: GateRule,
    /// The share of planned trials of which a measure must be known.
    pub(super) minimum_known: f64,
    /// Level, target and seed of contrasts.
    pub(super) settings: &'a Settings,
}

/// Both sides of the tasks that decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Both<'a> {
    pub(super) candidate: &'a Entrant,
    pub(super) baseline: &'a Entrant,
}

/// A measure before the p-values of all are adjusted.
#[derive(Debug, Clone)]
pub(super) struct Draft {
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
    needed: Needed,
}

/// Whether something is shown, and whether it stays so however trials that are not graded would have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    No,
    /// Only as long as they are left out.
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
        let contrast = contrast(aspect, both.candidate, both.baseline, rules.settings)?;
        let limit = limit(&contrast, margin);
        let (worst_bound, best_bound) = bounds(&contrast);
        let blocked = blocked(aspect, &contrast, both, rules);
        let (within, worse, needed) = if aspect == Aspect::Success {
            of_success(margin, both, rules.rule)?
        } else {
            let (within, worse) = held(aspect, &contrast, limit, both, rules)?;
            (within, worse, needed(aspect, &contrast, margin, both, rules.rule))
        };
        Ok(Self {
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
            needed,
        })
    }

    /// The p-value of "not worse"; 1 where there is none, so that what is judged does not depend on the data.
    pub(super) fn p(&self) -> f64 {
        self.contrast.worse_p.value().unwrap_or(1.0).clamp(0.0, 1.0)
    }

    /// | first that holds | answer |
    /// |---|---|
    /// | it is unknown of too many trials, or of a task | open |
    /// | within the limit, however ungraded trials would have ended | pass |
    /// | within it with the graded trials alone | open |
    /// | worse, also among several measures, and however ungraded trials would have ended | fail |
    /// | worse with the graded trials alone | open |
    /// | otherwise | open, with what would decide |
    pub(super) fn finish(self, adjusted_p: Finite, alpha: f64) -> GateMeasure {
        let is_worse = self.worse != Held::No && adjusted_p.value() <= alpha;
        let (answer, open) = match (self.blocked, self.within) {
            (Some(blocked), _) => (Answer::Open, Some(blocked)),
            (None, Held::Always) => (Answer::Pass, None),
            (None, Held::Plain) => (Answer::Open, Some(OpenMeasure::UngradedTrials)),
            (None, Held::No) if is_worse && self.worse == Held::Always => (Answer::Fail, None),
            (None, Held::No) if is_worse => (Answer::Open, Some(OpenMeasure::UngradedTrials)),
            (None, Held::No) => (Answer::Open, Some(OpenMeasure::NotEnough(self.needed))),
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

/// As [`shown`], also with every planned trial that is not graded taken for the worst and for the best, where the measure follows from
/// outcomes and claims alone and is monotone in them.
fn held(
    aspect: Aspect,
    plain: &Contrast,
    limit: f64,
    both: Both<'_>,
    rules: Rules<'_>,
) -> Result<(Held, Held), MetricsError> {
    let (within, worse) = shown(plain, limit);
    let has_band = matches!(aspect, Aspect::PassHatK(_) | Aspect::InvisibleFailures);
    let has_gaps = [both.candidate, both.baseline].into_iter().any(|side| gaps(side) > 0);
    if !has_band || !has_gaps || !(within || worse) {
        return Ok((Held::of(within, true), Held::of(worse, true)));
    }
    let read = |candidate, baseline| {
        let (candidate, baseline) =
            (with_gaps_as(both.candidate, candidate), with_gaps_as(both.baseline, baseline));
        contrast(aspect, &candidate, &baseline, rules.settings).map(|found| shown(&found, limit))
    };
    let (at_worst, at_best) = (read(Gap::Failed, Gap::Passed)?, read(Gap::Passed, Gap::Failed)?);
    Ok((Held::of(within, at_worst.0 && at_best.0), Held::of(worse, at_worst.1 && at_best.1)))
}

/// The success rate by the rule of [`gate`], every planned trial that is not graded being excluded.
fn of_success(margin: f64, both: Both<'_>, rule: GateRule) -> Result<(Held, Held, Needed), MetricsError> {
    let outcomes = |entrant: &Entrant| -> Vec<TaskOutcomes> {
        let of_tasks = entrant.outcomes().into_iter().zip(&entrant.tasks);
        let with_missing = of_tasks.map(|(outcomes, task)| {
            let graded = outcomes.passed.saturating_add(outcomes.failed);
            TaskOutcomes { excluded: u64::from(task.planned).saturating_sub(graded), ..outcomes }
        });
        with_missing.collect()
    };
    let Ok(pairing) = Pairing::new(&outcomes(both.candidate), &outcomes(both.baseline)) else {
        return Ok((Held::No, Held::No, Needed::Undefined(Reason::NO_GRADED_TRIALS)));
    };
    let found = gate(&pairing, GateRule { margin, ..rule })?;
    let is_within = found.lower.value().is_some_and(|lower| lower > -margin);
    let hangs_on_gaps = found.open == Some(Open::ExcludedTrials);
    let within = Held::of(is_within, found.decision == Decision::Pass);
    let is_regression = found.decision == Decision::Regression;
    let worse = Held::of(is_regression || (hangs_on_gaps && !is_within), is_regression);
    let needed = match found.open {
        Some(Open::TooFewTrials(TrialsNeeded::OfEachTask(trials))) => Needed::of_trials(trials, both),
        Some(Open::TooFewTrials(TrialsNeeded::Undefined(reason))) => Needed::Undefined(reason),
        // Only where Holm takes back what is shown of success alone.
        _ => Needed::of_trials(fewest(both).saturating_add(1), both),
    };
    Ok((within, worse, needed))
}

/// The fewest graded trials of a task on a side.
pub(super) fn fewest(both: Both<'_>) -> u64 {
    let graded = |task: &EntrantTask| success::task_counts(&task.view()).total();
    both.candidate.tasks.iter().chain(&both.baseline.tasks).map(graded).min().unwrap_or(0)
}

/// Planned trials that are not graded.
fn gaps(entrant: &Entrant) -> u64 {
    let gap = |task: &EntrantTask| {
        u64::from(task.planned).saturating_sub(success::task_counts(&task.view()).total())
    };
    entrant.tasks.iter().map(gap).sum()
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
