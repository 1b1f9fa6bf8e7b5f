//! Baselines of several runs: which runs may become part of one, and what is copied.

use retrial_spec::{Event, Look, ReplayFacts, StopSpec};

use super::*;

/// How many entries a directory has.
fn entries(place: &Place, name: &str) -> usize {
    fs_err::read_dir(place.join(name)).map_or(0, Iterator::count)
}

fn add(place: &Place, run: &str) -> Ran {
    gate(place, &[run, "--baseline", "base", "--add"])
}

#[test]
fn runs_are_added_to_a_baseline_and_none_is_ever_replaced() {
    let place = Place::new();
    for id in ["first", "second"] {
        Build { trials: 10, ..build(id, 90) }.write(&place);
    }
    build("new", 90).write(&place);
    let ran = gate(&place, &["first", "--baseline", "base", "--add"]).expect(0);
    assert!(ran.stdout.contains("added the run `first` with 50 graded trials"), "{}", ran.stdout);
    gate(&place, &["second", "--baseline", "base", "--add"]).expect(0);
    let before = fs_err::read(place.join("base/first/trials.jsonl")).expect("records");
    let again = gate(&place, &["first", "--baseline", "base", "--add"]).expect(2);
    assert!(again.stderr.contains("has the run `first` already"), "{}", again.stderr);
    assert_eq!(fs_err::read(place.join("base/first/trials.jsonl")).expect("records"), before);
    // Both runs count: twice ten trials of each task.
    let ran = gate(&place, &["new", "--baseline", "base"]).expect(0);
    assert!(ran.stdout.contains("baseline first + second"), "{}", ran.stdout);
    let (mut manifest, records) = build("other", 90).made();
    manifest.tasks[0].digest = Some(digest_bytes(b"other"));
    write_run(&place, "other", &manifest, &records);
    gate(&place, &["other", "--baseline", "base", "--add"]).expect(4);
    assert!(!place.join("base/other").exists());
    let left: Vec<_> = fs_err::read_dir(place.join("base")).expect("a directory").collect();
    assert_eq!(left.len(), 2);
}

#[test]
fn trials_count_once_under_whatever_id() {
    let place = Place::new();
    let (mut manifest, records) = build("old", 90).made();
    write_run(&place, "old", &manifest, &records);
    // The same log read again.
    manifest.run = RunId::new("again").expect("an id");
    manifest.created_at = "2026-01-03T00:00:00Z".parse().expect("a time");
    write_run(&place, "again", &manifest, &records);
    let ran = gate(&place, &["again", "--baseline", "old"]).expect(4);
    assert!(line(&ran).contains("holds the same trials as the baseline's run `old`"), "{}", ran.stdout);
    add(&place, "old").expect(0);
    let ran = add(&place, "again").expect(2);
    assert!(
        ran.stderr.contains("holds the same trials as `old`, which the baseline has already"),
        "{}",
        ran.stderr
    );
    // A replay has answers of its own recording alone.
    let (mut replay, records) = build("replay", 90).made();
    measured_mut(&mut replay).replay_of =
        Some(ReplayFacts { run: RunId::new("old").expect("an id"), path: "old".into() });
    write_run(&place, "replay", &replay, &records);
    let ran = gate(&place, &["replay", "--baseline", "old"]).expect(4);
    assert!(line(&ran).contains("rest on the same recorded answers"), "{}", ran.stdout);
    let ran = add(&place, "replay").expect(2);
    assert!(ran.stderr.contains("is a replay of run old"), "{}", ran.stderr);
    // Another log that was read within the same second.
    let (mut other, records) = build("other", 90).made();
    other.run = RunId::new("old").expect("an id");
    other.created_at = "2026-01-02T03:04:05.5Z".parse().expect("a time");
    write_run(&place, "other", &other, &records);
    gate(&place, &["other", "--baseline", "old"]).expect(0);
    add(&place, "other").expect(0);
    assert_eq!(entries(&place, "base"), 2);
}

#[test]
fn a_run_that_fails_or_has_holes_is_not_added_and_one_that_cannot_tell_is() {
    let place = Place::new();
    let holes = |id: &'static str, is_lost: IsLost| {
        let (manifest, records) = build(id, 90).made();
        let records: Vec<TrialRecord> = records.into_iter().filter(|record| !is_lost(record)).collect();
        write_run(&place, id, &manifest, &records);
    };
    holes("hole", |record| record.trial.task.as_str() == "beta" && record.trial.number == 7);
    Build { trials: 2, ..build("short", 90) }.write(&place);
    for (run, why) in [
        ("hole", "not added: inconclusive: `agent`: 99 of 100 planned trials of the run are graded"),
        ("short", "not added: inconclusive: `agent`: fewer than 3 graded trials in the run of `alpha`"),
    ] {
        let ran = gate(&place, &[run, "--baseline", "base", "--add", "--even-if-worse"]).expect(3);
        assert!(line(&ran).starts_with(why), "{}", ran.stdout);
    }
    assert!(!place.join("base").exists(), "nothing was added, and nothing is left");
    build("old", 90).write(&place);
    add(&place, "old").expect(0);
    add(&place, "hole").expect(3);
    build("worse", 60).write(&place);
    Build { tasks: vec!["alpha", "beta"], ..build("fewer", 90) }.write(&place);
    for run in ["worse", "fewer"] {
        let ran = add(&place, run).expect(1);
        assert!(line(&ran).starts_with("not added: fail: "), "{}", ran.stdout);
        assert!(ran.stderr.contains("--even-if-worse"), "{}", ran.stderr);
    }
    assert_eq!(entries(&place, "base"), 1);
    // Too few trials to tell is no fault of theirs.
    Build { trials: 4, ..build("few", 85) }.write(&place);
    let ran = add(&place, "few").expect(0);
    assert!(ran.stdout.contains("against what was there: inconclusive: "), "{}", ran.stdout);
    gate(&place, &["worse", "--baseline", "base", "--add", "--even-if-worse"]).expect(0);
    assert_eq!(entries(&place, "base"), 3);
    gate(&place, &["few", "--baseline", "base", "--even-if-worse"]).expect(2);
}

#[test]
fn a_baseline_begins_in_any_directory_and_what_a_killed_command_left_goes() {
    let place = Place::new();
    build("old", 90).write(&place);
    place.write("base/.gitkeep", "");
    place.write("base/README.md", "Runs that count.");
    place.write("base/.adding-x1/run.json", "{");
    add(&place, "old").expect(0);
    assert!(!place.join("base/.adding-x1").exists());
    assert_eq!(entries(&place, "base"), 3);
    build("new", 90).write(&place);
    gate(&place, &["new", "--baseline", "base"]).expect(0);
}

#[test]
fn a_run_that_its_rule_stopped_is_added_with_what_stopped_it() {
    let place = Place::new();
    let (mut manifest, records) = Build { trials: 60, ..build("stopped", 90) }.made();
    let records: Vec<TrialRecord> = records.into_iter().filter(|record| record.trial.number <= 20).collect();
    measured_mut(&mut manifest).experiment.stop = Some(StopSpec {
        half_width: None,
        threshold: Some(0.7),
        baseline: None,
        margin: None,
        min_rounds: 2,
        look_every: 1,
        level: 0.95,
    });
    write_run(&place, "stopped", &manifest, &records);
    let look = Look { round: 20, level: 0.95, agents: Vec::new() };
    let event = Event::RunStopped { at: manifest.created_at, look: look.clone() };
    let events = fs_err::read_to_string(place.join("stopped/events.jsonl")).expect("events");
    place.write("stopped/events.jsonl", &(events + &serde_json::to_string(&event).expect("an event") + "\n"));
    place.write("stopped/stop.json", &serde_json::to_string(&look).expect("a look"));
    add(&place, "stopped").expect(0);
    assert!(place.join("base/stopped/stop.json").is_file());
    build("new", 90).write(&place);
    let ran = gate(&place, &["new", "--baseline", "base"]).expect(3);
    assert!(line(&ran).contains("success rate ±0.00 [anytime-valid bound −"), "{}", ran.stdout);
    assert!(ran.stdout.contains("success has bounds that hold whenever it stopped"), "{}", ran.stdout);
    // Without it the copy would lack two thirds of its trials, and is not made.
    fs_err::remove_file(place.join("stopped/stop.json")).expect("a file");
    gate(&place, &["stopped", "--baseline", "other", "--add"]).expect(4);
}
