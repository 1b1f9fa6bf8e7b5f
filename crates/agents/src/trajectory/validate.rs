//! The rules of ATIF, all of them, for trajectories of the versions 1.0 to 1.8, which share one model.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use super::check::Type::{
    Bool, Content, Integer, Integers, List, Number, Numbers, Object, Objects, Text, TextOrNumber,
};
use super::check::{Faults, Field};

/// What is wrong with a trajectory, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrajectoryFault {
    /// The JSON pointer of the object or value; empty for the whole.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for TrajectoryFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the trajectory" } else { &self.pointer };
        write!(formatter, "{place} {}", self.message)
    }
}

/// How deep trajectories may lie in each other; readers of the format work by recursion.
const DEPTH: usize = 32;

const ROOT: &[Field] = &[
    ("schema_version", Text, false),
    ("session_id", Text, false),
    ("trajectory_id", Text, false),
    ("agent", Object, true),
    ("steps", List, true),
    ("notes", Text, false),
    ("final_metrics", Object, false),
    ("continued_trajectory_ref", Text, false),
    ("extra", Object, false),
    ("subagent_trajectories", List, false),
];
const AGENT: &[Field] = &[
    ("name", Text, true),
    ("version", Text, true),
    ("model_name", Text, false),
    ("tool_definitions", Objects, false),
    ("extra", Object, false),
];
const STEP: &[Field] = &[
    ("step_id", Integer(1), true),
    ("timestamp", Text, false),
    ("source", Text, true),
    ("model_name", Text, false),
    ("reasoning_effort", TextOrNumber, false),
    ("message", Content, true),
    ("reasoning_content", Text, false),
    ("tool_calls", List, false),
    ("observation", Object, false),
    ("metrics", Object, false),
    ("is_copied_context", Bool, false),
    ("llm_call_count", Integer(0), false),
    ("extra", Object, false),
];
const CALL: &[Field] = &[
    ("tool_call_id", Text, true),
    ("function_name", Text, true),
    ("arguments", Object, true),
    ("extra", Object, false),
];
const RESULT: &[Field] = &[
    ("source_call_id", Text, false),
    ("content", Content, false),
    ("subagent_trajectory_ref", List, false),
    ("extra", Object, false),
];
const REFERENCE: &[Field] = &[
    ("trajectory_id", Text, false),
    ("trajectory_path", Text, false),
    ("session_id", Text, false),
    ("extra", Object, false),
];
const METRICS: &[Field] = &[
    ("prompt_tokens", Integer(i64::MIN), false),
    ("completion_tokens", Integer(i64::MIN), false),
    ("cached_tokens", Integer(i64::MIN), false),
    ("cost_usd", Number, false),
    ("prompt_token_ids", Integers, false),
    ("completion_token_ids", Integers, false),
    ("logprobs", Numbers, false),
    ("extra", Object, false),
];
const FINAL: &[Field] = &[
    ("total_prompt_tokens", Integer(i64::MIN), false),
    ("total_completion_tokens", Integer(i64::MIN), false),
    ("total_cached_tokens", Integer(i64::MIN), false),
    ("total_cost_usd", Number, false),
    ("total_steps", Integer(0), false),
    ("extra", Object, false),
];
const PART: &[Field] = &[("type", Text, true), ("text", Text, false), ("source", Object, false)];
const IMAGE: &[Field] = &[("media_type", Text, true), ("path", Text, true)];
const AUDIO: &[Field] = &[("media_type", Text, true), ("path", Text, true), ("duration_sec", Number, false)];

/// Fields that only steps of an agent may have.
const AGENT_ONLY: [&str; 5] =
    ["model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics"];

const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const AUDIOS: [&str; 19] = [
    "audio/wav",
    "audio/mpeg",
    "audio/mp4",
    "audio/aac",
    "audio/ogg",
    "audio/flac",
    "audio/webm",
    "audio/aiff",
    // Other spellings of the same.
    "audio/mp3",
    "audio/mpga",
    "audio/x-mpeg",
    "audio/x-wav",
    "audio/wave",
    "audio/vnd.wave",
    "audio/x-m4a",
    "audio/m4a",
    "audio/x-aac",
    "audio/x-flac",
    "audio/x-aiff",
];

/// Returns everything that is wrong with a trajectory by the rules of its format; nothing for a valid one.
///
/// Files that the trajectory names are not looked for.
pub fn validate_trajectory(trajectory: &Value) -> Vec<TrajectoryFault> {
    let mut faults = Faults::default();
    whole(trajectory, "", DEPTH, &mut faults);
    faults.0
}

fn whole(trajectory: &Value, at: &str, depth: usize, faults: &mut Faults) {
    let Some(root) = faults.object(trajectory, ROOT, at) else { return };
    if let Some(version) = text(root, "schema_version") {
        version_of(version, root, at, faults);
    }
    if let Some(agent) = root.get("agent").filter(|agent| agent.is_object()) {
        faults.object(agent, AGENT, &format!("{at}/agent"));
    }
    if let Some(metrics) = root.get("final_metrics").filter(|metrics| metrics.is_object()) {
        faults.object(metrics, FINAL, &format!("{at}/final_metrics"));
    }
    let steps = list(root, "steps");
    if root.get("steps").is_some_and(Value::is_array) && steps.is_empty() {
        faults.add(&format!("{at}/steps"), "is empty; a trajectory has at least one step");
    }
    for (index, step) in steps.iter().enumerate() {
        self::step(step, index, &format!("{at}/steps/{index}"), faults);
    }
    let inner = list(root, "subagent_trajectories");
    if depth == 0 && !inner.is_empty() {
        faults.add(at, format_args!("holds trajectories deeper than {DEPTH} levels"));
        return;
    }
    let mut ids = HashSet::new();
    for (index, trajectory) in inner.iter().enumerate() {
        let at = format!("{at}/subagent_trajectories/{index}");
        match trajectory.get("trajectory_id").and_then(Value::as_str) {
            None => faults.add(&at, "lacks the field `trajectory_id`, which one inside another has"),
            Some(id) if !ids.insert(id) => {
                faults.add(&at, format_args!("has the `trajectory_id` `{id}` of another beside it"));
            }
            Some(_) => {}
        }
        whole(trajectory, &at, depth.saturating_sub(1), faults);
    }
}

fn version_of(version: &str, root: &Map<String, Value>, at: &str, faults: &mut Faults) {
    let minor = version.strip_prefix("ATIF-v1.").and_then(|minor| minor.parse::<u32>().ok());
    match minor {
        Some(minor @ 0..=8) if version == format!("ATIF-v1.{minor}") => {
            let is_needed = minor < 7 && at.is_empty();
            if is_needed && text(root, "session_id").is_none() {
                faults.add(at, "lacks the field `session_id`, which versions before 1.7 need");
            }
        }
        _ => faults.add(
            &format!("{at}/schema_version"),
            format_args!("is `{version}`, none of `ATIF-v1.0` to `ATIF-v1.8`"),
        ),
    }
}

fn step(step: &Value, index: usize, at: &str, faults: &mut Faults) {
    let Some(fields) = faults.object(step, STEP, at) else { return };
    let is_set = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    if let Some(id) = fields.get("step_id").and_then(Value::as_u64)
        && id != index as u64 + 1
    {
        faults.add(&format!("{at}/step_id"), format_args!("is {id} where {} follows", index + 1));
    }
    if let Some(timestamp) = text(fields, "timestamp")
        && !is_timestamp(timestamp)
    {
        faults.add(&format!("{at}/timestamp"), "is not a time of ISO 8601");
    }
    let source = text(fields, "source");
    if let Some(source) = source
        && !["system", "user", "agent"].contains(&source)
    {
        faults.add(&format!("{at}/source"), "is none of `system`, `user` and `agent`");
    }
    if source != Some("agent") {
        for name in AGENT_ONLY.into_iter().filter(|name| is_set(name)) {
            faults.add(&format!("{at}/{name}"), "stands in a step that is not the agent's");
        }
    } else if fields.get("llm_call_count").and_then(Value::as_u64) == Some(0) {
        for name in ["metrics", "reasoning_content"].into_iter().filter(|name| is_set(name)) {
            faults.add(&format!("{at}/{name}"), "stands in a step of no model call");
        }
    }
    content(fields.get("message"), &format!("{at}/message"), faults);
    if let Some(metrics) = fields.get("metrics").filter(|metrics| metrics.is_object()) {
        faults.object(metrics, METRICS, &format!("{at}/metrics"));
    }
    for (index, call) in list(fields, "tool_calls").iter().enumerate() {
        faults.object(call, CALL, &format!("{at}/tool_calls/{index}"));
    }
    observation(fields, at, faults);
}

fn observation(step: &Map<String, Value>, at: &str, faults: &mut Faults) {
    let Some(observation) = step.get("observation").filter(|observation| observation.is_object()) else {
        return;
    };
    let at = format!("{at}/observation");
    let Some(observation) = faults.object(observation, &[("results", List, true)], &at) else { return };
    let calls = list(step, "tool_calls");
    let ids: HashSet<&str> = calls.iter().filter_map(|call| call.get("tool_call_id")?.as_str()).collect();
    for (index, result) in list(observation, "results").iter().enumerate() {
        let at = format!("{at}/results/{index}");
        let Some(result) = faults.object(result, RESULT, &at) else { continue };
        if let Some(id) = text(result, "source_call_id")
            && !ids.contains(id)
        {
            faults.add(&format!("{at}/source_call_id"), format_args!("names `{id}`, no call of its step"));
        }
        content(result.get("content"), &format!("{at}/content"), faults);
        for (index, reference) in list(result, "subagent_trajectory_ref").iter().enumerate() {
            let at = format!("{at}/subagent_trajectory_ref/{index}");
            let Some(reference) = faults.object(reference, REFERENCE, &at) else { continue };
            if text(reference, "trajectory_id").is_none() && text(reference, "trajectory_path").is_none() {
                faults.add(&at, "has neither `trajectory_id` nor `trajectory_path`");
            }
        }
    }
}

/// Looks at the parts of a message or a result; a text needs no look.
fn content(content: Option<&Value>, at: &str, faults: &mut Faults) {
    let parts = content.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (index, part) in parts.iter().enumerate() {
        let at = format!("{at}/{index}");
        let Some(part) = faults.object(part, PART, &at) else { continue };
        let is_set = |name: &str| part.get(name).is_some_and(|value| !value.is_null());
        let kind = text(part, "type").unwrap_or_default();
        let (needed, barred) = if kind == "text" { ("text", "source") } else { ("source", "text") };
        if !["text", "image", "audio"].contains(&kind) {
            faults.add(&format!("{at}/type"), "is none of `text`, `image` and `audio`");
            continue;
        }
        if !is_set(needed) {
            faults.add(&at, format_args!("lacks the field `{needed}` of its type"));
        }
        if is_set(barred) {
            faults.add(&at, format_args!("has the field `{barred}`, which is none of its type"));
        }
        if let Some(source) = part.get("source").filter(|source| kind != "text" && source.is_object()) {
            media(source, kind, &format!("{at}/source"), faults);
        }
    }
}

fn media(source: &Value, kind: &str, at: &str, faults: &mut Faults) {
    let fields = if kind == "image" { IMAGE } else { AUDIO };
    let Some(source) = faults.object(source, fields, at) else { return };
    if let Some(media_type) = text(source, "media_type") {
        let is_known = match kind {
            "image" => IMAGES.contains(&media_type),
            _ => AUDIOS.contains(&media_type.trim().to_lowercase().as_str()),
        };
        if !is_known {
            faults.add(
                &format!("{at}/media_type"),
                format_args!("is `{media_type}`, no type of {kind} that is known"),
            );
        }
    }
    if source.get("duration_sec").and_then(Value::as_f64).is_some_and(|seconds| seconds < 0.0) {
        faults.add(&format!("{at}/duration_sec"), "is negative");
    }
}

/// Whether a text is a date, or a date with a time, with or without an offset.
fn is_timestamp(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
        || text.parse::<jiff::civil::DateTime>().is_ok()
        || text.parse::<jiff::civil::Date>().is_ok()
}

fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    object.get(name)?.as_str()
}

fn list<'v>(object: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
