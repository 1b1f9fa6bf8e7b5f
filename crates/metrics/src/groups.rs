//! Groups of tasks: the same measures for the tasks of one category, or for each task alone.

use std::collections::BTreeMap;

use retrial_spec::{AgentName, ConditionName, TaskFacts, TaskName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::estimators::Context;
use crate::profile::{Profile, TaskProfile};
use crate::{Measure, MeasureId, success};

/// What tasks are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupBy {
    /// Not at all.
    Nothing,
    /// The category that tasks state; without groups where no task states one.
    Category,
    /// Each task is a group of its own.
    Task,
}

/// The reliability profile of one agent under one condition on some of the tasks.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupCard {
    /// The agent.
    pub agent: AgentName,
    /// The condition.
    pub condition: ConditionName,
    /// The category or the task; none for the tasks that state no category.
    pub group: Option<String>,
    /// The tasks, by name.
    pub tasks: Vec<TaskName>,
    /// Trials that count.
    pub graded: u64,
    /// Trials that count as passed.
    pub passed: u64,
    /// The same measures as in the scorecard, computed from the trials of these tasks alone.
    pub measures: Vec<Measure>,
}

impl GroupCard {
    /// Iterates over all values of a measure: several for measures with a `k` or a granularity.
    pub fn all(&self, id: MeasureId) -> impl Iterator<Item = &Measure> {
        self.measures.iter().filter(move |measure| measure.id == id)
    }

    /// Returns the measure's value that belongs into a short table: the first headline one.
    pub fn headline(&self, id: MeasureId) -> Option<&Measure> {
        self.all(id).find(|measure| measure.headline)
    }
}

/// A division of tasks: the places of each group's tasks, groups by name, and last the tasks that belong to none.
pub(crate) struct Groups(Vec<(Option<String>, Vec<usize>)>);

impl Groups {
    /// Divides the tasks, whose order is that of the places.
    pub(crate) fn new(by: GroupBy, tasks: &[&TaskName], facts: &[TaskFacts]) -> Self {
        let category: BTreeMap<&TaskName, &str> = facts
            .iter()
            .filter_map(|task| Some((&task.name, task.facts.as_ref()?.category.as_str())))
            .collect();
        if by == GroupBy::Nothing || (by == GroupBy::Category && category.is_empty()) {
            return Self(Vec::new());
        }
        let mut groups: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for (place, task) in tasks.iter().enumerate() {
            let name = if by == GroupBy::Task { Some(task.as_str()) } else { category.get(task).copied() };
            groups.entry(name).or_default().push(place);
        }
        let nameless = groups.remove(&None);
        let named = groups.into_iter().map(|(name, places)| (name.map(str::to_owned), places));
        Self(named.chain(nameless.map(|places| (None, places))).collect())
    }

    /// Makes the cards of one agent under one condition.
    pub(crate) fn cards(
        &self,
        (agent, condition): (&AgentName, &ConditionName),
        profiles: &[TaskProfile<'_>],
        context: &Context<'_>,
    ) -> impl Iterator<Item = GroupCard> {
        self.0.iter().map(move |(name, places)| {
            let chosen: Vec<&TaskProfile<'_>> =
                places.iter().filter_map(|&place| profiles.get(place)).collect();
            let counts = chosen.iter().map(|profile| success::task_counts(&profile.trials));
            let (graded, passed) = counts
                .fold((0, 0), |(graded, passed), task| (graded + task.total(), passed + task.successes()));
            GroupCard {
                agent: agent.clone(),
                condition: condition.clone(),
                group: name.clone(),
                tasks: chosen.iter().map(|profile| profile.trials.task.clone()).collect(),
                graded,
                passed,
                measures: Profile::of(&chosen, context).measures,
            }
        })
    }
}
