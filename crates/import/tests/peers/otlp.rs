//! The messages of OpenTelemetry.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use retrial_import::export::otlp::{TracedTrial, trace};
use retrial_testkit::SyntheticRun;
use serde_json::{Value, json};

const PACKAGE: &str = "opentelemetry-proto==1.45.2";

#[test]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]
fn opentelemetry_reads_exported_traces() {
    if std::env::var_os("RETRIAL_PEERS").is_none_or(|value| value != "1") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("traces.jsonl");
    let trajectory = json!({"agent": {"name": "a", "version": "1", "model_name": "example/large"}, "steps": [
        {"step_id": 1, "source": "user", "message": "Go."},
        {"step_id": 2, "source": "agent", "message": "", "timestamp": "2026-01-02T03:04:07Z",
            "metrics": {"prompt_tokens": 90, "completion_tokens": 9, "cached_tokens": 40},
            "tool_calls": [{"tool_call_id": "c1", "function_name": "bash", "arguments": {"command": "ls"}}]},
        {"step_id": 3, "source": "agent", "message": "Done."}]});
    let source = SyntheticRun { agents: 2, tasks: 5, trials: 10, actions: 3, with_faults: false, seed: 7 };
    let run = source.manifest().run;
    let (mut lines, mut traces) = (String::new(), 0);
    for record in source.records() {
        let trial = TracedTrial {
            run: &run,
            record: &record,
            started_at: "2026-01-02T03:04:05Z".parse().ok(),
            version: Some("1"),
            model: Some("example/large"),
            trajectory: Some(&trajectory),
            exchanges: &BTreeMap::new(),
        };
        writeln!(lines, "{}", trace(&trial).unwrap().request).unwrap();
        traces += 1;
    }
    fs_err::write(&file, lines).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/otlp.py");
    let told = run_in(&directory.path().join("environment"), &script, &file);
    let facts: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(facts.len(), traces);
    for facts in &facts {
        assert_eq!(facts["operations"], json!({"invoke_agent": 1, "chat": 2, "execute_tool": 1}));
        assert_eq!(facts["chat_input_tokens"], 90);
    }
    let ids: std::collections::BTreeSet<&str> =
        facts.iter().map(|facts| facts["trace"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), traces);
}

/// Runs a script in a Python environment of its own.
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]
fn run_in(environment: &Path, script: &Path, file: &Path) -> String {
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(environment));
    let python = environment.join("bin/python");
    run(Command::new(&python).args(["-m", "pip", "install", "-q", PACKAGE]));
    run(Command::new(&python).arg("-P").arg(script).arg(file))
}
