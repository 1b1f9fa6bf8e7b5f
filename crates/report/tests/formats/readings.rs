//! Each rule of the sentences, and runs that have little to say.

use retrial_metrics::{Scorecard, Settings, Target};
use retrial_report::{Report, limits, limits_of_run, reading};
use retrial_spec::{Claim, TrialRecord};
use retrial_testkit::{Change, run, run_with_faults, trial};

use crate::fixture::{manifest, records, report, report_of, report_of_letters, reported};

fn card(report: &Report) -> &Scorecard {
    &report.runs[0].scored.scorecards[0]
}

/// The scorecard of one agent on two tasks of eight trials, each made by the function from its task and number.
fn made(make: impl Fn(&str, u32) -> TrialRecord) -> Report {
    let manifest = run(&["solo"], &["a", "b", "c"], 8);
    let records: Vec<TrialRecord> = ["a", "b", "c"]
        .iter()
        .flat_map(|task| (1..=8).map(|number| make(task, number)).collect::<Vec<_>>())
        .collect();
    report_of(vec![reported(&manifest, &records, &Settings::default())])
}

fn contains(sentences: &[String], part: &str) -> bool {
    sentences.iter().any(|sentence| sentence.contains(part))
}

#[test]
fn sentences_of_the_small_run() {
    let report = report();
    let text: Vec<String> = report.runs[0]
        .scored
        .scorecards
        .iter()
        .map(|card| {
            format!(
                "{}\n\n{}\n\n-- cannot say:\n\n{}\n",
                card.agent,
                reading(card).join("\n"),
                limits(card).join("\n")
            )
        })
        .collect();
    insta::assert_snapshot!(text.join("\n\n"));
}

#[test]
fn every_sentence_is_one() {
    let report = report();
    let scored = &report.runs[0].scored;
    let sentences = scored.scorecards.iter().flat_map(|card| [reading(card), limits(card)].concat());
    for sentence in sentences.chain(limits_of_run(scored)) {
        assert!(
            sentence.starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit()),
            "{sentence}"
        );
        assert!(
            sentence.ends_with('.') && !sentence.contains('\n') && !sentence.contains(".."),
            "{sentence}"
        );
        assert!(!sentence.contains("NaN"), "{sentence}");
    }
}

#[test]
fn a_run_that_always_passes_says_so_and_nothing_of_failures() {
    let report = report_of_letters(&[("a", "PPPPP"), ("b", "PPPPP"), ("c", "PPPPP")]);
    let found = reading(card(&report));
    assert!(
        found[0].starts_with(
            "Succeeds on every one of 15 graded trials (95 % interval 51–100 %, for new tasks like these)."
        ),
        "{found:?}"
    );
    assert!(contains(&found, "On none of 3 tasks does the result change"), "{found:?}");
    assert!(!contains(&found, "When it fails") && !contains(&found, "tries at a task"), "{found:?}");
    assert!(contains(&limits(card(&report)), "because no trial failed"), "{:?}", limits(card(&report)));
}

#[test]
fn a_run_that_never_passes_says_so_and_has_no_price() {
    let report = report_of_letters(&[("a", "FFF"), ("b", "FFF")]);
    let found = reading(card(&report));
    assert!(
        found[0].starts_with("Fails on every one of 6 graded trials (success rate: 95 % interval 0–"),
        "{found:?}"
    );
    assert!(!contains(&found, "costs"), "{found:?}");
    assert!(contains(&limits(card(&report)), "Some task has only 3 graded trials"));
}

#[test]
fn a_run_in_which_nothing_was_graded_says_only_that() {
    let report = report_of_letters(&[("a", "xx"), ("b", "xx")]);
    let found = reading(card(&report));
    assert_eq!(found, ["4 of 4 finished trials do not count: 4 failed for reasons of infrastructure."]);
    let cannot = limits(card(&report));
    assert!(contains(&cannot, ": success rate, "), "{cannot:?}");
    assert!(contains(&cannot, "because no trial was graded: "), "{cannot:?}");
    assert!(
        contains(&cannot, "had all of them failed, success would be 0 %; had all passed, 100 %"),
        "{cannot:?}"
    );
    assert!(!contains(&cannot, "left out of every measure"), "{cannot:?}");
}

#[test]
fn one_task_has_no_interval_and_says_why() {
    let report = report_of_letters(&[("a", "PPFPP")]);
    let found = reading(card(&report));
    assert_eq!(found[0], "Succeeds on 80 % of trials (no interval).");
    assert!(contains(&found, "The result of the task changes from run to run."), "{found:?}");
    let cannot = limits(card(&report));
    assert!(
        contains(&cannot, "a single task with graded trials, which says nothing of new tasks"),
        "{cannot:?}"
    );
}

#[test]
fn a_single_trial_is_not_called_many() {
    let report = report_of_letters(&[("a", "P")]);
    assert_eq!(reading(card(&report))[0], "Succeeds on its only graded trial (no interval).");
    let report = report_of_letters(&[("a", "F")]);
    assert_eq!(reading(card(&report))[0], "Fails on its only graded trial (no interval).");
    let report = report_of_letters(&[("a", "PPx"), ("b", "PPP")]);
    let found = reading(card(&report));
    assert!(contains(
        &found,
        "1 of 6 finished trials does not count: 1 failed for reasons of infrastructure."
    ));
    assert!(
        contains(&limits(card(&report)), "1 trial does not count: had it failed"),
        "{:?}",
        limits(card(&report))
    );
}

#[test]
fn tasks_with_unlike_numbers_of_trials_are_said_to_count_alike() {
    let report = report_of_letters(&[("a", "PPPP"), ("b", "PFxx")]);
    let found = reading(card(&report));
    assert!(found[0].starts_with("Succeeds on 75 % of trials, every task counting alike"), "{found:?}");
}

#[test]
fn the_same_in_another_order_is_said_where_the_numbers_say_it() {
    let orders = [
        "read:a read:b read:c read:d read:e read:f",
        "read:f read:e read:d read:c read:b read:a",
        "read:c read:a read:f read:b read:e read:d",
        "read:d read:f read:a read:e read:c read:b",
    ];
    let shuffled = made(|task, number| trial(task, "solo", number).does(orders[(number % 4) as usize]));
    let found = reading(card(&shuffled));
    assert!(contains(&found, "the same things but in a different order each time"), "{found:?}");
    let steady = made(|task, number| trial(task, "solo", number).does(orders[0]));
    assert!(contains(&reading(card(&steady)), "much the same order each time"));
    let kinds = ["read:a read:a", "edit:b", "test:c test:c", "run:d run:e"];
    let different = made(|task, number| trial(task, "solo", number).does(kinds[(number % 4) as usize]));
    assert!(contains(&reading(card(&different)), "It does different things each time"));
}

#[test]
fn claims_of_failures_are_counted_in_tens() {
    let claiming = |every: u32| {
        made(move |task, number| {
            let claim = if number % 8 < every { Claim::Done } else { Claim::NotDone };
            trial(task, "solo", number).fails().claims(claim)
        })
    };
    for (of_eight, expected) in [
        (0, "it never says that it is done"),
        (8, "it says that it is done every time"),
        (4, "done 5 times in 10"),
    ] {
        let report = claiming(of_eight);
        let found = reading(card(&report));
        assert!(contains(&found, expected) && contains(&found, "of 24 failures"), "{found:?}");
    }
}

#[test]
fn too_high_a_confidence_is_told_with_an_example_and_an_unclear_one_without() {
    let stating = |confidence: f64| {
        made(move |task, number| {
            let made = trial(task, "solo", number).states(confidence);
            if number <= 4 + u32::from(task == "a") { made } else { made.fails() }
        })
    };
    let high = reading(card(&stating(0.9)));
    assert!(
        contains(
            &high,
            "The confidence it states is on average 36 points above what succeeds (95 % interval +"
        ),
        "{high:?}"
    );
    assert!(contains(&high, "it says 90 % where 54 % of 24 trials succeed"), "{high:?}");
    let low = reading(card(&stating(0.1)));
    assert!(
        contains(
            &low,
            "The confidence it states is on average 44 points below what succeeds (95 % interval −"
        ),
        "{low:?}"
    );
    let unclear = reading(card(&stating(0.55)));
    assert!(contains(&unclear, "which may be chance."), "{unclear:?}");
    assert!(contains(&unclear, "is on average 1 point above what succeeds (95 % interval −"), "{unclear:?}");
}

#[test]
fn what_was_not_measured_is_named_with_its_reason_and_no_sentence_is_made_of_it() {
    let report = report_of_letters(&[("a", "PFP"), ("b", "PPP")]);
    let (found, cannot) = (reading(card(&report)), limits(card(&report)));
    for absent in ["confidence", "costs", "×/÷", "says that it is done"] {
        assert!(!contains(&found, absent), "{absent}: {found:?}");
    }
    for present in ["cost per success", "stated confidence", "Safety was not measured", "2 tasks are few"] {
        assert!(contains(&cannot, present), "{present}: {cannot:?}");
    }
}

#[test]
fn the_fixed_suite_speaks_of_these_tasks() {
    let settings = Settings { target: Target::FixedSuite, ..Settings::default() };
    let run = reported(&manifest(), &records(), &settings);
    let card = &run.scored.scorecards[0];
    assert!(contains(&reading(card), "for exactly these tasks, run again"), "{:?}", reading(card));
    assert!(contains(&limits(card), "they say nothing of other tasks"));
}

#[test]
fn robustness_counts_as_measured_where_a_condition_has_faults() {
    let plain = report_of_letters(&[("a", "PP"), ("b", "PP")]);
    assert!(contains(&limits_of_run(&plain.runs[0].scored), "Robustness was not measured"));
    let manifest = run_with_faults(&["solo"], &["a", "b"], 1);
    let records = ["a", "b"].map(|task| [trial(task, "solo", 1), trial(task, "solo", 1).hit(1, 1)]).concat();
    let with = reported(&manifest, &records, &Settings::default());
    assert!(!contains(&limits_of_run(&with.scored), "Robustness"));
}

#[test]
fn missing_trials_and_tasks_without_verdict_are_counted() {
    let manifest = run(&["solo"], &["a", "b", "c"], 2);
    let records = vec![trial("a", "solo", 1), trial("a", "solo", 2), trial("b", "solo", 1).infrastructure()];
    let run = reported(&manifest, &records, &Settings::default());
    let cannot = limits(&run.scored.scorecards[0]);
    assert!(contains(&cannot, "3 of 6 planned trials have no record."), "{cannot:?}");
    assert!(
        contains(&cannot, "2 of 3 tasks have no graded trial and are left out of every measure."),
        "{cannot:?}"
    );
    assert!(contains(&limits_of_run(&run.scored), "3 of 6 planned trials are missing."));
}
