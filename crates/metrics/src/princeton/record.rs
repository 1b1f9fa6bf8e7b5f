//! From our records to trials as they see them.

use retrial_spec::{ConditionKind, ConditionSpec, TrialRecord};

use super::trial::{Phase, Trial};

/// Returns the phase that a condition stands for; that of an imported run has the phase of its name.
pub(super) fn phase(condition: &ConditionSpec) -> Option<Phase> {
    match (condition.kind, condition.name.as_str()) {
        (ConditionKind::Baseline, _) => Some(Phase::Baseline),
        (ConditionKind::Fault, _) => Some(Phase::Fault),
        (ConditionKind::Imported, "structural") => Some(Phase::Structural),
        (ConditionKind::Imported, "prompt") => Some(Phase::Prompt),
        _ => None,
    }
}

/// What a record says in their terms; `actions` are the codes of its actions' fine names.
///
/// Their time is that from the start of the first model call to the start of the last, which a record does not have; the
/// agent's time stands for it. Failed actions are not recorded. Of a replayed run no time is known. What is missing is 0, as in theirs.
pub(super) fn trial(record: &TrialRecord, has_passed: bool, actions: Vec<u32>, is_replayed: bool) -> Trial {
    let usage = record.usage.value();
    let millis = |time: Option<u64>| if is_replayed { 0.0 } else { time.unwrap_or(0) as f64 };
    let confidence = record.confidence.copied();
    let calls = record.requests.copied().unwrap_or(0);
    let mean_latency_ms = if calls == 0 { 0.0 } else { millis(record.times.model_ms) / calls as f64 };
    Trial {
        reward: f64::from(u8::from(has_passed)),
        confidence,
        cost_usd: record.cost.value().map_or(0.0, |cost| cost.usd_micros as f64 / 1e6),
        time_s: millis(record.times.agent_ms) / 1000.0,
        calls,
        mean_latency_ms,
        prompt_tokens: usage.map_or(0, |usage| usage.total().saturating_sub(usage.output)),
        completion_tokens: usage.map_or(0, |usage| usage.output),
        // Theirs learns the number of actions from the answer about confidence.
        stated_actions: confidence.map_or(0, |_| actions.len() as u64),
        actions,
        ..Trial::default()
    }
}
