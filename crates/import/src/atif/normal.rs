//! A trajectory of any version made valid ATIF of the version that Retrial writes.
//!
//! What the format does not know, or forbids where it stands, moves into the nearest `extra`; null is absent. What cannot be bent
//! is an error.

use std::collections::BTreeSet;

use retrial_agents::{atif::SCHEMA_VERSION, validate_trajectory};
use serde_json::{Map, Value, json};

use super::join::unlike;
use super::parts;
use crate::json::{below, object, text, whole_number};
use crate::{ImportError, Place};

/// What the version of every trajectory begins with.
pub(super) const PREFIX: &str = "ATIF-v";

/// How deep trajectories may lie in each other.
const DEPTH: usize = 32;

const ROOT: &[&str] = &[
    "schema_version",
    "session_id",
    "trajectory_id",
    "agent",
    "steps",
    "notes",
    "final_metrics",
    "continued_trajectory_ref",
    "subagent_trajectories",
];
const AGENT: &[&str] = &["name", "version", "model_name", "tool_definitions"];
const FINAL: &[&str] = &[
    "total_prompt_tokens",
    "total_completion_tokens",
    "total_cached_tokens",
    "total_cost_usd",
    "total_steps",
];

/// Values that have no place of their own, with the names they get in `extra`.
pub(super) type Rest = Vec<(String, Value)>;

/// Makes a trajectory valid.
///
/// # Errors
/// [`ImportError`] where it is none of the versions 1.0 to 1.8, or breaks a rule that cannot be bent.
pub(super) fn normal(value: Value, place: &Place) -> Result<Value, ImportError> {
    let whole = trajectory(value, 0, place)?;
    match validate_trajectory(&whole).first() {
        None => Ok(whole),
        Some(fault) => Err(below(place, &fault.pointer)
            .error(format!("{}; expected a trajectory of ATIF 1.0 to 1.8", fault.message))),
    }
}

fn trajectory(value: Value, depth: usize, place: &Place) -> Result<Value, ImportError> {
    if depth > DEPTH {
        return Err(place.error(format!("lies deeper than {DEPTH} trajectories")));
    }
    let root = object(value, place, "a trajectory of ATIF 1.0 to 1.8")?;
    let (mut root, mut rest) = split(root, ROOT);
    if let Some(old) = version(&root, place)? {
        rest.push(("source_schema_version".to_owned(), json!(old)));
    }
    root.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
    texts(&mut root, &["session_id", "trajectory_id", "notes", "continued_trajectory_ref"]);
    if let Some(agent) = root.remove("agent") {
        root.insert("agent".to_owned(), self::agent(agent, &below(place, "/agent"))?);
    }
    if let Some(Value::Array(steps)) = root.remove("steps") {
        let numbered = steps.into_iter().zip(1_u64..);
        let steps: Result<Vec<Value>, ImportError> = numbered
            .map(|(step, number)| parts::step(step, number, &below(place, &format!("/steps/{}", number - 1))))
            .collect();
        root.insert("steps".to_owned(), Value::Array(steps?));
    }
    if let Some(metrics) = root.remove("final_metrics") {
        let place = below(place, "/final_metrics");
        let (mut metrics, rest) = split(object(metrics, &place, "sums of the steps")?, FINAL);
        whole_numbers(&mut metrics);
        root.insert("final_metrics".to_owned(), with_extra(metrics, rest));
    }
    match root.remove("subagent_trajectories") {
        Some(Value::Array(inner)) if !inner.is_empty() => {
            let inner = subagents(inner, depth, place)?;
            root.insert("subagent_trajectories".to_owned(), Value::Array(inner));
        }
        Some(Value::Array(_)) | None => {}
        Some(other) => rest.push(("subagent_trajectories".to_owned(), other)),
    }
    Ok(with_extra(root, rest))
}

/// Returns the version, where it is not the one that is written.
fn version(root: &Map<String, Value>, place: &Place) -> Result<Option<String>, ImportError> {
    let Some(version) = root.get("schema_version") else { return Ok(None) };
    let minor = version.as_str().and_then(|version| version.strip_prefix("ATIF-v1."));
    match minor.map(str::as_bytes) {
        Some(b"8") => Ok(None),
        Some([b'0'..=b'7']) => Ok(version.as_str().map(str::to_owned)),
        _ => Err(below(place, "/schema_version")
            .error(format!("is {version}; expected `ATIF-v1.0` to `ATIF-v1.8`"))),
    }
}

fn agent(value: Value, place: &Place) -> Result<Value, ImportError> {
    let (mut agent, mut rest) = split(object(value, place, "the agent of a trajectory")?, AGENT);
    texts(&mut agent, &["name", "version", "model_name"]);
    agent.entry("version").or_insert_with(|| json!("unknown"));
    let is_list = |tools: &Value| tools.as_array().is_some_and(|tools| tools.iter().all(Value::is_object));
    if agent.get("tool_definitions").is_some_and(|tools| !is_list(tools)) {
        rest.extend(agent.remove_entry("tool_definitions"));
    }
    Ok(with_extra(agent, rest))
}

/// Makes trajectories of sub-agents valid, with ids that are there and unlike each other.
fn subagents(inner: Vec<Value>, depth: usize, place: &Place) -> Result<Vec<Value>, ImportError> {
    let mut done: Vec<Value> = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, inner) in inner.into_iter().enumerate() {
        let mut inner =
            trajectory(inner, depth + 1, &below(place, &format!("/subagent_trajectories/{index}")))?;
        let own = text(&inner, "trajectory_id").map(str::to_owned);
        let wished = match own.clone() {
            Some(own) if !ids.contains(&own) => own,
            Some(own) => format!("{own}-{}", index + 1),
            None => format!("subagent-{}", index + 1),
        };
        let id = unlike(&wished, |id| ids.contains(id));
        ids.insert(id.clone());
        if own.as_deref() != Some(&id) {
            inner["trajectory_id"] = json!(id);
        }
        done.push(inner);
    }
    Ok(done)
}

/// Returns the fields of an object that the format knows and that are not null, and all others but its `extra`, which stays.
pub(super) fn split(object: Map<String, Value>, known: &[&str]) -> (Map<String, Value>, Rest) {
    let mut kept = Map::new();
    let mut rest = Rest::new();
    for (name, value) in object {
        match value {
            Value::Null => {}
            value if known.contains(&name.as_str()) => drop(kept.insert(name, value)),
            Value::Object(extra) if name == "extra" => {
                if !extra.is_empty() {
                    kept.insert(name, Value::Object(extra));
                }
            }
            value => rest.push((name, value)),
        }
    }
    (kept, rest)
}

/// Returns an object with the rest in its `extra`, under names that nothing there has yet.
pub(super) fn with_extra(mut object: Map<String, Value>, rest: Rest) -> Value {
    if rest.is_empty() {
        return Value::Object(object);
    }
    let mut extra = match object.remove("extra") {
        Some(Value::Object(extra)) => extra,
        _ => Map::new(),
    };
    for (name, value) in rest {
        extra.insert(unlike(&name, |name| extra.contains_key(name)), value);
    }
    object.insert("extra".to_owned(), Value::Object(extra));
    Value::Object(object)
}

/// Writes numbers, where the format has texts, as texts: versions and ids.
pub(super) fn texts(object: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        if let Some(value) = object.get_mut(*name).filter(|value| value.is_number()) {
            *value = json!(value.to_string());
        }
    }
}

/// Writes numbers without a fraction as whole ones.
pub(super) fn whole_numbers(object: &mut Map<String, Value>) {
    for (name, value) in object.iter_mut() {
        if !name.ends_with("_usd") {
            *value = whole_number(value);
        }
    }
}

/// Returns the ids of the calls of a step.
pub(super) fn call_ids(step: &Map<String, Value>) -> Vec<String> {
    let calls = step.get("tool_calls").map_or(&[][..], |calls| calls.as_array().map_or(&[], Vec::as_slice));
    calls.iter().filter_map(|call| text(call, "tool_call_id").map(str::to_owned)).collect()
}
