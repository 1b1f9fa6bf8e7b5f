//! What pictures show: that it agrees with the scorecard beside it, and holds together by itself.

use proptest::prelude::*;
use retrial_metrics::{
    CurveTally, Curves, Distribution, Finite, Known, MeasureId, NODES, Resource, Scorecard, Settings, TREES,
    TaskTree, TimeoutPolicy, TreeNode, UngradedPolicy, Value,
};
use retrial_spec::{Claim, Ending, ReplayFacts, RunId, RunManifest, TrialRecord};
use retrial_testkit::{SyntheticRun, measured_mut, run_with_faults};

use crate::build::{Change, measure, point, run, score, trial, why};
use crate::properties::{runs, settings, shuffled_run};

fn tallied(manifest: &RunManifest, records: &[TrialRecord], settings: &Settings) -> Vec<Curves> {
    let mut tally = CurveTally::new(manifest, settings);
    for record in records {
        tally.add(record);
    }
    tally.finish()
}

/// The curves of a run with one agent, by the default settings.
fn curves(manifest: &RunManifest, records: &[TrialRecord]) -> Curves {
    let [curves] = tallied(manifest, records, &Settings::default()).try_into().unwrap();
    curves
}

fn letters(curves: &Curves) -> Vec<(&str, &str)> {
    curves.outcomes.iter().map(|row| (row.task.as_str(), row.trials.as_str())).collect()
}

/// The code of the reason why there is none.
fn missing<T: std::fmt::Debug>(known: &Known<T>) -> &str {
    match known {
        Known::Undefined(reason) => reason.code(),
        Known::Known(known) => panic!("there is {known:?}"),
    }
}

fn distribution(curves: &Curves, resource: Resource) -> &Known<Distribution> {
    &curves.spread.iter().find(|curve| curve.resource == resource).unwrap().distribution
}

#[test]
fn every_planned_trial_has_a_letter_and_every_planned_task_a_row() {
    let records = [
        trial("b", "agent", 1).claims(Claim::Done),
        trial("b", "agent", 2).fails().claims(Claim::Done),
        trial("b", "agent", 3).fails().claims(Claim::NotDone),
        trial("b", "agent", 4).fails(),
        trial("b", "agent", 6).ungraded().claims(Claim::Done),
        trial("b", "agent", 7).infrastructure(),
        trial("b", "agent", 8).times_out().claims(Claim::Done),
    ];
    let manifest = run(&["agent"], &["c", "b"], 8);
    assert_eq!(letters(&curves(&manifest, &records)), [("b", "PIFF-xxP"), ("c", "--------")]);
    let strict =
        Settings { timeout: TimeoutPolicy::Fail, ungraded: UngradedPolicy::Fail, ..Settings::default() };
    assert_eq!(letters(&tallied(&manifest, &records, &strict)[0])[0], ("b", "PIFF-IFI"));
}

#[test]
fn the_letter_of_an_invisible_failure_is_counted_as_the_measure_counts_it() {
    let claims = [Claim::Done, Claim::NotDone, Claim::Done, Claim::NeedsHuman, Claim::Done];
    let failed = |(number, &claim)| trial("a", "agent", number).fails().claims(claim);
    let mut records: Vec<TrialRecord> = (1..).zip(&claims).map(failed).collect();
    records.push(trial("a", "agent", 6).claims(Claim::Done));
    let manifest = run(&["agent"], &["a"], 6);
    let row = &curves(&manifest, &records).outcomes[0].trials;
    let invisible = row.matches('I').count();
    assert_eq!(invisible, 3);
    let share =
        point(measure(&score(&manifest, &records).unwrap().scorecards[0], MeasureId::InvisibleOfTrials));
    assert!((share * 6.0 - invisible as f64).abs() < 1e-12);
}

#[test]
fn curves_stand_in_the_order_of_the_scorecards() {
    let manifest = run_with_faults(&["second", "first"], &["a"], 2);
    let records = [trial("a", "first", 1).hit(1, 1), trial("a", "second", 2).fails()];
    let curves = tallied(&manifest, &records, &Settings::default());
    let scored = score(&manifest, &records).unwrap();
    let subjects: Vec<_> = scored.scorecards.iter().map(|card| (&card.agent, &card.condition)).collect();
    assert_eq!(curves.iter().map(|one| (&one.agent, &one.condition)).collect::<Vec<_>>(), subjects);
    let rows: Vec<&str> = curves.iter().map(|one| one.outcomes[0].trials.as_str()).collect();
    assert_eq!(rows, ["-F", "--", "--", "P-"]);
}

#[test]
fn a_record_that_scoring_would_refuse_is_left_out() {
    let manifest = run(&["agent"], &["a"], 2);
    let unfit = [
        trial("a", "agent", 1).states(1.5),
        trial("a", "agent", 0),
        trial("a", "agent", 3),
        trial("b", "agent", 1),
        trial("a", "nobody", 1),
        trial("a", "agent", 1).hit(1, 1),
    ];
    assert!(unfit.iter().all(|record| score(&manifest, std::slice::from_ref(record)).is_err()));
    assert_eq!(curves(&manifest, &unfit), curves(&manifest, &[]));
}

#[test]
fn a_run_without_records_has_reasons_and_no_curves() {
    let curves = curves(&run(&["agent"], &["a"], 3), &[]);
    assert_eq!(missing(&curves.roc), "no_trials");
    assert_eq!(missing(&curves.consistency_band), "no_trials");
    assert!(curves.spread.iter().all(|curve| missing(&curve.distribution) == "no_trials"));
    assert!(curves.trees.is_empty());
}

#[test]
fn confidences_that_are_missing_or_tell_nothing_apart_leave_the_curve_undefined() {
    let manifest = run(&["agent"], &["a"], 2);
    let silent = curves(&manifest, &[trial("a", "agent", 1), trial("a", "agent", 2).fails()]);
    assert_eq!(
        (missing(&silent.roc), missing(&silent.consistency_band)),
        ("no_confidences", "no_confidences")
    );
    let passed = [trial("a", "agent", 1).states(0.5), trial("a", "agent", 2).states(0.5)];
    let passed = curves(&manifest, &passed);
    assert_eq!(missing(&passed.roc), "one_class");
    let band = passed.consistency_band.known().unwrap();
    assert_eq!((band.points.len(), band.seed, band.simulations), (1, 0, 1000));
}

#[test]
fn times_of_a_replayed_run_measure_nothing_and_what_nobody_recorded_is_missing() {
    let mut manifest = run(&["agent"], &["a"], 2);
    let records = [trial("a", "agent", 1).uses(10).takes(500), trial("a", "agent", 2).uses(20).takes(700)];
    let told = |manifest: &RunManifest| {
        let curves = curves(manifest, &records);
        let word = |known: &Known<Distribution>| match known {
            Known::Known(known) => known.p50.value().to_string(),
            Known::Undefined(reason) => reason.code().to_owned(),
        };
        curves.spread.iter().map(|curve| word(&curve.distribution)).collect::<Vec<String>>().join(" ")
    };
    assert_eq!(told(&manifest), "15 600 not_recorded 1000 not_recorded 1");
    measured_mut(&mut manifest).replay_of =
        Some(ReplayFacts { run: RunId::new("run-0").unwrap(), path: "runs/run-0".to_owned() });
    assert_eq!(told(&manifest), "15 replayed replayed replayed not_recorded 1");
}

#[test]
fn the_tail_of_few_trials_is_undefined_as_the_measure_of_it_is() {
    let of = |trials: u32| {
        let records: Vec<TrialRecord> =
            (1..=trials).map(|number| trial("a", "agent", number).uses(u64::from(number) * 10)).collect();
        let manifest = run(&["agent"], &["a"], trials);
        let card = score(&manifest, &records).unwrap().scorecards.remove(0);
        (curves(&manifest, &records), card)
    };
    let tail = |card: &Scorecard| card.all(MeasureId::TokenP95).next().unwrap().clone();
    let (curves, card) = of(19);
    let tokens = distribution(&curves, Resource::Tokens).known().unwrap();
    assert_eq!((missing(&tokens.p95), why(&tail(&card))), ("too_few_trials", "too_few_trials"));
    let (curves, card) = of(20);
    let tokens = distribution(&curves, Resource::Tokens).known().unwrap();
    assert_eq!(tokens.p95.value(), Some(point(&tail(&card))));
    assert_eq!((tokens.p50.value(), tokens.n.trials, tokens.n.tasks), (105.0, 20, 1));
    assert_eq!((tokens.steps[0].amount.value(), tokens.steps[0].share.value()), (10.0, 0.05));
}

/// A tree as indented lines: action, trials, passed, ended.
fn drawn(tree: &TaskTree) -> String {
    let text = format!("{}: {} trials, {} passed\n", tree.task, tree.trials, tree.passed);
    let mut lines: Vec<(Vec<usize>, String)> = Vec::new();
    for (place, node) in tree.nodes.iter().enumerate() {
        let mut path = node.parent.map_or_else(Vec::new, |parent| lines[parent as usize].0.clone());
        path.push(place);
        let TreeNode { action, trials, passed, ended, .. } = node;
        let line = format!("{}{action} {trials} {passed} {ended}\n", "  ".repeat(path.len()));
        lines.push((path, line));
    }
    lines.sort();
    text + &lines.into_iter().map(|(_, line)| line).collect::<String>()
}

#[test]
fn a_tree_follows_trials_until_each_goes_alone() {
    let records = [
        trial("a", "agent", 1).does("read:cat edit:sed test:pytest"),
        trial("a", "agent", 2).does("read:cat edit:sed").fails(),
        trial("a", "agent", 3).does("read:cat test:pytest edit:sed"),
        trial("a", "agent", 4).does("search:grep edit:sed").fails(),
        trial("a", "agent", 5).does("read:cat edit:sed test:pytest").fails(),
        trial("a", "agent", 6).does(""),
        trial("a", "agent", 7).does("read:cat").ungraded(),
        trial("a", "agent", 8).does("read:cat").infrastructure(),
    ];
    let curves = curves(&run(&["agent"], &["a"], 8), &records);
    insta::assert_snapshot!(drawn(&curves.trees[0]), @r"
    a: 6 trials, 3 passed
      read cat 4 2 0
        edit sed 3 1 1
          test pytest 2 1 2
        test pytest 1 1 0
      search grep 1 0 0
    ");
    assert!(!curves.trees[0].is_cut);
}

#[test]
fn trees_are_of_tasks_whose_outcome_changes_the_nearest_to_half_first() {
    let counts = [("a", 1, 5), ("b", 3, 6), ("c", 5, 5), ("d", 2, 4), ("e", 0, 5), ("f", 4, 5), ("g", 3, 5)];
    let mut records = Vec::new();
    for (task, passed, trials) in counts {
        let of_task = (1..=trials).map(|number| trial(task, "agent", number));
        records
            .extend(of_task.map(|record| if record.trial.number > passed { record.fails() } else { record }));
    }
    let names: Vec<&str> = counts.iter().map(|(task, ..)| *task).collect();
    let curves = curves(&run(&["agent"], &names, 6), &records);
    let shown: Vec<&str> = curves.trees.iter().map(|tree| tree.task.as_str()).collect();
    assert_eq!(shown, ["b", "d", "g", "a", "f"]);
}

#[test]
fn there_are_no_trees_where_nobody_recorded_actions() {
    let records = [trial("a", "agent", 1).does(""), trial("a", "agent", 2).does("").fails()];
    assert!(curves(&run(&["agent"], &["a"], 2), &records).trees.is_empty());
}

#[test]
fn a_large_tree_loses_its_deepest_nodes_and_says_so() {
    let names = ["read:cat", "edit:sed", "test:pytest", "run:python"];
    // As many trials as it takes that they part in four at each of so many actions.
    let grown = |actions: u32| {
        let record = |place: u32| {
            let word = |action: u32| names[(place / 4_u32.pow(action) % 4) as usize];
            let words: Vec<&str> = (0..actions).map(word).collect();
            let record = trial("a", "agent", place + 1).does(&words.join(" "));
            if place.is_multiple_of(2) { record.fails() } else { record }
        };
        let records: Vec<TrialRecord> = (0..4_u32.pow(actions)).map(record).collect();
        curves(&run(&["agent"], &["a"], 4_u32.pow(actions)), &records).trees.remove(0)
    };
    let depth = |tree: &TaskTree, place: usize| {
        let up = |&at: &usize| tree.nodes[at].parent.map(|parent| parent as usize);
        std::iter::successors(Some(place), up).count()
    };
    let whole = grown(3);
    assert_eq!((whole.nodes.len(), whole.is_cut), (4 + 16 + 64, false));
    let cut = grown(4);
    assert_eq!((cut.nodes.len(), cut.is_cut, cut.trials), (NODES, true, 256));
    assert_eq!((0..NODES).filter(|&place| depth(&cut, place) <= 3).count(), 4 + 16 + 64);
    assert!(is_whole(&cut));
}

#[test]
fn a_synthetic_run_has_as_many_trees_as_are_shown_at_most() {
    let synthetic =
        SyntheticRun { agents: 2, tasks: 40, trials: 10, actions: 30, with_faults: false, seed: 3 };
    let (manifest, records) = (synthetic.manifest(), synthetic.records().collect::<Vec<_>>());
    for curves in tallied(&manifest, &records, &Settings::default()) {
        assert_eq!(curves.trees.len(), TREES);
        assert!(curves.trees.iter().all(|tree| tree.nodes.len() <= NODES && is_whole(tree)));
    }
}

/// Whether the counts of every node agree with those of its children.
fn is_whole(tree: &TaskTree) -> bool {
    let children = |parent: Option<usize>| {
        let parent = parent.map(|place| place as u32);
        tree.nodes.iter().filter(move |node| node.parent == parent)
    };
    let trials = |parent| children(parent).map(|node| node.trials).sum::<u64>();
    let passed = |parent| children(parent).map(|node| node.passed).sum::<u64>();
    let agrees = |(place, node): (usize, &TreeNode)| {
        let before = node.parent.is_none_or(|parent| (parent as usize) < place);
        let below = if node.trials == 1 || tree.is_cut {
            trials(Some(place)) + node.ended <= node.trials
        } else {
            trials(Some(place)) + node.ended == node.trials
        };
        before && below && passed(Some(place)) <= node.passed && node.passed <= node.trials
    };
    let ordered = |parent| {
        let order = |node: &TreeNode| (std::cmp::Reverse(node.trials), node.action.clone());
        children(parent).map(order).is_sorted()
    };
    trials(None) <= tree.trials
        && passed(None) <= tree.passed
        && tree.nodes.iter().enumerate().all(agrees)
        && std::iter::once(None).chain((0..tree.nodes.len()).map(Some)).all(ordered)
}

/// Trials of the task that are compared, and those of them that did something.
fn compared(task: &TaskTree, records: &[TrialRecord], curves: &Curves) -> (u64, u64) {
    let row = curves.outcomes.iter().find(|row| row.task == task.task).unwrap();
    let mut counts = (0, 0);
    for record in records.iter().filter(|record| record.trial.task == task.task) {
        let letter = row.trials.as_bytes()[record.trial.number as usize - 1];
        let ran = !matches!(record.ending, Ending::Infrastructure { .. });
        if letter != b'x' && ran {
            counts.0 += 1;
            counts.1 += u64::from(record.actions.value().is_some_and(|actions| !actions.is_empty()));
        }
    }
    counts
}

fn letters_agree(curves: &Curves, card: &Scorecard) -> bool {
    let count = |letters: &[char]| {
        curves.outcomes.iter().map(|row| row.trials.matches(letters).count() as u64).sum::<u64>()
    };
    let of = &card.denominators;
    (count(&['P']), count(&['F', 'I']), count(&['x']), count(&['-']))
        == (of.passed, of.failed, of.excluded, of.books.missing)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_trials_and_tasks_changes_no_byte_of_the_curves(
        (manifest, records, turned, shuffled) in shuffled_run(),
        settings in settings(),
    ) {
        let json = |manifest, records| serde_json::to_string(&tallied(manifest, records, &settings)).unwrap();
        prop_assert_eq!(json(&manifest, &records), json(&turned, &shuffled));
    }

    #[test]
    fn curves_agree_with_the_scorecard_and_are_undefined_where_it_is(
        (manifest, records) in runs(),
        settings in settings(),
    ) {
        let scored = retrial_metrics::scorecard(&manifest, records.clone(), &settings).unwrap();
        let (card, curves) = (&scored.scorecards[0], &tallied(&manifest, &records, &settings)[0]);
        prop_assert!(letters_agree(curves, card));
        match (&curves.roc, &measure(card, MeasureId::Auroc).value) {
            (Known::Undefined(of_curve), Value::Undefined(of_measure)) => prop_assert_eq!(of_curve, of_measure),
            (Known::Known(points), Value::Estimate(estimate)) => {
                let (mut area, mut before) = (0.0, (0.0, 0.0));
                for point in points {
                    let (x, y) = (point.failures.value(), point.successes.value());
                    area += (x - before.0) * f64::midpoint(y, before.1);
                    before = (x, y);
                }
                prop_assert!((area - estimate.point.value()).abs() < 1e-12);
                prop_assert_eq!(before, (1.0, 1.0));
            }
            (curve, measure) => prop_assert!(false, "{:?} {:?}", curve, measure),
        }
        match (&curves.consistency_band, &card.calibration) {
            (Known::Undefined(of_band), Known::Undefined(of_card)) => prop_assert_eq!(of_band, of_card),
            (Known::Known(band), Known::Known(calibration)) => {
                prop_assert_eq!(band.points.len() as u64, calibration.distinct);
            }
            (band, calibration) => prop_assert!(false, "{:?} {:?}", band, calibration),
        }
    }

    #[test]
    fn spreads_rise_to_all_trials_and_are_undefined_where_the_median_is(
        (manifest, records) in runs(),
        settings in settings(),
    ) {
        let scored = retrial_metrics::scorecard(&manifest, records.clone(), &settings).unwrap();
        let (card, curves) = (&scored.scorecards[0], &tallied(&manifest, &records, &settings)[0]);
        let medians = [
            (Resource::Tokens, MeasureId::TokenMedian),
            (Resource::Time, MeasureId::TimeMedian),
            (Resource::ModelTime, MeasureId::ModelTimeMedian),
            (Resource::Waiting, MeasureId::WaitingMedian),
            (Resource::Cost, MeasureId::CostMedian),
            (Resource::Steps, MeasureId::StepMedian),
        ];
        prop_assert_eq!(curves.spread.len(), medians.len());
        for (curve, (resource, median)) in curves.spread.iter().zip(medians) {
            let median = card.all(median).next().unwrap();
            prop_assert_eq!((curve.resource, curve.unit), (resource, median.unit));
            match (&curve.distribution, &median.value) {
                (Known::Undefined(of_curve), Value::Undefined(of_measure)) => {
                    prop_assert_eq!(of_curve, of_measure);
                }
                (Known::Known(known), Value::Estimate(estimate)) => {
                    prop_assert_eq!(known.n, estimate.n);
                    let rises = |pair: &[retrial_metrics::SpreadStep]| {
                        pair[0].amount < pair[1].amount && pair[0].share < pair[1].share
                    };
                    prop_assert!(known.steps.windows(2).all(rises));
                    prop_assert_eq!(known.steps.last().map(|step| step.share), Finite::new(1.0).ok());
                }
                (curve, measure) => prop_assert!(false, "{:?} {:?}", curve, measure),
            }
        }
    }

    #[test]
    fn every_trial_of_a_tree_ends_in_it_or_goes_alone(
        (manifest, records) in runs(),
        settings in settings(),
    ) {
        let curves = &tallied(&manifest, &records, &settings)[0];
        for tree in &curves.trees {
            prop_assert!(0 < tree.passed && tree.passed < tree.trials);
            prop_assert!(is_whole(tree) && !tree.is_cut, "{:?}", tree);
            let roots: u64 =
                tree.nodes.iter().filter(|node| node.parent.is_none()).map(|node| node.trials).sum();
            prop_assert_eq!((tree.trials, roots), compared(tree, &records, curves));
        }
    }
}
