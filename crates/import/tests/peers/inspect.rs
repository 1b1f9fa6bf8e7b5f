//! Exported logs, read by Inspect.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use retrial_import::export::inspect::InspectExport;
use retrial_import::inspect::{self, Options};
use retrial_import::{Found, ImportError, Place, Sink, Unfinished};
use retrial_spec::{AttemptFailure, Ending, Phase, TrialId, TrialRecord, Verdict};
use retrial_testkit::SyntheticRun;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{are_peers_asked, python_with, run, script};

/// A trajectory with a call of a tool.
fn trajectory() -> Value {
    json!({
        "schema_version": "ATIF-v1.8", "session_id": "s", "agent": {"name": "a", "version": "1", "model_name": "simulated/steady"},
        "steps": [
            {"step_id": 1, "timestamp": "2026-01-02T03:04:05Z", "source": "user", "message": "Fix it."},
            {"step_id": 2, "timestamp": "2026-01-02T03:04:06Z", "source": "agent", "message": "", "reasoning_content": "Where?",
             "tool_calls": [{"tool_call_id": "c1", "function_name": "bash", "arguments": {"command": "ls"}}],
             "observation": {"results": [{"source_call_id": "c1", "content": "a.py"}]},
             "metrics": {"prompt_tokens": 90, "completion_tokens": 9, "cached_tokens": 40}},
            {"step_id": 3, "timestamp": "2026-01-02T03:04:07Z", "source": "agent", "message": "Done."},
        ],
    })
}

fn write_trajectories(directory: &Path, records: &[TrialRecord]) {
    for record in records {
        let attempt = directory.join(format!("trials/{}/attempt-{}", record.trial, record.attempts));
        fs_err::create_dir_all(&attempt).unwrap();
        fs_err::write(attempt.join("trajectory.json"), trajectory().to_string()).unwrap();
    }
}

/// Why the attempts before the last ones failed.
fn failures(records: &[TrialRecord]) -> HashMap<TrialId, Vec<AttemptFailure>> {
    let failure = AttemptFailure { phase: Phase::Setup, cause: "no sandbox".to_owned() };
    let failed = |record: &TrialRecord| vec![failure.clone(); record.attempts as usize - 1];
    records.iter().map(|record| (record.trial.clone(), failed(record))).collect()
}

/// Keeps trials.
#[derive(Default)]
struct Kept(Vec<Found>);

impl Sink for Kept {
    fn trial(&mut self, found: Found) -> Result<(), ImportError> {
        self.0.push(Found { place: Place::file(Path::new("")), ..found });
        Ok(())
    }

    fn unfinished(&mut self, unfinished: Unfinished) -> Result<(), ImportError> {
        panic!("{} is missing", unfinished.place);
    }

    fn left_out(&mut self, place: &Place, why: &str) {
        panic!("{place}: {why}");
    }

    fn doubt(&mut self, place: &Place, what: &str) {
        panic!("{place}: {what}");
    }

    fn progress(&mut self, _: u64) {}
}

/// The trials of logs, in the order of their ids.
fn inspect_trials(files: &[PathBuf]) -> Vec<Found> {
    let mut kept = Kept::default();
    inspect::read(files, &Options::default(), &mut kept).unwrap();
    kept.0.sort_by_key(|found| found.own.as_ref().map(|own| own.trial.clone()));
    kept.0
}

#[test]
fn inspect_reads_exported_logs() {
    if !are_peers_asked() {
        return;
    }
    let source = SyntheticRun { agents: 2, tasks: 5, trials: 40, actions: 3, with_faults: true, seed: 7 };
    let (directory, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let manifest = source.manifest();
    let records: Vec<TrialRecord> = source.records().collect();
    write_trajectories(directory.path(), &records);
    let failures = failures(&records);
    let export = InspectExport { manifest: &manifest, directory: directory.path(), failures: &failures };
    let files = export.write(records.iter().cloned().map(Ok), out.path()).unwrap();
    assert_eq!(files.len(), 4);
    let python = python_with("inspect_ai", "0.3.285");
    let told = run(Command::new(&python).arg("-P").arg(script("inspect.py")).args(&files));
    println!("{told}");
    let count = |is_wanted: fn(&&TrialRecord) -> bool| records.iter().filter(is_wanted).count() as u64;
    let mut errors = 0;
    for line in told.lines() {
        let facts: Value = serde_json::from_str(line).unwrap();
        for name in ["planned", "samples", "streamed", "summaries"] {
            assert_eq!(facts[name], 200, "{name} in {line}");
        }
        assert_eq!((&facts["status"], &facts["command"]), (&json!("success"), &json!("success")), "{line}");
        assert_eq!(
            (&facts["messages"], &facts["model_events"], &facts["tool_events"]),
            (&json!(800), &json!(400), &json!(200))
        );
        let difference = facts["stated_mean"].as_f64().unwrap() - facts["computed_mean"].as_f64().unwrap();
        assert!(difference.abs() < 1e-12, "{line}");
        errors += facts["errors"].as_u64().unwrap();
    }
    assert_eq!(errors, count(|record| matches!(record.ending, Ending::Infrastructure { .. })));
    assert!(count(|record| matches!(record.verdict, Verdict::Reward(_) | Verdict::Ungraded(_))) > 0);
    let tries: u64 = records.iter().map(|record| u64::from(record.attempts) - 1).sum();
    assert_eq!(facts_sum(&told, "retries"), tries);
    // What Inspect writes of them as text reads as what was written for it.
    let texts = TempDir::new().unwrap();
    let convert = ["log", "convert", "--to", "json", "--output-dir"];
    run(Command::new(python.with_file_name("inspect")).args(convert).arg(texts.path()).arg(out.path()));
    let names = files.iter().map(|file| texts.path().join(file.file_name().unwrap()).with_extension("json"));
    let (written, converted) = (inspect_trials(&files), inspect_trials(&names.collect::<Vec<_>>()));
    assert_eq!(written.len(), 800);
    for (written, converted) in written.iter().zip(&converted) {
        assert_eq!(written, converted);
    }
}

fn facts_sum(told: &str, name: &str) -> u64 {
    let facts = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    facts.map(|facts| facts[name].as_u64().unwrap()).sum()
}
