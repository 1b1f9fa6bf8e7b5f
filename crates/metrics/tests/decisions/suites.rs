//! Answers for exactly these tasks where trials are few, missing or excluded.

use retrial_metrics::decide::field::Comparisons;
use retrial_metrics::decide::{Finding, compare, task_differences};
use retrial_metrics::{Bounds, Settings};
use retrial_testkit::Change;

use crate::fields::{made_of, rows};
use crate::{Of, pairing};

/// The rates of 100 tasks tried once: 45 solved by the candidate alone, 5 by the baseline alone.
fn tried_once() -> Vec<(Of, Of)> {
    let (yes, no) = ((1, 0, 0), (0, 1, 0));
    let of = |task: usize| match task {
        0..45 => (yes, no),
        45..50 => (no, yes),
        50..80 => (yes, yes),
        _ => (no, no),
    };
    (0..100).map(of).collect()
}

fn code(bounds: &Bounds) -> &str {
    match bounds {
        Bounds::Undefined(reason) => reason.code(),
        Bounds::Interval(_) => "known",
    }
}

#[test]
fn one_trial_of_each_task_is_decided_by_the_exact_test_alone_and_has_no_interval() {
    let (candidate, baseline): (Vec<Of>, Vec<Of>) = tried_once().into_iter().unzip();
    let found = compare(&pairing(&candidate, &baseline), &Settings::default()).unwrap().fixed_suite;
    // McNemar's exact test of 45 against 5: 2·P(X ≤ 5), X binomial of 50 and 1/2.
    let expected = 4.209_852_022_540_872e-9;
    assert!((found.p.value().unwrap() / expected - 1.0).abs() < 1e-6, "{:?}", found.p);
    assert_eq!(found.finding, Finding::Better);
    assert_eq!(code(&found.difference.estimate().unwrap().interval), "single_trial_task");
    let back = compare(&pairing(&baseline, &candidate), &Settings::default()).unwrap().fixed_suite;
    assert_eq!((back.finding, back.p), (Finding::Worse, found.p));
}

#[test]
fn a_task_with_one_graded_trial_takes_the_interval_away_and_not_the_answer() {
    let candidate: Vec<Vec<u32>> = vec![vec![3; 80], vec![5; 80]];
    let whole = made_of(5, &rows(&candidate), |_, _, _, record| record);
    let thin = made_of(5, &rows(&candidate), |agent, task, number, record| {
        if agent == 0 && task == 7 && number > 1 { record.infrastructure() } else { record }
    });
    let (whole, thin) = (whole.compared(&[0, 1]), thin.compared(&[0, 1]));
    for found in [&whole, &thin] {
        assert_eq!(found.pairs[0].decided.fixed_suite.finding, Finding::Better);
        assert!(found.pairs[0].decided.fixed_suite.p.value().unwrap() < 1e-6);
    }
    let interval = |found: &Comparisons| {
        let difference = &found.pairs[0].success.fixed_suite.difference;
        code(&difference.estimate().unwrap().interval).to_owned()
    };
    assert_eq!((interval(&whole).as_str(), interval(&thin).as_str()), ("known", "single_trial_task"));
}

#[test]
fn a_total_that_leans_against_the_mean_over_tasks_shows_nothing() {
    // Many trials of one task speak for the baseline, and most tasks for the candidate, which nothing but the totals knows of.
    let mut tasks: Vec<(Of, Of)> = vec![((1, 0, 0), (0, 1, 0)); 4];
    tasks.push(((40, 60, 0), (90, 10, 0)));
    let (candidate, baseline): (Vec<Of>, Vec<Of>) = tasks.into_iter().unzip();
    let found = compare(&pairing(&candidate, &baseline), &Settings::default()).unwrap().fixed_suite;
    assert!(found.difference.estimate().unwrap().point.value() > 0.5);
    assert!(found.exact.two_sided_p.value().unwrap() < 1e-6);
    assert_eq!(found.finding, Finding::NotShown);
    assert!(found.p.value().unwrap() > 0.5, "{:?}", found.p);
}

/// Three agents, of which the second is better than the others; the last `excluded` trials of each of its tasks have no verdict.
fn with_excluded(excluded: u32) -> Comparisons {
    let other: Vec<u32> = (0..16).map(|task| if task % 2 == 0 { 3 } else { 8 }).collect();
    let passed = vec![other.clone(), vec![9; 16], other];
    made_of(10, &rows(&passed), |agent, _, number, record| {
        if agent == 1 && number > 10 - excluded { record.infrastructure() } else { record }
    })
    .compared(&[0, 1, 2])
}

#[test]
fn what_excluded_trials_could_change_is_looked_for_in_the_answers_that_are_given() {
    for excluded in [0, 1, 4] {
        let found = with_excluded(excluded);
        let pair = &found.pairs[0];
        assert_eq!((pair.candidate, pair.baseline), (1, 0));
        for test in [&pair.decided.fixed_suite, &pair.decided.population] {
            assert_eq!(test.finding, Finding::Better);
            // Six passes of ten at worst are no more than the others have.
            assert_eq!(test.holds, excluded < 4, "{excluded} {test:?}");
        }
        // The two others have no excluded trial, so that nothing of them can change.
        let untouched = &found.pairs[1];
        assert_eq!((untouched.candidate, untouched.baseline), (2, 0));
        assert!(untouched.decided.fixed_suite.holds && untouched.decided.population.holds);
    }
}

#[test]
fn tasks_are_compared_by_fishers_test_as_everybody_knows_it() {
    // Values of R's fisher.test and scipy.stats.fisher_exact.
    for ((a, b), (c, d), expected) in [
        ((1, 1), (2, 8), 0.454_545_454_545_454_6),
        ((3, 1), (1, 3), 0.485_714_285_714_285_7),
        ((8, 2), (1, 5), 0.034_965_034_965_034_97),
        ((2, 3), (6, 4), 0.608_391_608_391_608_4),
        ((5, 0), (0, 5), 0.007_936_507_936_507_94),
    ] {
        let found = task_differences(&pairing(&[(a, b, 0)], &[(c, d, 0)])).unwrap();
        assert!((found[0].p.value() - expected).abs() < 1e-12, "{a} {b} {c} {d}: {:?}", found[0].p);
    }
}
