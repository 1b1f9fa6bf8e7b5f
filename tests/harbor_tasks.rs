//! Harbor's tasks and datasets as they are: what runs, what is kept, and what is refused before anything runs.

mod support;

use std::path::{Path, PathBuf};

use retrial_spec::{Ending, Phase, TrialRecord, UngradedReason, Verdict};
use retrial_testkit::shared;
use serde_json::{Value, json};
use support::{Place, Ran, docker_or_skip, records};

/// A shared verifier on the base image, without network.
const PLAIN: &str = "[environment]\nnetwork_mode = \"no-network\"\n";

const DOCKERFILE: &str = "FROM retrial/base:bookworm\nWORKDIR /app\n";

/// Needed by the plan alone: the agents of these tests never ask their model.
const SIMULATION: &str =
    "[[look]]\ncommand = \"ls\"\n[[correct]]\ncommand = \"true\"\n[[wrong]]\ncommand = \"true\"\n";

/// A verifier that passes where a command of the shell succeeds.
fn passes_if(command: &str) -> String {
    format!("#!/bin/bash\nif {command}; then echo 1; else echo 0; fi > /logs/verifier/reward.txt\n")
}

/// Writes a task of one part whose verifier passes where a command succeeds.
fn task(place: &Place, name: &str, toml: &str, command: &str) {
    place.write(&format!("{name}/task.toml"), toml);
    place.write(&format!("{name}/instruction.md"), "<!-- canary -->\n\nDo it.\n");
    place.write(&format!("{name}/environment/Dockerfile"), DOCKERFILE);
    place.write(&format!("{name}/simulation.toml"), SIMULATION);
    place.write(&format!("{name}/tests/test.sh"), &passes_if(command));
}

/// Writes an experiment of agents that are lines of shell, and runs it.
fn run(place: &Place, sandbox: &str, tasks: &[&str], agents: &[(&str, &str)]) -> Ran {
    let tasks = serde_json::to_string(tasks).expect("text");
    let mut text = format!("name = \"small\"\ntrials = 1\nsandbox = \"{sandbox}\"\ntasks = {tasks}\n");
    for (name, script) in agents {
        let quoted = serde_json::to_string(script).expect("text");
        place.write(
            &format!("{name}.toml"),
            &format!(
                "name = \"{name}\"\ndescription = \"a test\"\nlicence = \"MIT\"\nprotocols = [\"openai_chat\"]\n\
                 [launch]\nargv = [\"bash\", \"-c\", {quoted}, \"agent\", \"{{instruction}}\"]\ncwd = \"{{workspace}}\"\n"
            ),
        );
        let agent = format!(
            "[[agents]]\nname = \"{name}\"\nrecipe = \"{name}.toml\"\nmodel = \"simulated/steady\"\n"
        );
        text.push_str(&agent);
    }
    text.push_str("[limits]\ninfrastructure_retries = 0\n");
    place.write("e.toml", &text);
    let out = format!("run-{}", fs_err::read_dir(place.path()).expect("a directory").count());
    let mut ran = place.run(&["run", "e.toml", "--out", &out]);
    ran.stdout = out;
    ran
}

/// The records of a run that `run` made, by trial.
#[track_caller]
fn recorded(place: &Place, ran: Ran) -> Vec<TrialRecord> {
    records(&place.join(&ran.expect(0).stdout))
}

fn attempt(place: &Place, out: &str, task: &str, agent: &str) -> PathBuf {
    place.join(&format!("{out}/trials/{task}~{agent}~baseline~1/attempt-1"))
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&fs_err::read_to_string(path).expect("a file")).expect("JSON")
}

fn copy(from: &Path, to: &Path) {
    let copied =
        std::process::Command::new("cp").arg("-r").arg("--no-preserve=mode").arg(from).arg(to).status();
    assert!(copied.expect("cp").success());
}

#[test]
fn the_task_hello_is_refused_for_its_allowlist_and_nothing_else() {
    let Some(hello) = shared("fixtures/harbor/task/hello") else { return };
    let place = Place::new();
    let ran = place.run(&["task", "check", &hello.display().to_string()]).expect(2);
    assert!(
        ran.stderr.contains("`environment.network_mode`: allowlists are not supported"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("`environment.allowed_hosts`: allowlists are not supported"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("2 faults"), "{}", ran.stderr);
}

#[test]
fn the_task_hello_runs_with_its_artifact_kept_once_its_image_is_here_and_its_allowlist_gone() {
    let Some(hello) = shared("fixtures/harbor/task/hello") else { return };
    if !docker_or_skip("the task hello") {
        return;
    }
    let place = Place::new();
    copy(&hello, &place.join("hello"));
    // The image may be out of reach, and allowlists are not supported; all else is as it came.
    place.write("hello/environment/Dockerfile", DOCKERFILE);
    place.write("hello/simulation.toml", SIMULATION);
    let toml = fs_err::read_to_string(hello.join("task.toml")).expect("a file");
    let toml: Vec<&str> = toml.lines().filter(|line| !line.starts_with("allowed_hosts")).collect();
    let toml = toml.join("\n");
    place.write("hello/task.toml", &toml.replace("\"allowlist\"", "\"no-network\""));
    place.run(&["task", "check", "hello", "--repeats", "1", "--sandbox", "docker"]).expect(0);
    let agents = [("writes", "echo hello > out.txt; echo x > /logs/artifacts/more"), ("idles", "true")];
    let ran = run(&place, "docker", &["hello"], &agents);
    let out = ran.stdout.clone();
    let records = recorded(&place, ran);
    assert_eq!((&records[0].verdict, &records[1].verdict), (&Verdict::Failed, &Verdict::Passed));
    let kept = attempt(&place, &out, "hello", "writes").join("artifacts");
    assert_eq!(fs_err::read_to_string(kept.join("out.txt")).expect("kept"), "hello\n");
    assert_eq!(fs_err::read_to_string(kept.join("logs-artifacts/more")).expect("kept"), "x\n");
    assert_eq!(
        json_of(&kept.join("manifest.json")),
        json!([
            {"source": "/app/out.txt", "destination": "out.txt", "type": "file", "status": "ok", "service": "main", "exclude": []},
            {"source": "/logs/artifacts", "destination": "logs-artifacts", "type": "directory", "status": "ok", "service": "main", "exclude": []},
        ])
    );
    let idle = json_of(&attempt(&place, &out, "hello", "idles").join("artifacts/manifest.json"));
    assert_eq!(
        (&idle[0]["status"], &idle[0]["type"], idle.as_array().map(Vec::len)),
        (&json!("failed"), &Value::Null, Some(1))
    );
}

/// A task of two steps: the first has to be passed, the second is set up and waits for its set-up.
fn two_steps(place: &Place) {
    let toml = "artifacts = [\"log.txt\"]\n[environment]\nnetwork_mode = \"no-network\"\n\
                [[steps]]\nname = \"one\"\nmin_reward = 1\n\
                [[steps]]\nname = \"two\"\nartifacts = [\"two.txt\"]\n\
                [steps.healthcheck]\ncommand = \"test -f ready\"\ninterval_sec = 0\n";
    place.write("steps/task.toml", toml);
    place.write("steps/environment/Dockerfile", DOCKERFILE);
    place.write("steps/simulation.toml", SIMULATION);
    place.write("steps/tests/holds.sh", "grep -qx \"$2\" \"$1\"\n");
    for step in ["one", "two"] {
        let at = |file: &str| format!("steps/steps/{step}/{file}");
        place.write(&at("instruction.md"), &format!("{step}\n"));
        place.write(&at("tests/test.sh"), &passes_if(&format!("sh /tests/holds.sh {step}.txt {step}")));
        place.write(&at("solution/solve.sh"), &format!("echo {step} > {step}.txt\n"));
    }
    place.write("steps/steps/two/workdir/setup.sh", "test -f one.txt && touch ready\n");
}

#[test]
fn steps_are_worked_on_one_after_the_other_until_one_fails() {
    if !docker_or_skip("a task of two steps") {
        return;
    }
    let place = Place::new();
    two_steps(&place);
    place.run(&["task", "check", "steps", "--repeats", "1", "--sandbox", "docker"]).expect(0);
    let agents = [
        ("both", "step=$(echo $1); echo $step > $step.txt; echo $step >> log.txt"),
        ("first", "test $1 = two || echo $1 > one.txt"),
        ("none", "exit 3"),
    ];
    let ran = run(&place, "docker", &["steps"], &agents);
    let out = ran.stdout.clone();
    let records = recorded(&place, ran);
    let verdicts: Vec<_> = records.iter().map(|record| &record.verdict).collect();
    assert_eq!(verdicts, [&Verdict::Passed, &Verdict::Reward(0.5), &Verdict::Failed]);
    assert_eq!(records[0].ending, Ending::Finished);
    assert!(matches!(records[2].ending, Ending::Crash { .. }), "{:?}", records[2].ending);
    let steps = |agent: &str| {
        let results = json_of(&attempt(&place, &out, "steps", agent).join("steps.json"));
        let results = results.as_array().expect("a list").clone();
        let short =
            |step: &Value| json!([step["name"], step["ending"], step["rewards"]["reward"], step["goes_on"]]);
        results.iter().map(short).collect::<Vec<_>>()
    };
    assert_eq!(steps("both"), [json!(["one", "finished", 1.0, true]), json!(["two", "finished", 1.0, true])]);
    assert_eq!(
        steps("first"),
        [json!(["one", "finished", 1.0, true]), json!(["two", "finished", 0.0, true])]
    );
    assert_eq!(steps("none"), [json!(["one", "crash", 0.0, false])]);
    let of_both = attempt(&place, &out, "steps", "both");
    let kept = |path: &str| fs_err::read_to_string(of_both.join(path)).expect("kept");
    assert_eq!(kept("steps/one/artifacts/log.txt"), "one\n");
    assert_eq!(kept("steps/two/artifacts/log.txt"), "one\ntwo\n");
    assert_eq!(kept("steps/two/artifacts/two.txt"), "two\n");
    assert!(
        of_both.join("steps/two/verifier.log").is_file() && of_both.join("steps/two/stdout.log").is_file()
    );
    assert!(kept("patch.diff").contains("two.txt"), "the final state is that after the last step");
}

#[test]
fn an_agent_that_asks_its_model_works_on_every_step_in_fake_sandboxes_too() {
    let place = Place::new();
    two_steps(&place);
    place.write(
        "e.toml",
        "name = \"e\"\ntrials = 4\ntasks = [\"steps\"]\nsandbox = \"fake\"\n[[agents]]\nname = \"steady\"\nmodel = \"simulated/steady\"\n",
    );
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    for record in records(&place.join("run")) {
        assert_eq!(record.ending, Ending::Finished);
        assert!(record.confidence.value().is_some(), "the question is put after the last step");
        let results = json_of(&place.join(&format!("run/trials/{}/attempt-1/steps.json", record.trial)));
        let steps = results.as_array().expect("a list").len();
        assert_eq!(steps, if record.verdict == Verdict::Passed { 2 } else { 1 });
        assert!(record.requests.copied() >= Some(2 * steps as u64), "{:?}", record.requests);
    }
}

#[test]
fn a_healthcheck_may_succeed_late_and_its_failure_is_never_the_agents() {
    if !docker_or_skip("healthchecks") {
        return;
    }
    let place = Place::new();
    let check = |command: &str| {
        format!("{PLAIN}[environment.healthcheck]\ncommand = \"{command}\"\ninterval_sec = 0\nretries = 3\n")
    };
    task(&place, "late", &check("echo x >> /tmp/tries; test $(wc -l < /tmp/tries) -ge 3"), "test -f done");
    task(&place, "never", &check("echo not yet; exit 7"), "true");
    task(
        &place,
        "hangs",
        &check("sleep 60").replace("interval_sec = 0", "interval_sec = 0\ntimeout_sec = 0.2"),
        "true",
    );
    let ran = run(&place, "docker", &["late", "never", "hangs"], &[("works", "touch done")]);
    let records = records(&place.join(&ran.stdout));
    assert_eq!(records.len(), 3, "{}", ran.stderr);
    for record in &records {
        let task = record.trial.task.as_str();
        match (&record.ending, task) {
            (Ending::Finished, "late") => assert_eq!(record.verdict, Verdict::Passed),
            (Ending::Infrastructure { phase, cause }, "never" | "hangs") => {
                assert_eq!(*phase, Phase::Setup);
                assert!(cause.contains("failed 3 times in a row"), "{cause}");
                let last = if task == "never" { "exit code 7: not yet" } else { "no answer within 0.2 s" };
                assert!(cause.contains(last), "{cause}");
                assert_eq!(record.verdict, Verdict::Ungraded(UngradedReason::Infrastructure));
            }
            (other, task) => panic!("{task} ended as {other:?}"),
        }
    }
    let ran = place.run(&["task", "check", "never", "--repeats", "1", "--sandbox", "docker"]).expect(1);
    assert!(ran.stdout.contains("not ready in repetition 1"), "{}", ran.stdout);
}

#[test]
fn named_users_variables_of_the_host_and_the_working_directory_reach_the_sandbox_and_no_file() {
    if !docker_or_skip("users and variables") {
        return;
    }
    let place = Place::new();
    let toml = "[agent]\nuser = \"worker\"\n[verifier]\nuser = \"root\"\n[verifier.env]\nKEY = \"${RETRIAL_TEST_KEY}\"\n\
                [environment]\nnetwork_mode = \"no-network\"\nworkdir = \"/srv/work\"\n[environment.env]\nCOLOUR = \"${NO_SUCH:-green}\"\n";
    let check =
        "test \"$(cat who)\" = \"worker green /srv/work\" -a \"$KEY\" = very-secret-value -a $(id -u) = 0";
    task(&place, "users", toml, check);
    place.write("users/environment/Dockerfile", &format!("{DOCKERFILE}RUN useradd worker\n"));
    let agents = [("asks", "echo $(id -un) $COLOUR $(pwd) > who; test -z \"$KEY\"")];
    let ran = run(&place, "docker", &["users"], &agents).expect(2);
    assert!(ran.stderr.contains("cannot fill in `verifier.env.KEY` of the task `users`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`RETRIAL_TEST_KEY` is not set"), "{}", ran.stderr);
    assert!(!place.join(&ran.stdout).exists());

    let mut command = place.command(&["run", "e.toml", "--out", "with-key"]);
    let ran = Ran::from(command.env("RETRIAL_TEST_KEY", "very-secret-value").output().expect("it starts"))
        .expect(0);
    let records = records(&place.join("with-key"));
    assert_eq!(
        (&records[0].ending, &records[0].verdict),
        (&Ending::Finished, &Verdict::Passed),
        "{}",
        ran.stderr
    );
    let found = std::process::Command::new("grep")
        .args(["-rl", "very-secret-value"])
        .arg(place.join("with-key"))
        .output();
    assert_eq!(String::from_utf8_lossy(&found.expect("grep").stdout), "");

    task(&place, "stranger", &toml.replace("worker", "stranger").replace("${RETRIAL_TEST_KEY}", "x"), "true");
    let ran = run(&place, "docker", &["stranger"], &agents).expect(2);
    assert!(ran.stderr.contains("the task `stranger` cannot run here: `agent.user`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no user `stranger`"), "{}", ran.stderr);
}

#[test]
fn a_verifier_with_an_image_of_its_own_gets_the_artifacts_alone() {
    if !docker_or_skip("a verifier's own image") {
        return;
    }
    let place = Place::new();
    let toml = format!(
        "artifacts = [\"/app/out\", \"link\", {{ source = \"one.txt\", destination = \"a/one\" }}]\n{PLAIN}\
         [verifier]\nuser = \"nobody\"\n[verifier.environment]\ndocker_image = \"retrial/base:bookworm\"\nnetwork_mode = \"no-network\"\nworkdir = \"/grading\"\n\
         [[verifier.collect]]\ncommand = \"cp other.txt /logs/artifacts/; echo said\"\n\
         [[verifier.collect]]\ncommand = \"exit 4\"\n"
    );
    let check = "test \"$(pwd)\" = /grading -a -f /app/out/in/deep -a -f /app/one.txt -a -f /logs/artifacts/other.txt -a ! -e /app/other.txt";
    task(&place, "apart", &toml, check);
    place.write("apart/solution/solve.sh", "mkdir -p out/in; touch out/in/deep one.txt other.txt\n");
    place.run(&["task", "check", "apart", "--repeats", "1", "--sandbox", "docker"]).expect(0);
    let ran = run(
        &place,
        "docker",
        &["apart"],
        &[(
            "works",
            "mkdir -p out/in; echo 1 > out/in/deep; touch one.txt other.txt; ln -s /etc/passwd link",
        )],
    );
    let out = ran.stdout.clone();
    assert_eq!(recorded(&place, ran)[0].verdict, Verdict::Passed);
    let directory = attempt(&place, &out, "apart", "works");
    assert_eq!(fs_err::read_to_string(directory.join("artifacts/out/in/deep")).expect("kept"), "1\n");
    assert!(directory.join("artifacts/a/one").is_file());
    assert_eq!(
        json_of(&directory.join("artifacts/manifest.json"))[1]["status"],
        "failed",
        "a link is not followed"
    );
    assert!(
        !directory.join("artifacts/link").exists() && directory.join("artifacts/link.left-out").is_file()
    );
    let log = fs_err::read_to_string(directory.join("collect.log")).expect("a log");
    assert!(
        log.contains("said\n# ended with exit code 0\n") && log.contains("# ended with exit code 4\n"),
        "{log}"
    );
}

#[test]
fn rewards_by_name_are_judged_by_the_one_that_counts() {
    if !docker_or_skip("rewards by name") {
        return;
    }
    let place = Place::new();
    for (name, rewards) in [
        ("named", "{\\\"reward\\\": true, \\\"style\\\": 0.25}"),
        ("unnamed", "{\\\"a\\\": 1, \\\"b\\\": 1}"),
    ] {
        // With a network, as is the default.
        task(&place, name, "", "true");
        place.write(
            &format!("{name}/tests/test.sh"),
            &format!("echo \"{rewards}\" > /logs/verifier/reward.json\nexit 9\n"),
        );
    }
    let ran = run(&place, "docker", &["named", "unnamed"], &[("idles", "true")]);
    let records = recorded(&place, ran);
    assert_eq!(records[0].verdict, Verdict::Passed);
    let Verdict::Ungraded(UngradedReason::RewardUnreadable(why)) = &records[1].verdict else {
        panic!("{:?}", records[1].verdict)
    };
    assert!(why.contains("`a`, `b`"), "{why}");
}

#[test]
fn a_back_end_that_cannot_honour_a_key_says_so_before_anything_runs() {
    let place = Place::new();
    task(&place, "open", "", "true");
    let ran = run(&place, "namespace", &["open"], &[("idles", "true")]).expect(2);
    assert!(
        ran.stderr.contains("the task `open` cannot run here: `environment.network_mode`"),
        "{}",
        ran.stderr
    );
    assert!(!place.join(&ran.stdout).exists());
    task(&place, "named", &format!("{PLAIN}[verifier]\nuser = \"judge\"\n"), "true");
    let ran = run(&place, "namespace", &["named"], &[("idles", "true")]).expect(2);
    assert!(ran.stderr.contains("the task `named` cannot run here: `verifier.user`"), "{}", ran.stderr);
}

#[test]
fn a_file_that_asks_for_what_is_not_supported_refuses_its_task_by_name() {
    let place = Place::new();
    let separate = format!("{PLAIN}[verifier]\nenvironment_mode = \"separate\"\n");
    for (file, toml, why) in [
        ("environment/docker-compose.yaml", PLAIN, "compose files are not supported"),
        ("environment/docker-compose.yml", PLAIN, "compose files are not supported"),
        ("trajectory.json", PLAIN, "a conversation to take up"),
        ("tests/Dockerfile", separate.as_str(), "can only be named"),
        ("tests/docker-compose.yaml", separate.as_str(), "compose files are not supported"),
    ] {
        task(&place, "asks", toml, "true");
        place.write(&format!("asks/{file}"), "x\n");
        let ran = place.run(&["task", "list", "asks"]).expect(2);
        assert!(
            ran.stderr.contains(&format!("the task `asks` has `{file}`")) && ran.stderr.contains(why),
            "{}",
            ran.stderr
        );
        fs_err::remove_file(place.join(&format!("asks/{file}"))).expect("removed");
        place.run(&["task", "list", "asks"]).expect(0);
    }
    fs_err::rename(place.join("asks/tests/test.sh"), place.join("asks/tests/test.bat")).expect("renamed");
    let ran = place.run(&["task", "list", "asks"]).expect(2);
    assert!(ran.stderr.contains("`tests/test.bat`: a verifier for Windows alone"), "{}", ran.stderr);
    two_steps(&place);
    place.write("steps/steps/two/trajectory.json", "{}");
    let ran = place.run(&["task", "list", "steps"]).expect(2);
    assert!(ran.stderr.contains("`steps/two/trajectory.json`"), "{}", ran.stderr);
    for missing in ["tests/test.sh", "instruction.md"] {
        two_steps(&place);
        let _ = fs_err::remove_file(place.join("steps/steps/two/trajectory.json"));
        fs_err::remove_file(place.join("steps/steps/one").join(missing)).expect("removed");
        let ran = place.run(&["task", "list", "steps"]).expect(2);
        assert!(ran.stderr.contains(&format!("lacks `steps/one/{missing}`")), "{}", ran.stderr);
    }
}

#[test]
fn a_dataset_stands_for_its_tasks_and_its_list_has_to_hold() {
    let place = Place::new();
    task(&place, "set/a", &format!("[task]\nname = \"org/first\"\n{PLAIN}"), "true");
    task(&place, "set/b", PLAIN, "true");
    place.write("set/registry.json", "[]");
    place.write("set/.git/config", "");
    let ran = place.run(&["task", "list", "set", "--json"]).expect(0);
    let listed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let digest = |at: usize| listed["tasks"][at]["digest"].as_str().expect("a digest").to_owned();
    let file = format!(
        "schema_version = \"1.0\"\n[dataset]\nname = \"org/set\"\n[[tasks]]\nname = \"org/first\"\ndigest = \"{}\"\n\
         [[tasks]]\nname = \"org/b\"\ndigest = \"{}\"\n",
        digest(0),
        digest(1)
    );
    place.write("set/dataset.toml", &file);
    place.write("e.toml", "name = \"e\"\ntrials = 1\ntasks = [\"set\"]\nsandbox = \"fake\"\n[[agents]]\nname = \"steady\"\nmodel = \"simulated/steady\"\n");
    let plan = place.run(&["run", "e.toml", "--dry-run", "--json"]).expect(0);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    assert_eq!(plan["tasks"].as_array().map(Vec::len), Some(2), "{plan:#}");

    place.write("set/b/instruction.md", "Do something else.\n");
    for args in [&["task", "list", "set"][..], &["task", "list", "set/b"], &["run", "e.toml", "--dry-run"]] {
        let ran = place.run(args).expect(2);
        assert!(ran.stderr.contains("the task `org/b` has the digest "), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("says {}", digest(1))), "{}", ran.stderr);
    }
    place.write("set/dataset.toml", &file.replace("org/b", "org/absent"));
    let ran = place.run(&["run", "e.toml", "--dry-run"]).expect(2);
    assert!(
        ran.stderr.contains("lists the task `org/absent`, and there is no directory of it"),
        "{}",
        ran.stderr
    );
    place.run(&["task", "list", "set/b"]).expect(0);
    place.write("set/dataset.toml", "tasks = 3\n");
    let ran = place.run(&["task", "list", "set"]).expect(2);
    assert!(ran.stderr.contains("set/dataset.toml` is no list of tasks"), "{}", ran.stderr);
    fs_err::remove_file(place.join("set/dataset.toml")).expect("removed");
    task(&place, "set/not a name", PLAIN, "true");
    let ran = place.run(&["task", "list", "set"]).expect(2);
    assert!(ran.stderr.contains("`not a name` is not a task name: 1 to 64 letters"), "{}", ran.stderr);
}
