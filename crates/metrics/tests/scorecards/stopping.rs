//! Scorecards of runs with a stopping rule: what they plan, which interval holds, and what is said of the others.

use retrial_metrics::{Measure, MeasureId, Scorecards, Settings, Target, Warning, scorecard};
use retrial_spec::{Look, RunManifest, TrialRecord};
use retrial_testkit::{measured_mut, stops};

use crate::build::{Change, run, trial};

fn stopping(trials: u32, stopped_after: Option<u32>) -> RunManifest {
    let mut manifest = run(&["agent"], &["a", "b"], trials);
    stops(&mut manifest);
    measured_mut(&mut manifest).stopped =
        stopped_after.map(|round| Look { round, level: 0.95, agents: Vec::new() });
    manifest
}

/// Task `a` always passes, task `b` every other time.
fn trials(rounds: u32) -> Vec<TrialRecord> {
    let of_round = |n: u32| {
        let second = trial("b", "agent", n);
        [trial("a", "agent", n), if n.is_multiple_of(2) { second.fails() } else { second }]
    };
    (1..=rounds).flat_map(of_round).collect()
}

fn scored(manifest: &RunManifest, trials: Vec<TrialRecord>, target: Target) -> Scorecards {
    scorecard(manifest, trials, &Settings { target, ..Settings::default() }).unwrap()
}

fn success(scored: &Scorecards) -> &Measure {
    scored.scorecards[0].headline(MeasureId::SuccessRate).unwrap()
}

#[test]
fn a_run_that_its_rule_stopped_is_complete_and_its_success_rate_has_the_interval_that_holds() {
    let scored = scored(&stopping(40, Some(6)), trials(6), Target::FixedSuite);
    assert!(scored.books.complete() && scored.books.balanced());
    assert_eq!((scored.books.planned, scored.run.trials), (12, 6));
    assert_eq!(scored.run.origin.stopping().unwrap().most_rounds, 40);
    let estimate = success(&scored).value.estimate().unwrap();
    let interval = estimate.interval.interval().unwrap();
    assert!(interval.is_anytime_valid());
    assert_eq!(interval.method.to_string(), "beta_mixture_sequence");
    let plain = estimate.beside[0].interval().unwrap();
    assert_eq!(plain.method.to_string(), "stratified_wilson");
    let width = |interval: &retrial_metrics::Interval| interval.high.value() - interval.low.value();
    assert!(width(interval) > width(plain), "looking often has its price");
    assert_eq!(scored.warnings, [Warning::MayStop { target: Target::FixedSuite }]);
}

#[test]
fn every_other_number_of_such_a_run_says_that_it_does_not_account_for_the_rule() {
    let scored = scored(&stopping(40, Some(6)), trials(6), Target::FixedSuite);
    for measure in &scored.scorecards[0].measures {
        let is_rate = measure.id == MeasureId::SuccessRate || measure.k == Some(1);
        assert_eq!(measure.caution.is_none(), is_rate, "{:?}", measure.id);
    }
}

#[test]
fn about_new_tasks_no_interval_accounts_for_the_rule_and_the_scorecard_says_so() {
    let scored = scored(&stopping(40, Some(6)), trials(6), Target::Population);
    let measure = success(&scored);
    assert_eq!(measure.caution.as_ref().unwrap().code(), "may_stop");
    let interval = measure.value.estimate().unwrap().interval.interval().unwrap();
    assert!(!interval.is_anytime_valid());
    assert_eq!(scored.warnings, [Warning::MayStop { target: Target::Population }]);
}

#[test]
fn a_run_that_ended_before_its_rule_was_settled_keeps_the_interval_and_misses_the_rest() {
    let mut records = trials(4);
    // A fifth round that one task has not finished.
    records.push(trial("a", "agent", 5));
    let scored = scored(&stopping(10, None), records, Target::FixedSuite);
    assert_eq!((scored.books.planned, scored.books.missing), (20, 11));
    let whole = self::scored(&stopping(10, Some(4)), trials(4), Target::FixedSuite);
    let interval =
        |scored: &Scorecards| *success(scored).value.estimate().unwrap().interval.interval().unwrap();
    assert_eq!(interval(&scored), interval(&whole), "only complete rounds count for it");
}

#[test]
fn trials_without_a_verdict_widen_the_interval_to_both_sides() {
    let mut records = trials(6);
    records[0] = records[0].clone().ungraded();
    let scored = scored(&stopping(40, Some(6)), records, Target::FixedSuite);
    let whole = self::scored(&stopping(40, Some(6)), trials(6), Target::FixedSuite);
    let interval =
        |scored: &Scorecards| *success(scored).value.estimate().unwrap().interval.interval().unwrap();
    assert!(interval(&scored).low < interval(&whole).low);
    assert_eq!(interval(&scored).high, interval(&whole).high, "it had passed");
}

#[test]
fn a_trial_after_the_round_that_settled_the_rule_is_not_of_the_run() {
    let manifest = stopping(40, Some(4));
    let error = scorecard(&manifest, trials(5), &Settings::default()).unwrap_err();
    assert!(error.to_string().contains("trial number"), "{error}");
}
