//! The spans of a trial: the agent, the replies of its model, and the tools that they call.

use jiff::{SignedDuration, Timestamp};
use retrial_spec::{CrashReason, Ending, Usage};
use serde_json::{Value, json};

use super::span::{CLIENT, INTERNAL, Ids, Interval, Span};
use super::{Trace, TracedTrial};

/// How deep trajectories of sub-agents may lie in each other.
const DEPTH: usize = 32;

/// Returns the trace of a trial; none where no time of it is known at all, for a span has one.
pub fn trace(trial: &TracedTrial<'_>) -> Option<Trace> {
    let at = interval(trial)?;
    let mut spans = Spans {
        trial,
        whole: at,
        ids: Ids::of(format!("{}/{}", trial.run, trial.record.trial)),
        done: Vec::new(),
        without_time: 0,
    };
    let root = spans.agent(at);
    let id = root.id();
    spans.done.push(root.finish());
    if let Some(trajectory) = trial.trajectory {
        spans.conversation(trajectory, &id, DEPTH);
    }
    let service = json!({"key": "service.name", "value": {"stringValue": "retrial"}});
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": [service]},
        "scopeSpans": [{"scope": {"name": "retrial", "version": env!("CARGO_PKG_VERSION")}, "spans": spans.done}],
    }]});
    Some(Trace { request, without_time: spans.without_time })
}

/// From when to when the agent worked: by the record, else from its first step with a time to its last.
fn interval(trial: &TracedTrial<'_>) -> Option<Interval> {
    let times = trial.record.times;
    let milliseconds = |count: Option<u64>| {
        SignedDuration::from_millis(count.and_then(|count| count.try_into().ok()).unwrap_or(0))
    };
    let steps: Vec<Timestamp> = trial.trajectory.into_iter().flat_map(steps).filter_map(moment).collect();
    let (first, last) = (steps.iter().min().copied(), steps.iter().max().copied());
    if let Some(started_at) = trial.started_at {
        let start = started_at.checked_add(milliseconds(times.setup_ms)).ok()?;
        let stated = times.agent_ms.and_then(|_| start.checked_add(milliseconds(times.agent_ms)).ok());
        let source = if stated.is_some() { "record" } else { "steps" };
        return Some(Interval { start, end: stated.or(last).unwrap_or(start), source });
    }
    Some(Interval { start: first?, end: last?, source: "steps" })
}

struct Spans<'t, 'a> {
    trial: &'t TracedTrial<'a>,
    whole: Interval,
    ids: Ids,
    done: Vec<Value>,
    without_time: u64,
}

impl Spans<'_, '_> {
    /// The span of the whole trial.
    fn agent(&mut self, at: Interval) -> Span {
        let TracedTrial { run, record, version, .. } = self.trial;
        let name = format!("invoke_agent {}", record.trial.agent);
        let mut span = Span::new(&mut self.ids, None, &name, INTERNAL, at);
        span.text("gen_ai.operation.name", Some("invoke_agent"));
        span.text("gen_ai.agent.name", Some(record.trial.agent.as_str()));
        span.text("gen_ai.agent.version", *version);
        span.text("gen_ai.conversation.id", Some(&record.trial.to_string()));
        model(&mut span, self.trial.model);
        if let Some(usage) = record.usage.value() {
            tokens(&mut span, usage);
        }
        span.text("retrial.run", Some(run.as_str()));
        span.text("retrial.task", Some(record.trial.task.as_str()));
        span.text("retrial.agent", Some(record.trial.agent.as_str()));
        span.text("retrial.condition", Some(record.trial.condition.as_str()));
        span.count("retrial.trial", Some(record.trial.number.into()));
        span.count("retrial.attempts", Some(record.attempts.into()));
        span.text("retrial.ending", Some(record.ending.as_str()));
        span.text("retrial.verdict", Some(record.verdict.as_str()));
        span.number("retrial.reward", record.verdict.reward());
        span.count("retrial.cost_usd_micros", record.cost.value().map(|cost| cost.usd_micros));
        span.number("retrial.confidence", record.confidence.value().copied());
        if let Some((kind, message)) = failure(&record.ending) {
            span.failed(kind, message.as_deref());
        }
        span
    }

    /// The replies of a conversation, and the conversations of its sub-agents.
    fn conversation(&mut self, trajectory: &Value, parent: &str, depth: usize) {
        let replies: Vec<&Value> = steps(trajectory)
            .filter(|step| word(step, "source") == Some("agent"))
            .filter(|step| step.get("is_copied_context").and_then(Value::as_bool) != Some(true))
            .collect();
        for (index, step) in replies.iter().enumerate() {
            let at = self.reply_at(step);
            if at.source == "trial" {
                self.without_time += 1;
            }
            self.reply(step, parent, at, trajectory);
            let next = replies.get(index + 1).map(|step| self.reply_at(step));
            self.tools(step, parent, at, next);
        }
        let inner = trajectory.get("subagent_trajectories").and_then(Value::as_array);
        if depth == 0 {
            return;
        }
        for trajectory in inner.into_iter().flatten() {
            let agent = trajectory.pointer("/agent/name").and_then(Value::as_str).unwrap_or("sub-agent");
            let times: Vec<Timestamp> = steps(trajectory).filter_map(moment).collect();
            let at = match (times.iter().min(), times.iter().max()) {
                (Some(start), Some(end)) => Interval { start: *start, end: *end, source: "steps" },
                _ => Interval { source: "trial", ..self.whole },
            };
            let name = format!("invoke_agent {agent}");
            let mut span = Span::new(&mut self.ids, Some(parent), &name, INTERNAL, at);
            span.text("gen_ai.operation.name", Some("invoke_agent"));
            span.text("gen_ai.agent.name", Some(agent));
            span.text("gen_ai.conversation.id", word(trajectory, "trajectory_id"));
            model(
                &mut span,
                trajectory.pointer("/agent/model_name").and_then(Value::as_str).or(self.trial.model),
            );
            let id = span.id();
            self.done.push(span.finish());
            self.conversation(trajectory, &id, depth - 1);
        }
    }

    /// When a reply was asked for and there: as its exchange says, else the moment of its step, else the whole trial.
    fn reply_at(&self, step: &Value) -> Interval {
        let number = step.pointer("/extra/exchange").and_then(Value::as_u64);
        if let Some((start, end)) = number.and_then(|number| self.trial.exchanges.get(&number)) {
            return Interval { start: *start, end: *end, source: "exchange" };
        }
        match moment(step) {
            Some(at) => Interval { start: at, end: at, source: "end_only" },
            None => Interval { source: "trial", ..self.whole },
        }
    }

    fn reply(&mut self, step: &Value, parent: &str, at: Interval, trajectory: &Value) {
        let of_trajectory = || trajectory.pointer("/agent/model_name").and_then(Value::as_str);
        let named = self.trial.model.or_else(of_trajectory);
        let answered = word(step, "model_name");
        let (_, asked) = named.map_or((None, None), parts);
        let name = format!("chat {}", asked.or(answered).unwrap_or_default());
        let mut span = Span::new(&mut self.ids, Some(parent), name.trim_end(), CLIENT, at);
        span.text("gen_ai.operation.name", Some("chat"));
        model(&mut span, named);
        span.text("gen_ai.response.model", answered);
        let metric = |pointer: &str| step.pointer(pointer).and_then(Value::as_u64);
        span.count("gen_ai.usage.input_tokens", metric("/metrics/prompt_tokens"));
        span.count("gen_ai.usage.output_tokens", metric("/metrics/completion_tokens"));
        span.count("gen_ai.usage.cache_read.input_tokens", metric("/metrics/cached_tokens"));
        span.count("gen_ai.usage.cache_creation.input_tokens", metric("/metrics/extra/cache_write_tokens"));
        span.count("gen_ai.usage.reasoning.output_tokens", metric("/metrics/extra/reasoning_tokens"));
        span.count("retrial.step", step.get("step_id").and_then(Value::as_u64));
        if let Some(fault) = step.pointer("/extra/fault").and_then(Value::as_str) {
            span.failed("fault", Some(fault));
        }
        self.done.push(span.finish());
    }

    /// The tools that a reply calls: from the reply until the next one is asked for, as far as that is known.
    fn tools(&mut self, step: &Value, parent: &str, reply: Interval, next: Option<Interval>) {
        let until = next.filter(|next| next.source == "exchange" && reply.source == "exchange");
        let at = match until {
            Some(next) => Interval { start: reply.end, end: next.start, source: "between_replies" },
            None if reply.source == "trial" => reply,
            None => Interval { start: reply.end, end: reply.end, source: "start_only" },
        };
        for call in step.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let tool = word(call, "function_name").unwrap_or_default();
            let mut span =
                Span::new(&mut self.ids, Some(parent), &format!("execute_tool {tool}"), INTERNAL, at);
            span.text("gen_ai.operation.name", Some("execute_tool"));
            span.text("gen_ai.tool.name", Some(tool));
            span.text("gen_ai.tool.call.id", word(call, "tool_call_id"));
            span.text("gen_ai.tool.type", Some("function"));
            self.done.push(span.finish());
        }
    }
}

/// The provider and the model of a name; the provider stands before the first `/`.
fn parts(name: &str) -> (Option<&str>, Option<&str>) {
    match name.split_once('/') {
        Some((provider, model)) => (Some(provider), Some(model)),
        None => (None, Some(name)),
    }
}

fn model(span: &mut Span, name: Option<&str>) {
    let (provider, model) = name.map_or((None, None), parts);
    span.text("gen_ai.provider.name", provider);
    span.text("gen_ai.request.model", model);
}

/// The convention counts the cache among the input, and reasoning among the output.
fn tokens(span: &mut Span, usage: &Usage) {
    let input = usage.total().saturating_sub(usage.output);
    span.count("gen_ai.usage.input_tokens", Some(input));
    span.count("gen_ai.usage.output_tokens", Some(usage.output));
    span.count("gen_ai.usage.cache_read.input_tokens", usage.cache_read);
    span.count("gen_ai.usage.cache_creation.input_tokens", usage.cache_write);
    span.count("gen_ai.usage.reasoning.output_tokens", usage.reasoning);
}

/// What went wrong where an agent did not end by itself, and its cause.
fn failure(ending: &Ending) -> Option<(&'static str, Option<String>)> {
    let cause = match ending {
        Ending::Finished | Ending::NotRecorded => return None,
        Ending::Infrastructure { cause, .. }
        | Ending::Crash { reason: CrashReason::Model(cause) | CrashReason::Stated(cause) } => {
            Some(cause.clone())
        }
        Ending::Crash { reason: CrashReason::Exit(code) } => Some(format!("exit {code}")),
        Ending::Crash { reason: CrashReason::Signal(signal) } => Some(format!("signal {signal}")),
        Ending::Crash { reason: CrashReason::Memory } => Some("memory".to_owned()),
        _ => None,
    };
    Some((ending.as_str(), cause))
}

fn steps(trajectory: &Value) -> impl Iterator<Item = &Value> {
    trajectory.get("steps").and_then(Value::as_array).into_iter().flatten()
}

fn moment(step: &Value) -> Option<Timestamp> {
    word(step, "timestamp")?.parse().ok()
}

fn word<'v>(object: &'v Value, member: &str) -> Option<&'v str> {
    object.get(member)?.as_str()
}
