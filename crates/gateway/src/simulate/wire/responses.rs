//! `OpenAI` Responses.

use bytes::Bytes;
use retrial_spec::Usage;
use serde_json::{Value, json};

use super::pieces::{argument_pieces, named_event, text_pieces};
use super::{Offer, has_elements, lacks, list, model};
use crate::simulate::answer::Saying;
use crate::simulate::request::{BadRequest, Request};
use crate::simulate::tools::Tool;

pub(super) fn offer(body: &Value) -> Result<Offer, BadRequest> {
    let model = model(body).ok_or_else(|| lacks("model"))?;
    if !has_elements(body, "input") && !body.get("input").is_some_and(Value::is_string) {
        return Err(lacks("input"));
    }
    // Tools within a namespace, free-form tools and those that the provider runs itself are left alone.
    let is_function = |tool: &&Value| tool.get("type").and_then(Value::as_str) == Some("function");
    let tools = list(body, "tools").iter().filter(is_function).filter_map(Tool::function).collect();
    let may_call = body.get("tool_choice").and_then(Value::as_str) != Some("none");
    Ok(Offer { model, tools, may_call })
}

pub(super) fn whole(request: &Request, saying: &Saying, created: i64) -> Bytes {
    completed(request, saying, created).to_string().into()
}

pub(super) fn stream(request: &Request, saying: &Saying, created: i64) -> Vec<Bytes> {
    let begun = response(request, saying, created, "in_progress");
    let mut data = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    data.extend(message_events(saying));
    data.extend(call_events(saying));
    data.push(json!({"type": "response.completed", "response": completed(request, saying, created)}));
    let numbered = data.into_iter().enumerate().map(|(number, mut data)| {
        data["sequence_number"] = json!(number);
        named_event(&data)
    });
    numbered.collect()
}

fn message_events(saying: &Saying) -> Vec<Value> {
    let (id, place) = (message_id(saying), 0);
    let part = |text: &str| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
    let in_part = |kind: &str, key: &str, value: Value| {
        let mut event = json!({"type": kind, "item_id": id, "output_index": place, "content_index": 0});
        event[key] = value;
        event
    };
    let with_logprobs = |mut event: Value| {
        event["logprobs"] = json!([]);
        event
    };
    let begun =
        json!({"id": id, "type": "message", "status": "in_progress", "content": [], "role": "assistant"});
    let mut events = vec![
        json!({"type": "response.output_item.added", "output_index": place, "item": begun}),
        in_part("response.content_part.added", "part", part("")),
    ];
    events.extend(
        text_pieces(&saying.text)
            .map(|piece| with_logprobs(in_part("response.output_text.delta", "delta", json!(piece)))),
    );
    events.extend([
        with_logprobs(in_part("response.output_text.done", "text", json!(saying.text))),
        in_part("response.content_part.done", "part", part(&saying.text)),
        json!({"type": "response.output_item.done", "output_index": place, "item": message(saying)}),
    ]);
    events
}

fn call_events(saying: &Saying) -> Vec<Value> {
    let Some(done) = call(saying) else { return Vec::new() };
    let (id, place, arguments) = (done["id"].clone(), 1, done["arguments"].clone());
    let mut begun = done.clone();
    begun["arguments"] = json!("");
    begun["status"] = json!("in_progress");
    let mut events =
        vec![json!({"type": "response.output_item.added", "output_index": place, "item": begun})];
    let pieces = argument_pieces(arguments.as_str().unwrap_or_default()).map(|piece| {
        json!({
            "type": "response.function_call_arguments.delta", "item_id": id, "output_index": place, "delta": piece,
        })
    });
    events.extend(pieces);
    events.extend([
        json!({
            "type": "response.function_call_arguments.done", "item_id": id, "output_index": place, "arguments": arguments,
        }),
        json!({"type": "response.output_item.done", "output_index": place, "item": done}),
    ]);
    events
}

/// The message as an item of the output.
fn message(saying: &Saying) -> Value {
    let part = json!({"type": "output_text", "annotations": [], "logprobs": [], "text": saying.text});
    json!({
        "id": message_id(saying), "type": "message", "status": "completed", "content": [part], "role": "assistant",
    })
}

/// The call as an item of the output.
fn call(saying: &Saying) -> Option<Value> {
    let call = saying.call.as_ref()?;
    Some(json!({
        "id": saying.ids.hex("fc_", "call item", 48),
        "type": "function_call",
        "status": "completed",
        "arguments": call.arguments,
        "call_id": saying.ids.letters("call_", "call", 24),
        "name": call.name,
    }))
}

fn message_id(saying: &Saying) -> String {
    saying.ids.hex("msg_", "message", 48)
}

fn completed(request: &Request, saying: &Saying, created: i64) -> Value {
    let mut response = response(request, saying, created, "completed");
    response["output"] = std::iter::once(message(saying)).chain(call(saying)).collect();
    response["usage"] = usage(&saying.usage);
    response
}

/// A response without its output. It repeats what the request set.
fn response(request: &Request, saying: &Saying, created: i64, status: &str) -> Value {
    let set = |key: &str, otherwise: Value| {
        request.body.get(key).filter(|value| !value.is_null()).cloned().unwrap_or(otherwise)
    };
    let with_defaults = |value: Value, defaults: &[(&str, Value)]| {
        let mut value = value;
        if let Some(map) = value.as_object_mut() {
            for (key, default) in defaults {
                map.entry(*key).or_insert_with(|| default.clone());
            }
        }
        value
    };
    let reasoning = [("effort", Value::Null), ("summary", Value::Null)];
    let text = [("format", json!({"type": "text"})), ("verbosity", json!("medium"))];
    json!({
        "id": saying.ids.hex("resp_", "id", 48),
        "object": "response",
        "created_at": created,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": set("instructions", Value::Null),
        "max_output_tokens": set("max_output_tokens", Value::Null),
        "max_tool_calls": null,
        "model": request.model,
        "output": [],
        "parallel_tool_calls": set("parallel_tool_calls", json!(true)),
        "previous_response_id": set("previous_response_id", Value::Null),
        "prompt_cache_key": set("prompt_cache_key", Value::Null),
        "reasoning": with_defaults(set("reasoning", json!({})), &reasoning),
        "safety_identifier": null,
        "service_tier": "default",
        "store": set("store", json!(true)),
        "temperature": set("temperature", json!(1.0)),
        "text": with_defaults(set("text", json!({})), &text),
        "tool_choice": set("tool_choice", json!("auto")),
        "tools": set("tools", json!([])),
        "top_logprobs": 0,
        "top_p": set("top_p", json!(1.0)),
        "truncation": set("truncation", json!("disabled")),
        "usage": null,
        "user": null,
        "metadata": set("metadata", json!({})),
    })
}

/// Usage in the protocol's words, in which the input includes what was cached.
fn usage(usage: &Usage) -> Value {
    let cached = usage.cache_read.unwrap_or(0);
    let input = usage.uncached_input + cached;
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning.unwrap_or(0)},
        "total_tokens": input + usage.output,
    })
}
