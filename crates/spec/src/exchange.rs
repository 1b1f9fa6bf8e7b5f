//! Exchanges: what went over the wire between an agent and its model, a line of a trial's wire log each.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Fact, Usage};

/// One request of an agent and what came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The exchange's number within its attempt, from 1, by arrival of the request.
    pub number: u32,
    /// What the exchange was for.
    pub purpose: Purpose,
    /// When the request had arrived.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// The protocol, recognised by the path.
    pub protocol: Protocol,
    /// The request's path, without the trial's prefix.
    pub path: String,
    /// The request's body as sent: JSON, or a string where it is not JSON.
    pub request: Value,
    /// The number of the earlier exchange with the same body, where this one repeats it.
    pub retry_of: Option<u32>,
    /// The HTTP status; none where the connection failed before.
    pub status: Option<u16>,
    /// What the model said, as far as it came.
    pub reply: Reply,
    /// Milliseconds until the first byte of the reply's body; none where none came.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds until the reply's end.
    pub total_ms: u64,
    /// What went wrong, where something did.
    pub fault: Option<String>,
}

/// What an exchange was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The agent's work.
    Work,
    /// The question for confidence and claim after the agent's end.
    Elicitation,
}

/// A model protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Protocol {
    /// Chat Completions, as `OpenAI` defined them.
    OpenaiChat,
    /// Any other path; passed on, not understood.
    Unknown,
}

/// What a model said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The model that the reply names.
    pub model: Option<String>,
    /// The text.
    pub text: String,
    /// The tool calls in order.
    pub tool_calls: Vec<ToolCall>,
    /// Why the model stopped, in the protocol's word.
    pub stop_reason: Option<String>,
    /// Whether the model declined.
    pub refused: bool,
    /// Tokens; missing where the reply does not state them.
    pub usage: Fact<Usage>,
}

impl Default for Reply {
    /// Nothing was said.
    fn default() -> Self {
        Self {
            model: None,
            text: String::new(),
            tool_calls: Vec::new(),
            stop_reason: None,
            refused: false,
            usage: Fact::Missing(crate::MissingReason::NoUsage),
        }
    }
}

/// A tool call as the model made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as sent: usually JSON, not always well-formed.
    pub arguments: String,
}
