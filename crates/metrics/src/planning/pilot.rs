//! What a pilot run says of an agent and its tasks, and how little.

use retrial_spec::{AgentName, TrialRecord};
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::{ClusterCounts, Counts, Interval, Level};
use schemars::JsonSchema;
use serde::Serialize;

use super::difficulty::likeness;
use super::{Assumptions, DEFAULT_R, PerTrial, PlanningError};
use crate::{Scorecard, Target, TaskRow};

/// A number that a pilot gives, with its 90 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Given {
    /// The value.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Given {
    fn new(value: f64, interval: Interval) -> Self {
        Self { value, low: interval.low(), high: interval.high() }
    }
}

/// What a pilot says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Pilot {
    /// The agent whose trials were taken.
    pub agent: AgentName,
    /// Its tasks with a graded trial.
    pub tasks: u64,
    /// Its graded trials.
    pub trials: u64,
    /// Those that passed.
    pub passed: u64,
    /// μ: posterior mean and 90 % interval.
    pub mu: Given,
    /// ρ: posterior mean and 90 % interval.
    pub rho: Given,
    /// r, from another agent's trials of the same tasks; none where there is none, or where tasks do not differ beyond the noise.
    pub r: Option<Given>,
    /// The other agent.
    pub other: Option<AgentName>,
}

impl Pilot {
    /// Reads a pilot from the scorecard of an agent, and of another one on the same tasks if there is one.
    ///
    /// μ and ρ are means of the posterior of the beta-binomial model on the standard grid, so that three tasks that all passed do not
    /// look like certainty. r is the correlation of the two agents' rates over tasks with two trials or more of each, freed from the
    /// noise of trials; its 90 % interval holds what is as uncertain in that as in the correlation itself.
    ///
    /// # Errors
    /// [`PlanningError::NothingGraded`].
    pub fn new(card: &Scorecard, other: Option<&Scorecard>) -> Result<Self, PlanningError> {
        let counts =
            counts(&card.tasks).ok_or_else(|| PlanningError::NothingGraded(card.agent.to_string()))?;
        let posterior = GridPosterior::new(&counts)?;
        let r = other.and_then(|other| correlation(&card.tasks, &other.tasks));
        Ok(Self {
            agent: card.agent.clone(),
            tasks: counts.len() as u64,
            trials: counts.total(),
            passed: counts.successes(),
            mu: Given::new(posterior.mean_mu(), posterior.mu_interval(Level::P90)),
            rho: Given::new(posterior.mean_rho(), posterior.rho_interval(Level::P90)),
            r,
            other: other.map(|other| other.agent.clone()),
        })
    }

    /// Puts what is known otherwise in the place of what the pilot says; it has no interval then.
    #[must_use]
    pub fn with(self, mu: Option<f64>, rho: Option<f64>, r: Option<f64>) -> Self {
        let known = |value: f64| Given { value, low: value, high: value };
        Self {
            mu: mu.map_or(self.mu, known),
            rho: rho.map_or(self.rho, known),
            r: r.map(known).or(self.r),
            ..self
        }
    }

    /// Returns what the pilot lets one assume; r is 0.5 where it says nothing of it.
    ///
    /// # Errors
    /// [`PlanningError::OutOfRange`].
    pub fn assumptions(&self) -> Result<Assumptions, PlanningError> {
        Assumptions::new(self.mu.value, self.rho.value, self.r.map_or(DEFAULT_R, |r| r.value))
    }

    /// Returns the unfavourable ends of the pilot's intervals, all at once: μ where the noise is greatest; ρ high for new tasks, where
    /// tasks that differ are noise, and low for a fixed suite, where only trials are; r low. Of two agents on `pair` trials of each task,
    /// where that is given, much of what tasks differ by cancels: the variance of a difference, ρ(1 − r) + (1 − ρ)/n, grows
    /// with ρ only where 1 − r exceeds 1/n.
    ///
    /// # Errors
    /// [`PlanningError::OutOfRange`].
    pub fn unfavourable(&self, target: Target, pair: Option<u64>) -> Result<Assumptions, PlanningError> {
        let r = self.r.map_or(0.0, |r| r.low);
        let cancels = pair.is_some_and(|trials| (1.0 - r) * (trials as f64) < 1.0);
        let rho = match target {
            Target::Population if !cancels => self.rho.high,
            _ => self.rho.low,
        };
        let mu = 0.5_f64.clamp(self.mu.low, self.mu.high);
        Assumptions::new(mu, rho, r)
    }
}

/// The counts of the tasks with graded trials; none without any.
fn counts(rows: &[TaskRow]) -> Option<ClusterCounts> {
    let graded = rows.iter().filter(|row| row.graded > 0);
    let counts = graded.filter_map(|row| Counts::new(row.passed, row.graded).ok()).collect::<Vec<Counts>>();
    if counts.is_empty() { None } else { ClusterCounts::new(counts).ok() }
}

fn correlation(one: &[TaskRow], other: &[TaskRow]) -> Option<Given> {
    let several = |row: &&TaskRow| row.graded > 1;
    let both = one.iter().filter(several).filter_map(|row| {
        Some((row.clone(), other.iter().filter(several).find(|other| other.task == row.task)?.clone()))
    });
    let (one, other): (Vec<TaskRow>, Vec<TaskRow>) = both.unzip();
    likeness(&counts(&one)?, &counts(&other)?)
}

/// What the trials of an agent cost and took, record by record.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spending {
    cost: (u64, u64),
    time: (u64, u64),
}

impl Spending {
    /// Counts a record; whose cost or time is missing counts in neither.
    pub fn add(&mut self, record: &TrialRecord) {
        let count = |(sum, n): (u64, u64), value: u64| (sum.saturating_add(value), n + 1);
        if let Some(cost) = record.cost.value() {
            self.cost = count(self.cost, cost.usd_micros);
        }
        if let Some(ms) = record.times.working_ms() {
            self.time = count(self.time, ms);
        }
    }

    /// Returns the means of a trial, each over the trials of which it is known.
    pub fn per_trial(&self) -> PerTrial {
        PerTrial { usd_micros: mean(self.cost), ms: mean(self.time) }
    }
}

fn mean((sum, n): (u64, u64)) -> Option<f64> {
    (n > 0).then(|| sum as f64 / n as f64)
}
