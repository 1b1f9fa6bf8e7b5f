//! A job directory: its trials by scanning, and what it says of itself.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::plan::Found;
use super::trial::trial;
use super::{directories, optional};
use crate::json::{count, field, text};
use crate::{ImportError, Place, Sink};

/// Reads every trial of a job. `known` holds the ids of trials that were read.
pub(super) fn job(
    directory: &Path,
    known: &mut BTreeSet<String>,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let config = progress(optional(&directory.join("config.json"))?, sink);
    let result = progress(optional(&directory.join("result.json"))?, sink);
    let mut found = Found::default();
    let mut unfinished = Vec::new();
    for trial in directories(directory, sink)? {
        match one(&trial, known, &mut found, sink)? {
            One::Trial => {}
            One::Unfinished(config) => unfinished.push((trial, config)),
            One::Nothing => sink.left_out(&Place::file(&trial), "holds no trial"),
        }
    }
    for (trial, config) in unfinished {
        sink.unfinished(found.unfinished(&config, Place::file(&trial)))?;
    }
    if let Some(result) = result {
        planned(directory, &result, config.as_ref(), &found, sink)?;
    }
    Ok(())
}

/// Reads a trial directory by itself.
pub(super) fn single(
    directory: &Path,
    known: &mut BTreeSet<String>,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let mut found = Found::default();
    if let One::Unfinished(config) = one(directory, known, &mut found, sink)? {
        sink.unfinished(found.unfinished(&config, Place::file(directory)))?;
    }
    Ok(())
}

/// What a directory of a job is.
enum One {
    /// A trial, which the sink has.
    Trial,
    /// A trial without a result, by its configuration.
    Unfinished(Value),
    /// No trial.
    Nothing,
}

fn one(
    directory: &Path,
    known: &mut BTreeSet<String>,
    found: &mut Found,
    sink: &mut dyn Sink,
) -> Result<One, ImportError> {
    let file = directory.join("result.json");
    let Some(result) = progress(optional(&file)?, sink) else {
        let config = progress(optional(&directory.join("config.json"))?, sink);
        let config = config.filter(|config| field(config, "task").is_some());
        return Ok(config.map_or(One::Nothing, One::Unfinished));
    };
    let id = text(&result, "id").unwrap_or_default().to_owned();
    if !id.is_empty() && !known.insert(id.clone()) {
        sink.left_out(
            &Place::file(directory),
            &format!("is a copy of the trial `{id}`, which has been read"),
        );
        return Ok(One::Trial);
    }
    let trial = trial(directory, &result, sink)?;
    let config = result.get("config").cloned().unwrap_or_default();
    found.take(&config, &trial.agent, &trial.task);
    sink.trial(trial)?;
    Ok(One::Trial)
}

/// Compares what a job says of itself with what was found, and names the planned trials that have no directory.
fn planned(
    directory: &Path,
    result: &Value,
    config: Option<&Value>,
    found: &Found,
    sink: &mut dyn Sink,
) -> Result<(), ImportError> {
    let file = directory.join("result.json");
    let place = Place::file(&file);
    let stats = result.get("stats").cloned().unwrap_or_default();
    if let Some(retries) = count(&stats, "n_retries", &place)?.filter(|&retries| retries > 0) {
        let what = format!(
            "{retries} attempts failed and were made again; Harbor deletes them, so that nothing is known of them"
        );
        sink.doubt(&Place::within(&file, "/stats/n_retries"), &what);
    }
    let Some(total) = count(result, "n_total_trials", &place)? else { return Ok(()) };
    let total_place = Place::within(&file, "/n_total_trials");
    let here = found.total();
    if total < here {
        sink.doubt(&total_place, &format!("is {total}, and there are {here} trials"));
        return Ok(());
    }
    let attempts = match config {
        Some(config) => {
            count(config, "n_attempts", &Place::file(&directory.join("config.json")))?.unwrap_or(1)
        }
        None => 1,
    };
    let Some(lacking) = found.lacking(attempts, total - here, &total_place) else {
        let what = format!(
            "is {total}, and there are {here} trials: of the {} others, nothing says which agent and task they are of",
            total - here
        );
        sink.doubt(&total_place, &what);
        return Ok(());
    };
    lacking.into_iter().try_for_each(|unfinished| sink.unfinished(unfinished))
}

fn progress(read: Option<(Value, u64)>, sink: &mut dyn Sink) -> Option<Value> {
    let (value, bytes) = read?;
    sink.progress(bytes);
    Some(value)
}
