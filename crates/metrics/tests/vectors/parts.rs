//! Functions of plain lists.

use std::cmp::Ordering;

use retrial_metrics::princeton::{
    self, CalibrationBin, Parts, ResourceConsistency, Series, auroc, brier, calibration, outcome,
    preprint_outcome, preprint_trajectory_distribution, resource, risk_coverage, trajectory_distribution,
    trajectory_sequence, weighted_consistency,
};
use retrial_stats::Undefined;
use serde_json::{Map, Value, json};

use crate::read::{Names, defined, loaded, numbers, optional, stated};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    Some(match function {
        "outcome_consistency" => defined(outcome(&numbers(&input["successes"]))),
        "preprint_outcome_consistency" => defined(preprint_outcome(&numbers(&input["successes"]))),
        "trajectory_distribution_consistency" => trajectories(input, trajectory_distribution),
        "preprint_trajectory_distribution_consistency" => {
            trajectories(input, preprint_trajectory_distribution)
        }
        "trajectory_sequence_consistency" => trajectories(input, trajectory_sequence),
        "confidence_consistency" => confidence(input),
        "resource_consistency" => resources(input),
        "weighted_consistency_dimension" => weighted(input),
        "calibration_ece" => calibrated(input),
        "discrimination_auroc" => discrimination(input),
        "brier" => brier_score(input),
        "risk_coverage" => covered(input),
        "dimension_and_overall" => scores(input),
        "action_extraction" => {
            let records = input["raw_eval_results"].as_object().unwrap();
            records.iter().map(|(task, record)| (task.clone(), loaded(record))).collect()
        }
        _ => return None,
    })
}

/// A measure of trajectories and whether each succeeded.
type OfTrajectories = fn(&[Vec<u32>], &[bool]) -> Result<f64, Undefined>;

fn trajectories(input: &Value, of: OfTrajectories) -> Value {
    let mut names = Names::default();
    let actions: Vec<Vec<u32>> =
        input["trajectories"].as_array().unwrap().iter().map(|one| names.codes(one)).collect();
    let succeeded: Vec<bool> =
        numbers(&input["successes"]).into_iter().map(|success| success > 0.5).collect();
    defined(of(&actions, &succeeded))
}

fn confidence(input: &Value) -> Value {
    let pairs: Vec<(f64, bool)> =
        stated(input).into_iter().map(|one| (one.confidence, one.success)).collect();
    let got = princeton::confidence(&pairs);
    let parts = [("cv_overall", got.cv), ("cv_success", got.cv_success), ("cv_failure", got.cv_failure)];
    json!({"consistency_confidence": defined(got.consistency), "breakdown": known(&parts)})
}

fn known(parts: &[(&str, Option<f64>)]) -> Value {
    let known = parts.iter().filter(|(_, value)| value.is_some());
    Value::Object(known.map(|(name, value)| ((*name).to_owned(), optional(*value))).collect::<Map<_, _>>())
}

/// The names of the coefficients of variation, in the order of [`ResourceConsistency::cvs`].
pub(crate) const CVS: [&str; 6] =
    ["time_cv", "cost_cv", "api_calls_cv", "actions_cv", "errors_cv", "call_latency_cv"];

fn resources(input: &Value) -> Value {
    let series = Series {
        costs: numbers(&input["costs"]),
        times: numbers(&input["times"]),
        calls: numbers(&input["api_calls"]),
        actions: numbers(&input["num_actions"]),
        errors: numbers(&input["num_errors"]),
        latencies: numbers(&input["call_latencies"]),
    };
    let ResourceConsistency { consistency, mean_cv, cvs } = resource(&series);
    let mut parts: Vec<(&str, Option<f64>)> = CVS.into_iter().zip(cvs).collect();
    parts.push(("avg_cv", mean_cv));
    json!({"consistency_resource": defined(consistency), "cv_breakdown": known(&parts)})
}

fn weighted(input: &Value) -> Value {
    let of = |key: &str| input[key].as_f64();
    defined(weighted_consistency(of("c_out"), of("c_traj_d"), of("c_traj_s"), of("c_res")))
}

pub(crate) fn bins(bins: &[CalibrationBin]) -> Value {
    let bin = |bin: &CalibrationBin| {
        json!({
            "bin_center": bin.center,
            "count": bin.count,
            "avg_confidence": bin.confidence,
            "avg_accuracy": bin.accuracy,
        })
    };
    bins.iter().map(bin).collect()
}

fn calibrated(input: &Value) -> Value {
    let count = usize::try_from(input["n_bins"].as_u64().unwrap()).unwrap();
    match calibration(&stated(input), count) {
        Ok(got) => json!({"p_cal": got.score, "ece": got.error, "bins": bins(&got.bins)}),
        Err(_) => json!({"p_cal": null, "ece": null, "bins": []}),
    }
}

fn discrimination(input: &Value) -> Value {
    let stated = stated(input);
    let of = |success: bool| -> Vec<f64> {
        stated.iter().filter(|one| one.success == success).map(|one| one.confidence).collect()
    };
    let (positive, negative) = (of(true), of(false));
    let mut got = json!({
        "n_positive": positive.len(),
        "n_negative": negative.len(),
        "p_auroc": defined(auroc(&stated)),
    });
    // Theirs counts pairs, which takes the square of the trials; the measure takes ranks.
    let pairs = |order: Ordering| {
        let against = |p: &f64| negative.iter().filter(|n| p.total_cmp(n) == order).count();
        positive.iter().map(against).sum::<usize>()
    };
    if !positive.is_empty() && !negative.is_empty() {
        got["concordant_pairs"] = json!(pairs(Ordering::Greater));
        got["discordant_pairs"] = json!(pairs(Ordering::Less));
        got["tied_pairs"] = json!(pairs(Ordering::Equal));
    }
    got
}

fn brier_score(input: &Value) -> Value {
    match brier(&stated(input)) {
        Ok(got) => json!({
            "brier_score": got.brier,
            "p_brier": got.score,
            "base_rate": got.base_rate,
            "brier_baseline": got.baseline,
        }),
        Err(_) => json!({"brier_score": null, "p_brier": null}),
    }
}

fn covered(input: &Value) -> Value {
    match risk_coverage(&stated(input)) {
        Ok(got) => json!({
            "p_rc": got.score,
            "aurc": got.area,
            "risks": got.risks,
            "optimal_risks": got.optimal_risks,
        }),
        Err(_) => json!({"p_rc": null, "aurc": null, "risks": [], "optimal_risks": []}),
    }
}

fn parts(input: &Value, suffix: &str) -> Parts {
    let of = |key: &str| input[format!("{key}{suffix}")].as_f64();
    Parts {
        outcome: of("consistency_outcome"),
        distribution: of("consistency_trajectory_distribution"),
        sequence: of("consistency_trajectory_sequence"),
        resource: of("consistency_resource"),
        brier: of("predictability_brier_score"),
        robustness: ["robustness_fault_injection", "robustness_structural", "robustness_prompt_variation"]
            .map(of),
    }
}

fn scores(input: &Value) -> Value {
    let got = princeton::aggregate(&parts(input, ""));
    let errors = princeton::standard_errors(&parts(input, "_se"));
    json!({
        "reliability_consistency": defined(got.consistency),
        "reliability_predictability": defined(got.predictability),
        "reliability_robustness": defined(got.robustness),
        "reliability_overall": defined(got.overall),
        "reliability_safety": input["safety_score"],
        "reliability_consistency_se": errors.consistency,
        "reliability_robustness_se": errors.robustness,
        "reliability_overall_se": errors.overall,
    })
}
