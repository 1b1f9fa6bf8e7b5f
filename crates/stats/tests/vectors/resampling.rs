//! Bootstraps with given resamples, permutations, bucketed histograms.

use retrial_stats::bootstrap::{BootstrapDistribution, all_resampled_means, leave_one_out};
use retrial_stats::histogram::LogHistogram;
use retrial_stats::kernel::{Grams, Spectrum, discrepancy_exact};
use retrial_stats::{Undefined, moments};
use serde_json::{Map, Value, json};

use crate::convert::{count, defined, ends, groups, indices, level, numbers, sequences};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    Some(match function {
        "bootstrap_mean" => means(input),
        "bootstrap_ratio_paired" => ratios(input),
        "bootstrap_exact_mean" => exact(input),
        "bootstrap_hierarchical_mean" => hierarchical(input),
        "mmd2_unbiased_spectrum" => discrepancy(input),
        "hdr_histogram" => histogram(input),
        _ => return None,
    })
}

fn intervals(
    input: &Value,
    groups: usize,
    statistic: impl Fn(&[usize]) -> Result<f64, Undefined>,
) -> (BootstrapDistribution, Value) {
    let resamples: Vec<Vec<usize>> = input["indices"].as_array().unwrap().iter().map(indices).collect();
    let found = BootstrapDistribution::from_resamples(groups, &resamples, &statistic).unwrap();
    let left_out = leave_one_out(groups, &statistic).unwrap();
    let got = json!({
        "theta": found.estimate(),
        "boot_se": defined(found.standard_error()),
        "percentile": ends(found.percentile(level(input))),
        "basic": ends(found.basic(level(input))),
        "bca": ends(found.bias_corrected(&left_out, level(input))),
    });
    (found, got)
}

fn means(input: &Value) -> Value {
    let values = numbers(&input["values"]);
    let statistic = |chosen: &[usize]| moments::mean(&chosen.iter().map(|&i| values[i]).collect::<Vec<_>>());
    intervals(input, values.len(), statistic).1
}

fn ratios(input: &Value) -> Value {
    let (below, above) = (numbers(&input["baseline"]), numbers(&input["perturbed"]));
    let total = |values: &[f64], chosen: &[usize]| chosen.iter().map(|&i| values[i]).sum::<f64>();
    let statistic = |chosen: &[usize]| Ok(total(&above, chosen) / total(&below, chosen));
    intervals(input, below.len(), statistic).1
}

fn exact(input: &Value) -> Value {
    let found = all_resampled_means(&numbers(&input["values"])).unwrap();
    let center = moments::mean(found.values()).unwrap();
    let square =
        moments::mean(&found.values().iter().map(|x| (x - center).powi(2)).collect::<Vec<_>>()).unwrap();
    let level = level(input);
    json!({
        "se": square.sqrt(),
        "percentile": [found.quantile(level.lower_tail()), found.quantile(level.upper_tail())],
    })
}

fn hierarchical(input: &Value) -> Value {
    let values = groups(&input["trials"]);
    let estimate =
        moments::mean(&values.iter().map(|group| moments::mean(group).unwrap()).collect::<Vec<_>>());
    let draws =
        input["task_indices"].as_array().unwrap().iter().zip(input["trial_indices"].as_array().unwrap());
    let resampled = draws.map(|(chosen, items)| {
        let means: Result<Vec<f64>, Undefined> = indices(chosen)
            .into_iter()
            .zip(items.as_array().unwrap())
            .map(|(group, items)| {
                moments::mean(&indices(items).into_iter().map(|item| values[group][item]).collect::<Vec<_>>())
            })
            .collect();
        moments::mean(&means?)
    });
    let found = BootstrapDistribution::from_values(estimate.unwrap(), resampled).unwrap();
    json!({
        "theta": found.estimate(),
        "percentile": ends(found.percentile(level(input))),
        "boot_se": defined(found.standard_error()),
    })
}

fn discrepancy(input: &Value) -> Value {
    let grams = if count(input, "q") == 1 { Grams::Single } else { Grams::Pairs };
    let (a, b) = (input["a"].as_array().unwrap(), input["b"].as_array().unwrap());
    let coded = sequences(&a.iter().chain(b).collect::<Vec<_>>());
    let spectra: Vec<Spectrum> =
        coded.iter().map(|sequence| Spectrum::new(sequence, grams).unwrap()).collect();
    let found = discrepancy_exact(&spectra[..a.len()], &spectra[a.len()..]).unwrap();
    json!({"mmd2": found.squared, "permutations": found.splits, "p_exact": found.p})
}

fn histogram(input: &Value) -> Value {
    let digits = u32::try_from(count(input, "digits")).unwrap();
    let mut found = LogHistogram::new(count(input, "lowest"), digits).unwrap();
    for value in indices(&input["values"]) {
        found.record(value as u64);
    }
    let percentiles = [50, 90, 95, 99, 100].map(|percentile| {
        (format!("p{percentile}"), json!(found.value_at_percentile(f64::from(percentile)).unwrap()))
    });
    Value::Object(Map::from_iter(percentiles))
}
