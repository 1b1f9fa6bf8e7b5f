//! Whether two runs can be compared at all: what differs between them besides the agents.

use std::collections::BTreeMap;

use retrial_spec::{ConditionName, ConditionSpec, Origin, RunManifest, TaskFacts, TaskName};
use schemars::JsonSchema;
use serde::Serialize;

/// How much a difference between two runs matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// To be said: it may explain a difference of results, or part of them.
    Confounds,
    /// The runs did not try the same thing, so that they are compared only where somebody asks for it all the same.
    Forbids,
}

/// Something that differs between two runs besides the agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "what")]
#[non_exhaustive]
pub enum RunDifference {
    /// Tasks that only the candidate's run plans.
    OnlyCandidate {
        /// The tasks.
        tasks: Vec<TaskName>,
    },
    /// Tasks that only the baseline's run plans.
    OnlyBaseline {
        /// The tasks.
        tasks: Vec<TaskName>,
    },
    /// Tasks of one name and different content.
    TaskContent {
        /// The tasks.
        tasks: Vec<TaskName>,
    },
    /// Tasks whose content is not known of one run or of both, so that only their names say that they are the same.
    TaskUnknown {
        /// The tasks.
        tasks: Vec<TaskName>,
    },
    /// Tasks whose trials ran in different images or root file systems.
    Environment {
        /// The tasks.
        tasks: Vec<TaskName>,
    },
    /// The condition of one name has other settings.
    Condition {
        /// The condition.
        condition: ConditionName,
    },
    /// One run was measured and the other imported, or they were imported from different formats.
    Origin,
    /// Trials ran in sandboxes of different kinds.
    Sandbox,
    /// Trials had different limits.
    Limits,
    /// Confidence and claim were asked for in different ways.
    Elicitation,
    /// Costs were computed with different price tables.
    Prices,
    /// Actions were named by different tables.
    Actions,
    /// One run was answered from a recording.
    Replay,
    /// A run, or both, could stop by what its trials showed, which no bound of a comparison accounts for.
    StoppingRule,
}

impl RunDifference {
    /// Returns how much it matters.
    pub fn weight(&self) -> Weight {
        match self {
            Self::OnlyCandidate { .. }
            | Self::OnlyBaseline { .. }
            | Self::TaskContent { .. }
            | Self::Condition { .. } => Weight::Forbids,
            _ => Weight::Confounds,
        }
    }
}

impl std::fmt::Display for RunDifference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnlyCandidate { tasks } => {
                write!(formatter, "tasks that only the candidate has: {}", named(tasks))
            }
            Self::OnlyBaseline { tasks } => {
                write!(formatter, "tasks that only the baseline has: {}", named(tasks))
            }
            Self::TaskContent { tasks } => {
                write!(formatter, "tasks whose content is not the same: {}", named(tasks))
            }
            Self::TaskUnknown { tasks } => {
                write!(
                    formatter,
                    "tasks that are known to be the same by their names alone: {}",
                    named(tasks)
                )
            }
            Self::Environment { tasks } => {
                write!(formatter, "tasks that ran in other environments: {}", named(tasks))
            }
            Self::Condition { condition } => {
                write!(formatter, "the condition `{condition}` has other settings")
            }
            Self::Origin => formatter.write_str("the trials come from different sources"),
            Self::Sandbox => formatter.write_str("the trials ran in sandboxes of different kinds"),
            Self::Limits => formatter.write_str("the trials had different limits"),
            Self::Elicitation => formatter.write_str("confidence and claim were asked for in different ways"),
            Self::Prices => formatter.write_str("costs were computed with different price tables"),
            Self::Actions => formatter.write_str("actions were named by different tables"),
            Self::StoppingRule => formatter.write_str(
                "a run could stop by what its trials showed, which the numbers of a comparison do not account for",
            ),
            Self::Replay => {
                formatter.write_str("only one run was answered by models, the other from a recording")
            }
        }
    }
}

/// Names the first few tasks, and says how many more there are.
fn named(tasks: &[TaskName]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = tasks.iter().take(SHOWN).map(TaskName::as_str).collect();
    let more = tasks.len().saturating_sub(SHOWN);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

/// Returns what differs between two runs besides their agents, as far as it bears on trials under the condition; what weighs most comes
/// first. Nothing differs between a run and itself, but a stopping rule is said all the same.
pub fn run_differences(
    candidate: &RunManifest,
    baseline: &RunManifest,
    condition: &ConditionName,
) -> Vec<RunDifference> {
    let mut found = task_differences(&candidate.tasks, &baseline.tasks);
    let settings = |run: &RunManifest| -> Option<ConditionSpec> {
        run.conditions().iter().find(|one| one.name == *condition).cloned()
    };
    if settings(candidate) != settings(baseline) {
        found.push(RunDifference::Condition { condition: condition.clone() });
    }
    if candidate.actions != baseline.actions {
        found.push(RunDifference::Actions);
    }
    if candidate.may_stop() || baseline.may_stop() {
        found.push(RunDifference::StoppingRule);
    }
    match (&candidate.origin, &baseline.origin) {
        (Origin::Measured(a), Origin::Measured(b)) => {
            let (of_a, of_b) = (&a.experiment, &b.experiment);
            let rows = [
                (a.sandbox.kind == b.sandbox.kind, RunDifference::Sandbox),
                (of_a.limits == of_b.limits, RunDifference::Limits),
                (of_a.elicit == of_b.elicit, RunDifference::Elicitation),
                (a.prices == b.prices, RunDifference::Prices),
                (a.replay_of.is_some() == b.replay_of.is_some(), RunDifference::Replay),
            ];
            found.extend(rows.into_iter().filter(|(is_same, _)| !is_same).map(|(_, difference)| difference));
        }
        (Origin::Imported(a), Origin::Imported(b)) if a.format == b.format => {}
        _ => found.push(RunDifference::Origin),
    }
    found.sort_by_key(|difference| std::cmp::Reverse(difference.weight()));
    found
}

fn task_differences(candidate: &[TaskFacts], baseline: &[TaskFacts]) -> Vec<RunDifference> {
    let mut others: BTreeMap<&TaskName, &TaskFacts> =
        baseline.iter().map(|task| (&task.name, task)).collect();
    let mut only_candidate = Vec::new();
    let (mut content, mut unknown, mut environment) = (Vec::new(), Vec::new(), Vec::new());
    let mut tasks: Vec<&TaskFacts> = candidate.iter().collect();
    tasks.sort_by(|a, b| a.name.cmp(&b.name));
    for task in tasks {
        let Some(other) = others.remove(&task.name) else {
            only_candidate.push(task.name.clone());
            continue;
        };
        match same_content(task, other) {
            Some(true) => {}
            Some(false) => content.push(task.name.clone()),
            None => unknown.push(task.name.clone()),
        }
        if task.environment != other.environment {
            environment.push(task.name.clone());
        }
    }
    let only_baseline: Vec<TaskName> = others.into_keys().cloned().collect();
    let rows = [
        RunDifference::OnlyCandidate { tasks: only_candidate },
        RunDifference::OnlyBaseline { tasks: only_baseline },
        RunDifference::TaskContent { tasks: content },
        RunDifference::TaskUnknown { tasks: unknown },
        RunDifference::Environment { tasks: environment },
    ];
    rows.into_iter().filter(|difference| !difference.is_empty()).collect()
}

impl RunDifference {
    /// Whether it is about no task.
    fn is_empty(&self) -> bool {
        match self {
            Self::OnlyCandidate { tasks }
            | Self::OnlyBaseline { tasks }
            | Self::TaskContent { tasks }
            | Self::TaskUnknown { tasks }
            | Self::Environment { tasks } => tasks.is_empty(),
            _ => false,
        }
    }
}

/// Whether two tasks of one name have the same content; none where that is not known. Digests say it for sure; where one is lacking,
/// different versions say that it is not the same, and equal versions nothing, since a version is but a name.
fn same_content(task: &TaskFacts, other: &TaskFacts) -> Option<bool> {
    if let (Some(digest), Some(of_other)) = (&task.digest, &other.digest) {
        return Some(digest == of_other);
    }
    let differ = task.version.as_ref().zip(other.version.as_ref()).is_some_and(|(a, b)| a != b);
    if differ { Some(false) } else { None }
}
