//! Measures whose values can be worked out by hand.

use retrial_metrics::{
    Among, BranchAction, Granularity, Known, Measure, MeasureId, Resource, Safety, Scorecard, Settings,
    Target, scorecard,
};
use retrial_spec::{ActionKind, TrialRecord};

use crate::build::{Change, measure, point, run, score, trial, why, why_no_interval};

fn about(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
}

fn card(tasks: &[&str], trials: u32, records: &[TrialRecord]) -> Scorecard {
    score(&run(&["agent"], tasks, trials), records).unwrap().scorecards.swap_remove(0)
}

fn view(card: &Scorecard, id: MeasureId, granularity: Granularity, among: Among) -> &Measure {
    let wanted = (Some(granularity), Some(among));
    card.all(id).find(|measure| (measure.granularity, measure.among) == wanted).unwrap()
}

/// Passes and failures of a task, as `+` and `-`.
fn outcomes(task: &str, signs: &str) -> Vec<TrialRecord> {
    let record = |(number, sign)| {
        let record = trial(task, "agent", number);
        if sign == '+' { record } else { record.fails() }
    };
    (1..).zip(signs.chars()).map(record).collect()
}

#[test]
fn the_variance_of_outcomes_is_split_into_difficulty_and_noise() {
    let records = [outcomes("a", "++++"), outcomes("b", "+---"), outcomes("c", "----")].concat();
    let card = card(&["a", "b", "c"], 4, &records);
    // Within: only `b`, with 1/4·3/4·4/3. Between: the variance of 1, 1/4 and 0 less a quarter of the mean noise.
    let within: f64 = 0.25 / 3.0;
    let mean = 1.25 / 3.0;
    let between = [1.0, 0.25, 0.0].iter().map(|p: &f64| (p - mean).powi(2)).sum::<f64>() / 2.0 - within / 4.0;
    about(point(measure_of(&card, MeasureId::NoiseVariance)), within);
    about(point(measure_of(&card, MeasureId::DifficultyVariance)), between);
    about(point(measure_of(&card, MeasureId::DifficultyShare)), between / (between + within));
    about(point(measure_of(&card, MeasureId::NoiseShare)), within / (between + within));
    let icc = measure_of(&card, MeasureId::OutcomeIcc).value.estimate().unwrap();
    assert_eq!(icc.interval.interval().unwrap().method.to_string(), "anova_f");
    assert!(icc.point.value() > 0.5);
}

#[test]
fn chance_may_bring_the_variance_between_tasks_below_zero_and_the_share_to_zero() {
    let card = card(&["a", "b"], 4, &[outcomes("a", "++--"), outcomes("b", "+-+-")].concat());
    assert!(point(measure_of(&card, MeasureId::DifficultyVariance)) < 0.0);
    assert!(point(measure_of(&card, MeasureId::OutcomeIcc)) < 0.0);
    about(point(measure_of(&card, MeasureId::DifficultyShare)), 0.0);
    about(point(measure_of(&card, MeasureId::NoiseShare)), 1.0);
}

fn measure_of(card: &Scorecard, id: MeasureId) -> &Measure {
    card.all(id).next().unwrap()
}

#[test]
fn the_pooled_rate_weighs_trials_and_has_the_clustered_errors() {
    let records = [outcomes("a", "++++"), outcomes("b", "--")].concat();
    let card = card(&["a", "b"], 4, &records);
    let pooled = measure_of(&card, MeasureId::PooledSuccessRate);
    about(point(pooled), 4.0 / 6.0);
    about(point(measure(&card, MeasureId::SuccessRate)), 0.5);
    let errors = card.clustered_errors.known().unwrap();
    // Residual sums 4 − 4·2/3 and 0 − 2·2/3.
    about(errors.cr0.value(), (2.0_f64 * (4.0_f64 / 3.0).powi(2)).sqrt() / 6.0);
    let estimate = pooled.value.estimate().unwrap();
    assert_eq!(estimate.interval.interval().unwrap().method.to_string(), "clustered_cr2_t");
    assert_eq!(estimate.beside[0].interval().unwrap().method.to_string(), "clustered_cr0_z");
}

/// `a` opens alike twice and parts; `b` never parts.
fn opening() -> Vec<TrialRecord> {
    let does = |task, number, words| trial(task, "agent", number).does(words);
    vec![
        does("a", 1, "read:cat edit:sed test:pytest"),
        does("a", 2, "read:cat edit:ed"),
        does("a", 3, "search:grep").fails(),
        does("b", 1, "read:cat"),
        does("b", 2, "read:cat"),
        does("b", 3, "read:cat").fails(),
    ]
}

#[test]
fn openings_say_where_trials_part_at_both_granularities() {
    let card = card(&["a", "b"], 3, &opening());
    let shared = |granularity, among| point(view(&card, MeasureId::SharedOpening, granularity, among));
    // Pairs of `a`: 1 of 3 by name and 2 of 3 by kind, nothing, nothing; `b` shares all.
    about(shared(Granularity::Name, Among::All), f64::midpoint(1.0 / 9.0, 1.0));
    about(shared(Granularity::Kind, Among::All), f64::midpoint(2.0 / 9.0, 1.0));
    about(shared(Granularity::Name, Among::Successes), f64::midpoint(1.0 / 3.0, 1.0));
    let parts = |granularity, among| point(view(&card, MeasureId::FirstDivergence, granularity, among));
    about(parts(Granularity::Name, Among::All), 4.0 / 3.0);
    about(parts(Granularity::Kind, Among::All), 5.0 / 3.0);
    about(parts(Granularity::Kind, Among::Successes), 3.0);
    about(card.tasks[0].first_divergence.value().unwrap(), 4.0 / 3.0);
    assert!(
        matches!(&card.tasks[1].first_divergence, Known::Undefined(reason) if reason.code() == "never_part")
    );
}

#[test]
fn companions_of_mix_and_order_compare_every_pair_once_whatever_repeats() {
    let card = card(&["a", "b"], 3, &opening());
    let of = |id, among| point(view(&card, id, Granularity::Name, among));
    // Pairs of `a`: one action in common of three and two, then none in common; `b`: all alike.
    about(of(MeasureId::ActionMixOverlap, Among::All), f64::midpoint(1.0 / 9.0, 1.0));
    about(of(MeasureId::ActionComposition, Among::All), f64::midpoint(1.0 / 6.0_f64.sqrt() / 3.0, 1.0));
    // Edit distances 2, 3 and 2 of lengths 3, 2 and 1.
    let order = [2.0 * 2.0 / 7.0, 2.0 * 3.0 / 7.0, 2.0 * 2.0 / 5.0].map(|distance: f64| 1.0 - distance);
    about(of(MeasureId::ActionOrderMetric, Among::All), f64::midpoint(order.iter().sum::<f64>() / 3.0, 1.0));
    // Start and first action are the one neighbourhood in common, of four and of three.
    about(of(MeasureId::ActionTransitions, Among::All), f64::midpoint(1.0 / 12.0_f64.sqrt() / 3.0, 1.0));
    about(of(MeasureId::ActionOrderMetric, Among::Successes), f64::midpoint(order[0], 1.0));
}

#[test]
fn prefix_agreement_falls_with_length_and_counts_tasks_that_are_so_long() {
    let card = card(&["a", "b"], 3, &opening());
    let curve = card.prefix_agreement[0].curve.known().unwrap();
    let points: Vec<(u32, f64, u64)> =
        curve.iter().map(|point| (point.actions, point.agreement.value(), point.tasks)).collect();
    assert_eq!(points.len(), 3);
    about(points[0].1, f64::midpoint(1.0 / 3.0, 1.0));
    about(points[1].1, 0.0);
    assert_eq!([points[0].2, points[1].2, points[2].2], [2, 1, 1]);
}

#[test]
fn final_states_are_compared_by_files_and_by_patch() {
    let leaves = |number, files, patch| trial("a", "agent", number).leaves(files, patch);
    let records =
        [leaves(1, "a b", "p"), leaves(2, "a b", "p"), leaves(3, "a", "q").fails(), trial("a", "agent", 4)];
    let card = card(&["a"], 4, &records);
    let all = |id| card.all(id).find(|measure| measure.among == Some(Among::All)).unwrap();
    about(point(all(MeasureId::ChangedFilesConsistency)), (1.0 + 0.5 + 0.5) / 3.0);
    about(point(all(MeasureId::SamePatch)), 1.0 / 3.0);
    assert_eq!(all(MeasureId::SamePatch).value.estimate().unwrap().n.trials, 3);
    let successes = |id| card.all(id).find(|measure| measure.among == Some(Among::Successes)).unwrap();
    about(point(successes(MeasureId::SamePatch)), 1.0);
}

/// Five trials test first and pass, five do not and fail.
fn forked(task: &str) -> Vec<TrialRecord> {
    let record = |number| {
        let record = trial(task, "agent", number);
        if number <= 5 {
            record.does("read:cat test:pytest")
        } else {
            record.does("read:cat edit:sed").fails()
        }
    };
    (1..=10).map(record).collect()
}

#[test]
fn the_action_at_which_runs_part_is_tested_against_the_others() {
    let card = card(&["a", "b"], 10, &[forked("a"), forked("b")].concat());
    let forks = &card.forks[0];
    assert_eq!((forks.granularity, forks.parted, forks.never_part), (Granularity::Name, 2, 0));
    assert_eq!((forks.by_task.len(), forks.by_task[0].place), (2, 2));
    let edit = BranchAction { kind: ActionKind::Edit, name: Some("sed".to_owned()) };
    let best = forks.by_action.iter().find(|branch| branch.action.as_ref() == Some(&edit)).unwrap();
    assert_eq!((best.tasks, best.trials, best.passed, best.other_passed), (2, 10, 0, 10));
    about(best.difference.value(), -1.0);
    // Fisher: both tables are the most extreme of C(10, 5); over both tasks their product.
    let single = 2.0 / 252.0;
    let branch = forks.by_task[0].branches[0].test.known().unwrap();
    assert!((branch.p.value() - single).abs() < 1e-9);
    assert!((best.test.known().unwrap().p.value() - 2.0 / 252.0_f64.powi(2)).abs() < 1e-9);
    assert_eq!(card.forks[1].by_action[0].action.as_ref().unwrap().name, None);
}

#[test]
fn forks_of_tasks_with_one_outcome_are_shown_and_not_tested() {
    let records = [trial("a", "agent", 1), trial("a", "agent", 2).does("edit:sed")];
    let card = card(&["a"], 2, &records);
    let branches = &card.forks[0].by_task[0].branches;
    assert_eq!(branches.len(), 2);
    for branch in branches {
        assert!(matches!(&branch.test, Known::Undefined(reason) if reason.code() == "one_class"));
    }
}

#[test]
fn a_trial_that_ended_earlier_is_a_branch_of_its_own() {
    let records = [trial("a", "agent", 1).fails(), trial("a", "agent", 2).does("read:cat edit:sed")];
    let card = card(&["a"], 2, &records);
    let fork = &card.forks[0].by_task[0];
    assert_eq!((fork.place, &fork.branches[0].action), (2, &None));
}

#[test]
fn spread_has_companions_that_trust_no_single_value() {
    let amounts = [10, 20, 30, 40, 500];
    let records: Vec<TrialRecord> =
        (1..).zip(amounts).map(|(number, tokens)| trial("a", "agent", number).uses(tokens)).collect();
    let card = card(&["a"], 5, &records);
    let of = |id| card.all(id).find(|measure| measure.resource == Some(Resource::Tokens)).unwrap();
    about(point(of(MeasureId::RobustVariation)), 1.482_602_218_505_601_8 * 10.0 / 30.0);
    about(point(of(MeasureId::QuartileDispersion)), 20.0 / 60.0);
    about(point(of(MeasureId::MaxOverMin)), 50.0);
    about(point(of(MeasureId::TailRatio)), 408.0 / 30.0);
    assert_eq!(of(MeasureId::TailRatio).caution.as_ref().unwrap().code(), "few_trials");
    about(point(measure_of(&card, MeasureId::TokenDeviation)), 10.0);
    assert_eq!(why(measure_of(&card, MeasureId::ModelTimeSpread)), "not_recorded");
}

#[test]
fn one_task_of_a_fixed_suite_has_vangels_interval() {
    let manifest = run(&["agent"], &["a"], 4);
    let records =
        (1..).zip([90, 100, 105, 110]).map(|(number, tokens)| trial("a", "agent", number).uses(tokens));
    let settings = Settings { target: Target::FixedSuite, ..Settings::default() };
    let scored = scorecard(&manifest, records, &settings).unwrap();
    let variation = measure_of(&scored.scorecards[0], MeasureId::Variation);
    let interval = *variation.value.estimate().unwrap().interval.interval().unwrap();
    assert_eq!(interval.method.to_string(), "vangel");
    assert!(variation.caution.is_none());
}

#[test]
fn a_success_costs_what_its_failures_cost_too() {
    let costs = |task: &str, signs: &str, cost| -> Vec<TrialRecord> {
        outcomes(task, signs).into_iter().map(|record| record.costs(cost)).collect()
    };
    let records = [costs("a", "++", 100), costs("b", "+-", 300)].concat();
    let with = card(&["a", "b"], 2, &records);
    let cost = measure_of(&with, MeasureId::CostPerSuccess);
    about(point(cost), 800.0 / 3.0);
    assert_eq!((cost.value.estimate().unwrap().n.trials, cost.value.estimate().unwrap().n.tasks), (4, 2));
    let none = card(&["a"], 2, &costs("a", "--", 100));
    assert_eq!(why(measure_of(&none, MeasureId::CostPerSuccess)), "no_successes");
}

/// Confidences of ten trials of two tasks, half of them right.
fn stated() -> Vec<TrialRecord> {
    let of = |task: &str| -> Vec<TrialRecord> {
        let said = [0.9, 0.9, 0.9, 0.2, 0.2].into_iter().zip("++--+".chars());
        (1..)
            .zip(said)
            .map(|(number, (confidence, sign))| {
                let record = trial(task, "agent", number).states(confidence);
                if sign == '+' { record } else { record.fails() }
            })
            .collect()
    };
    [of("a"), of("b")].concat()
}

#[test]
fn the_brier_score_is_the_sum_of_its_parts_in_both_decompositions() {
    let card = card(&["a", "b"], 5, &stated());
    let value = |id| point(measure_of(&card, id));
    let brier = value(MeasureId::Brier);
    about(
        value(MeasureId::Miscalibration) - value(MeasureId::Discrimination) + value(MeasureId::Uncertainty),
        brier,
    );
    let details = card.calibration.known().unwrap();
    let murphy = details.murphy;
    about(murphy.reliability.value() - murphy.resolution.value() + murphy.uncertainty.value(), brier);
    about(value(MeasureId::BrierSkill), 1.0 - brier / value(MeasureId::Uncertainty));
    assert_eq!((details.distinct, details.n.trials, details.steps.len()), (2, 10, 2));
    assert_eq!((details.steps[1].trials, details.steps[1].passed), (6, 4));
}

#[test]
fn the_calibration_error_stands_beside_what_chance_alone_gives() {
    let card = card(&["a", "b"], 5, &stated());
    let gap = 0.6 * (0.9 - 4.0 / 6.0) + 0.4 * (0.5 - 0.2);
    about(point(measure_of(&card, MeasureId::Ece)), gap);
    let null = card.calibration.known().unwrap().null.known().unwrap();
    about(point(measure_of(&card, MeasureId::EceNull)), null.mean.value());
    assert!(null.mean.value() > 0.0 && null.upper >= null.mean && null.simulations == 1000);
    assert_eq!(why_no_interval(measure_of(&card, MeasureId::Ece)), "no_method");
}

#[test]
fn risk_and_coverage_average_over_ties() {
    let card = card(&["a", "b"], 5, &stated());
    let details = card.calibration.known().unwrap();
    let last = details.risk_coverage.last().unwrap();
    about(last.coverage.value(), 1.0);
    about(last.risk.value(), 0.4);
    // The surest eight: six with two failures, and two of four that fail half the time.
    about(point(measure_of(&card, MeasureId::RiskAt80)), 3.0 / 8.0);
    assert!(point(measure_of(&card, MeasureId::ExcessAurc)) >= 0.0);
    assert!(details.spiegelhalter.known().is_some());
}

#[test]
fn safety_is_not_measured_as_long_as_tasks_cannot_declare_constraints() {
    let card = card(&["a"], 1, &[trial("a", "agent", 1)]);
    let Safety::NotMeasured(reason) = &card.safety else { panic!("{:?}", card.safety) };
    assert_eq!(reason.code(), "no_constraints");
}

#[test]
fn tasks_are_listed_by_how_often_they_are_solved() {
    let records =
        [outcomes("a", "++"), outcomes("b", "+-"), outcomes("c", "--"), outcomes("d", "+")].concat();
    let card = card(&["a", "b", "c", "d"], 2, &records);
    let names =
        |tasks: &[retrial_spec::TaskName]| -> Vec<String> { tasks.iter().map(ToString::to_string).collect() };
    let solved = &card.solved;
    let lists = [&solved.always, &solved.sometimes, &solved.never, &solved.too_few].map(|list| names(list));
    assert_eq!(lists, [["a"], ["b"], ["c"], ["d"]]);
}
