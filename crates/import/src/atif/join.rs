//! Trajectories that follow each other made one, and trajectories of sub-agents put inside.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::files::references_mut;
use crate::json::{field, list, text};

/// Joins valid trajectories that follow each other to one. Their `final_metrics` are kept in `extra`, because nothing says whether
/// those of a later one include the earlier ones.
pub(crate) fn join(segments: Vec<Value>) -> Value {
    let is_one = segments.len() == 1;
    let mut segments = segments.into_iter();
    let mut whole = segments.next().unwrap_or_default();
    if is_one {
        return whole;
    }
    let mut metrics = vec![take_metrics(&mut whole)];
    let mut rest = Vec::new();
    for mut segment in segments {
        metrics.push(take_metrics(&mut segment));
        let inner = segment.get_mut("subagent_trajectories").map(Value::take);
        let mut renamed = BTreeMap::new();
        for inner in inner.and_then(|inner| inner.as_array().cloned()).unwrap_or_default() {
            let id = text(&inner, "trajectory_id").unwrap_or_default().to_owned();
            let new = add_subagent(&mut whole, inner, &id);
            renamed.insert(id, new);
        }
        for reference in references_mut(&mut segment) {
            if let Some(new) = text(reference, "trajectory_id").and_then(|id| renamed.get(id)) {
                reference["trajectory_id"] = json!(new);
            }
        }
        if let Some(Value::Array(more)) = segment.get_mut("steps").map(Value::take)
            && let Some(steps) = whole.get_mut("steps").and_then(Value::as_array_mut)
        {
            steps.extend(more);
        }
        rest.extend(rest_of(&mut whole, segment));
    }
    number(&mut whole);
    if metrics.iter().any(|metrics| !metrics.is_null()) {
        keep(&mut whole, "final_metrics_of_segments", Value::Array(metrics));
    }
    if !rest.is_empty() {
        keep(&mut whole, "segments", Value::Array(rest));
    }
    whole
}

/// Returns what a later segment says of itself beside its steps, where it is not what the first says.
fn rest_of(whole: &mut Value, segment: Value) -> Option<Value> {
    let Value::Object(mut segment) = segment else { return None };
    for name in ["schema_version", "steps", "subagent_trajectories"] {
        segment.remove(name);
    }
    if let Some(reference) = segment.remove("continued_trajectory_ref") {
        whole["continued_trajectory_ref"] = reference;
    }
    segment.retain(|name, value| whole.get(name) != Some(value));
    (!segment.is_empty()).then_some(Value::Object(segment))
}

fn take_metrics(whole: &mut Value) -> Value {
    whole.as_object_mut().and_then(|root| root.remove("final_metrics")).unwrap_or_default()
}

/// Numbers the steps from 1.
fn number(whole: &mut Value) {
    let steps = whole.get_mut("steps").and_then(Value::as_array_mut);
    for (step, number) in steps.into_iter().flatten().zip(1_u64..) {
        step["step_id"] = json!(number);
    }
}

/// Puts a sub-agent's trajectory into another, and returns the id it has there: its own, or `otherwise`, made unlike all others.
pub(super) fn add_subagent(whole: &mut Value, mut inner: Value, otherwise: &str) -> String {
    let wished = text(&inner, "trajectory_id").unwrap_or(otherwise).to_owned();
    let taken = |id: &str| {
        list(whole, "subagent_trajectories").iter().any(|other| text(other, "trajectory_id") == Some(id))
    };
    let id = unlike(&wished, taken);
    inner["trajectory_id"] = json!(id);
    if field(whole, "subagent_trajectories").is_none() {
        whole["subagent_trajectories"] = json!([]);
    }
    if let Some(all) = whole.get_mut("subagent_trajectories").and_then(Value::as_array_mut) {
        all.push(inner);
    }
    id
}

/// Returns a name that is not taken: the wished one, or that with a number.
pub(super) fn unlike(wished: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u64..).map(|number| format!("{wished}-{number}"));
    std::iter::once(wished.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// Keeps a value in the `extra` of an object, which is made one where it is none.
fn keep(whole: &mut Value, name: &str, value: Value) {
    if !whole.get("extra").is_some_and(Value::is_object) {
        whole["extra"] = json!({});
    }
    whole["extra"][name] = value;
}
