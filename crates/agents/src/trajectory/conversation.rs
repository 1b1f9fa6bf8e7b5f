//! One conversation between an agent and its model, turned into steps as its exchanges come.

use std::io;

use retrial_spec::{Cost, Exchange, Fact, Message, Role, ToolCall};
use serde_json::{Map, Value, json};

use super::atif::{Call, Metrics, Speaker, Step};
use super::spool::Spool;
use super::thread::{Relation, Request, Thread};
use super::writer::Observed;

/// Characters that a task given to another agent must have for its being found again to tell anything.
const TELLING: usize = 8;

/// The field of `extra` that says where money comes from.
pub(super) const COST_SOURCE: &str = "cost_source";

/// What is known of a conversation so far.
pub(super) struct Conversation {
    /// The number of its first exchange.
    pub(super) first: u32,
    /// Whether its requests offer tools.
    pub(super) has_tools: bool,
    /// The tools that its requests offer, in the form of function schemas.
    pub(super) tools: Vec<Value>,
    pub(super) spool: Spool,
    pub(super) sums: Sums,
    thread: Thread,
    pending: Option<Pending>,
    /// Requests since the last step of the agent that brought no reply worth keeping.
    failed: Vec<Value>,
}

/// A step of the agent that waits for what its calls come to.
struct Pending {
    step: Step,
    deed: Deed,
    is_whole: bool,
    /// Whether a later request has shown the agent to have taken the reply.
    is_taken: bool,
}

/// What the agent's model did in one reply, for the actions.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    /// The exchange's number.
    pub(super) exchange: u32,
    pub(super) calls: Vec<ToolCall>,
    /// Edits in the text, already told.
    pub(super) edits: Vec<retrial_spec::Action>,
}

/// Tokens and money of a conversation's steps. A sum that lacks a part is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    pub(super) prompt: Option<u64>,
    pub(super) completion: Option<u64>,
    pub(super) cached: Option<u64>,
    /// Steps that state no tokens.
    pub(super) without_usage: u64,
    pub(super) model_steps: u64,
}

impl Conversation {
    pub(super) fn new(first: u32) -> Self {
        Self {
            first,
            has_tools: false,
            tools: Vec::new(),
            spool: Spool::new(),
            sums: Sums {
                prompt: Some(0),
                completion: Some(0),
                cached: Some(0),
                without_usage: 0,
                model_steps: 0,
            },
            thread: Thread::default(),
            pending: None,
            failed: Vec::new(),
        }
    }

    /// Returns what a request is to this conversation.
    pub(super) fn relation(&self, request: &Request<'_>) -> Relation {
        let replied = self.pending.as_ref().map_or("", |pending| pending.step.message.as_str());
        self.thread.relation(request, replied)
    }

    /// Takes an exchange whose request has the relation to this conversation. Deeds that are settled go to `deeds`.
    pub(super) fn take(
        &mut self,
        observed: &Observed<'_>,
        request: &Request<'_>,
        relation: Relation,
        deeds: &mut Vec<Deed>,
    ) -> io::Result<()> {
        let exchange = observed.exchange;
        self.offer(&exchange.request);
        let at = exchange.started_at.to_string();
        match relation {
            Relation::Continues(known) if known < request.rest.len() => {
                self.go_on(&request.rest[known..], &at, deeds)?;
            }
            Relation::Continues(_) => {}
            Relation::Rewrites => self.rewrite(request, &at, deeds)?,
            Relation::None => self.begin(request, &at)?,
        }
        self.thread.take(request);
        self.answer(observed, deeds)
    }

    /// Writes what is left at the end.
    pub(super) fn end(&mut self, deeds: &mut Vec<Deed>) -> io::Result<()> {
        self.settle(deeds)
    }

    /// Returns the requests that brought nothing, where none that brought something came after them.
    pub(super) fn unanswered(&self) -> &[Value] {
        &self.failed
    }

    /// Names a conversation that one of the pending calls seems to have started: its first words were in the call's arguments.
    /// Returns whether one did.
    pub(super) fn started(&mut self, first_words: &str, trajectory_id: &str) -> bool {
        let Some(pending) = &mut self.pending else { return false };
        let words = first_words.trim();
        let gave = |call: &Call| {
            call.arguments.values().filter_map(Value::as_str).map(str::trim).any(|text| {
                text.chars().count() >= TELLING
                    && (words.contains(text) || text.contains(words) && !words.is_empty())
            })
        };
        let call = pending.step.tool_calls.iter().find(|call| gave(call));
        let Some(id) = call.map(|call| call.tool_call_id.clone()) else { return false };
        pending.step.refer(&id, trajectory_id.to_owned());
        true
    }

    fn offer(&mut self, request: &Value) {
        let tools = request.get("tools").and_then(Value::as_array);
        for tool in tools.into_iter().flatten() {
            self.has_tools = true;
            let tool = definition(tool);
            if tool.is_object() && !self.tools.contains(&tool) {
                self.tools.push(tool);
            }
        }
    }

    /// The first request: its instructions, and all it says; what it says in the model's name was not said in this trial.
    fn begin(&mut self, request: &Request<'_>, at: &str) -> io::Result<()> {
        for message in request.system.iter().filter(|message| !message.text.is_empty()) {
            self.spool.write(Step::new(Speaker::System, Some(at.to_owned()), message.text.clone()))?;
        }
        let last = request.rest.iter().rposition(|message| message.role == Role::Assistant);
        let (copied, new) = request.rest.split_at(last.map_or(0, |last| last + 1));
        self.copy(copied, at)?;
        self.say(new, at)
    }

    /// The messages that a request adds to the one before it.
    fn go_on(&mut self, messages: &[Message], at: &str, deeds: &mut Vec<Deed>) -> io::Result<()> {
        for message in messages {
            match message.role {
                Role::Assistant if self.pending.as_ref().is_some_and(|pending| !pending.is_answered()) => {
                    if let Some(pending) = &mut self.pending {
                        pending.is_taken = true;
                    }
                }
                Role::Assistant => {
                    // The agent says in its model's name what its model did not say here.
                    self.settle(deeds)?;
                    let mut step = said(message, at);
                    step.extra.insert("from_request".to_owned(), json!(true));
                    self.spool.write(step)?;
                }
                Role::Tool => self.results(message, at)?,
                Role::User | Role::System => {
                    self.settle(deeds)?;
                    self.say(std::slice::from_ref(message), at)?;
                }
            }
        }
        Ok(())
    }

    /// A request that changes the past: all it repeats or sums up is copied context.
    fn rewrite(&mut self, request: &Request<'_>, at: &str, deeds: &mut Vec<Deed>) -> io::Result<()> {
        if let Some(pending) = &mut self.pending {
            for result in request.rest.iter().flat_map(|message| &message.tool_results) {
                let is_open = |call: &Call| call.tool_call_id == result.call_id;
                if !self.thread.has_seen_result(&result.call_id)
                    && pending.step.tool_calls.iter().any(is_open)
                {
                    pending.step.observe(&result.call_id, result.text.clone());
                    pending.is_taken = true;
                }
            }
        }
        self.settle(deeds)?;
        let is_known = request.rest.iter().any(|message| self.thread.has_seen(message));
        let fresh = |message: &Message| {
            is_known
                && message.role == Role::User
                && !message.text.is_empty()
                && !self.thread.has_seen(message)
        };
        let new = request.rest.iter().rev().take_while(|message| fresh(message)).count();
        let (copied, new) = request.rest.split_at(request.rest.len() - new);
        self.copy(copied, at)?;
        self.say(new, at)
    }

    /// Writes messages of users and instructions.
    fn say(&mut self, messages: &[Message], at: &str) -> io::Result<()> {
        for message in messages {
            if message.role == Role::Tool {
                self.results(message, at)?;
            } else if !message.text.is_empty() {
                self.spool.write(said(message, at))?;
            }
        }
        Ok(())
    }

    /// Writes messages as copied context; results stand with the calls before them.
    fn copy(&mut self, messages: &[Message], at: &str) -> io::Result<()> {
        let mut open: Option<Step> = None;
        for message in messages {
            if let (Role::Tool, Some(step)) = (message.role, &mut open) {
                for result in &message.tool_results {
                    step.observe(&result.call_id, result.text.clone());
                }
                continue;
            }
            if let Some(step) = open.take() {
                self.spool.write(step)?;
            }
            let mut step = said(message, at);
            for result in &message.tool_results {
                step.observe(&result.call_id, result.text.clone());
            }
            step.is_copied_context = Some(true);
            open = Some(step);
        }
        open.map_or(Ok(()), |step| self.spool.write(step))
    }

    /// Takes what tool calls came to, for the step that made them where it is the pending one.
    fn results(&mut self, message: &Message, at: &str) -> io::Result<()> {
        if let Some(pending) = &mut self.pending {
            for result in &message.tool_results {
                pending.step.observe(&result.call_id, result.text.clone());
                pending.is_taken = true;
            }
            return Ok(());
        }
        let mut step = Step::new(Speaker::System, Some(at.to_owned()), message.text.clone());
        for result in &message.tool_results {
            step.observe(&result.call_id, result.text.clone());
        }
        self.spool.write(step)
    }

    /// Takes the reply. Of replies to one request the last whole one counts, and where none is whole the last.
    fn answer(&mut self, observed: &Observed<'_>, deeds: &mut Vec<Deed>) -> io::Result<()> {
        let exchange = observed.exchange;
        let is_answered = exchange.status.is_some_and(|status| (200..300).contains(&status));
        let is_whole = is_answered && exchange.fault.is_none();
        let reply = &exchange.reply;
        let says = !reply.text.is_empty() || !reply.tool_calls.is_empty();
        if !is_answered || !(is_whole || says) {
            self.failed.push(attempt(exchange));
            return Ok(());
        }
        match self.pending.take() {
            Some(earlier) if !earlier.is_taken => {
                if earlier.is_whole && !is_whole {
                    self.failed.push(attempt(exchange));
                    self.pending = Some(earlier);
                    return Ok(());
                }
                let mut lost = earlier.step.extra;
                self.failed.extend(
                    lost.remove("failed_requests")
                        .and_then(|value| value.as_array().cloned())
                        .into_iter()
                        .flatten(),
                );
                self.failed.push(json!({"exchange": earlier.deed.exchange, "replaced": true}));
            }
            earlier => {
                self.pending = earlier;
                self.settle(deeds)?;
            }
        }
        for call in &reply.tool_calls {
            self.thread.take_call(&call.id);
        }
        let mut step = answered(observed);
        if !self.failed.is_empty() {
            step.extra.insert("failed_requests".to_owned(), Value::Array(std::mem::take(&mut self.failed)));
        }
        let deed = Deed {
            exchange: exchange.number,
            calls: reply.tool_calls.clone(),
            edits: observed.edits.to_vec(),
        };
        self.pending = Some(Pending { step, deed, is_whole, is_taken: false });
        Ok(())
    }

    /// Writes the pending step.
    fn settle(&mut self, deeds: &mut Vec<Deed>) -> io::Result<()> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        self.sums.add(pending.step.metrics.as_ref());
        deeds.push(pending.deed);
        self.spool.write(pending.step)
    }
}

impl Pending {
    /// Whether what its calls came to has begun to come.
    fn is_answered(&self) -> bool {
        self.is_taken
            && self
                .step
                .observation
                .as_ref()
                .is_some_and(|seen| seen.results.iter().any(|result| result.content.is_some()))
    }
}

impl Sums {
    fn add(&mut self, metrics: Option<&Metrics>) {
        self.model_steps += 1;
        let prompt = metrics.and_then(|metrics| metrics.prompt_tokens);
        self.without_usage += u64::from(prompt.is_none());
        let both = |sum: Option<u64>, part: Option<u64>| Some(sum?.saturating_add(part?));
        self.prompt = both(self.prompt, prompt);
        self.completion = both(self.completion, metrics.and_then(|metrics| metrics.completion_tokens));
        self.cached = both(self.cached, metrics.and_then(|metrics| metrics.cached_tokens));
    }
}

/// A step of a request's message.
fn said(message: &Message, at: &str) -> Step {
    let source = match message.role {
        Role::System | Role::Tool => Speaker::System,
        Role::User => Speaker::User,
        Role::Assistant => Speaker::Agent,
    };
    let mut step = Step::new(source, Some(at.to_owned()), message.text.clone());
    if source == Speaker::Agent {
        step.tool_calls = message.tool_calls.iter().map(called).collect();
    }
    step
}

/// A step of a reply.
fn answered(observed: &Observed<'_>) -> Step {
    let exchange = observed.exchange;
    let reply = &exchange.reply;
    let taken = i64::try_from(exchange.waited_ms.saturating_add(exchange.total_ms)).unwrap_or(i64::MAX);
    let taken = jiff::SignedDuration::from_millis(taken);
    let at = exchange.started_at.checked_add(taken).unwrap_or(exchange.started_at);
    let mut step = Step::new(Speaker::Agent, Some(at.to_string()), reply.text.clone());
    step.model_name.clone_from(&reply.model);
    step.reasoning_effort = effort(&exchange.request);
    step.reasoning_content = reply.reasoning.clone().filter(|text| !text.is_empty());
    step.tool_calls = reply.tool_calls.iter().map(called).collect();
    step.metrics = metrics(exchange, &observed.cost);
    step.llm_call_count = Some(1);
    step.extra.insert("exchange".to_owned(), json!(exchange.number));
    for (key, value) in [("stop_reason", &reply.stop_reason), ("fault", &exchange.fault)] {
        if let Some(value) = value {
            step.extra.insert(key.to_owned(), json!(value));
        }
    }
    step
}

/// Tokens and money of a reply; none where neither is known.
fn metrics(exchange: &Exchange, cost: &Fact<Cost>) -> Option<Metrics> {
    let usage = exchange.reply.usage.value();
    let mut metrics = Metrics::default();
    if let Some(usage) = usage {
        let (read, written) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
        metrics.prompt_tokens = Some(usage.uncached_input.saturating_add(read).saturating_add(written));
        metrics.completion_tokens = Some(usage.output);
        metrics.cached_tokens = usage.cache_read;
        for (key, value) in [("cache_write_tokens", usage.cache_write), ("reasoning_tokens", usage.reasoning)]
        {
            if let Some(value) = value {
                metrics.extra.insert(key.to_owned(), json!(value));
            }
        }
    }
    if let Fact::Known { value, source } = cost {
        metrics.cost_usd = Some(usd(*value));
        metrics.extra.insert(COST_SOURCE.to_owned(), json!(source));
    }
    (usage.is_some() || metrics.cost_usd.is_some()).then_some(metrics)
}

/// Returns money as the format has it.
pub(super) fn usd(cost: Cost) -> f64 {
    cost.usd_micros as f64 / 1e6
}

/// How hard the model was asked to think, where the request says.
fn effort(request: &Value) -> Option<String> {
    let pointers = ["/reasoning/effort", "/reasoning_effort", "/output_config/effort"];
    pointers.iter().find_map(|pointer| request.pointer(pointer)?.as_str()).map(str::to_owned)
}

/// A call with its arguments as an object: what is none is kept as a text, and said to be so.
fn called(call: &ToolCall) -> Call {
    let mut extra = Map::new();
    let arguments = if let Ok(Value::Object(arguments)) = serde_json::from_str(&call.arguments) {
        arguments
    } else {
        extra.insert("arguments_not_an_object".to_owned(), json!(true));
        Map::from_iter([("input".to_owned(), json!(call.arguments))])
    };
    Call { tool_call_id: call.id.clone(), function_name: call.name.clone(), arguments, extra }
}

/// What is kept of a request that brought no reply worth a step.
fn attempt(exchange: &Exchange) -> Value {
    json!({"exchange": exchange.number, "status": exchange.status, "fault": exchange.fault})
}

/// A tool in the form of a function schema; a tool that is no function stays as it is.
fn definition(tool: &Value) -> Value {
    if tool.get("function").is_some() {
        return tool.clone();
    }
    let parameters = tool.get("parameters").or_else(|| tool.get("input_schema"));
    let (Some(name), Some(parameters)) = (tool.get("name"), parameters) else { return tool.clone() };
    let mut function = Map::from_iter([("name".to_owned(), name.clone())]);
    if let Some(description) = tool.get("description") {
        function.insert("description".to_owned(), description.clone());
    }
    function.insert("parameters".to_owned(), parameters.clone());
    json!({"type": "function", "function": function})
}
