//! `JUnit` XML.

use retrial_metrics::Settings;
use retrial_report::{Junit, JunitError, Report};
use retrial_spec::{Ending, Phase, TrialRecord};
use retrial_testkit::{Change, run, trial};

use crate::fixture::{manifest, records, report, report_of, reported};

fn junit(report: &Report, records: &[&[TrialRecord]]) -> String {
    let mut junit = Junit::new(report);
    for (run, records) in records.iter().enumerate() {
        for record in *records {
            junit.add(run, record).unwrap();
        }
    }
    junit.finish().unwrap()
}

fn attribute<'a>(node: &roxmltree::Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap()
}

#[test]
fn junit_of_the_small_run() {
    insta::assert_snapshot!(junit(&report(), &[&records()]));
}

#[test]
fn a_task_is_one_test_that_passes_where_every_graded_trial_passed() {
    let report = report();
    let xml = junit(&report, &[&records()]);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let suites: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testsuite")).collect();
    let cards = &report.runs[0].scored.scorecards;
    assert_eq!(suites.len(), cards.len());
    for (suite, card) in suites.iter().zip(cards) {
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        assert_eq!(cases.len(), card.tasks.len());
        for (case, task) in cases.iter().zip(&card.tasks) {
            assert_eq!(attribute(case, "name"), task.task.as_str());
            let failure = case.children().find(|node| node.has_tag_name("failure"));
            assert_eq!(failure.is_some(), task.passed < task.graded, "{}", task.task);
            if let Some(failure) = failure {
                let start = format!("{} of {} trials failed: ", task.graded - task.passed, task.graded);
                assert!(attribute(&failure, "message").starts_with(&start), "{start}");
            }
        }
        let failing = card.tasks.iter().filter(|task| task.passed < task.graded).count();
        assert_eq!(attribute(suite, "failures"), failing.to_string());
        assert_eq!(attribute(suite, "errors"), "0");
    }
}

#[test]
fn the_order_of_records_changes_nothing() {
    let mut turned = records();
    turned.reverse();
    assert_eq!(junit(&report(), &[&records()]), junit(&report(), &[&turned]));
}

#[test]
fn tasks_without_a_graded_trial_are_skipped_with_the_reason() {
    let manifest = run(&["solo"], &["a", "b", "c"], 2);
    let records =
        vec![trial("a", "solo", 1), trial("b", "solo", 1).infrastructure(), trial("b", "solo", 2).revoked()];
    let report = report_of(vec![reported(&manifest, &records, &Settings::default())]);
    let xml = junit(&report, &[&records]);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let reasons: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("skipped"))
        .map(|node| attribute(&node, "message"))
        .collect();
    assert_eq!(reasons, ["none of 2 finished trials counts", "none of 2 planned trials has a record"]);
    let told = document.descendants().find(|node| node.has_tag_name("system-out")).unwrap().text().unwrap();
    assert!(
        told.contains("trial 1: infrastructure (setup: no sandbox), ungraded (infrastructure)"),
        "{told}"
    );
    assert!(told.contains("trial 2: revoked, ungraded (revoked)"), "{told}");
}

#[test]
fn hostile_causes_and_models_are_valid_xml_and_stay_on_their_line() {
    let mut manifest = run(&["solo"], &["a"], 3);
    let hostile = "]]> <x a='\"'>&amp;\u{0}\u{1b}[31m\u{ffff}\nline\r two \u{8}";
    manifest.agents[0].model = Some(hostile.to_owned());
    let mut broken = trial("a", "solo", 1).infrastructure();
    broken.ending = Ending::Infrastructure { phase: Phase::Setup, cause: hostile.repeat(100) };
    let mut failed = trial("a", "solo", 2).fails();
    failed.ending = Ending::Crash { reason: retrial_spec::CrashReason::Model(hostile.to_owned()) };
    let records = vec![broken, failed, trial("a", "solo", 3)];
    let report = report_of(vec![reported(&manifest, &records, &Settings::default())]);
    let xml = junit(&report, &[&records]);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(attribute(&failure, "message"), "1 of 2 trials failed: 2");
    assert_eq!(failure.text().unwrap().lines().count(), 2, "{xml}");
    assert!(failure.text().unwrap().contains("]]> <x a='\"'>&amp;"), "{xml}");
    assert!(xml.chars().all(|letter| !letter.is_control() || letter == '\n'), "{xml:?}");
    assert!(xml.len() < 4_000, "{}", xml.len());
}

#[test]
fn suites_of_several_runs_are_told_apart_by_the_run() {
    let mut second = manifest();
    second.run = retrial_spec::RunId::new("run-2").unwrap();
    let runs = vec![
        reported(&manifest(), &records(), &Settings::default()),
        reported(&second, &records(), &Settings::default()),
    ];
    let report = report_of(runs);
    let xml = junit(&report, &[&records(), &records()]);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let names: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .map(|node| attribute(&node, "name"))
        .collect();
    let expected = [
        "run-1: steady, baseline",
        "run-1: swift, baseline",
        "run-2: steady, baseline",
        "run-2: swift, baseline",
    ];
    assert_eq!(names, expected);
}

#[test]
fn many_failures_of_a_task_are_counted_and_some_of_them_told() {
    let manifest = run(&["solo"], &["a"], 500);
    let records: Vec<TrialRecord> =
        (1..=500).rev().map(|number| trial("a", "solo", number).fails()).collect();
    let report = report_of(vec![reported(&manifest, &records, &Settings::default())]);
    let xml = junit(&report, &[&records]);
    assert!(xml.contains("500 of 500 trials failed: 1, 2, 3, "), "{xml}");
    assert!(xml.contains(", 20 and 480 more"), "{xml}");
    assert!(xml.len() < 4_000);
}

#[test]
fn a_record_of_another_run_is_refused() {
    let report = report();
    let mut junit = Junit::new(&report);
    let stranger = trial("nowhere", "steady", 1);
    assert!(
        matches!(junit.add(0, &stranger), Err(JunitError::Unknown { trial }) if *trial == stranger.trial)
    );
    assert!(junit.add(7, &records()[0]).is_err());
}
