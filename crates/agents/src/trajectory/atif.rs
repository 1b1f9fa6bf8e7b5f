//! The objects of ATIF 1.8 that Retrial writes. What is not known is left out of the file.

use serde::Serialize;
use serde_json::{Map, Value};

/// The version that is written.
pub const SCHEMA_VERSION: &str = "ATIF-v1.8";

/// Who speaks in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The agent's maker.
    System,
    /// The agent's user.
    User,
    /// The agent with its model.
    Agent,
}

/// A step; what is not known is left out.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Its number within the trajectory, from 1; given when the trajectory is written.
    #[serde(rename = "step_id")]
    pub number: u64,
    /// When it was, in ISO 8601, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Who speaks.
    pub source: Speaker,
    /// The model of an agent's step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// How hard the model was asked to think.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// What is said; empty where nothing is.
    pub message: String,
    /// What the model said that it thinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The tool calls of an agent's step, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Call>,
    /// What tool calls came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observation: Option<Observation>,
    /// Tokens and money of an agent's step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// Whether the step repeats what another trajectory holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_copied_context: Option<bool>,
    /// How many model calls the step stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub llm_call_count: Option<u64>,
    /// What the format has no field for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Step {
    /// A step with nothing but its words; its number is given when it is written.
    pub fn new(source: Speaker, timestamp: Option<String>, message: String) -> Self {
        Self {
            number: 0,
            timestamp,
            source,
            model_name: None,
            reasoning_effort: None,
            message,
            reasoning_content: None,
            tool_calls: Vec::new(),
            observation: None,
            metrics: None,
            is_copied_context: None,
            llm_call_count: None,
            extra: Map::new(),
        }
    }

    /// Adds what a tool call came to. A call that is not this step's stands without its id, which the format would refuse.
    pub fn observe(&mut self, call: &str, content: String) {
        let source_call_id =
            self.tool_calls.iter().any(|own| own.tool_call_id == call).then(|| call.to_owned());
        let results = &mut self.observation.get_or_insert_default().results;
        let waiting = results
            .iter_mut()
            .find(|result| result.content.is_none() && result.source_call_id == source_call_id);
        match waiting {
            Some(result) => result.content = Some(content),
            None => {
                results.push(ObservationResult { source_call_id, content: Some(content), refs: Vec::new() });
            }
        }
    }

    /// Names the conversation that a tool call started.
    pub fn refer(&mut self, call: &str, trajectory_id: String) {
        let results = &mut self.observation.get_or_insert_default().results;
        let place = results.iter().position(|result| result.source_call_id.as_deref() == Some(call));
        let place = place.unwrap_or_else(|| {
            let source_call_id = Some(call.to_owned());
            results.push(ObservationResult { source_call_id, content: None, refs: Vec::new() });
            results.len() - 1
        });
        results[place].refs.push(SubagentRef { trajectory_id });
    }
}

/// A tool call.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// The call's id, unique within its step.
    pub tool_call_id: String,
    /// The tool.
    pub function_name: String,
    /// The arguments by name.
    pub arguments: Map<String, Value>,
    /// What the format has no field for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What tool calls came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Observation {
    /// The results in order.
    pub results: Vec<ObservationResult>,
}

/// What one tool call came to.
#[derive(Debug, Clone, Serialize)]
pub struct ObservationResult {
    /// The call of the same step that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_call_id: Option<String>,
    /// The text of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The conversations that the call started.
    #[serde(rename = "subagent_trajectory_ref", skip_serializing_if = "Vec::is_empty")]
    refs: Vec<SubagentRef>,
}

/// The name of another trajectory in the same file.
#[derive(Debug, Clone, Serialize)]
pub struct SubagentRef {
    /// Its `trajectory_id`.
    trajectory_id: String,
}

/// Tokens and money of a step.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Metrics {
    /// Input tokens, those of the cache among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// Input tokens read from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// What the format has no field for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// The agent of a trajectory.
#[derive(Debug, Serialize)]
pub struct Agent<'a> {
    /// The agent's name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<&'a str>,
    /// The tools it offers its model, as function schemas.
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    pub tool_definitions: &'a [Value],
}

/// The sums of a trajectory; a sum that lacks a part is left out.
#[derive(Debug, Default, Serialize)]
pub struct FinalMetrics {
    /// Input tokens of all steps, those of the cache among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_prompt_tokens: Option<u64>,
    /// Output tokens of all steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_completion_tokens: Option<u64>,
    /// Input tokens of all steps read from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_cached_tokens: Option<u64>,
    /// US dollars of all steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_cost_usd: Option<f64>,
    /// How many steps there are.
    pub total_steps: u64,
    /// What the format has no field for.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
