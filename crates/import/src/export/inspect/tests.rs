//! Runs of many kinds of trials, written and read back.

use std::collections::HashMap;
use std::path::Path;

use retrial_agents::validate_trajectory;
use retrial_spec::{
    AttemptFailure, Claim, Cost, CrashReason, Ending, Fact, Phase, RunManifest, Source, Times, TrialId,
    TrialRecord, UngradedReason, Usage, Verdict,
};
use retrial_testkit::{Change, run_with_faults, trial};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::InspectExport;
use crate::collected::Collected;
use crate::inspect::{Options, read};
use crate::own::OwnTrial;
use crate::{Found, ImportError};

/// A run with its evidence, on disk.
pub(super) struct Run {
    directory: TempDir,
    manifest: RunManifest,
    records: Vec<TrialRecord>,
    failures: HashMap<TrialId, Vec<AttemptFailure>>,
}

impl Run {
    fn write(&self, out: &Path) -> Vec<std::path::PathBuf> {
        self.try_write(out).unwrap()
    }

    fn try_write(&self, out: &Path) -> Result<Vec<std::path::PathBuf>, ImportError> {
        let export = InspectExport {
            manifest: &self.manifest,
            directory: self.directory.path(),
            failures: &self.failures,
        };
        export.write(self.records.iter().cloned().map(Ok), out)
    }

    fn failed_before(&self, record: &TrialRecord) -> &[AttemptFailure] {
        if record.attempts == 1 { &[] } else { &self.failures[&record.trial] }
    }

    fn evidence(&self, record: &TrialRecord, name: &str) -> Option<Vec<u8>> {
        let attempt = format!("trials/{}/attempt-{}", record.trial, record.attempts);
        fs_err::read(self.directory.path().join(attempt).join(name)).ok()
    }
}

/// What an agent said and did, with everything that the writer of trajectories gives a step.
fn trajectory() -> Value {
    json!({
        "schema_version": "ATIF-v1.8", "session_id": "s-1",
        "agent": {"name": "steady", "version": "1", "model_name": "simulated/steady"},
        "steps": [
            {"step_id": 1, "timestamp": "2026-01-02T03:04:05Z", "source": "system", "message": "Be brief."},
            {"step_id": 2, "timestamp": "2026-01-02T03:04:05Z", "source": "user", "message": "Fix it.\nNaN"},
            {"step_id": 3, "timestamp": "2026-01-02T03:04:07Z", "source": "agent", "message": "I look.",
             "model_name": "simulated/steady", "reasoning_effort": "high", "reasoning_content": "Where?",
             "tool_calls": [
                {"tool_call_id": "c1", "function_name": "bash", "arguments": {"command": "cat a.py"}},
                {"tool_call_id": "c2", "function_name": "bash", "arguments": {"command": "ls"}}],
             "observation": {"results": [
                {"source_call_id": "c1", "content": "x = 1"}, {"source_call_id": "c2", "content": ""}]},
             "metrics": {"prompt_tokens": 90, "completion_tokens": 9, "cached_tokens": 40, "cost_usd": 0.001,
                         "extra": {"cache_write_tokens": 10, "reasoning_tokens": 4}},
             "llm_call_count": 1, "extra": {"exchange": 1, "stop_reason": "tool_use"}},
            {"step_id": 4, "timestamp": "2026-01-02T03:04:09Z", "source": "agent", "message": "Done.",
             "model_name": "simulated/steady", "metrics": {"prompt_tokens": 120, "completion_tokens": 5},
             "llm_call_count": 1, "extra": {"exchange": 2, "stop_reason": "end_turn"}},
        ],
        "final_metrics": {"total_prompt_tokens": 210, "total_completion_tokens": 14, "total_cached_tokens": 40, "total_steps": 4,
                          "extra": {"unanswered_requests": 1}},
    })
}

/// Every ending and verdict that a record can have.
fn records() -> Vec<TrialRecord> {
    let infrastructure = Ending::Infrastructure { phase: Phase::Setup, cause: "no sandbox".to_owned() };
    let ungraded = |reason| Verdict::Ungraded(reason);
    let kinds = [
        (Ending::Finished, Verdict::Passed),
        (Ending::Finished, Verdict::Failed),
        (Ending::Finished, Verdict::Reward(0.1)),
        (Ending::Finished, ungraded(UngradedReason::VerifierFailed("exit 2".to_owned()))),
        (Ending::Finished, ungraded(UngradedReason::RewardOutOfRange)),
        (Ending::Timeout, Verdict::Passed),
        (Ending::OverBudget, Verdict::Failed),
        (Ending::Refused, Verdict::Failed),
        (Ending::Crash { reason: CrashReason::Signal(9) }, Verdict::Failed),
        (Ending::Crash { reason: CrashReason::Model("status 500".to_owned()) }, Verdict::Passed),
        (Ending::Revoked, ungraded(UngradedReason::Revoked)),
        (infrastructure, ungraded(UngradedReason::Infrastructure)),
    ];
    let usage = Usage {
        uncached_input: 160,
        cache_read: Some(40),
        cache_write: Some(10),
        output: 14,
        reasoning: Some(4),
    };
    let times = Times {
        setup_ms: Some(10),
        agent_ms: Some(4000),
        model_ms: Some(3000),
        waiting_ms: Some(500),
        verify_ms: Some(250),
    };
    let mut records = Vec::new();
    for ((ending, verdict), number) in kinds.into_iter().zip(1..) {
        let mut record = trial("one", "steady", number).does("read:cat search:ls");
        (record.ending, record.verdict) = (ending, verdict);
        record.usage = Fact::known(usage, Source::Parsed);
        record.cost = Fact::known(
            Cost { usd_micros: 1000, priced_on: Some("2026-01-01".parse().unwrap()) },
            Source::Computed,
        );
        record.times = times;
        records.push(record);
    }
    records.push(trial("two", "steady", 1).states(0.25).claims(Claim::NeedsHuman));
    records.push(trial("two", "other", 1).hit(2, 1).leaves("a.py", "digest"));
    records.push(TrialRecord { attempts: 3, ..trial("two", "other", 2).fails() });
    records
}

fn sample_run() -> Run {
    let directory = TempDir::new().unwrap();
    let mut manifest = run_with_faults(&["steady", "other"], &["one", "two"], 12);
    manifest.tasks[0].title = Some("org/one".to_owned());
    let records = records();
    for record in records.iter().filter(|record| record.trial.number != 11) {
        let attempt = directory.path().join(format!("trials/{}/attempt-{}", record.trial, record.attempts));
        fs_err::create_dir_all(&attempt).unwrap();
        fs_err::write(attempt.join("trajectory.json"), trajectory().to_string()).unwrap();
        fs_err::write(attempt.join("verifier.log"), "1 passed\n").unwrap();
        fs_err::write(attempt.join("patch.diff"), "--- a\n+++ b\n").unwrap();
    }
    let failure = |phase, cause: &str| AttemptFailure { phase, cause: cause.to_owned() };
    let of = |ending: fn(&&TrialRecord) -> bool| records.iter().find(ending).unwrap().trial.clone();
    let tried = of(|record| record.attempts == 3);
    let before = vec![failure(Phase::Build, "no image"), failure(Phase::Record, "no room")];
    // Its only attempt: there is none before it.
    let lost = of(|record| matches!(record.ending, Ending::Infrastructure { .. }));
    let only = vec![failure(Phase::Setup, "no sandbox")];
    Run { directory, manifest, records, failures: HashMap::from([(tried, before), (lost, only)]) }
}

fn read_back(files: &[std::path::PathBuf]) -> Collected {
    let mut sink = Collected::default();
    read(files, &Options { score: Some("another".to_owned()) }, &mut sink).unwrap();
    sink
}

#[test]
fn a_run_comes_back_as_it_was() {
    let run = sample_run();
    let out = TempDir::new().unwrap();
    let files = run.write(out.path());
    let names: Vec<String> =
        files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let expected = ["other.baseline", "other.faults", "steady.baseline"];
    assert_eq!(names, expected.map(|name| format!("2026-01-02T03-04-05+00-00_example_{name}.eval")));
    let sink = read_back(&files);
    assert_eq!(sink.doubts, Vec::<String>::new());
    assert_eq!(sink.trials.len(), run.records.len());
    for record in &run.records {
        let is_its = |found: &&Found| found.own.as_ref().is_some_and(|own| own.trial == record.trial);
        let found = sink.trials.iter().find(is_its).unwrap();
        is_equal(found, record, &run);
    }
    // Of each log the trials that were planned beside those.
    assert_eq!(sink.unfinished.len(), 3 * 24 - run.records.len());
    assert!(
        sink.unfinished
            .iter()
            .any(|unfinished| unfinished.task == "org/one"
                && unfinished.condition.as_deref() == Some("faults"))
    );
}

/// Checks every field of a trial against its record and evidence.
fn is_equal(found: &Found, record: &TrialRecord, run: &Run) {
    let id = &record.trial;
    let agent = run.manifest.agents.iter().find(|agent| agent.name == id.agent).unwrap();
    let task = run.manifest.tasks.iter().find(|task| task.name == id.task).unwrap();
    let mut expected = Found { place: found.place.clone(), status: found.status.clone(), ..found.clone() };
    OwnTrial::new(record, agent, task, &run.manifest.actions).restore(&mut expected).unwrap();
    assert_eq!(*found, expected, "{id}");
    assert_eq!(found.own.as_deref(), Some(record), "{id}");
    assert_eq!(
        (&found.ending, &found.verdict, found.number),
        (&record.ending, &record.verdict, Some(id.number))
    );
    assert_eq!((found.usage, found.cost, found.times), (record.usage, record.cost, record.times), "{id}");
    assert_eq!((found.confidence, found.claim), (record.confidence, record.claim), "{id}");
    assert_eq!((found.requests, found.started_at), (record.requests, record.started_at.copied()), "{id}");
    assert_eq!(found.task_digest.as_ref(), task.digest.as_ref(), "{id}");
    assert_eq!(found.failed_attempts, run.failed_before(record), "{id}");
    assert_eq!(found.evidence.verifier_log, run.evidence(record, "verifier.log"), "{id}");
    assert_eq!(found.evidence.patch, run.evidence(record, "patch.diff"), "{id}");
    let there =
        run.evidence(record, "trajectory.json").map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
    let Some(there) = there else {
        assert_eq!(found.evidence.trajectory, None, "{id}");
        return;
    };
    let here = found.evidence.trajectory.as_ref().unwrap();
    assert_eq!(validate_trajectory(here), []);
    assert_eq!((&here["steps"], &here["final_metrics"]), (&there["steps"], &there["final_metrics"]), "{id}");
    let calls: Vec<(&str, &str)> = found
        .calls
        .value()
        .unwrap()
        .iter()
        .map(|call| (call.name.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("bash", r#"{"command":"cat a.py"}"#), ("bash", r#"{"command":"ls"}"#)], "{id}");
}

#[test]
fn the_formats_own_fields_alone_tell_most_of_a_run() {
    let run = sample_run();
    let mut lines = Vec::new();
    for record in &run.records {
        let export = InspectExport {
            manifest: &run.manifest,
            directory: run.directory.path(),
            failures: &run.failures,
        };
        let mut sample = export.sample(record).unwrap();
        sample["metadata"] = json!({});
        let log = json!({"version": 2, "eval": {"task": "t", "solver": "steady", "model": "m"}, "samples": [sample]});
        let file = run.directory.path().join("one.json");
        fs_err::write(&file, log.to_string()).unwrap();
        let mut sink = Collected::default();
        read(&[file], &Options::default(), &mut sink).unwrap();
        let found = &sink.trials[0];
        assert_eq!(found.usage.value(), record.usage.value());
        assert_eq!(found.failed_attempts, run.failed_before(record));
        lines.push(format!(
            "{} {:?}: {:?} {:?}",
            record.ending.as_str(),
            record.verdict,
            found.ending,
            found.verdict
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn tasks_of_one_title_have_samples_of_their_own() {
    let mut run = sample_run();
    run.manifest.tasks[1].title = run.manifest.tasks[0].title.clone();
    let out = TempDir::new().unwrap();
    let sink = read_back(&run.write(out.path()));
    assert_eq!(sink.trials.len(), run.records.len());
    assert!(sink.trials.iter().all(|found| found.task_title.as_deref() == Some("org/one")));
    assert!(sink.unfinished.iter().any(|unfinished| unfinished.task == "two"));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let run = sample_run();
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for (one, two) in run.write(one.path()).iter().zip(run.write(two.path())) {
        assert_eq!(fs_err::read(one).unwrap(), fs_err::read(two).unwrap(), "{}", one.display());
    }
}

#[test]
fn calls_of_agents_within_the_agent_stand_among_its_own_by_their_times() {
    let run = sample_run();
    let step = |at: &str, call: &str| {
        json!({"step_id": 1, "timestamp": at, "source": "agent", "message": "", "tool_calls": [
            {"tool_call_id": call, "function_name": call, "arguments": {}}]})
    };
    let mut repeated = step("2026-01-01T00:00:09Z", "repeated");
    repeated["is_copied_context"] = json!(true);
    let whole = json!({
        "steps": [step("2026-01-01T00:00:01Z", "a"), step("2026-01-01T00:00:05Z", "d"), repeated],
        "subagent_trajectories": [
            {"trajectory_id": "x", "steps": [step("2026-01-01T00:00:02Z", "b")], "subagent_trajectories": [
                {"trajectory_id": "y", "steps": [step("2026-01-01T00:00:03Z", "c")]}]}],
    });
    let record = &run.records[0];
    let attempt = run.directory.path().join(format!("trials/{}/attempt-1/trajectory.json", record.trial));
    fs_err::write(attempt, whole.to_string()).unwrap();
    let out = TempDir::new().unwrap();
    let sink = read_back(&run.write(out.path()));
    let is_its = |found: &&Found| found.own.as_ref().is_some_and(|own| own.trial == record.trial);
    let found = sink.trials.iter().find(is_its).unwrap();
    let names: Vec<&str> = found.calls.value().unwrap().iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
}

#[test]
fn a_score_that_was_changed_afterwards_is_doubtful_and_counts() {
    let run = sample_run();
    let export =
        InspectExport { manifest: &run.manifest, directory: run.directory.path(), failures: &run.failures };
    let mut sample = export.sample(&run.records[0]).unwrap();
    sample["scores"]["retrial"]["value"] = json!("I");
    let file = run.directory.path().join("one.json");
    fs_err::write(&file, json!({"eval": {"task": "t"}, "samples": [sample]}).to_string()).unwrap();
    let mut sink = Collected::default();
    read(&[file], &Options::default(), &mut sink).unwrap();
    assert_eq!(sink.trials[0].verdict, Verdict::Failed);
    assert_eq!(sink.doubts.len(), 1);
}

#[test]
fn nothing_is_left_where_evidence_cannot_be_read() {
    let run = sample_run();
    let attempt =
        run.directory.path().join(format!("trials/{}/attempt-1/trajectory.json", run.records[3].trial));
    fs_err::write(attempt, "{").unwrap();
    let out = TempDir::new().unwrap();
    let error = run.try_write(out.path()).unwrap_err().to_string();
    assert!(error.contains("trajectory.json`: is not JSON; expected a trajectory"), "{error}");
    assert_eq!(fs_err::read_dir(out.path()).unwrap().count(), 0);
}
