//! What a user sees: help, errors with their exit codes, plans, scores.

mod support;

use support::{Place, experiment, tasks_dir};

#[test]
fn every_command_has_help_with_an_example_and_its_exit_codes() {
    let place = Place::new();
    let help = |command: &str| {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        place.run(&args).expect(0).stdout
    };
    let lines = |text: &str, heading: &str| -> Vec<String> {
        let below = text.lines().skip_while(|line| *line != heading).skip(1);
        let named = below.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
        let names =
            named.filter_map(|line| line.split_whitespace().next().filter(|_| !line.starts_with(' ')));
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    };
    let mut seen = 0;
    for command in lines(&help(""), "Commands:") {
        let text = help(&command);
        let below = lines(&text, "Commands:");
        if below.is_empty() {
            assert!(text.contains("Example"), "`{command}` shows no example:\n{text}");
            assert!(text.contains("Exit codes: 0"), "`{command}` does not say how it ends:\n{text}");
            seen += 1;
        }
        for part in below {
            let part = format!("{command} {part}");
            let of_part = help(&part);
            assert!(text.contains("Example") || of_part.contains("Example"), "`{part}` shows no example");
            assert!(of_part.contains("Exit codes: 0"), "`{part}` does not say how it ends:\n{of_part}");
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen} commands");
    assert!(help("").contains("Example"));
}

#[test]
fn an_experiment_that_does_not_exist_is_an_input_error() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["run", "none.toml"]).snapshot(&place));
}

#[test]
fn a_faulty_experiment_shows_every_fault_with_its_place() {
    let place = Place::new();
    place.write("bad.toml", "name = \"bad\"\ntrials = 0\ntask = []\ntasks = [\"none/*\"]\n\n[[agents]]\nname = \"a\"\nmodel = \"simulated/steady\"\n");
    insta::assert_snapshot!(place.run(&["run", "bad.toml"]).snapshot(&place));
}

#[test]
fn a_missing_task_directory_is_pointed_at() {
    let place = Place::new();
    place.write("e.toml", "name = \"e\"\ntrials = 1\ntasks = [\"none\"]\n\n[[agents]]\nname = \"a\"\nmodel = \"simulated/steady\"\n");
    insta::assert_snapshot!(place.run(&["run", "e.toml", "--dry-run"]).snapshot(&place));
}

#[test]
fn unknown_agents_models_and_filters_suggest_the_nearest_name() {
    let place = Place::new();
    let text = experiment("fake", 1, &["steady"]).replace("simulated/steady", "simulated/stedy");
    place.write("model.toml", &text);
    let ran = place.run(&["run", "model.toml"]).expect(2);
    assert!(ran.stderr.contains("did you mean `simulated/steady`?"), "{}", ran.stderr);

    place.write("recipe.toml", &format!("{}recipe = \"opencod\"\n", experiment("fake", 1, &["steady"])));
    let ran = place.run(&["run", "recipe.toml"]).expect(2);
    assert!(ran.stderr.contains("opencode"), "{}", ran.stderr);

    place.write("good.toml", &experiment("fake", 1, &["steady"]));
    let ran = place.run(&["run", "good.toml", "--agent", "stead"]).expect(2);
    assert!(ran.stderr.contains("did you mean `steady`?"), "{}", ran.stderr);
    let ran = place.run(&["run", "good.toml", "--task", "nothing"]).expect(2);
    assert!(ran.stderr.contains("no task is named `nothing`"), "{}", ran.stderr);
}

#[test]
fn an_engine_that_does_not_answer_is_an_infrastructure_error_with_advice() {
    let place = Place::new();
    place.write("e.toml", &experiment("docker", 1, &["steady"]));
    let mut command = place.command(&["run", "e.toml"]);
    let ran = support::Ran::from(
        command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().expect("it starts"),
    );
    let ran = ran.expect(5);
    assert!(ran.stderr.contains("error: ") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    assert!(!place.join("results").exists(), "nothing is written before the engine answers");
}

#[test]
fn a_dry_run_prints_the_plan_and_runs_nothing() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 3, &["steady", "flaky"]));
    let ran = place.run(&["run", "e.toml", "--dry-run", "--task", "fix-torn-tail"]);
    insta::assert_snapshot!(ran.snapshot(&place));
    assert!(!place.join("results").exists());
    let ran = place.run(&["run", "e.toml", "--dry-run", "--json", "--trials", "2"]).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(plan["cells"], 10);
    assert_eq!(plan["trials"], 20);
    assert_eq!(plan["order"].as_array().map(Vec::len), Some(20));
}

#[test]
fn a_run_is_scored_the_same_every_time() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 4, &["steady", "wanderer"]));
    let ran = place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    assert!(ran.stdout.contains("steady") && ran.stdout.contains("wanderer"), "{}", ran.stdout);
    assert!(ran.stderr.contains("run/trials.jsonl"), "{}", ran.stderr);
    let again = place.run(&["score", "run"]).expect(0);
    assert_eq!(ran.stdout, again.stdout, "the scorecard of a run is a function of the run");
    let (one, two) =
        (place.run(&["score", "run", "--json"]).expect(0), place.run(&["score", "run", "--json"]).expect(0));
    assert_eq!(one.stdout, two.stdout);
    let card: serde_json::Value = serde_json::from_str(&one.stdout).expect("JSON");
    assert!(
        card["schema"].is_object() || card["schema"].is_number() || card["schema"].is_string(),
        "{card:.100}"
    );
    let status = place.run(&["status", "run"]).expect(0);
    assert!(status.stdout.contains("40 of 40 finished"), "{}", status.stdout);
    assert_eq!(place.leftovers(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn an_occupied_directory_and_a_directory_without_a_run_are_input_errors() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    place.write("occupied/notes.txt", "mine");
    let ran = place.run(&["run", "e.toml", "--out", "occupied"]).expect(2);
    assert!(ran.stderr.contains("exists and is not empty"), "{}", ran.stderr);
    for command in ["score", "status"] {
        let ran = place.run(&[command, "occupied"]).expect(2);
        assert!(ran.stderr.contains("no run at"), "{}", ran.stderr);
    }
}

#[test]
fn a_run_without_any_result_is_never_a_success() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    fs_err::write(place.join("run/trials.jsonl"), "").expect("a file");
    let ran = place.run(&["score", "run"]);
    assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_record_given_twice_makes_the_run_invalid() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let text = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    let first = text.lines().next().expect("a record");
    fs_err::write(place.join("run/trials.jsonl"), format!("{text}{first}\n")).expect("a file");
    place.run(&["score", "run"]).expect(4);
}

#[test]
fn a_complete_run_can_be_resumed_without_doing_anything() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let before = fs_err::read(place.join("run/trials.jsonl")).expect("records");
    place.run(&["run", "--resume", "run"]).expect(0);
    assert_eq!(fs_err::read(place.join("run/trials.jsonl")).expect("records"), before);
}

#[test]
fn a_task_that_changed_since_the_run_started_stops_its_resumption() {
    let place = Place::new();
    let copy = std::process::Command::new("cp").arg("-r").arg(tasks_dir()).arg(place.join("tasks")).status();
    assert!(copy.expect("cp").success());
    let text = experiment("fake", 1, &["steady"]).replace(&tasks_dir().display().to_string(), "tasks");
    place.write("e.toml", &text);
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    place.write("tasks/fix-torn-tail/instruction.md", "Something else.\n");
    let ran = place.run(&["run", "--resume", "run"]).expect(2);
    assert!(ran.stderr.contains("`fix-torn-tail` changed since the run was started"), "{}", ran.stderr);
}

#[test]
fn lists_and_completions_print_data_to_stdout() {
    let place = Place::new();
    let tasks = tasks_dir().display().to_string();
    let ran = place.run(&["task", "list", &format!("{tasks}/fix-torn-tail")]).expect(0);
    insta::assert_snapshot!(ran.stdout);
    let ran = place.run(&["agent", "list"]).expect(0);
    for name in ["reference", "opencode", "simulated/steady"] {
        assert!(ran.stdout.contains(name), "{}", ran.stdout);
    }
    let ran = place.run(&["completions", "bash"]).expect(0);
    assert!(ran.stdout.contains("_retrial"), "{}", ran.stdout);
}

#[test]
fn a_record_that_is_missing_is_put_back_from_the_events() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 2, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let whole = support::records(&place.join("run"));
    let text = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    let without_third: String = text
        .lines()
        .enumerate()
        .filter(|(index, _)| *index != 2)
        .flat_map(|(_, line)| [line, "\n"])
        .collect();
    fs_err::write(place.join("run/trials.jsonl"), without_third).expect("a file");
    place.run(&["run", "--resume", "run"]).expect(0);
    assert_eq!(support::records(&place.join("run")), whole);
}

#[test]
fn records_that_the_events_do_not_know_stop_the_resumption() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    fs_err::write(place.join("run/events.jsonl"), "").expect("a file");
    let ran = place.run(&["run", "--resume", "run"]).expect(4);
    assert!(ran.stderr.contains("contradicts itself"), "{}", ran.stderr);
}

#[test]
fn an_agent_named_like_a_recipe_that_it_does_not_use_is_refused() {
    let place = Place::new();
    let text = experiment("fake", 1, &["steady"]).replace("name = \"steady\"", "name = \"opencode\"");
    place.write("e.toml", &text);
    let ran = place.run(&["run", "e.toml", "--dry-run"]).expect(2);
    assert!(ran.stderr.contains("add `recipe = \"opencode\"`"), "{}", ran.stderr);
}

#[test]
fn a_validation_prints_the_same_whatever_the_number_of_threads() {
    let place = Place::new();
    let ran = |threads: &str| {
        place.run(&["validate", "--reps", "3", "--designs", "3x4", "--seed", "5", "--threads", threads])
    };
    let (one, two) = (ran("1"), ran("2"));
    assert!(one.stdout.contains("| success rate, shown"), "{}", one.stdout);
    assert!(one.stderr.contains("36 of 36 cells done"), "{}", one.stderr);
    assert_eq!((one.stdout, one.code), (two.stdout, two.code));
    place.run(&["validate", "--designs", "1x4"]).expect(2);
}
