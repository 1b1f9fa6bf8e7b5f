//! One trajectory file.

use std::path::Path;

use retrial_spec::{Fact, MissingReason, Source, Times};
use serde_json::Value;

use super::messages::Messages;
use super::{ENDING, ending::ending, object};
use crate::usage::{cost_fact, count_at, dollars_at};
use crate::{Found, FoundAgent, FoundEvidence, ImportError, Place, SessionOptions, Sink};

/// The format with structured actions; those before it have them in fenced blocks.
const STRUCTURED: &str = "mini-swe-agent-1.1";
const FENCED: [&str; 2] = ["mini-swe-agent-1", "mini-swe-agent-1.0"];

/// Reads a trajectory.
pub(super) fn read(path: &Path, options: &SessionOptions, sink: &mut dyn Sink) -> Result<Found, ImportError> {
    let place = Place::file(path);
    let file = object(path, "a trajectory of mini-swe-agent", sink)?;
    let format = text(&file, "/trajectory_format");
    if format != STRUCTURED && !FENCED.contains(&format) {
        let known = "`mini-swe-agent-1`, `mini-swe-agent-1.0` or `mini-swe-agent-1.1`";
        return Err(place.error(format!("has the `trajectory_format` `{format}`; expected {known}")));
    }
    let Some(listed) = file.get("messages").and_then(Value::as_array) else {
        return Err(place.error("has no list of `messages`"));
    };
    let mut messages = Messages::new(format != STRUCTURED);
    for (index, message) in listed.iter().enumerate() {
        messages.add(message, &Place::within(path, format!("/messages/{index}")), sink)?;
    }
    let agent = FoundAgent {
        name: options.agent.clone().unwrap_or_else(|| "mini-swe-agent".to_owned()),
        version: stated(&file, "/info/mini_version"),
        model: stated(&file, "/info/config/model/model_name"),
    };
    let status = text(&file, "/info/exit_status");
    let (ending, verdict) = ending(status, text(&file, "/info/exception_str"));
    let requests = count_at(&file, "/info/model_stats/api_calls", &place)?;
    let usage = messages.usage(requests, &ending);
    let cost = cost_fact(dollars_at(&file, "/info/model_stats/instance_cost", &place)?, &usage);
    let task = task(&file, path, options)?;
    let clock = messages.clock;
    let submission = text(&file, "/info/submission");
    Ok(Found {
        status: if status.is_empty() { "no exit status".to_owned() } else { status.to_owned() },
        started_at: clock.started_at(),
        ending,
        verdict,
        calls: messages.trajectory.calls(),
        requests: requests
            .map_or(Fact::Missing(MissingReason::NotRecorded), |count| Fact::known(count, Source::Imported)),
        usage,
        cost,
        times: Times { agent_ms: clock.worked_ms(), ..Times::default() },
        evidence: FoundEvidence {
            trajectory: messages.trajectory.finish(&agent, &task),
            patch: (!submission.is_empty()).then(|| submission.as_bytes().to_vec()),
            verifier_log: None,
        },
        ..Found::new(place, agent, task)
    })
}

/// The task: as given, as the file says, or as the file is named.
fn task(file: &Value, path: &Path, options: &SessionOptions) -> Result<String, ImportError> {
    let named = || Some(path.file_name()?.to_str()?.strip_suffix(ENDING)?.to_owned());
    let task = options.task.clone().or_else(|| stated(file, "/instance_id")).or_else(named);
    let unknown = || {
        Place::file(path)
            .error("has no `instance_id`; expected one, a file named by it, or a task to be given")
    };
    task.ok_or_else(unknown)
}

fn text<'v>(file: &'v Value, pointer: &str) -> &'v str {
    file.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn stated(file: &Value, pointer: &str) -> Option<String> {
    Some(text(file, pointer)).filter(|text| !text.is_empty()).map(str::to_owned)
}
