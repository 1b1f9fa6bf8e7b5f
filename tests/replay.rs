//! Runs that are recorded and replayed: the same work without a model, and a clear word where it cannot be the same.

mod support;

use std::path::Path;
use std::time::Duration;

use retrial_spec::{Ending, Fact, MissingReason, Source, TrialRecord};
use serde_json::{Value, json};
use support::{Place, docker_or_skip, experiment, records, tasks_dir};

/// A record without what two runs of the same cannot share: times, and the digest of a log that holds them.
fn timeless(mut record: TrialRecord) -> TrialRecord {
    record.started_at = Fact::known(jiff::Timestamp::UNIX_EPOCH, Source::Computed);
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
    assert_eq!(
        cards["run"]["origin"]["measured"]["replay_of"]["path"],
        place.join("then").display().to_string()
    );
    let measures = cards["scorecards"][0]["measures"].as_array().expect("measures");
    let value = |id: &str| &measures.iter().find(|measure| measure["id"] == id).expect("a measure")["value"];
    for id in ["time_median", "time_p95", "time_spread"] {
        assert_eq!(value(id)["undefined"]["code"], "replayed", "{id}");
    }
    assert!(value("token_median")["estimate"].is_object());

    let rows = |run: &str| status(&place, run)["latency"]["rows"].as_array().expect("rows").clone();
    let work: Vec<Value> = rows("then").into_iter().filter(|row| row["phase"] == "work").collect();
    let requests: u64 =
        records(&place.join("then")).iter().filter_map(|record| record.requests.copied()).sum();
    assert_eq!(work.len(), 4, "two agents by first byte and total");
    let noted: u64 =
        work.iter().filter(|row| row["measure"] == "total").filter_map(|row| row["n"].as_u64()).sum();
    assert_eq!(noted, requests);
    assert!(rows("now").is_empty() && !place.join("now/latency.json").exists());
}

/// Faults as the events of a run tell them, without when they were, by trial.
fn faults(run: &Path) -> Vec<Value> {
    let text = fs_err::read_to_string(run.join("events.jsonl")).expect("events");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let faults = events.filter(|event| event["event"] == "fault_injected").map(|event| {
        let fault = &event["fault"];
        let reaction =
            fault["reaction"].as_object().map(|reaction| reaction.keys().cloned().collect::<Vec<_>>());
        json!([
            event["trial"],
            fault["exchange"],
            fault["what"],
            fault["landing"],
            reaction,
            fault["recovered"]
        ])
    });
    let mut faults: Vec<Value> = faults.collect();
    faults.sort_by_key(Value::to_string);
    faults
}

#[test]
fn a_replay_puts_in_the_same_faults_again() {
    for fault in [
        "what = \"rate_limit\", rate = 0.4",
        "what = \"server_error\", rate = 0.4, burst = 2",
        "what = \"cut_in_reply\", rate = 0.4",
        "what = \"malformed_event\", rate = 0.4, max = 2",
        "what = \"missing_end\", rate = 0.4, retries = \"spared\"",
    ] {
        let place = Place::new();
        let text = experiment("fake", 2, &["steady"]).replace("/*\"", "/fix-torn-tail\"");
        let conditions = "[[conditions]]\nname = \"baseline\"\nkind = \"baseline\"\n\n\
                          [[conditions]]\nname = \"faults\"\nkind = \"fault\"\n";
        place.write("e.toml", &format!("{text}\n{conditions}fault = {{ {fault} }}\n"));
        place.run(&["run", "e.toml", "--record", "--out", "then"]).expect(0);
        place.run(&["run", "e.toml", "--replay", "then", "--out", "now"]).expect(0);
        assert_alike(&place.join("then"), &place.join("now"));
        let then = faults(&place.join("then"));
        assert!(!then.is_empty(), "{fault}");
        assert_eq!(faults(&place.join("now")), then, "{fault}");
    }
}

#[test]
fn a_replay_whose_budget_is_spent_goes_on_with_more() {
    let place = Place::new();
    let text = experiment("fake", 4, &["steady"]).replace("/*\"", "/fix-torn-tail\"");
    place.write("e.toml", &format!("{text}\n[limits]\nrequests = 500\n"));
    place.run(&["run", "e.toml", "--record", "--out", "then"]).expect(0);
    // Room for one trial at a time, and not for all of them.
    let ran = place
        .run(&["run", "e.toml", "--replay", "then", "--out", "now", "--budget-requests", "505"])
        .expect(3);
    let before = fs_err::read_to_string(place.join("now/trials.jsonl")).expect("records");
    assert!((1..4).contains(&before.lines().count()), "{}", ran.stderr);
    place.run(&["run", "--resume", "now", "--budget-requests", "5000"]).expect(0);
    let after = fs_err::read_to_string(place.join("now/trials.jsonl")).expect("records");
    assert!(after.starts_with(&before), "finished records are unchanged");
    assert_alike(&place.join("then"), &place.join("now"));
    let status = status(&place, "now");
    assert!(status["latency"]["rows"].as_array().is_none_or(Vec::is_empty), "{status}");
}

#[test]
fn a_replay_that_was_killed_goes_on_and_is_the_same() {
    let place = Place::new();
    place.write("e.toml", &experiment("namespace", 3, &["steady"]));
    place.run(&["run", "e.toml", "--record", "--out", "then"]).expect(0);
    let args = ["run", "e.toml", "--replay", "then", "--out", "now", "--concurrency", "2"];
    let mut child = place.spawn(&args);
    let finished =
        || fs_err::read_to_string(place.join("now/trials.jsonl")).unwrap_or_default().lines().count();
    while finished() < 2 && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("it is killed");
    child.wait().expect("an end");
    assert!((2..15).contains(&finished()), "it was killed before its end");
    place.run(&["run", "--resume", "now"]).expect(0);
    let [then, now] = ["then", "now"].map(|run| {
        // A trial that was under way when the process was killed has one more attempt.
        let once = |record| TrialRecord { attempts: 1, ..timeless(record) };
        records(&place.join(run)).into_iter().map(once).collect::<Vec<_>>()
    });
    assert_eq!(now, then);
    place.run(&["audit", "now"]).expect(0);
    assert_eq!(place.leftovers(), Vec::<std::path::PathBuf>::new());
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
