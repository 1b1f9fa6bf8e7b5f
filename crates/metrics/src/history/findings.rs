//! What a ledger says, as one JSON document.

use std::collections::BTreeSet;

use jiff::Timestamp;
use retrial_spec::{AgentName, ConditionName, ContentDigest, RunId, SchemaFile, TaskName};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::attribution::Attribution;
use super::entry::{LedgerEntry, LedgerInput, ReleaseName};
use super::reputation::{PassHat, Reputation, Standing};
use crate::value::{Finite, Value};

/// The number of the schema of [`History`].
pub const HISTORY_SCHEMA: u32 = 1;

/// What is asked of a ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryOptions {
    /// The level of intervals, strictly between 0 and 1; one minus it bounds the chance of any false change-point in a history.
    pub level: f64,
    /// Agents that are known not to change themselves; where there are none, every agent is one whose entries state that nothing has
    /// changed.
    pub anchors: BTreeSet<AgentName>,
    /// The tasks on which anchors are compared; all where there are none.
    pub anchor_tasks: BTreeSet<TaskName>,
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self { level: 0.95, anchors: BTreeSet::new(), anchor_tasks: BTreeSet::new() }
    }
}

/// What a ledger says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct History {
    /// The number of this schema.
    pub schema: u32,
    /// The two-sided level of intervals. One minus it bounds the chance that the history of an agent on a suite ever has a false
    /// change-point.
    pub level: Finite,
    /// The suites, by experiment, condition and time of the first run.
    pub suites: Vec<SuiteHistory>,
    /// What each agent has earned, by agent and condition.
    pub reputations: Vec<Reputation>,
}

/// The histories of the agents on one suite. Suites are never compared with one another.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SuiteHistory {
    /// The digest of the suite.
    pub suite: ContentDigest,
    /// The experiment's name.
    pub experiment: RunId,
    /// The condition.
    pub condition: ConditionName,
    /// The tasks.
    pub tasks: Vec<TaskName>,
    /// Tasks whose digests are not known, so that a change of them would not be noticed.
    pub undigested: u64,
    /// The earlier suite of the same experiment and condition, where its tasks or rules were changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<ContentDigest>,
    /// The agents, by name.
    pub agents: Vec<AgentHistory>,
}

/// The history of one agent on one suite.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentHistory {
    /// The agent.
    pub agent: AgentName,
    /// Its runs, the oldest first.
    pub runs: Vec<RunPoint>,
    /// Its releases, by their first run; runs of the same release are added up.
    pub releases: Vec<ReleaseRow>,
    /// Its change-points, the oldest first.
    pub changes: Vec<Change>,
    /// How it stands since the last of them, or since its first run.
    pub standing: Standing,
}

/// A run by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunRef {
    /// The release that it was a run of.
    pub release: ReleaseName,
    /// The run.
    pub run: RunId,
    /// When it was created; of an imported run when its trials were run.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl From<&LedgerEntry> for RunRef {
    fn from(entry: &LedgerEntry) -> Self {
        Self { release: entry.release.clone(), run: entry.run.clone(), at: entry.at }
    }
}

/// One run of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunPoint {
    /// Which.
    pub run: RunRef,
    /// The version of the agent, where it is known.
    pub version: Option<String>,
    /// Its model, where it is known.
    pub model: Option<String>,
    /// The files that its numbers follow from.
    pub inputs: Vec<LedgerInput>,
    /// Trials that count.
    pub graded: u64,
    /// Those that passed.
    pub passed: u64,
    /// Finished trials that do not count.
    pub excluded: u64,
    /// The success rate, for exactly these tasks.
    pub success: Value,
}

/// A release: all its runs together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReleaseRow {
    /// The release.
    pub release: ReleaseName,
    /// Its runs, the oldest first.
    pub runs: Vec<RunId>,
    /// When its first run was created.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// When its last one was.
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// Whether its runs state different versions, models, recipes or settings of the agent.
    pub is_mixed: bool,
    /// Trials that count.
    pub graded: u64,
    /// Those that passed.
    pub passed: u64,
    /// The success rate, for exactly these tasks.
    pub success: Value,
    /// pass^k at the largest of 2, 3, 5 and 10 that every release of the agent has enough trials for; none where there is no such k.
    pub pass_hat: Option<PassHat>,
    /// What a success costs, in millionths of a US dollar; its interval speaks of new tasks like these.
    pub cost_per_success: Value,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Less success.
    Worse,
    /// More success.
    Better,
}

impl Direction {
    /// Returns the direction of a difference; none for 0.
    pub(super) fn of(difference: f64) -> Option<Self> {
        if difference < 0.0 {
            Some(Self::Worse)
        } else if difference > 0.0 {
            Some(Self::Better)
        } else {
            None
        }
    }

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
        }
    }
}

/// How a p-value was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PMethod {
    /// By the exact distribution.
    Exact,
    /// As the Chernoff bound on the exact p-value, which is never smaller: there are too many trials for the exact distribution.
    ChernoffBound,
}

/// A change-point: from a run on an agent is worse, or better, than it was.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// Which way.
    pub direction: Direction,
    /// The first run after it, by the least p-value.
    pub since: RunRef,
    /// The earliest first run that the trials do not rule out, if there was one change.
    pub earliest: RunRef,
    /// The latest one.
    pub latest: RunRef,
    /// The last run before it.
    pub last_before: RunRef,
    /// The run with which it was found.
    pub found_with: RunRef,
    /// How many runs `before` speaks of: those back to the change-point before, or to the first run.
    pub runs_before: u64,
    /// How many runs `after` speaks of: those up to the next change-point, or to the newest run.
    pub runs_after: u64,
    /// The success rate before, for exactly these tasks.
    pub before: Value,
    /// The success rate after.
    pub after: Value,
    /// After minus before, for exactly these tasks. It was looked for, so that it is a little too large on average.
    pub difference: Value,
    /// Success since the newest change-point minus `before`, for exactly these tasks: whether it is still so. None for the newest
    /// change-point, of which `difference` says it.
    pub still: Option<Value>,
    /// The one-sided p-value of the exact stratified test of the comparison that found it.
    pub p: Finite,
    /// How `p` was computed.
    pub p_method: PMethod,
    /// The same divided by the comparison's share of the error rate: at most one minus the level.
    pub adjusted_p: Finite,
    /// What the last run before and the first after state differently of the agent.
    pub changed: Vec<ChangedFact>,
    /// Whether it is the agent's own doing.
    pub attribution: Attribution,
}

/// Something that is stated of an agent, and was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedFact {
    /// What: `version`, `model`, `recipe`, `kit` or `settings`.
    pub what: String,
    /// Before; `unknown` where it was not stated.
    pub before: String,
    /// After.
    pub after: String,
}

/// Returns the JSON Schema of [`History`] as it is checked in.
pub fn history_schema() -> SchemaFile {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<History>();
    SchemaFile { name: "history.schema.json", schema: schema.to_value() }
}

/// Returns the JSON Schema of a line of the ledger as it is checked in.
pub fn ledger_schema() -> SchemaFile {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<LedgerEntry>();
    SchemaFile { name: "ledger.schema.json", schema: schema.to_value() }
}
