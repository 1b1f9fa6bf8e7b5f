//! Runs that are recorded and replayed: the same work without a model, and a clear word where it cannot be the same.

mod support;

use std::path::Path;

use retrial_spec::{Ending, Fact, MissingReason, TrialRecord};
use serde_json::Value;
use support::{Place, docker_or_skip, experiment, records, tasks_dir};

/// A record without what two runs of the same cannot share: times, and the digest of a log that holds them.
fn timeless(mut record: TrialRecord) -> TrialRecord {
    record.started_at = jiff::Timestamp::UNIX_EPOCH;
    record.times = retrial_spec::Times::default();
    record.audit = Fact::Missing(MissingReason::NotRecorded);
    record
}

/// Checks that every trial of a replay has the actions, tokens, cost, confidence, claim and verdict of the recorded one.
fn assert_alike(recorded: &Path, replayed: &Path) {
    let [then, now] =
        [recorded, replayed].map(|run| records(run).into_iter().map(timeless).collect::<Vec<_>>());
    assert!(!then.is_empty());
    assert_eq!(now, then);
}

fn status(place: &Place, run: &str) -> Value {
    let ran = place.run(&["status", run, "--json"]).expect(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn a_replayed_run_has_the_same_trials_and_no_measured_times() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 2, &["steady", "wanderer"]));
    let ran = place.run(&["run", "e.toml", "--record", "--out", "then"]).expect(0);
    assert!(ran.stderr.contains("model latency"), "{}", ran.stderr);
    let ran = place.run(&["run", "e.toml", "--replay", "then", "--out", "now"]).expect(0);
    assert!(ran.stderr.contains("replay of  ") && !ran.stderr.contains("model latency"), "{}", ran.stderr);
    assert_alike(&place.join("then"), &place.join("now"));
    for record in records(&place.join("now")) {
        assert_eq!(
            (record.times.agent_ms, record.times.model_ms, record.times.waiting_ms),
            (None, None, None)
        );
        assert!(record.times.setup_ms.is_some());
    }
    let ran = place.run(&["score", "now", "--json"]).expect(0);
    let cards: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(cards["run"]["replay_of"]["path"], place.join("then").display().to_string());
    let measures = cards["scorecards"][0]["measures"].as_array().expect("measures");
    let value = |id: &str| &measures.iter().find(|measure| measure["id"] == id).expect("a measure")["value"];
    for id in ["time_median", "time_p95", "time_spread"] {
        assert_eq!(value(id)["undefined"]["code"], "replayed", "{id}");
    }
    assert!(value("token_median")["estimate"].is_object());

    let rows = |run: &str| status(&place, run)["latency"]["rows"].as_array().expect("rows").clone();
    let work: Vec<Value> = rows("then").into_iter().filter(|row| row["phase"] == "work").collect();
    let requests: u64 = records(&place.join("then")).iter().map(|record| record.requests).sum();
    assert_eq!(work.len(), 4, "two agents by first byte and total");
    let noted: u64 =
        work.iter().filter(|row| row["measure"] == "total").filter_map(|row| row["n"].as_u64()).sum();
    assert_eq!(noted, requests);
    assert!(rows("now").is_empty() && !place.join("now/latency.json").exists());
}

#[test]
fn a_replay_that_diverges_tells_the_difference_and_blames_nobody() {
    let place = Place::new();
    let text = experiment("fake", 1, &["steady"]).replace("/*\"", "/fix-torn-tail\"");
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--record", "--out", "then"]).expect(0);
    place.write("other.toml", &text.replace("sandbox =", "elicit = { mode = \"in-prompt\" }\nsandbox ="));
    place.run(&["run", "other.toml", "--replay", "then", "--out", "now"]);
    let records = records(&place.join("now"));
    assert_eq!((records.len(), records[0].attempts), (1, 1), "a further attempt would diverge as well");
    let Ending::Infrastructure { cause, .. } = &records[0].ending else { panic!("{:?}", records[0].ending) };
    assert!(
        cause.starts_with(
            "the replay diverges from the recording: POST /v1/chat/completions differs from request 1"
        ),
        "{cause}"
    );
    assert!(cause.contains("/messages/") && cause.contains("recorded"), "{cause}");

    let ran = place.run(&["run", "e.toml", "--trials", "2", "--replay", "then", "--out", "more"]).expect(2);
    assert!(ran.stderr.contains("no finished trial `fix-torn-tail~steady~baseline~2`"), "{}", ran.stderr);
    place.run(&["run", "e.toml", "--out", "unrecorded"]).expect(0);
    let ran = place.run(&["run", "e.toml", "--replay", "unrecorded", "--out", "none"]).expect(2);
    assert!(ran.stderr.contains("no recording of") && ran.stderr.contains("--record"), "{}", ran.stderr);
    assert!(!place.join("more").exists() && !place.join("none").exists());
}

#[test]
fn a_third_party_agent_in_docker_replays_its_run() {
    if !docker_or_skip("a replay in docker") {
        return;
    }
    let place = Place::new();
    let text = format!(
        "{}\n[[agents]]\nname = \"opencode\"\nrecipe = \"opencode\"\nmodel = \"simulated/steady\"\n",
        experiment("docker", 1, &["steady"])
    );
    let text = text.replace(
        &format!("\"{}/*\"", tasks_dir().display()),
        &format!("\"{0}/fix-torn-tail\", \"{0}/add-time-summary\"", tasks_dir().display()),
    );
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--record", "--out", "then"]).expect(0);
    place.run(&["run", "e.toml", "--replay", "then", "--out", "now"]).expect(0);
    assert_alike(&place.join("then"), &place.join("now"));
}
