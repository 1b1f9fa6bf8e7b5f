//! Looking at what an import would read, without writing anything.

use retrial_spec::{AgentFacts, TaskFacts};

use crate::grid::{Entry, Grid};
use crate::summary::{Summary, Tally};
use crate::writer::OnProgress;
use crate::{Found, ImportError, Place, Sink, Unfinished};

/// Counts what a reader finds, and forgets it.
pub struct Look<'a> {
    entries: Vec<Entry>,
    grid: Grid,
    tally: Tally,
    on_progress: OnProgress<'a>,
    is_interrupted: bool,
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
        Self {
            entries: Vec::new(),
            grid: Grid::default(),
            tally: Tally::default(),
            on_progress,
            is_interrupted: false,
        }
    }

    /// Says what was found.
    pub fn finish(self) -> Seen {
        let settled = self.grid.settle(&self.entries);
        Seen {
            summary: self.tally.finish(),
            agents: settled.agents,
            tasks: settled.tasks,
            conditions: settled.conditions.iter().map(|condition| condition.name.to_string()).collect(),
            most_trials: settled.planned.most,
            fewer: settled.planned.fewer.len() as u64,
        }
    }
}

impl Sink for Look<'_> {
    fn trial(&mut self, found: Found) -> Result<(), ImportError> {
        self.progress(0);
        if self.is_interrupted {
            return Err(ImportError::interrupted(found.place));
        }
        self.tally.trial(&found);
        self.entries.push(self.grid.entry(&found));
        Ok(())
    }

    fn unfinished(&mut self, unfinished: Unfinished) -> Result<(), ImportError> {
        self.tally.unfinished();
        self.grid.unfinished(&unfinished);
        Ok(())
    }

    fn left_out(&mut self, place: &Place, why: &str) {
        self.tally.left_out(place, why);
    }

    fn doubt(&mut self, place: &Place, what: &str) {
        self.tally.doubt(place, what);
    }

    fn progress(&mut self, bytes: u64) {
        self.is_interrupted |= !(self.on_progress)(bytes);
    }
}
