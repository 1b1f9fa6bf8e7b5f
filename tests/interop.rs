//! `retrial import` and `retrial export` as a user meets them: what is made of a source, and what is left of one that is wrong.

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use retrial_spec::{Fact, MissingReason, RunManifest, TrialRecord};
use retrial_testkit::shared;
use support::{Place, experiment, records};

/// Trials of two agents; one has no third trial of a task.
const TABLE: &str = "\
agent,model,task,trial,status,passed,input_tokens,output_tokens,note
ann,m1,fix a/b,1,finished,true,100,10,x
ann,m1,fix a/b,2,timeout,true,200,20,x
ann,m1,fix a/b,3,finished,false,300,30,x
ann,m1,plain,1,crash,false,,,x
ann,m1,plain,2,finished,true,50,5,x
bob,m2,fix a/b,1,infrastructure,,,,x
bob,m2,fix a/b,2,finished,true,70,7,x
bob,m2,fix a/b,3,finished,true,80,8,x
bob,m2,plain,1,finished,true,90,9,x
bob,m2,plain,2,finished,false,60,6,x
";

fn manifest(run: &Path) -> RunManifest {
    serde_json::from_slice(&fs_err::read(run.join("run.json")).expect("run.json")).expect("a manifest")
}

/// Everything in a place but what the test put there and the runtime's own directory.
fn made(place: &Place, known: &[&str]) -> Vec<PathBuf> {
    let entries =
        fs_err::read_dir(place.path()).expect("a directory").map(|entry| entry.expect("an entry").path());
    let is_known = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        name == "runtime" || known.contains(&&name[..])
    };
    entries.filter(|path| !is_known(path)).collect()
}

#[test]
fn a_dry_run_says_what_each_status_becomes_and_what_is_missing_and_writes_nothing() {
    let place = Place::new();
    place.write("trials.csv", TABLE);
    let ran = place.run(&["import", "table", "trials.csv", "--dry-run"]).expect(0);
    insta::assert_snapshot!(ran.snapshot(&place));
    assert_eq!(made(&place, &["trials.csv"]), [] as [PathBuf; 0]);
}

#[test]
fn an_imported_run_is_scored_reported_verified_and_looked_at_like_any_other() {
    let place = Place::new();
    place.write("trials.csv", TABLE);
    place.run(&["import", "table", "trials.csv", "--out", "run", "--name", "mine"]).expect(0);
    let scored = place.run(&["score", "run"]).expect(0);
    assert!(
        scored.stdout.contains("mine, run ") && scored.stdout.contains("10 of 10 trials"),
        "{}",
        scored.stdout
    );
    let status = place.run(&["status", "run"]).expect(0);
    assert!(status.stdout.contains("complete"), "{}", status.stdout);
    place.run(&["report", "run", "--format", "html,md,json,csv,junit"]).expect(0);
    place.run(&["verify", "run/report/report.json", "run"]).expect(0);
    place.run(&["verify", "run/report/report.html", "run"]).expect(0);
    let page = fs_err::read_to_string(place.join("run/report/report.md")).expect("a page");
    assert!(page.contains("another tool's files") && page.contains("trials.csv"), "{page}");
    let resumed = place.run(&["run", "--resume", "run"]).expect(2);
    assert!(resumed.stderr.contains("the run was imported"), "{}", resumed.stderr);
    let audited = place.run(&["audit", "run"]).expect(2);
    assert!(audited.stderr.contains("was imported"), "{}", audited.stderr);
}

#[test]
fn what_a_source_does_not_know_is_missing_and_its_names_are_kept_beside_ours() {
    let place = Place::new();
    place.write("trials.csv", TABLE);
    place.run(&["import", "table", "trials.csv", "--out", "run"]).expect(0);
    let manifest = manifest(&place.join("run"));
    let task = manifest.tasks.iter().find(|task| task.name.as_str() == "fix-a-b").expect("the task");
    assert_eq!(task.title.as_deref(), Some("fix a/b"));
    assert_eq!((manifest.trials(), manifest.planned()), (3, 10));
    for record in records(&place.join("run")) {
        assert_eq!(record.actions, Fact::Missing(MissingReason::NotRecorded), "{}", record.trial);
        assert_eq!(record.started_at, Fact::Missing(MissingReason::NotRecorded), "{}", record.trial);
    }
}

#[test]
fn two_imports_of_one_source_hold_the_same_records_byte_for_byte() {
    let place = Place::new();
    place.write("trials.csv", TABLE);
    let read = |out: &str| {
        place.run(&["import", "table", "trials.csv", "--out", out]).expect(0);
        fs_err::read(place.join(out).join("trials.jsonl")).expect("records")
    };
    assert_eq!(read("one"), read("two"));
}

#[test]
fn an_option_that_says_nothing_of_a_format_is_refused() {
    let place = Place::new();
    place.write("trials.csv", TABLE);
    let ran = place.run(&["import", "table", "trials.csv", "--score", "match", "--out", "run"]).expect(2);
    insta::assert_snapshot!(ran.snapshot(&place));
}

/// Every format beside a file that it cannot be.
const FOREIGN: [(&str, &str); 13] = [
    ("harbor", "foreign.json"),
    ("atif", "foreign.json"),
    ("inspect", "foreign.json"),
    ("terminal-bench", "foreign.json"),
    ("swe-bench", "foreign.json"),
    ("mini-swe-agent", "foreign.json"),
    ("hal", "foreign.json"),
    ("tau-bench", "foreign.json"),
    ("margin", "foreign.json"),
    ("claude-code", "foreign.jsonl"),
    ("codex", "foreign.jsonl"),
    ("opencode", "foreign.json"),
    ("table", "foreign.csv"),
];

#[test]
fn a_file_of_another_kind_is_refused_with_its_name_and_nothing_is_left() {
    for (format, file) in FOREIGN {
        for content in ["", "{\"half\": ", "{\"a\": 1}\n", "[1, 2]\n", "\u{0}\u{1}\u{2}"] {
            let place = Place::new();
            place.write(file, content);
            let ran = place.run(&["import", format, file, "--out", "run"]);
            assert_eq!(ran.code, Some(2), "{format} {content:?}\n{}{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains(file), "{format} {content:?}\n{}", ran.stderr);
            assert_eq!(made(&place, &[file]), [] as [PathBuf; 0], "{format} {content:?}");
        }
        let place = Place::new();
        let ran = place.run(&["import", format, "nowhere", "--out", "run"]).expect(2);
        assert!(ran.stderr.contains("nowhere"), "{format}\n{}", ran.stderr);
    }
}

#[test]
fn a_table_that_is_wrong_in_its_last_line_leaves_nothing() {
    let place = Place::new();
    place.write("trials.csv", &format!("{TABLE}bob,m2,plain,3,finished,perhaps,60,6,x\n"));
    let ran = place.run(&["import", "table", "trials.csv", "--out", "deep/run"]).expect(2);
    insta::assert_snapshot!(ran.snapshot(&place));
    assert_eq!(fs_err::read_dir(place.join("deep")).expect("a directory").count(), 0);
}

#[test]
fn nothing_is_imported_over_what_is_there() {
    let place = Place::new();
    place.write("trials.csv", TABLE);
    place.write("run/notes.txt", "mine");
    let ran = place.run(&["import", "table", "trials.csv", "--out", "run"]).expect(2);
    assert!(ran.stderr.contains("exists and is not empty"), "{}", ran.stderr);
    assert_eq!(fs_err::read_to_string(place.join("run/notes.txt")).expect("notes"), "mine");
}

/// An import that has read a table's first lines from a pipe and waits for more; the writing end keeps it waiting.
fn waiting(place: &Place) -> (std::process::Child, fs_err::File) {
    let pipe = place.join("trials.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let mut command = place.command(&["import", "table", "trials.csv", "--out", "run"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
    let mut end = fs_err::OpenOptions::new().write(true).open(&pipe).expect("the pipe");
    end.write_all(TABLE.as_bytes()).expect("the first lines");
    while made(place, &["trials.csv"]).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (child, end)
}

#[test]
fn an_interrupted_import_ends_as_interrupted_and_leaves_nothing() {
    let place = Place::new();
    let (mut child, mut end) = waiting(&place);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("a signal");
    let line = TABLE.lines().last().expect("a line");
    // It hears of the signal at some time, and looks at every trial whether it did.
    while child.try_wait().expect("a child").is_none() {
        let _ = writeln!(end, "{line}");
    }
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    assert_eq!(made(&place, &["trials.csv"]), [] as [PathBuf; 0]);
}

#[test]
fn a_killed_import_leaves_no_run() {
    let place = Place::new();
    let (mut child, _end) = waiting(&place);
    child.kill().expect("a signal");
    child.wait().expect("an end");
    assert!(!place.join("run").exists());
    place.run(&["score", "run"]).expect(2);
}

/// A run of our own, with trials that passed and failed.
fn own_run(place: &Place) -> Vec<TrialRecord> {
    place.write("e.toml", &experiment("fake", 2, &["steady", "flaky"]));
    place.run(&["run", "e.toml", "--out", "own"]).expect(0);
    records(&place.join("own"))
}

#[test]
fn a_run_of_our_own_comes_back_from_every_form_that_has_room_for_it() {
    let place = Place::new();
    let own = own_run(&place);
    for (form, format) in [("atif", "atif"), ("harbor", "harbor"), ("inspect", "inspect")] {
        let (out, back) = (format!("{form}-out"), format!("{form}-back"));
        place.run(&["export", "own", "--to", form, "--out", &out]).expect(0);
        let ran = place.run(&["import", format, &out, "--out", &back, "--json"]).expect(0);
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(found["doubts"]["count"], 0, "{form}: {}", ran.stdout);
        assert_eq!(records(&place.join(&back)), own, "{form}");
    }
}

#[test]
fn a_table_of_trials_can_be_read_back_as_a_table() {
    let place = Place::new();
    let own = own_run(&place);
    for form in ["csv", "parquet", "jsonl"] {
        let (out, back) = (format!("trials.{form}"), format!("{form}-back"));
        place.run(&["export", "own", "--to", form, "--out", &out]).expect(0);
        let ran = place.run(&["import", "table", &out, "--out", &back]).expect(2);
        assert!(ran.stderr.contains("column `actions`: is "), "a count is no list: {}", ran.stderr);
        place.run(&["import", "table", &out, "--map", "actions=", "--out", &back]).expect(0);
        let found = records(&place.join(&back));
        let told = |record: &TrialRecord| {
            let tokens = record.usage.value().map(retrial_spec::Usage::total);
            (
                record.trial.clone(),
                record.ending.clone(),
                record.verdict.clone(),
                tokens,
                record.requests.copied(),
            )
        };
        assert_eq!(
            found.iter().map(told).collect::<Vec<_>>(),
            own.iter().map(told).collect::<Vec<_>>(),
            "{form}"
        );
    }
}

#[test]
fn spans_are_written_a_trace_for_each_trial() {
    let place = Place::new();
    let own = own_run(&place);
    place.run(&["export", "own", "--to", "otlp", "--out", "spans.jsonl"]).expect(0);
    let text = fs_err::read_to_string(place.join("spans.jsonl")).expect("spans");
    assert_eq!(text.lines().count(), own.len());
}

#[test]
fn an_export_does_not_write_over_what_is_there() {
    let place = Place::new();
    own_run(&place);
    place.write("out/notes.txt", "mine");
    for form in ["harbor", "csv"] {
        let ran = place.run(&["export", "own", "--to", form, "--out", "out"]).expect(2);
        assert!(ran.stderr.contains("exists"), "{}", ran.stderr);
    }
}

#[test]
fn a_job_of_harbor_is_imported_with_its_evidence() {
    let Some(job) = shared("fixtures/harbor/jobs/2026-01-02__03-04-05") else { return };
    let place = Place::new();
    place.run(&["import", "harbor", &job.display().to_string(), "--out", "run"]).expect(0);
    let found = records(&place.join("run"));
    let with_trajectory = found.iter().filter(|record| {
        let attempt = format!("run/trials/{}/attempt-{}", record.trial, record.attempts);
        place.join(&attempt).join("trajectory.json").is_file()
    });
    assert_eq!((found.len(), with_trajectory.count()), (4, 1));
}
