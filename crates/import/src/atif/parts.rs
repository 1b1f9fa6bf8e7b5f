//! The steps of a trajectory made valid: messages, tool calls, results and metrics.

use retrial_agents::validate_trajectory;
use serde_json::{Map, Value, json};

use super::normal::{Rest, call_ids, split, texts, whole_numbers, with_extra};
use crate::json::{below, object, text, whole_number};
use crate::{ImportError, Place};

const STEP: &[&str] = &[
    "step_id",
    "timestamp",
    "source",
    "model_name",
    "reasoning_effort",
    "message",
    "reasoning_content",
    "tool_calls",
    "observation",
    "metrics",
    "is_copied_context",
    "llm_call_count",
];
/// Fields that only steps of an agent may have.
const AGENT_ONLY: [&str; 5] =
    ["model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics"];
const CALL: &[&str] = &["tool_call_id", "function_name", "arguments"];
const RESULT: &[&str] = &["source_call_id", "content", "subagent_trajectory_ref"];
const REFERENCE: &[&str] = &["trajectory_id", "trajectory_path", "session_id"];
const METRICS: &[&str] = &[
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "cost_usd",
    "prompt_token_ids",
    "completion_token_ids",
    "logprobs",
];

/// Makes a step valid.
pub(super) fn step(value: Value, number: u64, place: &Place) -> Result<Value, ImportError> {
    let (mut step, mut rest) = split(object(value, place, "a step")?, STEP);
    if let Some(id) = step.insert("step_id".to_owned(), json!(number)).filter(|id| *id != json!(number)) {
        rest.push(("step_id".to_owned(), id));
    }
    let timestamp = step.get("timestamp").map(Value::as_str);
    if timestamp.is_some_and(|time| time.is_none_or(|time| !is_time(time))) {
        rest.extend(step.remove_entry("timestamp"));
    }
    if step.get("reasoning_content").is_some_and(|content| !content.is_string()) {
        rest.extend(step.remove_entry("reasoning_content"));
    }
    let message = step.remove("message");
    step.insert("message".to_owned(), content(message, "message", &mut rest).unwrap_or_else(|| json!("")));
    if step.get("source").and_then(Value::as_str).is_some_and(|source| source != "agent") {
        for name in AGENT_ONLY {
            rest.extend(step.remove_entry(name));
        }
    }
    calls(&mut step, place)?;
    if let Some(metrics) = step.remove("metrics") {
        let place = below(place, "/metrics");
        let (mut metrics, rest) = split(object(metrics, &place, "tokens and cost of a step")?, METRICS);
        whole_numbers(&mut metrics);
        step.insert("metrics".to_owned(), with_extra(metrics, rest));
    }
    if let Some(count) = step.get_mut("llm_call_count") {
        *count = whole_number(count);
    }
    let is_deterministic = step.get("llm_call_count").and_then(Value::as_u64) == Some(0);
    if is_deterministic && (step.contains_key("metrics") || step.contains_key("reasoning_content")) {
        rest.extend(step.remove_entry("llm_call_count"));
    }
    observation(&mut step, &mut rest, place)?;
    Ok(with_extra(step, rest))
}

/// Makes the tool calls of a step valid; arguments that are no object get the name `input`.
fn calls(step: &mut Map<String, Value>, place: &Place) -> Result<(), ImportError> {
    let Some(Value::Array(calls)) = step.remove("tool_calls") else { return Ok(()) };
    let mut valid = Vec::new();
    for (index, call) in calls.into_iter().enumerate() {
        let place = below(place, &format!("/tool_calls/{index}"));
        let (mut call, mut rest) = split(object(call, &place, "a tool call")?, CALL);
        texts(&mut call, &["tool_call_id"]);
        let (arguments, was_text) = arguments(call.remove("arguments"));
        call.insert("arguments".to_owned(), Value::Object(arguments));
        if was_text {
            rest.push(("arguments_not_an_object".to_owned(), json!(true)));
        }
        valid.push(with_extra(call, rest));
    }
    if !valid.is_empty() {
        step.insert("tool_calls".to_owned(), Value::Array(valid));
    }
    Ok(())
}

/// Returns arguments as an object, and whether they were a text that is none.
fn arguments(value: Option<Value>) -> (Map<String, Value>, bool) {
    let input = |value: Value| Map::from_iter([("input".to_owned(), value)]);
    match value {
        None => (Map::new(), false),
        Some(Value::Object(arguments)) => (arguments, false),
        Some(Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Object(arguments)) => (arguments, false),
            _ => (input(json!(text)), true),
        },
        Some(other) => (input(json!(other.to_string())), true),
    }
}

fn observation(step: &mut Map<String, Value>, rest: &mut Rest, place: &Place) -> Result<(), ImportError> {
    let Some(observation) = step.remove("observation") else { return Ok(()) };
    let place = below(place, "/observation");
    let (mut observation, mut unknown) =
        split(object(observation, &place, "results of tool calls")?, &["results"]);
    unknown.extend(observation.remove_entry("extra"));
    rest.extend(unknown.into_iter().map(|(name, value)| (format!("observation/{name}"), value)));
    let Some(Value::Array(results)) = observation.remove("results") else { return Ok(()) };
    let ids = call_ids(step);
    let mut valid = Vec::new();
    for (index, result) in results.into_iter().enumerate() {
        valid.push(self::result(result, &ids, &below(&place, &format!("/results/{index}")))?);
    }
    step.insert("observation".to_owned(), json!({"results": valid}));
    Ok(())
}

fn result(value: Value, ids: &[String], place: &Place) -> Result<Value, ImportError> {
    let (mut result, mut rest) = split(object(value, place, "what a tool call came to")?, RESULT);
    texts(&mut result, &["source_call_id"]);
    let source = result.get("source_call_id").map(|id| id.as_str().unwrap_or_default());
    if source.is_some_and(|source| ids.iter().all(|id| id != source)) {
        rest.extend(result.remove_entry("source_call_id"));
    }
    let content = content(result.remove("content"), "content", &mut rest);
    result.extend(content.map(|content| ("content".to_owned(), content)));
    let references = match result.remove("subagent_trajectory_ref") {
        Some(Value::Array(references)) => references,
        // Versions before 1.3 have no list of them.
        Some(reference @ Value::Object(_)) => vec![reference],
        other => {
            rest.extend(other.map(|other| ("subagent_trajectory_ref".to_owned(), other)));
            Vec::new()
        }
    };
    let mut valid = Vec::new();
    for (index, reference) in references.into_iter().enumerate() {
        let place = below(place, &format!("/subagent_trajectory_ref/{index}"));
        let (mut reference, unknown) = split(object(reference, &place, "a trajectory's name")?, REFERENCE);
        texts(&mut reference, REFERENCE);
        let reference = with_extra(reference, unknown);
        if text(&reference, "trajectory_id").or(text(&reference, "trajectory_path")).is_some() {
            valid.push(reference);
        } else {
            rest.push((format!("subagent_trajectory_ref/{index}"), reference));
        }
    }
    if !valid.is_empty() {
        result.insert("subagent_trajectory_ref".to_owned(), Value::Array(valid));
    }
    Ok(with_extra(result, rest))
}

/// Makes a message or a result valid: a text stays, parts that the format does not know become texts that name them, anything else
/// becomes the text of its JSON.
fn content(value: Option<Value>, name: &str, rest: &mut Rest) -> Option<Value> {
    let parts = match value? {
        Value::Array(parts) => parts,
        text @ Value::String(_) => return Some(text),
        other => return Some(json!(other.to_string())),
    };
    let valid = parts.into_iter().enumerate().map(|(index, part)| {
        let name = format!("{name}/{index}");
        let Value::Object(fields) = &part else { return plain(part, &name, rest) };
        let (mut known, mut unknown) = split(fields.clone(), &["type", "text", "source"]);
        unknown.extend(known.remove_entry("extra"));
        let known = Value::Object(known);
        if !is_part(&known) {
            return plain(part, &name, rest);
        }
        rest.extend(unknown.into_iter().map(|(field, value)| (format!("{name}/{field}"), value)));
        known
    });
    Some(Value::Array(valid.collect()))
}

/// Returns a part of text in the place of one that the format does not know, which is kept.
fn plain(part: Value, name: &str, rest: &mut Rest) -> Value {
    let text = match (&part, text(&part, "text")) {
        (Value::String(text), _) => text.clone(),
        (_, Some(text)) => text.to_owned(),
        _ => format!("[{}]", text(&part, "type").unwrap_or("unknown")),
    };
    rest.push((name.to_owned(), part));
    json!({"type": "text", "text": text})
}

fn is_part(part: &Value) -> bool {
    is_valid(&json!({"step_id": 1, "source": "user", "message": [part]}))
}

fn is_time(time: &str) -> bool {
    is_valid(&json!({"step_id": 1, "source": "user", "message": "", "timestamp": time}))
}

/// Whether a step alone is valid: the format's rules are written down once.
fn is_valid(step: &Value) -> bool {
    validate_trajectory(&json!({"agent": {"name": "a", "version": "1"}, "steps": [step]})).is_empty()
}
