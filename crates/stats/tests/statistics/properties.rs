//! Properties that hold for every input: unbiasedness, identities, invariance, containment, agreement with
//! naive models.

use proptest::prelude::*;
use retrial_stats::calibration::brier;
use retrial_stats::compare::{
    Pair, mover, paired, stratified::StratifiedExact, stratified_bound::StratifiedBound,
};
use retrial_stats::discrimination::{auroc, selective};
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::pairwise::{self, Pairwise};
use retrial_stats::variance::BinaryVariance;
use retrial_stats::{
    ClusterCounts, Counts, Estimate, Forecast, Functional, Level, Scored, agreement, cluster, divergence,
    edit, passk, proportion, special,
};

const CLOSE: f64 = 1e-9;

fn counts() -> impl Strategy<Value = Counts> {
    (1_u64..30).prop_flat_map(|n| (0..=n).prop_map(move |c| Counts::new(c, n).unwrap()))
}

fn clusters() -> impl Strategy<Value = ClusterCounts> {
    prop::collection::vec(counts(), 1..12).prop_map(|groups| ClusterCounts::new(groups).unwrap())
}

fn forecasts() -> impl Strategy<Value = Vec<Forecast>> {
    // Tenths, so that ties are common.
    prop::collection::vec((0_u8..=10, any::<bool>()), 1..40).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(tenth, outcome)| Forecast::new(f64::from(tenth) / 10.0, outcome).unwrap())
            .collect()
    })
}

fn sequence() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0_u32..5, 0..9)
}

/// Expectation over a binomial of a value of the counts.
fn expectation(n: u64, p: f64, value: impl Fn(Counts) -> f64) -> f64 {
    let probability = |c: u64| {
        let choose: f64 = (0..c).map(|i| (n - i) as f64 / (i + 1) as f64).product();
        choose * p.powf(c as f64) * (1.0 - p).powf((n - c) as f64)
    };
    (0..=n).map(|c| probability(c) * value(Counts::new(c, n).unwrap())).sum()
}

/// The table of Wagner and Fischer, row by row.
fn naive_levenshtein(a: &[u32], b: &[u32]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

fn holds_its_point(estimate: Estimate) -> bool {
    estimate.interval.is_ok_and(|interval| interval.contains(estimate.point))
}

proptest! {
    #[test]
    fn pass_at_k_pass_hat_k_and_consistency_are_unbiased(n in 2_u64..12, k in 1_u64..12, p in 0.0..=1.0_f64) {
        prop_assume!(k <= n);
        let all = expectation(n, p, |c| passk::pass_hat_k(c, k).unwrap());
        let any = expectation(n, p, |c| passk::pass_at_k(c, k).unwrap());
        let alike = expectation(n, p, |c| agreement::outcome_consistency(c).unwrap());
        prop_assert!((all - p.powf(k as f64)).abs() < CLOSE);
        prop_assert!((any - (1.0 - (1.0 - p).powf(k as f64))).abs() < CLOSE);
        prop_assert!((alike - (1.0 - 4.0 * p * (1.0 - p))).abs() < CLOSE);
    }

    #[test]
    fn the_parts_of_the_variance_of_outcomes_are_unbiased(n in 2_u64..6, m in 2_u64..6, p in 0.0..=1.0_f64, q in 0.0..=1.0_f64) {
        let of = |part: fn(BinaryVariance) -> f64| {
            expectation(n, p, |a| expectation(m, q, |b| part(BinaryVariance::new(&ClusterCounts::new(vec![a, b]).unwrap()).unwrap())))
        };
        let noise = |p: f64| p * (1.0 - p);
        prop_assert!((of(|parts| parts.within) - f64::midpoint(noise(p), noise(q))).abs() < CLOSE);
        prop_assert!((of(|parts| parts.between) - (p - q).powi(2) / 2.0).abs() < CLOSE);
    }

    #[test]
    fn the_posterior_of_the_correlation_lies_in_its_range_and_holds_its_mean(groups in clusters()) {
        let grid = GridPosterior::new(&groups).unwrap();
        let (wide, narrow) = (grid.rho_interval(Level::P95), grid.rho_interval(Level::P90));
        prop_assert!(wide.low() >= 0.0 && wide.high() <= 1.0 && wide.low() <= narrow.low() && narrow.high() <= wide.high());
        prop_assert!(wide.contains(grid.mean_rho()));
    }

    #[test]
    fn with_one_draw_at_least_one_and_all_are_the_rate(groups in clusters()) {
        let at = passk::mean_pass_at_k(&groups, 1, Level::P95).unwrap().estimate.point;
        let hat = passk::mean_pass_hat_k(&groups, 1, Level::P95).unwrap().estimate.point;
        prop_assert!((at - groups.mean_rate().unwrap()).abs() < CLOSE);
        prop_assert!((hat - groups.mean_rate().unwrap()).abs() < CLOSE);
    }

    #[test]
    fn pass_curves_are_monotone_and_bracket_each_other(counts in counts()) {
        for k in 1..counts.total() {
            prop_assert!(passk::pass_at_k(counts, k).unwrap() <= passk::pass_at_k(counts, k + 1).unwrap() + CLOSE);
            prop_assert!(passk::pass_hat_k(counts, k).unwrap() + CLOSE >= passk::pass_hat_k(counts, k + 1).unwrap());
            prop_assert!(passk::pass_hat_k(counts, k).unwrap() <= passk::pass_at_k(counts, k).unwrap() + CLOSE);
        }
        prop_assert!(passk::pass_at_k(counts, counts.total() + 1).is_err());
    }

    #[test]
    fn both_decompositions_add_up_to_the_brier_score(forecasts in forecasts()) {
        let score = brier::brier(&forecasts).unwrap();
        let corp = brier::corp(&forecasts).unwrap();
        let murphy = brier::murphy(&forecasts).unwrap();
        prop_assert!((corp.miscalibration - corp.discrimination + corp.uncertainty - score).abs() < CLOSE);
        prop_assert!((murphy.reliability - murphy.resolution + murphy.uncertainty - score).abs() < CLOSE);
        prop_assert!(corp.miscalibration >= -CLOSE && corp.discrimination >= -CLOSE);
        prop_assert!(corp.blocks.windows(2).all(|pair| pair[0].frequency() < pair[1].frequency()));
    }

    #[test]
    fn the_area_of_a_score_and_of_its_negative_add_up_to_one(forecasts in forecasts()) {
        let up: Vec<Scored> = forecasts.iter().map(|&forecast| forecast.into()).collect();
        let down: Vec<Scored> =
            up.iter().map(|item| Scored::new(-item.score(), item.is_positive()).unwrap()).collect();
        match (auroc::auroc(&up), auroc::auroc(&down)) {
            (Ok(up), Ok(down)) => prop_assert!((up + down - 1.0).abs() < CLOSE),
            (up, down) => prop_assert!(up.is_err() && down.is_err()),
        }
    }

    #[test]
    fn the_area_is_the_share_of_pairs_won(forecasts in forecasts()) {
        let (mut won, mut pairs) = (0.0, 0.0);
        for a in forecasts.iter().filter(|f| f.outcome()) {
            for b in forecasts.iter().filter(|f| !f.outcome()) {
                pairs += 1.0;
                won += match a.probability().total_cmp(&b.probability()) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        let items: Vec<Scored> = forecasts.iter().map(|&forecast| forecast.into()).collect();
        if pairs > 0.0 {
            prop_assert!((auroc::auroc(&items).unwrap() - won / pairs).abs() < CLOSE);
        }
    }

    #[test]
    fn the_order_of_groups_does_not_matter(groups in clusters()) {
        let reversed = ClusterCounts::new(groups.groups().iter().rev().copied().collect()).unwrap();
        let same = |a: f64, b: f64| (a - b).abs() < CLOSE;
        let interval = |groups: &ClusterCounts| GridPosterior::new(groups).unwrap().mu_interval(Level::P95);
        prop_assert!(same(interval(&groups).low(), interval(&reversed).low()));
        match (cluster::effective_wilson(&groups, Level::P95), cluster::effective_wilson(&reversed, Level::P95)) {
            (Ok(a), Ok(b)) => prop_assert!(same(a.estimate.interval.unwrap().low(), b.estimate.interval.unwrap().low())),
            (a, b) => prop_assert!(a.is_err() && b.is_err()),
        }
    }

    #[test]
    fn the_order_of_forecasts_does_not_matter(forecasts in forecasts()) {
        let reversed: Vec<Forecast> = forecasts.iter().rev().copied().collect();
        let (a, b) = (selective::risk_coverage(&forecasts).unwrap(), selective::risk_coverage(&reversed).unwrap());
        prop_assert!((a.area - b.area).abs() < CLOSE && a.excess_area >= -CLOSE);
        prop_assert!((brier::brier(&forecasts).unwrap() - brier::brier(&reversed).unwrap()).abs() < CLOSE);
    }

    #[test]
    fn intervals_of_one_rate_hold_the_rate_and_nest_by_level(counts in counts()) {
        let rate = counts.rate().unwrap();
        for method in [proportion::wilson, proportion::clopper_pearson, proportion::jeffreys] {
            let (wide, narrow) = (method(counts, Level::P95).unwrap(), method(counts, Level::P90).unwrap());
            prop_assert!(wide.contains(rate) && narrow.contains(rate));
            prop_assert!(wide.low() <= narrow.low() + CLOSE && narrow.high() <= wide.high() + CLOSE);
            prop_assert!(wide.low() >= 0.0 && wide.high() <= 1.0);
        }
    }

    #[test]
    fn intervals_over_groups_hold_the_estimate(groups in clusters()) {
        let point = groups.mean_rate().unwrap();
        let posterior = GridPosterior::new(&groups).unwrap();
        prop_assert!(holds_its_point(posterior.estimate(Functional::Mean, point, Level::P95)));
        if groups.len() > 1 {
            let found = cluster::effective_wilson(&groups, Level::P95).unwrap();
            prop_assert!(holds_its_point(found.estimate));
            prop_assert!(found.estimate.interval.unwrap().width() > 0.0);
        }
        if groups.smallest_group() >= Some(2) {
            prop_assert!(holds_its_point(cluster::stratified_wilson(&groups, Level::P95).unwrap().estimate));
            prop_assert!(holds_its_point(mover::mover_difference(&groups, &groups, Level::P95).unwrap()));
        }
    }

    #[test]
    fn the_grid_agrees_with_the_beta_binomial_probabilities(groups in clusters()) {
        let (mu_points, rho_points) = (12, 5);
        let found = GridPosterior::with_grid(&groups, mu_points, rho_points).unwrap();
        let (mut weight, mut first) = (0.0, 0.0);
        for i in 0..mu_points {
            for j in 0..rho_points {
                let (mu, rho) = ((i as f64 + 0.5) / mu_points as f64, (j as f64 + 0.5) / rho_points as f64);
                let size = (1.0 - rho) / rho;
                let ln: f64 = groups
                    .groups()
                    .iter()
                    .map(|g| {
                        special::beta_binomial_ln_pmf(g.successes(), g.total(), mu * size, (1.0 - mu) * size).unwrap()
                    })
                    .sum();
                weight += ln.exp();
                first += ln.exp() * mu;
            }
        }
        prop_assert!((found.mean_mu() - first / weight).abs() < 1e-8);
    }

    #[test]
    fn prefix_agreement_and_divergence_match_a_look_at_every_pair(set in prop::collection::vec(sequence(), 2..7)) {
        let curve = edit::prefix_agreement(&set).unwrap();
        let pairs = Pairwise::of(&set, |_, _| 0.0).unwrap().values().len() as f64;
        for (index, share) in curve.iter().enumerate() {
            let length = index + 1;
            let naive = Pairwise::of(&set, |a, b| {
                f64::from(u8::from(a.len() >= length && b.len() >= length && a[..length] == b[..length]))
            });
            prop_assert!((naive.unwrap().values().iter().sum::<f64>() / pairs - share).abs() < CLOSE);
        }
        prop_assert_eq!(edit::first_divergence_of_all(&set).is_none(), edit::modes(&set).unwrap().distinct == 1);
    }

    #[test]
    fn edit_distances_are_symmetric_and_ordered(a in sequence(), b in sequence(), c in sequence()) {
        let distance = edit::levenshtein(&a, &b);
        prop_assert_eq!(distance, edit::levenshtein(&b, &a));
        prop_assert!(edit::damerau(&a, &b) <= edit::optimal_string_alignment(&a, &b));
        prop_assert!(edit::optimal_string_alignment(&a, &b) <= distance && distance <= edit::indel(&a, &b));
        let metric = edit::levenshtein_metric;
        prop_assert!(metric(&a, &c) <= metric(&a, &b) + metric(&b, &c) + CLOSE);
    }

    #[test]
    fn distances_of_all_pairs_are_those_of_a_naive_table(
        a in prop::collection::vec(0_u32..6, 0..150),
        b in prop::collection::vec(0_u32..6, 0..150),
        shift in 0_u32..600,
    ) {
        let shifted = |sequence: &[u32]| sequence.iter().map(|code| code + shift).collect::<Vec<u32>>();
        let (a, b) = (shifted(&a), shifted(&b));
        let distances = edit::Distances::of(&[&a, &b, &a]);
        let naive = naive_levenshtein(&a, &b);
        prop_assert_eq!([(0, 1), (1, 0), (1, 2)].map(|(first, second)| distances.between(first, second)), [naive; 3]);
        prop_assert_eq!([(0, 2), (1, 1)].map(|(first, second)| distances.between(first, second)), [0; 2]);
        prop_assert_eq!(edit::levenshtein(&a, &b), naive);
    }

    #[test]
    fn pairs_of_distinct_items_repeated_are_the_pairs_of_all_items_to_the_last_bit(
        set in prop::collection::vec(prop::collection::vec(0_u32..3, 1..4), 0..9),
    ) {
        let mix = |sequence: &Vec<u32>| divergence::Histogram::new(sequence).unwrap();
        let mixes: Vec<divergence::Histogram> = set.iter().map(mix).collect();
        let naive = Pairwise::of(&mixes, |a, b| 1.0 - divergence::jensen_shannon_bits(a, b)).unwrap();
        let (distinct, places) = pairwise::distinct(&set);
        let mixes: Vec<divergence::Histogram> = distinct.iter().map(|&sequence| mix(sequence)).collect();
        let pairs = Pairwise::of(&mixes, |a, b| 1.0 - divergence::jensen_shannon_bits(a, b)).unwrap();
        prop_assert_eq!(pairs.repeated(&places, 1.0).unwrap(), naive);
    }

    #[test]
    fn the_divergence_is_that_of_its_definition(
        a in prop::collection::vec(0_u32..8, 1..30),
        b in prop::collection::vec(0_u32..8, 1..30),
    ) {
        let share = |sequence: &[u32], symbol: u32| {
            sequence.iter().filter(|&&other| other == symbol).count() as f64 / sequence.len() as f64
        };
        let term = |p: f64, q: f64| if p > 0.0 { p * (p / f64::midpoint(p, q)).log2() / 2.0 } else { 0.0 };
        let symbols = (0..8).map(|symbol| (share(&a, symbol), share(&b, symbol)));
        let expected: f64 = symbols.map(|(p, q)| term(p, q) + term(q, p)).sum();
        let [left, right] = [&a, &b].map(|sequence| divergence::Histogram::new(sequence).unwrap());
        prop_assert!((divergence::jensen_shannon_bits(&left, &right) - expected).abs() < CLOSE);
    }

    #[test]
    fn a_mean_among_kept_items_is_the_mean_of_their_pairs(
        items in prop::collection::vec((-9_i32..9, any::<bool>()), 0..9),
    ) {
        let values: Vec<f64> = items.iter().map(|item| f64::from(item.0)).collect();
        let keep: Vec<bool> = items.iter().map(|item| item.1).collect();
        let kept: Vec<f64> = values.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect();
        let distance = |a: &f64, b: &f64| (a - b).abs();
        let found = Pairwise::of(&values, distance).unwrap().mean_among(&keep);
        match (found, Pairwise::of(&kept, distance).unwrap().mean()) {
            (Ok(found), Ok(wanted)) => prop_assert!((found - wanted).abs() < CLOSE),
            (found, wanted) => prop_assert!(found.is_err() && wanted.is_err()),
        }
    }

    #[test]
    fn exact_sign_flips_match_an_enumeration(tenths in prop::collection::vec(-10_i32..=10, 1..9)) {
        let differences: Vec<f64> = tenths.iter().map(|&x| f64::from(x) / 10.0).collect();
        let observed: i32 = tenths.iter().sum();
        let flips = 1_u32 << tenths.len();
        let sum = |mask: u32| -> i32 {
            tenths.iter().enumerate().map(|(i, &x)| if mask >> i & 1 == 1 { x } else { -x }).sum()
        };
        let share = |keep: &dyn Fn(i32) -> bool| {
            (0..flips).filter(|&mask| keep(sum(mask))).count() as f64 / f64::from(flips)
        };
        let found = paired::sign_flip_exact(&differences).unwrap();
        prop_assert!((found.two_sided - share(&|s| s.abs() >= observed.abs())).abs() < CLOSE);
        prop_assert!((found.less - share(&|s| s <= observed)).abs() < CLOSE);
        prop_assert!((found.greater - share(&|s| s >= observed)).abs() < CLOSE);
    }

    #[test]
    fn bounds_of_p_values_are_never_below_the_exact_ones(pairs in prop::collection::vec((counts(), counts()), 1..9)) {
        let groups: Vec<Pair<Counts>> = pairs.iter().map(|&(first, second)| Pair { first, second }).collect();
        let (exact, bound) = (StratifiedExact::new(&groups).unwrap(), StratifiedBound::new(&groups));
        prop_assert!(bound.p_less() >= exact.p_less() * (1.0 - 1e-12));
        prop_assert!(bound.p_greater() >= exact.p_greater() * (1.0 - 1e-12));
        prop_assert!(bound.p_two_sided() >= exact.p_two_sided() * (1.0 - 1e-12));
        prop_assert!(bound.p_two_sided() <= 1.0 && bound.ln_p_less() <= 0.0);
    }

    #[test]
    fn swapping_the_parties_mirrors_every_comparison(pairs in prop::collection::vec((counts(), counts()), 1..6)) {
        let forth: Vec<Pair<Counts>> = pairs.iter().map(|&(first, second)| Pair { first, second }).collect();
        let back: Vec<Pair<Counts>> = pairs.iter().map(|&(second, first)| Pair { first, second }).collect();
        let (forth, back) = (StratifiedExact::new(&forth).unwrap(), StratifiedExact::new(&back).unwrap());
        prop_assert!((forth.p_less() - back.p_greater()).abs() < CLOSE);
        prop_assert!((forth.p_two_sided() - back.p_two_sided()).abs() < CLOSE);
    }
}

proptest! {
    // The naive table is slow.
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn distances_of_long_sequences_that_are_near_and_far_are_those_of_a_naive_table(
        base in prop::collection::vec(0_u32..6, 150..600),
        edits in prop::collection::vec((0_usize..600, 0_u32..8, 0_usize..120), 4..40),
        other in prop::collection::vec(0_u32..6, 0..600),
    ) {
        // Each is the one before it with some symbols replaced, and now and then a piece left out.
        let mut sequences = vec![base];
        for step in edits.chunks(4) {
            let mut next = sequences[sequences.len() - 1].clone();
            for &(place, symbol, left_out) in step {
                let place = place % next.len().max(1);
                if symbol == 7 {
                    next.drain(place..(place + left_out).min(next.len()));
                } else if let Some(replaced) = next.get_mut(place) {
                    *replaced = symbol;
                }
            }
            sequences.push(next);
        }
        sequences.push(other);
        let distances = edit::Distances::of(&sequences);
        for (first, a) in sequences.iter().enumerate() {
            for (second, b) in sequences.iter().enumerate() {
                prop_assert_eq!(distances.between(first, second), naive_levenshtein(a, b));
            }
        }
    }
}
