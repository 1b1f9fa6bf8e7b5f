//! Equivalence: are both sides alike up to a margin? The absence of a shown difference is no answer to that.

use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::gate::GateRule;
use super::pairing::{Pairing, Reading};
use crate::paired::PairedCounts;
use crate::value::{Bounds, Estimate, Number, Reason};
use crate::{MetricsError, Target};

/// Whether both sides are alike up to a margin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Equivalence {
    /// What the answer speaks of.
    pub target: Target,
    /// The rule; its power does not matter here.
    pub rule: GateRule,
    /// The interval whose ends are one-sided bounds of the rule's confidence.
    pub interval: Bounds,
    /// For the population the p-value of two one-sided tests; for the fixed suite undefined, where the interval decides.
    pub p: Number,
    /// Whether equivalence is shown: the interval lies strictly within the margin on both sides, whatever excluded trials would have
    /// been.
    pub shown: bool,
}

/// Tests whether the success rates differ by less than the margin in either direction, by two one-sided tests.
///
/// Population: paired Student over tasks; undefined, hence not shown, for one task and where all tasks differ alike. Fixed suite: the
/// square-and-add (MOVER) interval. With a margin of 0 nothing is equivalent. Source: Schuirmann 1987 (J. Pharmacokinetics and
/// Biopharmaceutics 15, 657–680).
///
/// # Errors
/// [`MetricsError::Margin`], [`MetricsError::Level`], [`MetricsError::Power`] for a rule that cannot be.
pub fn equivalence(pairing: &Pairing, target: Target, rule: GateRule) -> Result<Equivalence, MetricsError> {
    let level = rule.level()?;
    let plain = pairing.counts(Reading::Plain);
    let difference = plain.clone().and_then(|pairs| pairs.difference(target, level));
    let holds = |reading| {
        let difference = pairing.counts(reading).and_then(|pairs| pairs.difference(target, level));
        within(&difference, rule.margin)
    };
    let shown = [Reading::Plain, Reading::Worst, Reading::Best].into_iter().all(holds);
    let p = Number::of(plain.and_then(|pairs| p_value(&pairs, target, level, rule.margin)));
    let interval = difference.map_or_else(Bounds::Undefined, |estimate| estimate.interval);
    Ok(Equivalence { target, rule, interval, p, shown })
}

fn within(difference: &Result<Estimate, Reason>, margin: f64) -> bool {
    let interval = difference.as_ref().ok().and_then(|estimate| estimate.interval.interval());
    interval.is_some_and(|interval| interval.low.value() > -margin && interval.high.value() < margin)
}

fn p_value(pairs: &PairedCounts, target: Target, level: Level, margin: f64) -> Result<f64, Reason> {
    match target {
        Target::Population => Ok(pairs.student(level)?.p_equivalent(margin)?),
        Target::FixedSuite => Err(Reason::INTERVAL_DECIDES),
    }
}
