//! What differs between two runs besides their agents.

use retrial_metrics::decide::{RunDifference, Weight, run_differences};
use retrial_spec::{ConditionName, RunManifest, SandboxChoice, TaskName, digest_bytes};
use retrial_testkit::{measured_mut, run, run_with_faults};

fn differences(candidate: &RunManifest, baseline: &RunManifest) -> Vec<RunDifference> {
    run_differences(candidate, baseline, &ConditionName::baseline())
}

#[test]
fn nothing_differs_between_runs_of_one_experiment_whatever_their_agents_and_trials() {
    assert_eq!(differences(&run(&["a"], &["t0", "t1"], 3), &run(&["b", "c"], &["t1", "t0"], 9)), []);
}

#[test]
fn tasks_on_one_side_and_tasks_of_other_content_forbid_a_comparison() {
    let candidate = run(&["a"], &["t0", "t1", "new"], 3);
    let mut baseline = run(&["a"], &["t0", "t1", "old"], 3);
    baseline.tasks[1].digest = Some(digest_bytes(b"another"));
    let found = differences(&candidate, &baseline);
    let tasks = |name: &str| vec![TaskName::new(name).unwrap()];
    assert_eq!(
        found,
        [
            RunDifference::OnlyCandidate { tasks: tasks("new") },
            RunDifference::OnlyBaseline { tasks: tasks("old") },
            RunDifference::TaskContent { tasks: tasks("t1") },
        ]
    );
    assert!(found.iter().all(|difference| difference.weight() == Weight::Forbids));
    insta::assert_snapshot!(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), @r"
    tasks that only the candidate has: new
    tasks that only the baseline has: old
    tasks whose content is not the same: t1
    ");
}

#[test]
fn a_condition_that_only_one_run_has_forbids_and_another_sandbox_is_said() {
    let mut candidate = run_with_faults(&["a"], &["t0"], 3);
    let baseline = run(&["a"], &["t0"], 3);
    measured_mut(&mut candidate).sandbox.kind = SandboxChoice::Docker;
    assert_eq!(differences(&candidate, &baseline), [RunDifference::Sandbox]);
    let faults = ConditionName::new("faults").unwrap();
    let found = run_differences(&candidate, &baseline, &faults);
    assert_eq!(found, [RunDifference::Condition { condition: faults }, RunDifference::Sandbox]);
}

#[test]
fn a_task_of_unknown_content_is_said_and_does_not_forbid() {
    let candidate = run(&["a"], &["t0"], 3);
    let mut baseline = run(&["a"], &["t0"], 3);
    baseline.tasks[0].digest = None;
    let found = differences(&candidate, &baseline);
    assert!(
        matches!(&found[..], [one @ RunDifference::TaskUnknown { .. }] if one.weight() == Weight::Confounds)
    );
}
