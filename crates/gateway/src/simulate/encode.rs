//! What a simulated model says as the bytes of a reply: one JSON object, or a stream of events in small pieces.

use bytes::Bytes;
use retrial_spec::Usage;
use serde_json::{Value, json};

use super::answer::Saying;
use super::conversation::Request;

/// Characters of text per event, about what providers send.
const TEXT_PIECE: usize = 12;

/// Characters of a tool call's arguments per event.
const ARGUMENTS_PIECE: usize = 48;

const FINGERPRINT: &str = "fp_7a1c4e0b52";

/// Encodes a reply. `created` is in seconds since 1970.
pub(super) fn encode(request: &Request, saying: &Saying, created: i64) -> Vec<Bytes> {
    if request.streams { stream(request, saying, created) } else { vec![whole(request, saying, created)] }
}

/// The body of an error, in the shape of providers.
pub(super) fn error(message: &str, code: Option<&str>) -> Bytes {
    let status = http::StatusCode::BAD_REQUEST;
    crate::protocol::error_body(retrial_spec::Protocol::OpenaiChat, status, message, code)
}

fn whole(request: &Request, saying: &Saying, created: i64) -> Bytes {
    let mut message = json!({"role": "assistant", "content": saying.text, "refusal": null});
    if let Some(call) = &saying.call {
        message["tool_calls"] = json!([{
            "id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments},
        }]);
    }
    let body = json!({
        "id": saying.id,
        "object": "chat.completion",
        "created": created,
        "model": request.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(saying)}],
        "usage": usage(&saying.usage),
        "system_fingerprint": FINGERPRINT,
    });
    body.to_string().into()
}

fn stream(request: &Request, saying: &Saying, created: i64) -> Vec<Bytes> {
    let chunk = |choices: Value, usage: Value| {
        let mut body = json!({
            "id": saying.id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": request.model,
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
    events
        .extend(pieces(&saying.text, TEXT_PIECE).map(|piece| delta(json!({"content": piece}), Value::Null)));
    if let Some(call) = &saying.call {
        let first = json!({"index": 0, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}});
        events.push(delta(json!({"tool_calls": [first]}), Value::Null));
        events.extend(pieces(&call.arguments, ARGUMENTS_PIECE).map(|piece| {
            delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}), Value::Null)
        }));
    }
    events.push(delta(json!({}), json!(finish_reason(saying))));
    if request.wants_usage {
        events.push(chunk(json!([]), usage(&saying.usage)));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
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

/// A text in pieces of so many characters.
fn pieces(text: &str, length: usize) -> impl Iterator<Item = String> + '_ {
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        characters.peek()?;
        Some(characters.by_ref().take(length).collect())
    })
}
