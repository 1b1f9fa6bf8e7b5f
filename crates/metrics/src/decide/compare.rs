//! The paired comparison: is the candidate different, for new tasks like these, and for exactly these?

use retrial_spec::TaskName;
use retrial_stats::compare::paired::{SignFlip, differences, sign_flip_exact, sign_flip_seeded};
use retrial_stats::compare::stratified::StratifiedExact;
use retrial_stats::{Level, Undefined};
use schemars::JsonSchema;
use serde::Serialize;

use super::pairing::{Pairing, Reading};
use crate::estimators;
use crate::paired::PairedCounts;
use crate::value::{Estimate, Evidence, Finite, Number, Reason, Value};
use crate::{MetricsError, Settings, Target};

/// Most tasks whose sign flips are enumerated; beyond it they are drawn.
const MOST_ENUMERATED: usize = 24;

/// Sign flips that are drawn.
const FLIPS: usize = 9999;

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
    /// Candidate minus baseline with the square-and-add (MOVER) interval of two stratified Wilson intervals.
    pub difference: Value,
    /// The exact test of "no task changed".
    pub exact: ExactTest,
    /// What both show together: a difference is shown where the interval leaves 0 out and the exact two-sided test rejects. The test
    /// keeps the error rate for identical agents, with however few trials; the interval sees to it that the mean has moved, and not
    /// only single tasks. Where the test has too many cases to enumerate the interval alone decides.
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
    /// Whether the finding for the fixed suite is the same throughout.
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
    let by_interval = Finding::of(&pairs.difference(Target::FixedSuite, level));
    // The test is the dearer of the two.
    if by_interval == Finding::NotShown {
        return by_interval;
    }
    match StratifiedExact::new(&pairs.pairs()) {
        Ok(exact) if exact.p_two_sided() > level.alpha() => Finding::NotShown,
        _ => by_interval,
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
    let exact = plain.clone().and_then(|pairs| Ok(StratifiedExact::new(&pairs.pairs())?));
    let p = |of: fn(&StratifiedExact) -> f64| Number::of(exact.as_ref().map(of).map_err(Clone::clone));
    SuiteComparison {
        difference: plain.clone().and_then(|pairs| pairs.difference(Target::FixedSuite, level)).into(),
        exact: ExactTest {
            worse_p: p(StratifiedExact::p_less),
            better_p: p(StratifiedExact::p_greater),
            two_sided_p: p(StratifiedExact::p_two_sided),
        },
        finding: plain.as_ref().map_or(Finding::NotShown, |pairs| suite_finding(pairs, level)),
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
