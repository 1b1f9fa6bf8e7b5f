//! Sequences of symbols, amounts and their spread.

use retrial_stats::divergence::{self, Histogram};
use retrial_stats::kernel::{Grams, Spectrum};
use retrial_stats::pairwise::{self, Pairwise};
use retrial_stats::quantile::Sorted;
use retrial_stats::{Level, edit, moments, spread};
use serde_json::{Value, json};

use crate::convert::{count, defined, ends, groups, level, number, numbers, sequences};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    Some(match function {
        "sequence_pair" => pair(input),
        "trajectory_set" => set(input),
        "ustat_variance" => {
            let (zeta1, zeta2) = (number(input, "zeta1"), number(input, "zeta2"));
            json!({"var": defined(pairwise::u_statistic_variance(count(input, "n") as usize, zeta1, zeta2))})
        }
        "spread" => amounts(&numbers(&input["x"])),
        "pooled_within_geo_sd" => {
            let found = spread::pooled_geometric_spread(&groups(&input["groups"]), Level::P95).unwrap();
            json!({
                "df": found.degrees_of_freedom,
                "log_sd": found.log_deviation,
                "geo_sd": found.deviation.point,
                "ci95": ends(found.deviation.interval),
            })
        }
        "cv_ci_vangel" => {
            ends(spread::vangel_interval(number(input, "cv"), count(input, "n") as usize, level(input)))
        }
        _ => return None,
    })
}

fn pair(input: &Value) -> Value {
    let coded = sequences(&[&input["a"], &input["b"]]);
    let (a, b) = (coded[0].as_slice(), coded[1].as_slice());
    let mixes = Histogram::new(a).and_then(|left| Ok((left, Histogram::new(b)?)));
    let of_mixes = |f: fn(&Histogram, &Histogram) -> f64| defined(mixes.clone().map(|(a, b)| f(&a, &b)));
    json!({
        "levenshtein": edit::levenshtein(a, b),
        "levenshtein_norm_max": edit::levenshtein_normalised(a, b),
        "levenshtein_norm_yujian_bo": edit::levenshtein_metric(a, b),
        "osa": edit::optimal_string_alignment(a, b),
        "damerau": edit::damerau(a, b),
        "lcs": edit::longest_common_subsequence(a, b),
        "lcs_sim_max": edit::longest_common_subsequence_normalised(a, b),
        "indel": edit::indel(a, b),
        "jsd_bits": of_mixes(divergence::jensen_shannon_bits),
        "js_distance_base2": of_mixes(|a, b| divergence::jensen_shannon_bits(a, b).sqrt()),
        "js_distance_nats_hal": of_mixes(divergence::jensen_shannon_distance_nats),
        "total_variation": of_mixes(divergence::total_variation),
        "hellinger": of_mixes(divergence::hellinger),
        "kendall_tau_first_occurrence": defined(edit::kendall_tau_of_first_occurrence(a, b)),
        "common_actions": edit::common_symbols(a, b),
        "dtw_01": edit::time_warping(a, b).map_or(Value::Null, |cost| json!(cost)),
        "first_divergence": edit::first_divergence(a, b),
        "spectrum_cos_1": cosine(a, b, Grams::Single),
        "spectrum_cos_2": cosine(a, b, Grams::Pairs),
    })
}

fn cosine(a: &[u32], b: &[u32], grams: Grams) -> Value {
    defined(Spectrum::new(a, grams).and_then(|left| Ok(left.cosine(&Spectrum::new(b, grams)?))))
}

/// Mean cosine over the pairs of a set.
fn mean_cosine(sequences: &[Vec<u32>], grams: Grams) -> Value {
    let spectra: Vec<Spectrum> = sequences.iter().map(|s| Spectrum::new(s, grams).unwrap()).collect();
    defined(Pairwise::of(&spectra, Spectrum::cosine).unwrap().mean())
}

fn set(input: &Value) -> Value {
    let coded = sequences(&input["runs"].as_array().unwrap().iter().collect::<Vec<_>>());
    let mixes: Vec<Histogram> = coded.iter().map(|sequence| Histogram::new(sequence).unwrap()).collect();
    let order = Pairwise::of(&coded, |a, b| edit::levenshtein_normalised(a, b)).unwrap();
    let modes = edit::modes(&coded).unwrap();
    json!({
        "mean_pairwise_lev": defined(order.mean()),
        "jackknife_var": defined(order.jackknife_variance()),
        "mean_pairwise_jsd_bits": defined(Pairwise::of(&mixes, divergence::jensen_shannon_bits).unwrap().mean()),
        "generalised_jsd_bits": defined(divergence::generalised_jensen_shannon_bits(&mixes)),
        "first_divergence_all": edit::first_divergence_of_all(&coded),
        "prefix_agreement": edit::prefix_agreement(&coded).unwrap(),
        "kernel_consistency_composition": mean_cosine(&coded, Grams::Single),
        "kernel_consistency_order": mean_cosine(&coded, Grams::Pairs),
        "distinct_trajectories": modes.distinct,
        "modal_share": modes.modal_share,
    })
}

fn amounts(x: &[f64]) -> Value {
    let sorted = Sorted::new(x).unwrap();
    let deviation = moments::variance(x).map(f64::sqrt);
    let geometric = spread::geometric_spread(x, Level::P95);
    json!({
        "n": x.len(),
        "mean": moments::mean(x).unwrap(),
        "median": sorted.median(),
        "min": sorted.min(),
        "max": sorted.max(),
        "q05": sorted.quantile(0.05),
        "q25": sorted.quantile(0.25),
        "q75": sorted.quantile(0.75),
        "q95": sorted.quantile(0.95),
        "mad": sorted.median_absolute_deviation(),
        "sd": defined(deviation),
        "cv": defined(spread::coefficient_of_variation(x)),
        "cv_small_n": defined(spread::coefficient_of_variation_corrected(x)),
        "consistency_exp_neg_cv": defined(spread::exponential_consistency(x)),
        "robust_cv": defined(spread::robust_coefficient_of_variation(&sorted)),
        "qcd": defined(spread::quartile_coefficient(&sorted)),
        "p95_over_p50": defined(spread::tail_ratio(&sorted)),
        "max_over_min": defined(spread::max_over_min(&sorted)),
        "geo_mean": defined(geometric.map(|found| found.mean)),
        "geo_sd": defined(geometric.map(|found| found.deviation.point)),
        "geo_sd_ci95": ends(geometric.and_then(|found| found.deviation.interval)),
        "lognormal_cv": defined(geometric.map(|found| found.lognormal_cv)),
        "median_order_ci95": ends(sorted.median_interval(Level::P95)),
        "hd_median": defined(sorted.harrell_davis_median()),
    })
}
