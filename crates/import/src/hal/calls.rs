//! What the log of a run's model calls says of each task: tokens, requests and time, summed call by call.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use jiff::Timestamp;
use retrial_spec::{Fact, MissingReason, Source, Usage};
use serde_json::Value;

use crate::pieces::{Take, each_piece};
use crate::pointed::Pointed;
use crate::silent::Silent;
use crate::table::instant_of;
use crate::usage::{UsageSum, recorded_usage};
use crate::{ImportError, Sink};

const NO_USAGE: Fact<Usage> = Fact::Missing(MissingReason::NoUsage);

/// The model calls of one task.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelCalls {
    requests: u64,
    usage: UsageSum,
    model_ms: Option<u64>,
}

impl ModelCalls {
    fn add(&mut self, usage: &Fact<Usage>, elapsed_ms: Option<u64>) {
        self.model_ms = match (self.requests, self.model_ms, elapsed_ms) {
            (0, _, elapsed) => elapsed,
            (_, Some(sum), Some(elapsed)) => sum.checked_add(elapsed),
            _ => None,
        };
        self.requests += 1;
        self.usage.add(usage);
    }

    /// Returns how many requests there were.
    pub(super) fn requests(&self) -> Fact<u64> {
        Fact::known(self.requests, Source::Computed)
    }

    /// Returns the tokens of all calls; missing where those of one are.
    pub(super) fn usage(&self) -> Fact<Usage> {
        match self.usage.fact() {
            Fact::Known { value, .. } => Fact::known(value, Source::Computed),
            missing @ Fact::Missing(_) => missing,
        }
    }

    /// Returns the time of all calls.
    pub(super) fn model_ms(&self) -> Option<u64> {
        self.model_ms
    }
}

/// Reads the log of a run in either form: by task, or a list of calls.
///
/// The results in the same file are read apart and tell the progress; here the sink hears only what is doubtful.
pub(super) fn read(file: &Path, sink: &mut dyn Sink) -> Result<BTreeMap<String, ModelCalls>, ImportError> {
    let holders = holders(file)?;
    let mut tasks: BTreeMap<String, ModelCalls> = BTreeMap::new();
    let mut take = |_: &mut dyn Sink, pointer: &str, value: &Value| {
        let entry = Pointed::new(file, pointer, value);
        if let Some(task) = entry.member("weave_task_id") {
            if text(&entry, "id").is_some_and(|id| holders.contains(id)) {
                return Ok(());
            }
            return add_weave(tasks.entry(task.name()?).or_default(), &entry, sink);
        }
        let Some(calls) = entry.member("call_metadata") else { return Ok(()) };
        let task = tasks.entry(entry.name_of_itself()).or_default();
        for call in calls.items()? {
            let usage = match call.member("usage") {
                Some(usage) => usage_of(&usage, sink)?,
                None => NO_USAGE,
            };
            task.add(&usage, elapsed(&call)?);
        }
        Ok(())
    };
    each_piece(file, super::EXPECTED, &mut Silent, &in_the_log, &mut take)?;
    Ok(tasks)
}

fn in_the_log(name: &str) -> Take {
    if name == "raw_logging_results" { Take::Each } else { Take::Skip }
}

fn text<'a>(entry: &Pointed<'a>, name: &str) -> Option<&'a str> {
    entry.value().get(name)?.as_str()
}

/// The calls within which others of the list were made: they count those others too.
fn holders(file: &Path) -> Result<HashSet<String>, ImportError> {
    let mut holders = HashSet::new();
    let mut take = |_: &mut dyn Sink, pointer: &str, value: &Value| {
        let entry = Pointed::new(file, pointer, value);
        holders.extend(text(&entry, "parent_id").map(str::to_owned));
        Ok(())
    };
    each_piece(file, super::EXPECTED, &mut Silent, &in_the_log, &mut take)?;
    Ok(holders)
}

/// A call of the old form, whose usage stands by model.
fn add_weave(task: &mut ModelCalls, entry: &Pointed<'_>, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let Some(summary) = entry.member("summary") else {
        task.add(&NO_USAGE, None);
        return Ok(());
    };
    let mut usage = None;
    if let Some(models) = summary.member("usage") {
        for (_, of_model) in models.members()? {
            usage.get_or_insert_with(UsageSum::default).add(&usage_of(&of_model, sink)?);
        }
    }
    let usage = usage.map_or(NO_USAGE, |sum| sum.fact());
    let latency = summary.member("weave").and_then(|weave| weave.member("latency_ms"));
    let latency = latency.map(|latency| latency.milliseconds()).transpose()?;
    task.add(&usage, latency);
    Ok(())
}

/// The tokens of a call in the form of its provider.
fn usage_of(usage: &Pointed<'_>, sink: &mut dyn Sink) -> Result<Fact<Usage>, ImportError> {
    recorded_usage(Some(usage.value()), &usage.place(), sink)
}

fn elapsed(call: &Pointed<'_>) -> Result<Option<u64>, ImportError> {
    let (Some(start), Some(end)) = (call.member("started_at"), call.member("ended_at")) else {
        return Ok(None);
    };
    let elapsed = instant(&end)?.duration_since(instant(&start)?).as_millis();
    Ok(u64::try_from(elapsed).ok())
}

/// Returns a point in time: ISO 8601, in UTC where no zone is stated, or seconds since 1970.
pub(super) fn instant(value: &Pointed<'_>) -> Result<Timestamp, ImportError> {
    let found = match value.value() {
        Value::String(text) => instant_of(text).map(|instant| instant.at),
        Value::Number(seconds) => {
            let seconds = seconds.as_f64().filter(|seconds| seconds.abs() < 1e11);
            seconds.and_then(|seconds| Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok())
        }
        _ => None,
    };
    found.ok_or_else(|| value.unlike("a time in ISO 8601, or seconds since 1970"))
}
