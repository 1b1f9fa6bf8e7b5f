//! Waiting for a provider's rate limit, end to end: it is no working time and does not count towards the agent's time limit.

mod support;

use std::time::Duration;

use retrial_spec::{Ending, TrialRecord};
use support::provider::{Provider, answer};
use support::{Place, experiment, records};

/// Seconds that the agent has.
const LIMIT: u32 = 5;

/// Seconds for which the provider wants silence: more than the agent has.
const SILENCE: u32 = 7;

/// An agent that is a program of its own: it asks its model once, and fails where it gets no answer.
const RECIPE: &str = r#"name = "asker"
description = "asks once"
licence = "MIT"
protocols = ["openai_chat"]

[launch]
argv = ["python3", "-c", """
import json, sys, urllib.request
base, token, model, instruction = sys.argv[1:]
body = {"model": model, "messages": [{"role": "user", "content": instruction}]}
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
request = urllib.request.Request(base + "/chat/completions", json.dumps(body).encode(), headers)
print(urllib.request.urlopen(request).read().decode())
""", "{base_url}", "{token}", "{model}", "{instruction}"]
"#;

/// Runs one trial against the provider; `agent` is added to the agent's table.
fn one_trial(place: &Place, sandbox: &str, provider: &Provider, limit: u32, agent: &str) -> TrialRecord {
    let text = experiment(sandbox, 1, &[]).replace("/*\"", "/fix-torn-tail\"");
    let text = format!(
        "{text}\n[elicit]\nmode = \"off\"\n\n[limits]\nagent_sec = {limit}\n\n[[models]]\nname = \"m\"\nbase_url = \"{}\"\n\
         model = \"m-1\"\n\n[[agents]]\nname = \"a\"\nmodel = \"m\"\n{agent}\n",
        provider.base_url
    );
    place.write("asker.toml", RECIPE);
    place.write("e.toml", &text);
    let ran = place.run(&["run", "e.toml", "--record", "--out", "run"]);
    let mut records = records(&place.join("run"));
    assert_eq!(records.len(), 1, "{}", ran.stderr);
    records.remove(0)
}

fn waits_longer_than_the_limit(sandbox: &str, agent: &str) {
    let place = Place::new();
    let provider = Provider::asking_for_patience(SILENCE, &answer("done", (9, 4)));
    let record = one_trial(&place, sandbox, &provider, LIMIT, agent);
    assert_eq!(record.ending, Ending::Finished);
    assert_eq!(
        (record.requests.copied(), provider.requests()),
        (Some(1), 2),
        "the agent asked once, the gateway twice"
    );
    let (waited, limit) = (record.times.waiting_ms.expect("a time"), u64::from(LIMIT) * 1000);
    assert!(waited > limit, "it waited {waited} ms");

    // A replay has nothing to wait for, and needs no provider.
    place.run(&["run", "e.toml", "--replay", "run", "--out", "again"]);
    let again = records(&place.join("again"));
    assert_eq!((&again[0].ending, again[0].requests.copied()), (&record.ending, Some(1)));
    assert_eq!((again[0].usage, provider.requests()), (record.usage, 2));
}

#[test]
fn an_agent_that_is_kept_waiting_beyond_its_time_limit_ends_by_itself() {
    waits_longer_than_the_limit("fake", "");
}

#[test]
fn so_does_a_program_in_a_sandbox() {
    waits_longer_than_the_limit("namespace", "recipe = \"./asker.toml\"");
}

#[test]
fn time_that_the_model_takes_counts_towards_the_limit() {
    for (sandbox, agent) in [("fake", ""), ("namespace", "recipe = \"./asker.toml\"")] {
        let place = Place::new();
        // Longer than the test: nobody waits for it.
        let provider = Provider::with("200 OK", "", &answer("done", (9, 4)), |_| {
            std::thread::sleep(Duration::from_mins(10));
        });
        let record = one_trial(&place, sandbox, &provider, 1, agent);
        assert_eq!(record.ending, Ending::Timeout, "{sandbox}");
        assert_eq!((record.requests.copied(), record.times.waiting_ms), (Some(1), Some(0)), "{sandbox}");
    }
}
