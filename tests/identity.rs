//! Identity: revoking a running trial from another process, and the audit of a run.

mod support;

use std::path::Path;
use std::process::Child;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use retrial_spec::{AuditEntry, AuditLine, Ending, RefusalReason, UngradedReason, Verdict};
use support::provider::{Provider, calls};
use support::{Place, experiment, records};

const TRIAL: &str = "fix-torn-tail~a~baseline~1";

/// Starts a run of one trial that never ends by itself; returns once its provider has been asked.
fn endless(place: &Place, extra: &str) -> (Child, Provider) {
    asked_after(0, |_| Duration::from_millis(50), place, extra)
}

/// Starts such a run; returns once its provider is asked after so many requests, each of which takes as long as `takes` says.
fn asked_after(
    requests: usize,
    takes: impl Fn(usize) -> Duration + Send + Sync + 'static,
    place: &Place,
    extra: &str,
) -> (Child, Provider) {
    let (sender, asked) = mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let provider = Provider::with("200 OK", "", &calls("true"), move |before| {
        if before == requests {
            sender.lock().expect("a lock").send(()).expect("the test listens");
        }
        std::thread::sleep(takes(before));
    });
    let text = experiment("fake", 1, &[]).replace("/*\"", "/fix-torn-tail\"");
    let text = format!(
        "{text}\n[limits]\nrequests = 100000\n\n[[models]]\nname = \"m\"\nbase_url = \"{}\"\nmodel = \"m-1\"\n\n\
         [[agents]]\nname = \"a\"\nmodel = \"m\"\noptions = {{ max_turns = \"100000\" }}\n{extra}",
        provider.base_url
    );
    place.write("e.toml", &text);
    let child = place.spawn(&["run", "e.toml", "--out", "run"]);
    asked.recv_timeout(Duration::from_mins(1)).expect("the provider is asked");
    (child, provider)
}

fn audit_log(run: &Path) -> Vec<AuditEntry> {
    let text =
        fs_err::read_to_string(run.join("trials").join(TRIAL).join("attempt-1/audit.jsonl")).expect("a log");
    text.lines().map(|line| serde_json::from_str::<AuditLine>(line).expect("an entry").entry).collect()
}

#[test]
fn a_revoked_trial_ends_as_revoked_and_is_neither_graded_nor_tried_again() {
    let place = Place::new();
    let (mut child, _provider) = endless(&place, "");
    let unknown = place.run(&["revoke", "run", "fix-torn-tail~a~baseline~2"]).expect(2);
    assert!(
        unknown.stderr.contains("plans no trial") && unknown.stderr.contains(TRIAL),
        "{}",
        unknown.stderr
    );
    let revoked = place.run(&["revoke", "run", TRIAL]).expect(0);
    assert!(revoked.stderr.contains("revoked: attempt 1"), "{}", revoked.stderr);
    assert_eq!(child.wait().expect("a child").code(), Some(4), "nothing was evaluated");

    let records = records(&place.join("run"));
    assert_eq!((records.len(), &records[0].ending, records[0].attempts), (1, &Ending::Revoked, 1));
    assert_eq!(records[0].verdict, Verdict::Ungraded(UngradedReason::Revoked));
    assert!(records[0].requests.copied() > Some(0));
    let entries = audit_log(&place.join("run"));
    assert!(entries.contains(&AuditEntry::Revoked));
    let after = |entry: &AuditEntry| {
        matches!(entry, AuditEntry::Refused { status: 401, reason: RefusalReason::Revoked, .. })
    };
    assert!(entries.iter().any(after), "the agent was told: {entries:?}");
    let events = fs_err::read_to_string(place.join("run/events.jsonl")).expect("events");
    assert!(events.contains("\"event\":\"trial_revoked\""), "{events}");

    let audit = place.run(&["audit", "run"]).expect(0);
    assert!(audit.stdout.contains("ok, revoked"), "{}", audit.stdout);
    let score = place.run(&["score", "run", "--json"]).expect(4);
    let score: serde_json::Value = serde_json::from_str(&score.stdout).expect("JSON");
    assert_eq!(score["books"]["classes"][0]["ending"], "revoked", "the books tell it apart");
    let status = place.run(&["status", "run"]).expect(0);
    assert!(status.stdout.contains("1 revoked"), "{}", status.stdout);
    assert_eq!(place.leftovers(), Vec::<std::path::PathBuf>::new());
    assert!(!place.join("run/control").exists());

    let ended = place.run(&["revoke", "run", TRIAL]).expect(2);
    assert!(ended.stderr.contains("no process works on the run"), "{}", ended.stderr);
    let nowhere = place.run(&["revoke", "nowhere", TRIAL]).expect(2);
    assert!(nowhere.stderr.contains("no run at"), "{}", nowhere.stderr);
}

#[test]
fn trials_that_have_ended_or_not_started_are_not_revoked() {
    let place = Place::new();
    let second = "\n[[agents]]\nname = \"steady\"\nmodel = \"simulated/steady\"\n";
    place.write("e.toml", "");
    let (mut child, _provider) = endless(&place, second);
    let begin = Instant::now();
    let other = "fix-torn-tail~steady~baseline~1";
    while fs_err::read_to_string(place.join("run/trials.jsonl")).unwrap_or_default().lines().count() < 1 {
        assert!(begin.elapsed() < Duration::from_mins(1), "no trial finishes");
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = place.run(&["revoke", "run", other]).expect(2);
    assert!(ended.stderr.contains("has ended"), "{}", ended.stderr);
    place.run(&["revoke", "run", TRIAL]).expect(0);
    assert_eq!(child.wait().expect("a child").code(), Some(0));
}

#[test]
fn the_audit_of_a_run_holds_and_says_what_each_trial_did() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 2, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let ran = place.run(&["audit", "run"]).expect(0);
    assert!(ran.stdout.contains("fix-torn-tail, steady, baseline\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("attempts: 10 ok"), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    let one = place.run(&["audit", "run", "fix-torn-tail~steady~baseline~2", "--json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&one.stdout).expect("JSON");
    assert_eq!((&json["holds"], json["trials"].as_array().map(Vec::len)), (&true.into(), Some(1)));
    let totals = &json["trials"][0]["attempts"][0]["account"]["totals"];
    let record = records(&place.join("run"))
        .into_iter()
        .find(|record| record.trial.to_string() == "fix-torn-tail~steady~baseline~2");
    let record = record.expect("a record");
    assert_eq!(totals["requests"].as_u64(), record.requests.copied());
    assert_eq!(totals["tokens"]["known"]["value"], record.usage.value().expect("tokens").total());
    assert_eq!(
        totals["cost"]["known"]["value"]["usd_micros"],
        record.cost.value().expect("a cost").usd_micros
    );
    place.run(&["audit", "run", "fix-torn-tail~steady~baseline~3"]).expect(2);
}

#[test]
fn a_log_that_was_cut_changed_replaced_or_taken_away_is_named_with_its_line() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let attempt =
        |task: &str| place.join(&format!("run/trials/{task}~steady~baseline~1/attempt-1/audit.jsonl"));
    let path = attempt("fix-torn-tail");
    let whole = fs_err::read_to_string(&path).expect("a log");
    let lines = whole.lines().count();
    let last = whole.trim_end().rfind('\n').expect("lines") + 1;
    let task = records(&place.join("run")).into_iter().map(|record| record.trial.task.to_string());
    let other =
        fs_err::read_to_string(attempt(&task.clone().find(|task| task != "fix-torn-tail").expect("a task")))
            .expect("a log");
    for (what, text, line) in [
        ("cut", whole[..last].to_owned(), lines - 1),
        ("torn", whole[..whole.len() - 5].to_owned(), lines - 1),
        ("changed", whole.replacen("POST", "PUT", 1), 3),
        ("replaced", other, 1),
        ("empty", String::new(), 1),
    ] {
        fs_err::write(&path, text).expect("a file");
        let ran = place.run(&["audit", "run"]).expect(1);
        let named = format!("attempt-1/audit.jsonl:{line}: ");
        assert!(ran.stderr.contains(&named), "{what}: {}\nnot: {named}", ran.stderr);
        assert!(ran.stdout.contains("BROKEN"), "{what}: {}", ran.stdout);
    }
    fs_err::remove_file(&path).expect("a file");
    let ran = place.run(&["audit", "run"]).expect(1);
    assert!(ran.stderr.contains("there is no audit log"), "{}", ran.stderr);
    fs_err::write(&path, whole).expect("a file");
    place.run(&["audit", "run"]).expect(0);
    fs_err::create_dir_all(place.join("run/trials/fix-torn-tail~steady~baseline~1/attempt-2"))
        .expect("a directory");
    let ran = place.run(&["audit", "run"]).expect(1);
    assert!(ran.stderr.contains("attempt-2 belongs to no attempt"), "{}", ran.stderr);
}

#[test]
fn records_that_contradict_each_other_do_not_pass_an_audit() {
    let place = Place::new();
    place.write("e.toml", &experiment("fake", 1, &["steady"]));
    place.run(&["run", "e.toml", "--out", "run"]).expect(0);
    let path = place.join("run/trials.jsonl");
    let text = fs_err::read_to_string(&path).expect("records");
    fs_err::write(&path, text.replacen("\"attempts\":1", "\"attempts\":2", 1)).expect("a file");
    let ran = place.run(&["audit", "run"]).expect(1);
    assert!(ran.stderr.contains("say different things of"), "{}", ran.stderr);
}

#[test]
fn a_killed_runs_logs_hold_as_far_as_they_go() {
    let place = Place::new();
    // The fourth request is under way when the process is killed.
    let takes = |before| Duration::from_millis(if before < 3 { 50 } else { 3000 });
    let (mut child, _provider) = asked_after(3, takes, &place, "");
    child.kill().expect("a kill");
    child.wait().expect("a child");
    let ran = place.run(&["audit", "run"]).expect(0);
    assert!(ran.stdout.contains("1 open: failed, killed or under way"), "{}", ran.stdout);
}
