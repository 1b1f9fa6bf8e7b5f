//! The formulas that stand for the decisions in designs of many tasks and trials.

use retrial_stats::power::PairedTest;
use retrial_stats::special;

use super::PlanningError;
use super::assumptions::Assumptions;
use super::power::{LARGEST_SHARE, check};
use super::terms::{Chance, Found, Outcome, Split, Terms};
use crate::Target;

/// The formulas for many tasks.
pub(super) fn formula(
    assumptions: Assumptions,
    terms: Terms,
    outcome: Outcome,
    split: Split,
) -> Result<Chance, PlanningError> {
    let tasks = split.tasks as f64;
    let normal =
        |x: f64| Ok(Chance { probability: special::normal_cdf(x), error: 0.0, found: Found::Normal });
    match outcome {
        Outcome::DifferenceShown(delta) => {
            let variance = difference_variance(assumptions.upper_half(), terms.target, delta, split.trials);
            let level = terms.two_sided()?;
            if terms.target == Target::FixedSuite {
                // The exact test counts whole trials: a correction for continuity of half of one, which is half of what the
                // difference of the sides moves by.
                let step = 1.0 / (tasks * split.trials as f64);
                return normal((delta - step) / deviation(variance, tasks) - level.z());
            }
            if variance <= 0.0 {
                // Without any noise a difference is the same in every task, and the test has nothing to go by.
                return Ok(Chance { probability: 0.0, error: 0.0, found: Found::NoncentralT });
            }
            // One side of the two-sided test: the sign must be right.
            let test = PairedTest::new(variance.sqrt(), level.alpha() / 2.0)?;
            let probability = test.power_one_sided(split.tasks, delta)?;
            Ok(Chance { probability, error: 0.0, found: Found::NoncentralT })
        }
        Outcome::GatePasses(margin) => {
            let variance = difference_variance(assumptions, Target::FixedSuite, 0.0, split.trials);
            normal(margin / deviation(variance, tasks) - terms.of_gate()?.z())
        }
        Outcome::GateFinds(drop) => {
            let variance = difference_variance(assumptions, Target::FixedSuite, drop, split.trials);
            normal(drop / deviation(variance, tasks) - terms.of_gate()?.z())
        }
    }
}

/// The standard deviation of a mean over tasks; without noise a positive one that is next to none.
fn deviation(variance: f64, tasks: f64) -> f64 {
    (variance / tasks).max(f64::MIN_POSITIVE).sqrt()
}

/// Returns the variance over tasks of the difference of two observed rates, for an agent and one that is worse by `drop`.
///
/// That of the multiplied probabilities of [`Assumptions`]; without a drop and with T tasks it is Miller's 2μ(1−μ)[ρ(1−r) + (1−ρ)/n]
/// (2024, arXiv 2411.00640, section 5). For a fixed suite the tasks' own differences are no noise.
pub(crate) fn difference_variance(assumptions: Assumptions, target: Target, drop: f64, trials: u64) -> f64 {
    let Assumptions { mu, r, .. } = assumptions;
    let (factor, between, n) = (1.0 - drop / mu, assumptions.between(), trials as f64);
    let within_worse = factor * mu - factor * factor * (mu * mu + between);
    let noise = (assumptions.within() + within_worse) / n;
    match target {
        Target::FixedSuite => noise,
        Target::Population => noise + between * (1.0 + factor * factor - 2.0 * r * factor),
    }
}

/// Returns the smallest difference that the formulas say is shown with probability `power`, or the largest that is looked at.
pub(super) fn detectable_by_formula(
    assumptions: Assumptions,
    terms: Terms,
    power: f64,
    split: Split,
) -> Result<f64, PlanningError> {
    let most = assumptions.upper_half().mu * LARGEST_SHARE;
    check(assumptions, terms, Outcome::DifferenceShown(most), split)?;
    let (mut low, mut high) = (0.0, most);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if formula(assumptions, terms, Outcome::DifferenceShown(middle), split)?.probability < power {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(high)
}
