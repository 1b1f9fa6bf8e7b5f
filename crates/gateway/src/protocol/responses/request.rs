//! The items of a request of Responses.

use retrial_spec::{Message, Reply, Role, ToolCall, ToolKind, ToolResult};
use serde_json::{Value, json};

use super::item::{kind, tool_call};
use crate::protocol::conversation::{NO_RESULT, resulted, role, said, text_at, text_of};

/// Returns the messages of a request: its instructions, then one per item that says, calls or returns something.
pub(in crate::protocol) fn conversation(request: &Value) -> impl Iterator<Item = Message> {
    let instructions = request.get("instructions").and_then(Value::as_str);
    let input = request.get("input");
    let text = input.and_then(Value::as_str);
    let items = input.and_then(Value::as_array);
    let opening = [instructions.map(|text| (Role::System, text)), text.map(|text| (Role::User, text))];
    let opening = opening.into_iter().flatten().map(|(role, text)| said(role, text.to_owned()));
    opening.chain(items.into_iter().flatten().filter_map(message))
}

fn message(item: &Value) -> Option<Message> {
    let kind = kind(item);
    if kind == "message" {
        return Some(said(role(item), text_of(item.get("content"))));
    }
    if let Some(call) = tool_call(item) {
        return Some(Message { tool_calls: vec![call], ..said(Role::Assistant, String::new()) });
    }
    if !kind.ends_with("_call_output") {
        return None;
    }
    let output = item.get("output");
    let text = match output {
        Some(Value::Object(_)) => output.map(Value::to_string).unwrap_or_default(),
        _ => text_of(output),
    };
    Some(resulted(vec![ToolResult { call_id: text_at(item, "call_id"), text, is_error: None }]))
}

/// Appends a reply, results for its calls, and a question.
pub(in crate::protocol) fn append(
    input: &mut Value,
    reply: &Reply,
    said: &Value,
    question: &str,
) -> Option<()> {
    if let Value::String(text) = input {
        *input = json!([{"role": "user", "content": text}]);
    }
    let items = input.as_array_mut()?;
    let calls = &reply.tool_calls;
    if calls.iter().any(|call| call.kind == ToolKind::Builtin) {
        // Their results have forms of their own, so only the text is repeated.
        items.push(json!({"role": "assistant", "content": reply.text}));
    } else {
        items.extend(said.as_array().into_iter().flatten().cloned());
        items.extend(calls.iter().filter_map(result));
    }
    items.push(json!({"role": "user", "content": question}));
    Some(())
}

/// What stands for a call's result; none where the provider carried it out itself.
fn result(call: &ToolCall) -> Option<Value> {
    let kind = match call.kind {
        ToolKind::Function => "function_call_output",
        ToolKind::Custom => "custom_tool_call_output",
        _ => return None,
    };
    Some(json!({"type": kind, "call_id": call.id, "output": NO_RESULT}))
}
