//! What pictures show of an agent's trials beside the measures of its scorecard: outcomes one by one, curves, and trees.

mod band;
mod outcomes;
mod roc;
mod spread;
mod tree;

use std::collections::HashMap;

use retrial_spec::{Action, AgentFacts, AgentName, ConditionName, RunManifest, TaskName, TrialRecord};
use schemars::JsonSchema;
use serde::Serialize;

use crate::forks::BranchAction;
use crate::outcome::outcome;
use crate::trials::{ROOM, TaskTrials, Trial, Vocabulary};
use crate::value::{Evidence, Finite, Known, Number};
use crate::{Resource, Settings, Unit, confidence, plan};

/// What pictures show of one agent under one condition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Curves {
    /// The agent.
    pub agent: AgentName,
    /// The condition.
    pub condition: ConditionName,
    /// What became of each trial, by task, in the order of the tasks' names.
    pub outcomes: Vec<OutcomeRow>,
    /// How well stated confidences tell successes from failures, by threshold, from the highest confidence to the lowest: every one of
    /// them, or where there are more than [`STEPS`] so many of them, evenly, the first and the last included. The curve begins at no
    /// trials, which no threshold stands for; the area under all of it is the measure `auroc`.
    pub roc: Known<Vec<RocPoint>>,
    /// Where the reliability diagram of perfectly calibrated confidences would lie.
    pub consistency_band: Known<ConsistencyBand>,
    /// How the amounts of each resource are spread, in the order of [`Resource`].
    pub spread: Vec<SpreadCurve>,
    /// How the trials of a task part: of the tasks whose outcome changes from trial to trial, at most [`TREES`] of them, those first
    /// that are nearest to half passed.
    pub trees: Vec<TaskTree>,
}

/// Most trees of an agent under a condition.
pub const TREES: usize = 12;

/// What became of the trials of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutcomeRow {
    /// The task.
    pub task: TaskName,
    /// A letter for each planned trial, by number: `P` passed, `F` failed, `I` failed though its agent claimed that it is done, `x`
    /// does not count, `-` no record.
    pub trials: String,
}

/// The trials whose confidence is at least as high as a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct RocPoint {
    /// The threshold, one of the stated confidences.
    pub confidence: Finite,
    /// The share of failed trials that are among them.
    pub failures: Finite,
    /// The share of passed trials that are among them.
    pub successes: Finite,
}

/// Where the isotonic fit lies if outcomes follow the stated confidences, by simulation of independent trials.
///
/// Every simulation keeps the stated confidences and draws the outcomes. Source: Dimitriadis, Gneiting and Jordan 2021, PNAS 118
/// (consistency bands).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ConsistencyBand {
    /// The share of simulations whose fit lies within, at each point by itself.
    pub level: Finite,
    /// Simulations.
    pub simulations: u64,
    /// Their seed.
    pub seed: u64,
    /// The band, by ascending confidence: at every stated one, or where there are more than [`STEPS`] at so many of them, evenly, the
    /// first and the last included.
    pub points: Vec<BandPoint>,
}

/// The band at one stated confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BandPoint {
    /// The confidence.
    pub confidence: Finite,
    /// The lower end.
    pub low: Finite,
    /// The upper end.
    pub high: Finite,
}

/// How the amounts of one resource are spread over trials.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SpreadCurve {
    /// The resource.
    pub resource: Resource,
    /// The unit of amounts.
    pub unit: Unit,
    /// The distribution.
    pub distribution: Known<Distribution>,
}

/// A distribution of amounts over trials.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Distribution {
    /// Trials with a known amount, and their tasks.
    pub n: Evidence,
    /// The empirical distribution function: ascending amounts with the share of trials of at most so much; every step of it, or where
    /// there are more than [`STEPS`] at most so many of them, evenly by share, the first and the last included.
    pub steps: Vec<SpreadStep>,
    /// The median.
    pub p50: Finite,
    /// The 95 % quantile; undefined where the measure of it is, since of few trials it is little but the largest amount.
    pub p95: Number,
}

/// Most points of a curve.
pub const STEPS: usize = 200;

/// A step of a distribution function.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct SpreadStep {
    /// The amount.
    pub amount: Finite,
    /// The share of trials of at most this amount.
    pub share: Finite,
}

/// The trajectories of a task's graded trials as a tree: trials share a node while they do the same, by fine names.
///
/// A trial without actions is among the trials and in no node.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskTree {
    /// The task.
    pub task: TaskName,
    /// Graded trials in which the agent ran, so that their actions are its own.
    pub trials: u64,
    /// Those that passed.
    pub passed: u64,
    /// The nodes, place by place; each stands behind its parent, and siblings stand together, those with the most trials first, then by
    /// action. A node of a single trial has no children, though its trial may have gone on.
    pub nodes: Vec<TreeNode>,
    /// Whether the last nodes in this order, which are the deepest, were left out, since there would be more than [`NODES`].
    pub is_cut: bool,
}

/// Most nodes of a tree.
pub const NODES: usize = 150;

/// An action that some trials took after having done the same.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TreeNode {
    /// The place of its parent in the list; none for a first action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The action.
    pub action: BranchAction,
    /// Trials that took it.
    pub trials: u64,
    /// Those of them that passed.
    pub passed: u64,
    /// Those of them that ended with it.
    pub ended: u64,
}

/// What pictures show, in the making.
///
/// Memory grows with trials and their actions, not with the records' other content.
#[derive(Debug)]
pub struct CurveTally<'a> {
    manifest: &'a RunManifest,
    settings: &'a Settings,
    /// In the order of their names.
    tasks: Vec<&'a TaskName>,
    /// One for each agent and condition, in the experiment's order.
    cells: Vec<Cell<'a>>,
    places: HashMap<(&'a AgentName, &'a ConditionName), usize>,
    vocabulary: Vocabulary,
}

/// The trials of one agent under one condition.
#[derive(Debug)]
struct Cell<'a> {
    agent: &'a AgentName,
    condition: &'a ConditionName,
    /// By task, in the order of their names.
    trials: Vec<Vec<Trial>>,
}

impl<'a> CurveTally<'a> {
    /// Prepares the tally of the run that the manifest plans.
    pub fn new(manifest: &'a RunManifest, settings: &'a Settings) -> Self {
        let mut tasks: Vec<&TaskName> = manifest.tasks.iter().map(|task| &task.name).collect();
        tasks.sort_unstable();
        let conditions = manifest.conditions();
        let trials = vec![Vec::new(); tasks.len()];
        let of_agent = |agent: &'a AgentFacts| {
            let cell = |agent, condition| Cell { agent, condition, trials: trials.clone() };
            conditions.iter().map(move |condition| cell(&agent.name, &condition.name)).collect::<Vec<_>>()
        };
        let cells: Vec<Cell<'a>> = manifest.agents.iter().flat_map(of_agent).collect();
        let places = cells.iter().enumerate().map(|(place, cell)| ((cell.agent, cell.condition), place));
        let places = places.collect();
        Self { manifest, settings, tasks, cells, places, vocabulary: Vocabulary::default() }
    }

    /// Adds a record that scoring has accepted; one that it would refuse by itself is left out.
    pub fn add(&mut self, record: &TrialRecord) {
        let id = &record.trial;
        let planned = self.manifest.planned_for(&id.task, &id.agent, &id.condition);
        if plan::check(record).is_err() || !(1..=planned).contains(&id.number) {
            return;
        }
        let cell = self.places.get(&(&id.agent, &id.condition));
        if let (Some(&cell), Ok(task)) = (cell, self.tasks.binary_search(&&id.task)) {
            let outcome = outcome(&record.ending, &record.verdict, self.settings);
            let mut trial = Trial::new(record, outcome, &self.vocabulary);
            // No picture shows what trials leave behind.
            trial.state = None;
            let trials = &mut self.cells[cell].trials[task];
            if trials.is_empty() {
                trials.reserve_exact(planned.min(ROOM) as usize);
            }
            trials.push(trial);
        }
    }

    /// Makes the curves, in the experiment's order.
    pub fn finish(self) -> Vec<Curves> {
        let Self { manifest, settings, tasks, cells, vocabulary, .. } = self;
        let (actions, places) = vocabulary.into_order();
        let made = |mut cell: Cell<'_>| {
            // Nothing depends on the order in which records came.
            for trials in &mut cell.trials {
                trials.sort_unstable_by_key(|trial| trial.number);
            }
            let named = tasks.iter().zip(&cell.trials);
            let tasks: Vec<TaskTrials<'_>> =
                named.map(|(task, trials)| TaskTrials { task, trials }).collect();
            let forecasts = confidence::forecasts(&tasks).map(|tasks| tasks.concat());
            let of_forecasts = || forecasts.as_deref().map_err(Clone::clone);
            Curves {
                agent: cell.agent.clone(),
                condition: cell.condition.clone(),
                outcomes: outcomes::rows(&tasks, manifest.trials()),
                roc: of_forecasts().and_then(roc::roc).into(),
                consistency_band: of_forecasts().and_then(|stated| band::band(stated, settings)).into(),
                spread: spread::spread(&tasks, manifest.is_replayed()),
                trees: tree::trees(&tasks, &ActionNames { actions: &actions, places: &places }),
            }
        };
        cells.into_iter().map(made).collect()
    }
}

/// The names of action codes.
struct ActionNames<'a> {
    /// The actions in their own order.
    actions: &'a [Action],
    /// The place in it of each code.
    places: &'a [u32],
}

/// Returns at most [`STEPS`] of so many places, evenly, the first and the last included.
fn evenly(places: usize) -> impl Iterator<Item = usize> {
    let shown = places.min(STEPS);
    (0..shown).map(move |place| place * (places - 1) / (shown - 1).max(1))
}
