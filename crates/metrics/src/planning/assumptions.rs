//! What a plan takes for true of the agents and the tasks.

use rand::Rng;
use rand::RngExt;
use rand_distr::{Beta, Binomial, Distribution};
use retrial_stats::{ClusterCounts, Counts};
use schemars::JsonSchema;
use serde::Serialize;

use super::PlanningError;
use crate::paired::PairedCounts;

/// The correlation of task difficulty between two agents where nobody gave one.
pub const DEFAULT_R: f64 = 0.5;

/// What is taken for true of an agent, its tasks, and another agent on the same tasks.
///
/// Success probabilities of tasks have a Beta distribution. Another agent finds a task exactly as hard as the first one does with
/// probability `r`, and otherwise as hard as any task, which makes `r` the correlation of difficulty; an agent that is worse by δ has
/// all its probabilities multiplied by 1 − δ/μ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Assumptions {
    /// μ, the mean success rate over tasks, strictly between 0 and 1.
    pub mu: f64,
    /// ρ, the correlation of two trials of one task, from 0 (all tasks equally hard) to 1 (every task always or never solved).
    pub rho: f64,
    /// r, the correlation of task difficulty between two agents, from 0 to 1. It does not matter for a fixed suite.
    pub r: f64,
}

impl Assumptions {
    /// Checks the values.
    ///
    /// # Errors
    /// [`PlanningError::OutOfRange`] with the value's name.
    pub fn new(mu: f64, rho: f64, r: f64) -> Result<Self, PlanningError> {
        let check = |name, value: f64, fits: bool, range| {
            if fits { Ok(()) } else { Err(PlanningError::OutOfRange { name, value, range }) }
        };
        check("mu", mu, mu > 0.0 && mu < 1.0, "strictly between 0 and 1")?;
        check("rho", rho, (0.0..=1.0).contains(&rho), "between 0 and 1")?;
        check("r", r, (0.0..=1.0).contains(&r), "between 0 and 1")?;
        Ok(Self { mu, rho, r })
    }

    /// Returns the variance of the tasks' true success rates, μ(1−μ)ρ.
    pub(super) fn between(self) -> f64 {
        self.mu * (1.0 - self.mu) * self.rho
    }

    /// Returns the mean variance of one trial around its task's rate, μ(1−μ)(1−ρ).
    pub(super) fn within(self) -> f64 {
        self.mu * (1.0 - self.mu) * (1.0 - self.rho)
    }

    /// Returns the assumptions with passes and failures exchanged where failures are the more frequent.
    ///
    /// Comparisons treat both alike, and a difference is planned for towards one half, where the noise is greatest.
    pub(super) fn upper_half(self) -> Self {
        Self { mu: self.mu.max(1.0 - self.mu), ..self }
    }
}

/// Draws the tasks' probabilities, the other agent's, and trials.
pub(super) struct Suites<'a, R> {
    pub(super) assumptions: Assumptions,
    pub(super) tasks: usize,
    pub(super) trials: u64,
    pub(super) random: &'a mut R,
}

impl<R: Rng> Suites<'_, R> {
    /// The probability of a new task.
    fn task(&mut self) -> f64 {
        let Assumptions { mu, rho, .. } = self.assumptions;
        if rho <= 0.0 {
            return mu;
        }
        let size = (1.0 - rho) / rho;
        match Beta::new(mu * size, (1.0 - mu) * size) {
            Ok(beta) => beta.sample(self.random),
            // No noise of trials at all: each task is always or never solved.
            Err(_) => f64::from(u8::from(self.random.random::<f64>() < mu)),
        }
    }

    /// Probabilities of the baseline on new tasks and of a candidate that is worse by `drop`, mean over all tasks there are.
    pub(super) fn population(&mut self, drop: f64) -> (Vec<f64>, Vec<f64>) {
        let factor = 1.0 - drop / self.assumptions.mu;
        let baseline: Vec<f64> = (0..self.tasks).map(|_| self.task()).collect();
        let candidate = baseline.iter().map(|&p| {
            let is_shared = self.random.random::<f64>() < self.assumptions.r;
            factor * if is_shared { p } else { self.task() }
        });
        (candidate.collect(), baseline)
    }

    /// Probabilities of the baseline on new tasks and of a candidate that is worse by exactly `drop` in the mean over these; none where
    /// no suite with so high a mean was found.
    pub(super) fn fixed(&mut self, drop: f64) -> Option<(Vec<f64>, Vec<f64>)> {
        for _ in 0..MOST_REDRAWN {
            let baseline: Vec<f64> = (0..self.tasks).map(|_| self.task()).collect();
            let mean = baseline.iter().sum::<f64>() / baseline.len() as f64;
            if mean > drop {
                return Some((baseline.iter().map(|p| p * (1.0 - drop / mean)).collect(), baseline));
            }
        }
        None
    }

    /// Fresh trials of both.
    pub(super) fn tried(&mut self, (candidate, baseline): &(Vec<f64>, Vec<f64>)) -> Option<PairedCounts> {
        Some(PairedCounts { first: self.counts(candidate)?, second: self.counts(baseline)? })
    }

    /// Trials of one agent on new tasks.
    pub(super) fn alone(&mut self) -> Option<ClusterCounts> {
        let probabilities: Vec<f64> = (0..self.tasks).map(|_| self.task()).collect();
        self.counts(&probabilities)
    }

    fn counts(&mut self, probabilities: &[f64]) -> Option<ClusterCounts> {
        let trials = self.trials;
        let task = |&p: &f64| {
            let passed = Binomial::new(trials, p.clamp(0.0, 1.0)).ok()?.sample(self.random);
            Counts::new(passed, trials).ok()
        };
        ClusterCounts::new(probabilities.iter().map(task).collect::<Option<Vec<Counts>>>()?).ok()
    }
}

/// Suites that are drawn in search of one whose mean leaves room for the drop.
const MOST_REDRAWN: usize = 1000;
