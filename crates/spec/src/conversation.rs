//! What a request to a model holds of its conversation, whatever the protocol.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ToolCall;

/// One message of a conversation. A message that says something and holds results becomes two, the results first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text; pictures and files are left out.
    pub text: String,
    /// The tool calls of an assistant, in order.
    pub tool_calls: Vec<ToolCall>,
    /// The results of a tool, in order.
    pub tool_results: Vec<ToolResult>,
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The agent's maker: system and developer messages.
    System,
    /// The agent's user, or the agent in the user's name.
    User,
    /// The model.
    Assistant,
    /// Tools, with their results.
    Tool,
}

/// What a tool call came to, as the agent told the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolResult {
    /// The call's id.
    pub call_id: String,
    /// The text of the result.
    pub text: String,
    /// Whether the agent called it an error; none where the protocol does not say.
    pub is_error: Option<bool>,
}
