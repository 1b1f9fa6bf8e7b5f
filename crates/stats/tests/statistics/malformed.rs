//! No input, however strange, makes a statistic panic or return something that is not a number.

use proptest::prelude::*;
use retrial_stats::bootstrap::BootstrapDistribution;
use retrial_stats::compare::{Pair, paired, ratio};
use retrial_stats::quantile::Sorted;
use retrial_stats::sequential::{betting, evalue};
use retrial_stats::variance::OneWay;
use retrial_stats::{
    Counts, Forecast, Interval, Invalid, Level, Scored, Undefined, moments, power, special, spread,
};

/// Any bit pattern, with the awkward ones often.
fn strange() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(1.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        -2.0..2.0_f64,
        any::<f64>(),
    ]
}

fn is_number(result: Result<f64, Undefined>) -> bool {
    result.is_ok_and(|value| !value.is_nan()) || result.is_err()
}

fn are_numbers(result: Result<Interval, Undefined>) -> bool {
    result.map_or(true, |interval| interval.low() <= interval.high())
}

proptest! {
    #[test]
    fn values_of_any_kind_give_a_number_or_a_reason(values in prop::collection::vec(strange(), 0..8)) {
        prop_assert!(is_number(moments::mean(&values)));
        prop_assert!(is_number(moments::variance(&values)));
        prop_assert!(is_number(spread::coefficient_of_variation(&values)));
        let estimate = moments::mean_t(&values, Level::P95);
        prop_assert!(estimate.map_or(true, |estimate| are_numbers(estimate.interval)));
        let geometric = spread::geometric_spread(&values, Level::P95);
        prop_assert!(geometric.map_or(true, |found| are_numbers(found.deviation.interval)));
        if let Ok(sorted) = Sorted::new(&values) {
            prop_assert!(is_number(spread::robust_coefficient_of_variation(&sorted)));
            prop_assert!(is_number(spread::quartile_coefficient(&sorted)));
            prop_assert!(is_number(spread::max_over_min(&sorted)));
            prop_assert!(is_number(sorted.harrell_davis_median()));
            prop_assert!(are_numbers(sorted.median_interval(Level::P95)));
        }
        prop_assert!(is_number(paired::sign_flip_exact(&values).map(|found| found.two_sided)));
        prop_assert!(is_number(evalue::average(&values)));
        let _ = betting::confidence_sequence(&values, Level::P95, 20);
    }

    #[test]
    fn groups_and_pairs_of_any_kind_give_a_number_or_a_reason(
        groups in prop::collection::vec(prop::collection::vec(strange(), 0..4), 0..5),
    ) {
        if let Ok(table) = OneWay::new(&groups) {
            prop_assert!(is_number(table.correlation()));
            prop_assert!(are_numbers(table.correlation_interval(Level::P95)));
        }
        let pairs: Vec<Pair<f64>> = groups
            .iter()
            .filter(|group| group.len() > 1)
            .map(|group| Pair { first: group[0], second: group[1] })
            .collect();
        if let Ok(found) = paired::PairedDifference::new(&pairs, Level::P95) {
            prop_assert!(is_number(found.p_two_sided()) && is_number(found.p_equivalent(0.1)));
        }
        if let Ok(found) = ratio::ratio_of_means(&pairs, Level::P95) {
            prop_assert!(are_numbers(found.estimate.interval) && are_numbers(found.fieller));
        }
        prop_assert!(is_number(paired::correlation(&pairs)));
        let means = |chosen: &[usize]| moments::mean(&chosen.iter().map(|&i| pairs[i].first).collect::<Vec<_>>());
        if let Ok(found) = BootstrapDistribution::seeded(pairs.len(), 20, 1, means) {
            prop_assert!(are_numbers(found.percentile(Level::P95)));
        }
    }

    #[test]
    fn parameters_of_any_kind_give_a_number_or_a_reason(x in strange(), a in strange(), b in strange()) {
        prop_assert!(is_number(special::beta_quantile(x, a, b)));
        prop_assert!(is_number(special::beta_cdf(x, a, b)));
        prop_assert!(is_number(special::t_quantile(x, a)));
        prop_assert!(is_number(special::t_cdf(x, a)));
        prop_assert!(is_number(special::chi_square_quantile(x, a)));
        prop_assert!(is_number(special::chi_square_sf(x, a)));
        prop_assert!(is_number(special::ln_beta(a, b)));
        prop_assert!(is_number(power::noncentral_t_sf(x, a, b)));
        prop_assert!(is_number(power::best_items_per_group(x, a, b)));
        let _ = power::zero_failure_items(a, b);
        prop_assert!(are_numbers(spread::vangel_interval(x, 5, Level::P95)));
    }
}

#[test]
fn malformed_values_are_refused_when_they_are_made() {
    assert_eq!(Counts::new(3, 2), Err(Invalid::SuccessesExceedTotal { successes: 3, total: 2 }));
    assert_eq!(Level::new(1.0), Err(Invalid::Level(1.0)));
    assert!(Level::new(f64::NAN).is_err() && Level::from_one_sided(0.4).is_err());
    assert!(Forecast::new(1.01, true).is_err() && Forecast::new(f64::NAN, true).is_err());
    assert_eq!(Scored::new(f64::INFINITY, true), Err(Invalid::NotFinite(f64::INFINITY)));
    assert!(Interval::new(1.0, 0.0).is_err() && Interval::new(f64::NAN, 0.0).is_err());
}
