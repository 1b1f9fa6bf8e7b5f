//! The page in a browser: `RETRIAL_CHROMIUM` or `/usr/bin/chromium`, driven from Node.js. Without them the tests say that they were
//! skipped; with `RETRIAL_REQUIRE_BROWSER=1` they fail.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests may print and unwrap like tests"
)]

mod fixture;

use std::path::PathBuf;
use std::sync::Mutex;

use fixture::Fixture;
use retrial_report::{Mode, PageError, RunTrials, page};
use retrial_testkit::browser_script;

/// The most that a page of 10,000 trials may take.
const LARGEST: usize = 15_000_000;

/// One browser at a time, and one installation of the packages that drive it.
static BROWSER: Mutex<()> = Mutex::new(());

#[test]
fn a_page_shows_the_numbers_of_the_report_and_opens_trials_by_click_keyboard_and_address() {
    let fixture = Fixture::small();
    check(&fixture, "small");
}

#[test]
fn a_page_of_ten_thousand_trials_stays_small_and_builds_few_cells_at_first() {
    let fixture = Fixture::large();
    let html = fixture.page();
    println!("{} bytes for 10,000 trials", html.len());
    assert!(html.len() < LARGEST, "{} bytes", html.len());
    check(&fixture, "large");
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let fixture = Fixture::small();
    assert!(fixture.page() == fixture.page());
}

#[test]
fn texts_that_are_too_long_for_the_page_are_cut_and_the_page_says_so() {
    let fixture = Fixture::with_long_patches();
    assert!(fixture.page().len() < LARGEST);
}

#[test]
fn trials_of_fewer_runs_than_the_report_has_are_refused() {
    let fixture = Fixture::small();
    let error = page(&fixture.report, &[], Mode::File).unwrap_err();
    assert!(matches!(error, PageError::Runs { runs: 1, given: 0 }), "{error}");
}

#[test]
fn a_page_of_two_runs_has_every_id_once() {
    let fixture = Fixture::small();
    let mut report = fixture.report.clone();
    report.runs.push(report.runs[0].clone());
    let trials = RunTrials { records: &fixture.records, directory: None };
    let html = page(&report, &[trials, trials], Mode::File).unwrap();
    let mut ids: Vec<&str> =
        html.split(" id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    let found = ids.len();
    assert!(ids.contains(&"card-1-3-measures") && ids.contains(&"details-1-11"));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), found);
}

#[test]
fn nothing_foreign_becomes_markup() {
    let fixture = Fixture::small();
    let html = fixture.page();
    assert!(!html.contains("<script>window.hostile"), "a foreign script stands on the page");
    assert!(!html.contains("<img src=x"), "a foreign element stands on the page");
    assert!(!html.contains('\u{1b}') && !html.contains('\u{2028}'));
}

#[test]
fn a_page_without_run_directory_has_facts_and_actions_alone() {
    let fixture = Fixture::small();
    let with = fixture.page();
    let without =
        page(&fixture.report, &[RunTrials { records: &fixture.records, directory: None }], Mode::File)
            .unwrap();
    assert!(without.len() < with.len());
}

/// Writes the page, where it stays for people to look at, and checks it in the browser.
fn check(fixture: &Fixture, name: &str) {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}"));
    fs_err::create_dir_all(&directory).unwrap();
    let (html, json) = (directory.join("page.html"), directory.join("report.json"));
    fs_err::write(&html, fixture.page()).unwrap();
    fs_err::write(&json, serde_json::to_vec(&fixture.report).unwrap()).unwrap();
    let Some(mut command) = browser_script("check.mjs") else { return };
    let _one_at_a_time = BROWSER.lock().unwrap();
    command.args([html.as_os_str(), json.as_os_str(), name.as_ref()]);
    command.args(std::env::var_os("RETRIAL_SCREENSHOTS"));
    let output = command.output().unwrap();
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{said}\n{failed}");
}
