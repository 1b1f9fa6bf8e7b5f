//! Which pairs differ in success when all of them are looked at.

use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::pair::PairComparison;
use crate::decide::{Finding, Purpose, adjusted};
use crate::value::{Finite, Number};

/// The test of one pair among all pairs of a field.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HolmTest {
    /// Two-sided p-value of this pair alone. For the population that of paired Student's test over tasks; for the fixed suite the
    /// larger of the smallest level whose interval leaves 0 out and that of the exact stratified test.
    pub p: Number,
    /// The same adjusted over all pairs (Holm). A pair without p-value counts among them as one with a p-value of 1.
    pub adjusted_p: Number,
    /// What the adjusted p-value shows, at the level.
    pub finding: Finding,
}

impl HolmTest {
    /// A test before all are known.
    pub(super) fn of(p: Number) -> Self {
        Self { p, adjusted_p: Number::Undefined(crate::Reason::NO_GRADED_TRIALS), finding: Finding::NotShown }
    }
}

/// Adjusts the p-values of all pairs, for each target by itself.
pub(super) fn decide(pairs: &mut [PairComparison], level: Level) {
    let points = |pair: &PairComparison| {
        let of = |value: &crate::Value| value.estimate().map_or(0.0, |estimate| estimate.point.value());
        (of(&pair.success.population.difference), of(&pair.success.fixed_suite.difference))
    };
    let population: Vec<Number> = pairs.iter().map(|pair| pair.decided.population.p.clone()).collect();
    let fixed: Vec<Number> = pairs.iter().map(|pair| pair.decided.fixed_suite.p.clone()).collect();
    let (population, fixed) = (over_all(&population), over_all(&fixed));
    for ((pair, of_population), of_fixed) in pairs.iter_mut().zip(population).zip(fixed) {
        let (population_point, fixed_point) = points(pair);
        let tests = [
            (&mut pair.decided.population, of_population, population_point),
            (&mut pair.decided.fixed_suite, of_fixed, fixed_point),
        ];
        for (test, adjusted_p, difference) in tests {
            test.finding = finding(&adjusted_p, difference, level);
            test.adjusted_p = adjusted_p;
        }
    }
}

/// Returns what an adjusted p-value shows of a difference.
pub(super) fn finding(adjusted_p: &Number, difference: f64, level: Level) -> Finding {
    match adjusted_p.value() {
        Some(p) if p < level.alpha() && difference > 0.0 => Finding::Better,
        Some(p) if p < level.alpha() && difference < 0.0 => Finding::Worse,
        _ => Finding::NotShown,
    }
}

/// Returns Holm's adjusted p-values; one that is not known stays so, and counts as 1 for the others.
pub(super) fn over_all(p: &[Number]) -> Vec<Number> {
    with_unknown(p, Purpose::Decision)
}

/// Returns adjusted p-values; one that is not known stays so. For a decision it counts as 1 for the others, in an exploration not at all.
pub(super) fn with_unknown(p: &[Number], purpose: Purpose) -> Vec<Number> {
    let counted: Vec<f64> = match purpose {
        Purpose::Decision => p.iter().map(|p| p.value().unwrap_or(1.0)).collect(),
        Purpose::Exploration => p.iter().filter_map(Number::value).collect(),
    };
    let all: Vec<Finite> = match adjusted(&counted, purpose) {
        Ok(adjusted) => adjusted.p,
        Err(reason) => return vec![Number::Undefined(reason); p.len()],
    };
    let mut all = all.into_iter();
    let each = p.iter().map(|own| match own {
        Number::Known(_) => all.next().map_or_else(|| own.clone(), Number::Known),
        Number::Undefined(_) => {
            if purpose == Purpose::Decision {
                all.next();
            }
            own.clone()
        }
    });
    each.collect()
}
