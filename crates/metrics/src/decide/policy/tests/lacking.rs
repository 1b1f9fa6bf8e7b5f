//! Baselines and runs in which something lacks.

use retrial_spec::{ConditionName, QuarantinedTask, digest_bytes};

use super::*;

fn quarantined(names: &[&str]) -> Quarantine {
    let entry = |name: &&str| QuarantinedTask {
        name: TaskName::new(*name).unwrap(),
        reason: "broken".to_owned(),
        added: "2026-10-01".parse().unwrap(),
        until: "2026-12-01".parse().unwrap(),
    };
    Quarantine { task: names.iter().map(entry).collect() }
}

fn of_tasks(mut entrant: Entrant, names: &[&str]) -> Entrant {
    entrant.tasks.retain(|task| names.contains(&task.task.as_str()));
    entrant
}

fn without_verdicts(entrant: &mut Entrant, of_each: usize) {
    for trial in entrant.tasks.iter_mut().flat_map(|task| task.trials.iter_mut().take(of_each)) {
        trial.outcome = Outcome::Excluded;
    }
}

#[test]
fn a_baseline_without_agents_is_invalid_and_never_a_pass() {
    let (new, old) = (manifest("new", 20), manifest("old", 20));
    let candidate = counted("new", &[(20, 20); 5]);
    for entrants in [&[][..], &[candidate]] {
        let found =
            decide_between((&new, entrants), &[(&old, &[])], &GatePolicy::default(), &Quarantine::default());
        assert_eq!(found.verdict, GateVerdict::Invalid, "{}", found.line);
        assert_eq!(found.grounds[0].code, GroundCode::NothingJudged);
        assert!(
            found.line.starts_with("invalid: no measure of any agent is judged: the baseline has no agent")
        );
    }
}

#[test]
fn one_log_under_two_ids_is_its_own_baseline_and_two_logs_under_one_id_are_not() {
    let digest = |text: &str| Some(digest_bytes(text.as_bytes()));
    let read = |run: &str, records| Entrant { records, ..counted(run, &[(20, 20); 5]) };
    let (one, two) = (read("a", digest("one")), read("b", digest("one")));
    let found = decide(&one, &two, &GatePolicy::default());
    assert_eq!(found.grounds[0].code, GroundCode::SameTrials, "{}", found.line);
    assert!(found.line.contains("holds the same trials as the baseline's run"), "{}", found.line);
    let (mut new, old) = (manifest("a", 20), manifest("a", 20));
    new.created_at = "2026-01-02T03:04:05.5Z".parse().unwrap();
    let other = read("a", digest("two"));
    let sides = ((&new, std::slice::from_ref(&other)), (&old, std::slice::from_ref(&one)));
    let found = decide_between(sides.0, &[sides.1], &GatePolicy::default(), &Quarantine::default());
    assert_eq!(found.verdict, GateVerdict::Pass, "{}", found.line);
    // The same in the baseline.
    let (third, fourth) = (manifest("b", 20), manifest("c", 20));
    let baseline = [(&old, std::slice::from_ref(&one)), (&third, std::slice::from_ref(&two))];
    let new = (&fourth, std::slice::from_ref(&other));
    let found = decide_between(new, &baseline, &GatePolicy::default(), &Quarantine::default());
    assert_eq!(found.grounds[0].code, GroundCode::BaselineDisagrees, "{}", found.line);
}

#[test]
fn what_is_advised_of_holes_is_what_fills_them() {
    let baseline = counted("old", &[(20, 20); 5]);
    let mut never_ran = counted("new", &[(19, 19); 5]);
    never_ran.tasks.iter_mut().for_each(|task| task.planned = 20);
    let found = decide(&never_ran, &baseline, &GatePolicy::default());
    assert!(found.line.contains("with `retrial run --resume`"), "{}", found.line);
    let mut ended = counted("new", &[(20, 20); 5]);
    without_verdicts(&mut ended, 1);
    let found = decide(&ended, &baseline, &GatePolicy::default());
    assert!(found.line.contains("95 % and less than 100 %"), "{}", found.line);
    assert!(found.line.contains("; make a new run, for trials"), "{}", found.line);
    let found = decide(&counted("new", &[(2, 2); 5]), &baseline, &GatePolicy::default());
    assert!(found.line.ends_with("make a new run with 3 trials of each task or more"), "{}", found.line);
}

#[test]
fn nearly_all_does_not_read_as_all() {
    let baseline = counted("old", &[(400, 400); 5]);
    let mut candidate = counted("new", &[(400, 400); 5]);
    candidate.tasks[0].trials[0].outcome = Outcome::Excluded;
    let found = decide(&candidate, &baseline, &GatePolicy::default());
    assert!(
        found
            .line
            .contains("1999 of 2000 planned trials of the candidate are graded, 99.95 % and less than 100 %")
    );
}

#[test]
fn where_no_task_decides_it_says_why_of_each() {
    let mut policy = GatePolicy::default();
    policy.gate.quarantine_limit = 1.0;
    let both = counted("new", &[(20, 20); 5]);
    let mut baseline = counted("old", &[(20, 20); 5]);
    baseline.tasks[4].planned = 2;
    baseline.tasks[4].trials.truncate(2);
    let (new, old) = (manifest("new", 20), manifest("old", 20));
    let sides = ((&new, std::slice::from_ref(&both)), (&old, std::slice::from_ref(&baseline)));
    let found = decide_between(sides.0, &[sides.1], &policy, &quarantined(&["a", "b", "c", "d"]));
    assert_eq!(
        found.grounds[0].message,
        "no task of the baseline decides: 1 planned for fewer than 3 trials there, 4 in quarantine"
    );
}

#[test]
fn a_run_that_lacks_trials_is_not_fit_for_a_baseline_but_for_tasks_in_quarantine() {
    let run = manifest("new", 20);
    let policy = GatePolicy::default();
    let of = |entrant: &Entrant, quarantine: &Quarantine| -> Vec<GroundCode> {
        let run = GateRun { manifest: &run, entrants: std::slice::from_ref(entrant) };
        lacking(&run, &policy, quarantine, today()).into_iter().map(|ground| ground.code).collect()
    };
    let none = Quarantine::default();
    assert_eq!(of(&counted("new", &[(0, 20); 5]), &none), []);
    let mut hole = counted("new", &[(20, 20); 5]);
    hole.tasks[1].planned = 21;
    assert_eq!(of(&hole, &none), [GroundCode::Coverage]);
    assert_eq!(of(&hole, &quarantined(&["b"])), []);
    assert_eq!(of(&counted("new", &[(2, 2), (20, 20)]), &none), [GroundCode::TooFewTrials]);
}

fn checked(runs: &[(RunManifest, Entrant)], policy: &GatePolicy) -> BaselineCheck {
    let runs: Vec<GateRun<'_>> = runs
        .iter()
        .map(|(manifest, entrant)| GateRun { manifest, entrants: std::slice::from_ref(entrant) })
        .collect();
    let baseline = GateBaseline { runs: &runs, condition: &ConditionName::baseline() };
    check_baseline(baseline, policy, &Quarantine::default(), today(), 20).unwrap()
}

#[test]
fn a_baseline_that_nothing_can_pass_against_is_said_to_be_one() {
    let mut policy = GatePolicy::default();
    policy.margins.success = 0.5;
    let whole = (manifest("old", 20), counted("old", &[(20, 20); 5]));
    assert_eq!(checked(std::slice::from_ref(&whole), &policy).verdict, GateVerdict::Pass);
    policy.gate.minimum_trials = 30;
    let found = checked(&[whole], &policy);
    assert_eq!(found.verdict, GateVerdict::Inconclusive, "{}", found.line);
    assert!(found.line.contains("5 planned for fewer than 30 trials there"), "{}", found.line);
    assert_eq!((found.grounds.len(), found.same_size.passed), (1, 0));
    policy.gate.minimum_trials = 3;
    let mut hole = counted("old", &[(20, 20); 5]);
    without_verdicts(&mut hole, 1);
    let found = checked(&[(manifest("old", 20), hole)], &policy);
    assert_eq!(found.grounds[0].code, GroundCode::Coverage, "{}", found.line);
    assert_eq!(found.verdict, GateVerdict::Inconclusive);
    let empty = [GateRun { manifest: &manifest("old", 20), entrants: &[] }];
    let baseline = GateBaseline { runs: &empty, condition: &ConditionName::baseline() };
    let found = check_baseline(baseline, &policy, &Quarantine::default(), today(), 5).unwrap();
    assert_eq!(found.verdict, GateVerdict::Invalid, "{}", found.line);
}

#[test]
fn runs_of_a_baseline_are_set_against_each_other_on_the_tasks_that_both_have() {
    let mut policy = GatePolicy::default();
    policy.margins.success = 0.5;
    let run = |id: &str, names: &[&str]| (manifest(id, 20), of_tasks(counted(id, &[(20, 20); 5]), names));
    let found = checked(&[run("one", &["a", "b", "c"]), run("two", &["c", "d", "e"])], &policy);
    assert_eq!(found.verdict, GateVerdict::Pass, "{}", found.line);
    assert_eq!(found.runs.len(), 2);
    assert!(found.runs[0].line.ends_with("; 1 of 1 tasks judged"), "{}", found.runs[0].line);
    let found = checked(&[run("one", &["a", "b"]), run("two", &["c", "d", "e"])], &policy);
    assert_eq!((found.verdict, found.runs.len()), (GateVerdict::Pass, 0), "{}", found.line);
}
