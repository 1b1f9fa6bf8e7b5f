//! How probable it is that a decision comes out as it should.
//!
//! The decisions are those of [`crate::decide`]. In small designs they are made on simulated suites, since intervals of Wilson's kind, the
//! exact test and rates near 1 are far from any formula there; in large ones the formulas are within two points of the simulation.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use retrial_stats::{Level, special};
use schemars::JsonSchema;
use serde::Serialize;

use super::PlanningError;
use super::assumptions::{Assumptions, Suites};
use super::formulas::{detectable_by_formula, formula};
use super::terms::{Chance, Found, Outcome, Split, Terms};
use crate::Target;
use crate::decide::{Decision, Finding, OneSided, population_finding, suite_finding};

/// Simulated comparisons behind a probability: its Monte Carlo standard error is at most 0.8 points.
const SIMULATED: u32 = 4000;

/// Most tasks for which the paired test over tasks and the gate are simulated.
const FEW_TASKS: u64 = 50;

/// Most trials of a side for which the comparison of a fixed suite is simulated: its exact test is dear.
const FEW_TRIALS: u64 = 500;

/// Returns how probable the outcome is; simulated for up to 50 tasks (comparisons of a fixed suite: 500 trials), by formula beyond.
///
/// # Errors
/// [`PlanningError`] for a difference that the mean rate leaves no room for, fewer than two tasks for the population, fewer than two
/// trials for a fixed suite, or numbers outside of their range.
pub fn chance(
    assumptions: Assumptions,
    terms: Terms,
    outcome: Outcome,
    split: Split,
) -> Result<Chance, PlanningError> {
    check(assumptions, terms, outcome, split)?;
    if is_small(terms, outcome, split) {
        simulated(assumptions, terms, outcome, split)
    } else {
        formula(assumptions, terms, outcome, split)
    }
}

fn is_small(terms: Terms, outcome: Outcome, split: Split) -> bool {
    match (outcome, terms.target) {
        (Outcome::DifferenceShown(_), Target::FixedSuite) => {
            split.tasks.saturating_mul(split.trials) <= FEW_TRIALS
        }
        _ => split.tasks <= FEW_TASKS && split.trials <= FEW_TRIALS,
    }
}

/// The smallest difference that is shown with a given probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Detectable {
    /// The difference.
    pub difference: f64,
    /// How it was found.
    pub found: Found,
}

/// Returns the smallest difference that a comparison shows with probability `power`; none where even one that leaves no success is not.
///
/// By formula, and in small designs moved twice along the formula's slope by what the simulated decision says.
///
/// # Errors
/// As [`chance`]; [`PlanningError::OutOfRange`] for a power that is none.
pub fn detectable(
    assumptions: Assumptions,
    terms: Terms,
    power: f64,
    split: Split,
) -> Result<Option<Detectable>, PlanningError> {
    if !(power > 0.5 && power < 1.0) {
        return Err(PlanningError::OutOfRange { name: "power", value: power, range: "between 0.5 and 1" });
    }
    let most = assumptions.upper_half().mu * LARGEST_SHARE;
    let high = detectable_by_formula(assumptions, terms, power, split)?;
    let at = |difference: f64| formula(assumptions, terms, Outcome::DifferenceShown(difference), split);
    if !is_small(terms, Outcome::DifferenceShown(high), split) {
        let by_formula = at(high)?;
        let reached = by_formula.probability >= power - 1e-6;
        return Ok(reached.then_some(Detectable { difference: high, found: by_formula.found }));
    }
    let wanted = special::normal_quantile(power)?;
    let mut difference = high;
    for _ in 0..2 {
        let seen = simulated(assumptions, terms, Outcome::DifferenceShown(difference), split)?.probability;
        let step = difference / 100.0;
        let (above, below) = (at(difference + step)?.probability, at(difference - step)?.probability);
        let slope = (probit(above) - probit(below)) / (2.0 * step);
        if slope > 0.0 {
            difference = (difference + (wanted - probit(seen)) / slope).clamp(difference / 2.0, most);
        }
    }
    let reached = difference < most * LARGEST_SHARE;
    Ok(reached.then_some(Detectable { difference, found: Found::Simulated }))
}

/// The largest share of the mean rate that is planned for as a difference.
pub(super) const LARGEST_SHARE: f64 = 0.98;

/// The normal quantile, away from 0 and 1.
fn probit(p: f64) -> f64 {
    special::normal_quantile(p.clamp(0.005, 0.995)).unwrap_or(0.0)
}

/// The half width of an interval of the success rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Width {
    /// The half width.
    pub half_width: f64,
    /// How it was found.
    pub found: Found,
}

/// Returns the expected half width of the success rate's interval: Student's over tasks for the population, the normal one of the
/// trials' noise for a fixed suite.
///
/// # Errors
/// As [`chance`].
pub fn half_width(assumptions: Assumptions, terms: Terms, split: Split) -> Result<Width, PlanningError> {
    check(assumptions, terms, Outcome::DifferenceShown(assumptions.upper_half().mu / 2.0), split)?;
    let level = terms.two_sided()?;
    let (tasks, noise) = (split.tasks as f64, assumptions.within() / split.trials as f64);
    Ok(match terms.target {
        Target::Population => Width {
            half_width: level.t(tasks - 1.0)? * ((assumptions.between() + noise) / tasks).sqrt(),
            found: Found::Student,
        },
        Target::FixedSuite => Width { half_width: level.z() * (noise / tasks).sqrt(), found: Found::Normal },
    })
}

/// Checks that the question can be asked.
pub(super) fn check(
    assumptions: Assumptions,
    terms: Terms,
    outcome: Outcome,
    split: Split,
) -> Result<(), PlanningError> {
    let (name, size, room) = match outcome {
        Outcome::DifferenceShown(delta) => ("difference", delta, assumptions.upper_half().mu),
        Outcome::GateFinds(drop) => ("drop", drop, assumptions.mu),
        Outcome::GatePasses(margin) => ("margin", margin, 1.0),
    };
    if !(size > 0.0 && size < room) {
        return Err(PlanningError::NoRoom { name, value: size, room });
    }
    let exactly_these = terms.exactly_these(outcome);
    if exactly_these && split.trials < 2 {
        return Err(PlanningError::TooFew {
            what: "trials of each task",
            need: 2,
            because: "one trial shows no noise",
        });
    }
    if !exactly_these && split.tasks < 2 {
        return Err(PlanningError::TooFew {
            what: "tasks",
            need: 2,
            because: "one task says nothing of new ones",
        });
    }
    if split.tasks == 0 || split.trials == 0 {
        return Err(PlanningError::TooFew {
            what: "tasks and trials",
            need: 1,
            because: "nothing is tried otherwise",
        });
    }
    Ok(())
}

/// Makes the decision on simulated suites and counts.
pub(super) fn simulated(
    assumptions: Assumptions,
    terms: Terms,
    outcome: Outcome,
    split: Split,
) -> Result<Chance, PlanningError> {
    // A stream for each design, so that neighbours in a table do not share their luck.
    let mut random = ChaCha8Rng::seed_from_u64(terms.seed);
    random.set_stream((split.tasks << 32) ^ split.trials);
    let assumptions = match outcome {
        Outcome::DifferenceShown(_) => assumptions.upper_half(),
        _ => assumptions,
    };
    let mut suites =
        Suites { assumptions, tasks: split.tasks as usize, trials: split.trials, random: &mut random };
    let (comparison, gate) = (terms.two_sided()?, terms.of_gate()?);
    let (mut held, mut made) = (0_u32, 0_u32);
    for _ in 0..SIMULATED {
        let happened = match (outcome, terms.target) {
            (Outcome::DifferenceShown(delta), Target::Population) => {
                let probabilities = suites.population(delta);
                suites
                    .tried(&probabilities)
                    .map(|pairs| population_finding(&pairs, comparison) == Finding::Worse)
            }
            (Outcome::DifferenceShown(delta), Target::FixedSuite) => suites
                .fixed(delta)
                .and_then(|probabilities| suites.tried(&probabilities))
                .map(|pairs| suite_finding(&pairs, comparison) == Finding::Worse),
            (Outcome::GatePasses(margin), _) => gated(&mut suites, 0.0, margin, gate, Decision::Pass),
            (Outcome::GateFinds(drop), _) => gated(&mut suites, drop, drop, gate, Decision::Regression),
        };
        if let Some(happened) = happened {
            held += u32::from(happened);
            made += 1;
        }
    }
    if made == 0 {
        return Err(PlanningError::NoSuite);
    }
    let probability = f64::from(held) / f64::from(made);
    let error = (probability * (1.0 - probability) / f64::from(made)).sqrt();
    Ok(Chance { probability, error, found: Found::Simulated })
}

/// Whether the gate decides so about a candidate that is worse by `drop`.
fn gated(
    suites: &mut Suites<'_, ChaCha8Rng>,
    drop: f64,
    margin: f64,
    level: Level,
    wanted: Decision,
) -> Option<bool> {
    let probabilities = suites.fixed(drop)?;
    let pairs = suites.tried(&probabilities)?;
    let bounds = OneSided::new(&pairs, level);
    Some(bounds.map_or(Decision::Inconclusive, |bounds| bounds.decide(margin)) == wanted)
}
