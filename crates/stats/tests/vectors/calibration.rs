//! Stated probabilities against outcomes.

use retrial_stats::calibration::binned::{self, Binning};
use retrial_stats::calibration::{brier, smooth, spiegelhalter};
use retrial_stats::discrimination::{auroc, selective};
use retrial_stats::{Forecast, Level, Scored};
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
    let mut got = json!({
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
    });
    for (key, value) in errors(&f).as_object().unwrap() {
        got[key] = value.clone();
    }
    got
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

/// Equal-width error with ten bins.
pub(crate) fn ece10(forecasts: &[Forecast]) -> Value {
    equal_width(forecasts, 10).0
}

/// Expected and maximum error of bins of equal width.
fn equal_width(forecasts: &[Forecast], count: usize) -> (Value, Value) {
    let bins = Binning::equal_width(count).unwrap().bins(forecasts);
    (defined(binned::expected_error(&bins)), defined(binned::maximum_error(&bins)))
}

fn errors(f: &[Forecast]) -> Value {
    let right_closed = Binning::equal_width_right_closed(15).unwrap().bins(f);
    let equal_mass = Binning::equal_mass(f, 5).unwrap();
    let mass_bins = equal_mass.bins(f);
    let smooth = smooth::smooth_error(f).unwrap();
    let test = spiegelhalter::spiegelhalter(f);
    let (ten, fifteen) = (equal_width(f, 10), equal_width(f, 15));
    json!({
        "ece_equal_width_10": ten.0,
        "mce_equal_width_10": ten.1,
        "ece_equal_width_15": fifteen.0,
        "mce_equal_width_15": fifteen.1,
        "ece_equal_width_15_right_closed": defined(binned::expected_error(&right_closed)),
        "equal_mass_5_upper_edges": equal_mass.upper_edges(),
        "ece_equal_mass_5": defined(binned::expected_error(&mass_bins)),
        "ece2_debiased_equal_mass_5": defined(binned::debiased_squared_error(&mass_bins)),
        "spiegelhalter_z": defined(test.map(|test| test.z)),
        "spiegelhalter_p": defined(test.map(|test| test.p)),
        "smece": smooth.error,
        "smece_sigma": smooth.bandwidth,
        "smece_at_0.1": defined(smooth::smooth_error_at(f, 0.1)),
    })
}
