//! The messages of a request of Chat Completions.

use retrial_spec::{Message, Reply, Role, ToolResult};
use serde_json::{Value, json};

use super::tool_call;
use crate::protocol::conversation::{NO_RESULT, resulted, role, said, text_at, text_of};

/// Returns the messages of a request.
pub(in crate::protocol) fn conversation(request: &Value) -> impl Iterator<Item = Message> {
    request.get("messages").and_then(Value::as_array).into_iter().flatten().map(message)
}

fn message(message: &Value) -> Message {
    let text = text_of(message.get("content"));
    let role = role(message);
    if role == Role::Tool {
        let result = ToolResult { call_id: text_at(message, "tool_call_id"), text, is_error: None };
        return resulted(vec![result]);
    }
    let calls = message.get("tool_calls").and_then(Value::as_array);
    Message { tool_calls: calls.into_iter().flatten().map(tool_call).collect(), ..said(role, text) }
}

/// Appends a reply, results for its calls, and a question.
pub(in crate::protocol) fn append(
    messages: &mut Value,
    reply: &Reply,
    said: &Value,
    question: &str,
) -> Option<()> {
    let messages = messages.as_array_mut()?;
    messages.push(said.clone());
    for call in &reply.tool_calls {
        messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": NO_RESULT}));
    }
    messages.push(json!({"role": "user", "content": question}));
    Some(())
}
