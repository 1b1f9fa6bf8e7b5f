//! What commands print with `--json` fits the schemas that are checked in.

#[path = "support/runs.rs"]
mod runs;
mod support;

use runs::validate;
use support::{Place, experiment, tasks_dir};

#[test]
fn the_plan_and_the_status_of_a_run_fit_their_schemas() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    let ran = place.run(&["run", "e.toml", "--dry-run", "--json", "--budget-usd", "5"]).expect(0);
    let plan = validate("plan.schema.json", &ran.stdout);
    assert_eq!(plan["trials"], 5);
    let ran = place.run(&["run", "e.toml", "--out", "run", "--json"]).expect(0);
    validate("scorecard.schema.json", &ran.stdout);
    let ran = place.run(&["status", "run", "--json"]).expect(0);
    let status = validate("status.schema.json", &ran.stdout);
    assert_eq!((&status["state"], &status["finished"]), (&"complete".into(), &5.into()));
}

#[test]
fn the_findings_of_the_doctor_fit_their_schema() {
    let place = Place::new();
    // Where no back end works the findings are printed all the same.
    validate("doctor.schema.json", &place.run(&["doctor", "--json"]).stdout);
}

#[test]
fn the_checks_of_tasks_and_agents_fit_their_schemas() {
    let place = Place::new();
    let task = tasks_dir().join("fix-torn-tail").display().to_string();
    let ran = place.run(&["task", "check", &task, "--repeats", "1", "--sandbox", "namespace", "--json"]);
    if ran.code == Some(5) {
        support::skipped("the_checks_of_tasks_and_agents_fit_their_schemas", &ran.stderr);
        return;
    }
    let checked = validate("task-check.schema.json", &ran.expect(0).stdout);
    assert_eq!(checked["tasks"][0]["admitted"], true);
    let ran = place.run(&["agent", "check", "reference", "--sandbox", "namespace", "--json"]).expect(0);
    let checked = validate("agent-check.schema.json", &ran.stdout);
    assert_eq!(checked["works"], true);
}
