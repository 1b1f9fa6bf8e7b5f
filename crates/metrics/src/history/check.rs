//! Is the newest release worse?

use retrial_spec::{AgentName, ConditionName, ContentDigest, Exit, RunId};
use schemars::JsonSchema;
use serde::Serialize;

use super::findings::{AgentHistory, Change, Direction, HISTORY_SCHEMA, History, RunRef, SuiteHistory};
use crate::value::{Interval, Value};

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
    /// The changes for the worse that begin with its release or were found with it, and whose former level is not shown to be regained.
    pub worse: Vec<Change>,
    /// The agent's last change-point, where it has one.
    pub last_change: Option<Change>,
}

/// What a history says of the newest release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewestRelease {
    /// It is worse: a change for the worse begins with it or was found with it, and a later one has not shown the former level again.
    Worse,
    /// There is no such change, which does not mean that it is no worse.
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

/// Says of each agent whether its newest release is worse. Of the suites that an experiment had under a condition those with the agent's
/// newest run count: more than one where that run was counted by several rules.
pub fn check(history: &History) -> Check {
    let mut agents: Vec<CheckedAgent> = Vec::new();
    for suite in &history.suites {
        for of_agent in &suite.agents {
            let others = |other: &&SuiteHistory| {
                other.suite != suite.suite
                    && (&other.experiment, &other.condition) == (&suite.experiment, &suite.condition)
            };
            let others: Vec<&AgentHistory> =
                history.suites.iter().filter(others).flat_map(|other| &other.agents).collect();
            let mut others = others.into_iter().filter(|other| other.agent == of_agent.agent).peekable();
            let has_another = others.peek().is_some();
            if others.all(|other| other.standing.until.at <= of_agent.standing.until.at) {
                agents.push(checked(suite, of_agent, has_another));
            }
        }
    }
    Check { schema: HISTORY_SCHEMA, agents }
}

fn checked(suite: &SuiteHistory, history: &AgentHistory, has_another: bool) -> CheckedAgent {
    let newest = &history.standing.until;
    let is_of_newest = |change: &&Change| {
        change.since.release == newest.release || change.found_with.release == newest.release
    };
    let is_worse = |change: &&Change| change.direction == Direction::Worse && !is_regained(change);
    let worse: Vec<Change> = history.changes.iter().filter(is_of_newest).filter(is_worse).cloned().collect();
    let says = if !worse.is_empty() {
        NewestRelease::Worse
    } else if history.runs.len() > 1 {
        NewestRelease::NotShownWorse
    } else if has_another {
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
        worse,
        last_change: history.changes.last().cloned(),
    }
}

/// Whether the runs since the newest change-point show that what was lost at an earlier one is back: they are told apart from so large a
/// loss, and not from none.
fn is_regained(change: &Change) -> bool {
    let (Some(still), Some(lost)) =
        (change.still.as_ref().and_then(Value::estimate), change.difference.estimate())
    else {
        return false;
    };
    let is_back =
        |interval: &Interval| interval.high.value() >= 0.0 && interval.low.value() > lost.point.value();
    still.interval.interval().is_some_and(is_back)
}
