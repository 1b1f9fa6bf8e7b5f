//! A trial as a trial directory of Harbor.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use retrial_spec::{AgentFacts, ConditionName, Ending, Phase, TaskFacts, TrialRecord, digest_bytes};
use serde_json::{Value, json};

use super::exception::exception;
use super::{JobToExport, id};
use crate::ImportError;
use crate::export::TrialToExport;
use crate::export::trial::{kept, write, write_json};
use crate::own::{KEY, OwnTrial, agent_of, input_of, title_of};

/// Characters of a task's name in the name of a trial's directory.
const TASK: usize = 32;

/// A trial that is written.
#[derive(Debug)]
pub(super) struct WrittenTrial {
    /// Its `result.json`.
    pub(super) result: Value,
    /// When it ended.
    pub(super) finished_at: Timestamp,
}

/// Writes a trial below the directory of its job.
pub(super) fn write_trial(
    trial: &TrialToExport<'_>,
    job: &JobToExport<'_>,
    out: &Path,
) -> Result<WrittenTrial, ImportError> {
    let name = name(trial.record);
    let directory = out.join(&name);
    let config = config(trial, job, &name);
    let phases = Phases::new(trial.record, job.created_at);
    let exception = exception(trial.record).map(|(kind, message)| {
        json!({
            "exception_type": kind,
            "exception_message": message,
            "exception_traceback": "",
            "occurred_at": phases.end.to_string(),
        })
    });
    let result = result(trial, &name, &config, &phases, exception.as_ref());
    write_json(&directory.join("config.json"), &config)?;
    write_json(&directory.join("result.json"), &result)?;
    if let Some(exception) = &exception {
        let words = |field: &str| exception[field].as_str().unwrap_or_default().to_owned();
        let text = format!("{}: {}\n", words("exception_type"), words("exception_message"));
        write(&directory.join("exception.txt"), text.as_bytes())?;
    }
    if let Some(reward) = trial.record.verdict.reward() {
        write(&directory.join("verifier/reward.txt"), format!("{reward}\n").as_bytes())?;
    }
    evidence(trial, &directory)?;
    Ok(WrittenTrial { result, finished_at: phases.end })
}

/// The task's name, and digits that no other trial of the run has.
fn name(record: &TrialRecord) -> String {
    let task: String = record.trial.task.as_str().chars().take(TASK).collect();
    let digest = digest_bytes(record.trial.to_string().as_bytes());
    format!("{}__{}", task.trim_end_matches(['_', '-']), digest.short())
}

fn evidence(trial: &TrialToExport<'_>, directory: &Path) -> Result<(), ImportError> {
    let files = [
        ("trajectory.json", "agent/trajectory.json"),
        ("verifier.log", "verifier/test-stdout.txt"),
        ("patch.diff", "artifacts/patch.diff"),
    ];
    for (ours, theirs) in files {
        if let Some(bytes) = kept(&trial.evidence.join(ours))? {
            write(&directory.join(theirs), &bytes)?;
            if ours == "patch.diff" {
                let entry = json!([{"source": ours, "destination": ours, "type": "file", "status": "ok"}]);
                write_json(&directory.join("artifacts/manifest.json"), &entry)?;
            }
        }
    }
    Ok(())
}

fn config(trial: &TrialToExport<'_>, job: &JobToExport<'_>, name: &str) -> Value {
    json!({
        "task": task_config(trial.task, &source(trial.record, job)),
        "trial_name": name,
        "trials_dir": format!("jobs/{}", job.name),
        "agent": agent_config(trial.agent),
        "environment": {"type": "docker"},
        "verifier": {},
        "job_id": id(job.name),
    })
}

/// The configuration of an agent.
pub(super) fn agent_config(facts: &AgentFacts) -> Value {
    let agent = agent_of(facts);
    json!({"name": agent.name, "model_name": agent.model})
}

/// The configuration of a task of a data set.
pub(super) fn task_config(facts: &TaskFacts, source: &str) -> Value {
    json!({"path": format!("tasks/{}", facts.name), "source": source})
}

/// The data set, which Harbor groups trials by: the run, with the condition where it is not the baseline.
fn source(record: &TrialRecord, job: &JobToExport<'_>) -> String {
    let condition = &record.trial.condition;
    let is_baseline = *condition == ConditionName::baseline();
    if is_baseline { job.name.to_owned() } else { format!("{}+{condition}", job.name) }
}

fn result(
    trial: &TrialToExport<'_>,
    name: &str,
    config: &Value,
    phases: &Phases,
    exception: Option<&Value>,
) -> Value {
    let record = trial.record;
    let agent = agent_of(trial.agent);
    let model = agent.model.as_deref().map(|model| match model.split_once('/') {
        Some((provider, name)) => json!({"name": name, "provider": provider}),
        None => json!({"name": model, "provider": null}),
    });
    let trials = config["trials_dir"].as_str().unwrap_or_default();
    json!({
        "id": id(&format!("{trials}/{name}")),
        "task_name": title_of(trial.task),
        "trial_name": name,
        "trial_uri": format!("file:///{trials}/{name}"),
        "task_id": {"path": config["task"]["path"]},
        "source": config["task"]["source"],
        "task_checksum": trial.task.digest.as_ref().map_or_else(String::new, ToString::to_string),
        "config": config,
        "agent_info": {
            "name": agent.name,
            "version": agent.version.as_deref().unwrap_or("unknown"),
            "model_info": model,
        },
        "agent_result": agent_result(trial),
        "verifier_result": record.verdict.reward().map(|reward| json!({"rewards": {"reward": reward}})),
        "verifier_environment_mode": null,
        "exception_info": exception,
        "started_at": phases.start.map(|start| start.to_string()),
        "finished_at": phases.start.map(|_| phases.end.to_string()),
        "environment_setup": phases.setup,
        "agent_setup": null,
        "agent_execution": phases.agent,
        "verifier": phases.verify,
        "step_results": null,
    })
}

fn agent_result(trial: &TrialToExport<'_>) -> Value {
    let usage = trial.record.usage.value();
    let mut own = OwnTrial::new(trial.record, trial.agent, trial.task, trial.table);
    own.failed_attempts = trial.failed_attempts.to_vec();
    json!({
        "n_input_tokens": usage.map(input_of),
        "n_cache_tokens": usage.and_then(|usage| usage.cache_read),
        "n_output_tokens": usage.map(|usage| usage.output),
        "cost_usd": trial.record.cost.value().map(|cost| cost.usd_micros as f64 / 1e6),
        "metadata": {KEY: own.to_value()},
    })
}

/// The phases of a trial one after the other: the record knows how long they took.
struct Phases {
    start: Option<Timestamp>,
    setup: Value,
    agent: Value,
    verify: Value,
    end: Timestamp,
}

impl Phases {
    /// `otherwise` stands for a start that is not known where the format wants a time.
    fn new(record: &TrialRecord, otherwise: Timestamp) -> Self {
        let start = record.started_at.value().copied();
        let mut end = start.unwrap_or(otherwise);
        let mut phase = |length: Option<u64>, was_reached: bool| {
            let length =
                length.and_then(|length| i64::try_from(length).ok()).map(SignedDuration::from_millis);
            let from = end;
            let to = length.and_then(|length| from.checked_add(length).ok());
            end = to.unwrap_or(from);
            let shown = |time: Timestamp| start.map(|_| time.to_string());
            let phase = json!({"started_at": shown(from), "finished_at": to.and_then(shown)});
            if was_reached || to.is_some() { phase } else { Value::Null }
        };
        let times = record.times;
        let setup = phase(times.setup_ms, false);
        let agent = phase(times.agent_ms, has_agent_run(&record.ending));
        let verify = phase(times.verify_ms, record.verdict.reward().is_some());
        Self { start, setup, agent, verify, end }
    }
}

/// Whether an ending shows that the agent had begun.
fn has_agent_run(ending: &Ending) -> bool {
    match ending {
        Ending::Infrastructure { phase, .. } => matches!(phase, Phase::Agent | Phase::Verify | Phase::Record),
        Ending::NotRecorded => false,
        _ => true,
    }
}
