//! What a job planned, held against the trials that were found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::atif::version_of;
use crate::json::{field, text};
use crate::{FoundAgent, Place, Unfinished};

/// Trials without a directory that are named at most.
const MOST: u64 = 1_000_000;

/// The trials of a job so far: small indexes of who tried what.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Agents with a version, by the name and model that their configuration has.
    agents: BTreeMap<(String, Option<String>), BTreeSet<FoundAgent>>,
    /// Task names by the configuration of the task.
    tasks: BTreeMap<String, String>,
    /// How many trials there are of an agent at a task.
    counts: BTreeMap<(FoundAgent, String), u64>,
}

impl Found {
    /// Takes a trial, by its configuration, as its result names agent and task.
    pub(super) fn take(&mut self, config: &Value, agent: &FoundAgent, task: &str) {
        self.agents.entry(agent_key(config)).or_default().insert(agent.clone());
        self.tasks.insert(task_key(config), task.to_owned());
        self.count(agent, task);
    }

    fn count(&mut self, agent: &FoundAgent, task: &str) {
        *self.counts.entry((agent.clone(), task.to_owned())).or_default() += 1;
    }

    /// Returns the trial of a configuration without a result. Agent and task are named as results name them where those of the same
    /// configuration do.
    pub(super) fn unfinished(&mut self, config: &Value, place: Place) -> Unfinished {
        let (name, model) = agent_key(config);
        let known = self.agents.get(&(name.clone(), model.clone())).filter(|agents| agents.len() == 1);
        let agent = known.and_then(BTreeSet::first).cloned();
        let agent = agent.unwrap_or(FoundAgent { name, version: None, model });
        let task = self.tasks.get(&task_key(config)).cloned().unwrap_or_else(|| task_name(config));
        self.count(&agent, &task);
        Unfinished { place, agent, task, condition: None }
    }

    /// How many trials were found.
    pub(super) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Returns the trials that lack to so many for every agent at every task; none where they are not as many as are said to lack.
    pub(super) fn lacking(&self, attempts: u64, lacking: u64, place: &Place) -> Option<Vec<Unfinished>> {
        if lacking > MOST {
            return None;
        }
        let mut missing = Vec::new();
        for ((agent, task), &count) in &self.counts {
            for _ in count..attempts {
                if missing.len() as u64 >= lacking {
                    return (lacking == 0).then(Vec::new);
                }
                let (agent, task) = (agent.clone(), task.clone());
                missing.push(Unfinished { place: place.clone(), agent, task, condition: None });
            }
        }
        (missing.len() as u64 == lacking).then_some(missing)
    }
}

fn agent_key(config: &Value) -> (String, Option<String>) {
    let agent = config.get("agent").cloned().unwrap_or_default();
    let name = text(&agent, "name").or(text(&agent, "import_path")).unwrap_or("oracle").to_owned();
    (name, version_of(text(&agent, "model_name")))
}

fn task_key(config: &Value) -> String {
    field(config, "task").map(Value::to_string).unwrap_or_default()
}

fn task_name(config: &Value) -> String {
    let task = config.get("task").cloned().unwrap_or_default();
    let path = text(&task, "path").map(|path| path.trim_end_matches('/').rsplit('/').next().unwrap_or(path));
    text(&task, "name").or(path).unwrap_or("unknown").to_owned()
}
