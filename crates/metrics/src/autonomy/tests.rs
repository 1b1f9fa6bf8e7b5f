//! Levels of made-up agents, and what must hold of all of them.

mod claims;
mod silent;

use proptest::prelude::*;
use retrial_spec::{
    AgentName, AutonomyLevel, AutonomyPolicy, ConditionName, RetrialFacts, Stakes, TaskName, Verifiability,
};

use super::{AgentAutonomy, AgentEvidence, BoundOf, Cause, Required, TaskEvidence, autonomy};
use crate::{Settings, Target};

fn facts(category: &str, stakes: Stakes, verifiability: Verifiability) -> RetrialFacts {
    RetrialFacts { category: category.to_owned(), stakes, verifiability, expected_minutes: 10.0 }
}

/// So many tasks of one kind, each with these passed and failed trials; failures are invisible.
fn tasks(kind: &RetrialFacts, counts: &[(u64, u64)]) -> Vec<TaskEvidence> {
    let task = |(place, &(passed, failed)): (usize, &(u64, u64))| TaskEvidence {
        planned: passed + failed,
        passed,
        failed,
        invisible: failed,
        ..TaskEvidence::new(TaskName::new(format!("{}-{place}", kind.category)).unwrap(), Some(kind.clone()))
    };
    counts.iter().enumerate().map(task).collect()
}

fn decided_for(tasks: Vec<TaskEvidence>, target: Target) -> AgentAutonomy {
    let (agent, condition) = (AgentName::new("agent").unwrap(), ConditionName::baseline());
    let settings = Settings { target, ..Settings::default() };
    let evidence = AgentEvidence { agent, condition, may_stop: false, tasks };
    autonomy(&evidence, &AutonomyPolicy::default(), &settings)
}

fn decided(tasks: Vec<TaskEvidence>) -> AgentAutonomy {
    decided_for(tasks, Target::Population)
}

const EASY: (Stakes, Verifiability) = (Stakes::Low, Verifiability::Full);

#[test]
fn a_reliable_agent_with_much_evidence_is_left_alone_and_the_narrowest_bound_is_named() {
    let kind = facts("fix", EASY.0, EASY.1);
    let agent = decided(tasks(&kind, &[(10, 0); 30]));
    let standing = &agent.cells[0].standing;
    assert_eq!((standing.level, &standing.cause), (AutonomyLevel::Delegate, &Cause::Met));
    assert_eq!(standing.decided_by.len(), 1);
    assert!(agent.share(AutonomyLevel::Delegate).value() == Some(1.0));
    assert_eq!(agent.requires(0.5), Required::Met);
}

#[test]
fn few_trials_are_not_enough_evidence_and_many_failures_are_measured_too_low() {
    let kind = facts("fix", Stakes::High, Verifiability::Full);
    let few = decided(tasks(&kind, &[(3, 0); 3]));
    let standing = &few.cells[0].standing;
    assert_eq!((standing.level, &standing.cause), (AutonomyLevel::Supervised, &Cause::NotEnoughEvidence));
    let more = standing.more.as_ref().unwrap();
    assert!(more.tasks.is_some_and(|tasks| tasks > 3), "{more:?}");
    assert_eq!(few.requires(0.5), Required::Open);
    let bad = decided(tasks(&kind, &[(1, 9); 20]));
    let standing = &bad.cells[0].standing;
    assert_eq!((standing.level, &standing.cause), (AutonomyLevel::Supervised, &Cause::MeasuredTooLow));
    let obstacle = &standing.decided_by[0];
    assert!(!obstacle.point_meets && obstacle.is_shown && standing.more.is_none());
    assert_eq!(bad.requires(0.5), Required::Missed);
}

#[test]
fn one_task_says_nothing_of_new_ones_but_something_of_itself() {
    let kind = facts("fix", EASY.0, EASY.1);
    let alone = decided(tasks(&kind, &[(50, 0)]));
    assert!(
        matches!(&alone.cells[0].standing.cause, Cause::NoBound(reason) if reason.code() == "too_few_tasks")
    );
    assert!(alone.cells[0].standing.more.as_ref().unwrap().trials_of_each_task.is_none());
    let fixed = decided_for(tasks(&kind, &[(50, 0)]), Target::FixedSuite);
    assert_eq!(fixed.cells[0].standing.level, AutonomyLevel::Delegate);
}

#[test]
fn trials_of_the_same_tasks_do_not_help_where_the_tasks_differ() {
    let kind = facts("fix", Stakes::Medium, Verifiability::Full);
    let mut counts = vec![(5, 0); 9];
    counts.push((0, 5));
    let agent = decided(tasks(&kind, &counts));
    let standing = &agent.cells[0].standing;
    assert_eq!(standing.decided_by[0].of, BoundOf::Success);
    let more = standing.more.as_ref().unwrap();
    assert!(more.trials_of_each_task.is_none() && more.tasks.is_some(), "{standing:?}");
}

#[test]
fn tasks_that_state_nothing_leave_the_answer_open() {
    let mut all = tasks(&facts("fix", EASY.0, EASY.1), &[(10, 0); 30]);
    all.push(TaskEvidence::new(TaskName::new("unknown").unwrap(), None));
    let agent = decided(all);
    assert_eq!(agent.unstated.len(), 1);
    assert_eq!(agent.requires(0.5), Required::Open);
}

#[test]
fn what_cannot_be_checked_at_high_stakes_is_never_left_alone() {
    let agent = decided(tasks(&facts("drop", Stakes::High, Verifiability::Low), &[(20, 0); 400]));
    let standing = &agent.cells[0].standing;
    assert_eq!((standing.level, &standing.cause), (AutonomyLevel::SpotCheck, &Cause::NoHigherLevel));
    assert_eq!(agent.requires(0.1), Required::Missed);
}

#[test]
fn trials_that_do_not_count_may_not_decide() {
    let mut all = tasks(&facts("fix", EASY.0, EASY.1), &[(10, 0); 30]);
    for task in &mut all {
        (task.excluded, task.planned) = (10, 20);
    }
    let standing = &decided(all).cells[0].standing;
    assert!(standing.level < AutonomyLevel::Delegate);
    assert_eq!(standing.cause, Cause::ExcludedTrials);
}

#[test]
fn a_category_is_decided_by_its_lowest_cell() {
    let mut all = tasks(&facts("fix", EASY.0, EASY.1), &[(10, 0); 30]);
    let mut grave = tasks(&facts("fix", Stakes::High, Verifiability::Partial), &[(10, 0); 2]);
    for (place, task) in grave.iter_mut().enumerate() {
        task.task = TaskName::new(format!("grave-{place}")).unwrap();
    }
    all.append(&mut grave);
    let agent = decided(all);
    let category = &agent.categories[0];
    assert_eq!((category.cells.len(), category.level), (2, AutonomyLevel::Supervised));
    assert_eq!(agent.cells[category.decided_by].stakes, Stakes::High);
}

#[test]
fn among_many_cells_a_bound_that_would_do_alone_does_not_and_a_cell_left_alone_helps_the_others() {
    let counts = [(5, 0); 9];
    let near = decided(tasks(&facts("near", EASY.0, EASY.1), &counts));
    assert_eq!(near.cells[0].standing.level, near.cells[0].standing.alone);
    let mut all = tasks(&facts("near", EASY.0, EASY.1), &counts);
    for place in 0..8 {
        all.extend(tasks(&facts(&format!("bad-{place}"), EASY.0, EASY.1), &[(1, 4); 5]));
    }
    let agent = decided(all.clone());
    let standing = &agent.cells.iter().find(|cell| cell.category == "near").unwrap().standing;
    assert_eq!(agent.claims, 9);
    assert_eq!(standing.alone, near.cells[0].standing.level);
    assert!((standing.measured.success.confidence - (1.0 - 0.05 / 9.0)).abs() < 1e-12);
    assert!(standing.level < standing.alone, "{standing:?}");
    // The same cell among cells that are left alone gets their share of the error.
    let mut all = tasks(&facts("near", EASY.0, EASY.1), &counts);
    for place in 0..8 {
        all.extend(tasks(&facts(&format!("good-{place}"), EASY.0, EASY.1), &[(10, 0); 40]));
    }
    let agent = decided(all);
    let standing = &agent.cells.iter().find(|cell| cell.category == "near").unwrap().standing;
    assert_eq!(standing.level, standing.alone);
}

#[test]
fn a_task_that_stands_out_by_getting_better_lowers_no_bound() {
    let kind = facts("fix", EASY.0, EASY.1);
    let mut counts = vec![(50, 50); 5];
    let low = |counts: &[(u64, u64)]| {
        decided(tasks(&kind, counts)).cells[0].standing.measured.success.bound.value().unwrap()
    };
    let before = low(&counts);
    counts[0] = (100, 0);
    assert!(low(&counts) >= before, "{before} {}", low(&counts));
}

#[test]
fn a_bad_task_that_gets_a_little_more_like_the_others_lowers_no_bound_of_success_in_a_row() {
    let kind = facts("fix", EASY.0, EASY.1);
    let low = |worst: (u64, u64)| {
        let counts = [(2, 2), worst, (3, 0), (3, 0), (2, 4), (3, 0)];
        decided(tasks(&kind, &counts)).cells[0].standing.measured.repeated.bound.value().unwrap()
    };
    let (before, after) = (low((1, 6)), low((2, 5)));
    assert!(after >= before - 1e-12, "{before} {after}");
}

/// What makes tasks a cell, with passed and failed trials of each task.
type Drawn = ((Stakes, Verifiability), Vec<(u64, u64)>);

fn any_kind() -> impl Strategy<Value = (Stakes, Verifiability)> {
    let stakes = prop_oneof![Just(Stakes::Low), Just(Stakes::Medium), Just(Stakes::High)];
    let verifiability =
        prop_oneof![Just(Verifiability::Low), Just(Verifiability::Partial), Just(Verifiability::Full)];
    (stakes, verifiability)
}

/// Some cells, each a category of its own, with tasks of mostly good outcomes.
fn any_cells() -> impl Strategy<Value = Vec<Drawn>> {
    let task = (1_u64..=6, prop_oneof![4 => Just(0_u64), 1 => 0_u64..=6])
        .prop_map(|(passed, failed)| (passed, failed));
    let cell = (any_kind(), prop::collection::vec(task, 1..12));
    prop::collection::vec(cell, 1..4)
}

fn evidence(cells: &[Drawn]) -> Vec<TaskEvidence> {
    let of = |(place, ((stakes, verifiability), counts)): (usize, &Drawn)| {
        tasks(&facts(&format!("c{place}"), *stakes, *verifiability), counts)
    };
    cells.iter().enumerate().flat_map(of).collect()
}

fn levels(agent: &AgentAutonomy) -> Vec<AutonomyLevel> {
    agent.cells.iter().map(|cell| cell.standing.level).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_failure_that_becomes_a_success_lowers_no_level(cells in any_cells(), which in any::<prop::sample::Index>()) {
        let before = evidence(&cells);
        let failing: Vec<usize> = (0..before.len()).filter(|&place| before[place].failed > 0).collect();
        prop_assume!(!failing.is_empty());
        let place = failing[which.index(failing.len())];
        let mut after = before.clone();
        let task = &mut after[place];
        (task.passed, task.failed, task.invisible) = (task.passed + 1, task.failed - 1, task.invisible - 1);
        let (before, after) = (decided(before), decided(after));
        for (old, new) in levels(&before).into_iter().zip(levels(&after)) {
            prop_assert!(new >= old, "{old} {new}");
        }
        // Nor is any bound worse, which is stricter than the levels show.
        for (old, new) in before.cells.iter().zip(&after.cells) {
            let (old, new) = (&old.standing.measured, &new.standing.measured);
            if (old.success.confidence - new.success.confidence).abs() < 1e-12 {
                if let (Some(old), Some(new)) = (old.success.bound.value(), new.success.bound.value()) {
                    prop_assert!(new >= old - 1e-9, "success {old} {new}");
                }
                if let (Some(old), Some(new)) = (old.invisible.bound.value(), new.invisible.bound.value()) {
                    prop_assert!(new <= old + 1e-9, "invisible {old} {new}");
                }
                if let (Some(old), Some(new)) = (old.repeated.bound.value(), new.repeated.bound.value()) {
                    prop_assert!(new >= old - 1e-9, "repeated {old} {new}");
                }
            }
        }
    }

    #[test]
    fn more_stakes_or_less_that_can_be_checked_raise_no_level(cells in any_cells(), which in any::<prop::sample::Index>(), stakes in any::<bool>()) {
        let mut harder = cells.clone();
        let place = which.index(cells.len());
        let kind = &mut harder[place].0;
        *kind = match (*kind, stakes) {
            ((Stakes::Low, verifiability), true) => (Stakes::Medium, verifiability),
            ((_, verifiability), true) => (Stakes::High, verifiability),
            ((stakes, Verifiability::Full), false) => (stakes, Verifiability::Partial),
            ((stakes, _), false) => (stakes, Verifiability::Low),
        };
        for (old, new) in levels(&decided(evidence(&cells))).into_iter().zip(levels(&decided(evidence(&harder)))) {
            prop_assert!(new <= old, "{old} {new}");
        }
    }

    #[test]
    fn the_order_of_tasks_does_not_matter_and_the_shares_of_work_make_a_whole(cells in any_cells()) {
        let tasks = evidence(&cells);
        let agent = decided(tasks.clone());
        let whole: f64 = agent.work.iter().filter_map(|share| share.of_minutes.value()).sum();
        prop_assert!((whole - 1.0).abs() < 1e-9);
        prop_assert!(agent.cells.iter().all(|cell| cell.standing.level <= cell.standing.alone));
        let turned: Vec<TaskEvidence> = tasks.into_iter().rev().collect();
        prop_assert_eq!(levels(&decided(turned)), levels(&agent));
    }
}
