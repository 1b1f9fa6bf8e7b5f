//! The items of Responses, of which both requests and replies consist.

use retrial_spec::{ToolCall, ToolKind};
use serde_json::Value;

use crate::protocol::conversation::text_at;

/// The fields of a call that are no arguments: its identity, its state and what it came to.
const NO_ARGUMENTS: [&str; 9] =
    ["type", "id", "call_id", "status", "result", "results", "output", "outputs", "error"];

/// Built-in tools that the agent carries out.
const BUILTIN: [&str; 4] = ["local_shell_call", "shell_call", "apply_patch_call", "computer_call"];

/// Returns the type of an item; a message may leave it out.
pub(super) fn kind(item: &Value) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or("message")
}

/// Reads an item as a call, where it is one.
pub(super) fn tool_call(item: &Value) -> Option<ToolCall> {
    let kind = kind(item);
    let (kind, name, arguments) = match kind {
        "function_call" => (ToolKind::Function, text_at(item, "name"), text_at(item, "arguments")),
        "custom_tool_call" => (ToolKind::Custom, text_at(item, "name"), text_at(item, "input")),
        "mcp_call" => (ToolKind::Server, text_at(item, "name"), text_at(item, "arguments")),
        _ => {
            let name = kind.strip_suffix("_call")?;
            let is_ours =
                BUILTIN.contains(&kind) || item.get("execution").and_then(Value::as_str) == Some("client");
            let kind = if is_ours { ToolKind::Builtin } else { ToolKind::Server };
            (kind, name.to_owned(), rest(item))
        }
    };
    let id = item.get("call_id").or_else(|| item.get("id")).and_then(Value::as_str).unwrap_or("");
    Some(ToolCall { id: id.to_owned(), name, kind, arguments })
}

/// The arguments of a built-in tool: what its item says besides its identity and result.
fn rest(item: &Value) -> String {
    let fields = item.as_object().into_iter().flatten();
    let rest = fields.filter(|(name, _)| !NO_ARGUMENTS.contains(&name.as_str()));
    Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect()).to_string()
}

/// Returns the texts of a list under a name, such as the `content` of a message or the `summary` of a reasoning.
pub(super) fn texts<'a>(item: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    item.get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|part| part.get("text")?.as_str())
}

/// Returns the refusals in a message's content.
pub(super) fn refusals(item: &Value) -> impl Iterator<Item = &str> {
    let parts = item.get("content").and_then(Value::as_array).into_iter().flatten();
    parts.filter_map(|part| part.get("refusal")?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_call_is_read() {
        let read = |item: Value| {
            let call = tool_call(&item).unwrap();
            (call.kind, call.id, call.name, call.arguments)
        };
        let call = |kind, id: &str, name: &str, arguments: &str| {
            (kind, id.to_owned(), name.to_owned(), arguments.to_owned())
        };
        assert_eq!(
            read(
                json!({"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{ }"})
            ),
            call(ToolKind::Function, "c", "f", "{ }")
        );
        assert_eq!(
            read(
                json!({"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin"})
            ),
            call(ToolKind::Custom, "c", "apply_patch", "*** Begin")
        );
        assert_eq!(
            read(json!({"type": "local_shell_call", "id": "i", "call_id": "c", "status": "completed",
                "action": {"type": "exec", "command": ["ls"]}})),
            call(ToolKind::Builtin, "c", "local_shell", r#"{"action":{"command":["ls"],"type":"exec"}}"#)
        );
        assert_eq!(
            read(json!({"type": "web_search_call", "id": "ws", "status": "completed",
                "action": {"type": "search", "query": "q"}})),
            call(ToolKind::Server, "ws", "web_search", r#"{"action":{"query":"q","type":"search"}}"#)
        );
        assert_eq!(tool_call(&json!({"type": "message"})), None);
        assert_eq!(tool_call(&json!(3)), None);
    }
}
