//! Anthropic Messages.

use bytes::Bytes;
use retrial_spec::Usage;
use serde_json::{Value, json};

use super::pieces::{argument_pieces, named_event, text_pieces};
use super::{Offer, has_elements, list, model};
use crate::simulate::answer::Saying;
use crate::simulate::request::{BadRequest, Request};
use crate::simulate::tools::Tool;

pub(super) fn offer(body: &Value) -> Result<Offer, BadRequest> {
    let lacks = |key: &str| BadRequest(format!("{key}: Field required"));
    let model = model(body).ok_or_else(|| lacks("model"))?;
    body.get("max_tokens").and_then(Value::as_u64).ok_or_else(|| lacks("max_tokens"))?;
    if !has_elements(body, "messages") {
        return Err(lacks("messages"));
    }
    let tools = list(body, "tools").iter().filter_map(tool).collect();
    let may_call = body.pointer("/tool_choice/type").and_then(Value::as_str) != Some("none");
    Ok(Offer { model, tools, may_call })
}

/// A tool of the user's, or the shell that the protocol itself defines.
fn tool(tool: &Value) -> Option<Tool> {
    let name = tool.get("name")?.as_str()?;
    let kind = tool.get("type").and_then(Value::as_str);
    match tool.get("input_schema") {
        Some(schema) => Tool::new(name, schema),
        None if kind.is_some_and(|kind| kind.starts_with("bash_")) => {
            let schema = json!({"properties": {"command": {"type": "string"}}, "required": ["command"]});
            Tool::new(name, &schema)
        }
        None => None,
    }
}

pub(super) fn whole(request: &Request, saying: &Saying) -> Bytes {
    let text = json!({"type": "text", "text": saying.text});
    let call = saying.call.as_ref().map(|call| {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        json!({"type": "tool_use", "id": call_id(saying), "name": call.name, "input": input})
    });
    let content: Vec<Value> = std::iter::once(text).chain(call).collect();
    let stop = Value::from(stop_reason(saying));
    envelope(request, saying, &content, (stop, saying.usage.output)).to_string().into()
}

pub(super) fn stream(request: &Request, saying: &Saying) -> Vec<Bytes> {
    // At the beginning the output is what the first event itself takes; the last word is that of the end.
    let message = envelope(request, saying, &[], (Value::Null, 1));
    let mut data = vec![json!({"type": "message_start", "message": message})];
    let text = text_pieces(&saying.text).map(|piece| json!({"type": "text_delta", "text": piece}));
    data.extend(block(0, &json!({"type": "text", "text": ""}), text));
    data.insert(2, json!({"type": "ping"}));
    if let Some(call) = &saying.call {
        let begun = json!({"type": "tool_use", "id": call_id(saying), "name": call.name, "input": {}});
        let pieces = std::iter::once(String::new()).chain(argument_pieces(&call.arguments));
        let input = pieces.map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
        data.extend(block(1, &begun, input));
    }
    let delta = json!({"stop_reason": stop_reason(saying), "stop_sequence": null});
    let mut total = usage(&saying.usage, saying.usage.output);
    for key in ["cache_creation", "service_tier"] {
        total.as_object_mut().map(|total| total.remove(key));
    }
    data.push(json!({"type": "message_delta", "delta": delta, "usage": total}));
    data.push(json!({"type": "message_stop"}));
    data.iter().map(named_event).collect()
}

/// The events of a block of the content.
fn block(index: usize, begun: &Value, deltas: impl Iterator<Item = Value>) -> Vec<Value> {
    let start = json!({"type": "content_block_start", "index": index, "content_block": begun});
    let stop = json!({"type": "content_block_stop", "index": index});
    let deltas = deltas.map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta}));
    std::iter::once(start).chain(deltas).chain([stop]).collect()
}

fn envelope(request: &Request, saying: &Saying, content: &[Value], (stop, output): (Value, u64)) -> Value {
    json!({
        "model": request.model,
        "id": saying.ids.letters("msg_01", "id", 22),
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": usage(&saying.usage, output),
    })
}

fn call_id(saying: &Saying) -> String {
    saying.ids.letters("toolu_01", "call", 22)
}

fn stop_reason(saying: &Saying) -> &'static str {
    if saying.call.is_some() { "tool_use" } else { "end_turn" }
}

/// Usage in the protocol's words, in which the input is what was not cached.
fn usage(usage: &Usage, output: u64) -> Value {
    let written = usage.cache_write.unwrap_or(0);
    json!({
        "input_tokens": usage.uncached_input,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read.unwrap_or(0),
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    })
}
