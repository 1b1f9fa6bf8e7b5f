//! Small data sets with every headline number.

use std::collections::BTreeMap;

use retrial_stats::divergence::{Histogram, jensen_shannon_bits};
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::pairwise::Pairwise;
use retrial_stats::{
    ClusterCounts, Counts, Forecast, Level, Scored, agreement, cluster, edit, moments, passk, spread,
};
use retrial_stats::{calibration::brier, discrimination::auroc, discrimination::selective};
use serde_json::{Value, json};

use crate::convert::{defined, ends, number, scored, sequences};
use crate::rates::{effective, posterior};

/// One group of items.
#[derive(Default)]
struct Group {
    outcomes: Vec<bool>,
    sequences: Vec<Vec<u32>>,
    amounts: Vec<f64>,
    forecasts: Vec<Forecast>,
}

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    if function != "end_to_end" {
        return None;
    }
    let groups = read(input["trials"].as_array().unwrap());
    let counts = groups.iter().map(|group| Counts::of(&group.outcomes)).collect();
    let counts = ClusterCounts::new(counts).unwrap();
    let mut got = rates(&counts);
    let all: Vec<Forecast> = groups.iter().flat_map(|group| group.forecasts.iter().copied()).collect();
    let by_group: Vec<Vec<Scored>> = groups.iter().map(|group| scored(&group.forecasts)).collect();
    got["brier"] = json!(brier::brier(&all).unwrap());
    got["ece10"] = crate::calibration::ece10(&all);
    got["auroc"] = defined(auroc::auroc(&scored(&all)));
    got["auroc_var_obuchowski"] = defined(auroc::obuchowski_variance(&by_group));
    got["aurc"] = json!(selective::risk_coverage(&all).unwrap().area);
    for (key, value) in sequence_values(&groups).as_object().unwrap() {
        got[key] = value.clone();
    }
    let amounts: Vec<&Vec<f64>> = groups.iter().map(|group| &group.amounts).collect();
    got["tokens_within_geo_sd"] =
        json!(spread::pooled_geometric_spread(&amounts, Level::P95).unwrap().deviation.point);
    let variations: Vec<f64> = amounts.iter().map(|x| spread::coefficient_of_variation(x).unwrap()).collect();
    got["tokens_mean_cv"] = json!(moments::mean(&variations).unwrap());
    Some(got)
}

fn read(rows: &[Value]) -> Vec<Group> {
    let coded = sequences(&rows.iter().map(|row| &row["actions"]).collect::<Vec<_>>());
    let mut groups: BTreeMap<u64, Group> = BTreeMap::new();
    for (row, sequence) in rows.iter().zip(coded) {
        let group = groups.entry(row["task"].as_u64().unwrap()).or_default();
        let success = row["success"].as_u64() == Some(1);
        group.outcomes.push(success);
        group.sequences.push(sequence);
        group.amounts.push(number(row, "tokens"));
        group.forecasts.push(Forecast::new(number(row, "confidence"), success).unwrap());
    }
    groups.into_values().collect()
}

fn rates(counts: &ClusterCounts) -> Value {
    let k = counts.smallest_group().unwrap();
    let mean = cluster::mean_rate_t(counts, Level::P95).unwrap();
    json!({
        "trials": counts.total(),
        "tasks": counts.len(),
        "success": mean.point,
        "success_t": ends(mean.interval),
        "success_wilson_neff": effective(cluster::effective_wilson(counts, Level::P95)),
        "bayes": posterior(&GridPosterior::new(counts).unwrap(), Level::P95),
        "k": k,
        "pass_at_k": passk::mean_pass_at_k(counts, k, Level::P95).unwrap().estimate.point,
        "pass_hat_k": passk::mean_pass_hat_k(counts, k, Level::P95).unwrap().estimate.point,
        "outcome_consistency": agreement::mean_outcome_consistency(counts, Level::P95).unwrap().estimate.point,
        "flip_task_share": counts.partition().mixed as f64 / counts.len() as f64,
    })
}

fn sequence_values(groups: &[Group]) -> Value {
    let order: Vec<f64> = groups
        .iter()
        .map(|group| {
            Pairwise::of(&group.sequences, |a, b| 1.0 - edit::levenshtein_normalised(a, b))
                .unwrap()
                .mean()
                .unwrap()
        })
        .collect();
    let mix: Vec<f64> = groups
        .iter()
        .map(|group| {
            let mixes: Vec<Histogram> = group.sequences.iter().map(|s| Histogram::new(s).unwrap()).collect();
            Pairwise::of(&mixes, jensen_shannon_bits).unwrap().mean().unwrap()
        })
        .collect();
    let order = moments::mean_t(&order, Level::P95).unwrap();
    json!({
        "sequence_similarity": order.point,
        "sequence_similarity_se": order.standard_error,
        "action_distribution_jsd_bits": moments::mean(&mix).unwrap(),
    })
}
