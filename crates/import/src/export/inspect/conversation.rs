//! A trajectory as messages and events.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::own::KEY;

/// The fields of a step that messages have no place for; they are kept beside it.
const KEPT: [&str; 5] = ["timestamp", "reasoning_effort", "llm_call_count", "is_copied_context", "extra"];

/// The span of the agent's work.
pub(super) const SOLVERS: &str = "solvers";

/// What was said and done, in the words of the format.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The messages of the agent itself.
    pub(super) messages: Vec<Value>,
    /// The events of the agent and its sub-agents, as far as the times of all are known in their order.
    pub(super) events: Vec<Value>,
    /// The first words of the user.
    pub(super) input: Option<String>,
    /// The model's last answer.
    pub(super) output: Option<Value>,
    /// How many answers the model gave the agent itself.
    pub(super) turns: u64,
}

/// Where a trajectory stands: whose it is, and what its ids begin with.
struct Whose<'t> {
    span: &'t str,
    model: &'t str,
    started_at: Timestamp,
}

/// The events of one step.
struct Group {
    at: Option<Timestamp>,
    events: Vec<Value>,
}

impl Conversation {
    /// Returns the conversation of a trajectory. Steps without a time of their own are of the time `started_at`, and those that name
    /// no model are of the model `model`.
    pub(super) fn of(trajectory: &Value, model: &str, started_at: Timestamp) -> Self {
        let mut conversation = Self::default();
        let whose = Whose { span: SOLVERS, model, started_at };
        let mut groups = Vec::new();
        for step in list(trajectory, "steps") {
            conversation.step(step, &whose, &mut groups);
        }
        let mut spans = Vec::new();
        agents(trajectory, &whose, &mut spans, &mut groups);
        if groups.iter().all(|group| group.at.is_some()) {
            groups.sort_by_key(|group| group.at);
        }
        conversation.events = spans;
        conversation.events.extend(groups.into_iter().flat_map(|group| group.events));
        conversation
    }

    fn step(&mut self, step: &Value, whose: &Whose<'_>, groups: &mut Vec<Group>) {
        let words = text(step.get("message"));
        match step.get("source").and_then(Value::as_str) {
            Some("agent") => {
                let message = answer(step, whose);
                if is_a_reply(step) {
                    self.turns += 1;
                    self.output = Some(output(step, &message, whose));
                    groups.push(group(step, &message, whose));
                }
                self.messages.push(message);
            }
            Some("user") => {
                self.input.get_or_insert_with(|| words.clone());
                self.messages.push(said("user", &words, step, whose));
            }
            _ if words.is_empty() && step.get("observation").is_some() => {}
            _ => self.messages.push(said("system", &words, step, whose)),
        }
        self.messages.extend(results(step, whose));
    }
}

/// The conversations that tool calls started, each in a span of its own.
fn agents(trajectory: &Value, parent: &Whose<'_>, spans: &mut Vec<Value>, groups: &mut Vec<Group>) {
    for (inner, number) in list(trajectory, "subagent_trajectories").iter().zip(1..) {
        let span = format!("{}-{number}", parent.span);
        let name = inner.get("trajectory_id").and_then(Value::as_str).unwrap_or("agent");
        spans.push(json!({
            "event": "span_begin", "id": span, "span_id": span, "parent_id": parent.span, "type": "agent", "name": name,
            "timestamp": parent.started_at, "working_start": 0.0,
        }));
        let whose = Whose { span: &span, ..*parent };
        for step in list(inner, "steps") {
            if step["source"] == "agent" && is_a_reply(step) {
                groups.push(group(step, &answer(step, &whose), &whose));
            }
        }
        agents(inner, &whose, spans, groups);
    }
}

/// Whether a step of the agent is a reply of the model here, and not one that another conversation or the request repeats.
fn is_a_reply(step: &Value) -> bool {
    let is_set = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(true);
    !is_set(step.get("is_copied_context")) && !is_set(step.pointer("/extra/from_request"))
}

fn id(step: &Value, whose: &Whose<'_>) -> String {
    format!("{}-{}", whose.span, step.get("step_id").and_then(Value::as_u64).unwrap_or(0))
}

fn kept(step: &Value) -> Value {
    let own: Map<String, Value> =
        KEPT.iter().filter_map(|name| Some(((*name).to_owned(), step.get(name)?.clone()))).collect();
    json!({ KEY: own })
}

fn said(role: &str, words: &str, step: &Value, whose: &Whose<'_>) -> Value {
    json!({"id": id(step, whose), "role": role, "content": words, "metadata": kept(step)})
}

fn answer(step: &Value, whose: &Whose<'_>) -> Value {
    let words = text(step.get("message"));
    let content = match step.get("reasoning_content").and_then(Value::as_str) {
        Some(reasoning) => {
            json!([{"type": "reasoning", "reasoning": reasoning}, {"type": "text", "text": words}])
        }
        None => json!(words),
    };
    let call = |call: &Value| {
        json!({
            "id": text(call.get("tool_call_id")),
            "function": text(call.get("function_name")),
            "arguments": call.get("arguments").cloned().unwrap_or_else(|| json!({})),
            "type": "function",
        })
    };
    let calls: Vec<Value> = list(step, "tool_calls").iter().map(call).collect();
    let mut message = json!({
        "id": id(step, whose), "role": "assistant", "content": content, "source": "generate", "metadata": kept(step),
    });
    if let Some(model) = step.get("model_name").filter(|model| model.is_string()) {
        message["model"] = model.clone();
    }
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    message
}

fn results(step: &Value, whose: &Whose<'_>) -> Vec<Value> {
    let calls = list(step, "tool_calls");
    let observed = step.get("observation").map_or(&[][..], |observation| list(observation, "results"));
    let message = |(index, result): (usize, &Value)| {
        let content = result.get("content").filter(|content| !content.is_null())?;
        let call = result.get("source_call_id").and_then(Value::as_str);
        let mut message = json!({"id": format!("{}-{}", id(step, whose), index + 1), "role": "tool", "content": text(Some(content))});
        if let Some(call) = call {
            message["tool_call_id"] = json!(call);
            let made = calls.iter().find(|made| made["tool_call_id"] == call);
            message["function"] = json!(text(made.and_then(|made| made.get("function_name"))));
        }
        Some(message)
    };
    observed.iter().enumerate().filter_map(message).collect()
}

/// The events of a reply: the call of the model, and those of the tools that it made.
fn group(step: &Value, message: &Value, whose: &Whose<'_>) -> Group {
    let at = step.get("timestamp").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
    let shown = at.unwrap_or(whose.started_at);
    let since = shown.duration_since(whose.started_at).as_secs_f64().max(0.0);
    let common = |kind: &str| json!({"event": kind, "span_id": whose.span, "timestamp": shown, "working_start": since, "completed": shown});
    let mut model = common("model");
    merge(
        &mut model,
        json!({
            "model": model_of(step, whose), "input": [], "tools": [], "tool_choice": "auto", "config": {},
            "output": output(step, message, whose),
        }),
    );
    let answered = results(step, whose);
    let tool = |call: &Value| {
        let result = answered.iter().find(|result| result["tool_call_id"] == call["id"]);
        let mut event = common("tool");
        merge(
            &mut event,
            json!({
                "type": "function", "id": call["id"], "function": call["function"], "arguments": call["arguments"],
                "result": result.map_or_else(|| json!(""), |result| result["content"].clone()), "events": [],
            }),
        );
        event
    };
    let tools: Vec<Value> = list(message, "tool_calls").iter().map(tool).collect();
    Group { at, events: std::iter::once(model).chain(tools).collect() }
}

fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}

fn model_of<'v>(step: &'v Value, whose: &Whose<'v>) -> &'v str {
    step.get("model_name").and_then(Value::as_str).unwrap_or(whose.model)
}

fn output(step: &Value, message: &Value, whose: &Whose<'_>) -> Value {
    let said = step.pointer("/extra/stop_reason").and_then(Value::as_str).unwrap_or_default();
    let stop_reason = match said {
        "content_filter" | "refusal" => "content_filter",
        "length" | "max_tokens" | "max_output_tokens" => "max_tokens",
        "tool_calls" | "tool_use" | "function_call" => "tool_calls",
        "stop" | "end_turn" | "stop_sequence" | "completed" => "stop",
        _ if message.get("tool_calls").is_some() => "tool_calls",
        _ => "unknown",
    };
    let mut output = json!({
        "model": model_of(step, whose),
        "choices": [{"message": message, "stop_reason": stop_reason}],
        "completion": text(step.get("message")),
    });
    if let Some(usage) = step.get("metrics").and_then(usage) {
        output["usage"] = usage;
    }
    output
}

/// The tokens of a step; its input tokens are with those of the cache, and here they are without.
fn usage(metrics: &Value) -> Option<Value> {
    let count = |pointer: &str| metrics.pointer(pointer).and_then(Value::as_u64);
    let (read, written) = (count("/cached_tokens"), count("/extra/cache_write_tokens"));
    let output = count("/completion_tokens")?;
    let cached = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
    let input = count("/prompt_tokens")?.saturating_sub(cached);
    let mut usage = json!({
        "input_tokens": input, "output_tokens": output,
        "total_tokens": input.saturating_add(cached).saturating_add(output),
    });
    let more = [
        ("input_tokens_cache_read", read.map(Value::from)),
        ("input_tokens_cache_write", written.map(Value::from)),
        ("reasoning_tokens", count("/extra/reasoning_tokens").map(Value::from)),
        ("total_cost", metrics.get("cost_usd").filter(|cost| cost.is_number()).cloned()),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            usage[name] = value;
        }
    }
    Some(usage)
}

/// The words of a text or of parts; parts without words are left out.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let words: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            words.join("\n")
        }
        _ => String::new(),
    }
}

fn list<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
