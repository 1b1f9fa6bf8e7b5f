//! From a command line to actions: which of its commands count.
//!
//! Every pipeline gives the actions of its strongest stage, the first of equals: a program that acts counts before one that
//! looks, so that `pytest | tail` is a test and `find | xargs rm` an edit. What only readies the shell or prints counts where the
//! line does nothing else.

use std::collections::HashMap;

use retrial_spec::{Action, ActionKind};

use super::super::table::ActionTable;
use super::super::target::name_on;
use super::command;
use super::parse::{Pipeline, Simple, Stage, parse};

/// Actions that one tool call may have.
const MOST: usize = 256;

/// Simple commands that are looked at in one tool call.
const LOOKS: usize = 10_000;

/// How often a text to run, or a function, may be found inside another.
const DEPTH: usize = 6;

/// How much a command counts within its pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Readies the shell or prints.
    Setup,
    /// Looks.
    Looks,
    /// Writes down what others print.
    Sinks,
    /// Acts.
    Acts,
}

/// An action with its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) action: Action,
    pub(super) weight: Weight,
}

impl Found {
    /// An action of its kind's own weight.
    pub(super) fn of(action: Action) -> Self {
        let weight = match action.kind {
            ActionKind::Read | ActionKind::Search | ActionKind::Other | ActionKind::Plan => Weight::Looks,
            _ => Weight::Acts,
        };
        Self { action, weight }
    }
}

/// Returns the actions of a command line, in order; none where no program is found in it.
pub(crate) fn actions_of_line(line: &str, table: &ActionTable) -> Vec<Action> {
    let mut walk = Walk::new(table);
    let found = walk.pipelines(&parse(line));
    chosen(found)
}

/// Returns the actions of a command given as words.
pub(crate) fn actions_of_words(words: &[String], table: &ActionTable) -> Vec<Action> {
    let simple = Simple { words: words.to_vec(), ..Simple::default() };
    let mut walk = Walk::new(table);
    let found = walk.pipelines(&[Pipeline { stages: vec![Stage::Simple(simple)] }]);
    chosen(found)
}

/// What counts of a whole line: everything but set-up, or else the first of that.
fn chosen(found: Vec<Found>) -> Vec<Action> {
    if found.iter().all(|found| found.weight == Weight::Setup) {
        return found.into_iter().take(1).map(|found| found.action).collect();
    }
    let counts = found.into_iter().filter(|found| found.weight > Weight::Setup);
    counts.take(MOST).map(|found| found.action).collect()
}

/// A walk through what one tool call runs.
pub(super) struct Walk<'t> {
    pub(super) table: &'t ActionTable,
    functions: HashMap<String, Vec<Pipeline>>,
    looks: usize,
    depth: usize,
}

impl<'t> Walk<'t> {
    fn new(table: &'t ActionTable) -> Self {
        Self { table, functions: HashMap::new(), looks: LOOKS, depth: DEPTH }
    }

    /// Returns what a text does that a command runs; nothing where texts lie too deep in each other.
    pub(super) fn text(&mut self, text: &str) -> Vec<Found> {
        self.deeper(|walk| walk.pipelines(&parse(text)))
    }

    /// Returns what a function does that is called; `None` where there is no such function.
    pub(super) fn function(&mut self, name: &str) -> Option<Vec<Found>> {
        let body = self.functions.get(name)?.clone();
        Some(self.deeper(|walk| walk.pipelines(&body)))
    }

    fn deeper(&mut self, work: impl FnOnce(&mut Self) -> Vec<Found>) -> Vec<Found> {
        let Some(depth) = self.depth.checked_sub(1) else { return Vec::new() };
        let before = std::mem::replace(&mut self.depth, depth);
        let found = work(self);
        self.depth = before;
        found
    }

    fn pipelines(&mut self, pipelines: &[Pipeline]) -> Vec<Found> {
        let mut found = Vec::new();
        for pipeline in pipelines {
            let Some(looks) = self.looks.checked_sub(pipeline.stages.len()) else { break };
            self.looks = looks;
            found.extend(self.pipeline(pipeline));
        }
        found
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Vec<Found> {
        let mut strongest: Vec<Found> = Vec::new();
        let mut input: Option<&str> = None;
        for (index, stage) in pipeline.stages.iter().enumerate() {
            let found = self.stage(stage, index > 0, input);
            let weight = |found: &[Found]| found.iter().map(|found| found.weight).max();
            if weight(&found) > weight(&strongest) {
                strongest = found;
            }
            if let Stage::Simple(Simple { input: Some(text), .. }) = stage {
                input = Some(text);
            }
        }
        strongest
    }

    fn stage(&mut self, stage: &Stage, is_fed: bool, input: Option<&str>) -> Vec<Found> {
        match stage {
            Stage::Simple(simple) => command::found(simple, is_fed, input, self),
            Stage::Group { body, writes } => {
                let found = self.pipelines(body);
                match writes {
                    Some(file) => self.written(found, file),
                    None => found,
                }
            }
            Stage::Function { name, body } => {
                self.functions.insert(name.clone(), body.clone());
                Vec::new()
            }
        }
    }

    /// What a group does whose output goes to a file: what looks and prints in it is one edit together.
    fn written(&self, found: Vec<Found>, file: &str) -> Vec<Found> {
        let mut is_written = false;
        let mut left = Vec::with_capacity(found.len());
        for mut found in found {
            if found.weight < Weight::Acts {
                if is_written {
                    continue;
                }
                is_written = true;
                let deed = found.action.name.split(':').next().unwrap_or_default();
                let name = name_on(deed, &self.table.targets, std::iter::once(file));
                found = Found::of(Action { kind: ActionKind::Edit, name });
            }
            left.push(found);
        }
        left
    }
}
