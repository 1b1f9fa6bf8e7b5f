//! What a decision is about, what should come out of it, and in which design.

use retrial_stats::Level;
use schemars::JsonSchema;
use serde::Serialize;

use super::PlanningError;
use crate::Target;

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

    pub(super) fn exactly_these(self, outcome: Outcome) -> bool {
        self.target == Target::FixedSuite || !matches!(outcome, Outcome::DifferenceShown(_))
    }
}
