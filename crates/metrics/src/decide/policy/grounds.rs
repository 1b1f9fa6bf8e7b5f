//! What a gate's decision rests on: each ground leads to one verdict, and the gravest verdict stands.

use retrial_spec::{AgentName, Exit};
use schemars::JsonSchema;
use serde::Serialize;

/// A gate's decision; of several that apply, the last in this order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// Every measure is shown to be within its margin.
    Pass,
    /// The evidence is not enough.
    Inconclusive,
    /// Something got worse, or went away.
    Fail,
    /// There is nothing to decide by: nothing was graded, or the sides did not try the same thing.
    Invalid,
}

impl GateVerdict {
    /// Returns the exit code of a gate that enforces.
    pub fn exit(self) -> Exit {
        match self {
            Self::Pass => Exit::Done,
            Self::Fail => Exit::Negative,
            Self::Inconclusive => Exit::Inconclusive,
            Self::Invalid => Exit::Invalid,
        }
    }
}

impl std::fmt::Display for GateVerdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
        })
    }
}

/// What kind of ground it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroundCode {
    /// The same trials are on both sides.
    SameTrials,
    /// The sides did not try the same thing.
    NotComparable,
    /// The runs of the baseline did not try the same thing.
    BaselineDisagrees,
    /// Too many tasks are in quarantine.
    QuarantineTooLarge,
    /// A side has no graded trial.
    NothingGraded,
    /// No measure of any agent is judged.
    NothingJudged,
    /// An agent of the baseline is not in the candidate's run.
    AgentVanished,
    /// Tasks of the baseline are not in the candidate's run, or without a finished trial there.
    TasksVanished,
    /// A measure is worse.
    Worse,
    /// Too few of the planned trials are graded.
    Coverage,
    /// Tasks have too few graded trials.
    TooFewTrials,
    /// No task of the baseline has enough planned trials to decide.
    NothingDecides,
    /// A measure is open.
    Open,
}

/// One thing that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ground {
    /// What it leads to.
    pub verdict: GateVerdict,
    /// What kind it is.
    pub code: GroundCode,
    /// The agent it is about, by its name in the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The same for people, as a phrase.
    pub message: String,
}

impl GroundCode {
    /// Returns what such a ground leads to.
    pub fn verdict(self) -> GateVerdict {
        match self {
            Self::SameTrials
            | Self::NotComparable
            | Self::BaselineDisagrees
            | Self::QuarantineTooLarge
            | Self::NothingGraded
            | Self::NothingJudged => GateVerdict::Invalid,
            Self::AgentVanished | Self::TasksVanished | Self::Worse => GateVerdict::Fail,
            Self::Coverage | Self::TooFewTrials | Self::NothingDecides | Self::Open => {
                GateVerdict::Inconclusive
            }
        }
    }

    pub(super) fn ground(self, agent: Option<&AgentName>, message: impl Into<String>) -> Ground {
        Ground { verdict: self.verdict(), code: self, agent: agent.cloned(), message: message.into() }
    }
}
