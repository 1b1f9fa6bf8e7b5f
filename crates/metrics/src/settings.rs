//! What the caller chooses before scoring: level, seed, policies and target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GroupBy;

/// The choices a scorecard depends on; all of them are printed with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The two-sided confidence level of every interval, strictly between 0 and 1.
    pub level: f64,
    /// Seeds every estimator that draws random numbers.
    pub seed: u64,
    /// What a trial that ran out of time counts as.
    pub timeout: TimeoutPolicy,
    /// What a trial without a verdict counts as.
    pub ungraded: UngradedPolicy,
    /// What the intervals speak of.
    pub target: Target,
    /// What tasks are grouped by, for the measures of some tasks beside those of all.
    pub groups: GroupBy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level: 0.95,
            seed: 0,
            timeout: TimeoutPolicy::Verdict,
            ungraded: UngradedPolicy::Exclude,
            target: Target::Population,
            groups: GroupBy::Category,
        }
    }
}

/// What a trial that ran out of time counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutPolicy {
    /// As what the verifier said of the state it left.
    Verdict,
    /// As failed, whatever the verifier said.
    Fail,
}

/// What a trial without a verdict counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UngradedPolicy {
    /// It is left out and counted.
    Exclude,
    /// As failed.
    Fail,
}

/// What an interval speaks of. The two must not be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// New tasks like these: the tasks are the evidence, trials within a task only reduce noise.
    Population,
    /// Exactly these tasks with fresh trials: only the trials' noise counts.
    FixedSuite,
}
