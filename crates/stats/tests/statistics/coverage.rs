//! Seeded simulations: nominal coverage and error rates hold roughly, on few repetitions.
//!
//! Bounds are wide enough for the Monte Carlo error of the repetitions used here; the exact rates need larger
//! runs.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};
use retrial_stats::calibration::{binned, spiegelhalter};
use retrial_stats::compare::{Pair, mover, paired::PairedDifference, stratified::StratifiedExact};
use retrial_stats::discrimination::auroc;
use retrial_stats::fixed_groups::FixedGroupsPosterior;
use retrial_stats::hierarchical::GridPosterior;
use retrial_stats::sequential::mixture::BetaMixture;
use retrial_stats::{ClusterCounts, Counts, Estimate, Forecast, Functional, Level, Scored, cluster};

/// Mean rate and correlation of the groups simulated here.
const MU: f64 = 0.7;
const RHO: f64 = 0.4;

struct Simulator(ChaCha8Rng);

impl Simulator {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn probabilities(&mut self, groups: usize) -> Vec<f64> {
        let size = (1.0 - RHO) / RHO;
        let beta = Beta::new(MU * size, (1.0 - MU) * size).unwrap();
        (0..groups).map(|_| beta.sample(&mut self.0)).collect()
    }

    fn happens(&mut self, p: f64) -> bool {
        self.0.random::<f64>() < p
    }

    fn counts(&mut self, probabilities: &[f64], items: usize) -> ClusterCounts {
        let groups = probabilities.iter().map(|&p| {
            let outcomes: Vec<bool> = (0..items).map(|_| self.happens(p)).collect();
            Counts::of(&outcomes)
        });
        ClusterCounts::new(groups.collect()).unwrap()
    }

    fn forecasts(&mut self, probabilities: &[f64], items: usize) -> Vec<Vec<Forecast>> {
        let mut group = |p: f64| (0..items).map(|_| Forecast::new(p, self.happens(p)).unwrap()).collect();
        probabilities.iter().map(|&p| group(p)).collect()
    }
}

fn covers(estimate: &Estimate, truth: f64) -> bool {
    estimate.interval.is_ok_and(|interval| interval.contains(truth))
}

/// Share of repetitions in which a check holds.
fn share(repetitions: usize, mut check: impl FnMut() -> bool) -> f64 {
    (0..repetitions).filter(|_| check()).count() as f64 / repetitions as f64
}

fn mean(p: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    p.iter().map(|&p| f(p)).sum::<f64>() / p.len() as f64
}

#[test]
fn population_intervals_of_the_mean_rate_cover_at_five_by_five() {
    let mut simulator = Simulator::new(1);
    let (mut grid, mut effective) = (0, 0);
    for _ in 0..400 {
        let p = simulator.probabilities(5);
        let counts = simulator.counts(&p, 5);
        let point = counts.mean_rate().unwrap();
        let posterior = GridPosterior::new(&counts).unwrap();
        grid += usize::from(covers(&posterior.estimate(Functional::Mean, point, Level::P95), MU));
        effective +=
            usize::from(covers(&cluster::effective_wilson(&counts, Level::P95).unwrap().estimate, MU));
    }
    assert!(grid >= 370, "{grid} of 400");
    assert!(effective >= 370, "{effective} of 400");
}

#[test]
fn fixed_group_intervals_cover_the_mean_of_these_groups() {
    let mut simulator = Simulator::new(2);
    let functionals = [Functional::PassHat(5), Functional::Consistency];
    let (mut wilson, mut all, mut alike) = (0, 0, 0);
    for seed in 0..200 {
        let p = simulator.probabilities(10);
        let counts = simulator.counts(&p, 5);
        wilson += usize::from(covers(
            &cluster::stratified_wilson(&counts, Level::P95).unwrap().estimate,
            mean(&p, |p| p),
        ));
        let posterior = GridPosterior::new(&counts).unwrap();
        let draws = FixedGroupsPosterior::new(&counts, &posterior, &functionals, 300, seed).unwrap();
        let covered = |functional: Functional| {
            let truth = mean(&p, |p| functional.at(p));
            draws.summary(functional, Level::P95).unwrap().interval.contains(truth)
        };
        all += usize::from(covered(functionals[0]));
        alike += usize::from(covered(functionals[1]));
    }
    assert!(wilson >= 180 && all >= 178 && alike >= 178, "{wilson}, {all}, {alike} of 200");
}

#[test]
fn comparisons_of_equal_parties_rarely_reject() {
    let mut simulator = Simulator::new(3);
    let (mut by_mover, mut by_student, mut by_exact) = (0, 0, 0);
    for _ in 0..500 {
        let p = simulator.probabilities(10);
        let (a, b) = (simulator.counts(&p, 5), simulator.counts(&p, 5));
        by_mover += usize::from(!covers(&mover::mover_difference(&a, &b, Level::P95).unwrap(), 0.0));
        let rates: Vec<Pair<f64>> =
            a.rates().into_iter().zip(b.rates()).map(|(first, second)| Pair { first, second }).collect();
        let student = PairedDifference::new(&rates, Level::P95).unwrap();
        by_student += usize::from(student.p_two_sided().is_ok_and(|p| p <= 0.05));
        let pairs: Vec<Pair<Counts>> =
            a.groups().iter().zip(b.groups()).map(|(&first, &second)| Pair { first, second }).collect();
        by_exact += usize::from(StratifiedExact::new(&pairs).unwrap().p_less() <= 0.05);
    }
    for rejected in [by_mover, by_student, by_exact] {
        assert!(rejected <= 40, "{by_mover}, {by_student}, {by_exact} of 500");
    }
}

#[test]
fn the_clustered_area_covers_where_the_independent_one_does_not() {
    // Within a group all items share their score, so items are far from independent.
    let mut simulator = Simulator::new(4);
    let large = simulator.probabilities(4000);
    let items: Vec<Scored> = simulator.forecasts(&large, 1).concat().into_iter().map(Scored::from).collect();
    let truth = auroc::auroc(&items).unwrap();
    let (mut clustered, mut independent, mut defined) = (0, 0, 0);
    for _ in 0..300 {
        let p = simulator.probabilities(20);
        let groups: Vec<Vec<Scored>> = simulator
            .forecasts(&p, 10)
            .into_iter()
            .map(|group| group.into_iter().map(Scored::from).collect())
            .collect();
        let found = auroc::auroc_clustered(&groups, Level::P95).unwrap();
        defined += usize::from(found.interval.is_ok());
        clustered += usize::from(covers(&found, truth));
        independent +=
            usize::from(covers(&auroc::auroc_delong(&groups.concat(), Level::P95).unwrap(), truth));
    }
    assert!(defined == 300 && clustered >= 270, "{clustered} of {defined}");
    assert!(independent < clustered, "{independent} against {clustered}");
}

#[test]
fn the_calibration_error_of_perfect_forecasts_is_what_its_null_says() {
    let mut simulator = Simulator::new(5);
    let binning = binned::Binning::equal_width(10).unwrap();
    let (mut observed, mut expected, mut low) = (0.0, 0.0, 0);
    for seed in 0..100 {
        let p = simulator.probabilities(100);
        let forecasts = simulator.forecasts(&p, 1).concat();
        let null = binned::null_error(&forecasts, &binning, 100, seed).unwrap();
        observed += binned::expected_error(&binning.bins(&forecasts)).unwrap() / 100.0;
        expected += null.mean / 100.0;
        low += usize::from(null.p <= 0.05);
    }
    // .085 at 100 items is known from a larger simulation.
    assert!((observed - 0.085).abs() < 0.008 && (expected - observed).abs() < 0.008, "{observed} {expected}");
    assert!(low <= 12, "{low} of 100");
}

#[test]
fn calibration_tests_of_perfect_forecasts_rarely_reject() {
    let mut simulator = Simulator::new(6);
    let independent = share(1000, || {
        let p = simulator.probabilities(100);
        spiegelhalter::spiegelhalter(&simulator.forecasts(&p, 1).concat()).unwrap().p <= 0.05
    });
    assert!((0.02..=0.08).contains(&independent), "{independent}");
    let clustered = share(1000, || {
        let p = simulator.probabilities(20);
        spiegelhalter::spiegelhalter_clustered(&simulator.forecasts(&p, 5)).unwrap().p <= 0.05
    });
    assert!(clustered <= 0.09, "{clustered}");
}

#[test]
fn a_confidence_sequence_survives_a_look_after_every_item() {
    let mut simulator = Simulator::new(7);
    let mixture = BetaMixture::default();
    let failed = share(1000, || {
        let mut successes = 0;
        (1..=200_u64).any(|total| {
            successes += u64::from(simulator.happens(MU));
            let log_e = mixture.log_e(Counts::new(successes, total).unwrap(), MU).unwrap();
            log_e >= 20.0_f64.ln()
        })
    });
    assert!(failed <= 0.05, "{failed}");
}
