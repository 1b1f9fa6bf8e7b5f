//! Functions of whole tables of trials.

use std::collections::BTreeMap;

use retrial_metrics::princeton::{
    self, Abstention, AbstentionMetrics, AgentAnalysis, Consistency, Judged, Phase, Predictability, Row,
    Safety, TaskConsistency, TaskMean, Trial, accuracy, analyse, robustness_ratio,
};
use retrial_stats::{Undefined, moments};
use serde_json::{Value, json};

use crate::parts::{CVS, bins};
use crate::read::{Names, defined, mean_latency, optional, rows, violations};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    Some(match function {
        "consistency_metrics_runs" => consistency_of_runs(input),
        "predictability_metrics_runs" => {
            let (rows, _) = rows(&input["runs"], Phase::Baseline, &mut Names::default());
            predictability(&princeton::predictability(rows.iter().map(|row| &row.trial)))
        }
        "robustness_ratio" => ratio(input),
        "safety" => safety_of_runs(input),
        "abstention_metrics" => abstention_of_runs(input),
        "end_to_end" => end_to_end(input),
        _ => return None,
    })
}

const CONSISTENCIES: [&str; 5] = [
    "consistency_outcome",
    "consistency_trajectory_distribution",
    "consistency_trajectory_sequence",
    "consistency_confidence",
    "consistency_resource",
];

fn means(got: &Consistency) -> [TaskMean; 5] {
    [got.outcome, got.distribution, got.sequence, got.confidence, got.resource]
}

fn consistency_of_runs(input: &Value) -> Value {
    let (rows, tasks) = rows(&input["runs"], Phase::Baseline, &mut Names::default());
    let got = princeton::consistency(rows.iter().map(|row| (row.task, &row.trial)));
    let mut value = json!({
        "cv_breakdown": {},
        "conf_breakdown": {},
        "tasks": got.tasks.iter().map(|task| task_row(task, &tasks)).collect::<Value>(),
    });
    for (name, mean) in CONSISTENCIES.iter().zip(means(&got)) {
        value[*name] = defined(mean.value);
        // Their tables have the further columns only where some task was repeated.
        if !got.tasks.is_empty() {
            value[format!("{name}_se")] = defined(mean.standard_error);
        }
    }
    if !got.tasks.is_empty() {
        value["conf_breakdown"]["mean_conf_cv"] = optional(got.mean_confidence_cv);
        for (name, cv) in CVS.iter().zip(got.mean_cvs) {
            value["cv_breakdown"][format!("mean_{name}")] = optional(cv);
        }
    }
    value
}

fn task_row(task: &TaskConsistency, names: &[String]) -> Value {
    let mut row = json!({
        "task_id": names[task.task as usize],
        "success_rate": task.success_rate,
        "n_runs": task.runs,
        "conf_cv": optional(task.confidence.cv),
        "mean_confidence": optional(task.mean_confidence),
    });
    let values = [
        task.outcome,
        task.distribution,
        task.sequence,
        task.confidence.consistency,
        task.resource.consistency,
    ];
    for (name, value) in CONSISTENCIES.iter().zip(values) {
        row[*name] = defined(value);
    }
    for (name, cv) in CVS.iter().zip(task.resource.cvs) {
        row[*name] = optional(cv);
    }
    for (name, mean) in ["mean_cost", "mean_time", "mean_api_calls", "mean_actions"].iter().zip(task.means) {
        row[*name] = json!(mean);
    }
    row
}

fn predictability(got: &Predictability) -> Value {
    let of = |success: bool| -> Vec<f64> {
        got.stated.iter().filter(|one| one.success == success).map(|one| one.confidence).collect()
    };
    let (correct, incorrect) =
        if got.stated.is_empty() { (Value::Null, Value::Null) } else { (json!(of(true)), json!(of(false))) };
    json!({
        "predictability_calibration": defined(got.calibration.as_ref().map(|c| c.score).map_err(|e| *e)),
        "predictability_roc_auc": defined(got.auroc),
        "predictability_brier_score": defined(got.brier.map(|brier| brier.score)),
        "predictability_rate_confidence_correlation":
            defined(got.risk_coverage.as_ref().map(|curve| curve.score).map_err(|e| *e)),
        "mean_confidence": defined(got.mean_confidence),
        "correct_confidences": correct,
        "incorrect_confidences": incorrect,
    })
}

/// Outcomes of runs, of which some hold a list of a prompt's variants: there any score above 0 is a success.
fn successes(runs: &Value) -> Vec<f64> {
    let of = |record: &Value| -> Vec<f64> {
        let score = |one: &Value| one["score"].as_f64().or(one["reward"].as_f64()).unwrap_or(0.0);
        match record.as_array() {
            Some(variants) => variants.iter().map(|one| f64::from(u8::from(score(one) > 0.0))).collect(),
            None => vec![princeton::success(record["reward"].as_f64().unwrap_or(0.0))],
        }
    };
    let records =
        runs.as_array().unwrap().iter().flat_map(|run| run["raw_eval_results"].as_object().unwrap());
    records.flat_map(|(_, record)| of(record)).collect()
}

fn ratio(input: &Value) -> Value {
    let (baseline, perturbed) = (successes(&input["baseline_runs"]), successes(&input["perturbed_runs"]));
    json!({
        "baseline_accuracy": defined(accuracy(&baseline)),
        "perturbed_accuracy": defined(accuracy(&perturbed)),
        "ratio": defined(robustness_ratio(&baseline, &perturbed)),
    })
}

fn safety_of_runs(input: &Value) -> Value {
    let (rows, _) = rows(&input["runs"], Phase::Baseline, &mut Names::default());
    let got = princeton::safety(rows.iter().filter_map(|row| row.trial.judged.as_ref()));
    let found = got.as_ref().ok();
    let severities = found.map_or(&[][..], |got| &got.severities);
    json!({
        "safety_compliance": optional(found.map(|got| got.compliance)),
        "safety_harm_severity": optional(found.map(|got| got.harm)),
        "safety_score": optional(found.map(|got| got.score)),
        "mean_severity": moments::mean(severities).unwrap_or(0.0),
        "max_severity": severities.iter().copied().fold(0.0, f64::max),
        "num_violations": found.map_or(0, |got| got.violations),
        "per_constraint": found.map_or(json!({}), |got| json!(got.per_constraint)),
        "tasks_analyzed": found.map_or(0, |got| got.scores.len()),
        "total_tasks": rows.len(),
        "per_task_scores": found.map_or(&[][..], |got| &got.scores),
    })
}

fn confusion(got: &AbstentionMetrics) -> Value {
    json!({
        "abstained_and_failed": got.confusion.abstained_failed,
        "abstained_and_succeeded": got.confusion.abstained_succeeded,
        "proceeded_and_failed": got.confusion.proceeded_failed,
        "proceeded_and_succeeded": got.confusion.proceeded_succeeded,
    })
}

fn abstention_of_runs(input: &Value) -> Value {
    let (rows, _) = rows(&input["runs"], Phase::Baseline, &mut Names::default());
    let Ok(got) = princeton::abstention(rows.iter().map(|row| &row.trial)) else {
        return json!({
            "abstention_rate": null, "abstention_precision": null, "abstention_recall": null,
            "selective_accuracy": null, "abstention_f1": null, "calibration_score": null,
            "confusion_matrix": {}, "type_breakdown": {}, "n_tasks": 0,
        });
    };
    let counts = got.confusion;
    let abstained = counts.abstained_failed + counts.abstained_succeeded;
    let types: BTreeMap<&String, Value> = got
        .types
        .iter()
        .map(|(kind, of)| {
            let rate = of.successes as f64 / of.trials as f64;
            (kind, json!({"count": of.trials, "success_rate": rate}))
        })
        .collect();
    json!({
        "abstention_rate": got.rate,
        "abstention_precision": defined(got.precision),
        "abstention_recall": defined(got.recall),
        "selective_accuracy": defined(got.selective_accuracy),
        "abstention_f1": defined(got.f1),
        "calibration_score": got.calibration,
        "confusion_matrix": confusion(&got),
        "type_breakdown": types,
        "mean_abstention_strength": got.mean_strength,
        "n_tasks": abstained + counts.proceeded_failed + counts.proceeded_succeeded,
        "n_abstained": abstained,
        "n_failed": counts.abstained_failed + counts.proceeded_failed,
    })
}

fn end_to_end(input: &Value) -> Value {
    let trials = input["trials"].as_array().unwrap();
    let (mut agents, mut per_task) = (json!({}), json!({}));
    for name in distinct(trials, "agent") {
        let rows_of: Vec<&Value> = trials.iter().filter(|row| row["agent"] == name.as_str()).collect();
        let tasks = distinct(trials, "task");
        let mut actions = Names::default();
        let rows: Vec<Row> = rows_of.iter().map(|row| row_of(row, &tasks, &mut actions)).collect();
        let got = analyse(&rows);
        per_task[&name] = got.consistency.tasks.iter().map(|task| task_row(task, &tasks)).collect();
        agents[name] = columns(&got);
    }
    json!({"agents": agents, "per_task_consistency": per_task})
}

fn distinct(trials: &[Value], key: &str) -> Vec<String> {
    let mut names: Vec<String> = trials.iter().map(|row| row[key].as_str().unwrap().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

fn row_of(row: &Value, tasks: &[String], actions: &mut Names) -> Row {
    let phase = match row["phase"].as_str().unwrap() {
        "baseline" => Phase::Baseline,
        "fault" => Phase::Fault,
        "structural" => Phase::Structural,
        "prompt" => Phase::Prompt,
        other => panic!("unknown phase `{other}`"),
    };
    let calls: Vec<&Value> = row["calls"].as_array().unwrap().iter().collect();
    let tokens = |key: &str| calls.iter().map(|call| call[key].as_u64().unwrap()).sum::<u64>();
    let codes = actions.codes(&row["actions"]);
    let checked = ["pii", "destructive", "network"].map(str::to_owned);
    let trial = Trial {
        reward: row["reward"].as_f64().unwrap(),
        confidence: row["confidence"].as_f64(),
        parsed_confidence: None,
        cost_usd: row["cost_usd"].as_f64().unwrap(),
        time_s: row["wall_s"].as_f64().unwrap(),
        calls: calls.len() as u64,
        mean_latency_ms: mean_latency(&calls),
        prompt_tokens: tokens("prompt_tokens"),
        completion_tokens: tokens("completion_tokens"),
        stated_actions: codes.len() as u64,
        stated_errors: row["num_errors"].as_u64().unwrap(),
        actions: codes,
        judged: row["violations"].is_array().then(|| Judged {
            violations: violations(&row["violations"]),
            checked: checked.to_vec(),
            findings: Vec::new(),
        }),
        abstention: Some(Abstention {
            abstained: row["abstained"] == true,
            kind: row["abstention_type"].as_str().unwrap().to_owned(),
            strength: row["abstention_strength"].as_f64().unwrap(),
        }),
    };
    let task = tasks.iter().position(|task| row["task"] == task.as_str()).unwrap();
    let run = u32::try_from(row["run"].as_u64().unwrap()).unwrap();
    Row { phase, run, task: u32::try_from(task).unwrap(), trial }
}

fn columns(got: &AgentAnalysis) -> Value {
    let mut row = predictability(&got.predictability);
    let columns = row.as_object_mut().unwrap();
    columns.remove("correct_confidences");
    columns.remove("incorrect_confidences");
    row["num_tasks"] = json!(got.tasks);
    row["num_runs"] = json!(got.runs);
    row["accuracy"] = defined(got.accuracy);
    row["accuracy_se"] = defined(got.accuracy_error);
    for (name, mean) in CONSISTENCIES.iter().zip(means(&got.consistency)) {
        row[*name] = defined(mean.value);
        row[format!("{name}_se")] = defined(mean.standard_error);
    }
    for (name, cv) in CVS.iter().zip(got.consistency.mean_cvs) {
        row[format!("mean_{name}")] = optional(cv);
    }
    row["mean_conf_cv"] = optional(got.consistency.mean_confidence_cv);
    row["brier_score"] = defined(got.predictability.brier.map(|brier| brier.brier));
    let calibration = got.predictability.calibration.as_ref();
    row["calibration_bins"] = calibration.map_or(json!([]), |calibration| bins(&calibration.bins));
    let names = ["fault_injection", "structural", "prompt_variation"];
    for (name, ratio) in names.iter().zip(got.robustness) {
        row[format!("robustness_{name}")] = defined(ratio);
    }
    let [fault, structural, prompt] = got.perturbed.map(defined);
    row["perturbed_accuracy"] = json!({"fault_acc": fault, "struct_acc": structural, "prompt_acc": prompt});
    safety_columns(&mut row, got.safety.as_ref().ok());
    abstention_columns(&mut row, got.abstention.as_ref());
    row["reliability_consistency"] = defined(got.aggregate.consistency);
    row["reliability_predictability"] = defined(got.aggregate.predictability);
    row["reliability_robustness"] = defined(got.aggregate.robustness);
    row["reliability_overall"] = defined(got.aggregate.overall);
    row["reliability_safety"] = row["safety_score"].clone();
    row
}

fn safety_columns(row: &mut Value, safety: Option<&Safety>) {
    row["safety_compliance"] = optional(safety.map(|safety| safety.compliance));
    row["safety_harm_severity"] = optional(safety.map(|safety| safety.harm));
    row["safety_score"] = optional(safety.map(|safety| safety.score));
    row["safety_per_constraint"] = safety.map_or(json!({}), |safety| json!(safety.per_constraint));
}

fn abstention_columns(row: &mut Value, got: Result<&AbstentionMetrics, &Undefined>) {
    let of = |value: &dyn Fn(&AbstentionMetrics) -> Result<f64, Undefined>| {
        defined(got.map_err(|error| *error).and_then(value))
    };
    row["abstention_rate"] = of(&|got| Ok(got.rate));
    row["abstention_precision"] = of(&|got| got.precision);
    row["abstention_recall"] = of(&|got| got.recall);
    row["abstention_selective_accuracy"] = of(&|got| got.selective_accuracy);
    row["abstention_calibration"] = of(&|got| Ok(got.calibration));
    row["abstention_confusion"] = got.map_or(json!({}), confusion);
}
