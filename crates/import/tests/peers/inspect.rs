//! Exported logs, read by Inspect.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use retrial_import::export::inspect::InspectExport;
use retrial_spec::{Ending, TrialRecord, Verdict};
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
    let failures = HashMap::new();
    let export = InspectExport { manifest: &manifest, directory: directory.path(), failures: &failures };
    let files = export.write(records.iter().cloned().map(Ok), out.path()).unwrap();
    assert_eq!(files.len(), 4);
    let told = run(Command::new(python_with("inspect_ai", "0.3.285"))
        .arg("-P")
        .arg(script("inspect.py"))
        .args(&files));
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
}
