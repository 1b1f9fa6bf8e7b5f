//! What agents do in trials that pass and in trials that fail: counts of actions, and which kind follows which.
//!
//! A description, not a measure: trials that fail are mostly trials of hard tasks, so a difference says where to look and not
//! what helps. It has no intervals.

use std::collections::{BTreeMap, HashMap};

use retrial_spec::{
    Action, ActionKind, ActionLog, AgentName, ConditionName, Ending, RunManifest, TrialRecord,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Settings;
use crate::outcome::{Outcome, outcome};

/// What one agent does under one condition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ActionUse {
    /// The agent.
    pub agent: AgentName,
    /// The condition.
    pub condition: ConditionName,
    /// Trials that count, with their actions.
    pub trials: Split<TrialTotals>,
    /// Actions by kind, in the order of kinds; kinds that were never used are left out.
    pub kinds: Vec<KindUse>,
    /// Actions by kind and fine name, the most frequent first.
    pub names: Vec<NameUse>,
    /// Which kind followed which, the most frequent first.
    pub transitions: Vec<Transition>,
}

/// Something of trials that passed, and of trials that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Split<T> {
    /// Of trials that passed.
    pub passed: T,
    /// Of trials that failed.
    pub failed: T,
}

impl<T> Split<T> {
    fn of(&mut self, has_passed: bool) -> &mut T {
        if has_passed { &mut self.passed } else { &mut self.failed }
    }
}

impl Split<u64> {
    /// Returns the sum of both.
    pub fn both(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }
}

/// How many trials there are and how much they did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TrialTotals {
    /// Trials.
    pub trials: u64,
    /// Their actions.
    pub actions: u64,
}

/// How often something was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UseCount {
    /// How often.
    pub actions: u64,
    /// In how many trials.
    pub trials: u64,
}

/// The actions of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KindUse {
    /// The kind.
    pub kind: ActionKind,
    /// How often it was done.
    pub count: Split<UseCount>,
}

/// The actions of one fine name. The name holds the class of the file that was acted on, where it has one: `sed:source`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NameUse {
    /// The kind.
    pub kind: ActionKind,
    /// The fine name.
    pub name: String,
    /// How often it was done.
    pub count: Split<UseCount>,
}

/// An action of one kind followed by one of another, or of the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Transition {
    /// What was done; absent for the beginning of the trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ActionKind>,
    /// What was done next; absent for the end of the trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<ActionKind>,
    /// How often.
    pub count: Split<u64>,
}

/// What agents do, in the making.
#[derive(Debug)]
pub struct ActionTally<'a> {
    settings: &'a Settings,
    /// One for each agent and condition, in the experiment's order.
    cells: Vec<Cell<'a>>,
    places: HashMap<(&'a AgentName, &'a ConditionName), usize>,
}

#[derive(Debug)]
struct Cell<'a> {
    agent: &'a AgentName,
    condition: &'a ConditionName,
    trials: Split<TrialTotals>,
    kinds: BTreeMap<ActionKind, Split<UseCount>>,
    names: HashMap<Action, Split<UseCount>>,
    transitions: BTreeMap<(Option<ActionKind>, Option<ActionKind>), Split<u64>>,
}

impl<'a> ActionTally<'a> {
    /// Prepares the tally of the run that the manifest plans.
    pub fn new(manifest: &'a RunManifest, settings: &'a Settings) -> Self {
        let conditions = manifest.conditions();
        let of_agent = |agent: &'a retrial_spec::AgentFacts| {
            conditions.iter().map(move |condition| Cell::new(&agent.name, &condition.name))
        };
        let cells: Vec<Cell<'a>> = manifest.agents.iter().flat_map(of_agent).collect();
        let places = cells.iter().enumerate().map(|(place, cell)| ((cell.agent, cell.condition), place));
        Self { settings, places: places.collect(), cells }
    }

    /// Adds a record that scoring has accepted; trials that do not count, trials that were cut short through no fault of
    /// their agent, and trials whose actions are not known are left out.
    pub fn add(&mut self, record: &TrialRecord) {
        let outcome = outcome(&record.ending, &record.verdict, self.settings);
        let was_cut = matches!(record.ending, Ending::Infrastructure { .. } | Ending::Revoked);
        let (false, Some(actions)) = (outcome == Outcome::Excluded || was_cut, record.actions.value()) else {
            return;
        };
        if let Some(&place) = self.places.get(&(&record.trial.agent, &record.trial.condition)) {
            self.cells[place].add(actions, outcome == Outcome::Passed);
        }
    }

    /// Makes the tables, in the experiment's order.
    pub fn finish(self) -> Vec<ActionUse> {
        self.cells.into_iter().map(Cell::finish).collect()
    }
}

impl<'a> Cell<'a> {
    fn new(agent: &'a AgentName, condition: &'a ConditionName) -> Self {
        Self {
            agent,
            condition,
            trials: Split::default(),
            kinds: BTreeMap::new(),
            names: HashMap::new(),
            transitions: BTreeMap::new(),
        }
    }

    fn add(&mut self, log: &ActionLog, has_passed: bool) {
        let totals = self.trials.of(has_passed);
        totals.trials += 1;
        totals.actions += log.len() as u64;
        let mut counts = vec![0_u64; log.table().len()];
        for &code in log.codes() {
            counts[code as usize] += 1;
        }
        let mut by_kind: BTreeMap<ActionKind, u64> = BTreeMap::new();
        for (action, &count) in log.table().iter().zip(&counts).filter(|(_, count)| **count > 0) {
            *by_kind.entry(action.kind).or_default() += count;
            if !self.names.contains_key(action) {
                self.names.insert(action.clone(), Split::default());
            }
            if let Some(used) = self.names.get_mut(action) {
                used.of(has_passed).add(count);
            }
        }
        for (kind, count) in by_kind {
            self.kinds.entry(kind).or_default().of(has_passed).add(count);
        }
        let mut from = None;
        for to in log.iter().map(|action| Some(action.kind)).chain(std::iter::once(None)) {
            *self.transitions.entry((from, to)).or_default().of(has_passed) += 1;
            from = to;
        }
    }

    fn finish(self) -> ActionUse {
        let mut names: Vec<NameUse> = self
            .names
            .into_iter()
            .map(|(action, count)| NameUse { kind: action.kind, name: action.name, count })
            .collect();
        let both = |count: &Split<UseCount>| count.passed.actions + count.failed.actions;
        names.sort_by(|a, b| {
            let by_count = both(&b.count).cmp(&both(&a.count));
            by_count.then_with(|| (a.kind, &a.name).cmp(&(b.kind, &b.name)))
        });
        let mut transitions: Vec<Transition> =
            self.transitions.into_iter().map(|((from, to), count)| Transition { from, to, count }).collect();
        transitions.sort_by_key(|one| (std::cmp::Reverse(one.count.both()), one.from, one.to));
        ActionUse {
            agent: self.agent.clone(),
            condition: self.condition.clone(),
            trials: self.trials,
            kinds: self.kinds.into_iter().map(|(kind, count)| KindUse { kind, count }).collect(),
            names,
            transitions,
        }
    }
}

impl UseCount {
    fn add(&mut self, actions: u64) {
        self.actions += actions;
        self.trials += 1;
    }
}
