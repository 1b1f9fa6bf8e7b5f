//! Stated probabilities against outcomes.

use retrial_stats::calibration::brier;
use retrial_stats::discrimination::{auroc, selective};
use retrial_stats::{Level, Scored};
use serde_json::{Value, json};

use crate::convert::{defined, ends, forecasts, indices, numbers, outcomes, scored};

pub(crate) fn run(function: &str, input: &Value) -> Option<Value> {
    Some(match function {
        "calibration" => calibration(input),
        "discrimination" => discrimination(input),
        "delong_paired" => delong_paired(input),
        "auroc_clustered" => clustered(input),
        _ => return None,
    })
}

fn calibration(input: &Value) -> Value {
    let f = forecasts(input);
    let corp = brier::corp(&f).unwrap();
    let murphy = brier::murphy(&f).unwrap();
    json!({
        "n": f.len(),
        "brier": brier::brier(&f).unwrap(),
        "base_rate": brier::base_rate(&f).unwrap(),
        "brier_skill": defined(brier::brier_skill(&f)),
        "murphy_reliability": murphy.reliability,
        "murphy_resolution": murphy.resolution,
        "murphy_uncertainty": murphy.uncertainty,
        "corp_mcb": corp.miscalibration,
        "corp_dsc": corp.discrimination,
        "corp_unc": corp.uncertainty,
        "pav_fitted": f.iter().map(|forecast| corp.fitted(forecast.probability()).unwrap()).collect::<Vec<_>>(),
        "mean_confidence_minus_accuracy": brier::bias(&f).unwrap(),
        "log_loss_nats": brier::log_loss_nats(&f).unwrap(),
    })
}

fn discrimination(input: &Value) -> Value {
    let f = forecasts(input);
    let items = scored(&f);
    let curve = selective::risk_coverage(&f).unwrap();
    let logit = auroc::auroc_delong(&items, Level::P95).and_then(|found| found.interval);
    json!({
        "aurc": curve.area,
        "aurc_optimal": curve.optimal_area,
        "e_aurc": curve.excess_area,
        "augrc": curve.generalised_area,
        "risk_curve": curve.risks,
        "auroc": defined(auroc::auroc(&items)),
        "delong_var": defined(auroc::delong_variance(&items)),
        "delong_ci95_clipped": ends(auroc::delong_clipped(&items, Level::P95)),
        "delong_ci95_logit": ends(logit),
        "average_precision": defined(auroc::average_precision(&items)),
    })
}

fn delong_paired(input: &Value) -> Value {
    let (first, second) = (numbers(&input["s1"]), numbers(&input["s2"]));
    let items: Vec<auroc::TwiceScored> = outcomes(&input["y"])
        .into_iter()
        .zip(first.into_iter().zip(second))
        .map(|(positive, (first, second))| auroc::TwiceScored { first, second, positive })
        .collect();
    let found = auroc::delong_paired(&items).unwrap();
    json!({"auc1": found.first, "auc2": found.second, "cov12": found.covariance, "z": found.z, "p": found.p})
}

pub(crate) fn by_group(items: &[Scored], group_of: &[usize]) -> Vec<Vec<Scored>> {
    let mut groups = vec![Vec::new(); group_of.iter().max().unwrap() + 1];
    for (&item, &group) in items.iter().zip(group_of) {
        groups[group].push(item);
    }
    groups
}

fn clustered(input: &Value) -> Value {
    let items = scored(&forecasts(input));
    let groups = by_group(&items, &indices(&input["task"]));
    let found = auroc::auroc_clustered(&groups, Level::P95).unwrap();
    json!({
        "auroc": found.point,
        "var_obuchowski": defined(auroc::obuchowski_variance(&groups)),
        "var_delong_iid": defined(auroc::delong_variance(&items)),
    })
}

pub(crate) fn ece10(_: &[retrial_stats::Forecast]) -> Value {
    Value::Null
}
