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
use crate::{ImportError, Sink};

/// The model calls of one task.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ModelCalls {
    requests: u64,
    usage: Option<Usage>,
    lacks_usage: bool,
    model_ms: Option<u64>,
}

impl ModelCalls {
    fn add(&mut self, usage: Option<Usage>, elapsed_ms: Option<u64>) {
        self.model_ms = match (self.requests, self.model_ms, elapsed_ms) {
            (0, _, elapsed) => elapsed,
            (_, Some(sum), Some(elapsed)) => sum.checked_add(elapsed),
            _ => None,
        };
        self.requests += 1;
        match (usage, &mut self.usage) {
            (Some(usage), Some(sum)) => *sum = sum.plus(&usage),
            (Some(usage), empty @ None) => *empty = Some(usage),
            (None, _) => self.lacks_usage = true,
        }
    }

    /// Returns how many requests there were.
    pub(super) fn requests(&self) -> Fact<u64> {
        Fact::known(self.requests, Source::Computed)
    }

    /// Returns the tokens of all calls; missing where one does not state its own.
    pub(super) fn usage(&self) -> Fact<Usage> {
        match self.usage {
            Some(usage) if !self.lacks_usage => Fact::known(usage, Source::Computed),
            _ => Fact::Missing(MissingReason::NoUsage),
        }
    }

    /// Returns the time of all calls.
    pub(super) fn model_ms(&self) -> Option<u64> {
        self.model_ms
    }
}

/// Reads the log of a run in either form: by task, or a list of calls.
pub(super) fn read(file: &Path) -> Result<BTreeMap<String, ModelCalls>, ImportError> {
    let holders = holders(file)?;
    let mut tasks: BTreeMap<String, ModelCalls> = BTreeMap::new();
    let mut take = |_: &mut dyn Sink, pointer: &str, value: &Value| {
        let entry = Pointed::new(file, pointer, value);
        if let Some(task) = entry.member("weave_task_id") {
            if text(&entry, "id").is_some_and(|id| holders.contains(id)) {
                return Ok(());
            }
            return add_weave(tasks.entry(task.name()?).or_default(), &entry);
        }
        let Some(calls) = entry.member("call_metadata") else { return Ok(()) };
        let task = tasks.entry(entry.name_of_itself()).or_default();
        for call in calls.items()? {
            let usage = call.member("usage").map(|usage| usage_of(&usage)).transpose()?;
            task.add(usage, elapsed(&call)?);
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
fn add_weave(task: &mut ModelCalls, entry: &Pointed<'_>) -> Result<(), ImportError> {
    let Some(summary) = entry.member("summary") else {
        task.add(None, None);
        return Ok(());
    };
    let mut sum: Option<Usage> = None;
    if let Some(models) = summary.member("usage") {
        for (_, usage) in models.members()? {
            let usage = usage_of(&usage)?;
            sum = Some(sum.map_or(usage, |sum| sum.plus(&usage)));
        }
    }
    let latency = summary.member("weave").and_then(|weave| weave.member("latency_ms"));
    let latency = latency.map(|latency| latency.milliseconds()).transpose()?;
    task.add(sum, latency);
    Ok(())
}

/// Tokens of a call in the form of its provider: `prompt_tokens`, or `input_tokens` with details, count the cache; plain `input_tokens`
/// do not.
fn usage_of(usage: &Pointed<'_>) -> Result<Usage, ImportError> {
    let count = |name: &str| usage.member(name).map(|count| count.count()).transpose();
    let detail = |list: &str, name: &str| {
        usage.member(list).and_then(|list| list.member(name)).map(|count| count.count()).transpose()
    };
    let output = match count("completion_tokens")? {
        Some(output) => output,
        None => usage.need("output_tokens")?.count()?,
    };
    let including = match (count("prompt_tokens")?, usage.member("input_tokens_details")) {
        (Some(input), _) => Some((input, detail("prompt_tokens_details", "cached_tokens")?)),
        (None, Some(_)) => {
            Some((usage.need("input_tokens")?.count()?, detail("input_tokens_details", "cached_tokens")?))
        }
        (None, None) => None,
    };
    let Some((input, cache_read)) = including else {
        return Ok(Usage {
            uncached_input: usage.need("input_tokens")?.count()?,
            cache_read: count("cache_read_input_tokens")?,
            cache_write: count("cache_creation_input_tokens")?,
            output,
            reasoning: None,
        });
    };
    let uncached_input = input.checked_sub(cache_read.unwrap_or(0)).ok_or_else(|| {
        usage.place().error("counts more cached tokens than input tokens, which include them")
    })?;
    Ok(Usage { uncached_input, cache_read, cache_write: None, output, reasoning: None })
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
