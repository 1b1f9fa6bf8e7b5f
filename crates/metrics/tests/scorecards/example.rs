//! A small run whose numbers can be worked out by hand, and its JSON.

use retrial_metrics::{
    Among, Dimension, EndingClass, Granularity, Measure, MeasureId, Scorecard, Scorecards, Settings, Target,
    TimeoutPolicy, UngradedPolicy, VerdictClass, Warning, scorecard,
};
use retrial_spec::{Claim, RunManifest, TrialRecord};

use crate::build::{Change, measure, measured_mut, point, run, score, trial, why_no_interval};

/// Task `a`: pass, pass, pass, fail; the fourth does the same in another order. Task `b`: pass, then three failures.
fn example() -> (RunManifest, Vec<TrialRecord>) {
    let manifest = run(&["agent"], &["a", "b"], 4);
    let a = |number| {
        let tokens = if number % 2 == 1 { 100 } else { 200 };
        let trial = trial("a", "agent", number).does("read:cat edit:sed").uses(tokens);
        trial.costs(tokens * 3).takes(tokens * 10).states(0.9).claims(Claim::Done)
    };
    let b =
        |number| trial("b", "agent", number).does("test:pytest").uses(50).costs(150).takes(500).states(0.5);
    let trials = vec![
        a(1),
        a(2),
        a(3),
        a(4).does("edit:sed read:cat").fails(),
        b(1).claims(Claim::Done),
        b(2).claims(Claim::Done).fails(),
        b(3).claims(Claim::NotDone).fails(),
        b(4).fails(),
    ];
    (manifest, trials)
}

fn scored() -> Scorecards {
    let (manifest, trials) = example();
    score(&manifest, &trials).unwrap()
}

fn at_k(card: &Scorecard, id: MeasureId, k: u32) -> &Measure {
    card.all(id).find(|measure| measure.k == Some(k)).unwrap()
}

fn about(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
}

#[test]
fn success_follows_from_the_counts_of_each_task() {
    let scored = scored();
    let card = &scored.scorecards[0];
    about(point(measure(card, MeasureId::SuccessRate)), 0.5);
    about(point(at_k(card, MeasureId::PassAtK, 1)), 0.5);
    about(point(at_k(card, MeasureId::PassHatK, 1)), 0.5);
    // Of six pairs: in `a` every pair holds a pass and three are all passes; in `b` three hold a pass.
    about(point(at_k(card, MeasureId::PassAtK, 2)), 0.75);
    about(point(at_k(card, MeasureId::PassHatK, 2)), 0.25);
    about(point(at_k(card, MeasureId::PassAtK, 4)), 1.0);
    about(point(at_k(card, MeasureId::PassHatK, 4)), 0.0);
    assert!(card.all(MeasureId::PassHatK).all(|measure| measure.k.unwrap() <= 4));
    about(point(measure(card, MeasureId::AlwaysSolved)), 0.0);
    about(point(measure(card, MeasureId::SometimesSolved)), 1.0);
    // Three of six pairs end alike in both tasks: a coin toss.
    about(point(measure(card, MeasureId::OutcomeConsistency)), 0.0);
}

#[test]
fn one_draw_is_the_success_rate_interval_and_all() {
    let scored = scored();
    let card = &scored.scorecards[0];
    let success = measure(card, MeasureId::SuccessRate).value.estimate().unwrap();
    for id in [MeasureId::PassAtK, MeasureId::PassHatK] {
        let one = at_k(card, id, 1).value.estimate().unwrap();
        assert_eq!((one.point, &one.interval, one.n), (success.point, &success.interval, success.n));
    }
}

#[test]
fn every_agent_has_a_scorecard_under_every_condition() {
    let mut manifest = run(&["x", "y"], &["a"], 1);
    let mut second = manifest.conditions()[0].clone();
    second.name = "again".parse().unwrap();
    measured_mut(&mut manifest).experiment.conditions.push(second);
    let mut again = trial("a", "y", 1).fails();
    again.trial.condition = "again".parse().unwrap();
    let scored = score(&manifest, &[again, trial("a", "y", 1)]).unwrap();
    let cells: Vec<_> = scored
        .scorecards
        .iter()
        .map(|card| (card.agent.as_str(), card.condition.as_str(), card.denominators.passed))
        .collect();
    assert_eq!(cells, [("x", "baseline", 0), ("x", "again", 0), ("y", "baseline", 1), ("y", "again", 0)]);
    assert_eq!((scored.books.planned, scored.books.finished, scored.books.missing), (4, 2, 2));
}

#[test]
fn short_tables_show_few_values_of_k() {
    let scored = scored();
    let shown: Vec<u32> = scored.scorecards[0]
        .all(MeasureId::PassHatK)
        .filter(|measure| measure.headline)
        .filter_map(|measure| measure.k)
        .collect();
    assert_eq!(shown, [1, 3]);
}

#[test]
fn the_clustered_intervals_stand_beside_the_grid() {
    let scored = scored();
    let success = measure(&scored.scorecards[0], MeasureId::SuccessRate).value.estimate().unwrap().clone();
    let methods: Vec<String> = std::iter::once(&success.interval)
        .chain(&success.beside)
        .map(|bounds| bounds.interval().unwrap().method.to_string())
        .collect();
    assert_eq!(methods, ["beta_binomial_grid", "group_t", "effective_wilson_t"]);
    assert_eq!((success.n.trials, success.n.tasks), (8, 2));
}

#[test]
fn the_same_actions_in_another_order_keep_the_mix_and_lose_the_order() {
    let scored = scored();
    let card = &scored.scorecards[0];
    about(point(measure(card, MeasureId::ActionMixConsistency)), 1.0);
    // `a`: three of six pairs are equal and three share no position; `b`: all equal.
    about(point(measure(card, MeasureId::ActionOrderConsistency)), 0.75);
    let among_successes = card
        .all(MeasureId::ActionOrderConsistency)
        .find(|measure| {
            measure.among == Some(Among::Successes) && measure.granularity == Some(Granularity::Kind)
        })
        .unwrap();
    about(point(among_successes), 1.0);
    assert_eq!(among_successes.value.estimate().unwrap().n.tasks, 1);
    about(card.tasks[0].action_order_consistency.value().unwrap(), 0.5);
    about(card.tasks[1].action_order_consistency.value().unwrap(), 1.0);
}

#[test]
fn spread_is_pooled_within_tasks_and_waiting_is_no_work() {
    let scored = scored();
    let card = &scored.scorecards[0];
    // Squares of the logarithms add up to ln²2 in `a` and 0 in `b`, over six degrees of freedom.
    let expected = (2.0_f64.ln() / 6.0_f64.sqrt()).exp();
    for id in [MeasureId::TokenSpread, MeasureId::TimeSpread, MeasureId::CostSpread] {
        about(point(measure(card, id)), expected);
    }
    about(point(measure(card, MeasureId::TokenMedian)), 100.0);
    about(point(measure(card, MeasureId::TimeMedian)), 1000.0);
    about(point(measure(card, MeasureId::CostMedian)), 300.0);
}

#[test]
fn predictability_compares_what_was_stated_with_what_happened() {
    let scored = scored();
    let card = &scored.scorecards[0];
    about(point(measure(card, MeasureId::Brier)), f64::midpoint(0.21, 0.25));
    about(point(measure(card, MeasureId::Overconfidence)), f64::midpoint(0.15, 0.25));
    // Sixteen pairs of a pass and a failure: nine won, six tied, one lost.
    about(point(measure(card, MeasureId::Auroc)), 0.75);
    about(point(measure(card, MeasureId::ConfidenceCoverage)), 1.0);
    // Failures with a known claim: one of one in `a`, one of two in `b`.
    about(point(measure(card, MeasureId::InvisibleOfFailures)), 0.75);
    about(point(measure(card, MeasureId::InvisibleOfTrials)), f64::midpoint(1.0 / 4.0, 1.0 / 3.0));
}

#[test]
fn books_count_every_class_and_repeats_that_are_too_alike_are_flagged() {
    let scored = scored();
    assert!(scored.books.balanced() && scored.books.complete());
    let classes: Vec<_> =
        scored.books.classes.iter().map(|class| (class.ending, class.verdict, class.trials)).collect();
    assert_eq!(
        classes,
        [(EndingClass::Finished, VerdictClass::Passed, 4), (EndingClass::Finished, VerdictClass::Failed, 4)]
    );
    let [Warning::IdenticalRepeats { task, trials, .. }] = scored.warnings.as_slice() else {
        panic!("{:?}", scored.warnings)
    };
    assert_eq!((task.as_str(), trials.as_slice()), ("b", &[1, 2, 3, 4][..]));
}

#[test]
fn policies_decide_what_timeouts_and_ungraded_trials_count_as() {
    let manifest = run(&["agent"], &["a", "b"], 2);
    let trials = vec![
        trial("a", "agent", 1),
        trial("a", "agent", 2).times_out(),
        trial("b", "agent", 1).ungraded(),
        trial("b", "agent", 2).fails(),
    ];
    let rate = |timeout, ungraded| {
        let settings = Settings { timeout, ungraded, ..Settings::default() };
        let scored = scorecard(&manifest, trials.clone(), &settings).unwrap();
        let card = &scored.scorecards[0];
        (point(measure(card, MeasureId::SuccessRate)), card.denominators.graded, card.worst_case)
    };
    let (success, graded, band) = rate(TimeoutPolicy::Verdict, UngradedPolicy::Exclude);
    let band = band.unwrap();
    assert_eq!((success, graded, band.excluded), (0.5, 3, 1));
    assert_eq!((band.all_fail.value(), band.all_pass.value()), (0.5, 0.75));
    let (success, graded, band) = rate(TimeoutPolicy::Fail, UngradedPolicy::Fail);
    assert_eq!((success, graded, band), (0.25, 4, None));
}

#[test]
fn the_fixed_suite_has_its_own_intervals_and_says_where_it_has_none() {
    let (manifest, trials) = example();
    let settings = Settings { target: Target::FixedSuite, ..Settings::default() };
    let scored = scorecard(&manifest, trials.clone(), &settings).unwrap();
    let card = &scored.scorecards[0];
    let width = |card: &Scorecard, id| {
        let shown = card.all(id).filter(|measure| measure.headline).last().unwrap();
        let interval = *shown.value.estimate().unwrap().interval.interval().unwrap();
        (interval.high.value() - interval.low.value(), interval.method.to_string())
    };
    let population = score(&manifest, &trials).unwrap();
    for (id, method) in [
        (MeasureId::SuccessRate, "stratified_wilson"),
        (MeasureId::PassHatK, "fixed_groups_empirical_bayes"),
        (MeasureId::OutcomeConsistency, "fixed_groups_empirical_bayes"),
    ] {
        let (narrow, used) = width(card, id);
        assert_eq!(used, method);
        assert!(narrow < width(&population.scorecards[0], id).0, "{}", id.as_str());
    }
    for id in [MeasureId::Auroc, MeasureId::Brier, MeasureId::ActionMixConsistency] {
        assert_eq!(why_no_interval(measure(card, id)), "not_for_target");
    }
}

#[test]
fn measures_stand_in_the_documented_order() {
    let scored = scored();
    let mut ids: Vec<MeasureId> = scored.scorecards[0].measures.iter().map(|measure| measure.id).collect();
    ids.dedup();
    let mut documented = MeasureId::ALL.to_vec();
    documented.retain(|id| id.dimension() != Dimension::Robustness);
    assert_eq!(ids, documented);
}

#[test]
fn the_json_is_as_documented() {
    let json = serde_json::to_string_pretty(&scored()).unwrap();
    // The last digits of logarithms may differ between C libraries.
    let filters = vec![(r"(\.\d{9})\d+", "$1"), (r"retrial-metrics [0-9.]+", "retrial-metrics [version]")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(json) });
}
