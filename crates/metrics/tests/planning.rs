//! Plans as a caller sees them: known numbers, promises that simulation keeps, and what cannot be had.
#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap like tests")]

use retrial_metrics::planning::{
    Against, Answer, Assumptions, Limits, Obstacle, Outcome, PerTrial, Pilot, Planned, PlanningError, Prices,
    Question, Request, Split, Terms, chance, detectable, half_width, plan,
};
use retrial_metrics::{Scorecards, Settings, Target, scorecard};
use retrial_testkit::{Change, run, trial};

fn usual() -> Assumptions {
    Assumptions::new(0.7, 0.4, 0.5).unwrap()
}

fn terms(target: Target) -> Terms {
    Terms { target, ..Terms::default() }
}

fn request(question: Question, target: Target, limits: Limits) -> Request {
    Request { question, terms: terms(target), limits, prices: Prices::default() }
}

fn planned(question: Question, target: Target, limits: Limits) -> Planned {
    plan(request(question, target, limits), usual(), None).unwrap()
}

/// Prices of a trial of every agent, and of a task, in millionths of a dollar.
fn priced(trial: f64, task: f64) -> Prices {
    let agent = PerTrial { usd_micros: Some(trial), ms: None };
    Prices { agent, against: Against::SameAsAgent, task_usd_micros: task }
}

/// A pilot of one or two agents: passes of each of the tasks, of five trials each.
fn pilot(agents: &[(&str, &[u32])]) -> Scorecards {
    let names: Vec<&str> = agents.iter().map(|agent| agent.0).collect();
    let tasks: Vec<String> = (0..agents[0].1.len()).map(|task| format!("task-{task:02}")).collect();
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let manifest = run(&names, &tasks, 5);
    let records = agents.iter().flat_map(|(agent, passes)| {
        let of_task = |(task, passes): (&&str, &u32)| {
            let passes = *passes;
            let one = |number| trial(task, agent, number);
            (1..=5)
                .map(move |number| if number <= passes { one(number) } else { one(number).fails() })
                .collect::<Vec<_>>()
        };
        tasks.iter().zip(passes.iter()).flat_map(of_task).collect::<Vec<_>>()
    });
    scorecard(&manifest, records.collect::<Vec<_>>(), &Settings::default()).unwrap()
}

#[test]
fn a_gate_passes_an_equal_candidate_as_often_as_was_measured_by_others() {
    let assumptions = Assumptions::new(0.8, 0.4, 0.5).unwrap();
    for ((tasks, trials), measured) in [((5, 5), 0.33), ((10, 5), 0.51), ((20, 10), 0.94), ((50, 10), 1.0)] {
        let split = Split { tasks, trials };
        let found =
            chance(assumptions, Terms::default(), Outcome::GatePasses(0.1), split).unwrap().probability;
        assert!((found - measured).abs() <= 0.03, "{split}: {found}, measured {measured}");
    }
}

#[test]
fn formulas_and_simulations_agree_where_one_takes_over_from_the_other() {
    for target in [Target::Population, Target::FixedSuite] {
        let at = |tasks, difference| {
            let outcome = Outcome::DifferenceShown(difference);
            chance(usual(), terms(target), outcome, Split { tasks, trials: 10 }).unwrap()
        };
        let (small, large) = (at(50, 0.1), at(51, 0.1));
        assert_ne!(small.found, large.found);
        assert!((small.probability - large.probability).abs() < 0.035, "{small:?} {large:?}");
    }
}

#[test]
fn a_difference_that_is_called_detectable_is_shown_with_the_power_that_was_asked_for() {
    for target in [Target::Population, Target::FixedSuite] {
        for (tasks, trials) in [(5, 5), (20, 10), (100, 3), (300, 20)] {
            let split = Split { tasks, trials };
            let Some(found) = detectable(usual(), terms(target), 0.8, split).unwrap() else { continue };
            // Another seed: what was found is not tuned to its own luck.
            let terms = Terms { seed: 77, ..terms(target) };
            let outcome = Outcome::DifferenceShown(found.difference);
            let power = chance(usual(), terms, outcome, split).unwrap().probability;
            assert!((power - 0.8).abs() < 0.03, "{target:?} {split}: {power} at {}", found.difference);
        }
    }
}

#[test]
fn the_half_width_of_new_tasks_is_bounded_by_the_tasks_and_that_of_a_suite_is_not() {
    let at =
        |target, trials| half_width(usual(), terms(target), Split { tasks: 20, trials }).unwrap().half_width;
    assert!(at(Target::Population, 10_000) > 0.95 * at(Target::Population, 50));
    assert!(at(Target::FixedSuite, 5000) < 0.11 * at(Target::FixedSuite, 50));
}

#[test]
fn too_few_tasks_are_said_to_be_too_few_however_many_trials() {
    let limits = Limits { tasks_available: Some(30), ..Limits::default() };
    let planned = planned(Question::HalfWidth(0.05), Target::Population, limits);
    let Answer::OutOfReach(out) = planned.answer else { panic!("{:?}", planned.answer) };
    assert_eq!((out.because, out.best.split.tasks), (Obstacle::Tasks, 30));
    // t(29)·√(μ(1−μ)ρ/30)
    assert!((out.bound.unwrap() - 0.1082).abs() < 0.0002, "{:?}", out.bound);
    assert!(out.best.achieved.value.unwrap() > 0.1082);
}

#[test]
fn more_trials_make_up_for_too_few_tasks_as_long_as_they_can() {
    let width = |tasks_available| {
        let limits = Limits { tasks_available, ..Limits::default() };
        let planned = planned(Question::HalfWidth(0.09), Target::Population, limits);
        let Answer::Reached(row) = planned.answer else { panic!("{:?}", planned.answer) };
        row.split
    };
    let (free, scarce) = (width(None), width(Some(50)));
    assert_eq!(free.trials, 3);
    assert!(scarce.tasks <= 50 && scarce.trials > 3, "{scarce}");
    let prices = priced(1e5, 2e6);
    let question = Question::HalfWidth(0.09);
    let request = Request { prices, ..request(question, Target::Population, Limits::default()) };
    let planned = plan(request, usual(), None).unwrap();
    // √(20 · 0.6/0.4)
    assert!((planned.best_trials.unwrap() - 5.477).abs() < 0.001);
    assert!((4..=6).contains(&planned.answer.row().split.trials), "{}", planned.answer.row().split);
}

#[test]
fn a_plan_for_a_gate_keeps_its_promise_and_asks_for_no_more_than_it_needs() {
    let limits = Limits { tasks: Some(20), ..Limits::default() };
    let planned = planned(Question::Gate { margin: 0.1, power: 0.8 }, Target::FixedSuite, limits);
    let Answer::Reached(row) = planned.answer else { panic!("{:?}", planned.answer) };
    let passes = |trials| {
        let split = Split { tasks: 20, trials };
        chance(usual(), Terms { seed: 5, ..Terms::default() }, Outcome::GatePasses(0.1), split)
            .unwrap()
            .probability
    };
    assert!(passes(row.split.trials) > 0.78 && passes(row.split.trials - 2) < 0.8, "{}", row.split);
    assert!(planned.checks.gate_finds.unwrap().probability > 0.6);
}

#[test]
fn no_failure_in_299_independent_trials_rules_out_one_in_a_hundred() {
    let independent = Assumptions::new(0.99, 0.0, 0.5).unwrap();
    let one_each = Limits { trials: Some(1), ..Limits::default() };
    let question = Question::ZeroFailures(0.01);
    let ask = |assumptions, limits| {
        plan(request(question, Target::Population, limits), assumptions, None).unwrap().answer.row().split
    };
    assert_eq!(ask(independent, one_each), Split { tasks: 299, trials: 1 });
    // Trials that share tasks say less.
    let alike = Assumptions::new(0.99, 0.3, 0.5).unwrap();
    let five = Limits { trials: Some(5), ..Limits::default() };
    assert_eq!(ask(independent, five).tasks, 60);
    assert!(ask(alike, five).tasks > 90);
}

#[test]
fn a_budget_is_kept_and_what_it_cannot_buy_is_said() {
    let prices = priced(50_000.0, 0.0);
    let question = Question::Difference { difference: 0.1, power: 0.8 };
    let ask = |budget: u64| {
        let limits = Limits { budget_usd_micros: Some(budget), ..Limits::default() };
        let request = Request { prices, ..request(question, Target::Population, limits) };
        plan(request, usual(), None).unwrap().answer
    };
    let Answer::OutOfReach(out) = ask(10_000_000) else { panic!("10 dollars are not enough") };
    assert_eq!(out.because, Obstacle::Budget);
    assert!(out.best.usd_micros.unwrap() <= 10_000_000.0 && out.best.usd_micros.unwrap() > 9_000_000.0);
    let Answer::Reached(row) = ask(1_000_000_000) else { panic!("1000 dollars are enough") };
    assert!(row.usd_micros.unwrap() < 100_000_000.0, "{:?}", row.usd_micros);
}

#[test]
fn a_dear_opponent_makes_pairs_dear_and_a_budget_buy_fewer() {
    let question = Question::Difference { difference: 0.1, power: 0.8 };
    let own = |usd| PerTrial { usd_micros: Some(usd), ms: None };
    let ask = |against| {
        let limits = Limits { budget_usd_micros: Some(100_000_000), ..Limits::default() };
        let prices = Prices { agent: own(50_000.0), against, task_usd_micros: 0.0 };
        let request = Request { prices, ..request(question, Target::Population, limits) };
        plan(request, usual(), None).unwrap().answer
    };
    let Answer::Reached(row) = ask(Against::SameAsAgent) else { panic!("100 dollars are enough") };
    assert!((row.usd_micros.unwrap() - row.trials as f64 * 50_000.0).abs() < 1.0);
    // A dollar a trial of the other: 105 cents a pair.
    let Answer::OutOfReach(out) = ask(Against::Own(own(1_000_000.0))) else { panic!("not enough") };
    assert_eq!(out.because, Obstacle::Budget);
    assert!((out.best.usd_micros.unwrap() - out.best.trials as f64 / 2.0 * 1_050_000.0).abs() < 1.0);
    assert!(out.best.trials < row.trials / 3);
}

#[test]
fn no_design_around_the_answer_does_for_less() {
    let free = Limits::default();
    let alike = Assumptions::new(0.99, 0.4, 0.5).unwrap();
    let zero = Question::ZeroFailures(0.01);
    let width = Question::HalfWidth(0.05);
    let difference = Question::Difference { difference: 0.2, power: 0.8 };
    for (question, target, assumptions, prices) in [
        (zero, Target::Population, alike, Prices::default()),
        (zero, Target::Population, alike, priced(1e5, 1e6)),
        (width, Target::FixedSuite, usual(), Prices::default()),
        (width, Target::FixedSuite, usual(), priced(1e5, 1e8)),
        (width, Target::Population, usual(), priced(1e5, 2e6)),
        (difference, Target::Population, usual(), priced(1e5, 2e6)),
    ] {
        let request = Request { prices, ..request(question, target, free) };
        let planned = plan(request, assumptions, None).unwrap();
        let Answer::Reached(row) = planned.answer else { panic!("{:?}", planned.answer) };
        let cost = |row: &retrial_metrics::planning::Row| row.usd_micros.unwrap_or(row.trials as f64);
        for other in planned.table.iter().filter(|other| other.is_enough && other.row.split.trials >= 3) {
            assert!(
                cost(&other.row) >= cost(&row),
                "{question:?} {target:?}: {} for {}",
                other.row.split,
                row.split
            );
        }
    }
}

#[test]
fn suites_and_zero_failures_are_planned_with_every_number_of_trials() {
    let ask = |question, target, assumptions, prices| {
        let request = Request { prices, ..request(question, target, Limits::default()) };
        *plan(request, assumptions, None).unwrap().answer.row()
    };
    let alike = Assumptions::new(0.99, 0.4, 0.5).unwrap();
    let free = Prices::default();
    let row = ask(Question::ZeroFailures(0.01), Target::Population, alike, free);
    assert_eq!((row.split, row.trials), (Split { tasks: 148, trials: 3 }, 444));
    // Where nothing else tells designs apart five trials of each are planned.
    let row = ask(Question::HalfWidth(0.05), Target::FixedSuite, usual(), free);
    assert_eq!(row.split, Split { tasks: 39, trials: 5 });
    // A hundred dollars a task: as few tasks as are still a suite.
    let row = ask(Question::HalfWidth(0.05), Target::FixedSuite, usual(), priced(1e5, 1e8));
    assert_eq!(row.split.tasks, 5);
    assert!(row.usd_micros.unwrap() < 520e6, "{:?}", row.usd_micros);
}

#[test]
fn a_pilot_of_three_tasks_does_not_make_a_confident_plan() {
    let all = pilot(&[("one", &[5, 5, 4])]);
    let few = Pilot::new(&all.scorecards[0], None).unwrap();
    assert_eq!((few.tasks, few.trials, few.passed, few.r), (3, 15, 14, None));
    assert!(few.rho.high - few.rho.low > 0.4 && few.mu.low < 0.75, "{few:?}");
    let request = request(Question::HalfWidth(0.05), Target::Population, Limits::default());
    let planned = plan(request, few.assumptions().unwrap(), Some(&few)).unwrap();
    let worst = planned.at_worst.unwrap();
    assert!(worst.answer.row().trials > 2 * planned.answer.row().trials, "{worst:?}");
    assert!(worst.planned.unwrap().value.unwrap() > 0.065, "{:?}", worst.planned);
    // For a fixed suite the trials are the noise: the other end of ρ is the unfavourable one.
    let (new, same) = (
        few.unfavourable(Target::Population, None).unwrap(),
        few.unfavourable(Target::FixedSuite, None).unwrap(),
    );
    assert!(new.rho > same.rho);
}

#[test]
fn the_correlation_of_difficulty_is_freed_from_the_noise_of_trials() {
    let one = [0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 2, 3];
    let other = [1, 0, 2, 2, 2, 4, 3, 5, 5, 4, 1, 4];
    let cards = pilot(&[("one", &one), ("other", &other)]);
    let both = Pilot::new(&cards.scorecards[0], Some(&cards.scorecards[1])).unwrap();
    let rates = |passes: [u32; 12]| passes.map(|passes| f64::from(passes) / 5.0);
    let (a, b) = (rates(one), rates(other));
    let mean = |x: &[f64]| x.iter().sum::<f64>() / 12.0;
    let product = |x: &[f64], y: &[f64]| {
        x.iter().zip(y).map(|(p, q)| (p - mean(x)) * (q - mean(y))).sum::<f64>() / 11.0
    };
    let plain = product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt();
    let r = both.r.unwrap();
    assert!(r.value > plain && plain > 0.7, "{r:?}, plain {plain}");
    assert!(r.low < r.value && r.value <= r.high && r.high <= 1.0);
    assert_eq!(both.other.unwrap().as_str(), "other");
    // Three tasks say nothing of a correlation.
    let cards = pilot(&[("one", &[0, 3, 5]), ("other", &[1, 3, 5])]);
    let few = Pilot::new(&cards.scorecards[0], Some(&cards.scorecards[1])).unwrap();
    assert_eq!(few.r.map(|r| (r.low, r.high)), Some((0.0, 1.0)));
}

#[test]
fn the_same_question_gives_the_same_plan() {
    let ask = || {
        let limits = Limits { tasks: Some(10), trials: Some(5), ..Limits::default() };
        planned(Question::Detectable { power: 0.8 }, Target::FixedSuite, limits)
    };
    assert_eq!(ask(), ask());
}

#[test]
fn questions_that_cannot_be_are_refused() {
    let refused =
        |question, limits| plan(request(question, Target::Population, limits), usual(), None).unwrap_err();
    let free = Limits::default();
    assert!(matches!(refused(Question::HalfWidth(0.0), free), PlanningError::OutOfRange { .. }));
    let power = Question::Difference { difference: 0.1, power: 1.0 };
    assert!(matches!(refused(power, free), PlanningError::OutOfRange { name: "power", .. }));
    let large = Question::Difference { difference: 0.75, power: 0.8 };
    assert!(matches!(refused(large, free), PlanningError::NoRoom { .. }));
    let one = Limits { tasks: Some(1), trials: Some(5), ..Limits::default() };
    let small = Question::Difference { difference: 0.1, power: 0.8 };
    assert!(matches!(refused(small, one), PlanningError::TooFew { what: "tasks", .. }));
    for bad in [(0.0, 0.4, 0.5), (1.0, 0.4, 0.5), (f64::NAN, 0.4, 0.5), (0.7, -0.1, 0.5), (0.7, 0.4, 1.1)] {
        assert!(Assumptions::new(bad.0, bad.1, bad.2).is_err(), "{bad:?}");
    }
}
