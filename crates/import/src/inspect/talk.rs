//! The trajectory of a sample, made of its messages, and its tool calls in order.

use std::collections::{BTreeMap, HashMap};

use retrial_agents::atif::{Metrics, Speaker, Step};
use retrial_spec::{Fact, MissingReason, Source, ToolCall};
use serde_json::{Map, Value, json};

use super::events::{Events, ModelCall};
use super::sample::{Message, MessageCall, ModelUsage};
use crate::own::KEY;
use crate::{FoundAgent, TrajectoryBuilder};

/// How a text begins that stands for another one, kept apart.
const ATTACHMENT: &str = "attachment://";

/// The texts that are kept apart, by the names that stand for them.
type Attachments = BTreeMap<String, String>;

/// What is known of messages beside their words.
pub(super) struct Talk<'s> {
    attachments: &'s Attachments,
    models: HashMap<&'s str, &'s ModelCall>,
    tools: HashMap<&'s str, &'s str>,
}

/// Returns the tool calls in order: those of the events, which hold the calls of sub-agents; where none is there, those of the messages.
pub(super) fn calls(
    messages: Option<&[Message]>,
    events: &Events,
    attachments: &Attachments,
) -> Fact<Vec<ToolCall>> {
    let call = |id: &str, function: &str, arguments: &Value| {
        ToolCall::function(id, function, whole(arguments.clone(), attachments).to_string())
    };
    let made = events.tool_calls.iter().map(|tool| call(&tool.id, &tool.function, &tool.arguments));
    let said = messages.unwrap_or_default().iter().flat_map(|message| message.tool_calls.iter().flatten());
    let said = said.map(|made| call(&made.id, &made.function, &made.arguments));
    let calls: Vec<ToolCall> = if events.tool_calls.is_empty() { said.collect() } else { made.collect() };
    if events.is_empty() && messages.is_none_or(<[Message]>::is_empty) {
        return Fact::Missing(MissingReason::NotRecorded);
    }
    Fact::known(calls, Source::Imported)
}

/// Puts the texts that are kept apart in their places.
fn whole(value: Value, attachments: &Attachments) -> Value {
    match value {
        Value::String(text) => Value::String(resolved(&text, attachments).to_owned()),
        Value::Array(items) => items.into_iter().map(|item| whole(item, attachments)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, whole(value, attachments))).collect())
        }
        other => other,
    }
}

fn resolved<'t>(text: &'t str, attachments: &'t Attachments) -> &'t str {
    text.strip_prefix(ATTACHMENT).and_then(|name| attachments.get(name)).map_or(text, String::as_str)
}

impl<'s> Talk<'s> {
    pub(super) fn new(attachments: &'s Attachments, events: &'s Events) -> Self {
        let models = events.model_calls.iter().filter_map(|call| Some((call.message.as_deref()?, call)));
        let tools = events.tool_calls.iter().filter_map(|tool| Some((tool.id.as_str(), tool.at.as_deref()?)));
        Self { attachments, models: models.collect(), tools: tools.collect() }
    }

    /// Returns the trajectory of messages; none without any.
    pub(super) fn trajectory(
        &self,
        messages: &[Message],
        agent: &FoundAgent,
        session: &str,
    ) -> Option<Value> {
        let mut builder = TrajectoryBuilder::default();
        for message in messages {
            self.message(message, &mut builder);
        }
        builder.finish(agent, session)
    }

    fn message(&self, message: &Message, builder: &mut TrajectoryBuilder) {
        let (text, reasoning) = self.words(message.content.as_ref());
        match message.role.as_str() {
            "assistant" => self.agent(message, text, reasoning, builder),
            "tool" => {
                let call = message.tool_call_id.as_deref().unwrap_or_default();
                let at = self.tools.get(call).map(|at| (*at).to_owned()).filter(|at| is_time(at));
                let error = message.error.as_ref().and_then(|error| error.message.clone());
                builder.result(call, at, if text.is_empty() { error.unwrap_or_default() } else { text });
            }
            "system" => builder.say(Speaker::System, None, text),
            _ => builder.say(Speaker::User, None, text),
        }
        if let (Some(own), Some(step)) =
            (message.metadata.as_ref().and_then(|all| all.get(KEY)), builder.last())
        {
            restore(step, own);
        }
    }

    fn agent(
        &self,
        message: &Message,
        text: String,
        reasoning: Option<String>,
        builder: &mut TrajectoryBuilder,
    ) {
        let call = message.id.as_deref().and_then(|id| self.models.get(id));
        let at = call.and_then(|call| call.at.clone()).filter(|at| is_time(at));
        let step = builder.agent(at, text);
        step.model_name.clone_from(&message.model);
        step.reasoning_content = reasoning;
        step.metrics = call.and_then(|call| call.usage.as_ref()).map(metrics);
        for MessageCall { id, function, arguments } in message.tool_calls.iter().flatten() {
            let arguments = whole(arguments.clone(), self.attachments).to_string();
            builder.call(ToolCall::function(id, function, arguments));
        }
    }

    /// The words of a message and the reasoning in it. What is neither stands as its kind in brackets.
    fn words(&self, content: Option<&Value>) -> (String, Option<String>) {
        let parts = match content {
            Some(Value::String(text)) => return (resolved(text, self.attachments).to_owned(), None),
            Some(Value::Array(parts)) => parts.as_slice(),
            _ => return (String::new(), None),
        };
        let (mut words, mut thoughts) = (Vec::new(), Vec::new());
        for part in parts {
            let text = |name: &str| Some(resolved(part.get(name)?.as_str()?, self.attachments).to_owned());
            match part.get("type").and_then(Value::as_str) {
                Some("text") => words.extend(text("text")),
                // The provider gives some reasoning as a cipher and a summary of it.
                Some("reasoning") if part.get("redacted") == Some(&json!(true)) => {
                    thoughts.extend(text("summary"));
                }
                Some("reasoning") => thoughts.extend(text("reasoning")),
                Some(other) => words.push(format!("[{other}]")),
                None => {}
            }
        }
        thoughts.retain(|thought| !thought.is_empty());
        (words.join("\n"), (!thoughts.is_empty()).then(|| thoughts.join("\n")))
    }
}

/// Puts what an export keeps of a step in its places.
fn restore(step: &mut Step, own: &Value) {
    let text = |name: &str| own.get(name).and_then(Value::as_str).map(str::to_owned);
    step.timestamp = text("timestamp").filter(|at| is_time(at));
    step.is_copied_context = own.get("is_copied_context").and_then(Value::as_bool);
    if let Some(Value::Object(extra)) = own.get("extra") {
        step.extra.clone_from(extra);
    }
    if step.source == Speaker::Agent {
        step.reasoning_effort = text("reasoning_effort");
        step.llm_call_count = own.get("llm_call_count").and_then(Value::as_u64).filter(|calls| *calls > 0);
    }
}

fn is_time(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

/// Tokens and money of a step; its input tokens are with those of the cache.
fn metrics(usage: &ModelUsage) -> Metrics {
    let usage_of = usage.counters(&mut Vec::new());
    let cached = usage_of.cache_read.unwrap_or(0).saturating_add(usage_of.cache_write.unwrap_or(0));
    let mut extra = Map::new();
    extra.extend(usage_of.cache_write.map(|written| ("cache_write_tokens".to_owned(), json!(written))));
    extra.extend(usage_of.reasoning.map(|reasoning| ("reasoning_tokens".to_owned(), json!(reasoning))));
    Metrics {
        prompt_tokens: Some(usage_of.uncached_input.saturating_add(cached)),
        completion_tokens: Some(usage_of.output),
        cached_tokens: usage_of.cache_read,
        cost_usd: usage.total_cost.and_then(|cost| cost.0),
        extra,
    }
}
