//! What an agent did, by its trajectory: tool calls in order, and how often a model was asked.

use std::collections::{BTreeMap, BTreeSet};

use retrial_spec::{Fact, MissingReason, Source, ToolCall};
use serde_json::Value;

use crate::json::{below, count, field, list, text};
use crate::{ImportError, Place};

/// The call that a step of the agent without tool calls is.
const MESSAGE: &str = "message";

/// Returns the calls in order; missing where part of the trajectory is.
pub(super) fn calls(whole: &Value, is_whole: bool) -> Fact<Vec<ToolCall>> {
    if !is_whole {
        return Fact::Missing(MissingReason::NotRecorded);
    }
    let mut calls = Vec::new();
    add(whole, &mut calls);
    Fact::known(calls, Source::Imported)
}

/// Adds the calls of a trajectory; those of its sub-agents after the step that names them, or at the end where none does.
fn add(whole: &Value, calls: &mut Vec<ToolCall>) {
    let inner = list(whole, "subagent_trajectories");
    let by_id: BTreeMap<&str, &Value> =
        inner.iter().filter_map(|inner| Some((text(inner, "trajectory_id")?, inner))).collect();
    let mut done = BTreeSet::new();
    for step in list(whole, "steps").iter().filter(|step| !is_copied(step)) {
        if is_agent(step) {
            of_step(step, calls);
        }
        let results = step.get("observation").map_or(&[][..], |observation| list(observation, "results"));
        for reference in results.iter().flat_map(|result| list(result, "subagent_trajectory_ref")) {
            let Some(id) = text(reference, "trajectory_id") else { continue };
            if let Some(inner) = by_id.get(id)
                && done.insert(id)
            {
                add(inner, calls);
            }
        }
    }
    for inner in inner {
        if text(inner, "trajectory_id").is_none_or(|id| !done.contains(id)) {
            add(inner, calls);
        }
    }
}

fn of_step(step: &Value, calls: &mut Vec<ToolCall>) {
    let made = list(step, "tool_calls");
    if made.is_empty() {
        calls.push(ToolCall::function("", MESSAGE, "{}"));
    }
    for call in made {
        let name = |field| text(call, field).unwrap_or_default();
        calls.push(ToolCall::function(name("tool_call_id"), name("function_name"), arguments(call)));
    }
}

/// The arguments as JSON, or as the text that they were where the trajectory says that they were no object.
fn arguments(call: &Value) -> String {
    let was_text = call.pointer("/extra/arguments_not_an_object").and_then(Value::as_bool) == Some(true);
    match call.pointer("/arguments/input").and_then(Value::as_str) {
        Some(input) if was_text => input.to_owned(),
        _ => field(call, "arguments").map_or_else(|| "{}".to_owned(), Value::to_string),
    }
}

/// Returns how many requests reached the model; missing where a step of an agent does not say.
pub(super) fn requests(whole: &Value, is_whole: bool, place: &Place) -> Result<Fact<u64>, ImportError> {
    let sum = if is_whole { asked(whole, place)? } else { None };
    Ok(sum.map_or(Fact::Missing(MissingReason::NotRecorded), |sum| Fact::known(sum, Source::Computed)))
}

fn asked(whole: &Value, place: &Place) -> Result<Option<u64>, ImportError> {
    let mut sum = Some(0_u64);
    for (index, step) in list(whole, "steps").iter().enumerate() {
        if is_agent(step) && !is_copied(step) {
            let stated = count(step, "llm_call_count", &below(place, &format!("/steps/{index}")))?;
            sum = sum.zip(stated).and_then(|(sum, more)| sum.checked_add(more));
        }
    }
    for inner in list(whole, "subagent_trajectories") {
        sum = sum.zip(asked(inner, place)?).and_then(|(sum, more)| sum.checked_add(more));
    }
    Ok(sum)
}

/// Whether a step is one of the agent.
pub(super) fn is_agent(step: &Value) -> bool {
    text(step, "source") == Some("agent")
}

/// Whether a step repeats one of another trajectory.
pub(super) fn is_copied(step: &Value) -> bool {
    step.get("is_copied_context").and_then(Value::as_bool) == Some(true)
}
