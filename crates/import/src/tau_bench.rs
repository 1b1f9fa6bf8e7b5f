//! Trajectories of τ-bench: a JSON list, one element for every trial.

use std::path::PathBuf;

use retrial_agents::atif::Speaker;
use retrial_spec::{Phase, ToolCall, UngradedReason, Verdict};
use serde_json::Value;

use crate::ended::{crashed, infrastructure};
use crate::named::NamedAgent;
use crate::pieces::{Take, each_piece};
use crate::pointed::Pointed;
use crate::{Found, FoundAgent, ImportError, Place, Sink, TrajectoryBuilder};

const EXPECTED: &str =
    "trajectories of τ-bench: a list of objects with `task_id`, `reward`, `info`, `traj` and `trial`";

/// How near a reward must be to 1 to count as a success, by τ-bench's own rule.
const TOLERANCE: f64 = 1e-6;

/// Exceptions of model clients that say nothing of the agent: the provider or the way to it failed.
const PROVIDER_FAILURES: [&str; 7] = [
    "RateLimitError",
    "APIConnectionError",
    "APITimeoutError",
    "ServiceUnavailableError",
    "InternalServerError",
    "AuthenticationError",
    "APIError",
];

/// Reads files of trajectories. They name neither agent nor model: the agent is `named`, otherwise called as its file.
///
/// # Errors
/// [`ImportError`] where a file is no list of trials as τ-bench writes them.
pub fn read(paths: &[PathBuf], named: &NamedAgent, sink: &mut dyn Sink) -> Result<(), ImportError> {
    for path in paths {
        let agent = named.of_file(path);
        let mut found_any = false;
        let mut take = |sink: &mut dyn Sink, pointer: &str, value: &Value| {
            found_any = true;
            sink.trial(trial(&Pointed::new(path, pointer, value), &agent)?)
        };
        // A member of an object is refused where it is read as a trial.
        each_piece(path, EXPECTED, sink, &|_| Take::Whole, &mut take)?;
        if !found_any {
            return Err(Place::file(path).error(format!("holds no trial; expected {EXPECTED}")));
        }
    }
    Ok(())
}

fn trial(row: &Pointed<'_>, agent: &FoundAgent) -> Result<Found, ImportError> {
    let task = row.need("task_id")?.name()?;
    let reward = row.need("reward")?;
    let info = row.need("info")?;
    let messages = row.need("traj")?;
    let mut found = Found::new(row.place(), agent.clone(), task);
    if let Some(trial) = row.member("trial") {
        let number = trial.count()?.checked_add(1).and_then(|number| u32::try_from(number).ok());
        found.number = Some(number.ok_or_else(|| trial.unlike("the number of the trial, from 0"))?);
    }
    let mut trajectory = TrajectoryBuilder::default();
    for message in messages.items()? {
        add(&mut trajectory, &message)?;
    }
    found.calls = trajectory.calls();
    if let Some(cost) = info.member("user_cost") {
        trajectory.extra("simulated_user_cost_usd", cost.value().clone());
    }
    found.evidence.trajectory =
        trajectory.finish(agent, &format!("{}-{}", found.task, found.number.unwrap_or(0)));
    if let Some(error) = info.member("error") {
        fail(&mut found, &error, info.member("traceback").as_ref())?;
    } else {
        found.status = format!("reward {}", reward.number()?);
        found.verdict = verdict(reward.number()?);
    }
    Ok(found)
}

fn verdict(reward: f64) -> Verdict {
    if (reward - 1.0).abs() <= TOLERANCE { Verdict::Passed } else { Verdict::from_reward(reward) }
}

/// A trial that broke off with an exception; its reward of 0 is no grade.
fn fail(found: &mut Found, error: &Pointed<'_>, traceback: Option<&Pointed<'_>>) -> Result<(), ImportError> {
    let words = error.text()?.lines().next().unwrap_or_default().to_owned();
    let raised = match traceback {
        Some(traceback) => {
            traceback.text()?.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default()
        }
        None => "",
    };
    let class = raised.split(':').next().unwrap_or_default().rsplit('.').next().unwrap_or_default().trim();
    let is_provider = |known: &str| class == known || words.contains(&format!("{known}:"));
    found.status = format!("error: {words}");
    if PROVIDER_FAILURES.iter().any(|known| is_provider(known)) {
        found.ending = infrastructure(Phase::Agent, &words);
        found.verdict = Verdict::Ungraded(UngradedReason::Infrastructure);
    } else {
        found.ending = crashed(&words);
        found.verdict = Verdict::Ungraded(UngradedReason::NotRecorded);
    }
    Ok(())
}

/// Adds a message in the form of the chat interface. The user is simulated, and a user all the same.
fn add(trajectory: &mut TrajectoryBuilder, message: &Pointed<'_>) -> Result<(), ImportError> {
    let text = message.member("content").map_or(Ok(String::new()), |content| words(&content))?;
    let role = message.need("role")?;
    match role.text()? {
        "system" => trajectory.say(Speaker::System, None, text),
        "user" => trajectory.say(Speaker::User, None, text),
        "assistant" => {
            trajectory.agent(None, text);
            if let Some(calls) = message.member("tool_calls") {
                for call in calls.items()? {
                    trajectory.call(tool_call(&call)?);
                }
            }
        }
        "tool" => {
            let call = message.member("tool_call_id").map_or(Ok(""), |id| id.text())?;
            trajectory.result(call, None, text);
        }
        _ => return Err(role.unlike("system, user, assistant or tool")),
    }
    Ok(())
}

fn tool_call(call: &Pointed<'_>) -> Result<ToolCall, ImportError> {
    let function = call.need("function")?;
    let arguments =
        function.member("arguments").map_or(Ok("{}".to_owned()), |arguments| words(&arguments))?;
    let id = call.member("id").map_or(Ok(""), |id| id.text())?;
    Ok(ToolCall::function(id, function.need("name")?.text()?, arguments))
}

/// Text, or the text of its parts; anything else as JSON.
fn words(content: &Pointed<'_>) -> Result<String, ImportError> {
    match content.value() {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) => {
            let parts = content.items()?;
            let texts: Vec<&str> =
                parts.iter().filter_map(|part| part.value().get("text").and_then(Value::as_str)).collect();
            Ok(texts.join("\n"))
        }
        other => Ok(other.to_string()),
    }
}

#[cfg(test)]
#[path = "tau_bench_tests.rs"]
mod tests;
