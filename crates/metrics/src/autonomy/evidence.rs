//! What is known of each task: the small input that everything about autonomy follows from.

use std::collections::BTreeMap;

use retrial_spec::{
    AgentName, ConditionKind, ConditionName, RetrialFacts, RunManifest, TaskName, TrialRecord,
};

use crate::Settings;
use crate::outcome::{Outcome, outcome};

/// What is known of one task: how its trials went, and what the task states of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskEvidence {
    /// The task.
    pub task: TaskName,
    /// Category, stakes, verifiability and minutes, where the task states them.
    pub facts: Option<RetrialFacts>,
    /// Trials that the run plans; those of them that did not finish are missing.
    pub planned: u64,
    /// Trials that count as passed.
    pub passed: u64,
    /// Trials that count as failed.
    pub failed: u64,
    /// Of the failed trials, those whose agent did not say so: it claimed that the task is done, or no claim is known. At most `failed`.
    pub invisible: u64,
    /// Finished trials that count as neither.
    pub excluded: u64,
}

impl TaskEvidence {
    /// Returns what is known of a task without trials, of which none are planned.
    pub fn new(task: TaskName, facts: Option<RetrialFacts>) -> Self {
        Self { task, facts, planned: 0, passed: 0, failed: 0, invisible: 0, excluded: 0 }
    }

    /// Returns how many trials count.
    pub fn graded(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }

    /// Returns how many planned trials did not finish.
    pub fn missing(&self) -> u64 {
        self.planned.saturating_sub(self.graded().saturating_add(self.excluded))
    }

    /// Returns how many trials say nothing: those that count as neither, and those that are missing.
    fn silent(&self) -> u64 {
        self.excluded.saturating_add(self.missing())
    }

    /// Returns the same with every trial that says nothing taken for a failure that nobody was told of.
    pub(super) fn at_worst(&self) -> Self {
        let more = |count: u64| count.saturating_add(self.silent());
        Self { failed: more(self.failed), invisible: more(self.invisible), excluded: 0, ..self.clone() }
    }

    /// Returns the same with every trial that says nothing taken for a success.
    pub(super) fn at_best(&self) -> Self {
        Self { passed: self.passed.saturating_add(self.silent()), excluded: 0, ..self.clone() }
    }

    /// Returns so many times as many finished trials that went as these did.
    pub(super) fn times(&self, times: u64) -> Self {
        let more = |count: u64| count.saturating_mul(times);
        Self {
            planned: more(self.graded().saturating_add(self.excluded)),
            passed: more(self.passed),
            failed: more(self.failed),
            invisible: more(self.invisible),
            excluded: more(self.excluded),
            ..self.clone()
        }
    }
}

/// The tasks of one agent under one condition.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEvidence {
    /// The agent.
    pub agent: AgentName,
    /// The condition; levels speak of the baseline alone.
    pub condition: ConditionName,
    /// Whether a stopping rule could end the run by what its trials showed. Then no bounds are defined.
    pub may_stop: bool,
    /// The tasks that were planned for the agent, by name.
    pub tasks: Vec<TaskEvidence>,
}

/// The evidence of a run's baseline in the making.
#[derive(Debug)]
pub struct EvidenceTally<'a> {
    settings: &'a Settings,
    condition: Option<&'a ConditionName>,
    may_stop: bool,
    agents: Vec<(&'a AgentName, BTreeMap<&'a TaskName, TaskEvidence>)>,
}

impl<'a> EvidenceTally<'a> {
    /// Prepares the tally of the run that the manifest plans; the settings say what counts as passed and failed.
    pub fn new(manifest: &'a RunManifest, settings: &'a Settings) -> Self {
        let is_baseline = |kind: ConditionKind| kind == ConditionKind::Baseline;
        let condition = manifest.conditions().iter().find(|condition| is_baseline(condition.kind));
        let condition = condition.map(|condition| &condition.name);
        let of = |agent: &'a AgentName| {
            let planned = |task: &TaskName| {
                condition.map_or(0, |condition| u64::from(manifest.planned_for(task, agent, condition)))
            };
            let tasks = manifest.tasks.iter().map(|task| (task, planned(&task.name)));
            let tasks = tasks.filter(|&(_, planned)| planned > 0).map(|(task, planned)| {
                let empty = TaskEvidence::new(task.name.clone(), task.facts.clone());
                (&task.name, TaskEvidence { planned, ..empty })
            });
            tasks.collect()
        };
        let agents = manifest.agents.iter().map(|agent| (&agent.name, of(&agent.name))).collect();
        Self { settings, condition, may_stop: manifest.may_stop(), agents }
    }

    /// Adds a record that scoring has accepted; those of other conditions are left out.
    pub fn add(&mut self, record: &TrialRecord) {
        if self.condition != Some(&record.trial.condition) {
            return;
        }
        let agent = self.agents.iter_mut().find(|agent| *agent.0 == record.trial.agent);
        let Some(task) = agent.and_then(|agent| agent.1.get_mut(&record.trial.task)) else { return };
        match outcome(&record.ending, &record.verdict, self.settings) {
            Outcome::Passed => task.passed += 1,
            Outcome::Excluded => task.excluded += 1,
            Outcome::Failed => {
                task.failed += 1;
                let is_told = record.claim.copied().is_some_and(|claim| claim != retrial_spec::Claim::Done);
                task.invisible += u64::from(!is_told);
            }
        }
    }

    /// Returns the evidence, in the experiment's order; nothing where the run has no baseline.
    pub fn finish(self) -> Vec<AgentEvidence> {
        let Some(condition) = self.condition else { return Vec::new() };
        let agents = self.agents.into_iter().map(|(agent, tasks)| AgentEvidence {
            agent: agent.clone(),
            condition: condition.clone(),
            may_stop: self.may_stop,
            tasks: tasks.into_values().collect(),
        });
        agents.collect()
    }
}
