//! The record of one finished trial: a line of `trials.jsonl`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActionLog, AuditSeal, Fact, FaultCount, Phase, TrialId};

/// Everything that scoring needs to know of one finished trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// Which trial this is.
    pub trial: TrialId,
    /// How many attempts it took; every one is kept. At least 1; of an imported trial, those that its source tells of.
    pub attempts: u32,
    /// How the agent stopped.
    pub ending: Ending,
    /// What the verifier said of the state that was left.
    pub verdict: Verdict,
    /// The agent's actions in order.
    pub actions: Fact<ActionLog>,
    /// How many requests reached the model, without the elicitation's.
    pub requests: Fact<u64>,
    /// Tokens of those requests.
    pub usage: Fact<Usage>,
    /// Money for those requests.
    pub cost: Fact<Cost>,
    /// Money for the question after the end, kept apart.
    pub elicitation_cost: Fact<Cost>,
    /// The agent's own probability in [0, 1] that it succeeded.
    pub confidence: Fact<f64>,
    /// What the agent said of its result.
    pub claim: Fact<Claim>,
    /// What the agent changed.
    pub state: Fact<FinalState>,
    /// Faults put on the wire on purpose, by kind; empty where the condition has none.
    pub faults: Vec<FaultCount>,
    /// The end of the last attempt's audit log.
    pub audit: Fact<AuditSeal>,
    /// When the last attempt started.
    #[schemars(with = "Fact<String>")]
    pub started_at: Fact<Timestamp>,
    /// How long its phases took.
    pub times: Times,
}

/// How the agent stopped. Says nothing of whether the result is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "how", deny_unknown_fields)]
pub enum Ending {
    /// It ended by itself.
    Finished,
    /// The agent's time limit was reached.
    Timeout,
    /// It ended by itself with an error.
    Crash {
        /// In which way.
        reason: CrashReason,
    },
    /// A budget was spent.
    OverBudget,
    /// It, or its model, declined the task.
    Refused,
    /// Its access to the model was revoked while it worked; no fault of the agent.
    Revoked,
    /// Every attempt failed for reasons of infrastructure.
    Infrastructure {
        /// The phase of the last attempt that failed.
        phase: Phase,
        /// What failed.
        cause: String,
    },
    /// The source of an imported trial does not say.
    NotRecorded,
}

impl Ending {
    /// Returns the ending's word as it stands in files and tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Timeout => "timeout",
            Self::Crash { .. } => "crash",
            Self::OverBudget => "over_budget",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
            Self::Infrastructure { .. } => "infrastructure",
            Self::NotRecorded => "not_recorded",
        }
    }
}

/// In which way an agent crashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CrashReason {
    /// It exited with a code other than 0.
    Exit(i32),
    /// A signal ended it.
    Signal(i32),
    /// It used more memory than it may.
    Memory,
    /// Its model calls failed for good.
    Model(String),
    /// For a reason that the source of an imported trial tells in its own words.
    Stated(String),
}

/// What the verifier said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Reward 1.
    Passed,
    /// Reward 0.
    Failed,
    /// A reward strictly between 0 and 1.
    Reward(f64),
    /// No verdict.
    Ungraded(UngradedReason),
}

impl Verdict {
    /// Returns the verdict for a reward.
    pub fn from_reward(reward: f64) -> Self {
        if !(0.0..=1.0).contains(&reward) {
            Self::Ungraded(UngradedReason::RewardOutOfRange)
        } else if reward >= 1.0 {
            Self::Passed
        } else if reward <= 0.0 {
            Self::Failed
        } else {
            Self::Reward(reward)
        }
    }

    /// Returns the reward that stands for the verdict; none where there is no verdict.
    pub fn reward(&self) -> Option<f64> {
        match self {
            Self::Passed => Some(1.0),
            Self::Failed => Some(0.0),
            Self::Reward(reward) => Some(*reward),
            Self::Ungraded(_) => None,
        }
    }

    /// Returns whether the trial passed, or `None` where it is ungraded. A partial reward is not a pass.
    pub fn passed(&self) -> Option<bool> {
        match self {
            Self::Passed => Some(true),
            Self::Failed | Self::Reward(_) => Some(false),
            Self::Ungraded(_) => None,
        }
    }

    /// Returns the verdict's word as it stands in files and tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Reward(_) => "reward",
            Self::Ungraded(_) => "ungraded",
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UngradedReason {
    /// The trial failed for reasons of infrastructure.
    Infrastructure,
    /// The trial's access to its model was revoked before the agent had ended.
    Revoked,
    /// The verifier wrote no reward.
    NoReward,
    /// The verifier's reward file could not be read.
    RewardUnreadable(String),
    /// The reward lies outside [0, 1].
    RewardOutOfRange,
    /// The verifier ran out of time.
    VerifierTimeout,
    /// The state could not be handed to the verifier.
    StateUnreadable(String),
    /// The verifier itself failed, or what it printed could not be read.
    VerifierFailed(String),
    /// The source of an imported trial holds no verdict.
    NotRecorded,
}

/// Tokens in four counters that do not overlap. `None` where the protocol does not state a counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Input tokens that were not read from a cache nor written to one.
    pub uncached_input: u64,
    /// Input tokens read from a cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to a cache.
    pub cache_write: Option<u64>,
    /// Output tokens, with reasoning.
    pub output: u64,
    /// The part of the output that is reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Returns all tokens of the four counters.
    pub fn total(&self) -> u64 {
        let parts = [self.cache_read.unwrap_or(0), self.cache_write.unwrap_or(0), self.output];
        parts.into_iter().fold(self.uncached_input, u64::saturating_add)
    }

    /// Returns the sum; a counter that either side does not state is not stated in the sum.
    pub fn plus(&self, other: &Self) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        Self {
            uncached_input: self.uncached_input.saturating_add(other.uncached_input),
            cache_read: both(self.cache_read, other.cache_read),
            cache_write: both(self.cache_write, other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: both(self.reasoning, other.reasoning),
        }
    }
}

/// Money in millionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Millionths of a US dollar.
    pub usd_micros: u64,
    /// The day of the prices it was computed with, the earliest where they differ; none where the provider stated the cost.
    #[schemars(with = "Option<String>")]
    pub priced_on: Option<jiff::civil::Date>,
}

/// What the agent said of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The work is done.
    Done,
    /// The work is not done.
    NotDone,
    /// A human is needed.
    NeedsHuman,
}

/// What the agent changed in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinalState {
    /// Paths that were added, changed or removed, sorted; bytes that are not UTF-8 are replaced.
    pub changed: Vec<String>,
    /// Digest of the patch from the starting files to the final state, without volatile files; the same for the same change.
    pub patch: String,
}

/// How long a trial's phases took, in milliseconds; `None` for a phase that was not reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// From asking for the sandbox until the agent could start.
    pub setup_ms: Option<u64>,
    /// From the agent's start to its end.
    pub agent_ms: Option<u64>,
    /// The part of the agent's time spent in model calls.
    pub model_ms: Option<u64>,
    /// The part of the agent's time spent waiting for rate limits and queues.
    pub waiting_ms: Option<u64>,
    /// From the agent's end to the verdict.
    pub verify_ms: Option<u64>,
}

impl Times {
    /// Returns the agent's working time: its time without waiting.
    pub fn working_ms(&self) -> Option<u64> {
        Some(self.agent_ms?.saturating_sub(self.waiting_ms.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reward_becomes_the_verdict_it_stands_for() {
        assert_eq!(Verdict::from_reward(1.0), Verdict::Passed);
        assert_eq!(Verdict::from_reward(0.0), Verdict::Failed);
        assert_eq!(Verdict::from_reward(0.25), Verdict::Reward(0.25));
        for bad in [1.5, -0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Verdict::from_reward(bad), Verdict::Ungraded(UngradedReason::RewardOutOfRange));
        }
    }

    #[test]
    fn a_counter_that_one_call_does_not_state_is_not_stated_in_the_sum() {
        let stated = Usage {
            uncached_input: 1,
            cache_read: Some(2),
            cache_write: Some(0),
            output: 3,
            reasoning: None,
        };
        let unstated = Usage { cache_read: None, ..stated };
        let sum = stated.plus(&unstated);
        assert_eq!((sum.uncached_input, sum.cache_read, sum.cache_write), (2, None, Some(0)));
    }
}
