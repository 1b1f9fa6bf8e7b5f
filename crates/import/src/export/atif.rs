//! Trials as ATIF 1.8, a file for each.

use std::path::{Path, PathBuf};

use retrial_agents::atif::SCHEMA_VERSION;
use serde_json::{Map, Value, json};

use super::trial::write_json;
use super::{ExportRun, TrialToExport, trial_of};
use crate::ImportError;
use crate::json::list;
use crate::own::{KEY, OwnTrial, agent_of, input_of};

/// Writes every trial of a run into a directory.
///
/// # Errors
/// [`ImportError`] where the run cannot be read or a file cannot be written.
pub fn write(run: &ExportRun<'_>, out: &Path) -> Result<(), ImportError> {
    let failures = run.failures()?;
    for record in run.records()? {
        let record = record?;
        let evidence = run.evidence(&record);
        trial(&trial_of(run, &record, (&evidence, &failures))?, out)?;
    }
    Ok(())
}

/// Writes a trial as `<trial id>.json`: its trajectory with the sums of its record, and in `extra.retrial` what the format has no field
/// for. Returns the path.
///
/// # Errors
/// [`ImportError`] where the trajectory cannot be read or the file cannot be written.
pub fn trial(trial: &TrialToExport<'_>, out: &Path) -> Result<PathBuf, ImportError> {
    let path = out.join(format!("{}.json", trial.record.trial));
    let mut own = OwnTrial::new(trial.record, trial.agent, trial.task, trial.table);
    own.failed_attempts = trial.failed_attempts.to_vec();
    let trajectory = trial.trajectory()?;
    own.has_trajectory = trajectory.is_some();
    let mut whole = trajectory.unwrap_or_else(|| stand_in(trial));
    own.final_metrics = whole.get("final_metrics").filter(|metrics| !metrics.is_null()).cloned();
    whole["final_metrics"] = final_metrics(trial, &whole);
    if !whole.get("extra").is_some_and(Value::is_object) {
        whole["extra"] = json!({});
    }
    whole["extra"][KEY] = own.to_value();
    write_json(&path, &whole)?;
    Ok(path)
}

/// A trajectory for a trial that has none: the format wants a step.
fn stand_in(trial: &TrialToExport<'_>) -> Value {
    let agent = agent_of(trial.agent);
    let mut step =
        json!({"step_id": 1, "source": "system", "message": "No conversation of this trial is recorded."});
    if let Some(started) = trial.record.started_at.value() {
        step["timestamp"] = json!(started.to_string());
    }
    let mut whole = json!({
        "schema_version": SCHEMA_VERSION,
        "session_id": trial.record.trial.to_string(),
        "agent": {"name": agent.name, "version": agent.version.as_deref().unwrap_or("unknown")},
        "steps": [step],
    });
    if let Some(model) = agent.model {
        whole["agent"]["model_name"] = json!(model);
    }
    whole
}

/// The sums of the record; what it does not know stays as the trajectory has it.
fn final_metrics(trial: &TrialToExport<'_>, whole: &Value) -> Value {
    let mut metrics = match whole.get("final_metrics") {
        Some(Value::Object(metrics)) => metrics.clone(),
        _ => Map::new(),
    };
    if let Some(usage) = trial.record.usage.value() {
        metrics.insert("total_prompt_tokens".to_owned(), json!(input_of(usage)));
        metrics.insert("total_completion_tokens".to_owned(), json!(usage.output));
        match usage.cache_read {
            Some(cached) => metrics.insert("total_cached_tokens".to_owned(), json!(cached)),
            None => metrics.remove("total_cached_tokens"),
        };
    }
    if let Some(cost) = trial.record.cost.value() {
        metrics.insert("total_cost_usd".to_owned(), json!(cost.usd_micros as f64 / 1e6));
    }
    metrics.insert("total_steps".to_owned(), json!(list(whole, "steps").len()));
    Value::Object(metrics)
}
