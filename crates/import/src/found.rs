//! What a source tells of one trial, in the words of Retrial.

use jiff::Timestamp;
use retrial_spec::{
    AttemptFailure, Claim, ContentDigest, Cost, Ending, Fact, MissingReason, Times, ToolCall, TrialRecord,
    UngradedReason, Usage, Verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Place;

/// One trial as its source tells it. What the source does not know stays missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where it stands in the source.
    pub place: Place,
    /// What the source says of how it went, in the source's own words: `agent_timeout, resolved`. Shown beside what became of it.
    pub status: String,
    /// The agent, as the source names it.
    pub agent: FoundAgent,
    /// The task, as the source names it.
    pub task: String,
    /// The task's own title, where the source has one beside its name.
    pub task_title: Option<String>,
    /// The digest of the task's content, where the source states one that is Harbor's.
    pub task_digest: Option<ContentDigest>,
    /// The condition, as the source names it; none for the baseline.
    pub condition: Option<String>,
    /// The trial's number from 1, where the source states one that holds within agent, task and condition. Otherwise trials are
    /// numbered by their start, then in the order in which they are found.
    pub number: Option<u32>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Attempts that failed for reasons of infrastructure before the one that counts, oldest first.
    pub failed_attempts: Vec<AttemptFailure>,
    /// How the agent stopped.
    pub ending: Ending,
    /// What the verifier said.
    pub verdict: Verdict,
    /// The tool calls in order, as the model made them.
    pub calls: Fact<Vec<ToolCall>>,
    /// How many requests reached the model.
    pub requests: Fact<u64>,
    /// Tokens, in the four counters.
    pub usage: Fact<Usage>,
    /// Money.
    pub cost: Fact<Cost>,
    /// The agent's own probability in [0, 1] that it succeeded.
    pub confidence: Fact<f64>,
    /// What the agent said of its result.
    pub claim: Fact<Claim>,
    /// How long its phases took.
    pub times: Times,
    /// What is kept beside the record.
    pub evidence: FoundEvidence,
    /// The record that Retrial itself wrote, where the source is one of its exports: it holds what the other fields have no place for.
    pub own: Option<Box<TrialRecord>>,
    /// The digest of the table by which the actions of that record have their kinds and names.
    pub own_table: Option<ContentDigest>,
}

/// The agent of a trial, as the source names it. Agents that differ in any part are different agents.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FoundAgent {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Its model, with the provider where the source tells it: `anthropic/claude-sonnet-4`.
    pub model: Option<String>,
}

/// What is kept of a trial beside its record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundEvidence {
    /// What was said and done, valid ATIF of the version that Retrial writes.
    pub trajectory: Option<Value>,
    /// The change that the agent made, as a patch.
    pub patch: Option<Vec<u8>>,
    /// What the verifier printed.
    pub verifier_log: Option<Vec<u8>>,
}

impl Found {
    /// Returns a trial of which nothing is known but where it stands and who tried what.
    pub fn new(place: Place, agent: FoundAgent, task: impl Into<String>) -> Self {
        Self {
            place,
            status: String::new(),
            agent,
            task: task.into(),
            task_title: None,
            task_digest: None,
            condition: None,
            number: None,
            started_at: None,
            failed_attempts: Vec::new(),
            ending: Ending::NotRecorded,
            verdict: Verdict::Ungraded(UngradedReason::NotRecorded),
            calls: Fact::Missing(MissingReason::NotRecorded),
            requests: Fact::Missing(MissingReason::NotRecorded),
            usage: Fact::Missing(MissingReason::NotRecorded),
            cost: Fact::Missing(MissingReason::NotRecorded),
            confidence: Fact::Missing(MissingReason::NotRecorded),
            claim: Fact::Missing(MissingReason::NotRecorded),
            times: Times::default(),
            evidence: FoundEvidence::default(),
            own: None,
            own_table: None,
        }
    }
}
