//! `retrial history` as a user meets it: runs added to a ledger, releases compared over time, and what becomes of bad ledgers.

#[path = "support/runs.rs"]
mod runs;
mod support;

use std::path::PathBuf;

use retrial_spec::{RunId, RunManifest, TrialRecord};
use retrial_testkit::{Change, measured_mut, run, trial};
use runs::{validate, write_run};
use support::Place;

const TASKS: [&str; 8] = ["alpha", "beta", "delta", "epsilon", "eta", "gamma", "theta", "zeta"];
const TRIALS: u32 = 10;

/// A run of `mine` in a version and of an anchor that stays the same: of 10 trials of each task so many pass.
struct Nightly {
    day: u32,
    version: &'static str,
    mine: u32,
    anchor: u32,
}

impl Nightly {
    fn made(&self) -> (RunManifest, Vec<TrialRecord>) {
        let mut manifest = run(&["mine", "anchor"], &TASKS, TRIALS);
        manifest.run = RunId::new(format!("night-{:02}", self.day)).expect("an id");
        manifest.created_at = format!("2026-05-{:02}T02:00:00Z", self.day).parse().expect("a time");
        manifest.seed = u64::from(self.day);
        manifest.agents[0].version = Some(self.version.to_owned());
        measured_mut(&mut manifest).experiment.name = RunId::new("nightly").expect("a name");
        let mut records = Vec::new();
        for (agent, passes) in [("mine", self.mine), ("anchor", self.anchor)] {
            for (place, task) in (0..).zip(TASKS) {
                // Some tasks are a little easier than others.
                let passes = (passes + place % 2).min(TRIALS);
                for number in 1..=TRIALS {
                    let amount = u64::from(number * 7 + place + self.day);
                    let record = trial(task, agent, number).uses(amount * 100).costs(amount * 40);
                    records.push(if number <= passes { record } else { record.fails() });
                }
            }
        }
        (manifest, records)
    }

    fn write(&self, place: &Place) -> PathBuf {
        let (manifest, records) = self.made();
        write_run(place, &format!("runs/{:02}", self.day), &manifest, &records)
    }
}

/// Six nights with a drop of the agent's own at version 2.3.0, which stays for two of them.
fn with_a_drop(place: &Place) {
    let nights = [(1, "2.1.0", 9), (2, "2.1.0", 9), (4, "2.2.0", 9), (9, "2.3.0", 6), (11, "2.3.0", 6)];
    for (day, version, mine) in nights {
        Nightly { day, version, mine, anchor: 8 }.write(place);
    }
    place.run(&["history", "add", "runs/01", "runs/02", "runs/04", "runs/09", "runs/11"]).expect(0);
}

/// The only file of the agent's history.
fn file(place: &Place, agent: &str) -> PathBuf {
    let directories: Vec<PathBuf> = fs_err::read_dir(place.join("history"))
        .expect("a ledger")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(directories.len(), 1, "{directories:?}");
    directories[0].join(format!("{agent}.jsonl"))
}

#[test]
fn a_drop_is_shown_since_its_release_and_told_from_a_change_of_the_model() {
    let place = Place::new();
    with_a_drop(&place);
    let ran = place.run(&["history", "show"]).expect(0);
    insta::assert_snapshot!("show", ran.stdout);
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{} characters: {line}", line.chars().count());
    }
    let ran = place.run(&["history", "show", "--json", "--agent", "mine"]).expect(0);
    let history = validate("history.schema.json", &ran.stdout);
    let change = &history["suites"][0]["agents"][0]["changes"][0];
    assert_eq!(change["since"]["release"], "2.3.0");
    assert_eq!(change["attribution"]["verdict"], "own");
    assert!(change["adjusted_p"].as_f64().expect("a p-value") <= 0.05);
}

#[test]
fn every_line_of_the_ledger_fits_its_schema() {
    let place = Place::new();
    with_a_drop(&place);
    let text = fs_err::read_to_string(file(&place, "mine")).expect("a history");
    assert_eq!(text.lines().count(), 5);
    for line in text.lines() {
        validate("ledger.schema.json", line);
    }
}

#[test]
fn a_run_that_is_added_twice_leaves_the_ledger_as_it_is() {
    let place = Place::new();
    with_a_drop(&place);
    let before = fs_err::read(file(&place, "mine")).expect("a history");
    let ran = place.run(&["history", "add", "runs/04", "runs/04", "--release", "other"]).expect(0);
    assert!(
        ran.stderr.contains("run night-04 of agent `mine` is there already; nothing was changed"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("is there as release 2.2.0, and stays so"), "{}", ran.stderr);
    assert_eq!(fs_err::read(file(&place, "mine")).expect("a history"), before);
}

#[test]
fn a_run_may_be_added_once_for_each_way_to_count_and_the_ledger_can_be_read_afterwards() {
    let place = Place::new();
    with_a_drop(&place);
    let ran = place.run(&["history", "add", "runs/09", "runs/11", "--timeout", "fail", "--json"]).expect(0);
    assert!(
        ran.stderr.contains("tasks or counting rules of `nightly` are others than before"),
        "{}",
        ran.stderr
    );
    let added = validate("history-add.schema.json", &ran.stdout);
    assert_eq!(added["entries"].as_array().map(Vec::len), Some(4));
    assert!(added["entries"].as_array().expect("entries").iter().all(|entry| entry["file"].is_string()));
    place.run(&["history", "add", "runs/09", "--timeout", "fail"]).expect(0);
    let ran = place.run(&["history", "show", "--json"]).expect(0);
    let history = validate("history.schema.json", &ran.stdout);
    assert_eq!(history["suites"].as_array().map(Vec::len), Some(2));
    place.run(&["history", "report"]).expect(0);
    // By the first way to count there is a drop, and by the other there are but two runs, which are alike.
    place.run(&["history", "check", "--agent", "mine"]).expect(1);
    let ran = place.run(&["history", "add", "runs/09", "--json"]).expect(0);
    assert!(validate("history-add.schema.json", &ran.stdout)["entries"][0]["file"].is_null());
}

#[test]
fn a_run_that_a_rule_may_stop_is_refused() {
    let place = Place::new();
    let (mut manifest, records) = Nightly { day: 1, version: "1", mine: 9, anchor: 8 }.made();
    let stop = serde_json::json!({ "half_width": 0.05 });
    let rule = serde_json::from_value(stop).expect("a rule");
    measured_mut(&mut manifest).experiment.stop = Some(rule);
    write_run(&place, "stopped", &manifest, &records);
    for more in [&[][..], &["--incomplete"]] {
        let ran = place.run(&[&["history", "add", "stopped"], more].concat()).expect(2);
        assert!(ran.stderr.contains("has a stopping rule"), "{}", ran.stderr);
    }
    assert!(!place.join("history").exists());
}

/// The imported results of an agent: of 10 trials of each task so many pass; with the time at which each began, where there is one.
fn imported(place: &Place, name: &str, passes: u32, started: Option<&str>) {
    let column = if started.is_some() { ",started_at" } else { "" };
    let started = started.map_or(String::new(), |started| format!(",{started}"));
    let row = |task: &str, number: u32| format!("{task},theirs,{number},{}{started}\n", number <= passes);
    let rows = TASKS.iter().flat_map(|task| (1..=TRIALS).map(move |number| (task, number)));
    let rows: String = rows.map(|(task, number)| row(task, number)).collect();
    let table = format!("task,agent,trial,passed{column}\n{rows}");
    place.write(&format!("{name}.csv"), &table);
    let seed = name.len().to_string();
    let table = format!("{name}.csv");
    let args = ["import", "table", &table, "--out", name, "--name", "nightly", "--seed", &seed];
    place.run(&args).expect(0);
}

#[test]
fn imported_runs_are_put_where_their_trials_were_run_and_not_where_they_were_read() {
    let place = Place::new();
    imported(&place, "new", 9, Some("2026-05-09T02:00:00Z"));
    place.run(&["history", "add", "new", "--release", "2.3.0"]).expect(0);
    // An older release that is imported later is no newer one.
    imported(&place, "older", 4, Some("2026-04-01T02:00:00Z"));
    let ran = place.run(&["history", "add", "older", "--release", "2.2.0"]).expect(0);
    assert!(ran.stderr.contains("is older than the newest run of `theirs`"), "{}", ran.stderr);
    let ran = place.run(&["history", "check"]).expect(0);
    assert!(ran.stdout.contains("release 2.3.0: not shown to be worse"), "{}", ran.stdout);
    assert!(ran.stdout.contains("better since 2.3.0"), "{}", ran.stdout);
    // Nobody knows when these were run, until it is said.
    imported(&place, "undated", 9, None);
    let ran = place.run(&["history", "add", "undated", "--release", "2.1.0"]).expect(2);
    assert!(ran.stderr.contains("does not say when the trials of `theirs` were run"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--at"), "{}", ran.stderr);
    place.run(&["history", "add", "undated", "--at", "yesterday"]).expect(2);
    let args = ["history", "add", "undated", "--release", "2.1.0", "--at", "2026-03-01", "--json"];
    let added = validate("history-add.schema.json", &place.run(&args).expect(0).stdout);
    assert_eq!(added["entries"][0]["at"], "2026-03-01T00:00:00Z");
    let args = ["history", "add", "undated", "--at", "2026-03-02", "--timeout", "fail"];
    let ran = place.run(&args).expect(2);
    assert!(ran.stderr.contains("with the time 2026-03-01T00:00:00Z, which stays so"), "{}", ran.stderr);
    with_a_drop(&place);
    let ran = place.run(&["history", "add", "runs/01", "--at", "2026-03-01"]).expect(2);
    assert!(ran.stderr.contains("`--at` is for imported runs"), "{}", ran.stderr);
}

#[test]
fn an_anchor_that_is_named_is_a_witness_and_not_checked_unless_it_is_asked_about() {
    let place = Place::new();
    for (day, anchor) in [(1, 9), (2, 9), (3, 5)] {
        Nightly { day, version: "1", mine: 9, anchor }.write(&place);
    }
    place.run(&["history", "add", "runs/01", "runs/02", "runs/03"]).expect(0);
    let ran = place.run(&["history", "check"]).expect(1);
    assert!(ran.stdout.contains("anchor on nightly, release 1: worse"), "{}", ran.stdout);
    let ran = place.run(&["history", "check", "--anchor", "anchor"]).expect(0);
    assert!(!ran.stdout.contains("anchor on nightly"), "{}", ran.stdout);
    place.run(&["history", "check", "--anchor", "anchor", "--agent", "anchor"]).expect(1);
}

#[test]
fn a_run_with_other_files_under_the_same_id_is_refused_and_so_are_its_trials_under_another() {
    let place = Place::new();
    with_a_drop(&place);
    let (manifest, mut records) = Nightly { day: 4, version: "2.2.0", mine: 9, anchor: 8 }.made();
    records.pop();
    records.push(trial("zeta", "anchor", 10).fails().uses(1));
    write_run(&place, "forged", &manifest, &records);
    let ran = place.run(&["history", "add", "forged"]).expect(2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: the ledger has run night-04 with other files than these

    hint: a ledger keeps what it was given: put back the run as it was added, or run it again as a new run
    ");
    let (manifest, records) = Nightly { day: 4, version: "2.2.0", mine: 9, anchor: 8 }.made();
    write_run(
        &place,
        "renamed",
        &RunManifest { run: RunId::new("night-05").expect("an id"), ..manifest },
        &records,
    );
    let ran = place.run(&["history", "add", "renamed"]).expect(2);
    assert!(ran.stderr.contains("run night-05 has the trials of run night-04"), "{}", ran.stderr);
}

#[test]
fn a_run_that_lacks_trials_is_refused_until_it_is_said_to_be_so() {
    let place = Place::new();
    let (manifest, mut records) = Nightly { day: 1, version: "1", mine: 9, anchor: 8 }.made();
    records.truncate(100);
    write_run(&place, "half", &manifest, &records);
    let ran = place.run(&["history", "add", "half"]).expect(2);
    assert!(ran.stderr.contains("lacks 60 planned trials"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--incomplete"), "{}", ran.stderr);
    assert!(!place.join("history").exists(), "nothing is written of a run that is refused");
    place.run(&["history", "add", "half", "--incomplete"]).expect(0);
}

#[test]
fn the_newest_release_is_checked_and_a_drop_fails_the_check() {
    let place = Place::new();
    for (day, version, mine) in [(1, "1.0", 9), (2, "1.1", 9), (3, "1.2", 5)] {
        Nightly { day, version, mine, anchor: 8 }.write(&place);
    }
    place.run(&["history", "check"]).expect(2);
    place.run(&["history", "add", "runs/01"]).expect(0);
    let ran = place.run(&["history", "check", "--agent", "mine"]).expect(3);
    assert!(ran.stdout.contains("the first run, there is nothing to compare it with"), "{}", ran.stdout);
    place.run(&["history", "add", "runs/02"]).expect(0);
    place.run(&["history", "check", "--agent", "mine"]).expect(0);
    place.run(&["history", "add", "runs/03"]).expect(0);
    let ran = place.run(&["history", "check", "--agent", "mine"]).expect(1);
    assert!(ran.stdout.starts_with("mine on nightly, release 1.2: worse\n"), "{}", ran.stdout);
    place.run(&["history", "check", "--agent", "anchor"]).expect(0);
}

#[test]
fn where_a_task_was_changed_a_new_history_begins_and_the_check_says_so() {
    let place = Place::new();
    for day in [1, 2] {
        Nightly { day, version: "1", mine: 9, anchor: 8 }.write(&place);
    }
    let (mut manifest, records) = Nightly { day: 3, version: "2", mine: 2, anchor: 8 }.made();
    manifest.tasks[0].digest = manifest.tasks[1].digest.clone();
    write_run(&place, "runs/03", &manifest, &records);
    let ran = place.run(&["history", "add", "runs/01", "runs/02", "runs/03"]).expect(0);
    assert!(ran.stderr.contains("added run night-03"), "{}", ran.stderr);
    let ran = place.run(&["history", "check", "--agent", "mine"]).expect(4);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("a new history begins with this run"), "{text}");
    let ran = place.run(&["history", "show"]).expect(0);
    assert!(ran.stdout.contains("a new history begins"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("worse since"), "{}", ran.stdout);
}

#[test]
fn what_a_crash_tore_is_left_out_and_cut_off_and_a_bad_line_is_named() {
    let place = Place::new();
    with_a_drop(&place);
    let path = file(&place, "mine");
    let whole = fs_err::read(&path).expect("a history");
    let torn = &whole[..whole.len() - 200];
    fs_err::write(&path, torn).expect("a file");
    let ran = place.run(&["history", "show"]).expect(0);
    assert!(ran.stderr.contains("ends with a torn line"), "{}", ran.stderr);
    place.run(&["history", "add", "runs/11"]).expect(0);
    assert_eq!(fs_err::read(&path).expect("a history"), whole);

    // A line of a later release that has lost its line feed alone is no torn one, and stays.
    let later = [&whole[..], br#"{"format":{"major":1,"minor":9},"new":true}"#].concat();
    fs_err::write(&path, &later).expect("a file");
    let ran = place.run(&["history", "add", "runs/11"]).expect(2);
    assert!(ran.stderr.contains("line 6 is no entry of a ledger"), "{}", ran.stderr);
    assert_eq!(fs_err::read(&path).expect("a history"), later);

    let text = String::from_utf8(whole).expect("text");
    fs_err::write(&path, text.replace(r#""format":{"major":1"#, r#""format":{"major":9"#)).expect("a file");
    let ran = place.run(&["history", "show"]).expect(2);
    insta::assert_snapshot!(ran.stderr.replace(&path.display().to_string(), "[file]").replace(
        path.strip_prefix(place.path()).expect("inside").to_str().expect("text"), "[file]"), @r"
    error: cannot read `[file]`
      caused by: line 1 cannot be used
      caused by: the line has format 9.0, and this build reads 1.0 and later minor versions

    hint: put back the line as it was added; a line of a later format needs the release that wrote it
    ");
    let swapped = text.replacen(r#""passed":9"#, r#""passed":10"#, 1);
    assert_ne!(swapped, text);
    fs_err::write(&path, format!("<<<<<<< ours\n{text}")).expect("a file");
    let ran = place.run(&["history", "show"]).expect(2);
    assert!(ran.stderr.contains("line 1 is a mark of an unfinished merge"), "{}", ran.stderr);
    assert!(ran.stderr.contains("merge=union"), "{}", ran.stderr);
    fs_err::write(&path, format!("{text}{swapped}")).expect("a file");
    let ran = place.run(&["history", "show"]).expect(4);
    assert!(ran.stderr.contains("says two different things of run `night-01`"), "{}", ran.stderr);
}

#[test]
fn lines_merged_in_any_order_and_twice_say_the_same() {
    let place = Place::new();
    with_a_drop(&place);
    let said = place.run(&["history", "show", "--json"]).expect(0).stdout;
    let path = file(&place, "mine");
    let text = fs_err::read_to_string(&path).expect("a history");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    lines.push(lines[2]);
    fs_err::write(&path, lines.join("\n")).expect("a file");
    assert_eq!(place.run(&["history", "show", "--json"]).expect(0).stdout, said);
    // A line after one that has lost its line feed does not run into it.
    Nightly { day: 12, version: "2.3.0", mine: 6, anchor: 8 }.write(&place);
    place.run(&["history", "add", "runs/12"]).expect(0);
    assert_eq!(fs_err::read_to_string(&path).expect("a history").lines().count(), 7);
}

#[test]
fn the_report_is_one_page_that_asks_for_nothing_with_markdown_and_json_beside_it() {
    let place = Place::new();
    with_a_drop(&place);
    let ran = place.run(&["history", "report", "--out", "public"]).expect(0);
    assert_eq!(ran.stdout, "public/history.html\npublic/history.md\npublic/history.json\n");
    let read = |name: &str| fs_err::read_to_string(place.join("public").join(name)).expect("a file");
    let page = read("history.html");
    assert!(page.contains("Worse since 2.3.0"), "the page says since when");
    for outside in ["src=\"http", "href=\"http", "<script"] {
        assert!(!page.contains(outside), "the page has `{outside}`");
    }
    insta::assert_snapshot!("report_markdown", read("history.md"));
    validate("history.schema.json", &read("history.json"));
    // The report beside the ledger's own files is no part of it.
    place.run(&["history", "report"]).expect(0);
    place.run(&["history", "show"]).expect(0);
}

#[test]
fn unknown_names_and_a_missing_ledger_are_input_errors_with_a_way_out() {
    let place = Place::new();
    let ran = place.run(&["history", "show"]).expect(2);
    assert!(ran.stderr.contains("retrial history add RUN"), "{}", ran.stderr);
    with_a_drop(&place);
    let ran = place.run(&["history", "show", "--agent", "mne"]).expect(2);
    assert!(ran.stderr.contains("did you mean `mine`?"), "{}", ran.stderr);
    place.run(&["history", "show", "--anchor-tasks", "alpha,nothing"]).expect(2);
    place.run(&["history", "show", "--suite", "other"]).expect(2);
    place.run(&["history", "add", "runs/01", "--release", " "]).expect(2);
    place.run(&["history", "add", "runs/01", "--condition", "faults"]).expect(2);
}

#[test]
fn many_processes_that_add_at_once_lose_no_line() {
    let place = Place::new();
    for day in 1..=6 {
        Nightly { day, version: "1", mine: 9, anchor: 8 }.write(&place);
    }
    let children: Vec<_> =
        (1..=6).map(|day| place.spawn(&["history", "add", &format!("runs/{day:02}")])).collect();
    for mut child in children {
        assert!(child.wait().expect("an end").success());
    }
    for agent in ["mine", "anchor"] {
        let text = fs_err::read_to_string(file(&place, agent)).expect("a history");
        assert_eq!(text.lines().count(), 6);
    }
}
