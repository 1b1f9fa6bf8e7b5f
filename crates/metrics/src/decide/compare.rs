//! The paired comparison: is the candidate different, for new tasks like these, and for exactly these?

use retrial_spec::TaskName;
use retrial_stats::compare::paired::{SignFlip, differences, sign_flip_exact, sign_flip_seeded};
use retrial_stats::compare::stratified::StratifiedExact;
use retrial_stats::{Level, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use super::pairing::{Pairing, Reading};
use super::shift::rates_p;
use crate::estimators;
use crate::paired::PairedCounts;
use crate::value::{Estimate, Evidence, Finite, Number, Reason, Value};
use crate::{MetricsError, Settings, Target};

/// Most tasks whose sign flips are enumerated; beyond it they are drawn.
const MOST_ENUMERATED: usize = 24;

/// Sign flips that are drawn.
const FLIPS: usize = 9999;

/// Differences below this are rounding noise.
const NOISE: f64 = 1e-12;

/// What a comparison shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The candidate is better.
    Better,
    /// The candidate is worse.
    Worse,
    /// No difference is shown, which does not mean that there is none.
    NotShown,
}

impl Finding {
    /// An interval that leaves 0 out shows a difference; without an interval nothing is shown.
    fn of(difference: &Result<Estimate, Reason>) -> Self {
        match difference.as_ref().ok().and_then(|estimate| estimate.interval.interval()) {
            Some(interval) if interval.low.value() > 0.0 => Self::Better,
            Some(interval) if interval.high.value() < 0.0 => Self::Worse,
            _ => Self::NotShown,
        }
    }

    /// The side that a difference lies on, however small it is; differences of rounding noise lie on none.
    fn towards(difference: f64) -> Self {
        if difference > NOISE {
            Self::Better
        } else if difference < -NOISE {
            Self::Worse
        } else {
            Self::NotShown
        }
    }
}

/// The comparison of a candidate with a baseline on the same tasks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// What the candidate's side rests on.
    pub candidate: Evidence,
    /// What the baseline's side rests on.
    pub baseline: Evidence,
    /// Tasks without graded trials on a side, which the estimates leave out.
    pub left_out: Vec<TaskName>,
    /// For new tasks like these.
    pub population: PopulationComparison,
    /// For exactly these tasks.
    pub fixed_suite: SuiteComparison,
    /// The band over excluded trials; none where all finished trials count.
    pub worst_case: Option<DifferenceBand>,
}

/// The difference for new tasks like these: the tasks are the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PopulationComparison {
    /// Candidate minus baseline with paired Student's interval over tasks. Undefined for one task, and where all tasks differ alike.
    pub difference: Value,
    /// Two-sided p-value of paired Student's test.
    pub student_p: Number,
    /// Two-sided p-value of sign flips of the tasks' differences: exact up to 24 tasks, seeded beyond. With T tasks it is at least
    /// 2/2^T, so up to five tasks it never falls below 0.05.
    pub sign_flip_p: Number,
    /// What the interval shows.
    pub finding: Finding,
}

/// The difference for exactly these tasks: only the noise of trials counts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SuiteComparison {
    /// Candidate minus baseline with the square-and-add (MOVER) interval of two stratified Wilson intervals, which is undefined where some
    /// task has a single trial.
    pub difference: Value,
    /// The exact test of "no task changed".
    pub exact: ExactTest,
    /// Two-sided p-value of what both show together: the larger of the smallest level whose interval leaves 0 out and that of the exact
    /// test, or the one there is.
    pub p: Number,
    /// What both show together: a difference is shown where the interval leaves 0 out and the exact two-sided test rejects, towards the
    /// side of the difference. The test keeps the error rate for identical agents, with however few trials; the interval sees to it that
    /// the mean has moved, and not only single tasks. Where the test has too many cases to enumerate the interval alone decides, and
    /// where there is no interval the test alone, which is valid by itself.
    pub finding: Finding,
}

/// P-values of the exact stratified test, given each task's total of passes on both sides; the exact conditional
/// Cochran–Mantel–Haenszel test. It rejects if any tasks changed, in theory even where the changes cancel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExactTest {
    /// One-sided: the candidate is worse.
    pub worse_p: Number,
    /// One-sided: the candidate is better.
    pub better_p: Number,
    /// Two-sided: totals at least as far from the expected one.
    pub two_sided_p: Number,
}

/// The difference over the ways to take excluded trials.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct DifferenceBand {
    /// All of the candidate's fail and all of the baseline's pass.
    pub worst: Finite,
    /// All of the candidate's pass and all of the baseline's fail.
    pub best: Finite,
    /// How many trials are excluded.
    pub excluded: u64,
    /// Whether the finding for the fixed suite, of this pair alone, is the same throughout.
    pub finding_holds: bool,
}

/// Compares both sides, for both targets. `settings` gives level and seed; its target and policies do not matter here.
///
/// Sources: paired Student over tasks, Miller 2024, arXiv 2411.00640; sign flips, Fisher 1935, *The Design of Experiments*, section
/// 21; MOVER, Newcombe 1998 and Zou & Donner 2008.
///
/// # Errors
/// [`MetricsError::Level`] for a level that is none.
pub fn compare(pairing: &Pairing, settings: &Settings) -> Result<Comparison, MetricsError> {
    let level = Level::new(settings.level).map_err(|_| MetricsError::Level(settings.level))?;
    let read = |reading| pairing.counts(reading);
    let plain = read(Reading::Plain);
    let n = |side: fn(&PairedCounts) -> Evidence| plain.as_ref().map(side).unwrap_or_default();
    let suite = suite(&plain, level);
    let worst_case = worst_case(pairing, suite.finding, level);
    Ok(Comparison {
        candidate: n(PairedCounts::evidence),
        baseline: n(|pairs| estimators::evidence(&pairs.second)),
        left_out: pairing.left_out(),
        population: population(&plain, level, settings.seed),
        fixed_suite: suite,
        worst_case,
    })
}

/// Returns what the interval for the population shows.
pub(crate) fn population_finding(pairs: &PairedCounts, level: Level) -> Finding {
    Finding::of(&pairs.difference(Target::Population, level))
}

/// Returns what interval and exact test show for the fixed suite.
pub(crate) fn suite_finding(pairs: &PairedCounts, level: Level) -> Finding {
    suite_finding_by(pairs, level, |difference| Ok(exact_p(&exact_of(pairs)?, difference)))
}

/// The same with the p-value of the exact test, which is asked for only where it matters: it is the dearer of the two.
fn suite_finding_by(
    pairs: &PairedCounts,
    level: Level,
    exact_p: impl FnOnce(f64) -> Result<f64, Reason>,
) -> Finding {
    let Ok(difference) = pairs.difference(Target::FixedSuite, level) else { return Finding::NotShown };
    let point = difference.point.value();
    let has_interval = difference.interval.interval().is_some();
    let shown = if has_interval { Finding::of(&Ok(difference)) } else { Finding::towards(point) };
    if shown == Finding::NotShown {
        return shown;
    }
    match exact_p(point) {
        Ok(p) if p <= level.alpha() => shown,
        Err(_) if has_interval => shown,
        _ => Finding::NotShown,
    }
}

/// The two-sided p-value of the exact test where it points to the side of the difference, otherwise that of the one side: with unequal
/// numbers of trials the total of passes can lean to one side and the mean over tasks to the other.
fn exact_p(exact: &StratifiedExact, difference: f64) -> f64 {
    let towards = match Finding::towards(difference) {
        Finding::Better => exact.p_greater(),
        Finding::Worse => exact.p_less(),
        Finding::NotShown => 1.0,
    };
    exact.p_two_sided().max(towards)
}

/// A two-sided p-value, and the difference it is of: all that a decision among several pairs needs.
#[derive(Debug, Clone)]
pub(crate) struct Tested {
    pub(crate) p: Number,
    pub(crate) difference: f64,
}

/// Tests the difference for a target, as [`compare`] does.
pub(crate) fn tested(pairs: &Result<PairedCounts, Reason>, target: Target, level: Level) -> Tested {
    let p = |pairs: &PairedCounts| match target {
        Target::Population => Ok(pairs.student(level)?.p_two_sided()?),
        Target::FixedSuite => suite_p(pairs, &exact_of(pairs), level),
    };
    let pairs = pairs.as_ref().map_err(Clone::clone);
    Tested { difference: pairs.clone().and_then(point).unwrap_or(0.0), p: Number::of(pairs.and_then(p)) }
}

fn point(pairs: &PairedCounts) -> Result<f64, Reason> {
    Ok(pairs.first.mean_rate()? - pairs.second.mean_rate()?)
}

fn exact_of(pairs: &PairedCounts) -> Result<StratifiedExact, Reason> {
    Ok(StratifiedExact::new(&pairs.pairs())?)
}

/// The p-value at which [`suite_finding`] turns.
fn suite_p(
    pairs: &PairedCounts,
    exact: &Result<StratifiedExact, Reason>,
    level: Level,
) -> Result<f64, Reason> {
    let difference = point(pairs)?;
    let exact = exact.as_ref().map(|exact| exact_p(exact, difference));
    match (rates_p(pairs, level), exact) {
        (Ok(interval), Ok(exact)) => Ok(interval.max(exact)),
        (Ok(known), Err(_)) | (Err(_), Ok(known)) => Ok(known),
        (Err(reason), Err(_)) => Err(reason),
    }
}

fn population(plain: &Result<PairedCounts, Reason>, level: Level, seed: u64) -> PopulationComparison {
    let of = |value: &dyn Fn(&PairedCounts) -> Result<f64, Reason>| {
        Number::of(plain.as_ref().map_err(Clone::clone).and_then(value))
    };
    let difference = plain.clone().and_then(|pairs| pairs.difference(Target::Population, level));
    PopulationComparison {
        finding: Finding::of(&difference),
        difference: difference.into(),
        student_p: of(&|pairs| Ok(pairs.student(level)?.p_two_sided()?)),
        sign_flip_p: of(&|pairs| Ok(sign_flip(pairs, seed)?.two_sided)),
    }
}

fn sign_flip(pairs: &PairedCounts, seed: u64) -> Result<SignFlip, Reason> {
    let differences = differences(&pairs.rates()?);
    match differences.len() {
        have @ 0..2 => Err(Undefined::TooFewGroups { have, need: 2 }.into()),
        2..=MOST_ENUMERATED => Ok(sign_flip_exact(&differences)?),
        _ => Ok(sign_flip_seeded(&differences, FLIPS, seed)?),
    }
}

fn suite(plain: &Result<PairedCounts, Reason>, level: Level) -> SuiteComparison {
    let exact = plain.clone().and_then(|pairs| exact_of(&pairs));
    let p = |of: fn(&StratifiedExact) -> f64| Number::of(exact.as_ref().map(of).map_err(Clone::clone));
    let together = plain.as_ref().map_err(Clone::clone).and_then(|pairs| suite_p(pairs, &exact, level));
    let known = |difference| exact.as_ref().map(|exact| exact_p(exact, difference)).map_err(Clone::clone);
    SuiteComparison {
        difference: plain.clone().and_then(|pairs| pairs.difference(Target::FixedSuite, level)).into(),
        exact: ExactTest {
            worse_p: p(StratifiedExact::p_less),
            better_p: p(StratifiedExact::p_greater),
            two_sided_p: p(StratifiedExact::p_two_sided),
        },
        p: Number::of(together),
        finding: plain.as_ref().map_or(Finding::NotShown, |pairs| suite_finding_by(pairs, level, known)),
    }
}

fn worst_case(pairing: &Pairing, finding: Finding, level: Level) -> Option<DifferenceBand> {
    let excluded = pairing.excluded();
    if excluded == 0 {
        return None;
    }
    let extreme = |reading| {
        let pairs = pairing.counts(reading).ok()?;
        let point = pairs.difference(Target::FixedSuite, level).ok()?.point;
        Some((point, suite_finding(&pairs, level) == finding))
    };
    let ((worst, holds_at_worst), (best, holds_at_best)) =
        (extreme(Reading::Worst)?, extreme(Reading::Best)?);
    Some(DifferenceBand { worst, best, excluded, finding_holds: holds_at_worst && holds_at_best })
}
