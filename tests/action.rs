//! The action for GitHub, step by step in a shell on a fresh clone, and the same steps for GitLab and elsewhere.

#[path = "action/baseline.rs"]
mod baseline;
#[path = "action/command.rs"]
mod command;
#[path = "action/comment.rs"]
mod comment;
#[path = "support/github.rs"]
mod github;
#[path = "action/service.rs"]
mod service;
#[path = "action/shell.rs"]
mod shell;
mod support;

use std::path::Path;

use github::Action;
use service::Service;

#[test]
fn the_steps_of_the_action_leave_summary_comment_badge_junit_and_what_is_published() {
    let service = Service::new();
    let done = service.job(&[("publish", "public"), ("first", "true")], &[]);
    assert_eq!(done.code, 0, "{}", done.log);
    assert_eq!(done.outputs["decision"], "no_baseline");
    assert!(done.ran.contains(&"Keep everything".to_owned()));

    assert!(done.summary.starts_with("**No baseline yet.**"), "{}", done.summary);
    assert!(done.summary.contains("`agent`"), "{}", done.summary);
    let comment = service.text(&done.outputs["comment"]);
    assert!(
        comment.starts_with("<!-- retrial: retrial retrial/experiment.toml -->\n**No baseline yet.**"),
        "{comment}"
    );
    assert!(comment.contains(done.summary.trim_end()));
    assert!(done.log.contains("no comment: this job does not run for a pull request"), "{}", done.log);

    let badge: serde_json::Value = serde_json::from_str(&service.text(&done.outputs["badge"])).expect("JSON");
    assert_eq!((&badge["schemaVersion"], &badge["label"]), (&1.into(), &"reliability".into()));
    assert_eq!(badge["message"], done.outputs["success"]);
    assert!(done.outputs["success"].contains('%'));
    assert!(service.text("retrial-out/badge.svg").starts_with("<svg"));
    assert!(service.text("retrial-out/report/junit.xml").contains("<testcase"));
    assert!(service.text(&done.outputs["report"]).starts_with("<!DOCTYPE html>"));

    // What is published can be checked by anybody, and its records can be the next baseline.
    service.place.run(&["verify", "service/public/report.json", "service/public/run"]).expect(0);
    let kept = service.root.join("retrial-out/baseline");
    let kept: Vec<_> = fs_err::read_dir(kept).expect("a baseline").map(|one| one.unwrap().path()).collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    service.place.run(&["score", &kept.display().to_string()]).expect(0);
}

#[test]
fn a_run_worse_than_its_baseline_ends_with_1_where_it_is_enforced_and_with_0_where_it_is_reported() {
    let service = Service::new();
    service.measure("simulated/steady", 24, 5);
    let first = service.job(&[("first", "true")], &[]);
    assert_eq!(first.code, 0, "{}", first.log);
    fs_err::create_dir_all(service.root.join("retrial")).unwrap();
    fs_err::rename(service.root.join("retrial-out/baseline"), service.root.join("retrial/baseline")).unwrap();
    fs_err::remove_dir_all(service.root.join("retrial-out")).unwrap();

    service.measure("simulated/flaky", 24, 9);
    let inputs = [("policy", "retrial-gate.toml"), ("mode", "enforce"), ("out", "enforced")];
    let enforced = service.job(&inputs, &[]);
    assert_eq!(enforced.code, 1, "{}", enforced.log);
    assert_eq!(enforced.outputs["decision"], "fail");
    // What tells of it is there all the same, and is kept before the job fails.
    let gate = service.text("enforced/gate/gate.md");
    assert!(
        !gate.is_empty() && enforced.summary.starts_with(gate.lines().next().unwrap()),
        "{}",
        enforced.summary
    );
    assert!(service.text(&enforced.outputs["comment"]).contains(gate.lines().next().unwrap()));
    assert!(service.text("enforced/gate/gate.junit.xml").contains("<failure"), "{}", enforced.log);
    let last: Vec<&str> = enforced.ran.iter().rev().take(2).map(String::as_str).collect();
    assert_eq!(last, ["Decide", "Keep everything"]);
    // It does not become the next baseline.
    assert!(!service.root.join("enforced/baseline").exists());

    let reported = service.job(&[("policy", "retrial-gate.toml"), ("out", "reported")], &[]);
    assert_eq!(reported.code, 0, "{}", reported.log);
    assert_eq!(reported.outputs["decision"], "fail");
}

#[test]
fn a_change_from_a_fork_without_keys_is_not_measured_and_says_so() {
    let service = Service::new();
    service.needs_a_key();
    let done = service.job(&[], &service.event("them/service"));
    assert_eq!(done.code, 0, "{}", done.log);
    assert_eq!(done.outputs["decision"], "not_measured");
    assert!(done.summary.contains("no access to the keys"), "{}", done.summary);
    assert!(!service.root.join("retrial-out/run").exists());

    // What runs instead is told apart from a measurement.
    let fallback =
        service.text("retrial/experiment.toml").replace("model = \"real\"", "model = \"simulated/steady\"");
    fs_err::write(service.root.join("retrial/simulated.toml"), fallback).unwrap();
    let inputs =
        [("fallback", "retrial/simulated.toml"), ("trials", "1"), ("out", "again"), ("publish", "public")];
    let done = service.job(&inputs, &service.event("them/service"));
    assert_eq!((done.code, done.outputs["decision"].as_str()), (0, "not_measured"), "{}", done.log);
    assert!(done.summary.contains("nothing of the agent"), "{}", done.summary);
    assert!(service.root.join("again/run/run.json").exists());
    assert!(!service.root.join("again/baseline").exists());
    // Neither a scorecard nor a badge says what was not measured.
    assert!(!service.root.join("public").exists() && !service.root.join("again/badge.json").exists());
    assert!(done.outputs["badge"].is_empty() && done.outputs["success"].is_empty(), "{:?}", done.outputs);
    assert!(done.outputs["report"].ends_with("report.html"));
}

#[test]
fn a_missing_key_of_ones_own_is_an_error_that_names_it() {
    let service = Service::new();
    service.needs_a_key();
    service.place.write("service/simulated.toml", "");
    // What runs for forks does not hide that a key has gone.
    let inputs = [("fallback", "simulated.toml"), ("publish", "public")];
    let done = service.job(&inputs, &service.event("me/service"));
    assert_eq!(done.code, 2, "{}", done.log);
    assert!(
        done.log.contains("::error::the experiment needs NO_SUCH_KEY in the environment"),
        "{}",
        done.log
    );
    assert_eq!(done.outputs["decision"], "not_run");
    assert!(done.summary.starts_with("**Not run.** The run ended with exit code 2"), "{}", done.summary);
    assert!(done.ran.contains(&"Keep everything".to_owned()));
    assert!(!done.ran.contains(&"Decide".to_owned()));
}

#[test]
fn texts_of_a_change_are_never_run_and_cannot_add_outputs() {
    let service = Service::new();
    let hostile = "retrial/$(touch pwned)`touch pwned`\"; touch pwned; \".toml";
    let mut env = service.event("me/service");
    env.push(("GITHUB_HEAD_REF", "$(touch pwned)".to_owned()));
    let inputs = [("experiment", hostile), ("agent", "x\ndecision=pass"), ("trials", "1; touch pwned")];
    let done = service.job(&inputs, &env);
    assert_eq!(done.code, 2, "{}", done.log);
    assert_eq!(done.outputs["decision"], "not_run");
    let left = |directory: &Path| {
        fs_err::read_dir(directory).unwrap().flatten().any(|one| one.file_name() == "pwned")
    };
    assert!(!left(&service.root) && !left(&service.checkout));
    let comment = service.text(&done.outputs["comment"]);
    assert!(
        comment.starts_with("<!-- retrial: retrial retrial/%24%28touch pwned%29%60touch pwned%60%2"),
        "{comment}"
    );
    // No expression stands in a script's text.
    for step in Action::read(&service.checkout).runs.steps {
        assert!(step.run.is_none_or(|run| !run.contains("${{")), "{}", step.name);
    }
}
