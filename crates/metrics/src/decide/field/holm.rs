//! Which pairs differ in success when all of them are looked at.

use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::ByTarget;
use super::pair::PairComparison;
use crate::Target;
use crate::decide::pairing::{Pairing, Reading};
use crate::decide::{Comparison, Finding, Purpose, Tested, adjusted, tested};
use crate::value::{Finite, Number, Value};

/// The test of one pair among all pairs of a field.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HolmTest {
    /// Two-sided p-value of this pair alone. For the population that of paired Student's test over tasks; for the fixed suite the
    /// larger of the smallest level whose interval leaves 0 out and that of the exact stratified test, or the one there is.
    pub p: Number,
    /// The same adjusted over all pairs (Holm). A pair without p-value counts among them as one with a p-value of 1.
    pub adjusted_p: Number,
    /// What the adjusted p-value shows, at the level.
    pub finding: Finding,
    /// Whether the finding stays what it is if the excluded trials are taken at their worst (the candidate's fail and the baseline's pass,
    /// in every pair) and at their best (the other way round), with the p-values adjusted anew; true where all trials count.
    pub holds: bool,
}

/// The tests of a pair before all pairs are known, for the readings of excluded trials.
pub(super) struct Readings {
    plain: ByTarget<Tested>,
    /// At worst and at best; none where all trials count.
    extremes: Option<[ByTarget<Tested>; 2]>,
}

impl Readings {
    pub(super) fn new(pairing: &Pairing, success: &Comparison, level: Level) -> Self {
        let read = |reading| {
            let counts = pairing.counts(reading);
            ByTarget {
                population: tested(&counts, Target::Population, level),
                fixed_suite: tested(&counts, Target::FixedSuite, level),
            }
        };
        let extremes = (pairing.excluded() > 0).then(|| [read(Reading::Worst), read(Reading::Best)]);
        let of = |p: &Number, difference: &Value| Tested {
            p: p.clone(),
            difference: difference.estimate().map_or(0.0, |estimate| estimate.point.value()),
        };
        let (population, suite) = (&success.population, &success.fixed_suite);
        let plain = ByTarget {
            population: of(&population.student_p, &population.difference),
            fixed_suite: of(&suite.p, &suite.difference),
        };
        Self { plain, extremes }
    }

    fn at(&self, extreme: usize) -> &ByTarget<Tested> {
        self.extremes.as_ref().and_then(|extremes| extremes.get(extreme)).unwrap_or(&self.plain)
    }

    /// The tests as far as they are known of this pair alone.
    pub(super) fn undecided(&self) -> ByTarget<HolmTest> {
        let of = |tested: &Tested| {
            let p = tested.p.clone();
            HolmTest { adjusted_p: p.clone(), p, finding: Finding::NotShown, holds: true }
        };
        ByTarget { population: of(&self.plain.population), fixed_suite: of(&self.plain.fixed_suite) }
    }
}

/// Adjusts the p-values of all pairs, for each target by itself, and looks whether excluded trials could change what they show.
pub(super) fn decide(pairs: &mut [PairComparison], readings: &[Readings], level: Level) {
    for target in [Target::Population, Target::FixedSuite] {
        let all = |of: &dyn Fn(&Readings) -> Tested| {
            decided(&readings.iter().map(of).collect::<Vec<Tested>>(), level)
        };
        let plain = all(&|readings| readings.plain.of(target).clone());
        let [worst, best] = [0, 1].map(|extreme| all(&|readings| readings.at(extreme).of(target).clone()));
        for (place, (pair, (adjusted_p, finding))) in pairs.iter_mut().zip(plain).enumerate() {
            let same = |extreme: &[(Number, Finding)]| extreme.get(place).is_some_and(|of| of.1 == finding);
            let test = pair.decided.of_mut(target);
            test.holds = readings[place].extremes.is_none() || (same(&worst) && same(&best));
            (test.adjusted_p, test.finding) = (adjusted_p, finding);
        }
    }
}

/// The adjusted p-values with what they show.
fn decided(tests: &[Tested], level: Level) -> Vec<(Number, Finding)> {
    let p: Vec<Number> = tests.iter().map(|tested| tested.p.clone()).collect();
    let each = over_all(&p).into_iter().zip(tests);
    each.map(|(adjusted, tested)| {
        let shown = finding(&adjusted, tested.difference, level);
        (adjusted, shown)
    })
    .collect()
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
