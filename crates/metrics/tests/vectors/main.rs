//! Compares the measures of Princeton's harness with values that its own code gave.
//!
//! Walks every file and case of `princeton/` in the directory named by `RETRIAL_VECTORS` (by default `shared/vectors`
//! beside the workspace). Does not know which cases exist: an unknown function is a failure. Where the directory is absent
//! the test says so and passes, unless `RETRIAL_REQUIRE_SHARED=1`. Standard errors from 200 resamples
//! (`expected_bootstrap_se_approx`) depend on `NumPy`'s generator and are not compared.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like tests")]

#[cfg(test)]
mod parts;
#[cfg(test)]
mod read;
#[cfg(test)]
mod whole;

use retrial_testkit::shared_json;
use serde_json::Value;

/// Computes what a case expects; `None` for a function that no module knows.
fn compute(function: &str, input: &Value) -> Option<Value> {
    parts::run(function, input).or_else(|| whole::run(function, input))
}

/// The tolerance that the vectors state, relative to max(1, |x|).
const TOLERANCE: f64 = 1e-9;

/// Compares recursively and reports each difference with its path; returns how many leaves agreed.
fn agree(want: &Value, got: &Value, path: &str, faults: &mut Vec<String>) -> usize {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            for key in got.keys().filter(|key| !want.contains_key(*key)) {
                faults.push(format!("{path}.{key}: not expected"));
            }
            let within = |(key, value): (&String, &Value)| {
                let path = format!("{path}.{key}");
                let Some(found) = got.get(key) else {
                    faults.push(format!("{path}: not computed"));
                    return 0;
                };
                agree(value, found, &path, faults)
            };
            want.iter().map(within).sum()
        }
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
            let pairs = want.iter().zip(got).enumerate();
            pairs.map(|(index, (want, got))| agree(want, got, &format!("{path}[{index}]"), faults)).sum()
        }
        _ => {
            let equal = match (want.as_f64(), got.as_f64()) {
                (Some(want), Some(got)) => (want - got).abs() <= TOLERANCE * want.abs().max(1.0),
                _ => want == got,
            };
            if !equal {
                faults.push(format!("{path}: expected {want}, got {got}"));
            }
            usize::from(equal)
        }
    }
}

/// Lists whose order is that of the keys of their files, which JSON does not define.
const UNORDERED: [&str; 3] = ["correct_confidences", "incorrect_confidences", "per_task_scores"];

/// Sorts such lists by value, and rows of tasks by task.
fn ordered(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                *value = ordered(value.take());
                if let (true, Value::Array(list)) = (UNORDERED.contains(&key.as_str()), value) {
                    list.sort_by(|a, b| a.as_f64().unwrap().total_cmp(&b.as_f64().unwrap()));
                }
            }
        }
        Value::Array(rows) if rows.iter().all(|row| row["task_id"].is_string()) => {
            rows.sort_by(|a, b| a["task_id"].as_str().cmp(&b["task_id"].as_str()));
        }
        _ => {}
    }
    value
}

#[test]
fn every_value_of_princetons_harness_in_the_vectors_is_reproduced() {
    let Some(files) = shared_json("vectors/princeton") else { return };
    let (mut cases, mut leaves, mut faults) = (0, 0, Vec::new());
    for (_, document) in files {
        let function = document["metric"].as_str().unwrap();
        for case in document["cases"].as_array().unwrap() {
            let path = format!("{function}#{}", case["name"].as_str().unwrap());
            let Some(got) = compute(function, &case["input"]) else {
                faults.push(format!("{path}: unknown function"));
                continue;
            };
            leaves += agree(&ordered(case["expected"].clone()), &ordered(got), &path, &mut faults);
            cases += 1;
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    println!("{cases} cases, {leaves} values agree");
}
