//! The autonomy report as a document: cells, categories and shares of work of each agent, run by run.

use std::collections::BTreeMap;

use retrial_spec::{
    AgentName, AutonomyLevel, AutonomyPolicy, ConditionName, RetrialFacts, RunId, RunManifest, SchemaFile,
    Stakes, TaskName, Verifiability,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::decide::{Case, Ruling, Standing, decide};
use super::evidence::{AgentEvidence, TaskEvidence};
use super::model::Speaking;
use super::track::{LevelChange, changes};
use crate::value::{Evidence, Number, Reason};
use crate::{Settings, Target, TimeoutPolicy, UngradedPolicy};

/// The number of the schema of [`AutonomyReport`].
pub const AUTONOMY_SCHEMA: u32 = 1;

/// What `retrial autonomy --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AutonomyReport {
    /// The number of this schema.
    pub schema: u32,
    /// The policy.
    pub policy: AutonomyPolicy,
    /// The choices that the numbers depend on.
    pub settings: AutonomySettings,
    /// The runs, the oldest first.
    pub runs: Vec<RunAutonomy>,
    /// What changed from one run of an agent to its next.
    pub changes: Vec<LevelChange>,
}

/// The choices that the numbers depend on, besides the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AutonomySettings {
    /// What the bounds speak of.
    pub target: Target,
    /// What a trial that ran out of time counts as.
    pub timeout: TimeoutPolicy,
    /// What a trial without a verdict counts as.
    pub ungraded: UngradedPolicy,
}

impl From<&Settings> for AutonomySettings {
    fn from(settings: &Settings) -> Self {
        Self { target: settings.target, timeout: settings.timeout, ungraded: settings.ungraded }
    }
}

/// The levels of the agents of one run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunAutonomy {
    /// The run.
    pub run: RunId,
    /// When it was created.
    #[schemars(with = "String")]
    pub created_at: jiff::Timestamp,
    /// The experiment's name.
    pub experiment: RunId,
    /// Seeds what is drawn for this run.
    pub seed: u64,
    /// The agents, in the experiment's order.
    pub agents: Vec<AgentAutonomy>,
}

/// The levels of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentAutonomy {
    /// The agent.
    pub agent: AgentName,
    /// The condition that the levels speak of.
    pub condition: ConditionName,
    /// Whether a stopping rule could end the run by what its trials showed, so that no bounds are defined.
    pub may_stop: bool,
    /// How many cells share the error probability, because bounds are defined for them.
    pub claims: u64,
    /// The categories, by name.
    pub categories: Vec<CategoryAutonomy>,
    /// The cells, by category, stakes and verifiability.
    pub cells: Vec<CellAutonomy>,
    /// Tasks that state no category, stakes and so on: supervised, and of no known amount of work.
    pub unstated: Vec<TaskName>,
    /// How much of the stated work has each level, the highest level first.
    pub work: Vec<WorkShare>,
}

/// A category, decided by its lowest cell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CategoryAutonomy {
    /// The category.
    pub category: String,
    /// The lowest level of its cells.
    pub level: AutonomyLevel,
    /// The places of its cells in the agent's list.
    pub cells: Vec<usize>,
    /// The place of the cell that decides.
    pub decided_by: usize,
}

/// Tasks of one category, of the same stakes and verifiability.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellAutonomy {
    /// The category.
    pub category: String,
    /// What a wrong result would cost.
    pub stakes: Stakes,
    /// How far a result can be checked by machine.
    pub verifiability: Verifiability,
    /// The tasks, by name.
    pub tasks: Vec<TaskName>,
    /// Minutes that a practised engineer needs for all of them.
    pub minutes: f64,
    /// Tasks with graded trials, and these trials.
    pub n: Evidence,
    /// Trials that passed.
    pub passed: u64,
    /// Trials that failed without their agent saying so.
    pub invisible: u64,
    /// Finished trials that count as neither passed nor failed.
    pub excluded: u64,
    /// Planned trials that did not finish.
    pub missing: u64,
    /// Where it stands.
    pub standing: Standing,
}

/// How much of the stated work has a level.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WorkShare {
    /// The level.
    pub level: AutonomyLevel,
    /// Tasks that have it.
    pub tasks: u64,
    /// Their expected minutes.
    pub minutes: f64,
    /// Their share of all tasks that state what they are.
    pub of_tasks: Number,
    /// Their share of those tasks' minutes.
    pub of_minutes: Number,
}

/// What became of a share of work that was required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// So much has the level.
    Met,
    /// It is shown that too little can have it.
    Missed,
    /// It may be so much, which is not shown.
    Open,
}

impl AgentAutonomy {
    /// Returns the share of stated work, in minutes, that has at least the level.
    pub fn share(&self, level: AutonomyLevel) -> Number {
        self.minutes_share(|cell| cell.standing.level >= level)
    }

    /// Returns how many trials count.
    pub fn graded(&self) -> u64 {
        self.cells.iter().map(|cell| cell.n.trials).sum()
    }

    /// Decides whether at least a share of the stated work, in minutes, can be delegated.
    ///
    /// | first that holds | answer |
    /// |---|---|
    /// | the share that is delegated reaches it, and every task states what it is | met |
    /// | every task states what it is, and it would not be reached if all work were delegated of which no need is shown to be missed | missed |
    /// | otherwise | open |
    pub fn requires(&self, share: f64) -> Required {
        const SLACK: f64 = 1e-12;
        let delegated = self.share(AutonomyLevel::Delegate);
        let possible = self.minutes_share(|cell| {
            cell.standing.level == AutonomyLevel::Delegate || cell.standing.may_be_delegated
        });
        match (delegated.value(), possible.value()) {
            _ if !self.unstated.is_empty() => Required::Open,
            (Some(delegated), _) if delegated + SLACK >= share => Required::Met,
            (_, Some(possible)) if possible + SLACK < share => Required::Missed,
            // Also where no work is stated at all.
            _ => Required::Open,
        }
    }

    fn minutes_share(&self, has: impl Fn(&CellAutonomy) -> bool) -> Number {
        let all: f64 = self.cells.iter().map(|cell| cell.minutes).sum();
        let some: f64 = self.cells.iter().filter(|cell| has(cell)).map(|cell| cell.minutes).sum();
        share_of(some, all)
    }
}

fn share_of(part: f64, all: f64) -> Number {
    const NOTHING: Reason = Reason::fixed("not_stated", "no task states what it is");
    Number::of(if all > 0.0 { Ok(part / all) } else { Err(NOTHING) })
}

impl RunAutonomy {
    /// Decides the levels of a run's agents.
    pub fn new(
        manifest: &RunManifest,
        agents: &[AgentEvidence],
        policy: &AutonomyPolicy,
        settings: &Settings,
    ) -> Self {
        Self {
            run: manifest.run.clone(),
            created_at: manifest.created_at,
            experiment: manifest.name().clone(),
            seed: settings.seed,
            agents: agents.iter().map(|agent| autonomy(agent, policy, settings)).collect(),
        }
    }
}

impl AutonomyReport {
    /// Puts runs into the order of their time, and says what changed.
    pub fn new(policy: AutonomyPolicy, settings: &Settings, mut runs: Vec<RunAutonomy>) -> Self {
        runs.sort_by(|a, b| (a.created_at, &a.run).cmp(&(b.created_at, &b.run)));
        let changes = changes(&runs);
        Self { schema: AUTONOMY_SCHEMA, policy, settings: settings.into(), runs, changes }
    }
}

/// What makes tasks a cell: category, stakes and verifiability.
type Kind<'a> = (&'a str, Stakes, Verifiability);

/// Decides what work one agent may be left alone with.
///
/// Tasks of the same category, stakes and verifiability are a cell, and every cell gets a level; see `docs/autonomy.md`. Of the settings
/// only target and seed matter here.
pub fn autonomy(agent: &AgentEvidence, policy: &AutonomyPolicy, settings: &Settings) -> AgentAutonomy {
    let mut divided: BTreeMap<Kind<'_>, Vec<(&TaskEvidence, &RetrialFacts)>> = BTreeMap::new();
    let mut unstated = Vec::new();
    for task in &agent.tasks {
        match &task.facts {
            Some(facts) => divided
                .entry((&facts.category, facts.stakes, facts.verifiability))
                .or_default()
                .push((task, facts)),
            None => unstated.push(task.task.clone()),
        }
    }
    let ruling = Ruling {
        confidence: policy.confidence,
        repeats: policy.repeats,
        speaking: Speaking { target: settings.target, seed: settings.seed },
        may_stop: agent.may_stop,
    };
    let cases: Vec<Case<'_>> = divided
        .iter()
        .map(|(&(_, stakes, verifiability), tasks)| {
            let tasks = tasks.iter().map(|(task, _)| (*task).clone()).collect();
            Case::new(policy.rule(stakes, verifiability), tasks, ruling)
        })
        .collect();
    let standings = decide(&cases, ruling);
    let claims = cases.iter().filter(|case| case.can_claim()).count() as u64;
    let cells: Vec<CellAutonomy> = divided
        .into_iter()
        .zip(standings)
        .map(|((key, tasks), standing)| cell(key, &tasks, standing))
        .collect();
    AgentAutonomy {
        agent: agent.agent.clone(),
        condition: agent.condition.clone(),
        may_stop: agent.may_stop,
        claims,
        categories: categories(&cells),
        work: work(&cells),
        cells,
        unstated,
    }
}

fn cell(
    (category, stakes, verifiability): Kind<'_>,
    tasks: &[(&TaskEvidence, &RetrialFacts)],
    standing: Standing,
) -> CellAutonomy {
    let sum = |of: fn(&TaskEvidence) -> u64| tasks.iter().map(|(task, _)| of(task)).sum();
    CellAutonomy {
        category: category.to_owned(),
        stakes,
        verifiability,
        tasks: tasks.iter().map(|(task, _)| task.task.clone()).collect(),
        minutes: tasks.iter().map(|(_, facts)| facts.expected_minutes).sum(),
        n: Evidence {
            trials: sum(TaskEvidence::graded),
            tasks: tasks.iter().filter(|(task, _)| task.graded() > 0).count() as u64,
        },
        passed: sum(|task| task.passed),
        invisible: sum(|task| task.invisible),
        excluded: sum(|task| task.excluded),
        missing: sum(TaskEvidence::missing),
        standing,
    }
}

fn categories(cells: &[CellAutonomy]) -> Vec<CategoryAutonomy> {
    let mut found: Vec<CategoryAutonomy> = Vec::new();
    for (place, cell) in cells.iter().enumerate() {
        let level = cell.standing.level;
        match found.last_mut().filter(|last| last.category == cell.category) {
            Some(last) => {
                last.cells.push(place);
                if level < last.level {
                    (last.level, last.decided_by) = (level, place);
                }
            }
            None => found.push(CategoryAutonomy {
                category: cell.category.clone(),
                level,
                cells: vec![place],
                decided_by: place,
            }),
        }
    }
    found
}

fn work(cells: &[CellAutonomy]) -> Vec<WorkShare> {
    let (all_tasks, all_minutes) = amount(cells.iter());
    let shares = AutonomyLevel::ALL.into_iter().rev().map(|level| {
        let (tasks, minutes) = amount(cells.iter().filter(|cell| cell.standing.level == level));
        WorkShare {
            level,
            tasks,
            minutes,
            of_tasks: share_of(tasks as f64, all_tasks as f64),
            of_minutes: share_of(minutes, all_minutes),
        }
    });
    shares.collect()
}

fn amount<'a>(cells: impl Iterator<Item = &'a CellAutonomy>) -> (u64, f64) {
    cells.fold((0, 0.0), |(tasks, minutes), cell| (tasks + cell.tasks.len() as u64, minutes + cell.minutes))
}

/// Returns the JSON Schema of [`AutonomyReport`] as it is checked in.
pub fn autonomy_schema() -> SchemaFile {
    let schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<AutonomyReport>();
    SchemaFile { name: "autonomy.schema.json", schema: schema.to_value() }
}
