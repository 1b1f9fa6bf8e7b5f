//! The scorecard: what scoring yields, and what its JSON looks like.

use retrial_spec::{
    AgentFacts, AgentName, ConditionName, ContentDigest, Origin, PriceFacts, ReplayFacts, RunId, RunManifest,
    SandboxFacts, SchemaFile, TaskFacts, TaskName,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use crate::books::{Books, Denominators};
use crate::calibration::Calibration;
use crate::difficulty::ClusteredErrors;
use crate::forks::Forks;
use crate::openings::PrefixAgreement;
use crate::robustness::Robustness;
use crate::safety::Safety;
use crate::solved::SolvedTasks;
use crate::success::WorstCase;
use crate::value::{Known, Number};
use crate::{GroupCard, Measure, MeasureId, Settings, Stopping, Target};

/// The version of the scorecards' JSON that this build writes. Changes:
/// - 1.0: the first.
/// - 1.1: groups of tasks; variance of outcomes and tokens; openings, prefix agreement and forks; final states; companions of the
///   spread; steps, model time, waiting and cost per success; calibration; safety.
/// - 2.0: `run.origin` says whether a run was measured or imported; versions, models, recipes and digests may be unknown; the
///   binomial error beside the clustered ones.
/// - 2.1: `stopping` of measured runs, and the warning `may_stop`.
pub const SCHEMA_VERSION: SchemaVersion = SchemaVersion { major: 2, minor: 1 };

/// The version of the scorecards' JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SchemaVersion {
    /// Changes when older readers would misread.
    pub major: u32,
    /// Changes when something is added.
    pub minor: u32,
}

/// The scorecards of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Scorecards {
    /// The version of this format.
    pub schema: SchemaVersion,
    /// What was run.
    pub run: RunFacts,
    /// The choices the numbers depend on.
    pub settings: Settings,
    /// The books of the whole run.
    pub books: Books,
    /// One scorecard for each agent and condition, in the experiment's order.
    pub scorecards: Vec<Scorecard>,
    /// One card for each agent, condition and group of tasks, in the experiment's order and the groups' names; empty where tasks are
    /// not grouped.
    pub groups: Vec<GroupCard>,
    /// What faults on the wire do, one entry for each agent and condition of the kind `fault`, in the experiment's order; empty where
    /// there is none, which means that robustness was not measured.
    pub robustness: Vec<Robustness>,
    /// What a reader should know before believing the numbers.
    pub warnings: Vec<Warning>,
}

impl Scorecards {
    /// Returns how many trials count as passed or failed; 0 means that nothing was evaluated.
    pub fn graded(&self) -> u64 {
        self.scorecards.iter().map(|scorecard| scorecard.denominators.graded).sum()
    }
}

/// What a run is made of, as far as its numbers depend on it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunFacts {
    /// The run's id.
    pub run: RunId,
    /// When the run was created.
    #[schemars(with = "String")]
    pub created_at: jiff::Timestamp,
    /// The experiment's name.
    pub experiment: RunId,
    /// Name and version of the tool that ran it.
    pub tool: String,
    /// Version of the crate that scored it.
    pub scored_by: String,
    /// The seed of schedule and simulated models.
    pub seed: u64,
    /// Planned trials of each agent, task and condition; the most of them where they differ, and the rounds that were run where a stopping
    /// rule was settled.
    pub trials: u32,
    /// The agents, in the experiment's order.
    pub agents: Vec<AgentFacts>,
    /// The tasks, by name.
    pub tasks: Vec<TaskFacts>,
    /// The digest of the table that gives actions their kinds and names.
    pub actions: ContentDigest,
    /// How the trials came about.
    pub origin: RunOrigin,
}

/// How the trials of a run came about, as far as a scorecard says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOrigin {
    /// Retrial ran them.
    Measured(Box<MeasuredFacts>),
    /// They were read from another tool's files.
    Imported(ImportedFacts),
}

/// What the numbers of a run of Retrial's own depend on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MeasuredFacts {
    /// The digest of the experiment as resolved.
    pub experiment_digest: ContentDigest,
    /// The price table.
    pub prices: PriceFacts,
    /// Where the trials ran.
    pub sandbox: SandboxFacts,
    /// The run whose recording answered instead of models, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<ReplayFacts>,
    /// The stopping rule and what came of it, where the run had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping: Option<Stopping>,
}

/// Where the numbers of an imported run come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImportedFacts {
    /// The format that was read.
    pub format: String,
    /// What was read.
    pub sources: Vec<String>,
    /// Digest of the settings that decide what the source's words become.
    pub settings: ContentDigest,
    /// How many things were read and are doubtful.
    pub doubtful: u64,
}

impl RunOrigin {
    /// Returns what a run of Retrial's own depends on; none for an imported run.
    pub fn measured(&self) -> Option<&MeasuredFacts> {
        match self {
            Self::Measured(facts) => Some(facts),
            Self::Imported(_) => None,
        }
    }

    /// Returns where an imported run comes from; none for a run of Retrial's own.
    pub fn imported(&self) -> Option<&ImportedFacts> {
        match self {
            Self::Measured(_) => None,
            Self::Imported(facts) => Some(facts),
        }
    }

    /// Returns the stopping rule and what came of it, where the run had one.
    pub fn stopping(&self) -> Option<&Stopping> {
        self.measured().and_then(|facts| facts.stopping.as_ref())
    }

    /// Returns whether models' answers came from a recording, so that times measure nothing.
    pub fn is_replayed(&self) -> bool {
        self.measured().is_some_and(|facts| facts.replay_of.is_some())
    }
}

impl From<&Origin> for RunOrigin {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Measured(measured) => Self::Measured(Box::new(MeasuredFacts {
                experiment_digest: measured.experiment_digest.clone(),
                prices: measured.prices.clone(),
                sandbox: measured.sandbox.clone(),
                replay_of: measured.replay_of.clone(),
                stopping: Stopping::of(measured),
            })),
            Origin::Imported(imported) => Self::Imported(ImportedFacts {
                format: imported.format.clone(),
                sources: imported.sources.clone(),
                settings: imported.settings.clone(),
                doubtful: imported.doubtful,
            }),
        }
    }
}

impl From<&RunManifest> for RunFacts {
    fn from(manifest: &RunManifest) -> Self {
        let mut tasks = manifest.tasks.clone();
        tasks.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            run: manifest.run.clone(),
            created_at: manifest.created_at,
            experiment: manifest.name().clone(),
            tool: manifest.tool.clone(),
            scored_by: concat!("retrial-metrics ", env!("CARGO_PKG_VERSION")).to_owned(),
            seed: manifest.seed,
            trials: manifest.trials(),
            agents: manifest.agents.clone(),
            tasks,
            actions: manifest.actions.clone(),
            origin: RunOrigin::from(&manifest.origin),
        }
    }
}

/// The reliability profile of one agent under one condition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Scorecard {
    /// The agent.
    pub agent: AgentName,
    /// The condition.
    pub condition: ConditionName,
    /// What became of the planned trials.
    pub denominators: Denominators,
    /// The band of the success rate over trials that do not count; none where all finished trials count.
    pub worst_case: Option<WorstCase>,
    /// The measures, in the order of [`MeasureId::ALL`], without those of robustness.
    pub measures: Vec<Measure>,
    /// The tasks, by name.
    pub tasks: Vec<TaskRow>,
    /// The tasks that are solved always, sometimes and never.
    pub solved: SolvedTasks,
    /// The pooled success rate with its clustered standard errors.
    pub clustered_errors: Known<ClusteredErrors>,
    /// How long two trials of a task do the same, by granularity, over all trials and over successes.
    pub prefix_agreement: Vec<PrefixAgreement>,
    /// Which actions separate successes from failures where the trials of a task part, by granularity. Exploratory.
    pub forks: Vec<Forks>,
    /// What stated confidences are worth, in detail.
    pub calibration: Known<Calibration>,
    /// Violations of constraints, reported apart.
    pub safety: Safety,
}

impl Scorecard {
    /// Iterates over all values of a measure: several for measures with a `k` or a granularity.
    pub fn all(&self, id: MeasureId) -> impl Iterator<Item = &Measure> {
        self.measures.iter().filter(move |measure| measure.id == id)
    }

    /// Returns the measure's value that belongs into a short table: the first headline one.
    pub fn headline(&self, id: MeasureId) -> Option<&Measure> {
        self.all(id).find(|measure| measure.headline)
    }
}

/// One task in the scorecard of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskRow {
    /// The task.
    pub task: TaskName,
    /// Finished trials.
    pub finished: u64,
    /// Trials that count.
    pub graded: u64,
    /// Trials that count as passed.
    pub passed: u64,
    /// How surely two trials end alike; may be negative for a single task.
    pub outcome_consistency: Number,
    /// How alike the mixes of actions are.
    pub action_mix_consistency: Number,
    /// How alike the orders of actions are.
    pub action_order_consistency: Number,
    /// The mean place of the first action, from 1, at which two of its trials part.
    pub first_divergence: Number,
}

/// What a reader should know before believing the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "warning")]
#[non_exhaustive]
pub enum Warning {
    /// A stopping rule looked at the outcomes and could end the run.
    MayStop {
        /// What the intervals speak of; one that accounts for the rule exists for the fixed suite alone.
        target: Target,
    },
    /// Planned trials have no record.
    MissingTrials {
        /// How many.
        trials: u64,
        /// How many are planned.
        planned: u64,
    },
    /// An agent has tasks without a graded trial, which its measures leave out.
    UngradedTasks {
        /// The agent.
        agent: AgentName,
        /// The condition.
        condition: ConditionName,
        /// The tasks.
        tasks: Vec<TaskName>,
    },
    /// Several trials of a task did exactly the same with exactly as many tokens.
    IdenticalRepeats {
        /// The agent.
        agent: AgentName,
        /// The condition.
        condition: ConditionName,
        /// The task.
        task: TaskName,
        /// The trials' numbers.
        trials: Vec<u32>,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MayStop { target: Target::FixedSuite } => formatter.write_str(
                "the run could stop by what its rounds showed: the interval of the success rate is anytime-valid, which means that it \
                 holds all the same; no other number accounts for it",
            ),
            Self::MayStop { target: Target::Population } => formatter.write_str(
                "the run could stop by what its rounds showed, and no interval about new tasks accounts for that; the one about \
                 exactly these tasks does",
            ),
            Self::MissingTrials { trials, planned } => {
                write!(formatter, "{trials} of {planned} planned trials are missing")
            }
            Self::UngradedTasks { agent, condition, tasks } => write!(
                formatter,
                "tasks without a graded trial, which the measures of agent `{agent}` under `{condition}` leave out: {}",
                tasks.len()
            ),
            Self::IdenticalRepeats { agent, condition, task, trials } => write!(
                formatter,
                "{} trials of `{task}` by agent `{agent}` under `{condition}` are identical to the token; check for a \
                 cache between trials",
                trials.len()
            ),
        }
    }
}

/// Returns the JSON Schema of [`Scorecards`] as it is checked in.
pub fn schema() -> SchemaFile {
    let schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Scorecards>();
    SchemaFile { name: "scorecard.schema.json", schema: schema.to_value() }
}
