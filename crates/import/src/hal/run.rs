//! One run: its configuration, then its model calls, then its results task by task.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use retrial_spec::{Cost, Times, ToolCall, UngradedReason, Verdict};
use serde_json::Value;

use super::calls::{self, ModelCalls};
use super::condition;
use crate::counted::{CountedFile, is_own_file};
use crate::ended::crashed;
use crate::pieces::{Take, each_piece, member_names};
use crate::pointed::{Pointed, imported};
use crate::silent::Silent;
use crate::{Found, FoundAgent, ImportError, Place, Sink};

/// What is known of a run besides its results.
struct Run {
    agent: FoundAgent,
    condition: Option<&'static str>,
    /// Members `latencies` and `wall_clock_times`, by task.
    latencies: Value,
    wall_clock: Value,
    calls: BTreeMap<String, ModelCalls>,
    /// The first line of what the agent broke off with, by task.
    errors: BTreeMap<String, String>,
}

/// Gives the trials of one file to the sink.
pub(super) fn read(file: &Path, sink: &mut dyn Sink) -> Result<(), ImportError> {
    let names = member_names(file)?.unwrap_or_default();
    let has = |name: &str| names.iter().any(|own| own == name);
    if has("encrypted_data") {
        return Err(super::encrypted(file));
    }
    if !has("config") || !has("raw_eval_results") {
        let why = format!("has no `config` or no `raw_eval_results`; expected {}", super::EXPECTED);
        return Err(Place::file(file).error(why));
    }
    let run = Run::of(file, sink)?;
    if has("raw_logging_results") {
        let why = "messages are left out; of the model calls, tokens, count and time are read";
        sink.left_out(&Place::within(file, "/raw_logging_results"), why);
    }
    let choose = |name: &str| if name == "raw_eval_results" { Take::Each } else { Take::Skip };
    let mut found_any = false;
    let mut take = |sink: &mut dyn Sink, pointer: &str, value: &Value| {
        found_any = true;
        run.task(&Pointed::new(file, pointer, value), sink)
    };
    each_piece(file, super::EXPECTED, sink, &choose, &mut take)?;
    if !found_any {
        return Err(
            Place::within(file, "/raw_eval_results").error("is empty; expected a result for every task")
        );
    }
    Ok(())
}

impl Run {
    fn of(file: &Path, sink: &mut dyn Sink) -> Result<Self, ImportError> {
        const MEMBERS: [&str; 4] = ["config", "metadata", "results", "wall_clock_times"];
        let mut members: BTreeMap<String, Value> = BTreeMap::new();
        let choose = |name: &str| if MEMBERS.contains(&name) { Take::Whole } else { Take::Skip };
        let mut take = |_: &mut dyn Sink, pointer: &str, value: &Value| {
            members.insert(pointer.trim_start_matches('/').to_owned(), value.clone());
            Ok(())
        };
        each_piece(file, super::EXPECTED, &mut Silent, &choose, &mut take)?;
        let mut member = |name: &str| members.remove(name).unwrap_or(Value::Null);
        let (config, metadata) = (member("config"), member("metadata"));
        let told = condition::of_run(&config, &metadata, file);
        if let (Some(condition), true) = (told.condition, told.only_by_name) {
            let what = format!("only the directory's name says that the condition is `{condition}`");
            sink.doubt(&Place::file(file), &what);
        }
        let calls = calls::read(file, sink)?;
        let config = Pointed::new(file, "/config", &config);
        let text = |name: &str| config.member(name).map(|text| text.name()).transpose();
        let model = config.member("agent_args").and_then(|arguments| arguments.member("model_name"));
        Ok(Self {
            agent: FoundAgent {
                name: config.need("agent_name")?.name()?,
                version: text("agent_version")?,
                model: model.map(|model| model.name()).transpose()?,
            },
            condition: told.condition,
            latencies: member("results")["latencies"].take(),
            wall_clock: member("wall_clock_times"),
            calls,
            errors: errors_beside(file)?,
        })
    }

    /// The trial of a task; with several variations of its prompt, the trial of each.
    fn task(&self, entry: &Pointed<'_>, sink: &mut dyn Sink) -> Result<(), ImportError> {
        let task = entry.name_of_itself();
        if entry.value().is_object() {
            let found = self.trial(&task, entry)?;
            return sink.trial(found);
        }
        for variation in entry.items()? {
            let mut found = Found::new(variation.place(), self.agent.clone(), &task);
            let id = variation.need("variation_id")?.name()?;
            found.condition = Some(format!("{}-{id}", self.condition.unwrap_or("prompt")));
            self.grade(&mut found, variation.member("score").as_ref())?;
            sink.trial(found)?;
        }
        Ok(())
    }

    fn trial(&self, task: &str, entry: &Pointed<'_>) -> Result<Found, ImportError> {
        let mut found = Found::new(entry.place(), self.agent.clone(), task);
        found.condition = self.condition.map(str::to_owned);
        self.grade(&mut found, entry.member("reward").or_else(|| entry.member("score")).as_ref())?;
        let cost = entry.member("cost").map(|cost| cost.usd_micros()).transpose()?;
        found.cost = imported(cost.map(|usd_micros| Cost { usd_micros, priced_on: None }));
        let confidence = entry.member("confidence").map(|confidence| probability(&confidence)).transpose()?;
        found.confidence = imported(confidence);
        found.calls = imported(entry.member("taken_actions").map(|actions| taken(&actions)).transpose()?);
        self.times(&mut found, task, entry)?;
        Ok(found)
    }

    /// When the trial started, and how long it took. The span from the first call to the start of the last is no time of the agent.
    fn times(&self, found: &mut Found, task: &str, entry: &Pointed<'_>) -> Result<(), ImportError> {
        let file = entry.place().file;
        let latency = Pointed::new(&file, "/results/latencies", &self.latencies).member(task);
        let first = latency.and_then(|latency| latency.member("first_call_timestamp"));
        found.started_at = first.map(|first| calls::instant(&first)).transpose()?;
        let wall = Pointed::new(&file, "/wall_clock_times", &self.wall_clock).member(task);
        found.times = Times { agent_ms: wall.map(|wall| wall.seconds()).transpose()?, ..Times::default() };
        if let Some(calls) = self.calls.get(task) {
            found.requests = calls.requests();
            found.usage = calls.usage();
            found.times.model_ms = calls.model_ms();
        }
        Ok(())
    }

    fn grade(&self, found: &mut Found, reward: Option<&Pointed<'_>>) -> Result<(), ImportError> {
        let (word, verdict) = match reward {
            None => ("no reward".to_owned(), Verdict::Ungraded(UngradedReason::NoReward)),
            Some(reward) => {
                let number = match reward.value() {
                    Value::Bool(passed) => f64::from(u8::from(*passed)),
                    _ => reward.number()?,
                };
                (format!("reward {number}"), Verdict::from_reward(number))
            }
        };
        found.status = word;
        found.verdict = verdict;
        if let Some(error) = self.errors.get(&found.task) {
            found.status = format!("{}, {error}", found.status);
            found.ending = crashed(error);
        }
        Ok(())
    }
}

fn probability(confidence: &Pointed<'_>) -> Result<f64, ImportError> {
    let number = confidence.number()?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(confidence.unlike("a probability from 0 to 1"))
    }
}

fn taken(actions: &Pointed<'_>) -> Result<Vec<ToolCall>, ImportError> {
    let call = |(action, number): (Pointed<'_>, usize)| {
        let arguments =
            action.member("kwargs").map_or_else(|| "{}".to_owned(), |kwargs| kwargs.value().to_string());
        Ok(ToolCall::function(number.to_string(), action.need("name")?.text()?, arguments))
    };
    actions.items()?.into_iter().zip(1..).map(call).collect()
}

/// The tasks whose agent broke off, from the submissions beside the file: their output starts with `ERROR`.
fn errors_beside(file: &Path) -> Result<BTreeMap<String, String>, ImportError> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let run = name.strip_suffix("_UPLOAD.json").unwrap_or(name);
    let beside = file.with_file_name(format!("{run}_RAW_SUBMISSIONS.jsonl"));
    let mut errors = BTreeMap::new();
    if !is_own_file(&beside) {
        return Ok(errors);
    }
    let (submissions, _) = CountedFile::open(&beside, "submissions")?;
    for (line, number) in BufReader::new(submissions).lines().zip(1_usize..) {
        let place = Place::within(&beside, format!("line {number}"));
        let line = line.map_err(|error| place.caused("cannot be read", error))?;
        if line.trim().is_empty() {
            continue;
        }
        let value: BTreeMap<String, Value> = serde_json::from_str(&line)
            .map_err(|error| place.caused("is no JSON object; expected a task's output", error))?;
        for (task, output) in value {
            if let Some(error) = output.as_str().filter(|output| output.starts_with("ERROR")) {
                errors.insert(task, error.lines().next().unwrap_or_default().to_owned());
            }
        }
    }
    Ok(errors)
}
