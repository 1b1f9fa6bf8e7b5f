//! The run that a stopping rule compares with: its counts of the same tasks, taken before the run starts.

use std::path::Path;

use retrial_spec::{
    AgentName, AgentRounds, BaselineFacts, ConditionKind, ConditionName, Document, Fault, RoundCounts,
    RunManifest,
};

use crate::stopping::Tally;
use crate::{PlannedAgent, RunDir, TaskDir};

/// Where the experiment names the run.
const POINTER: &str = "/stop/baseline";

/// What is wrong with the run, and what to do.
type Problem = (String, Option<String>);

/// Reads the counts of the run at `path` that each agent of a plan is compared with.
///
/// # Errors
/// A [`Fault`] at the experiment's `stop.baseline`: no run, other tasks, no such agent, or no complete round.
pub(crate) fn read<'t>(
    path: &Path,
    tasks: &(impl Iterator<Item = &'t TaskDir> + Clone),
    agents: &[PlannedAgent],
    document: &Document,
) -> Result<BaselineFacts, Box<Fault>> {
    let found = facts(path, tasks, agents);
    found.map_err(|(message, hint)| Box::new(document.fault(POINTER, message, hint)))
}

fn facts<'t>(
    path: &Path,
    tasks: &(impl Iterator<Item = &'t TaskDir> + Clone),
    agents: &[PlannedAgent],
) -> Result<BaselineFacts, Problem> {
    let unusable = |error: &dyn std::error::Error| (crate::grade::error_chain(error), None);
    let (run, manifest) = RunDir::open(path).map_err(|error| unusable(&error))?;
    for task in tasks.clone() {
        check_task(task, &manifest)?;
    }
    let condition = condition(&manifest)?;
    let mut theirs: Vec<(AgentName, Tally)> = Vec::new();
    for agent in agents {
        let name = counterpart(&agent.name, &manifest)?;
        theirs.push((name.clone(), Tally::new(tasks.clone().count())));
    }
    for record in run.trials().map_err(|error| unusable(&error))? {
        let record = record.map_err(|error| unusable(&error))?;
        let trial = &record.trial;
        if trial.condition != *condition || !tasks.clone().any(|task| task.name == trial.task) {
            continue;
        }
        for (_, tally) in theirs.iter_mut().filter(|(name, _)| *name == trial.agent) {
            tally.add(trial.number, record.verdict.passed());
        }
    }
    let counts = theirs.into_iter().map(|(name, tally)| complete(&name, &tally));
    let counts = counts.collect::<Result<Vec<RoundCounts>, Problem>>()?;
    let pairs = agents.iter().zip(counts);
    let agents = pairs.map(|(agent, counts)| AgentRounds { agent: agent.name.clone(), counts });
    Ok(BaselineFacts { run: manifest.run.clone(), agents: agents.collect() })
}

/// Checks that the run has a task, with the same content.
fn check_task(task: &TaskDir, manifest: &RunManifest) -> Result<(), Problem> {
    let hint = "the difference of two success rates says something only of the same tasks".to_owned();
    let message = match manifest.tasks.iter().find(|other| other.name == task.name) {
        None => format!("the run `{}` has no task `{}`", manifest.run, task.name),
        Some(other) => match &other.digest {
            Some(digest) if *digest == task.digest => return Ok(()),
            Some(_) => format!("the task `{}` was another one in the run `{}`", task.name, manifest.run),
            None => format!("the run `{}` does not say what its task `{}` held", manifest.run, task.name),
        },
    };
    Err((message, Some(hint)))
}

fn condition(manifest: &RunManifest) -> Result<&ConditionName, Problem> {
    let conditions = manifest.conditions();
    let baseline = conditions.iter().find(|condition| condition.kind == ConditionKind::Baseline);
    match (baseline, conditions) {
        (Some(only), _) | (None, [only]) => Ok(&only.name),
        _ => Err((format!("no condition of the run `{}` is its baseline", manifest.run), None)),
    }
}

/// The agent of the run with the same name, or its only one.
fn counterpart<'m>(agent: &AgentName, manifest: &'m RunManifest) -> Result<&'m AgentName, Problem> {
    match (manifest.agents.iter().find(|other| other.name == *agent), manifest.agents.as_slice()) {
        (Some(same), _) => Ok(&same.name),
        (None, [only]) => Ok(&only.name),
        (None, several) => {
            let names: Vec<String> = several.iter().map(|agent| format!("`{}`", agent.name)).collect();
            let message = format!("the run `{}` has several agents, none of them `{agent}`", manifest.run);
            Err((message, Some(format!("it has {}", names.join(", ")))))
        }
    }
}

fn complete(agent: &AgentName, tally: &Tally) -> Result<RoundCounts, Problem> {
    let counts = tally.complete();
    if counts.passed + counts.failed == 0 {
        let message = format!("agent `{agent}` has no complete round of these tasks with a verdict there");
        let hint = "a round is one trial of every task; finish the run with `retrial run --resume`";
        return Err((message, Some(hint.to_owned())));
    }
    Ok(counts)
}
