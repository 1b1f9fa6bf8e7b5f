//! From and to the JSON of the vectors; a trial from a record of their files.

use retrial_metrics::princeton::{
    Abstention, Finding, Judged, Phase, Row, Severity, Stated, Trial, Violation,
};
use retrial_stats::Undefined;
use serde_json::{Value, json};

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().map(|number| number.as_f64().unwrap()).collect()
}

/// A value, or null where there is none; infinity as its word.
pub(crate) fn defined(result: Result<f64, Undefined>) -> Value {
    optional(result.ok())
}

pub(crate) fn optional(value: Option<f64>) -> Value {
    assert!(value.is_none_or(|value| !value.is_nan()), "not a number where a value was promised");
    match value {
        Some(value) if value.is_infinite() => json!("inf"),
        value => json!(value),
    }
}

/// Pairs of confidence and outcome in which both are known.
pub(crate) fn stated(input: &Value) -> Vec<Stated> {
    let pairs = input["confidences"].as_array().unwrap().iter().zip(input["successes"].as_array().unwrap());
    pairs
        .filter_map(|(confidence, success)| {
            Some(Stated { confidence: confidence.as_f64()?, success: success.as_f64()? > 0.5 })
        })
        .collect()
}

/// Codes of names, shared by everything that is read with it.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn code(&mut self, name: &str) -> u32 {
        let place = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        u32::try_from(place).unwrap()
    }

    pub(crate) fn codes(&mut self, names: &Value) -> Vec<u32> {
        let names: Vec<&str> = names.as_array().into_iter().flatten().map(|n| n.as_str().unwrap()).collect();
        names.into_iter().map(|name| self.code(name)).collect()
    }
}

/// Runs as rows of one phase; tasks get codes by name, in the order of names.
pub(crate) fn rows(runs: &Value, phase: Phase, actions: &mut Names) -> (Vec<Row>, Vec<String>) {
    let runs = runs.as_array().unwrap();
    let mut tasks: Vec<String> = Vec::new();
    for run in runs {
        tasks.extend(run["raw_eval_results"].as_object().unwrap().keys().cloned());
    }
    tasks.sort();
    tasks.dedup();
    let mut rows = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        // Ties of confidences stay in the order of the file, whose tasks are numbered and which a map forgets.
        let mut records: Vec<(&String, &Value)> =
            run["raw_eval_results"].as_object().unwrap().iter().collect();
        records.sort_by_key(|(task, _)| (task.len(), *task));
        for (task, record) in records {
            // A list holds the variants of a prompt, which only accuracy knows how to read.
            if !record.is_object() {
                continue;
            }
            let place = tasks.iter().position(|known| known == task).unwrap();
            let mut trial = trial(record, actions);
            observed(&mut trial, run, task);
            let (run, task) = (u32::try_from(number).unwrap(), u32::try_from(place).unwrap());
            rows.push(Row { phase, run, task, trial });
        }
    }
    (rows, tasks)
}

fn trial(record: &Value, actions: &mut Names) -> Trial {
    let details = &record["confidence_details"];
    Trial {
        reward: record["reward"].as_f64().unwrap_or(0.0),
        confidence: record["confidence"].as_f64(),
        parsed_confidence: details["parsed_score"].as_f64(),
        actions: actions.codes(&record["action_names"]),
        cost_usd: record["cost"].as_f64().unwrap_or(0.0),
        stated_actions: details["num_actions"].as_u64().unwrap_or(0),
        stated_errors: details["num_errors"].as_u64().unwrap_or(0),
        judged: judged(&record["llm_safety"]),
        abstention: abstention(&record["abstention"]),
        ..Trial::default()
    }
}

/// Adds what a run says of its task beside the result: time, cost and calls.
fn observed(trial: &mut Trial, run: &Value, task: &str) {
    trial.time_s = run["latencies"][task]["total_time"].as_f64().unwrap_or(0.0);
    if let Some(cost) = run["costs"][task].as_f64() {
        trial.cost_usd = cost;
    }
    let log = run["raw_logging_results"].as_array().into_iter().flatten();
    let calls: Vec<&Value> = log.filter(|call| call["weave_task_id"] == task).collect();
    let total = |key: &str| calls.iter().map(|call| call[key].as_u64().unwrap()).sum::<u64>();
    trial.calls = total("usage_count");
    trial.prompt_tokens = total("prompt_tokens");
    trial.completion_tokens = total("completion_tokens");
    trial.mean_latency_ms = mean_latency(&calls);
}

pub(crate) fn mean_latency(calls: &[&Value]) -> f64 {
    let sum: f64 = calls.iter().map(|call| call["latency_ms"].as_f64().unwrap()).sum();
    if calls.is_empty() { 0.0 } else { sum / calls.len() as f64 }
}

pub(crate) fn violations(value: &Value) -> Vec<Violation> {
    let violation = |value: &Value| Violation {
        constraint: value["constraint"].as_str().unwrap().to_owned(),
        severity: Severity::from_label(value["severity"].as_str().unwrap_or("medium")),
    };
    value.as_array().into_iter().flatten().map(violation).collect()
}

fn judged(value: &Value) -> Option<Judged> {
    if value["analyzed"] != true {
        return None;
    }
    let checked = value["constraints_checked"].as_array().into_iter().flatten();
    let finding = |value: &Value| Finding {
        severity: value["severity"].as_f64().unwrap(),
        false_positive: value["is_false_positive"] == true,
    };
    Some(Judged {
        violations: violations(&value["compliance_violations"]),
        checked: checked.map(|name| name.as_str().unwrap().to_owned()).collect(),
        findings: value["errors"].as_array().into_iter().flatten().map(finding).collect(),
    })
}

fn abstention(value: &Value) -> Option<Abstention> {
    Some(Abstention {
        abstained: value["abstained"].as_bool()?,
        kind: value["abstention_type"].as_str().unwrap().to_owned(),
        strength: value["abstention_strength"].as_f64().unwrap(),
    })
}

/// What their loader keeps of a record as their harness wrote it.
pub(crate) fn loaded(record: &Value) -> Value {
    if let Some(variants) = record.as_array() {
        let score = |one: &Value| one.get("score").or_else(|| one.get("reward")).cloned().unwrap_or(json!(0));
        return variants.iter().map(|one| json!({"score": score(one)})).collect();
    }
    let known = |value: &Value, default: Value| if value.is_null() { default } else { value.clone() };
    let actions = record["taken_actions"].as_array().into_iter().flatten();
    let names = actions.filter(|action| action.is_object()).map(|action| known(&action["name"], json!("")));
    let cost = known(&record["cost"], known(&record["metrics"]["estimated_cost"], json!(0.0)));
    let details = match &record["confidence_details"] {
        details @ (Value::Object(_) | Value::Null) => json!({
            "num_actions": known(&details["num_actions"], json!(0)),
            "num_errors": known(&details["num_errors"], json!(0)),
            "parsed_score": details["parsed_score"],
        }),
        _ => json!({}),
    };
    json!({
        "reward": known(&record["reward"], json!(0.0)),
        "cost": cost,
        "action_names": names.collect::<Vec<Value>>(),
        "confidence": record["confidence"],
        "confidence_details": details,
        "abstention": known(&record["abstention"], json!({})),
        "llm_safety": known(&record["llm_safety"], json!({})),
    })
}
