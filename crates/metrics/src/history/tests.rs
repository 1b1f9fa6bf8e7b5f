//! Histories of known entries: what is said must not depend on order, and must say whose doing a change is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use retrial_spec::{AgentFacts, AgentName, ConditionName, RecipeFacts, RunId, TaskName, digest_bytes};

use super::*;
use crate::Settings;

const TASKS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A run of an agent: its day, what it is, and of 20 trials of each task how many pass.
fn entry(agent: &str, day: u32, version: &str, model: &str, passed: u32) -> LedgerEntry {
    let task = |name: &&str| LedgerTask {
        name: TaskName::new(*name).unwrap(),
        digest: Some(digest_bytes(name.as_bytes())),
        facts: None,
        passed,
        failed: 20 - passed,
        excluded: 0,
        cost: Some(LedgerCost { trials: 20, passed, usd_micros: 20_000 }),
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
        planned: 160,
        tasks: TASKS.iter().map(task).collect(),
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
fn a_drop_that_an_anchor_of_the_same_model_does_not_share_is_the_agents_own() {
    let found = change(&said(&beside("big", 16), &HistoryOptions::default()), "mine");
    assert_eq!((found.direction, found.since.release.as_str()), (Direction::Worse, "2"));
    assert_eq!(found.attribution.verdict, Verdict::Own);
    assert_eq!(found.attribution.because, Because::BeyondAnchor);
    assert_eq!(found.changed.iter().map(|fact| fact.what.as_str()).collect::<Vec<_>>(), ["version"]);
}

#[test]
fn a_drop_that_an_anchor_shares_is_not_the_agents_own() {
    let found = change(&said(&beside("big", 10), &HistoryOptions::default()), "mine");
    assert_eq!(found.attribution.verdict, Verdict::NotOwn);
    assert_eq!(found.attribution.because, Because::AnchorMoved);
    assert!(found.attribution.witnesses.iter().all(|witness| witness.moved_too));
}

#[test]
fn an_anchor_of_another_model_that_stays_does_not_clear_the_agents_model() {
    let found = change(&said(&beside("small", 16), &HistoryOptions::default()), "mine");
    assert_eq!(found.attribution.verdict, Verdict::CannotBeTold);
    assert_eq!(found.attribution.because, Because::OtherModel);
}

#[test]
fn a_drop_of_an_agent_of_which_nothing_was_changed_is_never_its_own() {
    let entries: Vec<LedgerEntry> =
        (1..=8).map(|day| entry("mine", day, "1", "big", if day < 5 { 18 } else { 12 })).collect();
    let found = change(&said(&entries, &HistoryOptions::default()), "mine");
    assert_eq!(found.attribution.verdict, Verdict::NotOwn);
    assert_eq!(found.attribution.because, Because::NothingWasChanged);
    assert_eq!(found.changed, []);
    // Where the version is not known, nothing is known to be the same.
    let unknown: Vec<LedgerEntry> = entries
        .into_iter()
        .map(|entry| LedgerEntry { agent: AgentFacts { version: None, ..entry.agent.clone() }, ..entry })
        .collect();
    let found = change(&said(&unknown, &HistoryOptions::default()), "mine");
    assert_eq!(found.attribution.because, Because::NoAnchor);
}

#[test]
fn a_silent_change_within_a_release_is_seen_in_its_own_runs_though_other_releases_surround_it() {
    let of = |day| match day {
        1..=2 => ("1", 18),
        3..=4 => ("2", 18),
        5..=6 => ("2", 11),
        _ => ("3", 11),
    };
    let entries: Vec<LedgerEntry> =
        (1..=8).map(|day| entry("mine", day, of(day).0, "big", of(day).1)).collect();
    let found = change(&said(&entries, &HistoryOptions::default()), "mine");
    assert_eq!(found.since.run.as_str(), "night-05");
    assert_eq!(found.attribution.verdict, Verdict::NotOwn);
    assert_eq!(found.attribution.because, Because::UnchangedRunsMoved);
}

#[test]
fn an_anchor_that_was_changed_itself_is_no_anchor_and_an_unknown_one_must_be_vouched_for() {
    let mut entries = beside("big", 10);
    for entry in entries.iter_mut().filter(|entry| entry.agent.name.as_str() == "anchor") {
        entry.setup = None;
    }
    let found = change(&said(&entries, &HistoryOptions::default()), "mine");
    assert_eq!(found.attribution.because, Because::NoAnchor);
    let vouched = HistoryOptions {
        anchors: BTreeSet::from([AgentName::new("anchor").unwrap()]),
        ..HistoryOptions::default()
    };
    let found = change(&said(&entries, &vouched), "mine");
    assert_eq!(found.attribution.because, Because::AnchorMoved);
    for (day, entry) in (0..).zip(entries.iter_mut()) {
        entry.agent.version = Some(format!("{}.{day}", entry.release));
    }
    let found = change(&said(&entries, &vouched), "mine");
    assert_eq!(found.attribution.because, Because::NoAnchor);
}

#[test]
fn chosen_tasks_limit_what_anchors_are_compared_on() {
    let options = HistoryOptions {
        anchor_tasks: BTreeSet::from([TaskName::new("a").unwrap(), TaskName::new("b").unwrap()]),
        ..HistoryOptions::default()
    };
    let found = change(&said(&beside("big", 10), &options), "mine");
    let anchor =
        found.attribution.witnesses.iter().find(|witness| witness.kind == WitnessKind::Anchor).unwrap();
    assert_eq!(anchor.tasks, 2);
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
