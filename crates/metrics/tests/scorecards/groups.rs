//! Groups of tasks: the measures of some tasks are those of a run that holds only these tasks.

use retrial_metrics::{GroupBy, GroupCard, MeasureId, Scorecards, Settings, scorecard};
use retrial_spec::{RetrialFacts, RunManifest, Stakes, TaskName, TrialRecord, Verifiability};

use crate::build::{Change, point, run, trial};

fn categorised() -> (RunManifest, Vec<TrialRecord>) {
    let mut manifest = run(&["agent"], &["a", "b", "c", "d"], 3);
    for (task, category) in manifest.tasks.iter_mut().zip(["fix", "fix", "add"]) {
        task.facts = Some(RetrialFacts {
            category: category.to_owned(),
            stakes: Stakes::Low,
            verifiability: Verifiability::Full,
            expected_minutes: 5.0,
        });
    }
    let mixed = |record: TrialRecord| if record.trial.number == 1 { record.fails() } else { record };
    let trials =
        ["a", "b", "c", "d"].into_iter().flat_map(|task| (1..=3).map(move |n| trial(task, "agent", n)));
    (manifest, trials.map(mixed).collect())
}

fn grouped(groups: GroupBy) -> Scorecards {
    let (manifest, trials) = categorised();
    scorecard(&manifest, trials, &Settings { groups, ..Settings::default() }).unwrap()
}

fn names(cards: &[GroupCard]) -> Vec<(Option<&str>, Vec<&str>)> {
    cards
        .iter()
        .map(|card| (card.group.as_deref(), card.tasks.iter().map(TaskName::as_str).collect()))
        .collect()
}

#[test]
fn tasks_are_grouped_by_the_category_they_state_and_those_without_come_last() {
    let scored = grouped(GroupBy::Category);
    let expected = [(Some("add"), vec!["c"]), (Some("fix"), vec!["a", "b"]), (None, vec!["d"])];
    assert_eq!(names(&scored.groups), expected);
    assert_eq!((scored.groups[1].graded, scored.groups[1].passed), (6, 4));
}

#[test]
fn the_measures_of_a_group_are_those_of_a_run_of_its_tasks_alone() {
    let fix = grouped(GroupBy::Category).groups.swap_remove(1);
    let (mut manifest, mut trials) = categorised();
    manifest.tasks.truncate(2);
    trials.retain(|record| ["a", "b"].contains(&record.trial.task.as_str()));
    let alone = scorecard(&manifest, trials, &Settings::default()).unwrap();
    assert_eq!(fix.measures, alone.scorecards[0].measures);
}

#[test]
fn each_task_can_be_a_group_of_its_own() {
    let scored = grouped(GroupBy::Task);
    assert_eq!(scored.groups.len(), 4);
    for (card, row) in scored.groups.iter().zip(&scored.scorecards[0].tasks) {
        assert_eq!((card.group.as_deref(), card.graded), (Some(row.task.as_str()), row.graded));
        let success = point(card.headline(MeasureId::SuccessRate).unwrap());
        assert!((success - 2.0 / 3.0).abs() < 1e-12);
    }
}

#[test]
fn where_no_task_states_a_category_there_are_no_groups() {
    let (mut manifest, trials) = categorised();
    for task in &mut manifest.tasks {
        task.facts = None;
    }
    assert!(scorecard(&manifest, trials, &Settings::default()).unwrap().groups.is_empty());
    assert!(grouped(GroupBy::Nothing).groups.is_empty());
}
