//! Trials that are few, missing or chosen by their outcomes make no level higher.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};

use super::*;

/// Needs .90, and .75 of five in a row.
const CAREFUL: (Stakes, Verifiability) = (Stakes::Medium, Verifiability::Full);

#[test]
fn one_more_task_of_a_single_trial_does_not_turn_success_in_a_row_into_success_once() {
    let kind = facts("fix", CAREFUL.0, CAREFUL.1);
    let mut counts = vec![(5, 0); 84];
    counts.extend([(4, 1); 36]);
    let level = |counts: &[(u64, u64)]| {
        let standing = decided(tasks(&kind, counts)).cells[0].standing.clone();
        (standing.level, standing.measured.repeated)
    };
    let (before, five) = level(&counts);
    assert!(before < AutonomyLevel::Delegate);
    assert_eq!((five.k, five.from), (Some(5), None));
    assert!((five.point.value().unwrap() - 0.7).abs() < 1e-9);
    counts.push((1, 0));
    let (after, one) = level(&counts);
    assert!(after <= before, "{after} {before}");
    assert_eq!((one.k, one.from), (Some(5), Some(1)));
    // The success rate itself would do.
    assert!(one.bound.value().unwrap() < 0.75 && one.beyond.value().unwrap() > 0.9);
}

#[test]
fn three_trials_bound_five_in_a_row_from_below_and_above() {
    let kind = facts("fix", EASY.0, EASY.1);
    for target in [Target::Population, Target::FixedSuite] {
        let standing = decided_for(tasks(&kind, &[(3, 0); 20]), target).cells[0].standing.clone();
        let repeated = &standing.measured.repeated;
        assert_eq!((repeated.k, repeated.from), (Some(5), Some(3)));
        assert_eq!(standing.level, AutonomyLevel::Delegate, "{target:?} {repeated:?}");
        // Every task passes five in a row with probability p⁵ ≥ (p³)^(5/3).
        let (low, high) = (repeated.bound.value().unwrap(), repeated.beyond.value().unwrap());
        assert!(low < standing.measured.success.bound.value().unwrap() && low < high);
    }
    let four = decided(tasks(&kind, &[(4, 0); 20])).cells[0].standing.measured.repeated.clone();
    let three = decided(tasks(&kind, &[(3, 0); 20])).cells[0].standing.measured.repeated.clone();
    assert!(three.bound.value().unwrap() < four.bound.value().unwrap());
}

#[test]
fn the_bound_from_fewer_trials_errs_no_more_often_than_it_says_for_a_steady_and_for_a_torn_agent() {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let kind = facts("fix", EASY.0, EASY.1);
    // Rates of tasks with equal probability, and their mean fifth power: the hardest case for the bound is that all are alike.
    for rates in [[0.9, 0.9], [1.0, 0.6]] {
        let truth: f64 = rates.iter().map(|p: &f64| p.powi(5)).sum::<f64>() / 2.0;
        let mut above = 0;
        for _ in 0..60 {
            let mut drawn = Vec::new();
            for _ in 0..12 {
                let p = rates[usize::from(random.random::<bool>())];
                let passed = (0..2).filter(|_| random.random::<f64>() < p).count() as u64;
                drawn.push((passed, 2 - passed));
            }
            let repeated = decided(tasks(&kind, &drawn)).cells[0].standing.measured.repeated.clone();
            above += u32::from(repeated.bound.value().unwrap() > truth);
        }
        assert!(above <= 6, "{rates:?}: {above} of 60 above {truth}");
    }
}

#[test]
fn planned_trials_that_are_missing_are_also_taken_for_failures() {
    let mut all = tasks(&facts("fix", EASY.0, EASY.1), &[(10, 0); 30]);
    assert_eq!(decided(all.clone()).cells[0].standing.level, AutonomyLevel::Delegate);
    for task in &mut all {
        task.planned = 20;
    }
    let agent = decided(all);
    assert_eq!(agent.cells[0].missing, 300);
    assert_eq!(agent.cells[0].standing.cause, Cause::ExcludedTrials);
    assert!(agent.cells[0].standing.level < AutonomyLevel::Delegate);
    // What did not run may have gone well.
    assert_eq!(agent.requires(0.5), Required::Open);
}

#[test]
fn work_of_which_the_trials_that_are_missing_may_decide_is_not_called_missed() {
    let kind = facts("fix", EASY.0, EASY.1);
    let mut all = tasks(&kind, &[(0, 3); 30]);
    assert_eq!(decided(all.clone()).requires(0.5), Required::Missed);
    for task in &mut all {
        task.planned = 60;
    }
    assert_eq!(decided(all).requires(0.5), Required::Open);
}

#[test]
fn a_run_that_could_stop_by_what_it_showed_has_no_bounds_and_leaves_every_answer_open() {
    let evidence = AgentEvidence {
        agent: AgentName::new("agent").unwrap(),
        condition: ConditionName::baseline(),
        may_stop: true,
        tasks: tasks(&facts("fix", EASY.0, EASY.1), &[(10, 0); 30]),
    };
    let agent = autonomy(&evidence, &AutonomyPolicy::default(), &Settings::default());
    let standing = &agent.cells[0].standing;
    assert_eq!(standing.level, AutonomyLevel::Supervised);
    assert!(matches!(&standing.cause, Cause::NoBound(reason) if reason.code() == "may_stop"));
    assert!(standing.more.is_none() && agent.claims == 0);
    assert_eq!(agent.requires(0.5), Required::Open);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Of a run whose trials all count; whatever is taken away, the plan stays.
    #[test]
    fn taking_trials_of_a_run_away_raises_no_level(cells in any_cells(), seed in any::<u64>(), one_in in 1_u64..6) {
            let before = evidence(&cells);
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut after = before.clone();
        for task in &mut after {
            let mut kept = |trials: u64| (0..trials).filter(|_| random.random_range(0..one_in) > 0).count() as u64;
            (task.passed, task.failed) = (kept(task.passed), kept(task.failed));
            task.invisible = task.failed;
        }
        for (old, new) in levels(&decided(before)).into_iter().zip(levels(&decided(after))) {
            prop_assert!(new <= old, "{old} {new}");
        }
    }
}
