//! Compares every estimator with the reference values.
//!
//! Walks every file and case of `vectors/stats/` in the directory `shared`
//! `shared/vectors` beside the workspace). Does not know which cases exist: an unknown function is a failure.
//! Where the directory is absent the test says so and passes, unless `RETRIAL_REQUIRE_SHARED=1`.

#[cfg(test)]
mod calibration;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod convert;
#[cfg(test)]
mod end_to_end;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod resampling;
#[cfg(test)]
mod sequences;
#[cfg(test)]
mod sequential;
#[cfg(test)]
mod special;

use retrial_testkit::shared_json;
use serde_json::Value;

/// Parts of a case that its input does not determine.
const NOT_DETERMINED: &[(&str, &str)] = &[("ustat_variance", "mean")];

/// Computes what a case expects; `None` for a function that no module knows.
fn compute(function: &str, input: &Value) -> Option<Value> {
    special::run(function, input)
        .or_else(|| rates::run(function, input))
        .or_else(|| sequences::run(function, input))
        .or_else(|| calibration::run(function, input))
        .or_else(|| compare::run(function, input))
        .or_else(|| resampling::run(function, input))
        .or_else(|| sequential::run(function, input))
        .or_else(|| end_to_end::run(function, input))
}

/// Tolerances of a case: a general one and exceptions by key.
#[derive(Clone, Copy)]
struct Tolerance<'a> {
    general: f64,
    by_key: &'a Value,
}

impl Tolerance<'_> {
    fn under(self, key: &str) -> Self {
        Tolerance { general: self.by_key[key].as_f64().unwrap_or(self.general), ..self }
    }
}

/// Compares recursively and reports each difference with its path; returns how many leaves agreed.
fn agree(want: &Value, got: &Value, tolerance: Tolerance<'_>, path: &str, faults: &mut Vec<String>) -> usize {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => want
            .iter()
            .map(|(key, value)| {
                let path = format!("{path}.{key}");
                let Some(found) = got.get(key) else {
                    faults.push(format!("{path}: not computed"));
                    return 0;
                };
                agree(value, found, tolerance.under(key), &path, faults)
            })
            .sum(),
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => want
            .iter()
            .zip(got)
            .enumerate()
            .map(|(index, (want, got))| agree(want, got, tolerance, &format!("{path}[{index}]"), faults))
            .sum(),
        _ => {
            let equal = match (want.as_f64(), got.as_f64()) {
                (Some(want), Some(got)) => {
                    (want - got).abs() <= tolerance.general.max(1e-12) * want.abs().max(1.0)
                }
                _ => want == got,
            };
            if !equal {
                faults.push(format!("{path}: expected {want}, got {got}"));
            }
            usize::from(equal)
        }
    }
}

/// Removes what the input does not determine.
fn determined(function: &str, expected: &Value) -> Value {
    let mut expected = expected.clone();
    if let Value::Object(map) = &mut expected {
        for (_, key) in NOT_DETERMINED.iter().filter(|(name, _)| *name == function) {
            map.remove(*key);
        }
    }
    expected
}

#[test]
fn every_reference_value_in_the_vectors_is_reproduced() {
    let Some(files) = shared_json("vectors/stats") else { return };
    let (mut cases, mut leaves, mut faults) = (0, 0, Vec::new());
    for (name, document) in files {
        for (index, case) in document["cases"].as_array().unwrap().iter().enumerate() {
            let function = case["fn"].as_str().unwrap();
            let path = format!("{name}#{index} {function}");
            let Some(got) = compute(function, &case["input"]) else {
                faults.push(format!("{path}: unknown function"));
                continue;
            };
            let tolerance = Tolerance { general: case["tol"].as_f64().unwrap(), by_key: &case["tol_by_key"] };
            leaves += agree(&determined(function, &case["expected"]), &got, tolerance, &path, &mut faults);
            cases += 1;
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    println!("{cases} cases, {leaves} values agree");
}
