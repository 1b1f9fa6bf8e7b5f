//! Exchanges: what went over the wire between an agent and its model, a line of a trial's wire log each.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cost, Fact, Injection, Usage};

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
    /// Milliseconds until the first byte of the reply's body, without `waited_ms`; none where none came.
    pub first_byte_ms: Option<u64>,
    /// Milliseconds until the reply's end, without `waited_ms`.
    pub total_ms: u64,
    /// Milliseconds for which the gateway made the request wait for the provider's rate limit.
    pub waited_ms: u64,
    /// What the provider said before to the same request, which the gateway sent again by itself; the agent heard nothing of it.
    pub upstream_attempts: Vec<UpstreamAttempt>,
    /// What went wrong, where something did.
    pub fault: Option<String>,
    /// The fault that was put into it on purpose, where one was.
    pub injected: Option<Injection>,
}

impl Exchange {
    /// Returns the tokens that its reply took, also where the agent was sent only part of it on purpose.
    pub fn spent(&self) -> Fact<Usage> {
        match &self.injected {
            Some(injection) if injection.what.is_within_reply() => injection.spent,
            _ => self.reply.usage,
        }
    }
}

/// A reply of the provider that asked for patience, and that the gateway had instead of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamAttempt {
    /// When it had come.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The HTTP status.
    pub status: u16,
    /// Milliseconds that it asked to wait; none where it did not say.
    pub retry_after_ms: Option<u64>,
    /// What it said, in a line.
    pub message: String,
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
    /// Responses, as `OpenAI` defined them.
    OpenaiResponses,
    /// Messages, as Anthropic defined them.
    AnthropicMessages,
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
    /// The reasoning, where the model shows it in plain words.
    pub reasoning: Option<String>,
    /// The tool calls in order.
    pub tool_calls: Vec<ToolCall>,
    /// Why the model stopped, in the protocol's word.
    pub stop_reason: Option<String>,
    /// Whether the model declined.
    pub refused: bool,
    /// Tokens; missing where the reply does not state them.
    pub usage: Fact<Usage>,
    /// Money, where the reply states it.
    pub cost: Option<Cost>,
}

impl Default for Reply {
    /// Nothing was said.
    fn default() -> Self {
        Self {
            model: None,
            text: String::new(),
            reasoning: None,
            tool_calls: Vec::new(),
            stop_reason: None,
            refused: false,
            usage: Fact::Missing(crate::MissingReason::NoUsage),
            cost: None,
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
    /// What kind of tool is called.
    pub kind: ToolKind,
    /// The arguments as sent: usually JSON, not always well-formed; a free text for [`ToolKind::Custom`].
    pub arguments: String,
}

impl ToolCall {
    /// Returns a call of a function that the request declared.
    pub fn function(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), kind: ToolKind::Function, arguments: arguments.into() }
    }
}

/// What kind of tool a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolKind {
    /// A function that the request declared, with JSON arguments.
    Function,
    /// A tool that the request declared, with free text as its argument.
    Custom,
    /// A tool that the provider defined and the agent carries out, such as a shell; the arguments are the call without its ids.
    Builtin,
    /// A tool that the provider defined and carries out itself, such as a web search.
    Server,
}
