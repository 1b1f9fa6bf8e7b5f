//! Building a trajectory from the messages of a source that has another form of it.

use retrial_agents::atif::{Agent, Call, FinalMetrics, Metrics, SCHEMA_VERSION, Speaker, Step};
use retrial_spec::{Fact, MissingReason, Source, ToolCall};
use serde_json::{Map, Value, json};

use crate::FoundAgent;

/// A trajectory in the making: steps in order.
#[derive(Debug, Clone, Default)]
pub struct TrajectoryBuilder {
    steps: Vec<Step>,
    calls: Vec<ToolCall>,
    extra: Map<String, Value>,
}

impl TrajectoryBuilder {
    /// Adds a step of the agent's maker or user.
    pub fn say(&mut self, speaker: Speaker, timestamp: Option<String>, text: impl Into<String>) {
        self.steps.push(Step::new(speaker, timestamp, text.into()));
    }

    /// Adds a step of the agent, and returns it for what else is known of it.
    pub fn agent(&mut self, timestamp: Option<String>, text: impl Into<String>) -> &mut Step {
        self.steps.push(Step::new(Speaker::Agent, timestamp, text.into()));
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    /// Returns the last step of the agent for what becomes known of it later.
    pub fn last_of_agent(&mut self) -> Option<&mut Step> {
        self.steps.iter_mut().rev().find(|step| step.source == Speaker::Agent)
    }

    /// Adds a tool call to the last step of the agent; its arguments are an object as JSON, or any text.
    pub fn call(&mut self, call: ToolCall) {
        let arguments = match serde_json::from_str(&call.arguments) {
            Ok(Value::Object(arguments)) => arguments,
            _ => Map::from_iter([("input".to_owned(), json!(call.arguments))]),
        };
        if let Some(step) = self.last_of_agent() {
            step.tool_calls.push(Call {
                tool_call_id: call.id.clone(),
                function_name: call.name.clone(),
                arguments,
                extra: Map::new(),
            });
            self.calls.push(call);
        }
    }

    /// Adds what a tool call came to, to the step that made the call; to a step of its own where none did.
    pub fn result(&mut self, call: &str, timestamp: Option<String>, text: impl Into<String>) {
        let made_it = |step: &&mut Step| step.tool_calls.iter().any(|own| own.tool_call_id == call);
        if let Some(step) = self.steps.iter_mut().rev().find(made_it) {
            step.observe(call, text.into());
            return;
        }
        let mut step = Step::new(Speaker::System, timestamp, String::new());
        step.observe(call, text.into());
        self.steps.push(step);
    }

    /// Returns the last step so far, for what else is known of it.
    pub fn last(&mut self) -> Option<&mut Step> {
        self.steps.last_mut()
    }

    /// Keeps a fact of the whole for which the format has no field.
    pub fn extra(&mut self, name: &str, value: Value) {
        self.extra.insert(name.to_owned(), value);
    }

    /// Returns the tool calls so far, in order.
    pub fn calls(&self) -> Fact<Vec<ToolCall>> {
        if self.steps.is_empty() {
            return Fact::Missing(MissingReason::NotRecorded);
        }
        Fact::known(self.calls.clone(), Source::Imported)
    }

    /// Returns the trajectory as valid ATIF; none without a step.
    pub fn finish(mut self, agent: &FoundAgent, session: &str) -> Option<Value> {
        if self.steps.is_empty() {
            return None;
        }
        for (step, number) in self.steps.iter_mut().zip(1..) {
            step.number = number;
        }
        let mut whole = json!({
            "schema_version": SCHEMA_VERSION,
            "session_id": session,
            "agent": Agent {
                name: &agent.name,
                version: agent.version.as_deref().unwrap_or("unknown"),
                model_name: agent.model.as_deref(),
                tool_definitions: &[],
            },
            "steps": self.steps,
            "final_metrics": self.sums(),
        });
        if !self.extra.is_empty() {
            whole["extra"] = Value::Object(self.extra);
        }
        Some(whole)
    }

    /// The sums over the agent's steps; a sum that lacks a part is left out.
    fn sums(&self) -> FinalMetrics {
        let agents = || self.steps.iter().filter(|step| step.source == Speaker::Agent);
        let sum = |count: fn(&Metrics) -> Option<u64>| -> Option<u64> {
            agents().map(|step| count(step.metrics.as_ref()?)).reduce(|a, b| a?.checked_add(b?)).flatten()
        };
        FinalMetrics {
            total_prompt_tokens: sum(|metrics| metrics.prompt_tokens),
            total_completion_tokens: sum(|metrics| metrics.completion_tokens),
            total_cached_tokens: sum(|metrics| metrics.cached_tokens),
            total_cost_usd: None,
            total_steps: self.steps.len() as u64,
            extra: Map::new(),
        }
    }
}
