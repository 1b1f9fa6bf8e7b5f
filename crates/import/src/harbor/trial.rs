//! One trial directory.

use std::path::Path;

use retrial_spec::{ContentDigest, Fact};
use serde_json::{Value, json};

use super::amounts::{amounts, moment, times};
use super::evidence::evidence;
use super::outcome::outcome;
use crate::atif::{ReadTrajectory, join, version_of};
use crate::json::{field, text};
use crate::own::{KEY, OwnTrial};
use crate::{Found, FoundAgent, ImportError, Place, Sink};

/// Reads a trial by its result and what lies beside it.
pub(super) fn trial(directory: &Path, result: &Value, sink: &mut dyn Sink) -> Result<Found, ImportError> {
    let file = directory.join("result.json");
    let place = Place::file(&file);
    let needed = |name: &str, value: Option<&str>| match value {
        Some(value) => Ok(value.to_owned()),
        None => Err(Place::within(&file, format!("/{name}")).error("is no text; expected a trial's result")),
    };
    let task = needed("task_name", text(result, "task_name"))?;
    let info = result.get("agent_info").cloned().unwrap_or_default();
    let agent = FoundAgent {
        name: needed("agent_info/name", text(&info, "name"))?,
        version: version_of(text(&info, "version")),
        model: model(&info),
    };
    let mut found = Found::new(Place::file(directory), agent, task);
    let outcome = outcome(result);
    let mut doubts = outcome.doubts;
    found.status = outcome.status;
    found.ending = outcome.ending;
    found.verdict = outcome.verdict;
    found.task_digest = text(result, "task_checksum").and_then(digest);
    found.started_at = text(result, "started_at").and_then(moment);
    found.times = times(result, &mut doubts);
    (found.usage, found.cost) = amounts(result, &place, &mut doubts)?;
    let trajectories = evidence(directory, result, &mut found, sink)?;
    take(&mut found, trajectories);
    if let Err(doubt) = restore(&mut found, result) {
        doubts.push(doubt);
    }
    for doubt in &doubts {
        sink.doubt(&place, doubt);
    }
    Ok(found)
}

/// The provider and the name, as a trial's configuration names a model.
fn model(info: &Value) -> Option<String> {
    let info = field(info, "model_info")?;
    let name = text(info, "name")?;
    Some(text(info, "provider").map_or_else(|| name.to_owned(), |provider| format!("{provider}/{name}")))
}

/// A content digest is 64 hexadecimal digits, in locks after `sha256:`.
fn digest(text: &str) -> Option<ContentDigest> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_digest = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    serde_json::from_value(json!(digits.to_lowercase())).ok().filter(|_| is_digest)
}

/// Takes what trajectories tell: the calls, and what the result does not tell.
fn take(found: &mut Found, trajectories: Vec<ReadTrajectory>) {
    if trajectories.is_empty() {
        return;
    }
    let (mut calls, mut requests) = (Vec::new(), Vec::new());
    let (mut usages, mut costs, mut segments) = (Vec::new(), Vec::new(), Vec::new());
    for read in trajectories {
        calls.push(read.calls);
        requests.push(read.requests);
        usages.push(read.usage);
        costs.push(read.cost);
        segments.push(read.trajectory);
    }
    found.calls = sum(calls, |mut all, more| {
        all.extend(more);
        all
    });
    found.requests = sum(requests, u64::saturating_add);
    if found.usage.value().is_none() {
        found.usage = sum(usages, |all, more| all.plus(&more));
    }
    if found.cost.value().is_none() {
        found.cost = sum(costs, |mut all, more| {
            all.usd_micros = all.usd_micros.saturating_add(more.usd_micros);
            all
        });
    }
    found.evidence.trajectory = Some(join(segments));
}

/// Adds facts up; missing where one is.
fn sum<T>(facts: Vec<Fact<T>>, plus: impl Fn(T, T) -> T) -> Fact<T> {
    let sum = facts.into_iter().reduce(|all, more| match (all, more) {
        (Fact::Known { value, source }, Fact::Known { value: more, .. }) => {
            Fact::known(plus(value, more), source)
        }
        (Fact::Missing(reason), _) | (_, Fact::Missing(reason)) => Fact::Missing(reason),
    });
    sum.unwrap_or(Fact::Missing(retrial_spec::MissingReason::NotRecorded))
}

/// Takes what an export of Retrial kept.
fn restore(found: &mut Found, result: &Value) -> Result<(), String> {
    let metadata = result.pointer("/agent_result/metadata");
    match metadata.and_then(|metadata| field(metadata, KEY)) {
        Some(kept) => OwnTrial::read(kept)?.restore(found),
        None => Ok(()),
    }
}
