//! What trials and tasks cost, in money and time.

use schemars::JsonSchema;
use serde::Serialize;

use super::Split;

/// What trials and tasks cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Prices {
    /// A trial, in millionths of a dollar; none where it is not known.
    pub trial_usd_micros: Option<f64>,
    /// What a task costs once, besides its trials, in millionths of a dollar.
    pub task_usd_micros: f64,
    /// How long an agent works on a trial, in milliseconds; none where it is not known.
    pub trial_ms: Option<f64>,
}

impl Prices {
    /// Returns what a task costs once and what a trial of each side costs; where a trial's price is not known, in trials.
    pub(super) fn relative(self, sides: u64) -> (f64, f64) {
        match self.trial_usd_micros {
            Some(trial) if trial > 0.0 => (self.task_usd_micros, trial * sides as f64),
            _ => (0.0, sides as f64),
        }
    }

    /// Returns what a design costs, for comparing designs.
    pub(super) fn weight(self, sides: u64, split: Split) -> f64 {
        let (task, trial) = self.relative(sides);
        split.tasks as f64 * (task + split.trials as f64 * trial)
    }

    /// Returns what a design costs in millionths of a dollar, if a trial's price is known.
    pub fn usd_micros(self, sides: u64, split: Split) -> Option<f64> {
        let trials = split.trials as f64 * sides as f64;
        Some(split.tasks as f64 * (self.task_usd_micros + trials * self.trial_usd_micros?))
    }

    /// Returns how long agents work in all, in milliseconds, if it is known of a trial.
    pub fn agent_ms(self, sides: u64, split: Split) -> Option<f64> {
        Some(split.tasks as f64 * split.trials as f64 * sides as f64 * self.trial_ms?)
    }
}
