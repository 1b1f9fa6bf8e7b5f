//! What commands print with `--json`, beside scorecards: their shapes, so that scripts have a schema to rely on.
//!
//! Each form carries the number of its schema; it changes when older readers would misread.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    AgentName, BaselineFacts, Budget, ConditionName, ContentDigest, LatencyReport, Look, RunBudget, RunId,
    StopSpec, TaskName, TrialId,
};

/// The number of every schema in this file.
pub const OUTPUT_SCHEMA: u32 = 1;

/// How far a run is: `retrial status`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatusOutput {
    /// The number of this schema.
    pub schema: u32,
    /// The run's id.
    pub run: RunId,
    /// The experiment's name.
    pub experiment: RunId,
    /// What became of it so far.
    pub state: RunState,
    /// Trials that are planned in all; of a run that its stopping rule stopped, those of the rounds that were run.
    pub planned: u64,
    /// What the stopping rule said so far; null where there is no rule.
    pub stopping: Option<StoppingStatus>,
    /// Trials that finished.
    pub finished: u64,
    /// Attempts that failed for reasons of infrastructure.
    pub failed_attempts: u64,
    /// Finished trials by ending.
    pub endings: BTreeMap<&'static str, u64>,
    /// Finished trials by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// How long models took to answer so far.
    pub latency: LatencyReport,
}

/// How far a stopping rule is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StoppingStatus {
    /// The most rounds that are run.
    pub most_rounds: u32,
    /// What it said when it last looked; null where it has not looked yet.
    pub last_look: Option<Look>,
}

/// What became of a run so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// A process works on it.
    Running,
    /// Every planned trial finished.
    Complete,
    /// The stopping rule is settled, which makes it complete.
    Settled,
    /// The user interrupted it.
    Interrupted,
    /// What is left of its budget has no room for another trial.
    OverBudget,
    /// It could not go on.
    Failed,
    /// No process works on it and none said why it stopped.
    Crashed,
}

/// What was written: `retrial report`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReportOutput {
    /// The number of this schema.
    pub schema: u32,
    /// The paths of the files, in the order in which they were written.
    pub files: Vec<String>,
}

/// What became of runs that were to be added to a ledger: `retrial history add`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HistoryAddOutput {
    /// The number of this schema.
    pub schema: u32,
    /// The agents of the runs, in the order of the runs.
    pub entries: Vec<AddedEntry>,
}

/// What became of one agent of one run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AddedEntry {
    /// The run.
    pub run: RunId,
    /// The agent.
    pub agent: AgentName,
    /// The condition.
    pub condition: ConditionName,
    /// The digest of the suite.
    pub suite: ContentDigest,
    /// The release.
    pub release: String,
    /// When the run was created; of an imported run when its trials were run.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The file of the ledger that the line was added to; null where the run was there already, which stays as it is.
    pub file: Option<String>,
}

/// The plan of an experiment: `retrial run --dry-run`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlanOutput {
    /// The number of this schema.
    pub schema: u32,
    /// The experiment's name.
    pub experiment: RunId,
    /// The seed of schedule and simulated models.
    pub seed: u64,
    /// Where trials would run.
    pub sandbox: &'static str,
    /// The tasks.
    pub tasks: Vec<PlannedTask>,
    /// The agents.
    pub agents: Vec<PlannedAgentOutput>,
    /// The conditions' names.
    pub conditions: Vec<String>,
    /// Trials of each agent, task and condition; the most of them where a rule may stop the run.
    pub trials_per_cell: u32,
    /// When the run stops before all its trials are run; null where it does not.
    pub stop: Option<StopSpec>,
    /// The run that `stop.baseline` names, with the counts to compare with; null where it names none.
    pub stop_baseline: Option<BaselineFacts>,
    /// Agents × tasks × conditions.
    pub cells: usize,
    /// Trials in all.
    pub trials: usize,
    /// What a trial may use of its model.
    pub trial_budget: Budget,
    /// What the run may use in all.
    pub run_budget: RunBudget,
    /// The keys that the agents' models need from the environment. Only their variables: no value is ever printed.
    pub keys: Vec<PlannedKey>,
    /// The trials in the order in which they would start.
    pub order: Vec<TrialId>,
}

/// A task of a plan.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlannedTask {
    /// Its name.
    pub name: TaskName,
    /// The digest of its files.
    pub digest: ContentDigest,
}

/// An agent of a plan.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlannedAgentOutput {
    /// Its name.
    pub name: String,
    /// Its recipe's name.
    pub recipe: String,
    /// Its model, as the experiment names it.
    pub model: String,
}

/// A key that a plan needs from the environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct PlannedKey {
    /// The environment variable that holds it.
    pub variable: String,
    /// Whether it is set here, and not empty.
    pub is_set: bool,
}

/// What a machine can run: `retrial doctor`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DoctorOutput {
    /// The number of this schema.
    pub schema: u32,
    /// What was looked at.
    pub findings: Vec<DoctorFinding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DoctorFinding {
    /// What it is.
    pub what: String,
    /// Whether it can be used.
    pub usable: bool,
    /// Its version or place, or why it cannot be used.
    pub detail: String,
    /// Limits and whether they are enforced here.
    pub limits: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
}

/// Whether tasks can be admitted: `retrial task check`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TaskCheckOutput {
    /// The number of this schema.
    pub schema: u32,
    /// Where the solutions ran.
    pub sandbox: String,
    /// How often oracle and empty solution ran.
    pub repeats: u32,
    /// The tasks.
    pub tasks: Vec<CheckedTask>,
}

/// Whether a task can be admitted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckedTask {
    /// The task.
    pub task: TaskName,
    /// Whether it is admitted.
    pub admitted: bool,
    /// How often the oracle passed.
    pub oracle_passed: usize,
    /// How often doing nothing failed.
    pub no_op_failed: usize,
    /// Why it is not admitted.
    pub faults: Vec<String>,
}

/// Whether an agent works: `retrial agent check`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AgentCheckOutput {
    /// The number of this schema.
    pub schema: u32,
    /// The agent's name, or its recipe's file.
    pub agent: String,
    /// Its version.
    pub version: String,
    /// The protocol it speaks to its model.
    pub protocol: &'static str,
    /// The oldest glibc that its kit runs with; null where it needs none.
    pub min_glibc: Option<String>,
    /// Whether it works.
    pub works: bool,
    /// Requests to its model.
    pub requests: u64,
    /// Actions.
    pub actions: usize,
    /// How it ended.
    pub ending: &'static str,
    /// What it said last, where that tells something.
    pub detail: String,
}
