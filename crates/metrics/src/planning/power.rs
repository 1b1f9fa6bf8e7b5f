//! How probable it is that a decision comes out as it should.
//!
//! The decisions are those of [`crate::decide`]. In small designs they are made on simulated suites, since intervals of Wilson's kind, the
//! exact test and rates near 1 are far from any formula there; in large ones the formulas are within two points of the simulation.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use retrial_stats::power::PairedTest;
use retrial_stats::{Level, special};
use schemars::JsonSchema;
use serde::Serialize;

use super::PlanningError;
use super::assumptions::{Assumptions, Suites};
use crate::Target;
use crate::decide::{Decision, Finding, OneSided, population_finding, suite_finding};

/// Simulated comparisons behind a probability: its Monte Carlo standard error is at most 0.8 points.
const SIMULATED: u32 = 4000;

/// Most tasks for which the paired test over tasks and the gate are simulated.
const FEW_TASKS: u64 = 50;

/// Most trials of a side for which the comparison of a fixed suite is simulated: its exact test is dear.
const FEW_TRIALS: u64 = 500;

/// What should come out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The comparison of two agents shows the true difference, with its sign. It is planned for towards one half, where the noise is
    /// greatest: an agent above it is compared with a worse one.
    DifferenceShown(f64),
    /// The gate passes a candidate that is as good as the baseline, at this margin.
    GatePasses(f64),
    /// The gate calls a candidate that is worse by so much a regression, at a margin of just as much.
    GateFinds(f64),
}

/// Tasks and trials of each, on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Split {
    /// Tasks.
    pub tasks: u64,
    /// Trials of each task by each agent.
    pub trials: u64,
}

impl std::fmt::Display for Split {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&format!("{}×{}", self.tasks, self.trials))
    }
}

/// How a probability or width was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The decision itself was made on simulated suites.
    Simulated,
    /// The noncentral t distribution of the paired difference over tasks.
    NoncentralT,
    /// The normal approximation.
    Normal,
    /// Student's formula.
    Student,
    /// An exact formula.
    Exact,
}

impl std::fmt::Display for Found {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Simulated => "simulated",
            Self::NoncentralT => "noncentral t",
            Self::Normal => "normal",
            Self::Student => "Student",
            Self::Exact => "exact",
        })
    }
}

/// The probability of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Chance {
    /// The probability.
    pub probability: f64,
    /// Its Monte Carlo standard error; 0 for formulas.
    pub error: f64,
    /// How it was found.
    pub found: Found,
}

/// What a decision is about and how sure it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Terms {
    /// New tasks like these, or exactly these. The gate decides for exactly these always.
    pub target: Target,
    /// The two-sided level of intervals and comparisons.
    pub level: f64,
    /// The confidence of one-sided bounds: of the gate's, and of a failure rate where nothing failed.
    pub one_sided: f64,
    /// Seeds what is simulated.
    pub seed: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { target: Target::Population, level: 0.95, one_sided: 0.95, seed: 1 }
    }
}

impl Terms {
    /// Returns the two-sided level of comparisons.
    ///
    /// # Errors
    /// [`PlanningError::OutOfRange`].
    pub(super) fn two_sided(self) -> Result<Level, PlanningError> {
        let range = "strictly between 0 and 1";
        Level::new(self.level).map_err(|_| PlanningError::OutOfRange {
            name: "level",
            value: self.level,
            range,
        })
    }

    /// Returns the two-sided level whose ends are the gate's bounds.
    pub(super) fn of_gate(self) -> Result<Level, PlanningError> {
        let (value, range) = (self.one_sided, "strictly between 0.5 and 1");
        Level::from_one_sided(value).map_err(|_| PlanningError::OutOfRange {
            name: "confidence",
            value,
            range,
        })
    }

    fn exactly_these(self, outcome: Outcome) -> bool {
        self.target == Target::FixedSuite || !matches!(outcome, Outcome::DifferenceShown(_))
    }
}

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

/// The largest share of the mean rate that is planned for as a difference.
const LARGEST_SHARE: f64 = 0.98;

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
