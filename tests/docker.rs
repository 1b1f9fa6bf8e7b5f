//! Runs in Docker containers: a real third-party agent, simulated models, and agents that misbehave.

mod support;

use std::collections::BTreeSet;

use retrial_spec::{ActionLog, CrashReason, Ending, Fact, UngradedReason, Verdict};
use support::{Place, docker_or_skip, experiment, records, tasks_dir};

/// An agent that is one line of shell.
fn shell_agent(place: &Place, name: &str, script: &str) -> String {
    let quoted = serde_json::to_string(script).expect("text");
    place.write(
        &format!("{name}.toml"),
        &format!(
            "name = \"{name}\"\ndescription = \"a test\"\nlicence = \"MIT\"\nprotocols = [\"openai_chat\"]\n\
             [launch]\nargv = [\"bash\", \"-c\", {quoted}, \"agent\", \"{{instruction}}\"]\ncwd = \"{{workspace}}\"\n"
        ),
    );
    format!("\n[[agents]]\nname = \"{name}\"\nrecipe = \"{name}.toml\"\nmodel = \"simulated/steady\"\n")
}

#[test]
fn five_tasks_by_two_agents_with_opencode_are_all_graded_from_the_wire_alone() {
    if !docker_or_skip("five tasks by two agents in docker") {
        return;
    }
    let place = Place::new();
    let text = format!(
        "{}\n[[agents]]\nname = \"opencode\"\nrecipe = \"opencode\"\nmodel = \"simulated/steady\"\n",
        experiment("docker", 5, &["steady"])
    );
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let records = records(&place.join("run"));
    assert_eq!(records.len(), 50);
    for record in &records {
        let id = &record.trial;
        assert_eq!(record.ending, Ending::Finished, "{id}");
        assert!(record.verdict.passed().is_some(), "{id}: {:?}", record.verdict);
        let usage = record.usage.value().unwrap_or_else(|| panic!("{id} has no tokens"));
        assert!(usage.output > 0 && usage.uncached_input > 0, "{id}");
        assert!(record.cost.value().is_some() && record.confidence.value().is_some(), "{id}");
        let actions = record.actions.value().map_or(0, ActionLog::len);
        assert!(actions >= 4, "{id}: {:?}", record.actions);
        assert_eq!(
            record.requests.copied(),
            Some(actions as u64 + 1),
            "{id}: one call per turn and a closing message"
        );
    }
    // The same model on the same trial does the same work, whoever launches it.
    for number in 1..=5 {
        for task in records.iter().map(|record| &record.trial.task).collect::<BTreeSet<_>>() {
            let of = |agent: &str| {
                let found = records.iter().find(|record| {
                    record.trial.task == *task
                        && record.trial.agent.as_str() == agent
                        && record.trial.number == number
                });
                found.expect("every trial has a record")
            };
            assert!(of("opencode").requests.copied() > Some(1) && of("steady").requests.copied() > Some(1));
        }
    }
}

#[test]
fn a_wanderer_does_the_same_things_in_another_order_in_docker_too() {
    if !docker_or_skip("a wanderer in docker") {
        return;
    }
    let place = Place::new();
    place.write("e.toml", &experiment("docker", 4, &["steady", "wanderer"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let ran = place.run(&["score", "run", "--json"]).expect(0);
    let cards: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let point = |agent: &str, id: &str| {
        let card = cards["scorecards"].as_array().expect("cards").iter().find(|card| card["agent"] == agent);
        let measures = card.expect("the agent's card")["measures"].as_array().expect("measures");
        let measure = measures.iter().find(|measure| measure["id"] == id && measure["headline"] == true);
        measure.expect("the measure")["value"]["estimate"]["point"].as_f64().expect("an estimate")
    };
    let (mix, order) =
        (point("wanderer", "action_mix_consistency"), point("wanderer", "action_order_consistency"));
    assert!(mix > 0.8, "what the wanderer does varies little: {mix}");
    assert!(order < 0.5, "when it does it varies much: {order}");
    assert!(point("steady", "action_order_consistency") > order + 0.2);
}

#[test]
fn an_image_that_cannot_be_built_is_an_error_with_the_end_of_its_log() {
    if !docker_or_skip("an image that cannot be built") {
        return;
    }
    let place = Place::new();
    copy_task(&place, "fix-torn-tail", "broken");
    place.write(
        "broken/environment/Dockerfile",
        "FROM retrial/base:bookworm\nRUN echo so far so good && no-such-program\n",
    );
    place.write(
        "e.toml",
        &experiment("docker", 1, &["steady"]).replace(&format!("{}/*", tasks_dir().display()), "broken"),
    );
    let ran = place.run(&["run", "e.toml", "--out", "run"]).expect(2);
    assert!(ran.stderr.contains("cannot build the environment of `broken`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no-such-program"), "{}", ran.stderr);
    assert!(!place.join("run/run.json").exists());
}

#[test]
fn a_verifier_that_crashes_leaves_its_trials_ungraded_and_disturbs_no_other() {
    if !docker_or_skip("a verifier that crashes") {
        return;
    }
    let place = Place::new();
    copy_task(&place, "fix-torn-tail", "good");
    copy_task(&place, "fix-torn-tail", "crashing");
    place.write("crashing/tests/test.sh", "#!/bin/sh\nkill -SEGV $$\n");
    let text = experiment("docker", 2, &["steady"])
        .replace(&format!("\"{}/*\"", tasks_dir().display()), "\"good\", \"crashing\"");
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    for record in records(&place.join("run")) {
        if record.trial.task.as_str() == "crashing" {
            assert_eq!(record.verdict, Verdict::Ungraded(UngradedReason::NoReward));
            assert_eq!(record.ending, Ending::Finished);
        } else {
            assert!(record.verdict.passed().is_some());
        }
    }
}

#[test]
fn agents_that_misbehave_are_recorded_and_disturb_no_other_trial() {
    if !docker_or_skip("agents that misbehave") {
        return;
    }
    let place = Place::new();
    let mut text = experiment("docker", 2, &["steady"]).replace("/*\"", "/fix-torn-tail\"");
    text = text.replace("sandbox = \"docker\"", "sandbox = \"docker\"\nconcurrency = 4");
    text.push_str(&shell_agent(&place, "loud", "head -c 1073741824 /dev/zero | tr '\\0' x"));
    text.push_str(&shell_agent(&place, "bomb", "bomb() { bomb | bomb & }; bomb; sleep 2"));
    text.push_str(&shell_agent(&place, "greedy", "python3 -c 'len(b\"x\" * (8 << 30))'"));
    text.push_str(&shell_agent(
        &place,
        "hostile",
        "mkfifo pipe; ln -s /etc/shadow shadow; ln -s ../../../../etc up; touch $'line\\nfeed' $'\\xff\\xfe' -- -rf; \
         mkdir -p deep/er; ln -s / deep/root; (setsid sleep 600 &) ; exit 3",
    ));
    text.push_str(&shell_agent(&place, "hanging", "trap '' TERM; while :; do sleep 1; done"));
    text.push_str("\n[limits]\nagent_sec = 30\ninfrastructure_retries = 0\n");
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let records = records(&place.join("run"));
    assert_eq!(records.len(), 12);
    for record in &records {
        let id = &record.trial;
        assert!(
            record.verdict.passed().is_some(),
            "{id} is graded whatever its agent did: {:?}",
            record.verdict
        );
        match record.trial.agent.as_str() {
            "steady" => assert_eq!(record.ending, Ending::Finished, "{id}"),
            "loud" => {
                let kept = fs_err::metadata(place.join(&format!("run/trials/{id}/attempt-1/stdout.log")))
                    .expect("a log");
                assert!(kept.len() <= 4 << 20, "{id} kept {} bytes", kept.len());
            }
            "greedy" => assert!(matches!(record.ending, Ending::Crash { .. }), "{id}: {:?}", record.ending),
            "hostile" => {
                assert_eq!(record.ending, Ending::Crash { reason: CrashReason::Exit(3) }, "{id}");
                let state = record.state.value().expect("a final state");
                assert!(state.changed.iter().any(|path| path == "shadow"), "{:?}", state.changed);
                let patch =
                    fs_err::read_to_string(place.join(&format!("run/trials/{id}/attempt-1/patch.diff")));
                assert!(!patch.expect("a patch").contains("root:"), "a link was followed");
            }
            "hanging" => assert_eq!(record.ending, Ending::Timeout, "{id}"),
            _ => {}
        }
        if record.trial.agent.as_str() != "steady" {
            assert!(matches!(record.confidence, Fact::Missing(_)), "{id} never spoke to a model");
        }
    }
    let left =
        std::process::Command::new("docker").args(["ps", "-aq", "--filter", "label=retrial.run"]).output();
    let text = String::from_utf8_lossy(&left.expect("docker").stdout).into_owned();
    let ours = fs_err::read_to_string(place.join("run/run.json")).expect("a manifest");
    let ours: serde_json::Value = serde_json::from_str(&ours).expect("JSON");
    let label = format!("label=retrial.run={}", ours["run"].as_str().expect("an id"));
    let left = std::process::Command::new("docker")
        .args(["ps", "-aq", "--filter", &label])
        .output()
        .expect("docker");
    assert_eq!(String::from_utf8_lossy(&left.stdout), "", "containers are left (all of ours: {text})");
}

#[test]
fn the_projects_tasks_are_admitted_in_docker_and_in_namespaces() {
    if !docker_or_skip("admission of the tasks") {
        return;
    }
    let place = Place::new();
    let pattern: Vec<String> = fs_err::read_dir(tasks_dir())
        .expect("tasks")
        .flatten()
        .filter(|entry| entry.path().join("task.toml").is_file())
        .map(|entry| entry.path().display().to_string())
        .collect();
    assert_eq!(pattern.len(), 5);
    for sandbox in ["docker", "namespace"] {
        let mut args = vec!["task", "check", "--repeats", "2", "--sandbox", sandbox];
        args.extend(pattern.iter().map(String::as_str));
        let ran = place.run(&args).expect(0);
        assert_eq!(ran.stdout.matches('✓').count(), 5, "{}", ran.stdout);
    }
}

#[test]
fn a_task_whose_oracle_fails_is_not_admitted() {
    if !docker_or_skip("a task whose oracle fails") {
        return;
    }
    let place = Place::new();
    copy_task(&place, "fix-torn-tail", "unsolved");
    place.write("unsolved/solution/solve.sh", "#!/bin/bash\necho nothing done\n");
    let ran = place.run(&["task", "check", "unsolved", "--repeats", "1", "--sandbox", "docker"]).expect(1);
    assert!(ran.stdout.contains("✗ unsolved"), "{}", ran.stdout);
    assert!(ran.stderr.contains("1 of 1 tasks are not admitted"), "{}", ran.stderr);
}

fn copy_task(place: &Place, task: &str, name: &str) {
    let status =
        std::process::Command::new("cp").arg("-r").arg(tasks_dir().join(task)).arg(place.join(name)).status();
    assert!(status.expect("cp").success());
}

#[test]
fn the_built_in_agents_pass_their_check_without_network() {
    if !docker_or_skip("the check of the built-in agents") {
        return;
    }
    let place = Place::new();
    for agent in ["reference", "opencode"] {
        let ran = place.run(&["agent", "check", agent, "--sandbox", "docker"]).expect(0);
        assert!(ran.stdout.contains(&format!("✓ {agent}")), "{}", ran.stdout);
    }
    place.run(&["agent", "check", "reference", "--sandbox", "namespace"]).expect(0);
}
