//! Books: every planned trial is accounted for, in one class of ending and verdict, or as missing.

use std::collections::BTreeMap;

use retrial_spec::{Ending, Fact, MissingReason, Source, TrialRecord, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::outcome::Outcome;

/// The books of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Books {
    /// Trials that the run plans.
    pub planned: u64,
    /// Trials with a record.
    pub finished: u64,
    /// Planned trials without a record: the run was interrupted, or goes on.
    pub missing: u64,
    /// Trials that took more than one attempt.
    pub retried: u64,
    /// Finished trials by ending and verdict; classes without trials are left out.
    pub classes: Vec<ClassCount>,
}

impl Books {
    /// Returns whether every planned trial is either missing or in exactly one class.
    pub fn balanced(&self) -> bool {
        let in_classes: u64 = self.classes.iter().map(|class| class.trials).sum();
        self.planned == self.finished + self.missing && in_classes == self.finished
    }

    /// Returns whether no planned trial is missing.
    pub fn complete(&self) -> bool {
        self.missing == 0
    }
}

/// The books of one agent under one condition, with what its trials count as under the chosen policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Denominators {
    /// Planned, finished and missing trials, and the classes.
    pub books: Books,
    /// Trials that count, `passed + failed`.
    pub graded: u64,
    /// Trials that count as passed.
    pub passed: u64,
    /// Trials that count as failed.
    pub failed: u64,
    /// Finished trials that do not count.
    pub excluded: u64,
    /// Where the facts of the trials come from.
    pub provenance: Provenance,
}

/// How many trials ended in one way with one verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClassCount {
    /// How the agent stopped.
    pub ending: EndingClass,
    /// What the verifier said.
    pub verdict: VerdictClass,
    /// How many trials.
    pub trials: u64,
}

/// An ending without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndingClass {
    /// It ended by itself.
    Finished,
    /// The agent's time limit was reached.
    Timeout,
    /// It ended by itself with an error.
    Crash,
    /// A budget was spent.
    OverBudget,
    /// It, or its model, declined the task.
    Refused,
    /// Its access to the model was revoked while it worked.
    Revoked,
    /// Every attempt failed for reasons of infrastructure.
    Infrastructure,
    /// The source of an imported trial does not say.
    NotRecorded,
}

impl From<&Ending> for EndingClass {
    fn from(ending: &Ending) -> Self {
        match ending {
            Ending::Finished => Self::Finished,
            Ending::Timeout => Self::Timeout,
            Ending::Crash { .. } => Self::Crash,
            Ending::OverBudget => Self::OverBudget,
            Ending::Refused => Self::Refused,
            Ending::Revoked => Self::Revoked,
            Ending::Infrastructure { .. } => Self::Infrastructure,
            Ending::NotRecorded => Self::NotRecorded,
        }
    }
}

/// A verdict without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictClass {
    /// Reward 1.
    Passed,
    /// Reward 0.
    Failed,
    /// A reward strictly between 0 and 1.
    Reward,
    /// No verdict.
    Ungraded,
}

impl From<&Verdict> for VerdictClass {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Failed => Self::Failed,
            Verdict::Reward(_) => Self::Reward,
            Verdict::Ungraded(_) => Self::Ungraded,
        }
    }
}

/// Where the facts of finished trials come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Provenance {
    /// Of the confidences.
    pub confidence: FactCounts,
    /// Of the claims.
    pub claim: FactCounts,
    /// Of the tokens.
    pub usage: FactCounts,
    /// Of the costs.
    pub cost: FactCounts,
}

/// How many trials have a fact from which source, and how many lack it for which reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FactCounts {
    /// Known values by source.
    pub known: Vec<KnownCount>,
    /// Missing values by reason.
    pub missing: Vec<MissingCount>,
}

/// How many values come from one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KnownCount {
    /// The source.
    pub source: Source,
    /// How many trials.
    pub trials: u64,
}

/// How many values are missing for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MissingCount {
    /// The reason.
    pub reason: MissingReason,
    /// How many trials.
    pub trials: u64,
}

/// Where a fact comes from, or why it is missing.
type Origin = Result<Source, MissingReason>;

fn origin<T>(fact: &Fact<T>) -> Origin {
    match *fact {
        Fact::Known { source, .. } => Ok(source),
        Fact::Missing(reason) => Err(reason),
    }
}

impl FactCounts {
    fn add(&mut self, origin: Origin) {
        match origin {
            Ok(source) => match self.known.iter_mut().find(|count| count.source == source) {
                Some(count) => count.trials += 1,
                None => self.known.push(KnownCount { source, trials: 1 }),
            },
            Err(reason) => match self.missing.iter_mut().find(|count| count.reason == reason) {
                Some(count) => count.trials += 1,
                None => self.missing.push(MissingCount { reason, trials: 1 }),
            },
        }
    }

    /// Puts the counts into an order that does not depend on which trial came first.
    fn in_order(mut self) -> Self {
        self.known.sort_by_key(|count| count.source as u8);
        self.missing.sort_by_key(|count| count.reason as u8);
        self
    }
}

/// What the books say of one finished trial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BookEntry {
    class: (EndingClass, VerdictClass),
    outcome: Outcome,
    is_retried: bool,
    confidence: Origin,
    claim: Origin,
    usage: Origin,
    cost: Origin,
}

impl BookEntry {
    pub(crate) fn new(record: &TrialRecord, outcome: Outcome) -> Self {
        Self {
            class: (EndingClass::from(&record.ending), VerdictClass::from(&record.verdict)),
            outcome,
            is_retried: record.attempts > 1,
            confidence: origin(&record.confidence),
            claim: origin(&record.claim),
            usage: origin(&record.usage),
            cost: origin(&record.cost),
        }
    }
}

/// Counts the trials of one agent under one condition as they come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    classes: BTreeMap<(EndingClass, VerdictClass), u64>,
    retried: u64,
    passed: u64,
    failed: u64,
    excluded: u64,
    provenance: Provenance,
}

impl Tally {
    pub(crate) fn add(&mut self, entry: BookEntry) {
        *self.classes.entry(entry.class).or_default() += 1;
        self.retried += u64::from(entry.is_retried);
        match entry.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Excluded => self.excluded += 1,
        }
        self.provenance.confidence.add(entry.confidence);
        self.provenance.claim.add(entry.claim);
        self.provenance.usage.add(entry.usage);
        self.provenance.cost.add(entry.cost);
    }

    fn books(&self, planned: u64) -> Books {
        let finished = self.passed + self.failed + self.excluded;
        let classes = self
            .classes
            .iter()
            .map(|(&(ending, verdict), &trials)| ClassCount { ending, verdict, trials })
            .collect();
        Books { planned, finished, missing: planned.saturating_sub(finished), retried: self.retried, classes }
    }

    pub(crate) fn denominators(self, planned: u64) -> Denominators {
        let books = self.books(planned);
        let Provenance { confidence, claim, usage, cost } = self.provenance;
        Denominators {
            books,
            graded: self.passed + self.failed,
            passed: self.passed,
            failed: self.failed,
            excluded: self.excluded,
            provenance: Provenance {
                confidence: confidence.in_order(),
                claim: claim.in_order(),
                usage: usage.in_order(),
                cost: cost.in_order(),
            },
        }
    }
}

/// Adds up the books of every agent and condition.
pub(crate) fn books_of_run<'a>(planned: u64, parts: impl Iterator<Item = &'a Books>) -> Books {
    let mut classes: BTreeMap<(EndingClass, VerdictClass), u64> = BTreeMap::new();
    let (mut finished, mut retried) = (0, 0);
    for part in parts {
        finished += part.finished;
        retried += part.retried;
        for class in &part.classes {
            *classes.entry((class.ending, class.verdict)).or_default() += class.trials;
        }
    }
    let classes = classes
        .into_iter()
        .map(|((ending, verdict), trials)| ClassCount { ending, verdict, trials })
        .collect();
    Books { planned, finished, missing: planned.saturating_sub(finished), retried, classes }
}
