//! `OpenAI` Chat Completions.

use bytes::Bytes;
use retrial_spec::Usage;
use serde_json::{Value, json};

use super::pieces::{argument_pieces, text_pieces};
use super::{Offer, has_elements, lacks, list, model};
use crate::simulate::answer::{Call, Saying};
use crate::simulate::request::{BadRequest, Request};
use crate::simulate::tools::Tool;

const FINGERPRINT: &str = "fp_7a1c4e0b52";

pub(super) fn offer(body: &Value) -> Result<Offer, BadRequest> {
    let model = model(body).ok_or_else(|| BadRequest("you must provide a model parameter".to_owned()))?;
    if !has_elements(body, "messages") {
        return Err(lacks("messages"));
    }
    let tools = list(body, "tools").iter().filter_map(|tool| Tool::function(tool.get("function")?)).collect();
    let may_call = body.get("tool_choice").and_then(Value::as_str) != Some("none");
    Ok(Offer { model, tools, may_call })
}

pub(super) fn whole(request: &Request, saying: &Saying, created: i64) -> Bytes {
    let mut message =
        json!({"role": "assistant", "content": saying.text, "refusal": null, "annotations": []});
    if let Some(call) = &saying.call {
        let id = call_id(saying);
        let function = json!({"name": call.name, "arguments": call.arguments});
        message["tool_calls"] = json!([{"id": id, "type": "function", "function": function}]);
    }
    let body = json!({
        "id": completion_id(saying),
        "object": "chat.completion",
        "created": created,
        "model": request.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(saying)}],
        "usage": usage(&saying.usage),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    });
    body.to_string().into()
}

pub(super) fn stream(request: &Request, saying: &Saying, created: i64) -> Vec<Bytes> {
    let id = completion_id(saying);
    let chunk = |choices: Value, usage: Value| {
        let mut body = json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": request.model,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        });
        if request.wants_usage {
            body["usage"] = usage;
        }
        Bytes::from(format!("data: {body}\n\n"))
    };
    let delta = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]), Value::Null)
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
    events.extend(text_pieces(&saying.text).map(|piece| delta(json!({"content": piece}), Value::Null)));
    if let Some(call) = &saying.call {
        events
            .extend(call_deltas(saying, call).map(|call| delta(json!({"tool_calls": [call]}), Value::Null)));
    }
    events.push(delta(json!({}), json!(finish_reason(saying))));
    if request.wants_usage {
        events.push(chunk(json!([]), usage(&saying.usage)));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

/// The parts of a call: first its name, then its arguments.
fn call_deltas<'a>(saying: &Saying, call: &'a Call) -> impl Iterator<Item = Value> + 'a {
    let function = json!({"name": call.name, "arguments": ""});
    let first = json!({"index": 0, "id": call_id(saying), "type": "function", "function": function});
    let rest =
        argument_pieces(&call.arguments).map(|piece| json!({"index": 0, "function": {"arguments": piece}}));
    std::iter::once(first).chain(rest)
}

fn completion_id(saying: &Saying) -> String {
    saying.ids.letters("chatcmpl-", "id", 29)
}

fn call_id(saying: &Saying) -> String {
    saying.ids.letters("call_", "call", 24)
}

fn finish_reason(saying: &Saying) -> &'static str {
    if saying.call.is_some() { "tool_calls" } else { "stop" }
}

/// Usage in the protocol's words, in which the prompt includes what was cached.
fn usage(usage: &Usage) -> Value {
    let cached = usage.cache_read.unwrap_or(0);
    let prompt = usage.uncached_input + cached;
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning.unwrap_or(0), "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    })
}
