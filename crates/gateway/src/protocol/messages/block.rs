//! The content blocks of Messages, of which both requests and replies consist.

use retrial_spec::{ToolCall, ToolKind};
use serde_json::Value;

use crate::protocol::conversation::text_at;

/// Returns the blocks of a content that is a list.
pub(super) fn blocks(content: Option<&Value>) -> impl Iterator<Item = &Value> {
    content.and_then(Value::as_array).into_iter().flatten()
}

/// Returns the type of a block.
pub(super) fn kind(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or("")
}

/// Reads a block as a call, where it is one.
pub(super) fn tool_call(block: &Value) -> Option<ToolCall> {
    let kind = match kind(block) {
        "tool_use" => ToolKind::Function,
        "server_tool_use" | "mcp_tool_use" => ToolKind::Server,
        _ => return None,
    };
    let arguments = match block.get("input") {
        // A stream whose pieces make no JSON.
        Some(Value::String(text)) => text.clone(),
        Some(input) => input.to_string(),
        None => String::new(),
    };
    Some(ToolCall { id: text_at(block, "id"), name: text_at(block, "name"), kind, arguments })
}
