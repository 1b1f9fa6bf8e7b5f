//! What data can show, and what to buy to show more.

use retrial_metrics::decide::field::{PairComparison, Question, comparisons};
use retrial_metrics::{Known, Number};

use crate::fields::{made_of, question, rows};

/// The comparison of two agents that pass so often of `trials`, with a difference that is to be shown.
fn pair(trials: u32, passed: &[Vec<u32>], difference: Option<f64>) -> PairComparison {
    let made = made_of(trials, &rows(passed), |_, _, _, record| record);
    let asked = Question { difference, ..question() };
    comparisons(&made.field(&[0, 1]), &asked).unwrap().pairs.remove(0)
}

fn code(number: &Number) -> &str {
    match number {
        Known::Undefined(reason) => reason.code(),
        Known::Known(_) => "known",
    }
}

/// Two agents whose tasks differ less from each other than the noise of trials alone would make them.
fn quieter_than_noise() -> Vec<Vec<u32>> {
    vec![(0..12).map(|task| 3 + task % 2).collect(), vec![5; 12]]
}

/// Two agents of which the one is better at some tasks and the other at others.
fn of_two_minds() -> Vec<Vec<u32>> {
    let rate = |task: u32, turn: u32| [5, 4, 2, 1, 0, 3][((task + turn) % 6) as usize];
    vec![(0..24).map(|task| rate(task, 0)).collect(), (0..24).map(|task| rate(task, 1)).collect()]
}

#[test]
fn a_difference_for_new_tasks_is_never_smaller_than_one_on_exactly_these() {
    for passed in [quieter_than_noise(), of_two_minds(), vec![vec![4; 60], vec![4; 60]]] {
        let found = pair(5, &passed, Some(0.2)).detectable;
        let (fixed, population) = (found.fixed_suite.value().unwrap(), found.population.value().unwrap());
        assert!(fixed > 0.02 && fixed <= population && population < 1.0, "{fixed} {population}");
    }
}

#[test]
fn what_is_enough_by_one_way_to_know_more_is_enough_by_the_other_and_by_what_is_detectable() {
    for passed in [quieter_than_noise(), of_two_minds()] {
        let least = pair(5, &passed, Some(0.2)).detectable.population.value().unwrap();
        for (difference, is_enough) in [(least * 1.01, true), (least * 0.99, false)] {
            let found = pair(5, &passed, Some(difference));
            let found = found.purchase.known().unwrap();
            let tasks = found.population.more_tasks.known().unwrap();
            assert_eq!(tasks.further_trials == 0, is_enough, "{difference} {tasks:?}");
            match found.population.more_trials.known() {
                Some(trials) => assert_eq!(trials.further_trials == 0, is_enough, "{difference} {trials:?}"),
                None => assert!(!is_enough),
            }
        }
        let least = pair(5, &passed, Some(0.2)).detectable.fixed_suite.value().unwrap();
        for (difference, is_enough) in [(least * 1.01, true), (least * 0.99, false)] {
            let found = pair(5, &passed, Some(difference));
            let bought = found.purchase.known().unwrap().fixed_suite.known().unwrap().clone();
            assert_eq!(bought.further_trials == 0, is_enough, "{difference} {bought:?}");
        }
    }
}

#[test]
fn more_trials_help_as_long_as_their_noise_is_the_larger_part_of_the_variance() {
    let found = pair(5, &of_two_minds(), Some(0.2));
    let found = found.purchase.known().unwrap();
    let (trial, task) = (found.trial_variance.value().unwrap(), found.task_variance.value().unwrap());
    assert!(trial > 0.1 && task > 0.05, "{trial} {task}");
    assert_eq!(found.trials_that_help.value(), Some((trial / task).ceil()));
    // The tasks are as hard for the one as for the other, so that however alike the trials of a task are, every further one helps.
    let alike: Vec<u32> = (0..24).map(|task| [5, 0][task % 2]).collect();
    let mut other = alike.clone();
    other[0] = 4;
    let found = pair(5, &[alike, other], Some(0.2));
    let found = found.purchase.known().unwrap();
    assert_eq!(code(&found.trials_that_help), "every_trial_helps");
    assert_eq!(found.task_variance.value(), Some(0.0));
}

#[test]
fn what_no_result_could_show_is_undefined_and_no_number() {
    // One in 18 is the least that the exact test knows of two tasks tried twice, and one in ten of a task tried three times.
    for (trials, passed) in [(2, vec![vec![1, 2], vec![2, 1]]), (3, vec![vec![1], vec![2]])] {
        let found = pair(trials, &passed, Some(0.3)).detectable;
        assert_eq!(code(&found.fixed_suite), "not_even_one", "{found:?}");
    }
    // Two tasks of many trials are too few to say anything of new ones.
    let found = pair(20, &[vec![8, 12], vec![14, 13]], Some(0.3)).detectable;
    assert_eq!(code(&found.population), "not_even_one");
    assert!(found.fixed_suite.value().is_some_and(|least| least < 0.5), "{found:?}");
    let found = pair(4, &[vec![1, 2, 3], vec![3, 2, 4]], Some(0.3)).detectable;
    assert_eq!(code(&found.fixed_suite), "too_few_trials");
}

#[test]
fn a_single_trial_of_each_task_does_not_tell_what_further_ones_would() {
    let passed =
        [(0..30).map(|task| task % 2).collect(), (0..30).map(|task| u32::from(task % 5 > 0)).collect()];
    let found = pair(1, &passed, None);
    assert_eq!(code(&found.detectable.fixed_suite), "too_few_trials");
    assert!(found.detectable.population.value().is_some_and(|least| least < 0.6));
    let found = found.purchase.known().unwrap();
    assert!(found.population.more_trials.known().is_none() && found.fixed_suite.known().is_none());
    assert!(found.population.more_tasks.known().is_some());
    assert_eq!(code(&found.trials_that_help), "too_few_trials");
}

#[test]
fn a_task_that_one_side_alone_solves_is_no_noise() {
    let always_and_never = [vec![5; 10], vec![0; 10]];
    let mixed = [vec![3; 10], vec![2; 10]];
    let noise = |passed: &[Vec<u32>]| {
        let found = pair(5, passed, None);
        found.purchase.known().unwrap().trial_variance.value().unwrap()
    };
    assert!(noise(&always_and_never) < 0.25 && noise(&mixed) > 0.3, "{}", noise(&always_and_never));
}
