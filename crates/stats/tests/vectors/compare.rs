//! Variance components, two parties' rates, multiplicity, power.

use retrial_stats::compare::multiplicity::{Adjustment, adjust};
use retrial_stats::compare::paired::{self, PairedDifference};
use retrial_stats::compare::stratified::{StratifiedExact, common_odds_ratio};
use retrial_stats::compare::superiority::BetaShape;
use retrial_stats::compare::{Pair, mcnemar, mover, ratio};
use retrial_stats::power::{self, Design, PairedTest};
use retrial_stats::sequential::sprt::Sprt;
use retrial_stats::variance::{BinaryVariance, OneWay};
use retrial_stats::{ClusterCounts, Counts, Level};
use serde_json::{Value, json};

use crate::convert::{
    cluster_counts, count, defined, ends, groups, high, indices, level, low, number, numbers,
};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    let x = |key: &str| number(input, key);
    Some(match function {
        "one_way" => one_way(input),
        "compare_agents" => two_parties(input),
        "mover_difference" => {
            let (a, b) = (cluster_counts(&input["a"]), cluster_counts(&input["b"]));
            let found = mover::mover_difference(&a, &b, level(input)).unwrap();
            json!({"diff": found.point, "lo": low(&found), "hi": high(&found)})
        }
        "mcnemar" => {
            let found = mcnemar::mcnemar(count(input, "b"), count(input, "c"));
            json!({"p_exact": found.p_exact, "p_mid": found.p_mid, "chi2": defined(found.chi_square)})
        }
        "adjust_p" => adjusted(&numbers(&input["p"])),
        "newcombe_diff" => {
            let side = |x: &str, n: &str| Counts::new(count(input, x), count(input, n)).unwrap();
            ends(mover::newcombe_difference(side("x1", "n1"), side("x2", "n2"), level(input)))
        }
        "cohens_h" => defined(mover::cohen_h(x("p1"), x("p2"))),
        "robustness_paired" => robustness(input),
        "prob_superiority_beta" => {
            let shape = |x: &str, n: &str| posterior(input, x, n);
            defined(shape("x1", "n1").probability_above(shape("x2", "n2")))
        }
        "beta_posterior" => {
            let shape = posterior(input, "x", "n");
            let quantile = |p| defined(shape.quantile(p));
            json!({"mean": shape.mean(), "q025": quantile(0.025), "q50": quantile(0.5), "q975": quantile(0.975)})
        }
        _ => return planning(function, input),
    })
}

fn posterior(input: &Value, x: &str, n: &str) -> BetaShape {
    let prior = numbers(&input["prior"]);
    let counts = Counts::new(count(input, x), count(input, n)).unwrap();
    BetaShape::new(prior[0], prior[1]).unwrap().after(counts)
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

fn two_parties(input: &Value) -> Value {
    let side = |c: &str, n: &str| -> Vec<Counts> {
        let pairs = indices(&input[c]).into_iter().zip(indices(&input[n]));
        pairs.map(|(c, n)| Counts::new(c as u64, n as u64).unwrap()).collect()
    };
    let (a, b) = (side("c_a", "n_a"), side("c_b", "n_b"));
    let counts: Vec<Pair<Counts>> =
        a.iter().zip(&b).map(|(&first, &second)| Pair { first, second }).collect();
    let rates: Vec<Pair<f64>> = counts
        .iter()
        .map(|pair| Pair { first: pair.first.rate().unwrap(), second: pair.second.rate().unwrap() })
        .collect();
    let mut got = students(&rates);
    for (key, value) in exact(&counts).as_object().unwrap() {
        got[key] = value.clone();
    }
    let (a, b) = (ClusterCounts::new(a).unwrap(), ClusterCounts::new(b).unwrap());
    let difference = mover::mover_difference(&a, &b, Level::P95).unwrap();
    got["fixed_suite_se"] = json!(difference.standard_error);
    got["cohens_h_pooled"] = defined(mover::cohen_h(a.mean_rate().unwrap(), b.mean_rate().unwrap()));
    got["corr_task_means"] = defined(paired::correlation(&rates));
    got
}

fn students(rates: &[Pair<f64>]) -> Value {
    let found = PairedDifference::new(rates, Level::P95).unwrap();
    let flips = paired::sign_flip_exact(&paired::differences(rates)).unwrap();
    json!({
        "mean_diff": found.estimate.point,
        "se": found.estimate.standard_error,
        "t_lo": low(&found.estimate),
        "t_hi": high(&found.estimate),
        "t": defined(found.t()),
        "p_two_sided": defined(found.p_two_sided()),
        "noninferiority_p_margin_0.10": defined(found.p_non_inferior(0.1)),
        "tost_p_margin_0.10": defined(found.p_equivalent(0.1)),
        "sign_flip_p_two_sided": flips.two_sided,
        "sign_flip_p_less": flips.less,
    })
}

fn exact(counts: &[Pair<Counts>]) -> Value {
    let found = StratifiedExact::new(counts).unwrap();
    let haenszel = found.mantel_haenszel();
    let odds = common_odds_ratio(counts);
    json!({
        "stratified_exact_p_A_less": found.p_less(),
        "stratified_exact_p_A_greater": found.p_greater(),
        "stratified_exact_p_two_sided_distance": found.p_two_sided(),
        "stratified_exact_p_two_sided_R_pmf_order": found.p_two_sided_by_probability(),
        "stratified_midp_A_less": found.mid_p_less(),
        "cmh_chi2_no_correction": defined(haenszel.map(|test| test.chi_square)),
        "cmh_p_no_correction": defined(haenszel.map(|test| test.p)),
        "mh_odds_ratio": defined(odds.map(|odds| odds.odds_ratio)),
        "mh_log_or_se": defined(odds.map(|odds| odds.log_standard_error)),
    })
}

fn adjusted(p: &[f64]) -> Value {
    let by = |adjustment| json!(adjust(p, adjustment).unwrap());
    json!({
        "holm": by(Adjustment::Holm),
        "bh": by(Adjustment::BenjaminiHochberg),
        "by": by(Adjustment::BenjaminiYekutieli),
        "bonferroni": by(Adjustment::Bonferroni),
    })
}

fn robustness(input: &Value) -> Value {
    let pairs: Vec<Pair<f64>> = numbers(&input["perturbed"])
        .into_iter()
        .zip(numbers(&input["baseline"]))
        .map(|(first, second)| Pair { first, second })
        .collect();
    let difference = PairedDifference::new(&pairs, level(input)).unwrap().estimate;
    let found = ratio::ratio_of_means(&pairs, level(input)).unwrap();
    json!({
        "diff": difference.point,
        "diff_se": difference.standard_error,
        "diff_lo": low(&difference),
        "diff_hi": high(&difference),
        "worst_condition_gap": ratio::largest_fall(&pairs).unwrap(),
        "ratio": found.estimate.point,
        "ratio_clamped_hal": found.estimate.point.min(1.0),
        "ratio_se_linearised": found.estimate.standard_error,
        "ratio_fieller": ends(found.fieller),
    })
}

fn planning(function: &str, input: &Value) -> Option<Value> {
    let x = |key: &str| number(input, key);
    let design = || Design::new(x("mu"), x("icc"), count(input, "n")).unwrap();
    Some(match function {
        "tasks_for_half_width" => json!({
            "var_task_mean": design().rate_variance(),
            "deff": design().design_effect(),
            "tasks": design().groups_for_half_width(x("half_width"), level(input)).unwrap(),
        }),
        "optimal_trials" => defined(power::best_items_per_group(x("cost_task"), x("cost_trial"), x("icc"))),
        "sd_paired_diff" => defined(design().paired_deviation(x("corr_between_agents"))),
        "zero_failure_trials" => json!(power::zero_failure_items(x("max_failure_rate"), x("conf")).unwrap()),
        "two_prop_n_per_group" => {
            defined(power::items_for_two_proportions(x("p1"), x("p2"), x("alpha"), x("power")))
        }
        "nct_sf" => defined(power::noncentral_t_sf(x("x"), x("df"), x("nc"))),
        "paired_power" => {
            let test = PairedTest::new(x("sd_diff"), x("alpha")).unwrap();
            let (groups, delta) = (count(input, "tasks"), x("delta"));
            json!({
                "power_two_sided": defined(test.power_two_sided(groups, delta)),
                "power_one_sided": defined(test.power_one_sided(groups, delta)),
                "mde_normal_80": defined(test.detectable_normal(groups, 0.8)),
                "mde_t_80": defined(test.detectable(groups, 0.8)),
                "tasks_for_80": test.groups_needed(delta, 0.8).unwrap(),
            })
        }
        "sprt_asn" => {
            let test = Sprt::new(x("p0"), x("p1"), x("alpha"), x("beta")).unwrap();
            json!({
                "asn_h0": test.expected_items_under_null(),
                "asn_h1": test.expected_items_under_alternative(),
            })
        }
        _ => return None,
    })
}
