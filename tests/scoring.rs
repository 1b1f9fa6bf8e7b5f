//! `retrial score` as a user meets it: several runs, views, and what becomes of bad data.

#[path = "support/runs.rs"]
mod runs;
mod support;

use retrial_spec::{Claim, RetrialFacts, RunManifest, Stakes, TrialRecord, Verdict, Verifiability};
use retrial_testkit::{Change, run, run_with_faults, trial};
use runs::{validate, write_run};
use support::Place;

/// Two agents on three tasks, four trials each, with faults as a second condition.
fn example() -> (RunManifest, Vec<TrialRecord>) {
    let manifest = run_with_faults(&["steady", "flaky"], &["alpha", "beta", "gamma"], 4);
    let mut records = Vec::new();
    for (agent, luck) in [("steady", 7), ("flaky", 2)] {
        for (place, task) in (1..).zip(["alpha", "beta", "gamma"]) {
            for number in 1..=4 {
                let record = one(task, agent, number, (place * 5 + number * 3) % 8 < luck);
                let is_unhurt = (place + number) % 3 > 0;
                let hit = record.clone().hit(2, u32::from(is_unhurt));
                records.push(record);
                records.push(if is_unhurt { hit } else { hit.fails() });
            }
        }
    }
    (manifest, records)
}

fn one(task: &str, agent: &str, number: u32, passes: bool) -> TrialRecord {
    let amount = u64::from(number) * 100 + task.len() as u64;
    let record = trial(task, agent, number).uses(amount).costs(amount * 2).takes(amount * 10);
    let record = record.claims(Claim::Done).states(if number == 2 { 0.4 } else { 0.9 });
    if passes {
        record.does("read:cat:source edit:sed:source test:pytest")
    } else {
        record.does("edit:sed:source run:python edit:sed:test").fails()
    }
}

/// One agent that passes every trial of each task but those that `fails` names.
fn plain(tasks: &[&str], trials: u32, fails: impl Fn(&str, u32) -> bool) -> (RunManifest, Vec<TrialRecord>) {
    let records = tasks.iter().flat_map(|task| {
        let fails = &fails;
        (1..=trials).map(move |number| {
            let record = trial(task, "agent", number);
            if fails(task, number) { record.fails() } else { record }
        })
    });
    (run(&["agent"], tasks, trials), records.collect())
}

#[track_caller]
fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} characters: {line}", line.chars().count());
    }
}

#[test]
fn tables_by_task_condition_and_action_fit_80_columns() {
    let place = Place::new();
    let (manifest, records) = example();
    write_run(&place, "run", &manifest, &records);
    for by in ["task", "condition", "action"] {
        let ran = place.run(&["score", "run", "--by", by]).expect(0);
        assert_narrow(&ran.stdout);
        insta::assert_snapshot!(format!("by_{by}"), ran.stdout);
    }
}

#[test]
fn a_table_by_category_has_a_row_for_each_and_says_so_where_no_task_states_one() {
    let place = Place::new();
    let (mut manifest, records) = example();
    write_run(&place, "plain", &manifest, &records);
    let ran = place.run(&["score", "plain", "--by", "category"]).expect(0);
    assert!(ran.stdout.ends_with("\nno task of this run states a category\n"), "{}", ran.stdout);
    for (task, category) in manifest.tasks.iter_mut().zip(["fix-bug", "fix-bug"]) {
        task.facts = Some(RetrialFacts {
            category: category.to_owned(),
            stakes: Stakes::Low,
            verifiability: Verifiability::Full,
            expected_minutes: 5.0,
        });
    }
    write_run(&place, "run", &manifest, &records);
    let ran = place.run(&["score", "run", "--by", "category"]).expect(0);
    assert_narrow(&ran.stdout);
    insta::assert_snapshot!("by_category", ran.stdout);
}

#[test]
fn the_princeton_profile_stands_beside_ours_with_the_reason_for_each_difference() {
    let place = Place::new();
    let (manifest, records) = example();
    write_run(&place, "run", &manifest, &records);
    let ran = place.run(&["score", "run", "--profile", "princeton"]).expect(0);
    assert_narrow(&ran.stdout);
    insta::assert_snapshot!(ran.stdout);
    let ran = place.run(&["score", "run", "--profile", "princeton", "--json"]).expect(0);
    let report = validate("score-report.schema.json", &ran.stdout);
    let numbers = &report["runs"][0]["princeton"]["agents"][0]["numbers"];
    assert!(numbers.as_array().expect("numbers").iter().all(|number| number["why"].is_string()));
    assert!(!place.run(&["score", "run"]).expect(0).stdout.contains("C_out"), "never the default");
}

#[test]
fn several_runs_are_scored_in_one_call_and_one_alone_is_a_scorecard_document() {
    let place = Place::new();
    let (manifest, records) = example();
    write_run(&place, "one", &manifest, &records);
    write_run(&place, "two", &manifest, &records[..10]);
    let ran = place.run(&["score", "one", "two"]).expect(0);
    assert_eq!(ran.stdout.matches("of 48 trials finished").count(), 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("warning: run run-1: 38 of 48 planned trials are missing"), "{}", ran.stderr);
    let alone = place.run(&["score", "one", "--json"]).expect(0);
    let card = validate("scorecard.schema.json", &alone.stdout);
    let both = place.run(&["score", "one", "two", "--json"]).expect(0);
    let report = validate("score-report.schema.json", &both.stdout);
    assert_eq!(report["runs"][0]["scored"], card);
    assert_eq!(report["runs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_same_input_gives_the_same_bytes_in_whatever_order_trials_finished() {
    let place = Place::new();
    let (manifest, mut records) = example();
    write_run(&place, "run", &manifest, &records);
    records.reverse();
    write_run(&place, "reversed", &manifest, &records);
    for view in [&["--json"][..], &["--by", "action", "--json"], &["--profile", "princeton", "--json"], &[]] {
        let of = |run| place.run(&[&["score", run], view].concat()).expect(0).stdout;
        assert_eq!(of("run"), of("run"));
        assert_eq!(of("run"), of("reversed"), "{view:?}");
    }
}

#[test]
fn policies_level_target_and_seed_are_settings_of_the_document() {
    let place = Place::new();
    let (manifest, mut records) = plain(&["a", "b"], 3, |_, number| number == 3);
    records[0] = records[0].clone().times_out();
    records[1] = records[1].clone().ungraded();
    write_run(&place, "run", &manifest, &records);
    let graded = |args: &[&str]| {
        let ran = place.run(&[&["score", "run", "--json"], args].concat()).expect(0);
        let card = validate("scorecard.schema.json", &ran.stdout);
        (card["scorecards"][0]["denominators"].clone(), card["settings"].clone())
    };
    let (lenient, _) = graded(&[]);
    assert_eq!((&lenient["graded"], &lenient["passed"]), (&5.into(), &3.into()));
    let strict =
        ["--timeout", "fail", "--ungraded", "fail", "--level", "0.9", "--target", "fixed", "--seed", "3"];
    let (strict, settings) = graded(&strict);
    assert_eq!((&strict["graded"], &strict["passed"]), (&6.into(), &2.into()));
    assert_eq!(settings["level"], 0.9);
    assert_eq!((&settings["target"], &settings["seed"]), (&"fixed_suite".into(), &3.into()));
    for bad in ["0", "1", "95", "NaN", "much"] {
        let ran = place.run(&["score", "run", "--level", bad]).expect(2);
        assert!(ran.stderr.contains("--level"), "{}", ran.stderr);
    }
}

#[test]
fn long_lists_of_tasks_are_counted_unless_all_are_asked_for() {
    let place = Place::new();
    let names: Vec<String> = (0..45).map(|number| format!("task-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (manifest, records) = plain(&names, 2, |task, number| task == "task-40" && number == 1);
    write_run(&place, "run", &manifest, &records);
    let ran = place.run(&["score", "run", "--by", "task"]).expect(0);
    assert!(ran.stdout.contains("… and 25 more tasks"), "{}", ran.stdout);
    assert!(ran.stdout.contains("task-40"), "what is not solved reliably comes first:\n{}", ran.stdout);
    let ran = place.run(&["score", "run", "--by", "task", "--all"]).expect(0);
    assert!(names.iter().all(|name| ran.stdout.contains(name)), "{}", ran.stdout);
}

#[test]
fn an_edited_verdict_is_found_without_an_audit() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| true);
    write_run(&place, "run", &manifest, &records);
    let text = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    place.write("run/trials.jsonl", &text.replacen(r#""verdict":"failed""#, r#""verdict":"passed""#, 1));
    insta::assert_snapshot!(place.run(&["score", "run"]).snapshot(&place));
}

#[test]
fn a_record_that_is_gone_or_that_nothing_happened_for_is_found() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| true);
    write_run(&place, "run", &manifest, &records);
    let text = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    let without_second: String =
        text.lines().enumerate().filter(|(line, _)| *line != 1).flat_map(|(_, line)| [line, "\n"]).collect();
    place.write("run/trials.jsonl", &without_second);
    let ran = place.run(&["score", "run"]).expect(4);
    assert!(
        ran.stderr.contains("lacks `a~agent~baseline~2`, which finished by events.jsonl line 2"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("hint: `retrial run --resume`"), "{}", ran.stderr);

    write_run(&place, "run", &manifest, &records[..3]);
    place.write("run/trials.jsonl", &text);
    let ran = place.run(&["score", "run"]).expect(4);
    assert!(
        ran.stderr.contains("line 4 records `b~agent~baseline~2`, which events.jsonl does not know"),
        "{}",
        ran.stderr
    );
}

#[test]
fn records_that_are_written_otherwise_and_say_the_same_are_no_contradiction() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 3, |_, _| false);
    write_run(&place, "run", &manifest, &records);
    for file in ["run/trials.jsonl", "run/events.jsonl"] {
        let text = fs_err::read_to_string(place.join(file)).expect("records");
        let mut lines: Vec<String> = text.lines().map(|line| line.replace("\":", "\" : ")).collect();
        lines.reverse();
        place.write(file, &(lines.join("\n") + "\n"));
        place.run(&["score", "run"]).expect(0);
    }
}

#[test]
fn a_run_without_events_is_scored_with_a_warning() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| false);
    write_run(&place, "run", &manifest, &records);
    fs_err::remove_file(place.join("run/events.jsonl")).expect("a file");
    let ran = place.run(&["score", "run"]).expect(0);
    assert!(ran.stderr.contains("warning: there is no events.jsonl"), "{}", ran.stderr);
}

#[test]
fn a_record_given_twice_is_an_error_with_its_line() {
    let place = Place::new();
    let (manifest, mut records) = plain(&["a", "b"], 2, |_, _| false);
    records.insert(3, records[0].clone());
    write_run(&place, "run", &manifest, &records);
    insta::assert_snapshot!(place.run(&["score", "run"]).snapshot(&place));
}

#[test]
fn lines_that_are_no_records_are_errors_with_file_line_and_hint() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| false);
    write_run(&place, "run", &manifest, &records);
    let text = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    let second = text.lines().nth(1).expect("a record");
    let bad = [
        // Another tool's line, a list, nothing, bytes of no text.
        r#"{"task_id":"a","reward":1.0,"trial":1}"#.to_owned(),
        "[1, 2]".to_owned(),
        String::new(),
        "\u{0}\u{1}".to_owned(),
        // Numbers that are none, or out of range.
        second.replace("\"attempts\":1", "\"attempts\":NaN"),
        second.replace("\"attempts\":1", "\"attempts\":-1"),
        second.replace("\"attempts\":1", "\"attempts\":1e999"),
        second.replace("\"value\":1,", "\"value\":99999999999999999999999,"),
        second.replace("\"codes\":[0]", "\"codes\":[7]"),
    ];
    for line in bad {
        assert_ne!(line, second);
        place.write("run/trials.jsonl", &text.replace(second, &line));
        let ran = place.run(&["score", "run"]).expect(4);
        assert!(
            ran.stderr.contains("trials.jsonl`\n  caused by: line 2 is not a record"),
            "{line}\n{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("\nhint: "), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn values_that_cannot_be_are_errors_with_file_line_and_hint() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| false);
    let impossible = [
        records[2].clone().states(1.5),
        records[2].clone().states(-0.1),
        TrialRecord { verdict: Verdict::Reward(1.5), ..records[2].clone() },
        TrialRecord { verdict: Verdict::Passed, ..records[2].clone().infrastructure() },
    ];
    for record in impossible {
        let mut records = records.clone();
        records[2] = record;
        write_run(&place, "run", &manifest, &records);
        let ran = place.run(&["score", "run"]).expect(2);
        assert!(ran.stderr.contains("error: cannot score `run/trials.jsonl` line 3\n"), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("b~agent~baseline~1") && ran.stderr.contains("\nhint: "),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn records_that_nobody_planned_are_errors() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| false);
    for stranger in [trial("c", "agent", 1), trial("a", "other", 1), trial("a", "agent", 3)] {
        write_run(&place, "run", &manifest, &[&records[..], &[stranger]].concat());
        let ran = place.run(&["score", "run"]).expect(4);
        assert!(ran.stderr.contains("line 5\n") && ran.stderr.contains("is not planned"), "{}", ran.stderr);
    }
}

#[test]
fn a_torn_last_line_is_left_out_where_nothing_says_that_its_trial_finished() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| false);
    write_run(&place, "run", &manifest, &records);
    for file in ["run/trials.jsonl", "run/events.jsonl"] {
        let text = fs_err::read_to_string(place.join(file)).expect("records");
        place.write(file, &text[..text.len() - 20]);
    }
    let ran = place.run(&["score", "run"]).expect(0);
    assert!(ran.stderr.contains("1 of 4 planned trials are missing"), "{}", ran.stderr);
    // The events are whole: the trial finished, and its record was torn.
    write_run(&place, "run", &manifest, &records);
    let text = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    place.write("run/trials.jsonl", &text[..text.len() - 20]);
    let ran = place.run(&["score", "run"]).expect(4);
    assert!(ran.stderr.contains("lacks `b~agent~baseline~2`"), "{}", ran.stderr);
}

#[test]
fn what_is_no_run_is_an_input_error_and_nothing_is_printed_for_the_others() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| false);
    write_run(&place, "run", &manifest, &records);
    place.write("notes/notes.txt", "mine");
    for what in ["nowhere", "notes", "notes/notes.txt"] {
        let ran = place.run(&["score", "run", what]).expect(2);
        assert!(
            ran.stderr.contains(&format!("no run at `{what}`")) && ran.stderr.contains("hint:"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
    place.write("run/run.json", "{\"format\": 1}");
    let ran = place.run(&["score", "run"]).expect(4);
    assert!(ran.stderr.contains("run.json"), "{}", ran.stderr);
    let newer =
        serde_json::to_string(&manifest).expect("a manifest").replacen("\"major\":", "\"major\":9", 1);
    place.write("run/run.json", &newer);
    let ran = place.run(&["score", "run"]).expect(2);
    assert!(ran.stderr.contains("format"), "{}", ran.stderr);
}

#[test]
fn runs_in_which_nothing_was_evaluated_are_never_a_success() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 2, |_, _| false);
    let ungraded: Vec<TrialRecord> = records.iter().cloned().map(Change::ungraded).collect();
    write_run(&place, "good", &manifest, &records);
    for records in [&[][..], &ungraded] {
        write_run(&place, "run", &manifest, records);
        for view in
            [&[][..], &["--json"], &["--by", "task"], &["--by", "action"], &["--profile", "princeton"]]
        {
            let ran = place.run(&[&["score", "good", "run"], view].concat()).expect(4);
            assert!(ran.stderr.contains("nothing was evaluated in the run at `run`"), "{}", ran.stderr);
        }
        let ran = place.run(&["score", "run", "--json"]).expect(4);
        validate("scorecard.schema.json", &ran.stdout);
        assert!(!ran.stdout.contains("NaN"), "{}", ran.stdout);
    }
}

/// The code of the reason why a headline measure has no value or no interval.
fn why(card: &serde_json::Value, id: &str) -> String {
    let measures = card["scorecards"][0]["measures"].as_array().expect("measures");
    let measure = measures.iter().find(|measure| measure["id"] == id).expect("the measure");
    let value = &measure["value"];
    let reasons = [&value["undefined"]["code"], &value["estimate"]["interval"]["undefined"]["code"]];
    reasons.into_iter().find_map(|code| code.as_str()).unwrap_or("defined").to_owned()
}

#[test]
fn thin_data_is_undefined_because_of_something_and_never_a_number() {
    let place = Place::new();
    let of = |tasks: &[&str], trials: u32, fails: &dyn Fn(&str, u32) -> bool| {
        let (manifest, records) = plain(tasks, trials, fails);
        write_run(&place, "run", &manifest, &records);
        let ran = place.run(&["score", "run", "--json"]).expect(0);
        for view in [&["--by", "task"][..], &["--by", "action"], &["--profile", "princeton"]] {
            let ran = place.run(&[&["score", "run"], view].concat()).expect(0);
            assert!(!ran.stdout.contains("NaN") && !ran.stdout.contains("inf "), "{}", ran.stdout);
        }
        validate("scorecard.schema.json", &ran.stdout)
    };
    let one_task = of(&["a"], 4, &|_, number| number == 1);
    assert_eq!(why(&one_task, "success_rate"), "too_few_tasks");
    let one_trial = of(&["a", "b", "c"], 1, &|task, _| task == "b");
    assert_eq!(why(&one_trial, "outcome_consistency"), "too_few_trials");
    assert_eq!(why(&one_trial, "brier"), "no_confidences");
    let all_passed = of(&["a", "b"], 3, &|_, _| false);
    assert_eq!(why(&all_passed, "success_rate"), "defined");
    assert_eq!(why(&all_passed, "invisible_of_failures"), "no_failures");
    let all_failed = of(&["a", "b"], 3, &|_, _| true);
    assert_eq!(why(&all_failed, "success_rate"), "defined");
    assert_eq!(why(&all_failed, "auroc"), "no_confidences");
}

#[test]
fn no_curve_goes_beyond_the_trials_of_its_thinnest_task() {
    let place = Place::new();
    let (manifest, records) = plain(&["a", "b"], 5, |_, number| number == 2);
    // Task b has two trials, so that k = 3 and more do not exist.
    write_run(&place, "run", &manifest, &records[..7]);
    let ran = place.run(&["score", "run", "--json"]).expect(0);
    let card = validate("scorecard.schema.json", &ran.stdout);
    let measures = card["scorecards"][0]["measures"].as_array().expect("measures");
    let ks: Vec<u64> = measures.iter().filter_map(|measure| measure["k"].as_u64()).collect();
    assert_eq!(ks.iter().max(), Some(&2));
}
