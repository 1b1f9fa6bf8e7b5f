//! The order by single trials and by several in a row.

use retrial_metrics::decide::field::{Question, comparisons};
use retrial_metrics::decide::{Aspect, Finding};
use retrial_metrics::{Known, Settings, Target};
use retrial_testkit::Change;

use crate::fields::{made_of, question, rows};

#[test]
fn as_many_trials_in_a_row_are_taken_as_every_agent_has() {
    for (trials, expected) in [(2, 2), (4, 4), (7, 7)] {
        let passed = [vec![trials; 6], vec![trials - 1; 6]];
        let found = made_of(trials, &rows(&passed), |_, _, _, record| record).compared(&[0, 1]);
        let flips = found.flips.known().unwrap();
        assert_eq!((flips.k, flips.by_all.as_slice()), (expected, &[0, 1][..]));
        assert!(found.contenders[1].pass_hat_k.iter().any(|draws| draws.k == expected));
        assert!(found.pairs[0].contrast(Aspect::PassHatK(expected)).is_some());
    }
    // The third trial of one task of one agent is missing.
    let passed = [vec![3; 6], vec![2; 6]];
    let found = made_of(3, &rows(&passed), |agent, task, number, record| {
        if (agent, task, number) == (1, 4, 3) { record.infrastructure() } else { record }
    });
    assert_eq!(found.compared(&[0, 1]).flips.known().unwrap().k, 2);
}

#[test]
fn a_single_trial_has_no_order_by_several_and_says_why() {
    let passed = [vec![1; 6], vec![0; 6]];
    let found = made_of(1, &rows(&passed), |_, _, _, record| record).compared(&[0, 1]);
    let Known::Undefined(reason) = &found.flips else { panic!("an order") };
    assert_eq!(reason.to_string(), "needs at least 2 trials of a task, has 1");
}

/// One agent that passes four of five everywhere, and others that always pass `always` of 40 tasks and never the rest.
fn steady_and_torn(others: usize, always: usize) -> Vec<Vec<u32>> {
    let torn: Vec<u32> = (0..40).map(|task| if task < always { 5 } else { 0 }).collect();
    let mut passed = vec![vec![4; 40]];
    passed.extend(vec![torn; others]);
    passed
}

#[test]
fn a_flip_is_shown_where_both_differences_are_after_looking_at_all_pairs() {
    let shown = |others: usize, always: usize, target: Target| {
        let passed = steady_and_torn(others, always);
        let made = made_of(5, &rows(&passed), |_, _, _, record| record);
        let order: Vec<usize> = (0..passed.len()).collect();
        let asked = Question { settings: Settings { target, ..Settings::default() }, ..question() };
        let found = comparisons(&made.field(&order), &asked).unwrap();
        let flip = found.flips.known().unwrap().flips[0].clone();
        let decided = found.pairs[0].decided.of(target).finding;
        (flip.shown, decided)
    };
    // The torn pass 65 of 100 trials and the steady 80, which 40 tasks that differ so much do not show, and exactly these do.
    assert_eq!(shown(1, 26, Target::Population), (false, Finding::NotShown));
    assert_eq!(shown(1, 26, Target::FixedSuite), (true, Finding::Worse));
    // Among ten pairs it takes more.
    assert_eq!(shown(4, 27, Target::Population), (false, Finding::NotShown));
}

#[test]
fn success_on_exactly_these_tasks_stands_among_the_measures_with_the_p_value_it_is_decided_by() {
    let passed = [(0..6).map(|task| 3 + task % 2).collect::<Vec<u32>>(), vec![5; 6]];
    let made = made_of(5, &rows(&passed), |_, _, _, record| record);
    let settings = Settings { target: Target::FixedSuite, ..Settings::default() };
    let found = comparisons(&made.field(&[0, 1]), &Question { settings, ..question() }).unwrap();
    let pair = &found.pairs[0];
    let contrast = pair.contrast(Aspect::Success).unwrap();
    assert_eq!(contrast.p, pair.decided.fixed_suite.p);
    assert!(contrast.p.value() >= pair.success.fixed_suite.exact.two_sided_p.value());
    assert!(contrast.better_p.value() >= pair.success.fixed_suite.exact.better_p.value());
}

#[test]
fn p_values_of_ways_of_working_are_adjusted_over_all_pairs() {
    let passed = [vec![3; 6], vec![3; 6], vec![3; 6]];
    let found = made_of(5, &rows(&passed), |agent, _, _, record| {
        record.does(["read:cat edit:sed", "edit:sed read:cat read:cat", "read:cat edit:sed"][agent])
    })
    .compared(&[0, 1, 2]);
    let of: Vec<(f64, f64)> = found
        .pairs
        .iter()
        .map(|pair| {
            let found = pair.trajectories.known().unwrap();
            (found.p.value(), found.adjusted_p.value())
        })
        .collect();
    assert!(of.iter().all(|(p, adjusted)| adjusted >= p));
    // Two of three differ, which is three halves of the single value.
    assert!((of[0].1 - 1.5 * of[0].0).abs() < 1e-12, "{of:?}");
}
