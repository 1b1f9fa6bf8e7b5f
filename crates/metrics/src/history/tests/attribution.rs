//! Whose doing a change is: what the agent's own runs and anchors say of it.

use super::*;

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
fn an_agent_that_was_given_another_model_is_cleared_by_an_anchor_of_any_model_and_that_is_said() {
    let mut entries = beside("small", 16);
    for entry in entries.iter_mut().filter(|entry| entry.release.as_str() == "2") {
        entry.agent.model = Some("large".to_owned());
    }
    let found = change(&said(&entries, &HistoryOptions::default()), "mine");
    assert_eq!(found.attribution.verdict, Verdict::Own);
    assert_eq!(found.attribution.because, Because::GivenAnotherModel);
    assert!(found.attribution.witnesses.iter().all(|witness| !witness.shares_model));
}

/// As [`beside`], with the anchor in runs of its own, an hour after the agent's.
fn an_hour_apart(anchor_after: u32) -> Vec<LedgerEntry> {
    let mut entries = beside("big", anchor_after);
    for entry in entries.iter_mut().filter(|entry| entry.agent.name.as_str() == "anchor") {
        entry.run = RunId::new(format!("{}-anchor", entry.run)).unwrap();
        entry.at = entry.at.checked_add(jiff::SignedDuration::from_hours(1)).unwrap();
    }
    entries
}

#[test]
fn an_anchor_in_runs_of_its_own_tells_as_soon_as_it_was_run_after_the_first_run_that_shows_a_change() {
    for (anchor_after, because) in [(16, Because::BeyondAnchor), (10, Because::AnchorMoved)] {
        let mut entries = an_hour_apart(anchor_after);
        entries.retain(|entry| entry.at < "2026-05-06T00:00:00Z".parse().unwrap());
        let found = change(&said(&entries, &HistoryOptions::default()), "mine");
        assert_eq!(found.attribution.because, because);
        let [anchor] = &found.attribution.witnesses[..] else { panic!("{:?}", found.attribution) };
        // What the anchor did between the agent's last run before and its first after is on neither side.
        assert_eq!((anchor.runs_before, anchor.runs_after), (3, 1));
        // An hour earlier there is none yet.
        entries.pop();
        let found = change(&said(&entries, &HistoryOptions::default()), "mine");
        assert_eq!(found.attribution.because, Because::NoAnchor);
    }
}

#[test]
fn what_happened_to_an_anchor_while_the_agent_was_not_run_says_nothing_of_the_agent() {
    // The anchor falls two days before the agent's first run, and again two days after its last.
    let mut entries = an_hour_apart(16);
    for (day, passed) in [(1, 20), (2, 20), (9, 16), (10, 5), (11, 5), (12, 5)] {
        let day_of_run = if day <= 2 { day } else { day + 4 };
        let mut run = entry("anchor", day_of_run, "9", "big", passed);
        run.run = RunId::new(format!("alone-{day:02}")).unwrap();
        entries.push(run);
    }
    for entry in entries.iter_mut().filter(|entry| !entry.run.as_str().starts_with("alone")) {
        entry.at = entry.at.checked_add(jiff::SignedDuration::from_hours(24 * 4)).unwrap();
    }
    let history = said(&entries, &HistoryOptions::default());
    let found = change(&history, "mine");
    assert_eq!(found.attribution.because, Because::BeyondAnchor, "{:?}", found.attribution);
    let anchor = &found.attribution.witnesses[0];
    assert_eq!((anchor.runs_before, anchor.runs_after), (4, 4));
}

/// So many of 40 trials, as evenly over the tasks as can be.
fn of_forty(day: u32, version: &str, passed: u32) -> LedgerEntry {
    let mut tasks = [passed / 8; 8];
    for task in tasks.iter_mut().take((passed % 8) as usize) {
        *task += 1;
    }
    run_of("mine", day, (version, "big"), tasks, 5)
}

#[test]
fn a_run_of_which_it_is_open_whether_it_is_before_or_after_does_not_testify() {
    // The change comes with version 2 on the sixth day; a bad fifth day makes the fifth the most likely one.
    let passed = [36, 36, 36, 36, 31, 25];
    let entries: Vec<LedgerEntry> = (1..)
        .zip(passed)
        .map(|(day, passed)| of_forty(day, if day < 6 { "1" } else { "2" }, passed))
        .collect();
    let found = change(&said(&entries, &HistoryOptions::default()), "mine");
    assert_eq!(found.since.run.as_str(), "night-05");
    assert_eq!(found.latest.run.as_str(), "night-06");
    assert_eq!(found.attribution.verdict, Verdict::CannotBeTold);
    assert_eq!(found.attribution.because, Because::DateLeftOpen);
    assert_eq!(found.attribution.witnesses, []);
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
