//! A field of agents: pairs, ranks, costs, ways of working and purchases.

use retrial_metrics::decide::field::{
    Comparisons, Contender, FieldError, Procedure, Question, Way, comparisons,
};
use retrial_metrics::decide::{Aspect, Finding, RunDifference};
use retrial_metrics::{Entrant, Known, MetricsError, Resource, Scorecards, Scoring, Settings, Target};
use retrial_spec::{RunManifest, TrialRecord};
use retrial_testkit::{Change, run, stops, trial};

use proptest::prelude::*;

/// Passed trials of each agent in each task, of `TRIALS`.
pub(crate) type Passed<'a> = &'a [&'a [u32]];

const TRIALS: u32 = 5;
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

pub(crate) struct Made {
    manifest: RunManifest,
    scored: Scorecards,
    entrants: Vec<Entrant>,
}

pub(crate) fn question() -> Question {
    Question {
        settings: Settings::default(),
        difference: None,
        power: Question::POWER,
        even_if_different: false,
    }
}

fn task_name(task: usize) -> String {
    format!("t{task:03}")
}

/// A run in which each agent passes as often as told; `change` changes each record.
pub(crate) fn made(
    passed: Passed<'_>,
    change: impl Fn(usize, usize, u32, TrialRecord) -> TrialRecord,
) -> Made {
    made_of(TRIALS, passed, change)
}

/// The same with so many trials of each task.
pub(crate) fn made_of(
    trials: u32,
    passed: Passed<'_>,
    change: impl Fn(usize, usize, u32, TrialRecord) -> TrialRecord,
) -> Made {
    let agents = &NAMES[..passed.len()];
    let tasks: Vec<String> = (0..passed[0].len()).map(task_name).collect();
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let manifest = run(agents, &tasks, trials);
    let settings = Settings::default();
    let mut scoring = Scoring::new(&manifest, &settings).unwrap();
    for (agent, of_agent) in passed.iter().enumerate() {
        for (task, &passes) in of_agent.iter().enumerate() {
            for number in 1..=trials {
                let record = trial(tasks[task], agents[agent], number);
                let record = if number > passes { record.fails() } else { record };
                scoring.add(&change(agent, task, number, record)).unwrap();
            }
        }
    }
    let (scored, entrants) = scoring.finish_with_entrants();
    Made { manifest, scored, entrants }
}

impl Made {
    /// The contenders in the order of places.
    pub(crate) fn field(&self, order: &[usize]) -> Vec<Contender<'_>> {
        let one = |&place: &usize| Contender {
            name: NAMES[place],
            manifest: &self.manifest,
            card: &self.scored.scorecards[place],
            entrant: &self.entrants[place],
        };
        order.iter().map(one).collect()
    }

    pub(crate) fn compared(&self, order: &[usize]) -> Comparisons {
        comparisons(&self.field(order), &question()).unwrap()
    }
}

pub(crate) fn plain(passed: Passed<'_>) -> Made {
    made(passed, |_, _, _, record| record)
}

/// Success rates that differ by agent and a little by task.
pub(crate) fn ladder(agents: usize, tasks: usize) -> Vec<Vec<u32>> {
    let rate = |agent: usize, task: usize| match agent {
        0 => 5 - u32::from(task.is_multiple_of(3)),
        1 => 5 - u32::from(task.is_multiple_of(2)),
        _ => u32::from(task.is_multiple_of(4)),
    };
    (0..agents).map(|agent| (0..tasks).map(|task| rate(agent, task)).collect()).collect()
}

pub(crate) fn rows(passed: &[Vec<u32>]) -> Vec<&[u32]> {
    passed.iter().map(Vec::as_slice).collect()
}

#[test]
fn the_one_named_later_is_the_candidate_and_every_pair_is_there_once() {
    let passed = ladder(3, 12);
    let found = plain(&rows(&passed)).compared(&[0, 1, 2]);
    let pairs: Vec<(usize, usize)> = found.pairs.iter().map(|pair| (pair.candidate, pair.baseline)).collect();
    assert_eq!(pairs, [(1, 0), (2, 0), (2, 1)]);
    let difference = found.pairs[1].success.fixed_suite.difference.estimate().unwrap().point.value();
    assert!(difference < -0.5, "{difference}");
}

#[test]
fn a_clearly_worse_agent_is_excluded_from_being_best_and_the_two_others_share_the_first_ranks() {
    let passed = ladder(3, 12);
    let found = plain(&rows(&passed)).compared(&[0, 1, 2]);
    for ranks in [&found.ranks.population, &found.ranks.fixed_suite] {
        assert_eq!((ranks.best.as_slice(), ranks.excluded.as_slice()), (&[0, 1][..], &[2][..]));
        let sets: Vec<(u32, u32)> = ranks.sets.iter().map(|set| (set.first, set.last)).collect();
        assert_eq!(sets, [(1, 2), (1, 2), (3, 3)]);
    }
}

#[test]
fn identical_agents_have_no_rank_of_their_own() {
    let passed: Vec<Vec<u32>> = vec![(0..10).map(|task| task % 6).collect(); 4];
    let found = plain(&rows(&passed)).compared(&[0, 1, 2, 3]);
    for ranks in [&found.ranks.population, &found.ranks.fixed_suite] {
        assert!(ranks.sets.iter().all(|set| (set.first, set.last) == (1, 4)) && ranks.excluded.is_empty());
    }
    assert!(found.flips.known().unwrap().flips.is_empty());
    assert!(found.called.counts.iter().all(|count| count.different == 0));
}

#[test]
fn careless_procedures_call_more_pairs_different_than_careful_ones_where_tasks_differ_in_difficulty() {
    // Tasks are all or nothing, and the agents solve different ones of them.
    let solved = |from: usize, to: usize| -> Vec<u32> {
        (0..40).map(|task| if (from..to).contains(&task) { 5 } else { 0 }).collect()
    };
    let passed = [solved(0, 20), solved(12, 36), solved(0, 24)];
    let found = plain(&rows(&passed)).compared(&[0, 1, 2]);
    let different = |procedure| {
        let count = found.called.counts.iter().find(|count| count.procedure == procedure).unwrap();
        count.different
    };
    assert!(different(Procedure::Naive) > different(Procedure::Clustered));
    // A contains all of what the first solves: paired, that is seen.
    assert!(different(Procedure::Paired) > different(Procedure::Clustered));
    assert!(different(Procedure::PairedHolm) <= different(Procedure::Paired));
}

#[test]
fn whoever_passes_more_single_trials_but_fewer_in_a_row_changes_places() {
    // The first passes three of five everywhere, the second half of the tasks always and the others never.
    let passed = [vec![3_u32; 20], (0..20).map(|task| if task < 10 { 5 } else { 0 }).collect()];
    let found = plain(&rows(&passed)).compared(&[0, 1]);
    let flips = found.flips.known().unwrap();
    assert_eq!((flips.k, flips.by_single.as_slice(), flips.by_all.as_slice()), (5, &[0, 1][..], &[1, 0][..]));
    let flip = &flips.flips[0];
    assert_eq!((flip.ahead_by_single, flip.ahead_by_all), (0, 1));
    let (single, all) = (flip.by_single.estimate().unwrap(), flip.by_all.estimate().unwrap());
    assert!((single.point.value() - 0.1).abs() < 1e-12 && (all.point.value() + 0.5).abs() < 1e-12);
    // Half of the tasks is far more than noise, a tenth is not.
    let ends = |estimate: &retrial_metrics::Estimate| {
        let interval = estimate.interval.interval().unwrap();
        (interval.low.value(), interval.high.value())
    };
    assert!(ends(all).1 < 0.0 && ends(single).0 < 0.0 && ends(single).1 > 0.1 && !flip.shown);
}

#[test]
fn whoever_is_worse_and_dearer_is_surely_dominated_and_who_is_only_dearer_is_not_dominated_by_the_worse() {
    let passed = ladder(3, 16);
    let found = made(&rows(&passed), |agent, task, number, record| {
        let noise = (task as u64 * 7 + u64::from(number) * 3) % 11;
        record.costs([1000, 500, 2000][agent] + 10 * noise).takes([9000, 4000, 9000][agent] + noise)
    })
    .compared(&[0, 1, 2]);
    let cost = found.frontiers.iter().find(|frontier| frontier.resource == Resource::Cost).unwrap();
    assert_eq!((cost.on.as_slice(), cost.unknown.len()), (&[0, 1][..], 0));
    let [dominance] = cost.dominated.as_slice() else { panic!("{cost:?}") };
    assert_eq!(dominance.contender, 2);
    assert!(dominance.by.len() == 2 && dominance.by.iter().all(|by| by.surely));
}

#[test]
fn ways_of_working_differ_where_orders_of_actions_do_and_not_where_only_outcomes_do() {
    let passed = ladder(2, 8);
    let ways = |first: &'static str, second: &'static str| {
        made(&rows(&passed), move |agent, task, number, record| {
            let more = if (task as u32 + number).is_multiple_of(2) { " test:pytest" } else { "" };
            record.does(&format!("{}{more}", [first, second][agent]))
        })
        .compared(&[0, 1])
    };
    let same = ways("read:cat edit:sed", "read:cat edit:sed");
    let other = ways("read:cat edit:sed", "edit:sed read:cat read:cat");
    let (same, other) =
        (same.pairs[0].trajectories.known().unwrap(), other.pairs[0].trajectories.known().unwrap());
    assert!(same.p.value() > 0.2 && same.discrepancy.value() < 0.05, "{same:?}");
    assert!(other.p.value() <= 0.001 && other.discrepancy.value() > 0.3, "{other:?}");
    assert!(
        (other.alike_candidate.value() + other.alike_baseline.value()
            - 2.0 * other.alike_across.value()
            - other.discrepancy.value())
        .abs()
            < 1e-12
    );
    let cat = other.actions.rows.iter().find(|row| row.name.as_deref() == Some("cat")).unwrap();
    assert!((cat.candidate.value() - 2.0).abs() < 1e-12 && (cat.baseline.value() - 1.0).abs() < 1e-12);
    assert!(same.actions.rows.iter().all(|row| row.candidate == row.baseline));
}

#[test]
fn actions_that_nobody_recorded_are_not_compared() {
    let passed = ladder(2, 4);
    let found = made(&rows(&passed), |_, _, _, record| record.does("")).compared(&[0, 1]);
    let Known::Undefined(reason) = &found.pairs[0].trajectories else { panic!("compared") };
    assert_eq!(reason.code(), "no_actions");
}

#[test]
fn a_purchase_is_priced_with_what_trials_cost_and_buys_nothing_where_there_is_enough() {
    let passed = ladder(2, 30);
    let made = made(&rows(&passed), |agent, _, _, record| record.costs([3000, 1000][agent]));
    let field = made.field(&[0, 1]);
    let buy = |difference| {
        let found = comparisons(&field, &Question { difference: Some(difference), ..question() }).unwrap();
        found.pairs[0].purchase.known().unwrap().clone()
    };
    let enough = buy(0.5);
    let fixed = enough.fixed_suite.known().unwrap();
    assert_eq!((fixed.further_trials, fixed.price_usd_micros.value()), (0, Some(0.0)));
    let finer = buy(0.03);
    let fixed = finer.fixed_suite.known().unwrap();
    // Half of the trials cost 1000 and half 3000.
    let price = fixed.price_usd_micros.value().unwrap();
    assert!(
        fixed.further_trials > 0 && (price - fixed.further_trials as f64 * 2000.0).abs() < 1e-6,
        "{fixed:?}"
    );
    let tasks = finer.population.more_tasks.known().unwrap();
    assert!(tasks.tasks > 30 && tasks.further_trials == (tasks.tasks - 30) * 10, "{tasks:?}");
    assert!(finer.population.cheaper.is_some());
}

#[test]
fn where_tasks_themselves_differ_no_number_of_trials_helps_and_more_tasks_do() {
    let passed = [
        (0..10).map(|task| if task % 2 == 0 { 5 } else { 0 }).collect::<Vec<u32>>(),
        (0..10).map(|task| if task % 3 == 0 { 5 } else { 0 }).collect(),
    ];
    let found = plain(&rows(&passed)).compared(&[0, 1]);
    let purchase = found.pairs[0].purchase.known().unwrap();
    let Known::Undefined(reason) = &purchase.population.more_trials else { panic!("{purchase:?}") };
    assert_eq!(reason.code(), "trials_do_not_help");
    assert_eq!(purchase.population.cheaper, Some(Way::Tasks));
    assert!(purchase.population.more_tasks.known().unwrap().price_usd_micros.value().is_none());
}

#[test]
fn two_that_do_not_differ_have_nothing_to_buy_unless_a_difference_is_named() {
    let passed = [vec![3_u32; 6], vec![3; 6]];
    let made = plain(&rows(&passed));
    let found = made.compared(&[0, 1]);
    let Known::Undefined(reason) = &found.pairs[0].purchase else { panic!("a purchase") };
    assert_eq!(reason.code(), "no_difference");
    let named = Question { difference: Some(0.2), ..question() };
    assert!(comparisons(&made.field(&[0, 1]), &named).unwrap().pairs[0].purchase.known().is_some());
}

#[test]
fn tasks_that_only_one_side_tried_forbid_a_comparison_and_are_left_out_where_it_is_asked_for() {
    let passed = ladder(2, 6);
    let full = plain(&rows(&passed));
    let fewer: Vec<Vec<u32>> = passed.iter().map(|of| of[..4].to_vec()).collect();
    let part = plain(&rows(&fewer));
    let field = [full.field(&[0])[0], Contender { name: "b", ..part.field(&[1])[0] }];
    let refused = comparisons(&field, &question()).unwrap_err();
    let FieldError::Different { differences, .. } = refused else { panic!("{refused:?}") };
    assert!(matches!(&differences[..], [RunDifference::OnlyBaseline { tasks }] if tasks.len() == 2));
    let asked = Question { even_if_different: true, ..question() };
    let found = comparisons(&field, &asked).unwrap();
    let n = found.pairs[0].success.candidate;
    assert_eq!((n.tasks, n.trials, found.pairs[0].mismatches.len()), (4, 20, 1));
    assert!(found.even_if_different);
}

#[test]
fn of_one_run_only_its_stopping_rule_is_said_however_often_it_was_read() {
    let passed = ladder(2, 6);
    let mut made = plain(&rows(&passed));
    for task in &mut made.manifest.tasks {
        task.digest = None;
    }
    let mismatches = |made: &Made| -> Vec<RunDifference> {
        let read_again = made.manifest.clone();
        let again = Contender { manifest: &read_again, ..made.field(&[1])[0] };
        let field = [made.field(&[0])[0], again];
        let pair = comparisons(&field, &question()).unwrap().pairs.remove(0);
        pair.mismatches.into_iter().map(|mismatch| mismatch.difference).collect()
    };
    assert_eq!(mismatches(&made), []);
    stops(&mut made.manifest);
    assert_eq!(mismatches(&made), [RunDifference::StoppingRule]);
    assert_eq!(made.compared(&[0, 1]).pairs[0].mismatches.len(), 1);
}

#[test]
fn one_alone_and_questions_that_cannot_be_are_refused() {
    let passed = ladder(2, 4);
    let made = plain(&rows(&passed));
    let field = made.field(&[0, 1]);
    assert_eq!(comparisons(&field[..1], &question()).unwrap_err(), FieldError::TooFew(1));
    for (changed, expected) in [
        (Question { difference: Some(0.0), ..question() }, MetricsError::Difference(0.0)),
        (Question { power: 0.4, ..question() }, MetricsError::Power(0.4)),
        (
            Question { settings: Settings { level: 1.0, ..Settings::default() }, ..question() },
            MetricsError::Level(1.0),
        ),
    ] {
        assert_eq!(comparisons(&field, &changed).unwrap_err(), FieldError::Metrics(expected));
    }
}

fn outcomes() -> impl Strategy<Value = Vec<Vec<u32>>> {
    (2_usize..=4, 2_usize..=7).prop_flat_map(|(agents, tasks)| {
        prop::collection::vec(prop::collection::vec(0..=TRIALS, tasks), agents)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn naming_them_the_other_way_round_turns_every_difference_and_leaves_every_rank(passed in outcomes()) {
        let made = plain(&rows(&passed));
        let order: Vec<usize> = (0..passed.len()).collect();
        let back: Vec<usize> = order.iter().rev().copied().collect();
        let (forth, back) = (made.compared(&order), made.compared(&back));
        let last = passed.len() - 1;
        for pair in &forth.pairs {
            let turned = (last - pair.baseline, last - pair.candidate);
            let other = back.pairs.iter().find(|other| (other.candidate, other.baseline) == turned).unwrap();
            let of = |value: &retrial_metrics::Value| value.estimate().unwrap().point.value();
            let sum = of(&pair.success.fixed_suite.difference) + of(&other.success.fixed_suite.difference);
            prop_assert!(sum.abs() < 1e-12);
            for (a, b) in [
                (&pair.decided.population, &other.decided.population),
                (&pair.decided.fixed_suite, &other.decided.fixed_suite),
            ] {
                let turned = match a.finding {
                    Finding::Better => Finding::Worse,
                    Finding::Worse => Finding::Better,
                    Finding::NotShown => Finding::NotShown,
                };
                prop_assert_eq!(turned, b.finding);
            }
        }
        for (ranks, turned) in
            [(&forth.ranks.population, &back.ranks.population), (&forth.ranks.fixed_suite, &back.ranks.fixed_suite)]
        {
            let mut turned = turned.sets.clone();
            turned.reverse();
            prop_assert_eq!(&ranks.sets, &turned);
        }
        prop_assert_eq!(&forth.called, &back.called);
    }

    #[test]
    fn holm_never_lowers_a_p_value_and_keeps_their_order(passed in outcomes()) {
        let found = plain(&rows(&passed)).compared(&(0..passed.len()).collect::<Vec<_>>());
        for target in [Target::Population, Target::FixedSuite] {
            let mut tests: Vec<(f64, f64)> = found
                .pairs
                .iter()
                .filter_map(|pair| {
                    let test = pair.decided.of(target);
                    Some((test.p.value()?, test.adjusted_p.value()?))
                })
                .collect();
            tests.sort_by(|a, b| a.0.total_cmp(&b.0));
            prop_assert!(tests.iter().all(|(p, adjusted)| adjusted >= p));
            prop_assert!(tests.windows(2).all(|pair| pair[0].1 <= pair[1].1 + 1e-12));
        }
    }

    #[test]
    fn every_rank_set_holds_a_rank_and_somebody_may_be_best(passed in outcomes()) {
        let found = plain(&rows(&passed)).compared(&(0..passed.len()).collect::<Vec<_>>());
        for ranks in [&found.ranks.population, &found.ranks.fixed_suite] {
            prop_assert!(ranks.sets.iter().all(|set| 1 <= set.first && set.first <= set.last));
            prop_assert!(!ranks.best.is_empty());
            prop_assert_eq!(ranks.best.len() + ranks.excluded.len(), passed.len());
        }
        // What nobody can see is not there.
        let success = found.pairs[0].contrast(Aspect::Success).unwrap();
        prop_assert!(success.p.value().is_none_or(|p| (0.0..=1.0).contains(&p)));
    }
}
