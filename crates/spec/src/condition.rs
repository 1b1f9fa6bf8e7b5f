//! Conditions: what an experiment varies on purpose, with the settings of each kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ConditionName, Document, Fault};

/// A condition: what is varied on purpose. The settings of a kind stand in a table of the kind's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionSpec {
    /// The condition's name in results.
    pub name: ConditionName,
    /// What is varied.
    pub kind: ConditionKind,
    /// Settings of the kind `fault`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultSettings>,
}

/// What a condition varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConditionKind {
    /// Nothing.
    Baseline,
    /// The wire to the model: some of the agent's requests are failed on purpose.
    Fault,
    /// What the source of an imported run varied, which it does not say. No experiment can have it.
    Imported,
}

/// Which of an agent's model requests are failed on purpose, and how.
///
/// Requests are counted from 1 within a trial, in the order in which they arrive; the question after the end is none of them.
/// Which ones are hit follows from the run's seed, the trial and the request's number alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSettings {
    /// What goes wrong.
    pub what: WireFault,
    /// The share of requests that are hit in the long run, greater than 0 and at most 1.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub rate: f64,
    /// Requests in a row that are hit once one is.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub burst: u32,
    /// What becomes of a request that is sent again.
    #[serde(default)]
    pub retries: RetryRule,
    /// The first request that may be hit.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub first: u32,
    /// Requests of a trial that are hit at most; no limit where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max: Option<u32>,
    /// Seconds that `Retry-After` asks for, of `rate_limit`; no such header where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 3600))]
    pub retry_after_sec: Option<u32>,
    /// Seconds of silence, of `stall_before_reply` and `stall_in_reply`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub stall_sec: Option<u32>,
}

fn one() -> u32 {
    1
}

/// What goes wrong on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WireFault {
    /// Status 429; the model is not asked.
    RateLimit,
    /// Status 500; the model is not asked.
    ServerError,
    /// The connection is cut before a reply; the model is not asked.
    CutBeforeReply,
    /// The connection is cut in the middle of the reply.
    CutInReply,
    /// The stream ends in order, but without the events that say that the model has stopped.
    MissingEnd,
    /// Nothing is said for some seconds, then the reply comes.
    StallBeforeReply,
    /// Nothing more is said for some seconds in the middle of the reply, then the rest of it comes.
    StallInReply,
    /// One event of the stream is broken off within its data.
    MalformedEvent,
}

impl WireFault {
    /// Returns the fault's word as it stands in files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::ServerError => "server_error",
            Self::CutBeforeReply => "cut_before_reply",
            Self::CutInReply => "cut_in_reply",
            Self::MissingEnd => "missing_end",
            Self::StallBeforeReply => "stall_before_reply",
            Self::StallInReply => "stall_in_reply",
            Self::MalformedEvent => "malformed_event",
        }
    }

    /// Returns whether it is an error that the agent gets as its reply.
    pub fn is_error(self) -> bool {
        matches!(self, Self::RateLimit | Self::ServerError)
    }

    /// Returns whether it happens within the model's reply, so that the model is asked.
    pub fn is_within_reply(self) -> bool {
        matches!(self, Self::CutInReply | Self::MissingEnd | Self::StallInReply | Self::MalformedEvent)
    }

    /// Returns whether it is a stall, which has a length.
    pub fn is_stall(self) -> bool {
        matches!(self, Self::StallBeforeReply | Self::StallInReply)
    }
}

/// What becomes of a request that an agent sends again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryRule {
    /// It is a request like any other.
    #[default]
    Drawn,
    /// It is spared, and not counted: every fault passes when the request is sent again.
    Spared,
    /// It is hit again where the request was, and not counted: no fault passes.
    Hit,
}

impl ConditionSpec {
    /// Returns the condition in which nothing is varied.
    pub fn baseline() -> Self {
        Self { name: ConditionName::baseline(), kind: ConditionKind::Baseline, fault: None }
    }

    /// Returns what is wrong with the settings taken together; `pointer` is the condition's place in the document.
    pub(crate) fn faults(&self, pointer: &str, document: &Document) -> Vec<Fault> {
        match (self.kind, &self.fault) {
            (ConditionKind::Baseline, None) => Vec::new(),
            (ConditionKind::Baseline, Some(_)) => {
                let message =
                    format!("the condition `{}` of kind `baseline` has settings of faults", self.name);
                let hint = "a condition with faults is of `kind = \"fault\"`";
                vec![document.fault(&format!("{pointer}/fault"), message, Some(hint.to_owned()))]
            }
            (ConditionKind::Fault, None) => {
                let message =
                    format!("the condition `{}` of kind `fault` lacks the table `fault`", self.name);
                let hint = "add `fault = { what = \"server_error\", rate = 0.2 }`";
                vec![document.fault(&format!("{pointer}/kind"), message, Some(hint.to_owned()))]
            }
            (ConditionKind::Imported, _) => {
                let message = format!("the condition `{}` is of the kind `imported`", self.name);
                let hint = "that is the kind of conditions of imported runs; an experiment has `fault`";
                vec![document.fault(&format!("{pointer}/kind"), message, Some(hint.to_owned()))]
            }
            (ConditionKind::Fault, Some(settings)) => settings.faults(&format!("{pointer}/fault"), document),
        }
    }
}

impl FaultSettings {
    fn faults(&self, pointer: &str, document: &Document) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut stray = |key: &str, of: &str| {
            let message = format!("`{key}` says nothing of the fault `{}`", self.what.as_str());
            let hint = format!("it is a setting of {of}; take it out");
            faults.push(document.fault(&format!("{pointer}/{key}"), message, Some(hint)));
        };
        if self.retry_after_sec.is_some() && self.what != WireFault::RateLimit {
            stray("retry_after_sec", "`rate_limit`");
        }
        if self.stall_sec.is_some() && !self.what.is_stall() {
            stray("stall_sec", "`stall_before_reply` and `stall_in_reply`");
        }
        if self.stall_sec.is_none() && self.what.is_stall() {
            let message = format!("the fault `{}` lacks the key `stall_sec`", self.what.as_str());
            let hint = "say how many seconds nothing is said, such as `stall_sec = 30`";
            faults.push(document.fault(&format!("{pointer}/what"), message, Some(hint.to_owned())));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_fault_is_the_word_in_files() {
        let all = [
            WireFault::RateLimit,
            WireFault::ServerError,
            WireFault::CutBeforeReply,
            WireFault::CutInReply,
            WireFault::MissingEnd,
            WireFault::StallBeforeReply,
            WireFault::StallInReply,
            WireFault::MalformedEvent,
        ];
        for what in all {
            assert_eq!(serde_json::to_value(what).unwrap(), what.as_str());
        }
    }
}
