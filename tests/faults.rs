//! Faults on the wire, end to end: an agent that tries again beside one that gives up at the first error.

mod support;

use std::io::BufReader;
use std::path::Path;

use retrial_spec::{
    CrashReason, Ending, Event, Fact, FaultOutcome, MissingReason, Reaction, Source, Times, WireFault,
    read_events,
};
use serde_json::Value;
use support::{Place, docker_or_skip, experiment, records};

/// A robust and a brittle agent with the same model, on two tasks, under the baseline and under `fault`.
fn two_agents(sandbox: &str, trials: u32, fault: &str) -> String {
    let tasks = experiment(sandbox, trials, &[]);
    let line = tasks.lines().find(|line| line.starts_with("tasks")).expect("tasks");
    let two = [line.replace("/*\"]", "/fix-torn-tail\", "), line.replace("/*\"]", "/add-time-summary\"]")];
    let two = format!("{}{}", two[0], two[1].trim_start_matches("tasks = ["));
    format!(
        "{}\n[[agents]]\nname = \"robust\"\nmodel = \"simulated/steady\"\n\n\
         [[agents]]\nname = \"brittle\"\nmodel = \"simulated/steady\"\noptions = {{ tries = \"1\" }}\n\n\
         [[conditions]]\nname = \"baseline\"\nkind = \"baseline\"\n\n\
         [[conditions]]\nname = \"faults\"\nkind = \"fault\"\nfault = {{ {fault} }}\n",
        tasks.replace(line, &two)
    )
}

/// The faults of a run, with the trials they hit.
fn faults(run: &Path) -> Vec<(String, FaultOutcome)> {
    let file = fs_err::File::open(run.join("events.jsonl")).expect("events");
    let events = read_events(BufReader::new(file)).map(|event| event.expect("an event"));
    events
        .filter_map(|event| match event {
            Event::FaultInjected { trial, fault, .. } => Some((trial.to_string(), fault)),
            _ => None,
        })
        .collect()
}

/// The robustness of an agent as `score --json` has it.
fn robustness(place: &Place, agent: &str) -> Value {
    let ran = place.run(&["score", "run", "--json"]).expect(0);
    let cards: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let found = cards["robustness"].as_array().expect("a list").iter().find(|entry| entry["agent"] == agent);
    found.expect("the agent's robustness").clone()
}

fn point(robustness: &Value, id: &str) -> f64 {
    let measures = robustness["measures"].as_array().expect("measures");
    let measure = measures.iter().find(|measure| measure["id"] == id).expect("the measure");
    measure["value"]["estimate"]["point"].as_f64().unwrap_or_else(|| panic!("{id}: {measure}"))
}

/// Runs the two agents under server errors and checks that they come out different, for the right reasons.
fn robust_beside_brittle(sandbox: &str, trials: u32) {
    let place = Place::new();
    let text =
        two_agents(sandbox, trials, "what = \"server_error\", rate = 0.3, retries = \"spared\", first = 2");
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--out", "run", "--concurrency", "6"]).expect(0);
    let records = records(&place.join("run"));
    assert_eq!(records.len(), 8 * trials as usize);
    let faults = faults(&place.join("run"));
    for record in &records {
        let id = record.trial.to_string();
        let landed = faults.iter().filter(|(trial, fault)| *trial == id && fault.landing.is_landed()).count();
        let counted: u32 = record.faults.iter().map(|count| count.landed).sum();
        assert_eq!(landed, counted as usize, "{id}: what is counted is what the events say");
        if record.trial.condition.as_str() == "baseline" {
            assert!(record.faults.is_empty(), "{id}");
        }
        let gave_up = matches!(&record.ending, Ending::Crash { reason: CrashReason::Model(cause) } if cause.contains("500"));
        let is_brittle = record.trial.agent.as_str() == "brittle";
        assert_eq!(gave_up, is_brittle && landed > 0, "{id}: {:?}", record.ending);
        assert!(record.verdict.passed().is_some(), "{id}: {:?}", record.ending);
    }
    let (robust, brittle) = (robustness(&place, "robust"), robustness(&place, "brittle"));
    for agent in [&robust, &brittle] {
        assert!(agent["counts"]["hit"].as_u64() > Some(0), "{agent}");
    }
    assert!((point(&robust, "fault_recovery") - 1.0).abs() < 1e-12);
    assert!((point(&robust, "fault_finished") - 1.0).abs() < 1e-12);
    assert!(point(&brittle, "fault_recovery").abs() < 1e-12);
    assert!(point(&brittle, "fault_finished").abs() < 1e-12);
    assert!(point(&robust, "fault_difference") > point(&brittle, "fault_difference"));
    for (trial, fault) in &faults {
        assert_eq!(fault.what, WireFault::ServerError);
        match &fault.reaction {
            Some(Reaction::SentAgain { .. }) => assert!(trial.contains("~robust~") && fault.recovered),
            Some(Reaction::Stopped { ending }) => {
                assert!(trial.contains("~brittle~") && matches!(ending, Ending::Crash { .. }), "{trial}");
            }
            other => panic!("{trial}: {other:?}"),
        }
    }
    let shown = place.run(&["score", "run"]).expect(0).stdout;
    assert!(shown.contains("robustness: ") && shown.contains("brittle, faults"), "{shown}");
}

#[test]
fn an_agent_that_tries_again_is_more_robust_than_one_that_gives_up() {
    robust_beside_brittle("fake", 4);
}

#[test]
fn so_it_is_in_namespaces_with_the_real_verifiers() {
    robust_beside_brittle("namespace", 3);
}

#[test]
fn so_it_is_in_docker() {
    if docker_or_skip("robustness in docker") {
        robust_beside_brittle("docker", 2);
    }
}

#[test]
fn faults_do_not_depend_on_concurrency() {
    let place = Place::new();
    place.write("e.toml", &two_agents("fake", 2, "what = \"cut_in_reply\", rate = 0.4, max = 2"));
    let mut texts = Vec::new();
    for concurrency in ["1", "8"] {
        let out = format!("run-{concurrency}");
        place.run(&["run", "e.toml", "--out", &out, "--concurrency", concurrency]).expect(0);
        // What replies that were cut on purpose took is in audit logs and records alike.
        place.run(&["audit", &out]).expect(0);
        let mut text = String::new();
        for mut record in records(&place.join(&out)) {
            record.started_at = Fact::known(jiff::Timestamp::UNIX_EPOCH, Source::Computed);
            record.times = Times::default();
            // The audit log tells when things happened.
            record.audit = Fact::Missing(MissingReason::NotRecorded);
            text.push_str(&serde_json::to_string(&record).expect("a record"));
            text.push('\n');
        }
        let mut outcomes: Vec<String> = faults(&place.join(&out))
            .into_iter()
            .map(|(trial, fault)| {
                format!("{trial} {} {:?} {}", fault.exchange, fault.landing, fault.recovered)
            })
            .collect();
        outcomes.sort();
        assert!(!outcomes.is_empty());
        texts.push((text, outcomes));
    }
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn the_example_of_faults_can_be_run() {
    let place = Place::new();
    let example = support::tasks_dir().with_file_name("experiments").join("faults.toml");
    let ran = place.run(&["run", &example.display().to_string(), "--dry-run"]).expect(0);
    assert!(ran.stdout.contains("rate-limits"), "{}", ran.stdout);
}
