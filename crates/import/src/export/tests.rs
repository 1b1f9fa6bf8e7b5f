//! What is exported comes back as it was.

use retrial_agents::{ActionTable, validate_trajectory};
use retrial_spec::{
    Claim, ConditionName, Cost, CrashReason, Ending, Fact, MANIFEST_FILE, MissingReason, Phase, RunId,
    Source, TrialRecord, UngradedReason, Usage, Verdict, digest_bytes,
};
use retrial_testkit::shared;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::collected::Collected;
use crate::{Found, ImportSettings, RunWriter, harbor as harbor_reader};

fn read_harbor(path: &Path) -> Collected {
    let mut collected = Collected::default();
    harbor_reader::read(&[path.to_owned()], &mut collected).unwrap();
    collected
}

fn read_atif(path: &Path) -> Collected {
    let mut collected = Collected::default();
    crate::atif::read(&[path.to_owned()], &mut collected).unwrap();
    collected
}

/// A found trial without where it stands, which no export keeps.
fn anywhere(mut found: Found) -> Found {
    // The second time its name is ours, and the source's own beside it.
    if let Some(title) = found.task_title.take() {
        found.task = title;
    }
    found.place = Place::file(Path::new(""));
    found.number = None;
    found.own = None;
    found.own_table = None;
    found
}

/// Trials of every ending and verdict, with everything known or missing.
fn records() -> Vec<TrialRecord> {
    let infrastructure = |phase| Ending::Infrastructure { phase, cause: "the engine is gone".to_owned() };
    let ungraded = Verdict::Ungraded;
    let outcomes = [
        (Ending::Finished, Verdict::Passed),
        (Ending::Finished, Verdict::Failed),
        (Ending::Finished, Verdict::Reward(0.25)),
        (Ending::Finished, ungraded(UngradedReason::NoReward)),
        (Ending::Finished, ungraded(UngradedReason::RewardUnreadable("the file is empty".to_owned()))),
        (Ending::Finished, ungraded(UngradedReason::RewardOutOfRange)),
        (Ending::Finished, ungraded(UngradedReason::VerifierTimeout)),
        (Ending::Finished, ungraded(UngradedReason::VerifierFailed("why".to_owned()))),
        (Ending::Finished, ungraded(UngradedReason::StateUnreadable("why".to_owned()))),
        (Ending::Finished, ungraded(UngradedReason::NotRecorded)),
        (Ending::Timeout, Verdict::Passed),
        (Ending::OverBudget, Verdict::Failed),
        (Ending::Refused, Verdict::Failed),
        (Ending::Crash { reason: CrashReason::Exit(3) }, Verdict::Passed),
        (Ending::Crash { reason: CrashReason::Memory }, Verdict::Failed),
        (Ending::Crash { reason: CrashReason::Model("no route".to_owned()) }, Verdict::Failed),
        (Ending::Revoked, ungraded(UngradedReason::Revoked)),
        (infrastructure(Phase::Build), ungraded(UngradedReason::Infrastructure)),
        (infrastructure(Phase::Setup), ungraded(UngradedReason::Infrastructure)),
        (infrastructure(Phase::Verify), ungraded(UngradedReason::Infrastructure)),
        (Ending::NotRecorded, ungraded(UngradedReason::NotRecorded)),
    ];
    let record = |(number, (ending, verdict)): (u32, (Ending, Verdict))| {
        let mut record = retrial_testkit::trial("hello", "one", number);
        (record.ending, record.verdict) = (ending, verdict);
        if number.is_multiple_of(2) {
            let usage = Usage {
                uncached_input: 60,
                cache_read: Some(130),
                cache_write: Some(10),
                output: 12,
                reasoning: None,
            };
            record.usage = Fact::known(usage, Source::Parsed);
            record.cost = Fact::known(Cost { usd_micros: 1_234_567, priced_on: None }, Source::Computed);
            record.confidence = Fact::known(0.1 + 0.2, Source::Stated);
            record.claim = Fact::known(Claim::NeedsHuman, Source::Stated);
            record.times.setup_ms = Some(1500);
            record.times.agent_ms = Some(u64::from(number) * 1000);
            record.times.model_ms = Some(7);
            record.attempts = 3;
        }
        if number.is_multiple_of(3) {
            record.started_at = Fact::Missing(MissingReason::NotRecorded);
            record.trial.condition = ConditionName::new("faults").unwrap();
        }
        record
    };
    (1..).zip(outcomes).map(record).collect()
}

fn failure(attempt: u32) -> AttemptFailure {
    AttemptFailure { phase: Phase::Setup, cause: format!("no engine, {attempt}") }
}

/// A run directory of such trials; those with an even number have a trajectory and logs.
fn run() -> (TempDir, retrial_spec::RunManifest) {
    let directory = tempfile::tempdir().unwrap();
    let manifest = retrial_testkit::run(&["one"], &["hello"], 21);
    let (mut lines, mut events) = (String::new(), String::new());
    for record in records() {
        lines += &serde_json::to_string(&record).unwrap();
        lines.push('\n');
        for attempt in 1..record.attempts {
            let event = Event::AttemptFailed {
                at: "2026-01-02T03:04:05Z".parse().unwrap(),
                trial: record.trial.clone(),
                attempt,
                failure: failure(attempt),
            };
            events += &serde_json::to_string(&event).unwrap();
            events.push('\n');
        }
        let evidence = ExportRun { manifest: &manifest, directory: directory.path() }.evidence(&record);
        fs_err::create_dir_all(&evidence).unwrap();
        if record.trial.number.is_multiple_of(2) {
            let trajectory = json!({"schema_version": "ATIF-v1.8", "session_id": "s", "agent": {"name": "x", "version": "1"},
                "steps": [{"step_id": 1, "source": "agent", "message": "hi", "metrics": {"prompt_tokens": 1, "completion_tokens": 2}}]});
            fs_err::write(evidence.join("trajectory.json"), trajectory.to_string()).unwrap();
            fs_err::write(evidence.join("verifier.log"), "ran\n").unwrap();
            fs_err::write(evidence.join("patch.diff"), "--- a\n").unwrap();
        }
    }
    fs_err::write(directory.path().join("trials.jsonl"), lines).unwrap();
    fs_err::write(directory.path().join("events.jsonl"), events).unwrap();
    fs_err::write(directory.path().join(MANIFEST_FILE), serde_json::to_string(&manifest).unwrap()).unwrap();
    (directory, manifest)
}

/// The records that an import of an export has, by number.
fn own(collected: Collected) -> Vec<TrialRecord> {
    let mut records: Vec<TrialRecord> =
        collected.trials.into_iter().map(|found| *found.own.expect("the export keeps it")).collect();
    records.sort_by_key(|record| record.trial.number);
    records
}

fn check(found: &Found) {
    let own = found.own.as_ref().unwrap();
    assert_eq!((&found.ending, &found.verdict), (&own.ending, &own.verdict));
    assert_eq!((found.usage, found.cost, found.requests), (own.usage, own.cost, own.requests));
    assert_eq!((found.confidence, found.claim, found.times), (own.confidence, own.claim, own.times));
    assert_eq!(found.started_at.as_ref(), own.started_at.value());
    assert_eq!(found.number, Some(own.trial.number));
    let failed: Vec<AttemptFailure> = (1..own.attempts).map(failure).collect();
    assert_eq!(found.failed_attempts, failed, "{}", own.trial);
    assert_eq!(found.task_digest, Some(digest_bytes(b"hello")));
    assert_eq!((found.agent.name.as_str(), found.task.as_str()), ("one", "hello"));
    assert_eq!(found.condition.is_some(), own.trial.number.is_multiple_of(3));
    assert_eq!(found.evidence.trajectory.is_some(), own.trial.number.is_multiple_of(2));
}

#[test]
fn a_run_comes_back_from_atif_as_it_was() {
    let (directory, manifest) = run();
    let out = tempfile::tempdir().unwrap();
    atif::write(&ExportRun { manifest: &manifest, directory: directory.path() }, out.path()).unwrap();
    for entry in fs_err::read_dir(out.path()).unwrap() {
        let text = fs_err::read(entry.unwrap().path()).unwrap();
        let value: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(validate_trajectory(&value), []);
    }
    let collected = read_atif(out.path());
    assert_eq!(collected.doubts, Vec::<String>::new());
    collected.trials.iter().for_each(check);
    let trajectory = collected.trials.iter().find_map(|found| found.evidence.trajectory.as_ref()).unwrap();
    assert_eq!((trajectory.get("extra"), trajectory.get("final_metrics")), (None, None));
    assert_eq!(own(collected), records());
}

#[test]
fn a_run_comes_back_from_harbor_as_it_was() {
    let (directory, manifest) = run();
    let out = tempfile::tempdir().unwrap();
    let job =
        harbor::write(&ExportRun { manifest: &manifest, directory: directory.path() }, out.path()).unwrap();
    let collected = read_harbor(&job);
    // Rewards beside a crash are not valid by Harbor's rule; the record says what they are worth.
    assert_eq!(collected.doubts.len(), 3, "{:?}", collected.doubts);
    collected.trials.iter().for_each(check);
    let even = |found: &&Found| found.number.is_some_and(|number| number.is_multiple_of(2));
    for found in collected.trials.iter().filter(even) {
        assert_eq!(found.evidence.verifier_log.as_deref(), Some(&b"ran\n"[..]));
        assert_eq!(found.evidence.patch.as_deref(), Some(&b"--- a\n"[..]));
    }
    assert_eq!(own(collected), records());
}

#[test]
fn endings_are_what_harbor_itself_would_make_of_them() {
    let (directory, manifest) = run();
    let out = tempfile::tempdir().unwrap();
    let job =
        harbor::write(&ExportRun { manifest: &manifest, directory: directory.path() }, out.path()).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for trial in fs_err::read_dir(&job).unwrap().map(|entry| entry.unwrap().path().join("result.json")) {
        let Ok(text) = fs_err::read(&trial) else { continue };
        let mut result: Value = serde_json::from_slice(&text).unwrap();
        let kept = result["agent_result"]["metadata"].take();
        let record: TrialRecord = serde_json::from_value(kept["retrial"]["record"].clone()).unwrap();
        fs_err::write(&trial, result.to_string()).unwrap();
        let mut collected = Collected::default();
        harbor_reader::read(&[trial.parent().unwrap().to_owned()], &mut collected).unwrap();
        let found = collected.trials.remove(0);
        let ours = format!("{:?} {:?}", record.ending, record.verdict);
        lines.push(format!(
            "{:2} {ours} -> {} -> {:?} {:?}",
            record.trial.number, found.status, found.ending, found.verdict
        ));
    }
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_changed_export_is_read_as_it_is_and_said_to_be_changed() {
    let (directory, manifest) = run();
    let out = tempfile::tempdir().unwrap();
    let run = ExportRun { manifest: &manifest, directory: directory.path() };
    let job = harbor::write(&run, out.path()).unwrap();
    let trial = fs_err::read_dir(&job).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        fs_err::read_to_string(path.join("result.json")).is_ok_and(|text| text.contains("\"reward\": 0.25"))
    });
    let file = trial.unwrap().join("result.json");
    let text = fs_err::read_to_string(&file).unwrap().replace("\"reward\": 0.25", "\"reward\": 1.0");
    fs_err::write(&file, text).unwrap();
    let collected = read_harbor(file.parent().unwrap());
    assert_eq!(collected.trials[0].verdict, Verdict::Passed);
    assert_eq!((collected.trials[0].own.is_none(), collected.doubts.len()), (true, 1));

    let path = out.path().join("atif");
    atif::write(&run, &path).unwrap();
    let file = path.join("hello~one~baseline~2.json");
    let text = fs_err::read_to_string(&file)
        .unwrap()
        .replace("\"total_prompt_tokens\": 200", "\"total_prompt_tokens\": 5");
    fs_err::write(&file, text).unwrap();
    let collected = read_atif(&file);
    assert!(collected.trials[0].own.is_none());
    assert!(
        collected.doubts.iter().any(|doubt| doubt.contains("is not what Retrial kept")),
        "{:?}",
        collected.doubts
    );
}

#[test]
fn the_job_of_harbor_comes_back_through_a_run_directory() {
    let Some(fixture) = shared("fixtures/harbor/jobs/2026-01-02__03-04-05") else { return };
    let before = read_harbor(&fixture);
    let above = tempfile::tempdir().unwrap();
    let directory = above.path().join("run");
    let settings = ImportSettings {
        run: RunId::new("job-1").unwrap(),
        name: RunId::new("job-1").unwrap(),
        created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        tool: "retrial".to_owned(),
        seed: 1,
        format: "harbor".to_owned(),
        sources: Vec::new(),
        settings: digest_bytes(b""),
    };
    let table = ActionTable::builtin();
    let mut writer = RunWriter::new(&directory, settings, &table, Box::new(|_| true)).unwrap();
    harbor_reader::read(&[fixture], writer.sink()).unwrap();
    let (manifest, _) = writer.finish().unwrap();
    let run = ExportRun { manifest: &manifest, directory: &directory };
    let job = harbor::write(&run, &above.path().join("jobs")).unwrap();
    let mut after = read_harbor(&job);
    assert_eq!(after.doubts, Vec::<String>::new());
    after.trials.sort_by_key(|found| found.started_at);
    let plain = |trials: Vec<Found>| trials.into_iter().map(anywhere).collect::<Vec<_>>();
    assert_eq!(plain(after.trials), plain(before.trials));

    let stats = |path: &Path| {
        let mut result: Value =
            serde_json::from_slice(&fs_err::read(path.join("result.json")).unwrap()).unwrap();
        result["stats"].take()
    };
    let fixture = shared("fixtures/harbor/jobs/2026-01-02__03-04-05").unwrap();
    let (ours, theirs) = (stats(&job), stats(&fixture));
    let (our, their) =
        (&ours["evals"]["codex__demo-model__job-1"], &theirs["evals"]["codex__demo-model__task"]);
    for name in ["n_trials", "n_errors", "metrics", "pass_at_k"] {
        assert_eq!(our[name], their[name], "{name}");
    }
    for name in
        ["n_completed_trials", "n_errored_trials", "n_input_tokens", "n_cache_tokens", "n_output_tokens"]
    {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
}
