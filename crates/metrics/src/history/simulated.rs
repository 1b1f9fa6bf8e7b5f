//! Histories of simulated agents, whose changes are known: how often alarms are false, and how soon changes are found. The numbers of
//! `docs/history.md` are these.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use retrial_stats::{Counts, Level};

use super::Direction;
use super::changes::{Alarm, alarms};

/// A suite whose tasks are from easy to hard, evenly.
#[derive(Clone, Copy)]
struct Suite {
    tasks: u32,
    trials: u64,
}

impl Suite {
    /// Success probabilities between 0.6 and 1, 0.8 on average, moved by so much and kept within 0 and 1.
    fn probabilities(self, moved: f64) -> Vec<f64> {
        let spread = |task: u32| 0.6 + 0.4 * (f64::from(task) + 0.5) / f64::from(self.tasks);
        (0..self.tasks).map(|task| (spread(task) + moved).clamp(0.0, 1.0)).collect()
    }

    /// One run for each amount that the agent is moved by.
    fn history(self, moved: &[f64], rng: &mut ChaCha8Rng) -> Vec<Vec<Counts>> {
        let run = |moved: &f64| {
            let of_task = |p: f64, rng: &mut ChaCha8Rng| {
                let passed = (0..self.trials).filter(|_| rng.random_bool(p)).count() as u64;
                Counts::new(passed, self.trials).unwrap()
            };
            self.probabilities(*moved).into_iter().map(|p| of_task(p, rng)).collect()
        };
        moved.iter().map(run).collect()
    }
}

/// The alarms of so many histories.
fn simulate(suite: Suite, moved: &[f64], histories: usize, seed: u64) -> Vec<Vec<Alarm>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..histories).map(|_| alarms(&suite.history(moved, &mut rng), Level::P95)).collect()
}

fn share(of: &[Vec<Alarm>], is: impl Fn(&[Alarm]) -> bool) -> f64 {
    of.iter().filter(|alarms| is(alarms)).count() as f64 / of.len() as f64
}

#[test]
fn an_agent_that_stays_the_same_over_fifty_releases_is_hardly_ever_said_to_have_changed() {
    for (suite, seed) in [(Suite { tasks: 10, trials: 5 }, 1), (Suite { tasks: 40, trials: 1 }, 2)] {
        let found = simulate(suite, &[0.0; 50], 2000, seed);
        let wrong = share(&found, |alarms| !alarms.is_empty());
        println!("{} × {}: {wrong:.4} of histories with a false alarm", suite.tasks, suite.trials);
        assert!(wrong <= 0.05, "{wrong} of histories have a false alarm");
        assert!(wrong > 0.0, "no alarm in 2,000 histories: the bound is not used at all");
    }
}

/// Runs from the change until it is found, of histories in which it is: the median, and the share that find it within so many runs.
fn delay(found: &[Vec<Alarm>], change: usize, within: usize) -> (usize, f64) {
    let hit = |alarms: &[Alarm]| {
        let right = alarms.iter().find(|alarm| alarm.at >= change && alarm.direction == Direction::Worse)?;
        Some(right.at - change + 1)
    };
    let mut delays: Vec<usize> = found.iter().map(|alarms| hit(alarms).unwrap_or(usize::MAX)).collect();
    delays.sort_unstable();
    let soon = delays.iter().filter(|delay| **delay <= within).count() as f64 / delays.len() as f64;
    (delays[delays.len() / 2], soon)
}

#[test]
fn a_drop_of_ten_points_is_found_within_a_few_releases_and_mostly_dated_right() {
    let mut moved = [0.0; 30];
    moved[10..].fill(-0.10);
    for (suite, seed, median, dated) in [
        (Suite { tasks: 20, trials: 10 }, 3, 2, 0.6),
        (Suite { tasks: 50, trials: 10 }, 4, 1, 0.9),
        (Suite { tasks: 10, trials: 5 }, 5, 20, 0.2),
    ] {
        let found = simulate(suite, &moved, 300, seed);
        let (at, soon) = delay(&found, 10, median);
        let right = share(&found, |alarms| alarms.iter().any(|alarm| alarm.first == 10));
        let held = share(&found, |alarms| alarms.iter().any(|alarm| alarm.plausible.contains(&10)));
        let early = share(&found, |alarms| alarms.iter().any(|alarm| alarm.at < 10));
        println!(
            "{} × {}: median delay {at} runs, {soon:.2} within {median}; dated right {right:.2}, held {held:.2}, early {early:.3}",
            suite.tasks, suite.trials
        );
        assert!(at <= median, "median delay {at}");
        assert!(right >= dated, "only {right} dated right");
        assert!(
            held >= 0.9 * share(&found, |alarms| !alarms.is_empty()),
            "the plausible runs hold the true one in {held}"
        );
    }
}

#[test]
fn a_decline_of_one_point_a_release_is_found_though_single_steps_are_not() {
    let moved: Vec<f64> = (0..30).map(|release| -0.01 * f64::from(release)).collect();
    let found = simulate(Suite { tasks: 20, trials: 10 }, &moved, 200, 6);
    let (at, _) = delay(&found, 0, 0);
    println!("decline: found with release {at} in the median");
    assert!(at <= 16, "found with release {at}");
}

#[test]
fn after_a_drop_and_a_recovery_nothing_more_is_said() {
    let mut moved = [0.0; 40];
    moved[10..20].fill(-0.25);
    let found = simulate(Suite { tasks: 20, trials: 10 }, &moved, 300, 7);
    let both = share(&found, |alarms| {
        let told: Vec<_> = alarms.iter().map(|alarm| (alarm.first, alarm.direction)).collect();
        told == [(10, Direction::Worse), (20, Direction::Better)]
    });
    println!("drop and recovery told exactly: {both:.3}");
    assert!(both >= 0.85, "only {both} of histories tell drop and recovery and nothing else");
}
