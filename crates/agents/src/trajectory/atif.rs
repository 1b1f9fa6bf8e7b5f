//! The objects of ATIF 1.8 that Retrial writes.

use serde::Serialize;
use serde_json::{Map, Value};

/// The version that is written.
pub(super) const SCHEMA_VERSION: &str = "ATIF-v1.8";

/// Who speaks in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speaker {
    System,
    User,
    Agent,
}

/// A step; what is not known is left out.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    #[serde(rename = "step_id")]
    pub(super) number: u64,
    pub(super) timestamp: String,
    pub(super) source: Speaker,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_effort: Option<String>,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) observation: Option<Observation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Option<Metrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_copied_context: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) llm_call_count: Option<u64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) extra: Map<String, Value>,
}

impl Step {
    /// A step with nothing but its words; its number is given when it is written.
    pub(super) fn new(source: Speaker, timestamp: String, message: String) -> Self {
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
    pub(super) fn observe(&mut self, call: &str, content: String) {
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
    pub(super) fn refer(&mut self, call: &str, trajectory_id: String) {
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
pub(super) struct Call {
    pub(super) tool_call_id: String,
    pub(super) function_name: String,
    pub(super) arguments: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) extra: Map<String, Value>,
}

/// What tool calls came to.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Observation {
    pub(super) results: Vec<ObservationResult>,
}

/// What one tool call came to.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ObservationResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_call_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    #[serde(rename = "subagent_trajectory_ref", skip_serializing_if = "Vec::is_empty")]
    refs: Vec<SubagentRef>,
}

/// The name of another trajectory in the same file.
#[derive(Debug, Clone, Serialize)]
struct SubagentRef {
    trajectory_id: String,
}

/// Tokens and money of a step.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Metrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) extra: Map<String, Value>,
}

/// The agent of a trajectory.
#[derive(Debug, Serialize)]
pub(super) struct Agent<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) model_name: &'a str,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    pub(super) tool_definitions: &'a [Value],
}

/// The sums of a trajectory; a sum that lacks a part is left out.
#[derive(Debug, Default, Serialize)]
pub(super) struct FinalMetrics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_cost_usd: Option<f64>,
    pub(super) total_steps: u64,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) extra: Map<String, Value>,
}
