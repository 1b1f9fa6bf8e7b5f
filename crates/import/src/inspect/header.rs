//! What a log says of all its samples.

use std::path::{Path, PathBuf};

use retrial_spec::ConditionName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{Count, SampleId};
use crate::FoundAgent;
use crate::own::KEY;

/// The name of an agent that a log does not name.
const NAMELESS: &str = "inspect";

/// What an export of a run keeps in `/eval/metadata` of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnLog {
    /// The agent of all samples.
    pub(crate) agent: FoundAgent,
    /// The condition of all samples.
    pub(crate) condition: ConditionName,
}

/// A log without its samples: `header.json`, `_journal/start.json`, or the beginning of a `.json`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Header {
    /// `started`, `success`, `cancelled` or `error`.
    pub(super) status: Option<String>,
    pub(super) eval: Option<Eval>,
    pub(super) plan: Option<Plan>,
    pub(super) results: Option<Results>,
}

/// What is evaluated.
#[derive(Debug, Deserialize)]
pub(super) struct Eval {
    task: String,
    task_version: Option<Value>,
    task_args: Option<Value>,
    solver: Option<String>,
    solver_args: Option<Value>,
    model: Option<String>,
    model_args: Option<Value>,
    model_generate_config: Option<Value>,
    dataset: Option<Dataset>,
    config: Option<Config>,
    pub(super) scorers: Option<Vec<Named>>,
    metadata: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Dataset {
    sample_ids: Option<Vec<SampleId>>,
}

#[derive(Debug, Deserialize)]
struct Config {
    epochs: Option<Count>,
}

/// Something with a name.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

/// What solves a sample, step by step.
#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    steps: Option<Vec<PlanStep>>,
}

#[derive(Debug, Deserialize)]
struct PlanStep {
    solver: Option<String>,
}

/// What came of the samples together.
#[derive(Debug, Deserialize)]
pub(super) struct Results {
    pub(super) total_samples: Option<Count>,
}

/// A log whose samples are being read.
#[derive(Debug)]
pub(super) struct OpenLog {
    pub(super) path: PathBuf,
    /// `started`, `success`, `cancelled` or `error`.
    pub(super) status: String,
    pub(super) agent: FoundAgent,
    /// The task's name, which stands before the samples' ids.
    pub(super) task: String,
    /// What an export of a run says of it.
    pub(super) own: Option<OwnLog>,
    /// The name of the only scorer of old logs.
    pub(super) scorer: String,
    /// Whether nothing was to be scored.
    pub(super) has_no_scorer: bool,
    /// The samples that were planned, in each epoch.
    pub(super) sample_ids: Vec<SampleId>,
    pub(super) epochs: u64,
    /// How many samples there are in all, as the results say.
    pub(super) total: Option<u64>,
    /// What must be equal between logs whose samples are trials of the same tasks.
    pub(super) settings: String,
}

impl OpenLog {
    /// Returns the log of a header; none where the header does not say what is evaluated.
    pub(super) fn new(path: &Path, header: Header) -> Option<Self> {
        let eval = header.eval?;
        let own = eval.metadata.as_ref().and_then(|metadata| OwnLog::deserialize(metadata.get(KEY)?).ok());
        let settings = [
            ("task_version", &eval.task_version),
            ("task_args", &eval.task_args),
            ("solver_args", &eval.solver_args),
            ("model_args", &eval.model_args),
            ("model_generate_config", &eval.model_generate_config),
        ];
        let named = |(name, value): (&str, &Option<Value>)| {
            format!("{name}={}", value.as_ref().unwrap_or(&Value::Null))
        };
        let settings = settings.map(named).join(" ");
        let scorers: Vec<String> =
            eval.scorers.into_iter().flatten().filter_map(|scorer| scorer.name).collect();
        Some(Self {
            path: path.to_owned(),
            status: header.status.unwrap_or_else(|| "started".to_owned()),
            agent: FoundAgent {
                name: eval.solver.or_else(|| steps(header.plan)).unwrap_or_else(|| NAMELESS.to_owned()),
                version: None,
                model: eval
                    .model
                    .filter(|model| !model.is_empty() && model != "none/none" && model != "none"),
            },
            task: eval.task,
            own,
            has_no_scorer: scorers.is_empty(),
            scorer: scorers.into_iter().next().unwrap_or_else(|| "score".to_owned()),
            sample_ids: eval.dataset.and_then(|dataset| dataset.sample_ids).unwrap_or_default(),
            epochs: eval.config.and_then(|config| config.epochs).map_or(1, |epochs| epochs.0),
            total: header.results.and_then(|results| results.total_samples).map(|total| total.0),
            settings,
        })
    }

    /// Returns the name of a sample's task.
    pub(super) fn task_of(&self, id: &SampleId) -> String {
        match &self.own {
            Some(_) => id.0.clone(),
            None => format!("{}/{}", self.task, id.0),
        }
    }

    /// Returns the agent of all samples.
    pub(super) fn agent(&self) -> FoundAgent {
        self.own.as_ref().map_or_else(|| self.agent.clone(), |own| own.agent.clone())
    }

    /// Returns the condition of all samples; none for the baseline.
    pub(super) fn condition(&self) -> Option<String> {
        let condition = &self.own.as_ref()?.condition;
        (*condition != ConditionName::baseline()).then(|| condition.to_string())
    }
}

/// The names of a plan's steps, which together are the agent of a task that names none.
fn steps(plan: Option<Plan>) -> Option<String> {
    let names: Vec<String> = plan?.steps?.into_iter().filter_map(|step| step.solver).collect();
    (!names.is_empty()).then(|| names.join("+"))
}
