//! A sample as a log holds it: what a trial needs of it. Fields that are not named here are skipped while the text is read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::events::Events;
use super::fields::{Amount, Count, SampleId};

/// One sample in one epoch.
#[derive(Debug, Deserialize)]
pub(super) struct Sample {
    pub(super) id: SampleId,
    pub(super) epoch: Count,
    pub(super) uuid: Option<String>,
    pub(super) messages: Option<Vec<Message>>,
    /// In the shape of chunks: which of the chunks' messages are the sample's, as ranges that include their start alone.
    pub(super) message_refs: Option<Vec<(Count, Count)>>,
    pub(super) output: Option<Output>,
    pub(super) scores: Option<BTreeMap<String, Score>>,
    /// The only score of old logs.
    pub(super) score: Option<Score>,
    pub(super) metadata: Option<Value>,
    pub(super) store: Option<BTreeMap<String, Value>>,
    pub(super) events: Option<Events>,
    /// The events of old logs.
    pub(super) transcript: Option<Transcript>,
    pub(super) model_usage: Option<BTreeMap<String, ModelUsage>>,
    pub(super) started_at: Option<String>,
    pub(super) total_time: Option<Amount>,
    pub(super) working_time: Option<Amount>,
    pub(super) error: Option<SampleError>,
    pub(super) error_retries: Option<Vec<SampleError>>,
    pub(super) limit: Option<Limit>,
    pub(super) invalidation: Option<Value>,
    pub(super) attachments: Option<BTreeMap<String, String>>,
}

/// The events of old logs, with the texts that they name.
#[derive(Debug, Deserialize)]
pub(super) struct Transcript {
    pub(super) events: Option<Events>,
    pub(super) content: Option<BTreeMap<String, String>>,
}

/// What was said.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub(super) id: Option<String>,
    pub(super) role: String,
    pub(super) content: Option<Value>,
    pub(super) model: Option<String>,
    pub(super) tool_calls: Option<Vec<MessageCall>>,
    pub(super) tool_call_id: Option<String>,
    pub(super) error: Option<ToolError>,
    pub(super) metadata: Option<Value>,
}

/// A tool call of a message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct MessageCall {
    #[serde(default)]
    pub(super) id: String,
    pub(super) function: String,
    #[serde(default)]
    pub(super) arguments: Value,
}

/// Why a tool call came to nothing.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ToolError {
    pub(super) message: Option<String>,
}

/// The model's last words.
#[derive(Debug, Deserialize)]
pub(super) struct Output {
    pub(super) choices: Option<Vec<Choice>>,
}

/// One of the answers that a model offered.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) stop_reason: Option<String>,
    pub(super) message: Option<ChoiceMessage>,
}

/// The name of the message in which an answer went on.
#[derive(Debug, Deserialize)]
pub(super) struct ChoiceMessage {
    pub(super) id: Option<String>,
}

/// What a scorer said.
#[derive(Debug, Deserialize)]
pub(super) struct Score {
    #[serde(default)]
    pub(super) value: Value,
    pub(super) explanation: Option<String>,
}

/// Tokens and money of one model. Tokens of a cache are not among the input tokens.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct ModelUsage {
    pub(super) input_tokens: Option<Count>,
    pub(super) output_tokens: Option<Count>,
    pub(super) input_tokens_cache_write: Option<Count>,
    pub(super) input_tokens_cache_read: Option<Count>,
    pub(super) reasoning_tokens: Option<Count>,
    pub(super) total_cost: Option<Amount>,
}

/// An exception that ended a sample, or a try at it.
#[derive(Debug, Deserialize)]
pub(super) struct SampleError {
    pub(super) message: String,
    pub(super) events: Option<Events>,
}

/// A limit that ended a sample.
#[derive(Debug, Deserialize)]
pub(super) struct Limit {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// A line of a list of samples.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) id: SampleId,
    pub(super) epoch: Count,
}
