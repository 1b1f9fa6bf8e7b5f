//! What is asked of a plan, and how well a design answers it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use retrial_stats::power::{best_items_per_group, zero_failure_items};
use schemars::JsonSchema;
use serde::Serialize;

use super::assumptions::{Assumptions, Suites};
use super::formulas::{detectable_by_formula, formula};
use super::power::{chance, check, detectable, half_width};
use super::terms::{Found, Outcome, Split, Terms};
use super::{PlanningError, Prices};
use crate::estimators::{self, Context};
use crate::{Settings, Target};

/// Runs in which the scorecard's own interval is looked at.
const INTERVALS: u32 = 200;

/// What is asked of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// An interval of the success rate no wider, to each side, than this.
    HalfWidth(f64),
    /// A comparison that shows a true difference with this power.
    Difference {
        /// The true difference.
        difference: f64,
        /// The probability with which it is shown.
        power: f64,
    },
    /// A gate that passes a candidate as good as the baseline with this power.
    Gate {
        /// The gate's margin.
        margin: f64,
        /// The probability with which it passes.
        power: f64,
    },
    /// Trials enough that not a single failure among them rules out a failure rate of this or more.
    ZeroFailures(f64),
    /// Nothing: what can be detected with this power?
    Detectable {
        /// The probability with which a difference is shown.
        power: f64,
    },
}

impl Question {
    /// Whether it is about the difference of two agents.
    pub(super) fn is_of_pair(self) -> bool {
        matches!(self, Self::Difference { .. } | Self::Gate { .. } | Self::Detectable { .. })
    }
}

/// How well a design answers a question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Achieved {
    /// The half width, the probability, the probability of seeing no failure all the same, or the detectable difference; none where
    /// no difference is detectable.
    pub value: Option<f64>,
    /// The Monte Carlo standard error of a probability; 0 for formulas.
    pub error: f64,
    /// How it was found.
    pub found: Found,
}

impl Question {
    /// Returns how many agents run the trials.
    pub fn sides(self) -> u64 {
        match self {
            Self::HalfWidth(_) | Self::ZeroFailures(_) => 1,
            Self::Difference { .. } | Self::Gate { .. } | Self::Detectable { .. } => 2,
        }
    }

    /// Returns what the question is about: what was chosen, but for the gate, which always decides for exactly these tasks.
    pub fn target(self, chosen: Target) -> Target {
        if matches!(self, Self::Gate { .. }) { Target::FixedSuite } else { chosen }
    }

    /// Returns the power that is asked for; 0.8 where none is.
    pub fn power(self) -> f64 {
        match self {
            Self::Difference { power, .. } | Self::Gate { power, .. } | Self::Detectable { power } => power,
            Self::HalfWidth(_) | Self::ZeroFailures(_) => 0.8,
        }
    }

    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Difference { difference, .. } => Some(Outcome::DifferenceShown(difference)),
            Self::Gate { margin, .. } => Some(Outcome::GatePasses(margin)),
            _ => None,
        }
    }

    /// Checks the question's own numbers.
    pub(super) fn check(self) -> Result<(), PlanningError> {
        let within = |name, value: f64, low: f64, high: f64, range| {
            let fits = value > low && value < high;
            if fits { Ok(()) } else { Err(PlanningError::OutOfRange { name, value, range }) }
        };
        match self {
            Self::HalfWidth(width) => within("half width", width, 0.0, 0.5, "between 0 and 0.5")?,
            Self::ZeroFailures(rate) => within("failure rate", rate, 0.0, 1.0, "strictly between 0 and 1")?,
            Self::Difference { difference, .. } => {
                within("difference", difference, 0.0, 1.0, "strictly between 0 and 1")?;
            }
            Self::Gate { margin, .. } => within("margin", margin, 0.0, 1.0, "strictly between 0 and 1")?,
            Self::Detectable { .. } => {}
        }
        within("power", self.power(), 0.5, 1.0, "between 0.5 and 1")
    }

    /// Returns what a design achieves, by the most exact way there is.
    pub(super) fn achieved(
        self,
        assumptions: Assumptions,
        terms: Terms,
        split: Split,
    ) -> Result<Achieved, PlanningError> {
        match self.outcome() {
            Some(outcome) => {
                let chance = chance(assumptions, terms, outcome, split)?;
                Ok(Achieved { value: Some(chance.probability), error: chance.error, found: chance.found })
            }
            None if matches!(self, Self::Detectable { .. }) => {
                let found = detectable(assumptions, terms, self.power(), split)?;
                let how = found.map_or(Found::Simulated, |found| found.found);
                Ok(Achieved { value: found.map(|found| found.difference), error: 0.0, found: how })
            }
            None => self.quick(assumptions, terms, split),
        }
    }

    /// Returns what a design achieves by formula.
    pub(super) fn quick(
        self,
        assumptions: Assumptions,
        terms: Terms,
        split: Split,
    ) -> Result<Achieved, PlanningError> {
        let exact = |value: f64, found| Achieved { value: Some(value), error: 0.0, found };
        if let Some(outcome) = self.outcome() {
            check(assumptions, terms, outcome, split)?;
            let chance = formula(assumptions, terms, outcome, split)?;
            return Ok(exact(chance.probability, chance.found));
        }
        Ok(match self {
            Self::ZeroFailures(rate) => exact(unseen(assumptions.rho, terms, rate, split), Found::Exact),
            Self::Detectable { power } => {
                exact(detectable_by_formula(assumptions, terms, power, split)?, Found::Normal)
            }
            _ => {
                let width = half_width(assumptions, terms, split)?;
                exact(width.half_width, width.found)
            }
        })
    }

    /// Returns whether the value is what is asked for.
    pub fn is_enough(self, terms: Terms, value: f64) -> bool {
        match self {
            Self::HalfWidth(width) => value <= width,
            Self::Difference { power, .. } | Self::Gate { power, .. } => value >= power,
            Self::ZeroFailures(_) => value <= 1.0 - terms.one_sided,
            Self::Detectable { .. } => true,
        }
    }

    /// Returns a number that is the lower, the better the value.
    pub(super) fn badness(self, value: f64) -> f64 {
        if self.outcome().is_some() { 1.0 - value } else { value }
    }

    /// Returns the number of trials of each task that spends a budget best, not rounded; none where only the product of tasks and
    /// trials matters or tasks do not differ, so that fewer tasks are always cheaper where they cost something, and for zero failures.
    ///
    /// √(cost of a task/cost of its trials · (1−ρ)/ρ); for a comparison ρ(1−r) stands for ρ, and a trial costs one of each side.
    pub(super) fn best_trials(self, assumptions: Assumptions, terms: Terms, prices: Prices) -> Option<f64> {
        let pairs = self.sides() == 2;
        if matches!(self, Self::ZeroFailures(_)) || terms.target == Target::FixedSuite {
            return None;
        }
        let between = assumptions.rho * if pairs { 1.0 - assumptions.r } else { 1.0 };
        let share = between / (between + 1.0 - assumptions.rho);
        let (task, trial) = prices.relative(self.sides());
        if task <= 0.0 { Some(1.0) } else { best_items_per_group(task, trial, share).ok() }
    }
}

/// The probability that nothing fails although the mean failure rate is `rate`.
///
/// New tasks: (E pⁿ)^T with p from the Beta distribution of mean 1 − rate and correlation ρ. Exactly these tasks: at most (1 − rate)^(nT),
/// whatever the tasks' own rates, since a product of rates is largest where they are equal.
fn unseen(rho: f64, terms: Terms, rate: f64, split: Split) -> f64 {
    let (mean, tasks, trials) = (1.0 - rate, split.tasks as f64, split.trials as f64);
    if terms.target == Target::FixedSuite || rho <= 0.0 {
        return mean.powf(tasks * trials);
    }
    if rho >= 1.0 {
        return mean.powf(tasks);
    }
    let size = (1.0 - rho) / rho;
    let log = |i: u64| (mean * size + i as f64).ln() - (size + i as f64).ln();
    (tasks * (0..split.trials).map(log).sum::<f64>()).exp()
}

/// Returns the independent trials without failure that rule out the rate.
///
/// # Errors
/// [`PlanningError`] for a rate that is none.
pub fn independent_trials(rate: f64, confidence: f64) -> Result<u64, PlanningError> {
    Ok(zero_failure_items(rate, confidence)?)
}

/// Returns the mean half width of the success rate's interval as scorecards show it, over simulated runs of a design.
///
/// # Errors
/// [`PlanningError`] as of [`half_width`]; [`PlanningError::NoSuite`] where no interval was defined.
pub fn shown_half_width(assumptions: Assumptions, terms: Terms, split: Split) -> Result<f64, PlanningError> {
    half_width(assumptions, terms, split)?;
    let level = terms.two_sided()?;
    let mut random = ChaCha8Rng::seed_from_u64(terms.seed);
    let settings =
        Settings { level: terms.level, seed: terms.seed, target: terms.target, ..Settings::default() };
    let context = Context::without_actions(&settings, level);
    let mut suites =
        Suites { assumptions, tasks: split.tasks as usize, trials: split.trials, random: &mut random };
    let (mut sum, mut defined) = (0.0, 0_u32);
    for _ in 0..INTERVALS {
        let Some(counts) = suites.alone() else { continue };
        let estimate = estimators::rate(&counts, &context).ok();
        if let Some(interval) = estimate.as_ref().and_then(|estimate| estimate.interval.interval()) {
            sum += (interval.high.value() - interval.low.value()) / 2.0;
            defined += 1;
        }
    }
    if defined == 0 { Err(PlanningError::NoSuite) } else { Ok(sum / f64::from(defined)) }
}
