//! What scoring keeps of each trial: all that measures need, in as little memory as a million trials call for.

use retrial_spec::{Action, Claim, Ending, Fact, FaultCount, MissingReason, TaskName, TrialRecord};

use crate::codes::{Codes, Table};
use crate::outcome::Outcome;
use crate::states::EndState;

/// Most trials of a cell that room is made for at once; a run may plan more than it ever holds.
pub(crate) const ROOM: u32 = 64;

/// What scoring keeps of one trial.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) number: u32,
    pub(crate) outcome: Outcome,
    /// Whether the agent came to its own end, so that actions and amounts are the agent's.
    pub(crate) ran: bool,
    /// What the agent did, as codes into the [`Vocabulary`], where that is known.
    pub(crate) actions: Option<Codes>,
    pub(crate) tokens: Option<u64>,
    pub(crate) working_ms: Option<u64>,
    pub(crate) model_ms: Option<u64>,
    pub(crate) waiting_ms: Option<u64>,
    pub(crate) cost_usd_micros: Option<u64>,
    pub(crate) confidence: Option<f64>,
    /// Whether a confidence could have been stated.
    pub(crate) confidence_asked: bool,
    pub(crate) claim: Option<Claim>,
    /// Whether the agent stopped by itself and without an error.
    pub(crate) finished: bool,
    /// None for most trials.
    faults: Option<Box<Faults>>,
    /// What it left behind, where that is recorded.
    pub(crate) state: Option<EndState>,
}

/// The faults of a trial, of all kinds together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) landed: u64,
    pub(crate) not_landed: u64,
    pub(crate) went_on: u64,
    pub(crate) recovered: u64,
}

/// Reasons for which a confidence could not have been stated.
const NOT_ASKED: [MissingReason; 3] =
    [MissingReason::NotAsked, MissingReason::NotRecorded, MissingReason::OverBudget];

impl Trial {
    pub(crate) fn new(record: &TrialRecord, outcome: Outcome, vocabulary: &Vocabulary) -> Self {
        let actions = record.actions.value().map(|log| {
            let codes = vocabulary.codes(log.table());
            Codes::new(log.codes().iter().map(|&code| codes[code as usize]))
        });
        let not_asked = matches!(record.confidence, Fact::Missing(reason) if NOT_ASKED.contains(&reason));
        Self {
            number: record.trial.number,
            outcome,
            ran: !matches!(record.ending, Ending::Infrastructure { .. } | Ending::Revoked),
            actions,
            tokens: record.usage.value().map(retrial_spec::Usage::total),
            working_ms: record.times.working_ms(),
            model_ms: record.times.model_ms,
            waiting_ms: record.times.waiting_ms,
            cost_usd_micros: record.cost.value().map(|cost| cost.usd_micros),
            confidence: record.confidence.copied(),
            confidence_asked: !not_asked,
            claim: record.claim.copied(),
            finished: record.ending == Ending::Finished,
            faults: Some(Faults::of(record)).filter(|faults| *faults != Faults::default()).map(Box::new),
            state: record.state.value().map(EndState::new),
        }
    }

    /// A trial of which nothing is known.
    pub(crate) fn unknown(number: u32) -> Self {
        Self {
            number,
            outcome: Outcome::Excluded,
            ran: false,
            actions: None,
            tokens: None,
            working_ms: None,
            model_ms: None,
            waiting_ms: None,
            cost_usd_micros: None,
            confidence: None,
            confidence_asked: false,
            claim: None,
            finished: false,
            faults: None,
            state: None,
        }
    }

    /// Whether a fault landed in it.
    pub(crate) fn is_hit(&self) -> bool {
        self.faults().landed > 0
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults.as_deref().copied().unwrap_or_default()
    }

    /// Whether its actions are the agent's and known.
    pub(crate) fn acted(&self) -> bool {
        self.ran && self.actions.is_some()
    }

    /// What the agent did; nothing too where that is not known.
    pub(crate) fn action_codes(&self) -> Vec<u32> {
        self.actions.as_ref().map_or_else(Vec::new, Codes::to_vec)
    }

    pub(crate) fn is_graded(&self) -> bool {
        self.outcome != Outcome::Excluded
    }

    pub(crate) fn is_passed(&self) -> bool {
        self.outcome == Outcome::Passed
    }

    /// Whether its agent claimed that the task is done; none where no claim is known.
    pub(crate) fn claims_done(&self) -> Option<bool> {
        self.claim.map(|claim| claim == Claim::Done)
    }
}

impl Faults {
    fn of(record: &TrialRecord) -> Self {
        let sum = |count: fn(&FaultCount) -> u32| record.faults.iter().map(|of| u64::from(count(of))).sum();
        Self {
            landed: sum(|count| count.landed),
            not_landed: sum(|count| count.not_landed),
            went_on: sum(|count| count.went_on),
            recovered: sum(|count| count.recovered),
        }
    }
}

/// The trials of one task by one agent under one condition, in the order of their numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskTrials<'a> {
    pub(crate) task: &'a TaskName,
    pub(crate) trials: &'a [Trial],
}

impl<'a> TaskTrials<'a> {
    pub(crate) fn graded(&self) -> impl Iterator<Item = &'a Trial> + use<'a> {
        self.trials.iter().filter(|trial| trial.is_graded())
    }

    /// The trials whose actions are the agent's and known.
    pub(crate) fn acted(&self) -> impl Iterator<Item = &'a Trial> + use<'a> {
        self.trials.iter().filter(|trial| trial.acted())
    }

    pub(crate) fn ran(&self) -> impl Iterator<Item = &'a Trial> + use<'a> {
        self.trials.iter().filter(|trial| trial.ran)
    }
}

/// The distinct actions of all trials.
pub(crate) type Vocabulary = Table<Action>;
