//! The decision rule on agents whose true values are known.

use std::sync::Arc;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use retrial_spec::{Claim, ConditionName, GatePolicy, Margins, Quarantine, RunId, RunManifest, TaskName};

mod known;
mod lacking;
mod stopped;

use super::*;
use crate::entrant::{Entrant, EntrantTask};
use crate::outcome::Outcome;
use crate::trials::Trial;
use crate::value::{Number, Reason};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn manifest(id: &str, trials: u32) -> RunManifest {
    let mut manifest = retrial_testkit::run(&["agent"], &NAMES, trials);
    manifest.run = RunId::new(id).unwrap();
    manifest
}

/// An agent with such trials of each task, of which as many are planned as there are.
fn entrant(run: &str, tasks: Vec<Vec<Trial>>) -> Entrant {
    let tasks = NAMES.iter().zip(tasks).map(|(name, trials)| EntrantTask {
        task: TaskName::new(*name).unwrap(),
        planned: trials.len() as u32,
        trials,
        action_mix: Number::Undefined(Reason::NO_ACTIONS),
        action_order: Number::Undefined(Reason::NO_ACTIONS),
    });
    Entrant {
        run: RunId::new(run).unwrap(),
        agent: retrial_spec::AgentName::new("agent").unwrap(),
        condition: ConditionName::baseline(),
        records: None,
        tasks: tasks.collect(),
        actions: Arc::new([]),
        is_replayed: false,
    }
}

fn trial(number: u32, passed: bool) -> Trial {
    let outcome = if passed { Outcome::Passed } else { Outcome::Failed };
    let mut trial = Trial::unknown(number);
    (trial.outcome, trial.ran, trial.finished) = (outcome, true, true);
    trial
}

/// Passed of so many trials of each task.
fn counted(run: &str, counts: &[(u32, u32)]) -> Entrant {
    let of_task =
        |&(passed, of): &(u32, u32)| (1..=of).map(|number| trial(number, number <= passed)).collect();
    entrant(run, counts.iter().map(of_task).collect())
}

fn decide(candidate: &Entrant, baseline: &Entrant, policy: &GatePolicy) -> PolicyGate {
    let most = |entrant: &Entrant| entrant.tasks.iter().map(|task| task.planned).max().unwrap_or(1);
    let (new, old) = (manifest("new", most(candidate)), manifest("old", most(baseline)));
    decide_between(
        (&new, std::slice::from_ref(candidate)),
        &[(&old, std::slice::from_ref(baseline))],
        policy,
        &Quarantine::default(),
    )
}

fn today() -> retrial_spec::Day {
    "2026-11-01".parse().unwrap()
}

fn decide_between(
    (new, candidate): (&RunManifest, &[Entrant]),
    baseline: &[(&RunManifest, &[Entrant])],
    policy: &GatePolicy,
    quarantine: &Quarantine,
) -> PolicyGate {
    let baseline: Vec<GateRun<'_>> =
        baseline.iter().map(|(manifest, entrants)| GateRun { manifest, entrants }).collect();
    let sides = GateSides {
        candidate: GateRun { manifest: new, entrants: candidate },
        baseline: &baseline,
        condition: &ConditionName::baseline(),
    };
    judge(&sides, policy, quarantine, today()).unwrap()
}

/// An agent drawn from its true values: a probability of passing per task, the rest alike for all agents.
fn drawn(run: &str, passes: &[f64], trials: u32, rng: &mut ChaCha8Rng) -> Entrant {
    let amounts = LogNormal::new(8.0, 0.3).unwrap();
    let of_task = |&probability: &f64| {
        let one = |number| {
            let mut trial = trial(number, rng.random_bool(probability));
            trial.tokens = Some(amounts.sample(rng) as u64);
            trial.working_ms = Some(amounts.sample(rng) as u64);
            trial.confidence = Some(rng.random_range(0.5..1.0));
            trial.claim = Some(if rng.random_bool(0.8) { Claim::Done } else { Claim::NotDone });
            trial
        };
        (1..=trials).map(one).collect()
    };
    entrant(run, passes.iter().map(of_task).collect())
}

const BASE: [f64; 5] = [0.95, 0.9, 0.8, 0.7, 0.65];

#[test]
fn identical_agents_fail_in_at_most_one_of_twenty_gates_of_six_measures() {
    let policy = GatePolicy {
        margins: Margins {
            invisible_failures: Some(0.05),
            brier: Some(0.05),
            tokens: Some(0.05),
            time: Some(0.05),
            token_spread: Some(0.05),
            ..Margins::default()
        },
        ..GatePolicy::default()
    };
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (times, mut failed) = (500, 0);
    for _ in 0..times {
        let (candidate, baseline) = (drawn("new", &BASE, 10, &mut rng), drawn("old", &BASE, 10, &mut rng));
        failed += usize::from(decide(&candidate, &baseline, &policy).verdict == GateVerdict::Fail);
    }
    assert!(failed * 20 <= times, "{failed} of {times}");
}

#[test]
fn success_at_its_margin_passes_in_at_most_six_of_a_hundred_gates_though_all_else_is_equal() {
    // So wide that success alone is in question.
    let policy = GatePolicy {
        margins: Margins { tokens: Some(2.0), time: Some(2.0), ..Margins::default() },
        ..GatePolicy::default()
    };
    let worse = BASE.map(|probability| probability - 0.10);
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let (times, mut passed) = (1000, 0);
    for _ in 0..times {
        let (candidate, baseline) = (drawn("new", &worse, 20, &mut rng), drawn("old", &BASE, 20, &mut rng));
        passed += usize::from(decide(&candidate, &baseline, &policy).verdict == GateVerdict::Pass);
    }
    assert!(passed * 100 <= times * 6, "{passed} of {times}");
    assert!(passed > 0, "a gate that never passes shows nothing");
}

#[test]
fn amounts_at_their_margin_pass_in_at_most_six_of_a_hundred_gates() {
    let policy = GatePolicy {
        margins: Margins { success: 0.9, tokens: Some(0.25), ..Margins::default() },
        ..GatePolicy::default()
    };
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let (times, mut passed) = (1000, 0);
    for _ in 0..times {
        let (mut candidate, baseline) =
            (drawn("new", &BASE, 10, &mut rng), drawn("old", &BASE, 10, &mut rng));
        for trial in candidate.tasks.iter_mut().flat_map(|task| &mut task.trials) {
            trial.tokens = trial.tokens.map(|tokens| tokens * 5 / 4);
        }
        passed += usize::from(decide(&candidate, &baseline, &policy).verdict == GateVerdict::Pass);
    }
    assert!((1..=60).contains(&passed), "{passed} of {times}");
}

#[test]
fn a_shown_drop_that_is_surely_within_the_margin_passes() {
    let (candidate, baseline) = (counted("new", &[(930, 1000); 5]), counted("old", &[(980, 1000); 5]));
    let found = decide(&candidate, &baseline, &GatePolicy::default());
    assert_eq!(found.verdict, GateVerdict::Pass, "{}", found.line);
    assert!(found.agents[0].measures[0].adjusted_p.value() < 0.05);
}

#[test]
fn what_hangs_on_lost_trials_is_open_for_success_and_for_what_follows_from_outcomes() {
    let mut policy = GatePolicy::default();
    policy.gate.minimum_coverage = 0.5;
    policy.margins.pass_hat_k = Some(retrial_spec::PassHatKMargin { k: 2, margin: 0.15 });
    let (mut candidate, baseline) = (counted("new", &[(40, 40); 5]), counted("old", &[(40, 40); 5]));
    assert_eq!(decide(&candidate, &baseline, &policy).verdict, GateVerdict::Pass);
    for task in &mut candidate.tasks {
        task.planned = 50;
    }
    let found = decide(&candidate, &baseline, &policy);
    assert_eq!(found.verdict, GateVerdict::Inconclusive, "{}", found.line);
    for measure in &found.agents[0].measures {
        assert_eq!(measure.open, Some(OpenMeasure::UngradedTrials), "{}", measure.contrast.label);
    }
}

#[test]
fn an_amount_that_is_known_of_half_the_trials_is_open() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let mut policy = GatePolicy::default();
    policy.margins.tokens = Some(10.0);
    let (mut candidate, baseline) = (drawn("new", &BASE, 40, &mut rng), drawn("old", &BASE, 40, &mut rng));
    for trial in candidate.tasks.iter_mut().flat_map(|task| task.trials.iter_mut().skip(20)) {
        trial.tokens = None;
    }
    let found = decide(&candidate, &baseline, &policy);
    let open = found.agents[0].measures[1].open.clone();
    let expected =
        OpenMeasure::PartlyKnown { side: crate::decide::Side::Candidate, known: 100, planned: 200 };
    assert_eq!(open, Some(expected), "{}", found.line);
    assert!(found.line.contains("known of 100 of 200 planned trials of the candidate, less than 90 %"));
    // Of one task nothing: it must not be left out in silence.
    for trial in &mut candidate.tasks[0].trials {
        trial.tokens = None;
    }
    let found = decide(&candidate, &baseline, &policy);
    let open = found.agents[0].measures[1].open.clone();
    assert_eq!(open, Some(OpenMeasure::TasksWithout(vec![TaskName::new("a").unwrap()])));
}

#[test]
fn the_trials_that_are_said_to_decide_do_so_about_as_often_as_promised() {
    let policy = GatePolicy::default();
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    // Sides that came out alike, so that the trials needed are those of agents that are.
    let counts = [(9, 10), (9, 10), (8, 10), (7, 10), (7, 10)];
    let found = decide(&counted("new", &counts), &counted("old", &counts), &policy);
    let Some(OpenMeasure::NotEnough(Needed::Trials { of_each_task, .. })) = found.agents[0].measures[0].open
    else {
        panic!("{}", found.line)
    };
    let (times, mut passed) = (200, 0);
    for _ in 0..times {
        let needed = of_each_task as u32;
        let (candidate, baseline) =
            (drawn("new", &BASE, needed, &mut rng), drawn("old", &BASE, needed, &mut rng));
        passed += usize::from(decide(&candidate, &baseline, &policy).verdict == GateVerdict::Pass);
    }
    assert!((140..=190).contains(&passed), "{passed} of {times} with {of_each_task} trials");
}

#[test]
fn pooled_runs_count_as_one() {
    let (first, second) = (counted("one", &[(8, 10); 5]), counted("two", &[(9, 10); 5]));
    let pool = entrants::pooled(&[&first, &second]).unwrap();
    let counts: Vec<(u64, u64)> = pool.outcomes().iter().map(|task| (task.passed, task.failed)).collect();
    assert_eq!(counts, [(17, 3); 5]);
    let numbers: std::collections::BTreeSet<u32> =
        pool.tasks[0].trials.iter().map(|trial| trial.number).collect();
    assert_eq!((pool.tasks[0].planned, numbers.len()), (20, 20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_gate_with_fewer_trials_than_it_asks_for_never_passes(
        passed in proptest::collection::vec(0_u32..=2, 5),
        short in 0_usize..5,
    ) {
        let mut counts = [(30, 30); 5];
        counts[short] = (passed[short], 2);
        let whole = counted("old", &[(30, 30); 5]);
        let found = decide(&counted("new", &counts), &whole, &GatePolicy::default());
        prop_assert_ne!(found.verdict, GateVerdict::Pass);
    }

    #[test]
    fn failing_more_never_turns_a_failure_into_a_pass(
        candidate in proptest::collection::vec(0_u32..=12, 5),
        baseline in proptest::collection::vec(0_u32..=12, 5),
        task in 0_usize..5,
    ) {
        let of = |run: &str, passed: &[u32]| {
            counted(run, &passed.iter().map(|&passed| (passed, 12)).collect::<Vec<_>>())
        };
        let old = of("old", &baseline);
        let before = decide(&of("new", &candidate), &old, &GatePolicy::default()).verdict;
        let mut worse = candidate.clone();
        worse[task] = worse[task].saturating_sub(1);
        let after = decide(&of("new", &worse), &old, &GatePolicy::default()).verdict;
        prop_assert!(!(before == GateVerdict::Fail && after == GateVerdict::Pass));
    }
}
