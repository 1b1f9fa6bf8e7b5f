//! Cases whose answer is beyond doubt.

use retrial_metrics::decide::{
    Decision, Finding, GateRule, Open, Purpose, TrialsNeeded, adjusted, compare, equivalence, gate,
    task_differences,
};
use retrial_metrics::{Settings, Target};

use crate::{Of, pairing};

fn all(tasks: usize, of: Of) -> Vec<Of> {
    vec![of; tasks]
}

#[test]
fn five_tasks_of_forty_trials_from_always_to_never_are_a_regression() {
    let pairing = pairing(&all(5, (0, 40, 0)), &all(5, (40, 0, 0)));
    let gate = gate(&pairing, GateRule::default()).unwrap();
    assert_eq!(gate.decision, Decision::Regression);
    assert_eq!(gate.open, None);
    let found = compare(&pairing, &Settings::default()).unwrap();
    assert_eq!(found.fixed_suite.finding, Finding::Worse);
    assert!(found.fixed_suite.exact.worse_p.value().unwrap() < 1e-100);
    // For new tasks nothing varies over tasks, and five signs say no more than 1 in 16.
    assert_eq!(found.population.finding, Finding::NotShown);
    assert!((found.population.sign_flip_p.value().unwrap() - 2.0 / 32.0).abs() < 1e-12);
}

#[test]
fn five_single_trials_from_pass_to_failure_do_not_pass_silently() {
    let pairing = pairing(&all(5, (0, 1, 0)), &all(5, (1, 0, 0)));
    let gate = gate(&pairing, GateRule::default()).unwrap();
    assert_eq!(gate.decision, Decision::Inconclusive);
    assert!(matches!(gate.open, Some(Open::TooFewTrials(TrialsNeeded::OfEachTask(2..)))), "{:?}", gate.open);
    assert!(gate.lower.value().is_none());
}

#[test]
fn identical_data_is_no_difference() {
    let tasks = [(3, 2, 0), (5, 0, 0), (0, 5, 0), (1, 4, 0)];
    let pairing = pairing(&tasks, &tasks);
    let found = compare(&pairing, &Settings::default()).unwrap();
    assert_eq!(found.fixed_suite.finding, Finding::NotShown);
    assert_eq!(found.population.finding, Finding::NotShown);
    assert!((found.fixed_suite.exact.two_sided_p.value().unwrap() - 1.0).abs() < 1e-12);
    assert!(found.fixed_suite.difference.estimate().unwrap().point.value().abs() < 1e-12);
    assert!(found.population.student_p.value().is_none(), "no variance, no test");
    assert!(task_differences(&pairing).unwrap().iter().all(|task| task.adjusted_p.value() > 0.99));
}

#[test]
fn many_equal_trials_pass_and_are_equivalent_and_few_are_not() {
    let (many, few) = (all(20, (40, 10, 0)), all(5, (4, 1, 0)));
    let rule = GateRule::default();
    let enough = pairing(&many, &many);
    assert_eq!(gate(&enough, rule).unwrap().decision, Decision::Pass);
    assert!(equivalence(&enough, Target::FixedSuite, rule).unwrap().shown);
    let too_few = pairing(&few, &few);
    let open = gate(&too_few, rule).unwrap();
    assert_eq!(open.decision, Decision::Inconclusive);
    let Some(Open::TooFewTrials(TrialsNeeded::OfEachTask(needed))) = open.open else { panic!("{open:?}") };
    assert!((20..200).contains(&needed), "{needed}");
    assert!(!equivalence(&too_few, Target::FixedSuite, rule).unwrap().shown);
    assert!(!equivalence(&too_few, Target::Population, rule).unwrap().shown, "no variance shows nothing");
}

#[test]
fn a_drop_that_is_surely_within_the_margin_passes_and_is_said() {
    let pairing = pairing(&all(50, (870, 130, 0)), &all(50, (900, 100, 0)));
    let gate = gate(&pairing, GateRule::default()).unwrap();
    assert_eq!(gate.decision, Decision::Pass);
    assert!(gate.drop_shown);
    let strict = GateRule { margin: 0.01, ..GateRule::default() };
    assert_eq!(retrial_metrics::decide::gate(&pairing, strict).unwrap().decision, Decision::Regression);
}

#[test]
fn an_answer_that_hangs_on_excluded_trials_is_inconclusive() {
    let mut candidate = all(20, (40, 10, 0));
    assert_eq!(gate(&pairing(&candidate, &candidate), GateRule::default()).unwrap().decision, Decision::Pass);
    let baseline = candidate.clone();
    candidate.fill((40, 10, 10));
    let gate = gate(&pairing(&candidate, &baseline), GateRule::default()).unwrap();
    assert_eq!(gate.decision, Decision::Inconclusive);
    assert_eq!(gate.open, Some(Open::ExcludedTrials));
    assert_ne!(gate.at_worst, Some(Decision::Pass));
    assert_eq!(gate.at_best, Some(Decision::Pass));
    let found = compare(&pairing(&candidate, &baseline), &Settings::default()).unwrap();
    let band = found.worst_case.unwrap();
    assert!(!band.finding_holds && band.excluded == 200);
    assert!(band.worst < band.best);
}

#[test]
fn a_task_without_graded_trials_is_left_out_by_name_and_stays_in_the_band() {
    let found =
        compare(&pairing(&[(5, 0, 0), (0, 0, 5)], &[(5, 0, 0), (5, 0, 0)]), &Settings::default()).unwrap();
    assert_eq!(found.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(), ["t1"]);
    assert_eq!(found.candidate.tasks, 1);
    assert!((found.worst_case.unwrap().worst.value() + 0.5).abs() < 1e-12);
}

#[test]
fn one_task_says_nothing_of_new_tasks_and_something_of_itself() {
    let found = compare(&pairing(&[(0, 40, 0)], &[(40, 0, 0)]), &Settings::default()).unwrap();
    assert_eq!(found.population.finding, Finding::NotShown);
    assert!(found.population.sign_flip_p.value().is_none());
    assert_eq!(found.fixed_suite.finding, Finding::Worse);
}

#[test]
fn adjusted_values_say_how_and_what_for() {
    let p = [0.01, 0.02, 0.04];
    let value = serde_json::to_value(adjusted(&p, Purpose::Decision).unwrap()).unwrap();
    assert_eq!(
        value,
        serde_json::json!({"purpose": "decision", "adjustment": "holm", "p": [0.03, 0.04, 0.04]})
    );
    let explored = adjusted(&p, Purpose::Exploration).unwrap();
    assert_eq!(serde_json::to_value(explored.adjustment).unwrap(), "benjamini_hochberg");
    assert!(adjusted(&[1.5], Purpose::Decision).is_err());
}

#[test]
fn the_changed_task_is_found_among_the_rest() {
    let mut candidate = all(10, (20, 20, 0));
    let baseline = candidate.clone();
    candidate[4] = (0, 40, 0);
    let rows = task_differences(&pairing(&candidate, &baseline)).unwrap();
    let small: Vec<String> =
        rows.iter().filter(|row| row.adjusted_p.value() < 0.05).map(|row| row.task.to_string()).collect();
    assert_eq!(small, ["t4"]);
}
