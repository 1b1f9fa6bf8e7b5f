//! A trial as a sample.

use jiff::{SignedDuration, Timestamp};
use retrial_spec::{
    AgentFacts, AttemptFailure, Cost, Ending, Limits, TaskFacts, Times, TrialRecord, Usage, Verdict,
};
use serde_json::{Map, Value, json};

use super::conversation::{Conversation, SOLVERS};
use super::{InspectExport, LOG_KEY, PATCH_KEY, SCORER, evidence_file};
use crate::export::failed_before;
use crate::own::{KEY, OwnTrial};
use crate::{ImportError, Place};

/// The name of a model that nobody names.
const NAMELESS: &str = "none/none";

impl InspectExport<'_> {
    /// Returns the sample of a trial.
    pub(super) fn sample(&self, record: &TrialRecord) -> Result<Value, ImportError> {
        let evidence = self.evidence(record);
        let (agent, task) = (self.agent(record)?, self.task(record)?);
        let started_at = record.started_at.copied().unwrap_or(self.manifest.created_at);
        let model = agent.model.as_deref().unwrap_or(NAMELESS);
        let path = evidence.join("trajectory.json");
        let trajectory: Option<Value> =
            match evidence_file(&path)? {
                Some(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| {
                    Place::file(&path).caused("is not JSON; expected a trajectory", error)
                })?),
                None => None,
            };
        let conversation = trajectory.as_ref().map(|whole| Conversation::of(whole, model, started_at));
        let mut own = OwnTrial::new(record, agent, task, &self.manifest.actions);
        own.has_trajectory = trajectory.is_some();
        own.final_metrics = trajectory.as_ref().and_then(|whole| whole.get("final_metrics").cloned());
        let mut sample = start(record, self.sample_id(task), conversation.unwrap_or_default(), started_at);
        sample["uuid"] = json!(uuid(self, record));
        sample["metadata"] = json!({ KEY: own.to_value() });
        if let Some(usage) = record.usage.value() {
            sample["model_usage"] = json!({ model: model_usage(usage, record.cost.value()) });
        }
        let measured = self.manifest.measured();
        let limits = measured.map_or_else(Limits::default, |measured| measured.experiment.limits.clone());
        end(&mut sample, record, &limits, started_at);
        let failures = failed_before(self.failures, record).iter();
        sample["error_retries"] = failures.map(|failure| attempt(failure, started_at)).collect();
        let log = evidence_file(&evidence.join("verifier.log"))?
            .map(|log| String::from_utf8_lossy(&log).into_owned());
        let patch =
            evidence_file(&evidence.join("patch.diff"))?.and_then(|patch| String::from_utf8(patch).ok());
        judge(&mut sample, &record.verdict, log, started_at);
        if let Some(patch) = patch {
            sample["store"][PATCH_KEY] = json!(patch);
        }
        Ok(sample)
    }

    pub(super) fn agent(&self, record: &TrialRecord) -> Result<&AgentFacts, ImportError> {
        let named = |agent: &&AgentFacts| agent.name == record.trial.agent;
        self.manifest.agents.iter().find(named).ok_or_else(|| self.unknown(record, "agent"))
    }

    fn task(&self, record: &TrialRecord) -> Result<&TaskFacts, ImportError> {
        let named = |task: &&TaskFacts| task.name == record.trial.task;
        self.manifest.tasks.iter().find(named).ok_or_else(|| self.unknown(record, "task"))
    }

    fn unknown(&self, record: &TrialRecord, what: &str) -> ImportError {
        let expected = format!("does not name the {what} of trial `{}`", record.trial);
        Place::file(&self.directory.join("run.json")).error(expected)
    }
}

/// The same for the same trial of the same run, and for no other.
fn uuid(export: &InspectExport<'_>, record: &TrialRecord) -> String {
    let whole = format!("{}/{}", export.manifest.run, record.trial);
    retrial_spec::digest_bytes(whole.as_bytes()).short().to_owned()
}

fn start(record: &TrialRecord, id: &str, conversation: Conversation, started_at: Timestamp) -> Value {
    let Conversation { messages, events, input, output, turns } = conversation;
    let mut all = Vec::new();
    if turns > 0 {
        all.push(span(SOLVERS, started_at));
        all.extend(events);
        all.push(json!({"event": "span_end", "id": SOLVERS, "timestamp": started_at, "working_start": 0.0}));
    }
    let mut sample = json!({
        "id": id, "epoch": record.trial.number,
        "input": input.unwrap_or_else(|| id.to_owned()), "target": "",
        "messages": messages, "events": all,
        "scores": {}, "store": {}, "model_usage": {}, "role_usage": {}, "error_retries": [], "attachments": {},
        "turn_count": turns,
    });
    if let Some(output) = output {
        sample["output"] = output;
    }
    sample
}

fn span(kind: &str, at: Timestamp) -> Value {
    json!({
        "event": "span_begin", "id": kind, "span_id": kind, "type": kind, "name": kind, "timestamp": at,
        "working_start": 0.0,
    })
}

pub(super) fn model_usage(usage: &Usage, cost: Option<&Cost>) -> Value {
    let mut counters = json!({
        "input_tokens": usage.uncached_input, "output_tokens": usage.output, "total_tokens": usage.total(),
    });
    let more = [
        ("input_tokens_cache_read", usage.cache_read),
        ("input_tokens_cache_write", usage.cache_write),
        ("reasoning_tokens", usage.reasoning),
    ];
    for (name, count) in more {
        if let Some(count) = count {
            counters[name] = json!(count);
        }
    }
    if let Some(cost) = cost {
        counters["total_cost"] = json!(cost.usd_micros as f64 / 1e6);
    }
    counters
}

/// How it ended, and when.
fn end(sample: &mut Value, record: &TrialRecord, limits: &Limits, started_at: Timestamp) {
    let Times { agent_ms, waiting_ms, verify_ms, .. } = record.times;
    sample["started_at"] = json!(started_at);
    if let Some(agent) = agent_ms {
        let total = agent.saturating_add(verify_ms.unwrap_or(0));
        sample["total_time"] = json!(total as f64 / 1e3);
        sample["working_time"] = json!(total.saturating_sub(waiting_ms.unwrap_or(0)) as f64 / 1e3);
        let taken = SignedDuration::from_millis(i64::try_from(total).unwrap_or(i64::MAX));
        sample["completed_at"] = json!(started_at.checked_add(taken).unwrap_or(started_at));
    }
    match &record.ending {
        Ending::Timeout => {
            let seconds = limits.agent_sec.map(|seconds| seconds as f64);
            let limit = seconds.or(agent_ms.map(|agent| agent as f64 / 1e3)).unwrap_or(0.0);
            sample["limit"] =
                json!({"type": "time", "limit": limit, "reason": "the agent's time limit was reached"});
        }
        Ending::OverBudget => {
            let (kind, limit) = budget(limits);
            sample["limit"] = json!({"type": kind, "limit": limit, "reason": "a budget was spent"});
        }
        Ending::Revoked => {
            let reason = "the trial's access to its model was revoked";
            sample["limit"] = json!({"type": "operator", "limit": 1.0, "reason": reason});
        }
        Ending::Infrastructure { cause, .. } => {
            sample["error"] = json!({"message": cause, "traceback": cause, "traceback_ansi": cause});
        }
        Ending::Refused => {
            if let Some(reason) = sample.pointer_mut("/output/choices/0/stop_reason") {
                *reason = json!("content_filter");
            }
        }
        Ending::Finished | Ending::Crash { .. } | Ending::NotRecorded => {}
    }
}

/// The only budget that there was; where there are several, nobody wrote down which was spent.
fn budget(limits: &Limits) -> (&'static str, f64) {
    let all = [
        ("token", limits.tokens.map(|tokens| tokens as f64)),
        ("cost", limits.usd),
        ("turn", limits.requests.map(|requests| requests as f64)),
    ];
    let known: Vec<(&str, f64)> = all.into_iter().filter_map(|(kind, limit)| Some((kind, limit?))).collect();
    match known.as_slice() {
        [only] => *only,
        _ => ("custom", 0.0),
    }
}

/// An attempt that failed. What the span is called says in which phase.
fn attempt(failure: &AttemptFailure, at: Timestamp) -> Value {
    let error =
        json!({"message": failure.cause, "traceback": failure.cause, "traceback_ansi": failure.cause});
    let mut attempt = error.clone();
    attempt["events"] = json!([
        span(failure.phase.as_str(), at),
        {"event": "error", "error": error, "timestamp": at, "working_start": 0.0},
    ]);
    attempt
}

/// Returns the value of a score for a verdict; none where there is no verdict.
pub(super) fn score(verdict: &Verdict) -> Option<Value> {
    match verdict {
        Verdict::Passed => Some(json!("C")),
        Verdict::Failed => Some(json!("I")),
        Verdict::Reward(reward) => Some(json!(reward)),
        Verdict::Ungraded(_) => None,
    }
}

fn judge(sample: &mut Value, verdict: &Verdict, log: Option<String>, at: Timestamp) {
    let Some(value) = score(verdict) else {
        if let Some(log) = log {
            sample["store"][LOG_KEY] = json!(log);
        }
        return;
    };
    let mut score = Map::from_iter([("value".to_owned(), value)]);
    score.extend(log.map(|log| ("explanation".to_owned(), json!(log))));
    if let Some(events) = sample["events"].as_array_mut() {
        events.push(span("scorers", at));
        events.push(json!({
            "event": "score", "score": score, "scorer": SCORER, "span_id": "scorers", "timestamp": at, "working_start": 0.0,
        }));
        events.push(json!({"event": "span_end", "id": "scorers", "timestamp": at, "working_start": 0.0}));
    }
    sample["scores"] = json!({ SCORER: score });
}
