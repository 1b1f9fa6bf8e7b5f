//! Data too thin for a number: measures are undefined with a reason, and the run stays valid.

use retrial_metrics::{MeasureId, Warning};
use retrial_spec::{Claim, Fact, MissingReason, TrialRecord};

use crate::build::{Change, measure, point, run, score, trial, why, why_no_interval};

fn grid(tasks: &[&str], trials: u32, make: impl Fn(TrialRecord) -> TrialRecord) -> Vec<TrialRecord> {
    tasks.iter().flat_map(|task| (1..=trials).map(|n| make(trial(task, "agent", n)))).collect()
}

#[test]
fn an_empty_run_has_no_values_and_says_so() {
    let scored = score(&run(&["agent"], &["a", "b"], 3), &[]).unwrap();
    assert_eq!(scored.graded(), 0);
    assert!(scored.books.balanced() && !scored.books.complete());
    assert!(scored.scorecards[0].measures.iter().all(|measure| why(measure) == "no_trials"));
    assert_eq!(scored.warnings[0], Warning::MissingTrials { trials: 6, planned: 6 });
}

#[test]
fn a_run_without_tasks_or_agents_has_no_values() {
    let mut manifest = run(&["agent"], &[], 3);
    assert!(score(&manifest, &[]).unwrap().scorecards[0].tasks.is_empty());
    manifest.agents.clear();
    assert!(score(&manifest, &[]).unwrap().scorecards.is_empty());
}

#[test]
fn without_verdicts_there_is_no_success_but_there_are_actions() {
    let scored = score(&run(&["agent"], &["a", "b"], 3), &grid(&["a", "b"], 3, Change::ungraded)).unwrap();
    let card = &scored.scorecards[0];
    assert_eq!(scored.graded(), 0);
    for id in [
        MeasureId::SuccessRate,
        MeasureId::OutcomeConsistency,
        MeasureId::Brier,
        MeasureId::ConfidenceCoverage,
    ] {
        assert_eq!(why(measure(card, id)), "no_graded_trials");
    }
    assert!((point(measure(card, MeasureId::ActionOrderConsistency)) - 1.0).abs() < 1e-12);
    assert!(matches!(&scored.warnings[..], [Warning::UngradedTasks { tasks, .. }] if tasks.len() == 2));
}

#[test]
fn failures_of_infrastructure_are_nobodys_failures_and_nobodys_actions() {
    let mut trials = grid(&["a", "b"], 3, |trial| trial);
    trials[0] = trial("a", "agent", 1).does("").infrastructure();
    let scored = score(&run(&["agent"], &["a", "b"], 3), &trials).unwrap();
    let card = &scored.scorecards[0];
    assert_eq!((card.denominators.passed, card.denominators.failed, card.denominators.excluded), (5, 0, 1));
    assert!((point(measure(card, MeasureId::SuccessRate)) - 1.0).abs() < 1e-12);
    assert!((point(measure(card, MeasureId::ActionMixConsistency)) - 1.0).abs() < 1e-12);
    let band = card.worst_case.unwrap();
    assert!((band.all_fail.value() - f64::midpoint(2.0 / 3.0, 1.0)).abs() < 1e-12);
}

#[test]
fn an_agent_that_always_passes_is_best_without_an_interval_of_no_width() {
    let scored = score(&run(&["agent"], &["a", "b"], 3), &grid(&["a", "b"], 3, |trial| trial)).unwrap();
    let card = &scored.scorecards[0];
    for id in [
        MeasureId::SuccessRate,
        MeasureId::PassHatK,
        MeasureId::AlwaysSolved,
        MeasureId::OutcomeConsistency,
        MeasureId::ActionMixConsistency,
        MeasureId::ActionOrderConsistency,
    ] {
        let estimate = measure(card, id).value.estimate().unwrap();
        assert!((estimate.point.value() - 1.0).abs() < 1e-12, "{}", id.as_str());
        let interval = estimate.interval.interval().unwrap();
        assert!(interval.low.value() < 1.0 && interval.high.value() <= 1.0, "{}", id.as_str());
    }
    assert_eq!(why(measure(card, MeasureId::InvisibleOfFailures)), "no_failures");
}

#[test]
fn an_agent_that_always_fails_is_consistent_and_tells_nothing_apart() {
    let fails = |trial: TrialRecord| trial.fails().states(0.9).claims(Claim::Done);
    let scored = score(&run(&["agent"], &["a", "b"], 3), &grid(&["a", "b"], 3, fails)).unwrap();
    let card = &scored.scorecards[0];
    assert!(point(measure(card, MeasureId::SuccessRate)).abs() < 1e-12);
    assert!((point(measure(card, MeasureId::OutcomeConsistency)) - 1.0).abs() < 1e-12);
    assert!((point(measure(card, MeasureId::InvisibleOfFailures)) - 1.0).abs() < 1e-12);
    assert_eq!(why(measure(card, MeasureId::Auroc)), "one_class");
    assert_eq!(why_no_interval(measure(card, MeasureId::Brier)), "no_variance");
}

#[test]
fn one_task_says_nothing_about_other_tasks() {
    let scored = score(&run(&["agent"], &["a"], 5), &grid(&["a"], 5, |trial| trial.uses(5))).unwrap();
    for measure in &scored.scorecards[0].measures {
        if measure.value.estimate().is_some() {
            assert_eq!(why_no_interval(measure), "too_few_tasks", "{}", measure.id.as_str());
        }
    }
}

#[test]
fn one_trial_of_each_task_gives_success_and_no_consistency() {
    let scored = score(&run(&["agent"], &["a", "b"], 1), &grid(&["a", "b"], 1, |trial| trial)).unwrap();
    let card = &scored.scorecards[0];
    let success = point(measure(card, MeasureId::SuccessRate));
    for id in [MeasureId::PassAtK, MeasureId::PassHatK] {
        assert!((point(measure(card, id)) - success).abs() < 1e-12);
        assert_eq!(card.all(id).count(), 1);
    }
    for id in [
        MeasureId::AlwaysSolved,
        MeasureId::OutcomeConsistency,
        MeasureId::ActionMixConsistency,
        MeasureId::ActionOrderConsistency,
    ] {
        assert_eq!(why(measure(card, id)), "too_few_trials");
    }
}

#[test]
fn missing_facts_leave_their_measures_undefined_with_their_own_reasons() {
    let unasked = |mut trial: TrialRecord| {
        trial.confidence = Fact::Missing(MissingReason::NotAsked);
        trial.does("")
    };
    let scored = score(&run(&["agent"], &["a", "b"], 3), &grid(&["a", "b"], 3, unasked)).unwrap();
    let card = &scored.scorecards[0];
    assert_eq!(why(measure(card, MeasureId::Brier)), "no_confidences");
    assert_eq!(why(measure(card, MeasureId::ConfidenceCoverage)), "not_asked");
    assert_eq!(why(measure(card, MeasureId::InvisibleOfTrials)), "no_claims");
    assert_eq!(why(measure(card, MeasureId::ActionMixConsistency)), "no_actions");
    assert_eq!(why(measure(card, MeasureId::CostSpread)), "not_recorded");
    let missing = card.denominators.provenance.confidence.missing.as_slice();
    assert!(matches!(missing, [count] if count.trials == 6 && count.reason == MissingReason::NotAsked));
}

#[test]
fn doing_nothing_is_unlike_doing_something() {
    let trials = vec![
        trial("a", "agent", 1).does(""),
        trial("a", "agent", 2),
        trial("b", "agent", 1).does(""),
        trial("b", "agent", 2).does(""),
    ];
    let scored = score(&run(&["agent"], &["a", "b"], 2), &trials).unwrap();
    let card = &scored.scorecards[0];
    for id in [MeasureId::ActionMixConsistency, MeasureId::ActionOrderConsistency] {
        assert!((point(measure(card, id)) - 0.5).abs() < 1e-12);
    }
}

#[test]
fn an_amount_of_zero_leaves_the_spread_undefined_and_the_median_defined() {
    let free = |trial: TrialRecord| trial.costs(0);
    let scored = score(&run(&["agent"], &["a", "b"], 2), &grid(&["a", "b"], 2, free)).unwrap();
    let card = &scored.scorecards[0];
    assert_eq!(why(measure(card, MeasureId::CostSpread)), "not_positive");
    assert!(point(measure(card, MeasureId::CostMedian)).abs() < 1e-12);
}

#[test]
fn many_tasks_use_their_own_spread() {
    let names: Vec<String> = (0..120).map(|task| format!("task-{task:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mixed = |trial: TrialRecord| if trial.trial.number == 1 { trial.fails() } else { trial };
    let scored = score(&run(&["agent"], &names, 3), &grid(&names, 3, mixed)).unwrap();
    let card = &scored.scorecards[0];
    let success = measure(card, MeasureId::SuccessRate).value.estimate().unwrap();
    assert_eq!(success.interval.interval().unwrap().method.to_string(), "effective_wilson_t");
    assert_eq!(why_no_interval(measure(card, MeasureId::OutcomeConsistency)), "no_variance");
}
