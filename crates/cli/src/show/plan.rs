//! The plan of an experiment, before anything runs.

use retrial_runner::Plan;
use retrial_spec::{Budget, RunBudget};
use serde::Serialize;

use crate::failure::Failure;
use crate::out;
use crate::show::table;

/// The plan as JSON; schema version 1.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    schema: u32,
    experiment: &'a str,
    seed: u64,
    sandbox: &'static str,
    tasks: Vec<PrintedTask<'a>>,
    agents: Vec<PrintedAgent<'a>>,
    conditions: Vec<&'a str>,
    trials_per_cell: u32,
    cells: usize,
    trials: usize,
    /// What a trial may use of its model.
    trial_budget: Budget,
    /// What the run may use in all.
    run_budget: RunBudget,
    order: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PrintedTask<'a> {
    name: &'a str,
    digest: &'a str,
}

#[derive(Debug, Serialize)]
struct PrintedAgent<'a> {
    name: &'a str,
    recipe: &'a str,
    model: &'a str,
}

/// Prints the plan with its cell counts.
pub(crate) fn print(plan: &Plan, json: bool) -> Result<(), Failure> {
    let order = plan.order();
    let experiment = &plan.experiment;
    let cells = plan.tasks.len() * plan.agents.len() * experiment.conditions.len();
    let printed = Printed {
        schema: 1,
        experiment: experiment.name.as_str(),
        seed: experiment.seed,
        sandbox: experiment.sandbox.as_str(),
        tasks: plan
            .tasks
            .iter()
            .map(|task| PrintedTask { name: task.name.as_str(), digest: task.digest.as_str() })
            .collect(),
        agents: plan
            .agents
            .iter()
            .map(|agent| PrintedAgent {
                name: agent.name.as_str(),
                recipe: agent.recipe.name(),
                model: &agent.model_name,
            })
            .collect(),
        conditions: experiment.conditions.iter().map(|condition| condition.name.as_str()).collect(),
        trials_per_cell: experiment.trials,
        cells,
        trials: order.len(),
        trial_budget: plan.trial_budget(),
        run_budget: experiment.budget,
        order: order.iter().map(ToString::to_string).collect(),
    };
    if json { Ok(out::json(&printed)?) } else { Ok(out::data(&printed.render())?) }
}

/// How many names a line of the plan shows.
const SHOWN: usize = 12;

impl Printed<'_> {
    fn render(&self) -> String {
        let list = |names: Vec<String>| {
            let more = names.len().saturating_sub(SHOWN);
            let shown = names.iter().take(SHOWN).flat_map(|name| ["  ", name, "\n"]).collect::<String>();
            if more > 0 { format!("{shown}  … and {more} more\n") } else { shown }
        };
        let agents = self
            .agents
            .iter()
            .map(|agent| format!("{} ({}, {})", agent.name, agent.recipe, agent.model))
            .collect();
        let rows = [
            ["experiment".to_owned(), self.experiment.to_owned()],
            ["sandbox".to_owned(), self.sandbox.to_owned()],
            ["seed".to_owned(), self.seed.to_string()],
            [
                "cells".to_owned(),
                format!(
                    "{} = {} tasks × {} agents × {} conditions",
                    self.cells,
                    self.tasks.len(),
                    self.agents.len(),
                    self.conditions.len()
                ),
            ],
            [
                "trials".to_owned(),
                format!("{} = {} cells × {}", self.trials, self.cells, self.trials_per_cell),
            ],
            ["a trial may use".to_owned(), budget(self.trial_budget, None)],
            ["the run may use".to_owned(), {
                let run = self.run_budget;
                let usd_micros = run.usd.map(|usd| (usd * 1e6).round() as u64);
                budget(Budget { requests: run.requests, tokens: run.tokens, usd_micros }, run.wall_sec)
            }],
        ];
        format!(
            "{}\ntasks\n{}\nagents\n{}\nconditions\n{}",
            table::plain(&[], &rows),
            list(self.tasks.iter().map(|task| task.name.to_owned()).collect()),
            list(agents),
            list(self.conditions.iter().map(|name| (*name).to_owned()).collect()),
        )
    }
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
