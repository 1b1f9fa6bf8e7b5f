//! Faults put on the wire on purpose: where they landed, and what the agent did next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Ending, Fact, Usage, WireFault};

/// A fault that was put into an exchange on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// What was to go wrong.
    pub what: WireFault,
    /// Whether it reached the agent, and where.
    pub landing: Landing,
    /// Tokens that the provider states for the whole reply, however much of it the agent was sent.
    pub spent: Fact<Usage>,
}

/// Whether a fault reached the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Landing {
    /// It did.
    Landed {
        /// Whole events of the reply that the agent had been sent before; none where the reply is no stream of events.
        after_events: Option<u64>,
        /// Bytes of the reply's body that the agent had been sent before.
        after_bytes: u64,
    },
    /// It did not, and does not count.
    NotLanded(NotLanded),
}

impl Landing {
    /// Returns whether the fault reached the agent.
    pub fn is_landed(self) -> bool {
        matches!(self, Self::Landed { .. })
    }
}

/// Why a fault never reached the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotLanded {
    /// The agent had gone away before.
    AgentGone,
    /// The provider failed before, or answered with an error.
    NoReply,
    /// The reply is no stream of events of a known protocol.
    NotStreamed,
    /// The reply ended before.
    TooShort,
}

/// A fault of a trial with what came of it, as `events.jsonl` keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultOutcome {
    /// The exchange's number in the wire log.
    pub exchange: u32,
    /// When the request had arrived.
    #[schemars(with = "String")]
    pub request_at: Timestamp,
    /// What was to go wrong.
    pub what: WireFault,
    /// Whether it reached the agent, and where.
    pub landing: Landing,
    /// What the agent did next; none where the fault did not reach it.
    pub reaction: Option<Reaction>,
    /// Whether the same request, or an equivalent one, was answered wholly afterwards. Equivalent is a later request on the same
    /// path that offers tools where this one did, and none where it did not.
    pub recovered: bool,
}

/// What an agent did after a fault had reached it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "did", deny_unknown_fields)]
pub enum Reaction {
    /// It sent the same request again.
    SentAgain {
        /// The exchange's number.
        exchange: u32,
        /// Milliseconds between the end of the exchange with the fault and this one's request.
        after_ms: u64,
    },
    /// It sent another request.
    SentAnother {
        /// The exchange's number.
        exchange: u32,
        /// Milliseconds between the end of the exchange with the fault and this one's request.
        after_ms: u64,
    },
    /// It sent no further request.
    Stopped {
        /// How it ended; holds its exit code where it gave up with one.
        ending: Ending,
    },
}

impl Reaction {
    /// Returns whether the agent sent a further request.
    pub fn went_on(&self) -> bool {
        matches!(self, Self::SentAgain { .. } | Self::SentAnother { .. })
    }
}

/// The faults of one kind in a trial, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultCount {
    /// What went wrong.
    pub what: WireFault,
    /// Faults that reached the agent.
    pub landed: u32,
    /// Faults that did not.
    pub not_landed: u32,
    /// Landed faults after which the agent sent a further request.
    pub went_on: u32,
    /// Landed faults after which the same request, or an equivalent one, was answered wholly.
    pub recovered: u32,
}

impl FaultCount {
    /// Counts faults by kind, in the order of the kinds.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a FaultOutcome>) -> Vec<Self> {
        let mut counts: std::collections::BTreeMap<WireFault, Self> = std::collections::BTreeMap::new();
        for outcome in outcomes {
            let what = outcome.what;
            let empty = Self { what, landed: 0, not_landed: 0, went_on: 0, recovered: 0 };
            let count = counts.entry(what).or_insert(empty);
            if outcome.landing.is_landed() {
                count.landed += 1;
                count.went_on += u32::from(outcome.reaction.as_ref().is_some_and(Reaction::went_on));
                count.recovered += u32::from(outcome.recovered);
            } else {
                count.not_landed += 1;
            }
        }
        counts.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(
        what: WireFault,
        landing: Landing,
        reaction: Option<Reaction>,
        recovered: bool,
    ) -> FaultOutcome {
        let request_at = Timestamp::UNIX_EPOCH;
        FaultOutcome { exchange: 1, request_at, what, landing, reaction, recovered }
    }

    #[test]
    fn a_fault_that_never_landed_counts_as_nothing_else() {
        let landed = Landing::Landed { after_events: None, after_bytes: 0 };
        let missed = Landing::NotLanded(NotLanded::TooShort);
        let again = Some(Reaction::SentAgain { exchange: 2, after_ms: 5 });
        let stopped = Some(Reaction::Stopped { ending: Ending::Finished });
        let outcomes = [
            outcome(WireFault::ServerError, landed, again, true),
            outcome(WireFault::ServerError, landed, stopped, false),
            outcome(WireFault::ServerError, missed, None, false),
            outcome(WireFault::RateLimit, missed, None, false),
        ];
        let counts = FaultCount::of(&outcomes);
        let numbers: Vec<_> = counts
            .iter()
            .map(|count| {
                (count.what.as_str(), count.landed, count.not_landed, count.went_on, count.recovered)
            })
            .collect();
        assert_eq!(numbers, [("rate_limit", 0, 1, 0, 0), ("server_error", 2, 1, 1, 1)]);
    }
}
