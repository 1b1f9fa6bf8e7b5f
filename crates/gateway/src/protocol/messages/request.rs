//! The messages of a request of Messages.

use retrial_spec::{Message, Reply, Role, ToolKind, ToolResult};
use serde_json::{Value, json};

use super::block::{blocks, kind, tool_call};
use crate::protocol::conversation::{NO_RESULT, resulted, role, said, text_at, text_of};

/// Returns the messages of a request, the system's first.
pub(in crate::protocol) fn conversation(request: &Value) -> impl Iterator<Item = Message> {
    let system = text_of(request.get("system"));
    let system = Some(system).filter(|text| !text.is_empty()).map(|text| said(Role::System, text));
    let messages = request.get("messages").and_then(Value::as_array);
    system.into_iter().chain(messages.into_iter().flatten().flat_map(message))
}

fn message(message: &Value) -> impl Iterator<Item = Message> {
    let content = message.get("content");
    let results: Vec<ToolResult> = blocks(content).filter_map(result).collect();
    let says = Message {
        tool_calls: blocks(content).filter_map(tool_call).collect(),
        ..said(role(message), text_of(content))
    };
    let is_silent = says.text.is_empty() && says.tool_calls.is_empty() && !results.is_empty();
    let results = Some(results).filter(|results| !results.is_empty()).map(resulted);
    results.into_iter().chain((!is_silent).then_some(says))
}

fn result(block: &Value) -> Option<ToolResult> {
    (kind(block) == "tool_result").then(|| ToolResult {
        call_id: text_at(block, "tool_use_id"),
        text: text_of(block.get("content")),
        is_error: Some(block.get("is_error").and_then(Value::as_bool).unwrap_or(false)),
    })
}

/// Appends a reply, results for its calls, and a question.
pub(in crate::protocol) fn append(
    messages: &mut Value,
    reply: &Reply,
    said: &Value,
    question: &str,
) -> Option<()> {
    let messages = messages.as_array_mut()?;
    let mut blocks: Vec<Value> = blocks(Some(said)).filter(|block| !is_empty_text(block)).cloned().collect();
    for block in blocks.iter_mut().filter(|block| block.get("input").is_some_and(Value::is_string)) {
        // What the model wrote was no JSON, which a request cannot repeat.
        block["input"] = json!({});
    }
    let mut answer: Vec<Value> = Vec::new();
    if !blocks.is_empty() {
        messages.push(json!({"role": "assistant", "content": blocks}));
        let calls = reply.tool_calls.iter().filter(|call| call.kind == ToolKind::Function);
        answer.extend(calls.map(
            |call| json!({"type": "tool_result", "tool_use_id": call.id, "content": NO_RESULT, "is_error": true}),
        ));
    }
    answer.push(json!({"type": "text", "text": question}));
    messages.push(json!({"role": "user", "content": answer}));
    Some(())
}

/// Empty texts are refused in a request, though models say them.
fn is_empty_text(block: &Value) -> bool {
    kind(block) == "text" && block.get("text").and_then(Value::as_str).is_none_or(str::is_empty)
}
