//! What a run plans, and where in it a record belongs.

use std::collections::HashMap;
use std::hash::Hash;

use retrial_spec::{
    AgentName, ConditionName, Ending, Fact, RunManifest, TaskName, TrialId, TrialRecord, Verdict,
};

use crate::books::BookEntry;
use crate::outcome::outcome;
use crate::trials::{Trial, Vocabulary};
use crate::{MetricsError, Settings};

/// The grid of a run's manifest, and the policies its records are read by.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) manifest: &'a RunManifest,
    pub(crate) settings: &'a Settings,
    agents: Names<'a, AgentName>,
    conditions: Names<'a, ConditionName>,
    tasks: Names<'a, TaskName>,
}

/// What scoring takes from one record.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The position of its agent and condition.
    pub(crate) group: usize,
    /// The position of its task.
    pub(crate) task: usize,
    pub(crate) book: BookEntry,
    pub(crate) trial: Trial,
}

impl<'a> Plan<'a> {
    /// # Errors
    /// [`MetricsError::NamedTwice`].
    pub(crate) fn new(manifest: &'a RunManifest, settings: &'a Settings) -> Result<Self, MetricsError> {
        let agents = Names::new("agent", manifest.agents.iter().map(|agent| &agent.name).collect())?;
        let conditions = manifest.conditions().iter().map(|condition| &condition.name).collect();
        let conditions = Names::new("condition", conditions)?;
        let mut tasks: Vec<&TaskName> = manifest.tasks.iter().map(|task| &task.name).collect();
        tasks.sort_unstable();
        let tasks = Names::new("task", tasks)?;
        Ok(Self { manifest, settings, agents, conditions, tasks })
    }

    pub(crate) fn agents(&self) -> &[&'a AgentName] {
        &self.agents.order
    }

    pub(crate) fn conditions(&self) -> &[&'a ConditionName] {
        &self.conditions.order
    }

    /// The tasks in the order of their names.
    pub(crate) fn tasks(&self) -> &[&'a TaskName] {
        &self.tasks.order
    }

    /// The agent and the condition at each position of groups.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&'a AgentName, &'a ConditionName)> {
        let conditions = self.conditions();
        self.agents()
            .iter()
            .flat_map(move |&agent| conditions.iter().map(move |&condition| (agent, condition)))
    }

    /// Takes what scoring needs from a record.
    ///
    /// # Errors
    /// As of [`crate::Scoring::add`], but for duplicates, which one record does not show.
    pub(crate) fn read(&self, record: &TrialRecord, vocabulary: &Vocabulary) -> Result<Entry, MetricsError> {
        check(record)?;
        let (group, task) = self.place(&record.trial)?;
        let outcome = outcome(&record.ending, &record.verdict, self.settings);
        let trial = Trial::new(record, outcome, vocabulary);
        Ok(Entry { group, task, book: BookEntry::new(record, outcome), trial })
    }

    /// The positions of the trial's group and task.
    fn place(&self, trial: &TrialId) -> Result<(usize, usize), MetricsError> {
        let unplanned = |what| MetricsError::Unplanned { trial: trial.clone(), what };
        let agent = self.agents.place(&trial.agent).ok_or_else(|| unplanned("agent"))?;
        let condition = self.conditions.place(&trial.condition).ok_or_else(|| unplanned("condition"))?;
        let task = self.tasks.place(&trial.task).ok_or_else(|| unplanned("task"))?;
        if trial.number == 0
            || trial.number > self.manifest.planned_for(&trial.task, &trial.agent, &trial.condition)
        {
            return Err(unplanned("trial number"));
        }
        Ok((agent * self.conditions.order.len() + condition, task))
    }

    /// The trial of an entry.
    pub(crate) fn trial_of(&self, entry: &Entry) -> TrialId {
        let conditions = self.conditions.order.len();
        TrialId {
            task: self.tasks.order[entry.task].clone(),
            agent: self.agents.order[entry.group / conditions].clone(),
            condition: self.conditions.order[entry.group % conditions].clone(),
            number: entry.trial.number,
        }
    }
}

/// Refuses values that cannot be, whoever wrote them.
pub(crate) fn check(record: &TrialRecord) -> Result<(), MetricsError> {
    let trial = || record.trial.clone();
    if let Fact::Known { value, .. } = record.confidence
        && !(0.0..=1.0).contains(&value)
    {
        return Err(MetricsError::Confidence { trial: trial(), value });
    }
    if let Verdict::Reward(value) = record.verdict
        && !(value > 0.0 && value < 1.0)
    {
        return Err(MetricsError::Reward { trial: trial(), value });
    }
    let unfinished = matches!(record.ending, Ending::Infrastructure { .. } | Ending::Revoked);
    if unfinished && record.verdict.passed().is_some() {
        return Err(MetricsError::Contradiction { trial: trial() });
    }
    Ok(())
}

/// Names with their positions.
#[derive(Debug)]
struct Names<'a, T> {
    order: Vec<&'a T>,
    places: HashMap<&'a T, usize>,
}

impl<'a, T: Hash + Eq + ToString> Names<'a, T> {
    fn new(what: &'static str, order: Vec<&'a T>) -> Result<Self, MetricsError> {
        let mut places = HashMap::with_capacity(order.len());
        for (place, &name) in order.iter().enumerate() {
            if places.insert(name, place).is_some() {
                return Err(MetricsError::NamedTwice { what, name: name.to_string() });
            }
        }
        Ok(Self { order, places })
    }

    fn place(&self, name: &T) -> Option<usize> {
        self.places.get(name).copied()
    }
}
