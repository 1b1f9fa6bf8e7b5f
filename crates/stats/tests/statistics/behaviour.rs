//! What estimators do where no reference value exists: seeds, edges, targets, large counts.

use retrial_stats::bootstrap::{BootstrapDistribution, hierarchical_draws};
use retrial_stats::calibration::{binned, brier, spiegelhalter};
use retrial_stats::compare::{Pair, paired, stratified::StratifiedExact, stratified_bound::StratifiedBound};
use retrial_stats::discrimination::{auroc, selective};
use retrial_stats::divergence::jaccard;
use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::kernel::{Grams, Spectrum, discrepancy_exact, discrepancy_seeded, discrepancy_stratified};
use retrial_stats::sequential::mixture::{BetaMixture, difference_sequence};
use retrial_stats::variance::BinaryVariance;
use retrial_stats::{
    ClusterCounts, Counts, Forecast, Functional, Level, Scored, Undefined, cluster, moments, passk, power,
    proportion, special,
};

fn clusters(successes: &[u64], total: u64) -> ClusterCounts {
    ClusterCounts::new(successes.iter().map(|&c| Counts::new(c, total).unwrap()).collect()).unwrap()
}

fn forecast(probability: f64, outcome: bool) -> Forecast {
    Forecast::new(probability, outcome).unwrap()
}

#[test]
fn the_shown_interval_holds_an_estimate_that_the_raw_posterior_excludes() {
    let groups = clusters(&[5; 5], 5);
    let posterior = GridPosterior::new(&groups).unwrap();
    assert!(!posterior.mu_interval(Level::P95).contains(1.0));
    let shown = posterior.estimate(Functional::Mean, 1.0, Level::P95).interval.unwrap();
    assert!(shown.contains(1.0) && (shown.low() - 0.6465).abs() < 1e-4);
}

#[test]
fn one_group_has_no_population_interval_but_a_fixed_one() {
    let one = clusters(&[3], 5);
    assert_eq!(
        cluster::effective_wilson(&one, Level::P95),
        Err(Undefined::TooFewGroups { have: 1, need: 2 })
    );
    let mean = cluster::mean_rate_t(&one, Level::P95).unwrap();
    assert_eq!(mean.interval, Err(Undefined::TooFewGroups { have: 1, need: 2 }));
    assert!(cluster::stratified_wilson(&one, Level::P95).unwrap().estimate.interval.is_ok());
    let single = clusters(&[1, 0], 1);
    assert_eq!(cluster::stratified_wilson(&single, Level::P95), Err(Undefined::SingleItemGroup));
}

#[test]
fn groups_too_small_for_k_are_left_out_and_counted() {
    let groups = ClusterCounts::new(vec![Counts::new(1, 1).unwrap(), Counts::new(4, 5).unwrap()]).unwrap();
    let found = passk::mean_pass_hat_k(&groups, 2, Level::P95).unwrap();
    assert_eq!((found.used, found.dropped), (1, 1));
    assert_eq!(passk::mean_pass_hat_k(&groups, 6, Level::P95), Err(Undefined::KExceedsN));
}

#[test]
fn the_same_seed_gives_the_same_draws_and_another_seed_others() {
    let groups = clusters(&[5, 3, 0, 4, 5], 5);
    let posterior = GridPosterior::new(&groups).unwrap();
    let functionals = [Functional::PassHat(3), Functional::Consistency];
    let low = |seed| {
        let draws = FixedGroupsPosterior::new(&groups, &posterior, &functionals, 500, seed).unwrap();
        draws.summary(Functional::PassHat(3), Level::P95).unwrap().interval.low().to_bits()
    };
    assert_eq!(low(9), low(9));
    assert_ne!(low(9), low(10));
    assert_eq!(hierarchical_draws(&[3, 2], 5, 4), hierarchical_draws(&[3, 2], 5, 4));
}

#[test]
fn normal_draws_for_many_groups_match_draws_of_each() {
    // 201 groups are drawn as a normal sum, 200 of them one by one.
    let functional = Functional::PassHat(3);
    let summary = |count: usize| {
        let groups = clusters(&[0, 3, 7, 10, 10].repeat(50)[..count], 10);
        let posterior = GridPosterior::new(&groups).unwrap();
        let draws = FixedGroupsPosterior::new(&groups, &posterior, &[functional], 3000, 3).unwrap();
        draws.summary(functional, Level::P95).unwrap()
    };
    let (single, joint) = (summary(200), summary(201));
    assert!((single.mean - joint.mean).abs() < 0.004, "{} {}", single.mean, joint.mean);
    assert!((single.interval.width() - joint.interval.width()).abs() < 0.006, "{single:?} {joint:?}");
}

#[test]
fn groups_that_always_or_never_succeed_have_posteriors() {
    for successes in [0, 5] {
        let groups = clusters(&[successes; 5], 5);
        let posterior = GridPosterior::new(&groups).unwrap();
        let functionals =
            [Functional::Mean, Functional::PassHat(5), Functional::PassAt(5), Functional::Consistency];
        let draws = FixedGroupsPosterior::new(&groups, &posterior, &functionals, 2000, 1).unwrap();
        for functional in functionals {
            let point = functional.at(successes as f64 / 5.0);
            let shown = draws.estimate(functional, point, Level::P95).interval.unwrap();
            assert!(shown.contains(point) && shown.width() > 0.0, "{functional:?} {shown:?}");
        }
    }
}

#[test]
fn fixed_groups_are_known_better_than_their_population() {
    let groups = clusters(&[10, 10, 10, 0, 0, 0, 9, 1], 10);
    let posterior = GridPosterior::new(&groups).unwrap();
    let functional = Functional::PassHat(5);
    let draws = FixedGroupsPosterior::new(&groups, &posterior, &[functional], 1000, 3).unwrap();
    let here = draws.summary(functional, Level::P95).unwrap().interval.width();
    assert!(here < posterior.summary(functional, Level::P95).interval.width() / 2.0);
}

#[test]
fn the_grid_takes_groups_of_any_size() {
    // Beyond 512 items sums of logarithms give way to the gamma function; both sides of the switch agree.
    let mean =
        |total: u64| GridPosterior::new(&clusters(&[total / 2, total / 4, total], total)).unwrap().mean_mu();
    assert!((mean(512) - mean(516)).abs() < 1e-3, "{} {}", mean(512), mean(516));
    let huge = ClusterCounts::new(vec![Counts::new(900_000, 1_000_000).unwrap(); 3]).unwrap();
    let posterior = GridPosterior::new(&huge).unwrap();
    // The grid knows no correlation below 1/60, so three equal groups leave the mean open.
    assert!((0.8..0.95).contains(&posterior.mean_mu()), "{}", posterior.mean_mu());
    assert!(posterior.mu_interval(Level::P95).contains(0.9));
    let exact = proportion::clopper_pearson(Counts::new(900_000, 1_000_000).unwrap(), Level::P95).unwrap();
    assert!(exact.contains(0.9) && exact.width() < 0.0013);
}

#[test]
fn exact_upper_bounds_without_any_failure_follow_the_rule_of_three() {
    let bound = proportion::exact_upper_bound(Counts::new(0, 100).unwrap(), 0.95).unwrap();
    assert!((bound - (1.0 - 0.05_f64.powf(0.01))).abs() < 1e-9 && (bound - 0.03).abs() < 0.001);
}

#[test]
fn variance_between_groups_is_kept_raw_when_negative() {
    let parts = BinaryVariance::new(&clusters(&[2, 2, 2], 4)).unwrap();
    assert!(parts.between < 0.0 && parts.share_between().unwrap().abs() < 1e-12);
    assert_eq!(
        BinaryVariance::new(&clusters(&[4, 4], 4)).unwrap().share_between(),
        Err(Undefined::ZeroVariance)
    );
}

#[test]
fn a_bootstrap_without_spread_has_no_interval() {
    let flat = BootstrapDistribution::seeded(5, 100, 1, |_| Ok(0.5)).unwrap();
    assert_eq!(flat.percentile(Level::P95), Err(Undefined::ZeroVariance));
    assert_eq!(flat.bias_corrected(&[0.5; 5], Level::P95), Err(Undefined::ZeroVariance));
}

#[test]
fn resamples_without_a_value_are_counted() {
    let items = [(0.9, true), (0.1, false)].map(|(score, positive)| Scored::new(score, positive).unwrap());
    let statistic = |chosen: &[usize]| auroc::auroc(&chosen.iter().map(|&i| items[i]).collect::<Vec<_>>());
    let found = BootstrapDistribution::seeded(2, 200, 5, statistic).unwrap();
    assert!(found.undefined() > 50 && found.values().len() + found.undefined() == 200);
}

#[test]
fn seeded_permutations_agree_with_the_exact_ones_and_are_never_zero() {
    let differences = [0.2, 0.4, -0.1, 0.3, 0.2, 0.1, 0.0, 0.5];
    let exact = paired::sign_flip_exact(&differences).unwrap();
    let seeded = paired::sign_flip_seeded(&differences, 4000, 11).unwrap();
    assert!((exact.two_sided - seeded.two_sided).abs() < 0.02);
    let separate = paired::sign_flip_seeded(&[1.0; 60], 999, 11).unwrap();
    assert!((separate.two_sided - 0.001).abs() < 1e-12);

    let spectra = |sequences: [[u32; 3]; 4]| sequences.map(|s| Spectrum::new(&s, Grams::Pairs).unwrap());
    let (a, b) = (
        spectra([[1, 2, 3], [1, 2, 1], [1, 2, 2], [1, 3, 3]]),
        spectra([[4, 5, 6], [4, 4, 6], [5, 4, 6], [6, 5, 4]]),
    );
    let (exact, seeded) = (discrepancy_exact(&a, &b).unwrap(), discrepancy_seeded(&a, &b, 2000, 1).unwrap());
    assert!((exact.squared - seeded.squared).abs() < 1e-12 && (exact.p - seeded.p).abs() < 0.02);
}

#[test]
fn a_single_stratum_has_the_discrepancy_of_its_two_sets_and_more_of_the_same_make_it_surer() {
    let spectra = |sequences: [[u32; 3]; 3]| -> Vec<Spectrum> {
        sequences.iter().map(|sequence| Spectrum::new(sequence, Grams::Pairs).unwrap()).collect()
    };
    let a = spectra([[1, 2, 3], [1, 2, 1], [1, 2, 2]]);
    let b = spectra([[4, 5, 6], [4, 4, 6], [5, 4, 6]]);
    let exact = discrepancy_exact(&a, &b).unwrap();
    let one = discrepancy_stratified(&[(a.clone(), b.clone())], 4000, 1).unwrap();
    assert!(
        (one.squared - exact.squared).abs() < 1e-12 && (one.p - exact.p).abs() < 0.02,
        "{one:?} {exact:?}"
    );
    assert!((one.within_first + one.within_second - 2.0 * one.across - one.squared).abs() < 1e-12);
    // With one of 20 splits and its mirror image p is 0.1; with four such strata it is 2/20⁴ at least.
    let four = discrepancy_stratified(&vec![(a.clone(), b.clone()); 4], 4000, 1).unwrap();
    assert!((four.squared - one.squared).abs() < 1e-12 && four.p < 0.01 && four.strata == 4, "{four:?}");
    // What differs between strata alone is no difference of the sets.
    let strata = [(a.clone(), a.clone()), (b.clone(), b.clone())];
    assert!(discrepancy_stratified(&strata, 500, 1).unwrap().p > 0.5);
    assert_eq!(discrepancy_stratified(&[], 500, 1), Err(Undefined::Empty));
    assert_eq!(discrepancy_stratified(&strata, 0, 1), Err(Undefined::OutOfDomain));
    assert_eq!(
        discrepancy_stratified(&[(a[..1].to_vec(), b)], 500, 1),
        Err(Undefined::TooFewItems { have: 1, need: 2 })
    );
}

#[test]
fn an_area_on_the_edge_or_of_one_class_has_a_reason_in_place_of_an_interval() {
    let item = |score: f64, positive: bool| Scored::new(score, positive).unwrap();
    let perfect = vec![vec![item(0.9, true), item(0.1, false)], vec![item(0.8, true), item(0.2, false)]];
    let found = auroc::auroc_clustered(&perfect, Level::P95).unwrap();
    assert!((found.point - 1.0).abs() < 1e-12 && found.interval == Err(Undefined::AtBoundary));
    assert_eq!(auroc::auroc_clustered(&[vec![item(0.9, true)]], Level::P95), Err(Undefined::OneClass));
    let lone = vec![vec![item(0.9, true), item(0.1, true)], vec![item(0.5, false)]];
    let found = auroc::auroc_clustered(&lone, Level::P95).unwrap();
    assert_eq!(found.interval, Err(Undefined::TooFewGroups { have: 1, need: 2 }));
}

#[test]
fn the_risk_at_a_coverage_keeps_the_smallest_sufficient_number() {
    let forecasts = [
        forecast(0.9, true),
        forecast(0.8, true),
        forecast(0.7, true),
        forecast(0.6, false),
        forecast(0.5, false),
    ];
    let curve = selective::risk_coverage(&forecasts).unwrap();
    assert!((curve.risk_at(0.8).unwrap() - 0.25).abs() < 1e-12);
    assert!((curve.risk_at(1.0).unwrap() - 0.4).abs() < 1e-12);
    assert!(curve.risk_at(0.01).unwrap().abs() < 1e-12);
    assert_eq!((curve.risk_at(0.0), curve.risk_at(1.1)), (None, None));
}

#[test]
fn clustered_scores_weigh_groups_alike_and_report_their_number() {
    let groups = vec![vec![forecast(1.0, true); 9], vec![forecast(1.0, false)], Vec::new()];
    let found = brier::clustered_brier(&groups, Level::P95).unwrap();
    assert!((found.point - 0.5).abs() < 1e-12 && found.n == 2);
    assert!((brier::brier(&groups.concat()).unwrap() - 0.1).abs() < 1e-12);
    assert!((brier::clustered_bias(&groups, Level::P95).unwrap().point - 0.5).abs() < 1e-12);
}

#[test]
fn the_clustered_calibration_test_matches_the_plain_one_only_for_single_items() {
    // One item each: the variance is Σ of squared scores, 0.2² · 0.6² · n here with all events as stated.
    let single: Vec<Vec<Forecast>> = (0..10).map(|i| vec![forecast(0.8, i < 8)]).collect();
    let found = spiegelhalter::spiegelhalter_clustered(&single).unwrap();
    assert!(found.z.abs() < 1e-9, "{}", found.z);
    let repeated: Vec<Vec<Forecast>> = (0..4).map(|i| vec![forecast(0.8, i < 1); 25]).collect();
    let (plain, clustered) = (
        spiegelhalter::spiegelhalter(&repeated.concat()).unwrap(),
        spiegelhalter::spiegelhalter_clustered(&repeated).unwrap(),
    );
    assert!(plain.p < 1e-6 && clustered.p > 0.05, "{} {}", plain.p, clustered.p);
}

#[test]
fn the_null_error_is_far_above_zero_for_few_items() {
    let forecasts: Vec<Forecast> = (0..25).map(|i| forecast(f64::from(i) / 25.0, i % 2 == 0)).collect();
    let binning = binned::Binning::equal_width(10).unwrap();
    let null = binned::null_error(&forecasts, &binning, 500, 1).unwrap();
    assert!(null.mean > 0.1 && null.upper > null.mean && null.p > 0.0);
    assert_eq!(null, binned::null_error(&forecasts, &binning, 500, 1).unwrap());
}

#[test]
fn a_confidence_sequence_is_wider_than_an_interval_looked_at_once() {
    let counts = Counts::new(45, 50).unwrap();
    let sequence = BetaMixture::default().confidence_sequence(counts, Level::P95);
    let once = proportion::wilson(counts, Level::P95).unwrap();
    assert!(sequence.low() < once.low() && sequence.high() > once.high());
    let nothing = BetaMixture::default().confidence_sequence(Counts::new(0, 0).unwrap(), Level::P95);
    assert!(nothing.contains(0.0) && nothing.contains(1.0));
}

#[test]
fn the_difference_of_two_sequences_holds_the_difference_of_the_rates() {
    let (a, b) = (Counts::new(45, 50).unwrap(), Counts::new(20, 50).unwrap());
    let difference = difference_sequence(a, b, Level::P95).unwrap();
    assert!(difference.contains(0.5) && difference.low() > 0.0);
    let each = BetaMixture::default().confidence_sequence(a, Level::P95);
    assert!(difference.width() > each.width());
}

#[test]
fn sets_overlap_by_their_distinct_members() {
    assert!((jaccard(&[1, 2, 2, 3], &[3, 2, 4]) - 0.5).abs() < 1e-12);
    assert!((jaccard(&[], &[]) - 1.0).abs() < 1e-12 && jaccard(&[1], &[]).abs() < 1e-12);
}

#[test]
fn detectable_differences_of_fixed_groups_match_the_planning_table() {
    for (groups, items, wanted) in [(5, 5, 0.25), (10, 5, 0.18), (20, 10, 0.09), (50, 10, 0.056)] {
        let design = power::Design::new(0.7, 0.4, items).unwrap();
        let found = power::fixed_groups_detectable(design, groups, 0.95, 0.8).unwrap();
        assert!((found - wanted).abs() < 0.006, "{groups} by {items}: {found}");
        let needed = power::fixed_groups_items_needed(design, groups, found + 1e-9, 0.95, 0.8);
        assert_eq!(needed, Ok(items));
    }
    let test = power::PairedTest::new(0.3, 0.05).unwrap();
    assert_eq!(test.groups_needed(1e-9, 0.8), Err(Undefined::NotReached));
}

#[test]
fn exact_tests_of_groups_too_large_to_enumerate_are_refused() {
    let half = Counts::new(500_000_000, 1_000_000_000).unwrap();
    let found = StratifiedExact::new(&[Pair { first: half, second: half }]);
    assert!(matches!(found, Err(Undefined::TooManyCases)));
    assert!(matches!(paired::sign_flip_exact(&[0.1; 37]), Err(Undefined::TooManyCases)));
}

/// Groups that are alike: so many, with so many successes of each side's trials.
fn alike(groups: usize, first: u64, second: u64, of: u64) -> Vec<Pair<Counts>> {
    let side = |successes| Counts::new(successes, of).unwrap();
    vec![Pair { first: side(first), second: side(second) }; groups]
}

#[test]
fn bounds_of_p_values_lose_little_and_tell_apart_what_doubles_cannot() {
    for (groups, first, second, of) in
        [(10, 7, 9, 10), (400, 8, 9, 10), (40, 83, 86, 100), (3, 1200, 1260, 1500)]
    {
        let groups = alike(groups, first, second, of);
        let exact = StratifiedExact::new(&groups).unwrap().p_less();
        let bound = StratifiedBound::new(&groups).p_less();
        assert!(exact <= bound, "{bound} is below {exact}");
        assert!(bound <= 4.0 * exact * (1.0 - exact.ln()), "{bound} is far above {exact}");
    }
    // The exact probability is 1 / C(20, 10)^500, which no double can hold.
    let found = StratifiedBound::new(&alike(500, 0, 10, 10)).ln_p_less();
    let exact = -500.0 * 184_756_f64.ln();
    assert!(found >= exact && found < exact * 0.999, "{found} for {exact}");
}

#[test]
fn bounds_of_groups_too_large_to_enumerate_are_those_of_their_binomials() {
    let half = |share: u64| Counts::new(share * 5_000_000, 1_000_000_000).unwrap();
    let bound = |first, second| StratifiedBound::new(&[Pair { first: half(first), second: half(second) }]);
    assert!(bound(99, 101).ln_p_less() < -1000.0);
    assert!(bound(99, 101).p_greater() >= 1.0);
    assert!(bound(100, 100).p_two_sided() >= 1.0);
    // A group just above what is listed, whose exact probability is known.
    let groups = alike(1, 4050, 4200, 5000);
    let exact = StratifiedExact::new(&groups).unwrap().p_less();
    assert!(StratifiedBound::new(&groups).p_less() >= exact);
    assert!(StratifiedBound::new(&[]).p_two_sided() >= 1.0);
}

#[test]
fn equal_values_show_no_spread_and_no_test() {
    let pairs = [Pair { first: 0.3, second: 0.2 }; 7];
    let found = paired::PairedDifference::new(&pairs, Level::P95).unwrap();
    assert_eq!(found.t(), Err(Undefined::ZeroVariance));
    assert!(moments::variance(&[0.1 + 0.2; 9]).unwrap().abs() < 1e-300);
    assert!((special::normal_cdf(0.0) - 0.5).abs() < 1e-15);
}
