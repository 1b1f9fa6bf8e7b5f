//! A gate's decision as a document.

use retrial_spec::{AgentName, ConditionName, Day, GatePolicy, QuarantinedTask, RunId, SchemaFile};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::grounds::{GateVerdict, Ground};
use super::measures::GateMeasure;
use super::tasks::{Coverage, GateTask, TaskPlace};
use crate::decide::RunDifference;

/// The number of the schema of [`PolicyGate`].
pub const GATE_SCHEMA: u32 = 1;

/// What a gate decided, what by, and what would decide it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PolicyGate {
    /// The number of this schema.
    pub schema: u32,
    /// The decision.
    pub verdict: GateVerdict,
    /// Verdict, what decided it and what would, in one line.
    pub line: String,
    /// What would decide it, where something is known that would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Everything that bears on the decision, the gravest first; empty where it passes.
    pub grounds: Vec<Ground>,
    /// The candidate's run.
    pub candidate: RunId,
    /// The runs of the baseline.
    pub baseline: Vec<RunId>,
    /// The condition whose trials are judged.
    pub condition: ConditionName,
    /// The policy, with its defaults.
    pub policy: GatePolicy,
    /// The seed of estimators that draw.
    pub seed: u64,
    /// The day by which the quarantine was read.
    pub today: Day,
    /// Tasks in quarantine on this day.
    pub quarantined: Vec<QuarantinedTask>,
    /// Entries of the quarantine that do not apply: over, or not begun.
    pub not_in_force: Vec<QuarantinedTask>,
    /// The agents of the baseline that the candidate has too.
    pub agents: Vec<GateAgent>,
    /// Agents that only the candidate has, which are not judged.
    pub new_agents: Vec<AgentName>,
    /// What differs between the runs besides, and may explain results.
    pub notes: Vec<GateNote>,
}

/// One agent, or release, against its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateAgent {
    /// Its name in the baseline.
    pub agent: AgentName,
    /// Its name in the candidate's run.
    pub candidate: AgentName,
    /// The decision for it alone.
    pub verdict: GateVerdict,
    /// How much of the candidate's planned trials is graded.
    pub candidate_coverage: Coverage,
    /// How much of the baseline's.
    pub baseline_coverage: Coverage,
    /// Whether a run of either side could stop by what its trials showed. Success is then judged by bounds that hold whenever it stopped,
    /// over complete rounds, and no other measure is decided.
    pub may_stop: bool,
    /// The tasks of either side, by name.
    pub tasks: Vec<GateTask>,
    /// The measures that have a margin, success first; none where the sides cannot be compared.
    pub measures: Vec<GateMeasure>,
}

impl GateAgent {
    /// Returns the tasks in a place.
    pub fn tasks_in(&self, place: TaskPlace) -> impl Iterator<Item = &GateTask> {
        self.tasks.iter().filter(move |task| task.place == place)
    }

    /// Returns how it is called: by one name, or by both where they differ.
    pub fn title(&self) -> String {
        if self.agent == self.candidate {
            self.agent.to_string()
        } else {
            format!("{} against {}", self.candidate, self.agent)
        }
    }
}

/// Something that differs between the candidate's run and one of the baseline's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateNote {
    /// The baseline's run.
    pub run: RunId,
    /// What differs.
    pub difference: RunDifference,
}

/// Returns the JSON Schema of [`PolicyGate`] as it is checked in.
pub fn schema() -> SchemaFile {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<PolicyGate>();
    SchemaFile { name: "gate.schema.json", schema: schema.to_value() }
}
