//! What changed from run to run: cells that got another level, and the bound that made it so.

use retrial_spec::{AgentName, AutonomyLevel, RunId, Stakes, Verifiability};
use schemars::JsonSchema;
use serde::Serialize;

use super::bounds::BoundOf;
use super::decide::Obstacle;
use super::report::{CellAutonomy, RunAutonomy};
use crate::value::Number;

/// A cell of an agent that has another level than in the run before.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LevelChange {
    /// The agent.
    pub agent: AgentName,
    /// The category.
    pub category: String,
    /// The cell's stakes.
    pub stakes: Stakes,
    /// The cell's verifiability.
    pub verifiability: Verifiability,
    /// The run before.
    pub from_run: RunId,
    /// The level that it had there.
    pub from: AutonomyLevel,
    /// The run.
    pub to_run: RunId,
    /// The level that it has now.
    pub to: AutonomyLevel,
    /// The need that decides: of a fall one that is no longer met, of a rise one that was not met before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Obstacle>,
    /// The bound of the same in the run before.
    pub before: Number,
    /// The bound of the same now.
    pub now: Number,
    /// Whether the cell has other tasks than before, so that work and agent changed together.
    pub other_tasks: bool,
}

/// Compares each run of an agent with the agent's run before, the runs being in the order of their time.
pub fn changes(runs: &[RunAutonomy]) -> Vec<LevelChange> {
    let mut found = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        for agent in &run.agents {
            let earlier = runs[..place].iter().rev().find_map(|earlier| {
                let same = earlier.agents.iter().find(|one| one.agent == agent.agent)?;
                Some((earlier, same))
            });
            let Some((earlier, before)) = earlier else { continue };
            for cell in &agent.cells {
                let is_same = |one: &&CellAutonomy| {
                    (&one.category, one.stakes, one.verifiability)
                        == (&cell.category, cell.stakes, cell.verifiability)
                };
                let Some(old) = before.cells.iter().find(is_same) else { continue };
                if old.standing.level != cell.standing.level {
                    found.push(change(&agent.agent, (earlier, old), (run, cell)));
                }
            }
        }
    }
    found
}

fn change(
    agent: &AgentName,
    (earlier, old): (&RunAutonomy, &CellAutonomy),
    (run, cell): (&RunAutonomy, &CellAutonomy),
) -> LevelChange {
    let has_fallen = cell.standing.level < old.standing.level;
    let because = if has_fallen { &cell.standing } else { &old.standing }.decided_by.first().cloned();
    let of = because.as_ref().map_or(BoundOf::Success, |because| because.of);
    LevelChange {
        agent: agent.clone(),
        category: cell.category.clone(),
        stakes: cell.stakes,
        verifiability: cell.verifiability,
        from_run: earlier.run.clone(),
        from: old.standing.level,
        to_run: run.run.clone(),
        to: cell.standing.level,
        before: old.standing.measured.of(of).bound.clone(),
        now: cell.standing.measured.of(of).bound.clone(),
        because,
        other_tasks: old.tasks != cell.tasks,
    }
}
