//! `retrial compare` as a user meets it.

#[path = "support/runs.rs"]
mod runs;
mod support;

use retrial_spec::{RunId, RunManifest, TrialRecord, WireFault, digest_bytes};
use retrial_testkit::{Change, measured_mut, run, run_with_faults, stops, trial};
use runs::{validate, write_run};
use support::Place;

const TASKS: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];
const TRIALS: u32 = 5;

/// A trial of an agent that passes the first `luck` trials of a task, in its own way and at its own price.
fn record(task: usize, agent: &str, number: u32, luck: u32) -> TrialRecord {
    let place = u64::from(number) + task as u64;
    let made = trial(TASKS[task], agent, number).uses(900 + 40 * place).takes(5000 + 300 * place);
    let (way, price) = match agent {
        "careful" => ("read:cat search:grep edit:sed test:pytest", 4000),
        _ => ("read:cat edit:sed", 1500),
    };
    let made = made.does(way).costs(price + 100 * place);
    if number > luck { made.fails() } else { made }
}

fn records(agents: &[&str], luck: impl Fn(&str, usize) -> u32) -> Vec<TrialRecord> {
    let mut records = Vec::new();
    for &agent in agents {
        for task in 0..TASKS.len() {
            let luck = luck(agent, task);
            records.extend((1..=TRIALS).map(|number| record(task, agent, number, luck)));
        }
    }
    records
}

/// How often each agent passes a task.
fn luck(agent: &str, task: usize) -> u32 {
    match agent {
        "careful" => 5 - u32::from(task == 2),
        "quick" => 3 + (task as u32 % 2),
        _ => u32::from(task == 0),
    }
}

/// One run of the agents.
fn one_run(agents: &[&str]) -> Place {
    let place = Place::new();
    write_run(&place, "run", &run(agents, &TASKS, TRIALS), &records(agents, luck));
    place
}

/// Two runs of one agent, `old` and `new`, the manifest of the second changed.
fn two_runs(change: impl Fn(&mut RunManifest)) -> Place {
    let place = Place::new();
    for (name, agent_luck) in [("old", 3), ("new", 4)] {
        let mut manifest = run(&["steady"], &TASKS, TRIALS);
        manifest.run = RunId::new(name).expect("an id");
        if name == "new" {
            change(&mut manifest);
        }
        let known = |record: &TrialRecord| manifest.tasks.iter().any(|task| task.name == record.trial.task);
        let records: Vec<TrialRecord> =
            records(&["steady"], |_, task| agent_luck + task as u32 % 2).into_iter().filter(known).collect();
        write_run(&place, name, &manifest, &records);
    }
    place
}

#[test]
fn two_agents_of_a_run_are_compared_in_every_respect() {
    let place = one_run(&["quick", "careful"]);
    insta::assert_snapshot!(place.run(&["compare", "run"]).expect(0).snapshot(&place));
}

#[test]
fn of_several_agents_those_that_may_be_best_are_named_and_the_others_excluded() {
    let place = one_run(&["quick", "careful", "broken", "hopeless"]);
    insta::assert_snapshot!(place.run(&["compare", "run"]).expect(0).snapshot(&place));
}

#[test]
fn a_missing_interval_takes_no_answer_away_and_its_reason_is_told() {
    let place = Place::new();
    let records = records(&["quick", "careful"], |agent, _| if agent == "careful" { 5 } else { 1 });
    let lost = |record: TrialRecord| {
        let is_lost = record.trial.task.as_str() == TASKS[0] && record.trial.agent.as_str() == "quick";
        if is_lost && record.trial.number > 1 { record.infrastructure() } else { record }
    };
    let records: Vec<TrialRecord> = records.into_iter().map(lost).collect();
    write_run(&place, "run", &run(&["quick", "careful"], &TASKS, TRIALS), &records);
    let ran = place.run(&["compare", "run"]).expect(0);
    let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.starts_with("careful is better than quick on exactly these tasks"), "{words}");
    assert!(words.contains("+0.67 (no interval: some task has a single trial)"), "{words}");
}

#[test]
fn every_pair_stands_in_a_line_with_what_procedures_call_different() {
    let place = one_run(&["quick", "careful", "broken", "hopeless"]);
    insta::assert_snapshot!(place.run(&["compare", "run", "--pairs"]).expect(0).snapshot(&place));
}

#[test]
fn a_release_is_compared_with_the_one_before_it_whatever_both_are_called() {
    let place = two_runs(|_| {});
    let ran = place.run(&["compare", "old", "new:steady"]).expect(0);
    assert!(ran.stdout.contains("steady (new)") && ran.stdout.contains("steady (old)"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("Before believing it"), "{}", ran.stdout);
}

#[test]
fn the_same_question_has_the_same_answer_byte_for_byte_and_another_seed_another() {
    let place = one_run(&["quick", "careful"]);
    let json = |args: &[&str]| place.run(&[&["compare", "run", "--json"], args].concat()).expect(0).stdout;
    assert_eq!(json(&[]), json(&[]));
    assert_ne!(json(&["--target", "fixed", "--seed", "1"]), json(&["--target", "fixed", "--seed", "2"]));
}

#[test]
fn the_json_fits_its_schema_and_has_the_later_one_as_the_candidate() {
    let place = one_run(&["quick", "careful", "broken"]);
    let ran = place.run(&["compare", "run:careful", "run:quick", "--json", "--difference", "0.05"]).expect(0);
    let found = validate("comparison.schema.json", &ran.stdout);
    assert_eq!((&found["pairs"][0]["candidate"], &found["pairs"][0]["baseline"]), (&1.into(), &0.into()));
    let point = found["pairs"][0]["success"]["fixed_suite"]["difference"]["estimate"]["point"].as_f64();
    assert!(point.unwrap() < -0.1, "{point:?}");
    assert_eq!(found["pairs"][0]["purchase"]["known"]["difference"], 0.05);
    let all = place.run(&["compare", "run", "--json"]).expect(0);
    assert_eq!(validate("comparison.schema.json", &all.stdout)["pairs"].as_array().unwrap().len(), 3);
}

#[test]
fn every_form_is_written_and_says_the_same() {
    let place = one_run(&["quick", "careful"]);
    let args = ["compare", "run", "--out", "out", "--format", "html,md,json,svg,png"];
    let ran = place.run(&args).expect(0);
    let mut names: Vec<&str> = ran.stdout.lines().collect();
    names.sort_unstable();
    let pictures = ["cost", "forest", "tasks", "time"];
    let mut expected: Vec<String> =
        ["html", "md", "json"].map(|form| format!("out/comparison.{form}")).into();
    expected.extend(
        pictures.iter().flat_map(|name| ["svg", "png"].map(|form| format!("out/comparison-{name}.{form}"))),
    );
    expected.sort_unstable();
    assert_eq!(names, expected);
    let read = |name: &str| fs_err::read_to_string(place.join(name)).unwrap();
    validate("comparison.schema.json", &read("out/comparison.json"));
    insta::assert_snapshot!(read("out/comparison.md"));
    let page = read("out/comparison.html");
    assert!(
        page.contains("default-src 'none'") && page.contains("<strong>careful</strong> is better than"),
        "{page}"
    );
    assert!(!page.contains("<script"), "{page}");
    // The one address that a page may have is the name of the language of its pictures.
    let addresses = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!addresses.contains("http://") && !addresses.contains("https://"), "{page}");
}

#[test]
fn a_gate_policy_decides_of_each_agent_whether_it_may_replace_the_first() {
    let place = one_run(&["careful", "quick", "broken"]);
    place.write("gate.toml", "[margins]\nsuccess = 0.1\n");
    let args = ["compare", "run", "--out", "out", "--format", "junit", "--policy", "gate.toml"];
    let ran = place.run(&args).expect(0);
    assert_eq!(ran.stdout, "out/comparison-2.junit.xml\nout/comparison-3.junit.xml\n");
    let broken = fs_err::read_to_string(place.join("out/comparison-3.junit.xml")).unwrap();
    assert!(broken.contains("<failure"), "{broken}");
    let refused = place.run(&["compare", "run", "--out", "out", "--format", "junit"]).expect(2);
    assert!(refused.stderr.contains("--policy"), "{}", refused.stderr);
}

/// Asserts that the comparison is refused with what differs, and done with a warning where it is asked for.
#[track_caller]
fn refused(place: &Place, args: &[&str], differs: &str) {
    let ran = place.run(&[&["compare"], args].concat()).expect(4);
    assert!(ran.stderr.contains(differs) && ran.stderr.contains("--even-if-different"), "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
    let forced = place.run(&[&["compare", "--even-if-different"], args].concat()).expect(0);
    assert!(forced.stdout.contains("although it was not the same that was tried"), "{}", forced.stdout);
    let forced = place.run(&[&["compare", "--force", "--json"], args].concat()).expect(0);
    assert!(forced.stdout.contains("\"even_if_different\": true"));
}

#[test]
fn tasks_that_only_one_run_has_are_refused() {
    let fewer = |manifest: &mut RunManifest| manifest.tasks.truncate(4);
    let place = two_runs(fewer);
    refused(&place, &["old", "new"], "tasks that only the baseline has: epsilon, zeta");
    refused(&place, &["new", "old"], "tasks that only the candidate has: epsilon, zeta");
}

#[test]
fn tasks_of_other_content_are_refused() {
    let place = two_runs(|manifest| manifest.tasks[1].digest = Some(digest_bytes(b"changed")));
    refused(&place, &["old", "new"], "tasks whose content is not the same: beta");
}

#[test]
fn tasks_of_other_versions_are_refused_where_no_digest_is_known() {
    let place = Place::new();
    for name in ["old", "new"] {
        let mut manifest = run(&["steady"], &TASKS, TRIALS);
        manifest.run = RunId::new(name).unwrap();
        for task in &mut manifest.tasks {
            task.digest = None;
            task.version =
                Some(if name == "new" && task.name.as_str() == "beta" { "2" } else { "1" }.to_owned());
        }
        write_run(&place, name, &manifest, &records(&["steady"], |_, _| 3));
    }
    refused(&place, &["old", "new"], "tasks whose content is not the same: beta");
}

#[test]
fn a_condition_of_other_settings_is_refused_and_does_not_bear_on_the_baseline() {
    let place = Place::new();
    for name in ["old", "new"] {
        let mut manifest = run_with_faults(&["steady"], &TASKS, TRIALS);
        manifest.run = RunId::new(name).unwrap();
        if name == "new" {
            let condition = measured_mut(&mut manifest).experiment.conditions.last_mut().unwrap();
            condition.fault.as_mut().unwrap().what = WireFault::RateLimit;
        }
        let plain = records(&["steady"], |_, _| 3);
        let hit = plain.clone().into_iter().map(|record| record.hit(1, 1));
        let all: Vec<TrialRecord> = plain.iter().cloned().chain(hit).collect();
        write_run(&place, name, &manifest, &all);
    }
    refused(&place, &["old", "new", "--condition", "faults"], "the condition `faults` has other settings");
    place.run(&["compare", "old", "new"]).expect(0);
}

#[test]
fn what_may_explain_a_difference_is_said_and_forbids_nothing() {
    let place = two_runs(|manifest| manifest.actions = digest_bytes(b"another table"));
    let ran = place.run(&["compare", "old", "new"]).expect(0);
    assert!(ran.stdout.contains("Actions were named by different tables"), "{}", ran.stdout);
}

/// Two runs of one agent, `plain` of a fixed size and `stopping` with a rule that could have stopped it, with other seeds.
fn plain_and_stopping() -> Place {
    let place = Place::new();
    for name in ["plain", "stopping"] {
        let mut manifest = run(&["steady"], &TASKS, TRIALS);
        manifest.run = RunId::new(name).expect("an id");
        if name == "stopping" {
            stops(&mut manifest);
            manifest.seed = 11;
        }
        let luck = if name == "plain" { 2 } else { 4 };
        write_run(&place, name, &manifest, &records(&["steady"], |_, task| luck + task as u32 % 2));
    }
    place
}

#[test]
fn a_pair_of_long_names_leaves_room_for_its_numbers() {
    let agents = ["an-agent-with-a-rather-long-name", "another-agent-with-a-long-name", "a-third-agent"];
    let place = Place::new();
    write_run(&place, "run", &run(&agents, &TASKS, TRIALS), &records(&agents, luck));
    let two = place.run(&["compare", "run:an-agent-with-a-rather-long-name", &format!("run:{}", agents[1])]);
    let two = two.expect(0).stdout;
    assert!(two.lines().any(|line| line.starts_with("these tasks") && line.contains("+0.00 [")), "{two}");
    let three = place.run(&["compare", "run"]).expect(0).stdout;
    assert!(three.lines().any(|line| line.starts_with("2 - 1  +0.00 [")), "{three}");
    assert!([two, three].iter().all(|text| text.lines().all(|line| line.chars().count() <= 80)));
}

#[test]
fn every_run_is_scored_for_the_same_target_whichever_is_named_first() {
    let place = plain_and_stopping();
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&place.run(&[&["compare", "--json"], args].concat()).expect(0).stdout).unwrap()
    };
    // Of exactly these tasks no median of times has an interval, so that this shows what each scorecard was made for.
    let targets = |found: &serde_json::Value| -> Vec<bool> {
        let time = |one: &serde_json::Value| {
            one["time_median"]["estimate"]["interval"]["undefined"]["code"] == "not_for_target"
        };
        let of_cards = found["contenders"].as_array().unwrap().iter().map(time);
        of_cards.chain([found["settings"]["target"] == "fixed_suite"]).collect()
    };
    for order in [["plain", "stopping"], ["stopping", "plain"]] {
        assert_eq!(targets(&json(&order)), [true; 3], "{order:?}");
        let asked = json(&[&["--target", "population"], &order[..]].concat());
        assert_eq!(targets(&asked), [false; 3], "{order:?}");
    }
}

#[test]
fn a_rule_that_could_stop_a_run_is_said_also_of_agents_of_that_run() {
    let place = Place::new();
    let mut manifest = run(&["quick", "careful"], &TASKS, TRIALS);
    stops(&mut manifest);
    write_run(&place, "run", &manifest, &records(&["quick", "careful"], luck));
    let text = place.run(&["compare", "run"]).expect(0).stdout;
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined.contains("A run could stop by what its trials showed, which the numbers of a"), "{text}");
    assert!(joined.contains("the intervals here are those of runs whose size was set beforehand"), "{text}");
    let json = place.run(&["compare", "run", "--json"]).expect(0).stdout;
    let found = validate("comparison.schema.json", &json);
    let mismatches = found["pairs"][0]["mismatches"].as_array().unwrap();
    assert_eq!(mismatches.len(), 1);
    assert_eq!(mismatches[0]["difference"]["what"], "stopping_rule");
}

#[test]
fn a_run_that_is_named_twice_is_one_run_of_which_nothing_is_doubted() {
    let place = Place::new();
    let mut manifest = run(&["quick", "careful"], &TASKS, TRIALS);
    for task in &mut manifest.tasks {
        task.digest = None;
    }
    write_run(&place, "run", &manifest, &records(&["quick", "careful"], luck));
    let ran = place.run(&["compare", "run:quick", "./run:careful"]).expect(0);
    assert!(!ran.stdout.contains("Before believing it"), "{}", ran.stdout);
    assert_eq!(ran.stdout, place.run(&["compare", "run"]).expect(0).stdout);
    let refused = place.run(&["compare", "run:quick", "./run:quick"]).expect(2);
    assert!(refused.stderr.contains("named twice"), "{}", refused.stderr);
}

#[test]
fn success_beside_cost_is_shown_for_the_target_that_domination_is_decided_for() {
    let place = one_run(&["quick", "careful"]);
    for (target, head, other, speaks_of) in [
        ("fixed", "success, these tasks", "success, new tasks", "exactly these tasks, run again"),
        ("population", "success, new tasks", "success, these tasks", "new tasks like these"),
    ] {
        let args =
            ["compare", "run", "--target", target, "--out", target, "--format", "md,svg", "--level", "0.9"];
        place.run(&args).expect(0);
        let read = |name: &str| fs_err::read_to_string(place.join(&format!("{target}/{name}"))).unwrap();
        let text = read("comparison.md");
        let (_, costs) = text.split_once("### Success and what it takes").unwrap();
        let (costs, _) = costs.split_once("<details>").unwrap();
        assert!(costs.contains(head) && !costs.contains(other), "{costs}");
        let picture = read("comparison-cost.svg");
        assert!(picture.contains(&format!("for {speaks_of}")), "{picture}");
    }
}

#[test]
fn what_has_no_interval_is_said_to_have_none_with_the_reason() {
    let place = one_run(&["quick", "careful", "broken", "hopeless"]);
    let text = place.run(&["compare", "run", "--pairs"]).expect(0).stdout;
    assert!(text.contains("+0.00 (no interval)"), "{text}");
    assert!(text.contains("No interval: new tasks of 4 - 3 ("), "{text}");
}

#[test]
fn rows_that_are_left_out_are_counted_and_the_page_has_them() {
    let tasks: Vec<String> = (0..30).map(|task| format!("task_{task:02}")).collect();
    let names: Vec<&str> = tasks.iter().map(String::as_str).collect();
    let agents = ["one_agent", "another_agent", "a_third"];
    let mut records = Vec::new();
    for (place, agent) in agents.iter().enumerate() {
        for task in &names {
            let passed = [1, 4, 5][place];
            records.extend((1..=TRIALS).map(|number| {
                let made = trial(task, agent, number);
                if number > passed { made.fails() } else { made }
            }));
        }
    }
    let place = Place::new();
    write_run(&place, "run", &run(&agents, &names, TRIALS), &records);
    place.run(&["compare", "run", "--out", "out", "--format", "md,html"]).expect(0);
    let read = |name: &str| fs_err::read_to_string(place.join(name)).unwrap();
    let text = read("out/comparison.md");
    assert!(text.contains("… and 20 more tasks that differ, which the page and the JSON hold."), "{text}");
    assert!(text.contains("<summary>another_agent against one_agent, task by task</summary>"), "{text}");
    let page = read("out/comparison.html");
    let cells = |task: &str| page.matches(&format!("<th scope=\"row\">{task}</th>")).count();
    assert!(names.iter().all(|task| cells(task) == 3), "{page}");
    let short = place.run(&["compare", "run:one_agent", "run:a_third"]).expect(0).stdout;
    assert!(short.contains("… and 20 more tasks that differ"), "{short}");
}

#[test]
fn the_markdown_of_a_large_field_stays_short_and_counts_what_is_left_out() {
    let agents: Vec<String> =
        (0..16).map(|agent| format!("an-agent-with-a-rather-long-name-{agent:02}")).collect();
    let names: Vec<&str> = agents.iter().map(String::as_str).collect();
    let place = Place::new();
    let luck =
        |agent: &str, task: usize| (agent.len() as u32 + task as u32 + u32::from(agent.as_bytes()[34])) % 6;
    write_run(&place, "run", &run(&names, &TASKS, TRIALS), &records(&names, luck));
    place.run(&["compare", "run", "--out", "out", "--format", "md"]).expect(0);
    let text = fs_err::read_to_string(place.join("out/comparison.md")).unwrap();
    assert!(text.len() <= 60_000, "{}", text.len());
    assert!(text.contains("… and 60 more rows, which the page and the JSON hold."), "{text}");
    assert!(text.contains("… and 117 more pairs, which the page and the JSON hold."), "{text}");
    let printed = place.run(&["compare", "run", "--pairs"]).expect(0).stdout;
    assert!(printed.contains("… and 90 more pairs, in the table above"), "{printed}");
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
}

#[test]
fn questions_that_cannot_be_asked_are_input_errors() {
    let place = one_run(&["quick"]);
    for (args, says) in [
        (&["compare", "run"][..], "at least two agents"),
        (&["compare", "run:quick", "run:quick"], "named twice"),
        (&["compare", "run:nobody", "run"], "has no agent `nobody`"),
        (&["compare", "run", "--condition", "storm"], "has no condition `storm`"),
        (&["compare", "nowhere"], "nowhere"),
        (&["compare", "run", "--difference", "5"], "write 5 points as 0.05"),
    ] {
        let ran = place.run(args).expect(2);
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn nothing_graded_on_a_side_is_no_comparison() {
    let place = Place::new();
    let agents = ["quick", "careful"];
    let ungraded = |record: TrialRecord| {
        if record.trial.agent.as_str() == "careful" { record.ungraded() } else { record }
    };
    let records: Vec<TrialRecord> = records(&agents, luck).into_iter().map(ungraded).collect();
    write_run(&place, "run", &run(&agents, &TASKS, TRIALS), &records);
    let ran = place.run(&["compare", "run"]).expect(4);
    assert!(ran.stderr.contains("no task has graded trials on both sides"), "{}", ran.stderr);
}
