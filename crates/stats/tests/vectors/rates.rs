//! Counts of successes: one group, several groups, posteriors.

use retrial_stats::hierarchical::{GridPosterior, PosteriorSummary};
use retrial_stats::{Counts, Functional, Level, Undefined, agreement, cluster, passk, proportion};
use serde_json::{Map, Value, json};

use crate::convert::{cluster_counts, count, defined, ends, high, level, low, number, student};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    Some(match function {
        "pass_at_k" => defined(passk::pass_at_k(counts(input), count(input, "k"))),
        "pass_hat_k" => defined(passk::pass_hat_k(counts(input), count(input, "k"))),
        "passk_sampling_moments" => sampling_moments(input),
        "passk_suite" => suite(input),
        "proportion_ci" => proportions(input),
        "task_mean" => mean_of_groups(input),
        "stratified_wilson" => stratified(input),
        "hier_beta_binomial" => grid(input),
        "hier_beta_binomial_functionals" => functionals(input),
        "outcome_consistency" => consistency(input),
        "outcome_consistency_expectation" => consistency_expectation(input),
        "chance_corrected" => chance_corrected(input),
        _ => return None,
    })
}

fn counts(input: &Value) -> Counts {
    Counts::new(count(input, "c"), count(input, "n")).unwrap()
}

/// Probabilities of 0..=n successes.
fn binomial(n: u64, p: f64) -> Vec<f64> {
    let choose = |k: u64| (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>();
    (0..=n).map(|c| choose(c) * p.powf(c as f64) * (1.0 - p).powf((n - c) as f64)).collect()
}

fn expectation(n: u64, p: f64, f: impl Fn(Counts) -> f64) -> f64 {
    binomial(n, p).iter().zip(0..).map(|(weight, c)| weight * f(Counts::new(c, n).unwrap())).sum()
}

fn sampling_moments(input: &Value) -> Value {
    let (n, k, p) = (count(input, "n"), count(input, "k"), number(input, "p"));
    json!({
        "pass_at_k_mean": expectation(n, p, |c| passk::pass_at_k(c, k).unwrap()),
        "pass_hat_k_mean": expectation(n, p, |c| passk::pass_hat_k(c, k).unwrap()),
        "pass_hat_k_var": defined(passk::pass_hat_k_variance(n, k, p)),
        "pass_at_k_var": defined(passk::pass_hat_k_variance(n, k, 1.0 - p)),
    })
}

fn suite(input: &Value) -> Value {
    let groups = cluster_counts(&input["n_c"]);
    let k = count(input, "k");
    let at = passk::mean_pass_at_k(&groups, k, Level::P95).unwrap();
    let hat = passk::mean_pass_hat_k(&groups, k, Level::P95).unwrap();
    json!({"tasks_used": at.used, "pass_at_k": student(&at.estimate), "pass_hat_k": student(&hat.estimate)})
}

fn proportions(input: &Value) -> Value {
    let counts = Counts::new(count(input, "x"), count(input, "n")).unwrap();
    let level = level(input);
    json!({
        "wilson": ends(proportion::wilson(counts, level)),
        "wilson_cc": ends(proportion::wilson_continuity(counts, level)),
        "clopper_pearson": ends(proportion::clopper_pearson(counts, level)),
        "jeffreys_equal_tailed": ends(proportion::jeffreys_equal_tailed(counts, level)),
        "jeffreys_bcd": ends(proportion::jeffreys(counts, level)),
        "agresti_coull": ends(proportion::agresti_coull(counts, level)),
    })
}

fn mean_of_groups(input: &Value) -> Value {
    let groups = cluster_counts(&input["n_c"]);
    let level = level(input);
    let mean = cluster::mean_rate_t(&groups, level).unwrap();
    let mut got = json!({
        "mean_of_task_means": mean.point,
        "pooled": groups.pooled().rate().unwrap(),
        "df": groups.len() - 1,
        "se_t": mean.standard_error,
        "t_lo": low(&mean),
        "t_hi": high(&mean),
        "bayes_bb": posterior(&GridPosterior::new(&groups).unwrap(), level),
        "wilson_neff": effective(cluster::effective_wilson(&groups, level)),
    });
    if let Ok(errors) = cluster::clustered_errors(&groups) {
        let shrink = ((groups.len() as f64 - 1.0) / groups.len() as f64).sqrt();
        got["se_cr0"] = json!(mean.standard_error.unwrap() * shrink);
        got["pooled_se_cr0"] = json!(errors.cr0);
        got["pooled_se_cr1"] = json!(errors.cr1);
        // The additional factor (N − 1)/(N − k) is 1 for an intercept alone.
        got["pooled_se_cr1_statsmodels"] = json!(errors.cr1);
        got["pooled_se_cr2"] = json!(errors.cr2);
        got["pooled_cr2_df"] = json!(errors.cr2_df);
    }
    got
}

pub(crate) fn effective(result: Result<cluster::EffectiveEstimate, Undefined>) -> Value {
    result.map_or(Value::Null, |found| {
        json!({"n_eff": found.effective_size, "lo": low(&found.estimate), "hi": high(&found.estimate)})
    })
}

fn stratified(input: &Value) -> Value {
    cluster::stratified_wilson(&cluster_counts(&input["n_c"]), level(input)).map_or(Value::Null, |found| {
        let groups = cluster_counts(&input["n_c"]);
        let inverse: f64 = groups.groups().iter().map(|group| 1.0 / group.total() as f64).sum();
        json!({
            "mean": found.estimate.point,
            "var_within": found.variance,
            "n_base": (groups.len() as f64).powi(2) / inverse,
            "n_eff": found.effective_size,
            "lo": low(&found.estimate),
            "hi": high(&found.estimate),
        })
    })
}

fn grid(input: &Value) -> Value {
    let (mu, rho) = (count(input, "grid_mu") as usize, count(input, "grid_rho") as usize);
    let found = GridPosterior::with_grid(&cluster_counts(&input["n_c"]), mu, rho).unwrap();
    posterior(&found, level(input))
}

pub(crate) fn posterior(found: &GridPosterior, level: Level) -> Value {
    let interval = found.mu_interval(level);
    json!({
        "post_mean_mu": found.mean_mu(),
        "lo": interval.low(),
        "hi": interval.high(),
        "post_mean_rho": found.mean_rho(),
        "post_mean_consistency": found.summary(Functional::Consistency, level).mean,
    })
}

fn functionals(input: &Value) -> Value {
    let (mu, rho) = (count(input, "grid_mu") as usize, count(input, "grid_rho") as usize);
    let found = GridPosterior::with_grid(&cluster_counts(&input["n_c"]), mu, rho).unwrap();
    let summary = |functional| {
        let PosteriorSummary { mean, median, interval } = found.summary(functional, Level::P95);
        json!({"mean": mean, "q50": median, "q025": interval.low(), "q975": interval.high()})
    };
    let mut got = Map::from_iter([("outcome_consistency".to_owned(), summary(Functional::Consistency))]);
    for k in [3, 5] {
        got.insert(format!("pass_hat_{k}"), summary(Functional::PassHat(k)));
        got.insert(format!("pass_at_{k}"), summary(Functional::PassAt(k)));
    }
    Value::Object(got)
}

fn consistency(input: &Value) -> Value {
    let counts = counts(input);
    let disagreement = agreement::pairwise_disagreement(counts);
    json!({
        "pairwise_disagreement": defined(disagreement),
        "agreement": defined(disagreement.map(|share| 1.0 - share)),
        "consistency_unbiased": defined(agreement::outcome_consistency(counts)),
        "consistency_plugin_hal": defined(agreement::plugin_consistency(counts)),
        "entropy_bits": defined(agreement::entropy_bits(counts)),
        "entropy_bits_miller_madow": defined(agreement::entropy_bits_miller_madow(counts)),
        "flip_any": disagreement.map_or(Value::Null, |_| json!(counts.is_mixed())),
    })
}

fn consistency_expectation(input: &Value) -> Value {
    let (n, p) = (count(input, "n"), number(input, "p"));
    json!({
        "unbiased": expectation(n, p, |c| agreement::outcome_consistency(c).unwrap()),
        "plugin": expectation(n, p, |c| agreement::plugin_consistency(c).unwrap()),
    })
}

fn chance_corrected(input: &Value) -> Value {
    let groups =
        input["trials"].as_array().unwrap().iter().map(|group| Counts::of(&crate::convert::outcomes(group)));
    let groups = retrial_stats::ClusterCounts::new(groups.collect()).unwrap();
    json!({
        "fleiss_kappa": defined(agreement::fleiss_kappa(&groups)),
        "krippendorff_alpha": defined(agreement::krippendorff_alpha(&groups)),
    })
}
