//! Exported trajectories and jobs, read by Harbor's models and by the reference validator of ATIF.

use std::path::Path;
use std::process::Command;

use retrial_import::Place;
use retrial_import::atif::read_trajectory;
use retrial_import::export::{ExportRun, atif, harbor};
use retrial_spec::{
    Cost, CrashReason, Ending, Fact, Phase, Source, TrialRecord, UngradedReason, Usage, Verdict,
};
use retrial_testkit::{run, trial};
use serde_json::{Value, json};

/// The Python that has Harbor: `RETRIAL_HARBOR_PYTHON`, or `python3`.
fn python() -> String {
    std::env::var("RETRIAL_HARBOR_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Trials of two tasks: of every sort of ending and verdict, some with tokens and a conversation.
fn records() -> Vec<TrialRecord> {
    let crash = Ending::Crash { reason: CrashReason::Exit(1) };
    let infrastructure = Ending::Infrastructure { phase: Phase::Setup, cause: "no engine".to_owned() };
    let outcomes = [
        (Ending::Finished, Verdict::Passed),
        (Ending::Finished, Verdict::Failed),
        (Ending::Timeout, Verdict::Passed),
        (crash, Verdict::Failed),
        (infrastructure, Verdict::Ungraded(UngradedReason::Infrastructure)),
        (Ending::Revoked, Verdict::Ungraded(UngradedReason::Revoked)),
        (Ending::Finished, Verdict::Ungraded(UngradedReason::NoReward)),
    ];
    let mut records = Vec::new();
    for (number, (ending, verdict)) in (1..).zip(outcomes) {
        for task in ["hello", "sorting"] {
            let mut record = trial(task, "one", number);
            (record.ending, record.verdict) = (ending.clone(), verdict.clone());
            if number < 4 {
                let usage = Usage { uncached_input: 60, cache_read: Some(40), output: 7, ..Usage::default() };
                record.usage = Fact::known(usage, Source::Parsed);
                record.cost = Fact::known(Cost { usd_micros: 1500, priced_on: None }, Source::Computed);
                record.times.agent_ms = Some(1234);
            }
            records.push(record);
        }
    }
    records
}

/// A trajectory that breaks the format's rules in many ways; what is kept of it should not.
fn odd() -> Value {
    json!({
        "schema_version": "ATIF-v1.2", "mood": "fine", "notes": null, "final_metrics": {"total_steps": 2.0, "mood": 1},
        "agent": {"name": "demo", "tool_definitions": "none", "home": "/root"},
        "steps": [
            {"step_id": 4, "source": "user", "message": null, "metrics": {"prompt_tokens": 1}, "timestamp": "yesterday"},
            {"step_id": 9, "source": "agent", "message": [{"type": "text", "text": "a", "cache": true}, {"type": "video"}],
             "tool_calls": [{"tool_call_id": 7, "function_name": "sh", "arguments": "ls", "took": 3}],
             "observation": {"results": [{"source_call_id": "gone", "content": {"exit": 0}}], "at": "end"},
             "llm_call_count": 0, "metrics": {"prompt_tokens": 12.0, "completion_tokens": 1e1, "speed": 5}},
        ],
        "subagent_trajectories": [{"agent": {"name": "inner"}, "steps": [{"source": "agent"}]}],
    })
}

#[test]
fn harbor_reads_exported_trajectories_and_jobs_and_computes_the_same_sums() {
    if std::env::var_os("RETRIAL_PEERS").is_none_or(|value| value != "1") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let manifest = run(&["one"], &["hello", "sorting"], 7);
    let exported = ExportRun { manifest: &manifest, directory: directory.path() };
    let mut lines = String::new();
    for record in records() {
        lines += &serde_json::to_string(&record).unwrap();
        lines.push('\n');
        if record.trial.number < 3 {
            let evidence = exported.evidence(&record);
            fs_err::create_dir_all(&evidence).unwrap();
            let step = json!({"step_id": 1, "source": "agent", "message": "hi"});
            let trajectory = json!({"schema_version": "ATIF-v1.8", "agent": {"name": "one", "version": "1"}, "steps": [step]});
            fs_err::write(evidence.join("trajectory.json"), trajectory.to_string()).unwrap();
        }
    }
    fs_err::write(directory.path().join("trials.jsonl"), lines).unwrap();
    let out = tempfile::tempdir().unwrap();
    let trajectories = out.path().join("atif");
    atif::write(&exported, &trajectories).unwrap();
    let read = read_trajectory(odd(), &Place::file(Path::new("odd.json"))).unwrap();
    fs_err::write(trajectories.join("odd.json"), read.trajectory.to_string()).unwrap();
    let job = harbor::write(&exported, out.path()).unwrap();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/harbor.py");
    // The script has the name of what it imports: `-P` keeps its directory out of the way.
    let read = Command::new(python()).arg("-P").arg(script).arg(&trajectories).arg(&job).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let read: Value = serde_json::from_slice(&read.stdout).unwrap();
    println!("{read}");
    assert_eq!(
        (&read["trajectories"], &read["trials"], &read["passed"]),
        (&json!(15), &json!(14), &json!(4))
    );
}
