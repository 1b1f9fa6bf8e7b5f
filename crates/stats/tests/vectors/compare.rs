//! Variance components, two agents' rates, multiplicity, power.

use retrial_stats::variance::{BinaryVariance, OneWay};
use retrial_stats::{ClusterCounts, Counts, Level};
use serde_json::{Value, json};

use crate::convert::{defined, ends, groups};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    Some(match function {
        "one_way" => one_way(input),
        _ => return None,
    })
}

fn one_way(input: &Value) -> Value {
    let groups = groups(&input["groups"]);
    let found = OneWay::new(&groups).unwrap();
    let correlation = found.correlation();
    let mut got = json!({
        "ms_between": found.mean_square_between,
        "ms_within": found.mean_square_within,
        "n0": found.group_size,
        "var_between": found.between,
        "var_within": found.within,
        "icc1": defined(correlation),
        "icc1_truncated": defined(correlation.map(|value| value.max(0.0))),
        "f": defined(found.f_ratio()),
        "icc1_ci95": ends(found.correlation_interval(Level::P95)),
    });
    let binary = groups.iter().flatten().all(|&x| (x * (1.0 - x)).abs() < 1e-12);
    if binary {
        let counts =
            groups.iter().map(|group| Counts::of(&group.iter().map(|&x| x > 0.5).collect::<Vec<_>>()));
        let parts = BinaryVariance::new(&ClusterCounts::new(counts.collect()).unwrap()).unwrap();
        got["mean_within_p1p"] = json!(parts.within);
        got["between_unbiased_equal_weight"] = json!(parts.between);
    }
    got
}
