//! The run directory's format: `run.json`, and the version that readers check.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AgentName, BaselineFacts, ConditionName, ConditionSpec, ContentDigest, Experiment, Imported, Look,
    RetrialFacts, RunId, SandboxChoice, TaskName,
};

/// The version this build writes. Changes:
/// - 1.0: `run.json`, `events.jsonl`, `trials.jsonl`, `trials/<trial>/attempt-<n>/`.
/// - 2.0: runs that were imported: `origin` in `run.json`; actions, requests and start of a trial may be missing.
/// - 2.1: runs with a stopping rule: `stop` of the experiment, the baseline's counts in `run.json`, `stop.json`, the events `rule_looked`
///   and `run_stopped`.
pub const FORMAT_VERSION: FormatVersion = FormatVersion { major: 2, minor: 1 };

/// What a run is made of, in its directory.
pub const MANIFEST_FILE: &str = "run.json";
/// What happened in a run, in its directory.
pub const EVENTS_FILE: &str = "events.jsonl";
/// The records of a run's finished trials, in its directory.
pub const TRIALS_FILE: &str = "trials.jsonl";
/// What the stopping rule of a run said when it was settled, in its directory; only there once it is.
pub const STOP_FILE: &str = "stop.json";
/// The evidence of a run's trials, in its directory.
pub const EVIDENCE_DIRECTORY: &str = "trials";

/// The version of a run directory: readers refuse another major version and tolerate a later minor one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormatVersion {
    /// Changes when older readers would misread.
    pub major: u32,
    /// Changes when something is added.
    pub minor: u32,
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// A run directory of a version that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the run directory has format {found} and this build reads {FORMAT_VERSION}; use the release that wrote it: {tool}"
)]
pub struct UnreadableFormat {
    found: FormatVersion,
    tool: String,
}

/// `run.json`: what a run is made of. Written once, before the first event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunManifest {
    /// The format of the run directory.
    pub format: FormatVersion,
    /// The run's id.
    pub run: RunId,
    /// When the run was created.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Name and version of the tool that created it.
    pub tool: String,
    /// The seed of schedule, simulated models and resampling.
    pub seed: u64,
    /// The tasks, in the order of their names.
    pub tasks: Vec<TaskFacts>,
    /// The agents, in the experiment's order; of an imported run by name.
    pub agents: Vec<AgentFacts>,
    /// The digest of the table that gives actions their kinds and names; those of different tables are not to be compared.
    pub actions: ContentDigest,
    /// Whether its trials were run or read from elsewhere, with what is known for that.
    pub origin: Origin,
}

/// How the trials of a run came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Retrial ran them.
    Measured(Box<Measured>),
    /// They were read from another tool's files.
    Imported(Box<Imported>),
}

/// What a run of Retrial's own is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The experiment as resolved: with command-line changes and chosen values.
    pub experiment: Experiment,
    /// Digest of the experiment as resolved.
    pub experiment_digest: ContentDigest,
    /// The price table that costs are computed with.
    pub prices: PriceFacts,
    /// Where trials run.
    pub sandbox: SandboxFacts,
    /// The host.
    pub host: HostFacts,
    /// The run whose recording answered instead of models; none for a run of its own. The usage and cost of a replayed run are those
    /// of that run, and its times measure nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<ReplayFacts>,
    /// The run that the stopping rule compares with, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_baseline: Option<BaselineFacts>,
    /// What the stopping rule said when it was settled, from `stop.json`; none before, and where there is no rule. `run.json` does not hold
    /// it, for it is written once, at the start.
    #[serde(skip)]
    pub stopped: Option<Look>,
}

impl Measured {
    /// Returns how many trials of each agent, task and condition are planned: as the experiment says, or as many as there were rounds when
    /// the stopping rule was settled.
    pub fn trials(&self) -> u32 {
        let most = self.experiment.trials;
        self.stopped.as_ref().map_or(most, |look| look.round.min(most))
    }
}

/// The run that a run is a replay of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayFacts {
    /// Its id.
    pub run: RunId,
    /// Its directory.
    pub path: String,
}

impl RunManifest {
    /// Checks that this build can read the run directory.
    ///
    /// # Errors
    /// [`UnreadableFormat`] where the major version differs.
    pub fn check_format(&self) -> Result<(), UnreadableFormat> {
        if self.format.major == FORMAT_VERSION.major {
            return Ok(());
        }
        Err(UnreadableFormat { found: self.format, tool: self.tool.clone() })
    }

    /// Returns the experiment's name, or the name that an import was given.
    pub fn name(&self) -> &RunId {
        match &self.origin {
            Origin::Measured(measured) => &measured.experiment.name,
            Origin::Imported(imported) => &imported.name,
        }
    }

    /// Returns the conditions, in the experiment's order.
    pub fn conditions(&self) -> &[ConditionSpec] {
        match &self.origin {
            Origin::Measured(measured) => &measured.experiment.conditions,
            Origin::Imported(imported) => &imported.conditions,
        }
    }

    /// Returns the most trials that are planned for an agent, a task and a condition.
    pub fn trials(&self) -> u32 {
        match &self.origin {
            Origin::Measured(measured) => measured.trials(),
            Origin::Imported(imported) => imported.planned.most,
        }
    }

    /// Returns how many trials are planned for an agent, a task and a condition of the run.
    pub fn planned_for(&self, task: &TaskName, agent: &AgentName, condition: &ConditionName) -> u32 {
        match &self.origin {
            Origin::Measured(measured) => measured.trials(),
            Origin::Imported(imported) => imported.planned.of(task, agent, condition),
        }
    }

    /// Returns how many trials the run plans.
    pub fn planned(&self) -> u64 {
        let cells = self.tasks.len() * self.agents.len() * self.conditions().len();
        let even = cells as u64 * u64::from(self.trials());
        match &self.origin {
            Origin::Measured(_) => even,
            Origin::Imported(imported) => even.saturating_sub(imported.planned.lacking()),
        }
    }

    /// Returns for how many agents, tasks and conditions fewer trials are planned than [`Self::trials`].
    pub fn cells_with_fewer(&self) -> u64 {
        match &self.origin {
            Origin::Measured(_) => 0,
            Origin::Imported(imported) => imported.planned.fewer.len() as u64,
        }
    }

    /// Returns what a run of Retrial's own is made of; none for an imported run.
    pub fn measured(&self) -> Option<&Measured> {
        match &self.origin {
            Origin::Measured(measured) => Some(measured),
            Origin::Imported(_) => None,
        }
    }

    /// Returns whether a stopping rule can end it by what its trials show.
    pub fn may_stop(&self) -> bool {
        self.measured().is_some_and(|measured| measured.experiment.stop.is_some())
    }

    /// Returns whether its models' answers came from a recording, so that its times measure nothing.
    pub fn is_replayed(&self) -> bool {
        self.measured().is_some_and(|measured| measured.replay_of.is_some())
    }
}

/// What a run records of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskFacts {
    /// The task's name.
    pub name: TaskName,
    /// The task's own title, such as `org/name`.
    pub title: Option<String>,
    /// The task's own version.
    pub version: Option<String>,
    /// The content digest, equal to Harbor's; none where an import's source does not state it.
    pub digest: Option<ContentDigest>,
    /// The digest of `simulation.toml`, where a simulated model may use it.
    pub simulation: Option<ContentDigest>,
    /// The image or root file system its trials ran in.
    pub environment: Option<String>,
    /// Category, stakes and so on, where the task states them.
    pub facts: Option<RetrialFacts>,
}

/// What a run records of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentFacts {
    /// The agent's name in the experiment.
    pub name: AgentName,
    /// How it was installed and launched; none for an agent of an imported run.
    pub recipe: Option<RecipeFacts>,
    /// The installed version of the agent, where it is known.
    pub version: Option<String>,
    /// The model, as the experiment names it, where it is known.
    pub model: Option<String>,
}

/// What a run records of an agent's recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipeFacts {
    /// The recipe's name.
    pub name: String,
    /// The digest of the recipe.
    pub digest: ContentDigest,
    /// The digest of its kit; none for an agent that needs no kit.
    pub kit: Option<String>,
}

/// The price tables of a run. Which of their dates a cost was computed with stands beside the cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceFacts {
    /// The table that comes with the tool.
    pub builtin: PriceTableFacts,
    /// The user's table, whose prices come first.
    pub own: Option<PriceTableFacts>,
}

/// A price table of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceTableFacts {
    /// The date of the table.
    pub date: String,
    /// The digest of its file.
    pub digest: ContentDigest,
}

/// Where the trials of a run run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SandboxFacts {
    /// The back end, never `auto`.
    pub kind: SandboxChoice,
    /// Name and version of the engine or mechanism.
    pub engine: String,
    /// Limits it cannot enforce on this host.
    pub not_enforced: Vec<String>,
}

/// The host of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// Operating system and architecture.
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
    /// Effective cores.
    pub cores: u32,
    /// Megabytes of memory.
    pub memory_mb: u64,
}
