//! Runs that stop once their success rates are settled: the same decision at any concurrency and after any crash, and books that balance.

mod support;

use std::path::Path;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use support::{Place, experiment, records};

/// An experiment of two agents on two tasks, with a rule.
fn with_rule(sandbox: &str, trials: u32, stop: &str) -> String {
    format!("{}\n[stop]\n{stop}\n", experiment(sandbox, trials, &["steady", "flaky"]))
}

/// The arguments of a run on two of the tasks.
fn two_tasks<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = ["run", "e.toml", "--out", out, "--task", "fix-torn-tail", "--task", "add-time-summary"];
    [&start, more].concat()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(path).expect("a file")).expect("JSON")
}

/// What the rule said when it stopped the run.
fn stop(place: &Place, run: &str) -> Value {
    json(&place.join(run).join("stop.json"))
}

/// Trials with their verdicts.
fn outcomes(place: &Place, run: &str) -> Vec<(String, &'static str)> {
    let records = records(&place.join(run));
    records.iter().map(|record| (record.trial.to_string(), record.verdict.as_str())).collect()
}

#[test]
fn a_run_stops_after_the_same_round_at_any_concurrency_and_is_complete() {
    let place = Place::new();
    place.write("e.toml", &with_rule("fake", 60, "half_width = 0.2"));
    let ran = place.run(&two_tasks("one", &["--concurrency", "1"])).expect(0);
    let look = stop(&place, "one");
    let round = look["round"].as_u64().expect("a round");
    assert!((3..60).contains(&round), "{look}");
    let said = format!("stopped after round {round} of at most 60:");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the half-width is 0.1")
            && ran.stderr.contains("≤ 0.2 (anytime-valid 95 % interval")
    );
    let trials = round * 4;
    assert!(ran.stdout.contains(&format!("{trials} of {trials} trials finished")), "{}", ran.stdout);

    let four = place.run(&two_tasks("four", &["--concurrency", "4"])).expect(0);
    assert!(four.stderr.contains(&said), "{}", four.stderr);
    assert_eq!(stop(&place, "four"), look);
    assert_eq!(outcomes(&place, "four"), outcomes(&place, "one"));

    let status = place.run(&["status", "one"]).expect(0);
    assert!(status.stdout.contains("complete, stopped by its rule"), "{}", status.stdout);
    assert!(status.stdout.contains(&said), "{}", status.stdout);
    let status: Value =
        serde_json::from_str(&place.run(&["status", "one", "--json"]).expect(0).stdout).expect("JSON");
    assert_eq!((&status["state"], &status["planned"]), (&Value::from("settled"), &Value::from(trials)));
    assert_eq!(status["stopping"]["last_look"], look);
    place.run(&["audit", "one"]).expect(0);
}

#[test]
fn a_run_that_stopped_starts_no_further_trial_when_it_is_resumed() {
    let place = Place::new();
    place.write("e.toml", &with_rule("fake", 60, "threshold = 0.2\nmin_rounds = 3"));
    place.run(&two_tasks("run", &[])).expect(0);
    let before = fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records");
    let ran = place.run(&["run", "--resume", "run"]).expect(0);
    assert!(ran.stderr.contains("stopped after round"), "{}", ran.stderr);
    assert_eq!(fs_err::read_to_string(place.join("run/trials.jsonl")).expect("records"), before);
}

#[test]
fn the_scorecard_and_the_report_of_a_stopped_run_say_which_interval_holds() {
    let place = Place::new();
    place.write("e.toml", &with_rule("fake", 60, "half_width = 0.25"));
    let ran = place.run(&two_tasks("run", &["--json"])).expect(0);
    let scored: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(scored["settings"]["target"], "fixed_suite", "the rule speaks of exactly these tasks");
    let measures = scored["scorecards"][0]["measures"].as_array().expect("measures");
    let rate = measures.iter().find(|measure| measure["id"] == "success_rate").expect("a rate");
    let interval = &rate["value"]["estimate"]["interval"]["known"];
    assert_eq!(interval["method"], "beta_mixture_sequence");
    let look = stop(&place, "run");
    assert_eq!(
        (&interval["low"], &interval["high"]),
        (&look["agents"][0]["low"], &look["agents"][0]["high"])
    );
    assert!(ran.stderr.contains("anytime-valid"), "{}", ran.stderr);

    let text = place.run(&["score", "run"]).expect(0).stdout;
    assert!(text.contains("stopped by its rule after round"), "{text}");
    let other = place.run(&["score", "run", "--target", "population"]).expect(0);
    assert!(other.stderr.contains("no interval about new tasks accounts for that"), "{}", other.stderr);

    place.run(&["report", "run", "--format", "html,md,json", "--out", "public"]).expect(0);
    for file in ["report.html", "report.md"] {
        let text = fs_err::read_to_string(place.join("public").join(file)).expect("a report");
        assert!(text.contains("anytime-valid"), "{file}");
    }
    place.run(&["verify", "public/report.json", "run"]).expect(0);
}

#[test]
fn trials_that_run_out_before_the_rule_is_settled_are_not_enough() {
    let place = Place::new();
    place.write("e.toml", &with_rule("fake", 3, "half_width = 0.01"));
    let ran = place.run(&two_tasks("run", &[])).expect(3);
    assert!(ran.stdout.contains("12 of 12 trials finished"), "the scorecard is printed: {}", ran.stdout);
    assert!(
        ran.stderr.contains("all 3 rounds were run and the stopping rule is not settled"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("> 0.01"), "{}", ran.stderr);
    assert!(!place.join("run/stop.json").exists());
    let status = place.run(&["status", "run"]).expect(0);
    assert!(status.stdout.contains("not settled after round 3 of at most 3:"), "{}", status.stdout);
    place.run(&["run", "--resume", "run"]).expect(3);
}

#[test]
fn a_budget_that_ends_before_the_rule_is_settled_keeps_what_there_is_and_more_lets_it_go_on() {
    let place = Place::new();
    place.write(
        "e.toml",
        &with_rule("fake", 60, "half_width = 0.2\n[limits]\nrequests = 40\n[budget]\nrequests = 120"),
    );
    let ran = place.run(&two_tasks("run", &["--concurrency", "2"])).expect(3);
    assert!(ran.stderr.contains("the run's budget has no room"), "{}", ran.stderr);
    assert!(ran.stdout.contains("of 240 trials finished"), "{}", ran.stdout);
    place.run(&["run", "--resume", "run", "--budget-requests", "100000"]).expect(0);
    place.write("e.toml", &with_rule("fake", 60, "half_width = 0.2"));
    place.run(&two_tasks("whole", &[])).expect(0);
    assert_eq!(stop(&place, "run"), stop(&place, "whole"));
}

#[test]
fn a_run_is_compared_with_its_baseline_and_its_counts_are_kept() {
    let place = Place::new();
    let text = |agent: &str, trials: u32| experiment("fake", trials, &[agent]);
    place.write("e.toml", &text("steady", 30));
    place.run(&two_tasks("main", &[])).expect(0);
    let rule = "[stop]\nbaseline = \"main\"\nmargin = 0.05\n";
    place.write("e.toml", &format!("{}\n{rule}", text("flaky", 60)));
    let plan = place
        .run(&["run", "e.toml", "--task", "fix-torn-tail", "--task", "add-time-summary", "--dry-run"])
        .expect(0);
    assert!(plan.stdout.contains("baseline of flaky"), "{}", plan.stdout);
    assert!(plan.stdout.contains("of 60 passed in 30 rounds"), "{}", plan.stdout);
    let ran = place.run(&two_tasks("run", &[])).expect(0);
    assert!(ran.stderr.contains("it is worse than the baseline by more than 0.05"), "{}", ran.stderr);
    let kept = &json(&place.join("run/run.json"))["origin"]["measured"]["stop_baseline"];
    assert_eq!(
        (&kept["agents"][0]["agent"], &kept["agents"][0]["counts"]["rounds"]),
        (&Value::from("flaky"), &Value::from(30))
    );
    fs_err::remove_dir_all(place.join("main")).expect("it goes");
    place.run(&["run", "--resume", "run"]).expect(0);
    place.run(&["score", "run"]).expect(0);
}

#[test]
fn a_baseline_that_cannot_be_compared_with_is_refused_where_the_file_names_it() {
    let place = Place::new();
    let rule = "[stop]\nbaseline = \"main\"\n";
    place.write("e.toml", &format!("{}\n{rule}", experiment("fake", 9, &["flaky"])));
    let ran = place.run(&two_tasks("run", &[])).expect(2);
    assert!(ran.stderr.contains("no run at `") && ran.stderr.contains("e.toml:"), "{}", ran.stderr);
    let main = experiment("fake", 2, &["steady", "lucky"]).replace("simulated/lucky", "simulated/steady");
    place.write("main.toml", &main);
    place.run(&["run", "main.toml", "--out", "main", "--task", "fix-torn-tail"]).expect(0);
    let ran = place.run(&two_tasks("run", &[])).expect(2);
    assert!(ran.stderr.contains("has no task `add-time-summary`"), "{}", ran.stderr);
    let ran = place.run(&["run", "e.toml", "--out", "run", "--task", "fix-torn-tail"]).expect(2);
    assert!(ran.stderr.contains("has several agents, none of them `flaky`"), "{}", ran.stderr);
}

#[test]
fn a_stop_that_the_events_do_not_tell_is_refused_and_a_lost_one_comes_back() {
    let place = Place::new();
    place.write("e.toml", &with_rule("fake", 60, "half_width = 0.25"));
    place.run(&two_tasks("run", &[])).expect(0);
    let path = place.join("run/stop.json");
    let whole = fs_err::read_to_string(&path).expect("a stop");
    let round = stop(&place, "run")["round"].clone();
    fs_err::write(&path, whole.replace(&format!("\"round\": {round}"), "\"round\": 60")).expect("a file");
    let ran = place.run(&["score", "run"]).expect(4);
    assert!(ran.stderr.contains("does not say what events.jsonl says"), "{}", ran.stderr);
    fs_err::remove_file(&path).expect("a file");
    let ran = place.run(&["score", "run"]).expect(4);
    assert!(ran.stderr.contains("--resume"), "{}", ran.stderr);
    place.run(&["run", "--resume", "run"]).expect(0);
    assert_eq!(fs_err::read_to_string(&path).expect("a stop"), whole);
}

#[test]
fn a_recorded_run_that_stopped_stops_after_the_same_round_when_it_is_replayed() {
    let place = Place::new();
    place.write("e.toml", &with_rule("fake", 60, "half_width = 0.25"));
    place.run(&two_tasks("run", &["--record"])).expect(0);
    place.run(&two_tasks("again", &["--record", "--replay", "run"])).expect(0);
    assert_eq!(stop(&place, "again"), stop(&place, "run"));
    assert_eq!(outcomes(&place, "again"), outcomes(&place, "run"));
}

/// Kills runs at random moments, and checks that each comes to the decision of a run that nobody disturbed.
fn kill_and_decide(sandbox: &str, rule: &str, moments_ms: std::ops::Range<u64>, most_kills: u32) {
    let place = Place::new();
    place.write("e.toml", &with_rule(sandbox, 60, rule));
    place.run(&two_tasks("whole", &["--concurrency", "1"])).expect(0);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut kills = 0;
    for run in ["first", "second", "third"] {
        for _ in 0..most_kills {
            let started = place.join(run).join("run.json").exists();
            let args = if started { vec!["run", "--resume", run] } else { two_tasks(run, &[]) };
            let mut child = place.spawn(&args);
            std::thread::sleep(Duration::from_millis(random.random_range(moments_ms.clone())));
            let ended = child.try_wait().expect("a child").is_some();
            child.kill().expect("a kill");
            child.wait().expect("a child");
            kills += u32::from(!ended);
            if ended {
                break;
            }
        }
        let started = place.join(run).join("run.json").exists();
        let args = if started { vec!["run", "--resume", run] } else { two_tasks(run, &[]) };
        place.run(&args).expect(0);
        assert_eq!(stop(&place, run), stop(&place, "whole"));
        assert_eq!(outcomes(&place, run), outcomes(&place, "whole"));
        let events = fs_err::read_to_string(place.join(run).join("events.jsonl")).expect("events");
        assert_eq!(events.matches("\"event\":\"run_stopped\"").count(), 1);
    }
    assert!(kills > 3, "runs were killed {kills} times");
    assert_eq!(place.leftovers(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn killed_runs_on_fake_sandboxes_come_to_the_same_decision() {
    kill_and_decide("fake", "half_width = 0.2", 20..500, 8);
}

#[test]
fn killed_runs_in_namespaces_come_to_the_same_decision() {
    kill_and_decide("namespace", "half_width = 0.3", 50..1500, 4);
}
