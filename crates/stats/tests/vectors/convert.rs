//! From and to the JSON of the vectors.

use retrial_stats::{ClusterCounts, Counts, Estimate, Forecast, Interval, Level, Scored, Undefined};
use serde_json::{Value, json};

pub(crate) fn number(input: &Value, key: &str) -> f64 {
    input[key].as_f64().unwrap_or_else(|| panic!("`{key}` is not a number in {input}"))
}

pub(crate) fn count(input: &Value, key: &str) -> u64 {
    input[key].as_u64().unwrap_or_else(|| panic!("`{key}` is not a count in {input}"))
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

pub(crate) fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|x| usize::try_from(x.as_u64().unwrap()).unwrap()).collect()
}

pub(crate) fn groups(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

pub(crate) fn level(input: &Value) -> Level {
    Level::new(number(input, "conf")).unwrap()
}

/// Pairs of (total, successes).
pub(crate) fn cluster_counts(value: &Value) -> ClusterCounts {
    let counts = value
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| Counts::new(pair[1].as_u64().unwrap(), pair[0].as_u64().unwrap()).unwrap());
    ClusterCounts::new(counts.collect()).unwrap()
}

pub(crate) fn outcomes(value: &Value) -> Vec<bool> {
    value.as_array().unwrap().iter().map(|x| x.as_u64() == Some(1)).collect()
}

pub(crate) fn forecasts(input: &Value) -> Vec<Forecast> {
    let pairs = numbers(&input["conf"]).into_iter().zip(outcomes(&input["y"]));
    pairs.map(|(probability, outcome)| Forecast::new(probability, outcome).unwrap()).collect()
}

pub(crate) fn scored(forecasts: &[Forecast]) -> Vec<Scored> {
    forecasts.iter().map(|&forecast| forecast.into()).collect()
}

/// Codes symbols by their order of first use over all sequences handed in.
pub(crate) fn sequences(values: &[&Value]) -> Vec<Vec<u32>> {
    let mut known: Vec<String> = Vec::new();
    let mut code = |symbol: &Value| {
        let symbol = symbol.as_str().unwrap();
        let place = known.iter().position(|other| other == symbol).unwrap_or_else(|| {
            known.push(symbol.to_owned());
            known.len() - 1
        });
        u32::try_from(place).unwrap()
    };
    values.iter().map(|sequence| sequence.as_array().unwrap().iter().map(&mut code).collect()).collect()
}

pub(crate) fn defined(result: Result<f64, Undefined>) -> Value {
    // JSON has no NaN and would show it as null, which stands for "undefined" here.
    assert!(!result.is_ok_and(f64::is_nan), "not a number where a value was promised");
    result.map_or(Value::Null, |value| json!(value))
}

pub(crate) fn ends(interval: Result<Interval, Undefined>) -> Value {
    interval.map_or(Value::Null, |interval| json!([interval.low(), interval.high()]))
}

pub(crate) fn low(estimate: &Estimate) -> Value {
    defined(estimate.interval.map(Interval::low))
}

pub(crate) fn high(estimate: &Estimate) -> Value {
    defined(estimate.interval.map(Interval::high))
}

/// Mean, standard error and ends of a Student interval.
pub(crate) fn student(estimate: &Estimate) -> Value {
    json!({"mean": estimate.point, "se": estimate.standard_error, "lo": low(estimate), "hi": high(estimate)})
}
