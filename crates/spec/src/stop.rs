//! The stopping rule of an experiment, the counts it looks at, and what it said when it looked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AgentName, Document, Fault, RunId};

/// When a run may stop before all its trials are run.
///
/// A round is one trial of every agent, task and condition. The rule looks at each agent's trials of the baseline, pooled over complete
/// rounds; the run stops after the first look at which every agent is settled by each rule that is given. `trials` of the
/// experiment is the most rounds that are run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopSpec {
    /// Settled once half the width of the success rate's interval is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 0.5))]
    pub half_width: Option<f64>,
    /// Settled once the success rate's interval lies wholly above or wholly below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub threshold: Option<f64>,
    /// The directory of a run with the same tasks, relative to the experiment's file. Settled once the interval of the difference to its
    /// success rate lies wholly above or wholly below minus `margin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub baseline: Option<String>,
    /// How much lower than the baseline's a success rate may be without counting as worse; 0 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub margin: Option<f64>,
    /// Rounds before the first look.
    #[serde(default = "min_rounds")]
    #[schemars(range(min = 1, max = 100_000))]
    pub min_rounds: u32,
    /// Rounds from one look to the next.
    #[serde(default = "look_every")]
    #[schemars(range(min = 1, max = 100_000))]
    pub look_every: u32,
    /// The level of each agent's interval, which holds at every look together.
    #[serde(default = "level")]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub level: f64,
}

fn min_rounds() -> u32 {
    2
}

fn look_every() -> u32 {
    1
}

fn level() -> f64 {
    0.95
}

impl StopSpec {
    /// Returns whether the rule looks after a round, of at most `most`: from `min_rounds` on, every `look_every` rounds, and after the
    /// last one.
    pub fn looks_after(&self, round: u32, most: u32) -> bool {
        let since = round.checked_sub(self.min_rounds.min(most));
        round == most || since.is_some_and(|since| since % self.look_every.max(1) == 0)
    }

    /// Returns what only shows once the values are typed.
    pub(crate) fn faults(&self, trials: u32, document: &Document) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.half_width.is_none() && self.threshold.is_none() && self.baseline.is_none() {
            let hint = "give one or more of `half_width`, `threshold` and `baseline`".to_owned();
            faults.push(document.fault("/stop", "`stop` does not say when to stop", Some(hint)));
        }
        if self.margin.is_some() && self.baseline.is_none() {
            let hint = "name the run to compare with as `baseline`, or take `margin` out".to_owned();
            faults.push(document.fault("/stop/margin", "`stop.margin` needs a baseline", Some(hint)));
        }
        if self.min_rounds > trials {
            let message =
                format!("`stop.min_rounds` is {}, and there are at most {trials} rounds", self.min_rounds);
            let hint = "`trials` is the most rounds that are run".to_owned();
            faults.push(document.fault("/stop/min_rounds", message, Some(hint)));
        }
        faults
    }
}

/// The trials of an agent's baseline over complete rounds, each of which is one trial of every task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundCounts {
    /// Complete rounds, from the first on.
    pub rounds: u32,
    /// Trials that passed.
    pub passed: u64,
    /// Trials that failed; a partial reward is not a pass.
    pub failed: u64,
    /// Trials without a verdict, which may have been either.
    pub excluded: u64,
}

impl RoundCounts {
    /// Counts one trial in: whether it passed, none where it has no verdict.
    pub fn add(&mut self, passed: Option<bool>) {
        match passed {
            Some(true) => self.passed += 1,
            Some(false) => self.failed += 1,
            None => self.excluded += 1,
        }
    }

    /// Returns how many trials there are, with and without a verdict.
    pub fn trials(&self) -> u64 {
        self.passed + self.failed + self.excluded
    }
}

/// An agent's counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentRounds {
    /// The agent.
    pub agent: AgentName,
    /// Its counts.
    pub counts: RoundCounts,
}

/// What a run was compared with while it ran. Its counts stand here, so that nothing depends on what becomes of that run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineFacts {
    /// The run's id.
    pub run: RunId,
    /// The counts that each agent of this run is compared with, of the same tasks; by this run's agents, in the experiment's order.
    pub agents: Vec<AgentRounds>,
}

/// What a stopping rule said of all agents after a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// The round after which it looked: rounds 1 to this one are complete.
    pub round: u32,
    /// The level of each agent's intervals, which hold at all looks together.
    pub level: f64,
    /// The agents, in the experiment's order.
    pub agents: Vec<AgentLook>,
}

impl Look {
    /// Returns whether every agent is settled by each rule.
    pub fn is_settled(&self) -> bool {
        self.agents.iter().all(AgentLook::is_settled)
    }
}

/// What a stopping rule said of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentLook {
    /// The agent.
    pub agent: AgentName,
    /// What was looked at.
    pub counts: RoundCounts,
    /// The lower end of the success rate's interval, as if every trial without a verdict had failed.
    pub low: f64,
    /// The upper end, as if each of them had passed.
    pub high: f64,
    /// What each rule says, in the order of [`StopSpec`].
    pub findings: Vec<Finding>,
}

impl AgentLook {
    /// Returns whether each rule is settled.
    pub fn is_settled(&self) -> bool {
        self.findings.iter().all(Finding::is_settled)
    }
}

/// What one rule says of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "rule", deny_unknown_fields)]
pub enum Finding {
    /// How wide the interval of the success rate is.
    HalfWidth {
        /// Half the width.
        half_width: f64,
        /// What it should be at most.
        at_most: f64,
    },
    /// Where the success rate lies.
    Threshold {
        /// What it is held against.
        threshold: f64,
        /// Where the interval lies.
        answer: Answer,
    },
    /// How the success rate differs from the baseline's.
    Baseline {
        /// The lower end of the interval of the difference.
        low: f64,
        /// The upper end.
        high: f64,
        /// How much lower it may be without counting as worse.
        margin: f64,
        /// Where the interval lies, held against minus the margin.
        answer: Answer,
    },
}

impl Finding {
    /// Returns whether the rule is settled.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::HalfWidth { half_width, at_most } => half_width <= at_most,
            Self::Threshold { answer, .. } | Self::Baseline { answer, .. } => *answer != Answer::Undecided,
        }
    }
}

/// Where an interval lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Wholly above.
    Above,
    /// Wholly below.
    Below,
    /// Neither.
    Undecided,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(min_rounds: u32, look_every: u32) -> StopSpec {
        StopSpec {
            half_width: Some(0.1),
            threshold: None,
            baseline: None,
            margin: None,
            min_rounds,
            look_every,
            level: 0.95,
        }
    }

    #[test]
    fn a_rule_looks_from_its_first_round_on_and_always_after_the_last_one() {
        let looks = |rule: &StopSpec, most| -> Vec<u32> {
            (1..=most).filter(|&round| rule.looks_after(round, most)).collect()
        };
        assert_eq!(looks(&rule(2, 1), 5), [2, 3, 4, 5]);
        assert_eq!(looks(&rule(1, 3), 9), [1, 4, 7, 9]);
        assert_eq!(looks(&rule(20, 4), 3), [3], "fewer trials than rounds before the first look");
    }
}
