//! Is the newest release worse?

use retrial_spec::{AgentName, ConditionName, ContentDigest, Exit, RunId};
use schemars::JsonSchema;
use serde::Serialize;

use super::findings::{AgentHistory, Change, Direction, HISTORY_SCHEMA, History, RunRef, SuiteHistory};

/// What the histories say of the newest releases.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Check {
    /// The number of the schema of a history.
    pub schema: u32,
    /// The agents on the newest suite of each experiment and condition.
    pub agents: Vec<CheckedAgent>,
}

/// One agent on the newest suite of an experiment under a condition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CheckedAgent {
    /// The agent.
    pub agent: AgentName,
    /// The experiment.
    pub experiment: RunId,
    /// The condition.
    pub condition: ConditionName,
    /// The suite.
    pub suite: ContentDigest,
    /// The agent's newest run.
    pub newest: RunRef,
    /// What is said of its release.
    pub says: NewestRelease,
    /// The agent's last change-point, where it has one.
    pub last_change: Option<Change>,
}

/// What a history says of the newest release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewestRelease {
    /// It is worse: a change for the worse begins with it or was found with it.
    Worse,
    /// No change for the worse begins with it or was found with it, which does not mean that there is none.
    NotShownWorse,
    /// It is the first of the agent.
    First,
    /// It is the first on a suite whose tasks or rules were changed; what came before cannot be compared.
    NewSuite,
}

impl Check {
    /// Returns the exit code: negative where one is worse; done where at least one could be compared and none is worse; inconclusive where
    /// there are only first releases; invalid where nothing can be compared.
    pub fn exit(&self) -> Exit {
        let has = |says| self.agents.iter().any(|agent| agent.says == says);
        if has(NewestRelease::Worse) {
            Exit::Negative
        } else if has(NewestRelease::NotShownWorse) {
            Exit::Done
        } else if has(NewestRelease::First) {
            Exit::Inconclusive
        } else {
            Exit::Invalid
        }
    }
}

/// Says of each agent whether its newest release is worse. Of the suites that an experiment had under a condition an agent's newest counts.
pub fn check(history: &History) -> Check {
    let mut agents: Vec<CheckedAgent> = Vec::new();
    for suite in &history.suites {
        for of_agent in &suite.agents {
            let is_known = |known: &&mut CheckedAgent| {
                (&known.agent, &known.experiment, &known.condition)
                    == (&of_agent.agent, &suite.experiment, &suite.condition)
            };
            match agents.iter_mut().find(is_known) {
                Some(known) if known.newest.at < of_agent.standing.until.at => {
                    *known = checked(suite, of_agent, true);
                }
                Some(known) if known.says == NewestRelease::First => known.says = NewestRelease::NewSuite,
                Some(_) => {}
                None => agents.push(checked(suite, of_agent, false)),
            }
        }
    }
    Check { schema: HISTORY_SCHEMA, agents }
}

fn checked(suite: &SuiteHistory, history: &AgentHistory, had_another: bool) -> CheckedAgent {
    let newest = &history.standing.until;
    let last_change = history.changes.last();
    let is_worse = last_change.is_some_and(|change| {
        let release = &newest.release;
        let is_of_newest = change.since.release == *release || change.found_with.release == *release;
        change.direction == Direction::Worse && is_of_newest
    });
    let says = if is_worse {
        NewestRelease::Worse
    } else if history.runs.len() > 1 {
        NewestRelease::NotShownWorse
    } else if had_another {
        NewestRelease::NewSuite
    } else {
        NewestRelease::First
    };
    CheckedAgent {
        agent: history.agent.clone(),
        experiment: suite.experiment.clone(),
        condition: suite.condition.clone(),
        suite: suite.suite.clone(),
        newest: newest.clone(),
        says,
        last_change: last_change.cloned(),
    }
}
