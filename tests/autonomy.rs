//! `retrial autonomy` as a user meets it: levels, changes between runs, files, required shares and what becomes of bad input.

#[path = "support/runs.rs"]
mod runs;
mod support;

use retrial_spec::{Claim, RetrialFacts, RunManifest, Stakes, TrialRecord, Verdict, Verifiability};
use retrial_testkit::{Change, run, stops, trial};
use runs::{validate, write_run};
use support::Place;

/// Twelve small fixes that are fully checked, three risky migrations that are partly checked, and one task that states nothing.
fn suite(fails: impl Fn(&str, u32) -> bool) -> (RunManifest, Vec<TrialRecord>) {
    let names: Vec<String> = (1..=12)
        .map(|place| format!("fix-{place:02}"))
        .chain((1..=3).map(|place| format!("move-{place}")))
        .collect();
    let mut tasks: Vec<&str> = names.iter().map(String::as_str).collect();
    tasks.push("odd");
    let mut manifest = run(&["agent"], &tasks, 5);
    for task in &mut manifest.tasks {
        let (category, stakes, verifiability, expected_minutes) = match task.name.as_str() {
            name if name.starts_with("fix") => ("fix-bug", Stakes::Low, Verifiability::Full, 10.0),
            name if name.starts_with("move") => ("migrate-data", Stakes::High, Verifiability::Partial, 40.0),
            _ => continue,
        };
        task.facts =
            Some(RetrialFacts { category: category.to_owned(), stakes, verifiability, expected_minutes });
    }
    let records = tasks.iter().flat_map(|task| {
        let fails = &fails;
        (1..=5).map(move |number| {
            let record = trial(task, "agent", number).claims(Claim::Done);
            if fails(task, number) { record.fails() } else { record }
        })
    });
    (manifest, records.collect())
}

fn write(place: &Place, name: &str, day: u32, fails: impl Fn(&str, u32) -> bool) {
    let (mut manifest, records) = suite(fails);
    manifest.run = retrial_spec::RunId::new(name).expect("a name");
    manifest.created_at = format!("2026-01-{day:02}T00:00:00Z").parse().expect("a time");
    write_run(place, name, &manifest, &records);
}

#[track_caller]
fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} characters: {line}", line.chars().count());
    }
}

#[test]
fn each_kind_of_work_has_a_level_with_the_bound_that_decides_and_what_would_raise_it() {
    let place = Place::new();
    write(&place, "one", 1, |task, number| task == "move-1" && number == 2);
    let ran = place.run(&["autonomy", "one"]).expect(0);
    assert_narrow(&ran.stdout);
    insta::assert_snapshot!(ran.stdout);
    let ran = place.run(&["autonomy", "one", "--target", "fixed"]).expect(0);
    assert_narrow(&ran.stdout);
    insta::assert_snapshot!("fixed", ran.stdout);
}

#[test]
fn the_same_as_json_fits_its_schema_and_is_the_same_each_time() {
    let place = Place::new();
    write(&place, "one", 1, |_, _| false);
    let first = place.run(&["autonomy", "one", "--json"]).expect(0);
    let document = validate("autonomy.schema.json", &first.stdout);
    let cells = document["runs"][0]["agents"][0]["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 2);
    assert_eq!(cells[0]["standing"]["level"], "delegate");
    assert_eq!(document["runs"][0]["agents"][0]["unstated"][0], "odd");
    assert_eq!(place.run(&["autonomy", "one", "--json"]).stdout, first.stdout);
}

#[test]
fn a_run_that_got_worse_shows_which_kind_of_work_fell_and_by_which_bound() {
    let place = Place::new();
    write(&place, "before", 1, |_, _| false);
    write(&place, "after", 2, |task, number| task.starts_with("fix") && number <= 3);
    // The order of time counts, not that of the arguments.
    let ran = place.run(&["autonomy", "after", "before", "--out", "made"]).expect(0);
    assert_narrow(&ran.stdout);
    let (_, over_time) = ran.stdout.split_once("over time").expect("a part on time");
    insta::assert_snapshot!("over_time", over_time);
    let page = fs_err::read_to_string(place.join("made/autonomy.html")).expect("a page");
    assert!(page.contains("<title>What work an agent may be left alone with</title>"));
    assert!(page.contains("fell from delegate"));
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://www.w3.org").count()
    );
    insta::assert_snapshot!(
        "markdown",
        fs_err::read_to_string(place.join("made/autonomy.md")).expect("a summary")
    );
}

#[test]
fn a_required_share_is_met_missed_or_not_shown() {
    let place = Place::new();
    let write = |name: &str, fails: &dyn Fn(&str, u32) -> bool| {
        let (manifest, records) = stated(fails);
        write_run(&place, name, &manifest, &records);
    };
    write("good", &|_, _| false);
    write("bad", &|_, number| number <= 4);
    let ran = place.run(&["autonomy", "good", "--require", "delegate=0.5"]).expect(0);
    assert!(ran.stderr.contains("50 % of the stated work: 50 %: met"), "{}", ran.stderr);
    let ran = place.run(&["autonomy", "good", "--require", "delegate=0.9"]).expect(3);
    assert!(ran.stderr.contains("too little evidence"), "{}", ran.stderr);
    let ran = place.run(&["autonomy", "bad", "--require", "delegate=0.5"]).expect(1);
    assert!(ran.stderr.contains("missed"), "{}", ran.stderr);
    let ran = place.run(&["autonomy", "good", "--require", "delegate=1.5"]).expect(2);
    assert!(ran.stderr.contains("a share lies above 0 and at most at 1"), "{}", ran.stderr);
}

#[test]
fn a_task_that_states_nothing_leaves_a_required_share_open() {
    let place = Place::new();
    write(&place, "one", 1, |_, _| false);
    let ran = place.run(&["autonomy", "one", "--require", "delegate=0.5"]).expect(3);
    assert!(ran.stderr.contains("some tasks do not state what they are"), "{}", ran.stderr);
}

/// The suite without the task that states nothing.
fn stated(fails: impl Fn(&str, u32) -> bool) -> (RunManifest, Vec<TrialRecord>) {
    let (mut manifest, mut records) = suite(fails);
    manifest.tasks.retain(|task| task.name.as_str() != "odd");
    records.retain(|record| record.trial.task.as_str() != "odd");
    (manifest, records)
}

#[test]
fn a_run_with_a_stopping_rule_gives_no_bounds_and_leaves_a_required_share_open() {
    let place = Place::new();
    let (mut manifest, records) = stated(|_, _| false);
    stops(&mut manifest);
    write_run(&place, "one", &manifest, &records);
    let ran = place.run(&["autonomy", "one", "--require", "delegate=0.5"]).expect(3);
    assert_narrow(&ran.stdout);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("the run could stop by what its rounds showed"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("not decided: the run could stop by what its rounds showed"),
        "{}",
        ran.stderr
    );
}

#[test]
fn trials_that_did_not_finish_count_against_a_level_and_the_report_says_so() {
    let place = Place::new();
    let (manifest, mut records) = stated(|_, _| false);
    records.retain(|record| !["fix-01", "fix-02"].contains(&record.trial.task.as_str()));
    write_run(&place, "one", &manifest, &records);
    let ran = place.run(&["autonomy", "one", "--require", "delegate=0.5"]).expect(3);
    assert_narrow(&ran.stdout);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("it depends on 10 trials that did not finish, taken here for failures"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_policy_of_ones_own_decides_and_a_contradictory_one_is_refused_with_its_line() {
    let place = Place::new();
    write(&place, "one", 1, |_, _| false);
    place.write("own.toml", "[low.full]\ndelegate = { success = 0.999 }\n[low.partial]\n[low.low]\n[medium.full]\n[medium.partial]\n[medium.low]\n[high.full]\n[high.partial]\n[high.low]\n");
    let ran = place.run(&["autonomy", "one", "--policy", "own.toml", "--json"]).expect(0);
    let document = validate("autonomy.schema.json", &ran.stdout);
    assert_eq!(document["runs"][0]["agents"][0]["cells"][0]["standing"]["level"], "supervised");
    place.write("bad.toml", "[high.full]\ndelegate = { success = 0.5 }\n");
    let ran = place.run(&["autonomy", "one", "--policy", "bad.toml"]).expect(2);
    assert!(
        ran.stderr.contains("`high.full.delegate` needs less than `medium.full.delegate`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("bad.toml:2"), "{}", ran.stderr);
}

#[test]
fn a_run_in_which_nothing_was_graded_is_invalid() {
    let place = Place::new();
    let (manifest, mut records) = suite(|_, _| false);
    for record in &mut records {
        record.verdict = Verdict::Ungraded(retrial_spec::UngradedReason::NoReward);
    }
    write_run(&place, "one", &manifest, &records);
    let ran = place.run(&["autonomy", "one"]).expect(4);
    assert!(ran.stdout.contains("supervised"), "{}", ran.stdout);
}
