//! What may be chosen, what is predicted of a design, and what an answer is.

use schemars::JsonSchema;
use serde::Serialize;

use super::power::{Detectable, Width};
use super::{Achieved, Chance, Prices, Question, Split, Terms};

/// Most tasks, where nobody says how many there are.
const MOST_TASKS: u64 = 1_000_000;

/// What may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Limits {
    /// This many tasks, no other number.
    pub tasks: Option<u64>,
    /// This many trials of each task, no other number.
    pub trials: Option<u64>,
    /// No more tasks than there are.
    pub tasks_available: Option<u64>,
    /// No more money, in millionths of a dollar.
    pub budget_usd_micros: Option<u64>,
    /// At least so many trials of each task where the number is free: with fewer than 3 a task's own spread cannot be seen, and
    /// consistency wants 5.
    pub least_trials: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tasks: None, trials: None, tasks_available: None, budget_usd_micros: None, least_trials: 3 }
    }
}

impl Limits {
    pub(super) fn most_tasks(&self) -> u64 {
        self.tasks_available.unwrap_or(MOST_TASKS)
    }
}

/// A question with everything that its answer depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// What is asked.
    pub question: Question,
    /// Of which target and how surely.
    pub terms: Terms,
    /// What may be chosen.
    pub limits: Limits,
    /// What it costs.
    pub prices: Prices,
}

/// A design with everything that is predicted of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// Tasks and trials.
    pub split: Split,
    /// How well it answers the question.
    pub achieved: Achieved,
    /// Half width of the success rate's interval; none for one task and the population.
    pub half_width: Option<Width>,
    /// The smallest difference shown with the power asked for; none where there is none.
    pub detectable: Option<Detectable>,
    /// Trials of all agents together.
    pub trials: u64,
    /// What it costs, in millionths of a dollar; none without a price.
    pub usd_micros: Option<f64>,
    /// How long agents work in all, in milliseconds; none where that is not known of a trial.
    pub agent_ms: Option<f64>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This design answers it; of those that do, the cheapest that was considered.
    Reached(Row),
    /// Nothing that may be chosen answers it.
    OutOfReach(OutOfReach),
}

/// What can be had instead.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OutOfReach {
    /// The best that may be chosen.
    pub best: Row,
    /// What no number of trials can better with so many tasks; none where more trials always help.
    pub bound: Option<f64>,
    /// What stands in the way.
    pub because: Obstacle,
}

/// What stands in the way of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// There are too few tasks, and more trials of each do not replace them.
    Tasks,
    /// The number of trials was given, and is too low.
    Trials,
    /// The budget.
    Budget,
    /// Both numbers were given.
    Given,
}

impl Answer {
    /// Returns the design to look at.
    pub fn row(&self) -> &Row {
        match self {
            Self::Reached(row) => row,
            Self::OutOfReach(out) => &out.best,
        }
    }
}

/// What is known of the answer besides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Checks {
    /// The mean half width of the interval that scorecards show, over 200 simulated runs.
    pub shown_half_width: Option<f64>,
    /// How probable it is that the gate calls a drop of the margin, or of the difference, a regression.
    pub gate_finds: Option<Chance>,
}
