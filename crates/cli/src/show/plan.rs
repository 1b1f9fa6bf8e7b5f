//! The plan of an experiment, before anything runs.

use std::collections::BTreeSet;

use retrial_runner::{Plan, PlannedModel};
use retrial_spec::{
    AgentRounds, BaselineFacts, Budget, OUTPUT_SCHEMA, PlanOutput, PlannedAgentOutput, PlannedKey,
    PlannedTask, RoundCounts,
};

use crate::failure::Failure;
use crate::out;
use crate::show::table;

/// Prints the plan with its cell counts.
pub(crate) fn print(plan: &Plan, json: bool) -> Result<(), Failure> {
    let order = plan.order();
    let experiment = &plan.experiment;
    let cells = plan.tasks.len() * plan.agents.len() * experiment.conditions.len();
    let printed = PlanOutput {
        schema: OUTPUT_SCHEMA,
        experiment: experiment.name.clone(),
        seed: experiment.seed,
        sandbox: experiment.sandbox.as_str(),
        tasks: plan
            .tasks
            .iter()
            .map(|task| PlannedTask { name: task.name.clone(), digest: task.digest.clone() })
            .collect(),
        agents: plan
            .agents
            .iter()
            .map(|agent| PlannedAgentOutput {
                name: agent.name.to_string(),
                recipe: agent.recipe.name().to_owned(),
                model: agent.model_name.clone(),
            })
            .collect(),
        conditions: experiment.conditions.iter().map(|condition| condition.name.to_string()).collect(),
        trials_per_cell: experiment.trials,
        stop: experiment.stop.clone(),
        stop_baseline: plan.stop_baseline.clone(),
        cells,
        trials: order.len(),
        trial_budget: plan.trial_budget(),
        run_budget: experiment.budget,
        keys: keys(plan),
        order,
    };
    if json { Ok(out::json(&printed)?) } else { Ok(out::data(&render(&printed))?) }
}

/// The variables of the keys that the agents' models need, each once.
fn keys(plan: &Plan) -> Vec<PlannedKey> {
    let variables = plan.agents.iter().filter_map(|agent| match &agent.model {
        PlannedModel::Endpoint(model) => model.key_env.clone(),
        PlannedModel::Simulated(_) => None,
    });
    let keys = variables.map(|variable| {
        let is_set = std::env::var_os(&variable).is_some_and(|key| !key.is_empty());
        PlannedKey { variable, is_set }
    });
    keys.collect::<BTreeSet<_>>().into_iter().collect()
}

/// How many names a line of the plan shows.
const SHOWN: usize = 12;

fn render(plan: &PlanOutput) -> String {
    let list = |names: Vec<String>| {
        let more = names.len().saturating_sub(SHOWN);
        let shown = names.iter().take(SHOWN).flat_map(|name| ["  ", name, "\n"]).collect::<String>();
        if more > 0 { format!("{shown}  … and {more} more\n") } else { shown }
    };
    let agents = plan
        .agents
        .iter()
        .map(|agent| format!("{} ({}, {})", agent.name, agent.recipe, agent.model))
        .collect();
    let mut rows = vec![
        ["experiment".to_owned(), plan.experiment.to_string()],
        ["sandbox".to_owned(), plan.sandbox.to_owned()],
        ["seed".to_owned(), plan.seed.to_string()],
        [
            "cells".to_owned(),
            format!(
                "{} = {} tasks × {} agents × {} conditions",
                plan.cells,
                plan.tasks.len(),
                plan.agents.len(),
                plan.conditions.len()
            ),
        ],
        ["trials".to_owned(), format!("{} = {} cells × {}", plan.trials, plan.cells, plan.trials_per_cell)],
        ["a trial may use".to_owned(), budget(plan.trial_budget, None)],
        ["the run may use".to_owned(), {
            let run = plan.run_budget;
            let usd_micros = run.usd.map(|usd| (usd * 1e6).round() as u64);
            budget(Budget { requests: run.requests, tokens: run.tokens, usd_micros }, run.wall_sec)
        }],
    ];
    if let Some(stop) = &plan.stop {
        let after_trials = 5;
        rows.insert(after_trials, ["stops early".to_owned(), super::stopping::rule(stop)]);
        rows.insert(after_trials + 1, ["looks".to_owned(), super::stopping::looks(stop)]);
        rows.extend(plan.stop_baseline.iter().flat_map(compared));
    }
    for key in &plan.keys {
        let standing = if key.is_set { "set" } else { "not set" };
        rows.push(["a key in".to_owned(), format!("{}, {standing}", key.variable)]);
    }
    format!(
        "{}\ntasks\n{}\nagents\n{}\nconditions\n{}",
        table::plain(&[], &rows),
        list(plan.tasks.iter().map(|task| task.name.to_string()).collect()),
        list(agents),
        list(plan.conditions.clone()),
    )
}

/// The counts that a rule compares with.
fn compared(baseline: &BaselineFacts) -> Vec<[String; 2]> {
    let row = |agent: &AgentRounds| {
        let RoundCounts { rounds, passed, excluded, .. } = agent.counts;
        let trials = agent.counts.trials();
        let without = if excluded > 0 { format!(", {excluded} without a verdict") } else { String::new() };
        let text = format!("{passed} of {trials} passed in {rounds} rounds of {}{without}", baseline.run);
        [format!("baseline of {}", agent.agent), text]
    };
    baseline.agents.iter().map(row).collect()
}

/// What may be used, in words.
fn budget(budget: Budget, wall_sec: Option<u64>) -> String {
    let parts = [
        budget.requests.map(|requests| format!("{requests} requests")),
        budget.tokens.map(|tokens| format!("{tokens} tokens")),
        budget.usd_micros.map(|micros| format!("{} dollars", micros as f64 / 1e6)),
        wall_sec.map(|seconds| format!("{seconds} seconds")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "no limit".to_owned() } else { parts.join(", ") }
}
