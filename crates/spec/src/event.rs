//! Events: the append-only account of a run, one line of `events.jsonl` each. They are the source of truth.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FaultOutcome, Look, RunBudget, TrialId, TrialRecord};

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "event", deny_unknown_fields)]
pub enum Event {
    /// A process started to work on the run.
    SessionStarted {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// How many trials are planned in all; the most of them where a stopping rule may end the run.
        planned: u64,
        /// How many of them had finished before.
        finished: u64,
        /// What the run may use in all, from this session on.
        budget: RunBudget,
    },
    /// The sandbox policy was proven.
    PolicyProven {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// What was tried and what came of it.
        proof: PolicyProof,
    },
    /// An attempt at a trial started.
    AttemptStarted {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// Which trial.
        trial: TrialId,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// An attempt failed for reasons of infrastructure.
    AttemptFailed {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// Which trial.
        trial: TrialId,
        /// The attempt's number, from 1.
        attempt: u32,
        /// What failed.
        failure: AttemptFailure,
    },
    /// A running trial's token was revoked on somebody's request; the trial ends.
    TrialRevoked {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// Which trial.
        trial: TrialId,
        /// The attempt that was running.
        attempt: u32,
    },
    /// A fault was put on the wire on purpose; said when its trial ends, before the trial's record.
    FaultInjected {
        /// When the trial had ended.
        #[schemars(with = "String")]
        at: Timestamp,
        /// Which trial.
        trial: TrialId,
        /// The attempt's number, from 1.
        attempt: u32,
        /// What it was, whether it landed, and what the agent did next.
        fault: FaultOutcome,
    },
    /// A trial finished; its record is final.
    TrialFinished {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// The record, the same value as in `trials.jsonl`.
        record: Box<TrialRecord>,
    },
    /// The stopping rule looked at the complete rounds, and the run goes on, or has run all its rounds.
    RuleLooked {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// What it said.
        look: Look,
    },
    /// The stopping rule looked at the complete rounds and is settled: the run is complete, and no further trial is started.
    RunStopped {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// What it said, the same value as in `stop.json`.
        look: Look,
    },
    /// A process stopped to work on the run.
    SessionEnded {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// Why.
        reason: StopReason,
        /// How many trials had finished.
        finished: u64,
        /// The host's load average over one minute, where the host tells.
        load: Option<f64>,
    },
}

impl Event {
    /// Returns when it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::SessionStarted { at, .. }
            | Self::PolicyProven { at, .. }
            | Self::AttemptStarted { at, .. }
            | Self::AttemptFailed { at, .. }
            | Self::TrialRevoked { at, .. }
            | Self::FaultInjected { at, .. }
            | Self::TrialFinished { at, .. }
            | Self::RuleLooked { at, .. }
            | Self::RunStopped { at, .. }
            | Self::SessionEnded { at, .. } => *at,
        }
    }
}

/// What the sandbox policy check tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyProof {
    /// An outside address could not be reached.
    pub outside_unreachable: bool,
    /// The gateway answered through the relay.
    pub gateway_answers: bool,
    /// The agent's process holds no capability.
    pub no_capabilities: bool,
    /// Limits that bite, by name.
    pub limits: Vec<String>,
    /// Limits that this back end cannot enforce here, by name.
    pub not_enforced: Vec<String>,
}

/// Why an attempt failed; never the agent's fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttemptFailure {
    /// The phase that failed.
    pub phase: Phase,
    /// What failed, in words.
    pub cause: String,
}

/// A phase of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Building the task's image.
    Build,
    /// Making the sandbox.
    Setup,
    /// The agent's work.
    Agent,
    /// The verifier's work.
    Verify,
    /// Writing down the result.
    Record,
}

impl Phase {
    /// Returns the phase's word as it stands in files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Setup => "setup",
            Self::Agent => "agent",
            Self::Verify => "verify",
            Self::Record => "record",
        }
    }
}

/// Why a process stopped to work on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Every planned trial finished.
    Complete,
    /// The stopping rule is settled.
    Settled,
    /// The user interrupted it.
    Interrupted,
    /// What is left of the run's budget has no room for another trial.
    OverBudget,
    /// It could not go on.
    Failed,
}
