//! Histories of known entries: what is said must not depend on order, and must say whose doing a change is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use retrial_spec::{AgentFacts, AgentName, ConditionName, RecipeFacts, RunId, TaskName, digest_bytes};

use super::*;
use crate::Settings;

mod attribution;

const TASKS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A run of an agent: its day, what it is, and of 20 trials of each task how many pass.
fn entry(agent: &str, day: u32, version: &str, model: &str, passed: u32) -> LedgerEntry {
    run_of(agent, day, (version, model), [passed; 8], 20)
}

/// A run of an agent: its day, its version and model, and of so many trials of each task how many pass.
fn run_of(agent: &str, day: u32, (version, model): (&str, &str), passed: [u32; 8], of: u32) -> LedgerEntry {
    let task = |(name, passed): (&&str, u32)| LedgerTask {
        name: TaskName::new(*name).unwrap(),
        digest: Some(digest_bytes(name.as_bytes())),
        facts: None,
        passed,
        failed: of - passed,
        excluded: 0,
        cost: Some(LedgerCost { trials: of, passed, usd_micros: u64::from(of) * 1000 }),
    };
    let mut entry = LedgerEntry {
        format: LEDGER_FORMAT,
        suite: digest_bytes(b""),
        experiment: RunId::new("nightly").unwrap(),
        agent: AgentFacts {
            name: AgentName::new(agent).unwrap(),
            recipe: Some(RecipeFacts {
                name: "reference".to_owned(),
                digest: digest_bytes(b"recipe"),
                kit: None,
            }),
            version: Some(version.to_owned()),
            model: Some(model.to_owned()),
        },
        setup: Some(digest_bytes(b"setup")),
        release: ReleaseName::new(version).unwrap(),
        run: RunId::new(format!("night-{day:02}")).unwrap(),
        at: format!("2026-05-{day:02}T02:00:00Z").parse().unwrap(),
        tool: "retrial 0.1.0".to_owned(),
        inputs: Vec::new(),
        condition: ConditionName::baseline(),
        condition_settings: None,
        settings: Settings::default(),
        planned: u64::from(of) * 8,
        tasks: TASKS.iter().zip(passed).map(task).collect(),
        measures: Vec::new(),
    };
    entry.suite = entry.own_suite();
    entry
}

fn said(entries: &[LedgerEntry], options: &HistoryOptions) -> History {
    history(&Ledger::new(entries.iter().cloned()).unwrap(), options).unwrap()
}

/// The only change of an agent.
#[track_caller]
fn change(history: &History, agent: &str) -> Change {
    let agents = history.suites.iter().flat_map(|suite| &suite.agents);
    let changes: Vec<&Change> =
        agents.filter(|of| of.agent.as_str() == agent).flat_map(|of| &of.changes).collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    changes[0].clone()
}

/// A drop of `mine` on the fifth day, with a new version, beside an anchor that passes so many of 20 from then on.
fn beside(anchor_model: &str, anchor_after: u32) -> Vec<LedgerEntry> {
    (1..=8)
        .flat_map(|day| {
            let (version, passed, anchor) = if day < 5 { ("1", 18, 16) } else { ("2", 12, anchor_after) };
            [entry("mine", day, version, "big", passed), entry("anchor", day, "9", anchor_model, anchor)]
        })
        .collect()
}

#[test]
fn a_reputation_rests_on_the_runs_since_the_last_change_and_names_all() {
    let history = said(&beside("big", 16), &HistoryOptions::default());
    let mine = history.reputations.iter().find(|of| of.agent.as_str() == "mine").unwrap();
    assert_eq!((mine.runs, mine.graded, mine.passed, mine.tasks), (8, 1280, 4 * 8 * 18 + 4 * 8 * 12, 8));
    let standing = &mine.suites[0].standing;
    assert_eq!((standing.runs, standing.releases, standing.days, standing.graded), (4, 1, 3, 640));
    let point = standing.success.estimate().unwrap().point.value();
    assert!((point - 0.6).abs() < 1e-12);
    let bound = standing.success_at_least.value().unwrap();
    let low = standing.success.estimate().unwrap().interval.interval().unwrap().low.value();
    assert!(low < bound && bound < point, "{low} < {bound} < {point}");
    let cost = standing.cost_per_success.estimate().unwrap().point.value();
    assert!((cost - 20_000.0 / 12.0).abs() < 1e-9);
    assert_eq!(mine.rests_on.len(), 8);
}

#[test]
fn the_newest_release_is_shown_by_itself_beside_the_average_since_the_last_change() {
    let passed = |day| if day < 8 { 18 } else { 17 };
    let version = |day| if day < 8 { "1" } else { "2" };
    let entries: Vec<LedgerEntry> =
        (1..=8).map(|day| entry("mine", day, version(day), "big", passed(day))).collect();
    let standing = said(&entries, &HistoryOptions::default()).reputations[0].suites[0].standing.clone();
    assert_eq!((standing.runs, standing.graded), (8, 1280));
    let newest = &standing.newest;
    assert_eq!((newest.release.as_str(), newest.runs, newest.graded), ("2", 1, 160));
    let (average, own) =
        (standing.success_at_least.value().unwrap(), newest.success_at_least.value().unwrap());
    assert!(own < average - 0.05, "{own} of few trials, {average} of many");
}

/// The run counted by another rule.
fn by_another_rule(entry: &LedgerEntry) -> LedgerEntry {
    let settings = Settings { timeout: crate::TimeoutPolicy::Fail, ..entry.settings };
    let mut other = LedgerEntry { settings, ..entry.clone() };
    other.suite = other.own_suite();
    other
}

#[test]
fn a_run_that_is_counted_by_two_rules_has_a_line_in_two_histories_and_its_trials_once() {
    let entries: Vec<LedgerEntry> = beside("big", 16);
    let both: Vec<LedgerEntry> =
        entries.iter().flat_map(|entry| [entry.clone(), by_another_rule(entry)]).collect();
    let (one, two) = (said(&entries, &HistoryOptions::default()), said(&both, &HistoryOptions::default()));
    assert_eq!((one.suites.len(), two.suites.len()), (1, 2));
    assert!(two.suites.iter().all(|suite| suite.follows.is_none()), "neither suite replaces the other");
    let graded = |history: &History| history.reputations.iter().map(|of| of.graded).collect::<Vec<_>>();
    assert_eq!(graded(&two), graded(&one));
    let checked = check(&two);
    assert_eq!(checked.agents.len(), 4);
    assert_eq!(checked.agents.iter().filter(|agent| agent.says == NewestRelease::Worse).count(), 2);
    let mut other = by_another_rule(&entries[0]);
    other.inputs.push(LedgerInput { name: "trials.jsonl".to_owned(), digest: digest_bytes(b"other") });
    let found = Ledger::new([entries[0].clone(), other]);
    assert!(matches!(found, Err(LedgerConflict::Facts { .. })), "{found:?}");
}

/// What is said of the newest release of a history of so many passes of 20 on each day; the first four are of another release.
fn newest(passed: &[u32]) -> CheckedAgent {
    let version = |day| if day <= 4 { "2.2" } else { "2.3" };
    let entries: Vec<LedgerEntry> =
        (1..).zip(passed).map(|(day, &passed)| entry("mine", day, version(day), "big", passed)).collect();
    let mut checked = check(&said(&entries, &HistoryOptions::default())).agents;
    assert_eq!(checked.len(), 1);
    checked.remove(0)
}

#[test]
fn a_release_that_became_worse_and_then_better_is_worse_until_its_former_level_is_shown_again() {
    let half_way = newest(&[18, 18, 18, 18, 12, 12, 12, 12, 15, 15, 15, 15]);
    assert_eq!(half_way.last_change.as_ref().map(|change| change.direction), Some(Direction::Better));
    assert_eq!(half_way.says, NewestRelease::Worse);
    assert_eq!(half_way.worse.len(), 1);
    let back = newest(&[18, 18, 18, 18, 12, 12, 12, 12, 18, 18, 17, 18]);
    assert_eq!(back.last_change.as_ref().map(|change| change.direction), Some(Direction::Better));
    assert_eq!((back.says, back.worse.len()), (NewestRelease::NotShownWorse, 0));
    let twice = newest(&[18, 18, 18, 18, 15, 15, 15, 15, 11, 11, 11, 11]);
    assert_eq!((twice.says, twice.worse.len()), (NewestRelease::Worse, 2));
}

#[test]
fn a_last_line_that_is_whole_but_for_its_line_feed_is_never_taken_for_a_torn_one() {
    let first = text(&[entry("mine", 1, "1", "big", 18)]);
    for last in
        [r#"{"format":{"major":1,"minor":7},"suite":9}"#, r#"{"form":1}"#, "some words", r#"{"a":1}}"#]
    {
        let found = read_ledger(&[&first, last.as_bytes()].concat());
        assert!(matches!(found, Err(LedgerLineError::Malformed { line: 2, .. })), "{last}: {found:?}");
    }
    let newer = br#"{"format":{"major":2,"minor":0}}"#;
    let found = read_ledger(&[&first, &newer[..]].concat());
    assert!(matches!(found, Err(LedgerLineError::Unfit { line: 2, .. })), "{found:?}");
}

#[test]
fn a_line_that_was_changed_by_hand_is_found() {
    let good = entry("mine", 1, "1", "big", 18);
    let mut other = good.clone();
    other.tasks[0].digest = None;
    assert_eq!(other.check(), Err(EntryFault::Suite));
    let mut other = good.clone();
    other.tasks.swap(0, 1);
    assert_eq!(other.check(), Err(EntryFault::Tasks(TaskName::new("a").unwrap())));
    let mut other = good.clone();
    other.tasks[0].cost = Some(LedgerCost { trials: 21, passed: 3, usd_micros: 1 });
    assert_eq!(other.check(), Err(EntryFault::Cost(TaskName::new("a").unwrap())));
    assert_eq!(good.check(), Ok(()));
}

#[test]
fn names_of_releases_are_a_visible_line() {
    for good in ["2.3.0", "retrial 0.1.0", "nächste"] {
        assert_eq!(ReleaseName::new(good).unwrap().as_str(), good);
    }
    for bad in ["", " ", "a\n", "a\u{202e}b", " a", &"x".repeat(81)] {
        assert!(ReleaseName::new(bad).is_err(), "{bad:?}");
    }
}

fn text(entries: &[LedgerEntry]) -> Vec<u8> {
    let mut text = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut text, entry).unwrap();
        text.push(b'\n');
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_is_said_of_entries_in_any_order_and_however_often_they_are_there(
        order in Just((0..16_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0..16_usize, 0..6),
    ) {
        let entries = beside("big", 10);
        let shuffled: Vec<LedgerEntry> =
            order.iter().chain(&again).map(|&place| entries[place].clone()).collect();
        let options = HistoryOptions::default();
        prop_assert_eq!(said(&shuffled, &options), said(&entries, &options));
    }

    #[test]
    fn a_file_that_is_cut_anywhere_keeps_its_whole_lines(cut in 0..4000_usize) {
        let entries = [entry("mine", 1, "1", "big", 18), entry("mine", 2, "1", "big", 17)];
        let whole = text(&entries);
        let cut = cut % (whole.len() + 1);
        let first = text(&entries[..1]).len();
        let file = read_ledger(&whole[..cut]).unwrap();
        // A line that lacks nothing but its line feed is whole.
        let expected = usize::from(cut + 1 >= first) + usize::from(cut + 1 >= whole.len());
        prop_assert_eq!(file.entries.len(), expected);
        let kept: u64 = file.torn;
        let is_torn = cut > 0 && cut != first && cut != whole.len() && !file.lacks_feed;
        prop_assert_eq!(kept > 0, is_torn);
    }

    #[test]
    fn what_is_no_ledger_is_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_ledger(&bytes);
    }
}
