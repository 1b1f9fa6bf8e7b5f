//! Looking at what an import would read, without writing anything.

use retrial_spec::{AgentFacts, TaskFacts};

use crate::gathering::{Gathered, Gathering, Keep, OnProgress};
use crate::summary::Summary;
use crate::{Found, ImportError, Sink};

/// Counts what a reader finds, and forgets it.
pub struct Look<'a>(Gathering<'a, Forget>);

/// Keeps nothing.
struct Forget;

impl Keep for Forget {
    fn keep(&mut self, _: u32, _: &Found) -> Result<(), ImportError> {
        Ok(())
    }
}

/// What an import would hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What was found.
    pub summary: Summary,
    /// The agents, by name.
    pub agents: Vec<AgentFacts>,
    /// The tasks, by name.
    pub tasks: Vec<TaskFacts>,
    /// The conditions' names.
    pub conditions: Vec<String>,
    /// The most trials of an agent, a task and a condition.
    pub most_trials: u32,
    /// How many cells of agent, task and condition have fewer.
    pub fewer: u64,
}

impl<'a> Look<'a> {
    /// Begins.
    pub fn new(on_progress: OnProgress<'a>) -> Self {
        Self(Gathering::new(Forget, on_progress))
    }

    /// Returns what a reader is given.
    pub fn sink(&mut self) -> &mut dyn Sink {
        &mut self.0
    }

    /// Says what was found.
    pub fn finish(self) -> Seen {
        let Gathered { settled, summary, .. } = self.0.finish();
        Seen {
            summary,
            agents: settled.agents,
            tasks: settled.tasks,
            conditions: settled.conditions.iter().map(|condition| condition.name.to_string()).collect(),
            most_trials: settled.planned.most,
            fewer: settled.planned.fewer.len() as u64,
        }
    }
}
