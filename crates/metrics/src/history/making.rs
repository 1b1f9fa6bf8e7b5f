//! The ledger's lines of a run: its scorecards, with the counts and costs of each task.

use std::collections::BTreeMap;

use jiff::Timestamp;
use retrial_spec::{
    AgentFacts, AgentName, ConditionKind, ConditionName, ConditionSpec, ContentDigest, RunManifest, TaskName,
    TrialRecord, digest_bytes,
};
use serde::Serialize;

use super::entry::{
    InvalidRelease, LEDGER_FORMAT, LedgerCost, LedgerEntry, LedgerInput, LedgerInterval, LedgerMeasure,
    LedgerTask, LedgerValue, ReleaseName,
};
use crate::outcome::{Outcome, outcome};
use crate::value::{Bounds, Value};
use crate::{Measure, Scorecard, Scorecards, Settings, TaskRow};

/// What records say that scorecards do not keep: when the first trial of each agent and condition started, and what trials of each task
/// have cost.
#[derive(Debug, Default)]
pub struct Tally {
    settings: Settings,
    started: BTreeMap<(AgentName, ConditionName), Timestamp>,
    costs: BTreeMap<(AgentName, ConditionName, TaskName), LedgerCost>,
}

impl Tally {
    /// Starts with nothing; `settings` say which trials count.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: *settings, ..Self::default() }
    }

    /// Adds a record, in any order.
    pub fn add(&mut self, record: &TrialRecord) {
        let trial = &record.trial;
        if let Some(&at) = record.started_at.value() {
            let of = (trial.agent.clone(), trial.condition.clone());
            let first = self.started.entry(of).or_insert(at);
            *first = at.min(*first);
        }
        let outcome = outcome(&record.ending, &record.verdict, &self.settings);
        let Some(cost) = record.cost.value().filter(|_| outcome != Outcome::Excluded) else { return };
        let key = (trial.agent.clone(), trial.condition.clone(), trial.task.clone());
        let sum = self.costs.entry(key).or_insert(LedgerCost { trials: 0, passed: 0, usd_micros: 0 });
        sum.trials = sum.trials.saturating_add(1);
        sum.passed = sum.passed.saturating_add(u32::from(outcome == Outcome::Passed));
        sum.usd_micros = sum.usd_micros.saturating_add(cost.usd_micros);
    }

    fn started(&self, card: &Scorecard) -> Option<Timestamp> {
        self.started.get(&(card.agent.clone(), card.condition.clone())).copied()
    }

    fn cost(&self, card: &Scorecard, task: &TaskName) -> Option<LedgerCost> {
        self.costs.get(&(card.agent.clone(), card.condition.clone(), task.clone())).copied()
    }
}

/// What a line says besides what the run's scorecards do.
#[derive(Debug)]
pub struct NewEntry<'a> {
    /// The run's manifest.
    pub manifest: &'a RunManifest,
    /// Its scorecards.
    pub scored: &'a Scorecards,
    /// When its trials started and what they have cost.
    pub tally: &'a Tally,
    /// The files that the numbers follow from.
    pub inputs: &'a [LedgerInput],
    /// The release; none takes the agent's version, or the run's id where the version is not known.
    pub release: Option<&'a ReleaseName>,
    /// When the trials of an imported run were run; none takes the start of the first.
    pub at: Option<Timestamp>,
}

/// Why a scorecard can have no line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEntry {
    /// The agent's version cannot name a release.
    #[error(transparent)]
    Release(#[from] InvalidRelease),
    /// The run was imported, and its records do not say when they were made. When they were read says nothing of that.
    #[error("nothing says when the trials of agent `{agent}` were run")]
    Undated {
        /// The agent.
        agent: AgentName,
    },
}

impl NewEntry<'_> {
    /// Returns the line of one of the run's scorecards; none where its agent or condition is not in the manifest.
    ///
    /// # Errors
    /// [`NoEntry`] where the agent's version cannot name a release, and where nothing says when an imported run was run.
    pub fn entry(&self, card: &Scorecard) -> Result<Option<LedgerEntry>, NoEntry> {
        let manifest = self.manifest;
        let agent = manifest.agents.iter().find(|agent| agent.name == card.agent);
        let condition = manifest.conditions().iter().find(|condition| condition.name == card.condition);
        let (Some(agent), Some(condition)) = (agent, condition) else { return Ok(None) };
        let release = match (self.release, &agent.version) {
            (Some(release), _) => release.clone(),
            (None, Some(version)) => ReleaseName::new(version)?,
            (None, None) => ReleaseName::new(manifest.run.as_str())?,
        };
        let mut entry = LedgerEntry {
            format: LEDGER_FORMAT,
            suite: digest_bytes(b""),
            experiment: manifest.name().clone(),
            agent: agent.clone(),
            setup: setup(manifest, agent),
            release,
            run: manifest.run.clone(),
            at: self.time(card)?,
            tool: manifest.tool.clone(),
            inputs: self.inputs.to_vec(),
            condition: card.condition.clone(),
            condition_settings: condition_settings(condition),
            settings: self.scored.settings,
            planned: card.denominators.books.planned,
            tasks: card.tasks.iter().map(|row| self.task(card, row)).collect(),
            measures: card.measures.iter().filter(|measure| measure.headline).map(measure).collect(),
        };
        entry.tasks.sort_by(|a, b| a.name.cmp(&b.name));
        entry.suite = entry.own_suite();
        Ok(Some(entry))
    }

    /// When the trials were run.
    fn time(&self, card: &Scorecard) -> Result<Timestamp, NoEntry> {
        if self.manifest.measured().is_some() {
            return Ok(self.manifest.created_at);
        }
        let at = self.at.or_else(|| self.tally.started(card));
        at.ok_or_else(|| NoEntry::Undated { agent: card.agent.clone() })
    }

    fn task(&self, card: &Scorecard, row: &TaskRow) -> LedgerTask {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let facts = self.manifest.tasks.iter().find(|task| task.name == row.task);
        LedgerTask {
            name: row.task.clone(),
            digest: facts.and_then(|task| task.digest.clone()),
            facts: facts.and_then(|task| task.facts.clone()),
            passed: count(row.passed),
            failed: count(row.graded.saturating_sub(row.passed)),
            excluded: count(row.finished.saturating_sub(row.graded)),
            cost: self.tally.cost(card, &row.task),
        }
    }
}

/// The digest of what an experiment sets for an agent.
fn setup(manifest: &RunManifest, agent: &AgentFacts) -> Option<ContentDigest> {
    let experiment = &manifest.measured()?.experiment;
    let spec = experiment.agents.iter().find(|spec| spec.name == agent.name)?;
    digest_of(&(&spec.recipe, &spec.model, &spec.options, &experiment.limits, &experiment.elicit))
}

fn condition_settings(condition: &ConditionSpec) -> Option<ContentDigest> {
    if condition.kind == ConditionKind::Baseline { None } else { digest_of(condition) }
}

fn digest_of(value: &impl Serialize) -> Option<ContentDigest> {
    serde_json::to_vec(value).ok().map(|text| digest_bytes(&text))
}

fn measure(measure: &Measure) -> LedgerMeasure {
    LedgerMeasure {
        id: word(&measure.id),
        k: measure.k,
        resource: measure.resource.as_ref().map(word),
        value: match &measure.value {
            Value::Undefined(reason) => LedgerValue::Undefined(reason.code().to_owned()),
            Value::Estimate(estimate) => LedgerValue::Estimate {
                point: estimate.point.value(),
                trials: estimate.n.trials,
                tasks: estimate.n.tasks,
                interval: interval(&estimate.interval),
            },
        },
    }
}

/// The stable word of a value of a plain enum.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn interval(bounds: &Bounds) -> Option<LedgerInterval> {
    bounds.interval().map(|known| LedgerInterval {
        low: known.low.value(),
        high: known.high.value(),
        method: known.method.to_string(),
    })
}
