//! What trials and tasks cost, in money and time.

use schemars::JsonSchema;
use serde::Serialize;

use super::Split;

/// What a trial of an agent costs and takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct PerTrial {
    /// In millionths of a dollar; none where it is not known.
    pub usd_micros: Option<f64>,
    /// How long the agent works, in milliseconds; none where it is not known.
    pub ms: Option<f64>,
}

/// What a trial of the agent on the other side of a comparison costs and takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// Nothing is known of it but that of the agent itself, which is taken for it.
    #[default]
    SameAsAgent,
    /// Its own.
    Own(PerTrial),
}

/// What trials and tasks cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub struct Prices {
    /// A trial of the agent that is planned for.
    pub agent: PerTrial,
    /// A trial of the one that it is compared with; it counts only where two run.
    pub against: Against,
    /// What a task costs once, besides its trials, in millionths of a dollar.
    pub task_usd_micros: f64,
}

impl Prices {
    /// What one trial of each side comes to; none where it is not known of each.
    fn round(self, sides: u64, of: fn(PerTrial) -> Option<f64>) -> Option<f64> {
        let own = of(self.agent)?;
        match self.against {
            _ if sides < 2 => Some(own),
            Against::SameAsAgent => Some(2.0 * own),
            Against::Own(other) => Some(own + of(other)?),
        }
    }

    /// Returns what one trial of each side costs, in millionths of a dollar, if it is known of each.
    pub fn round_usd_micros(self, sides: u64) -> Option<f64> {
        self.round(sides, |trial| trial.usd_micros)
    }

    /// Returns what a task costs once and what a trial of each side costs; where that is not known, in trials.
    pub(super) fn relative(self, sides: u64) -> (f64, f64) {
        match self.round_usd_micros(sides) {
            Some(round) if round > 0.0 || self.task_usd_micros > 0.0 => (self.task_usd_micros, round),
            _ => (0.0, sides as f64),
        }
    }

    /// Returns what a design costs, for comparing designs.
    pub(super) fn weight(self, sides: u64, split: Split) -> f64 {
        let (task, round) = self.relative(sides);
        split.tasks as f64 * (task + split.trials as f64 * round)
    }

    /// Returns what a design costs in millionths of a dollar, if the price of a trial of each side is known.
    pub fn usd_micros(self, sides: u64, split: Split) -> Option<f64> {
        let round = self.round_usd_micros(sides)?;
        Some(split.tasks as f64 * (self.task_usd_micros + split.trials as f64 * round))
    }

    /// Returns how long agents work in all, in milliseconds, if it is known of a trial of each side.
    pub fn agent_ms(self, sides: u64, split: Split) -> Option<f64> {
        Some(split.tasks as f64 * split.trials as f64 * self.round(sides, |trial| trial.ms)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_its_own_price_and_what_is_unknown_of_one_is_unknown_of_both() {
        let own = |usd_micros| PerTrial { usd_micros, ms: Some(1000.0) };
        let prices = Prices { agent: own(Some(50_000.0)), ..Prices::default() };
        let split = Split { tasks: 10, trials: 3 };
        assert_eq!(prices.usd_micros(1, split), Some(1_500_000.0));
        assert_eq!(prices.usd_micros(2, split), Some(3_000_000.0));
        let dear = Prices { against: Against::Own(own(Some(1_000_000.0))), ..prices };
        assert_eq!(dear.usd_micros(1, split), Some(1_500_000.0));
        assert_eq!(dear.usd_micros(2, split), Some(31_500_000.0));
        let unknown = Prices { against: Against::Own(own(None)), ..prices };
        assert_eq!((unknown.usd_micros(2, split), unknown.agent_ms(2, split)), (None, Some(60_000.0)));
    }

    #[test]
    fn where_trials_cost_nothing_the_tasks_still_do() {
        let free = PerTrial { usd_micros: Some(0.0), ms: None };
        let prices = Prices { agent: free, against: Against::SameAsAgent, task_usd_micros: 5.0 };
        assert_eq!(prices.relative(2), (5.0, 0.0));
        assert_eq!(Prices { task_usd_micros: 0.0, ..prices }.relative(2), (0.0, 2.0));
    }
}
