//! The reader against the job that Harbor's own models made, and against small ones of the same form.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use retrial_agents::validate_trajectory;
use retrial_spec::{CrashReason, Ending, Phase, UngradedReason, Verdict};
use retrial_testkit::shared;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Format;
use crate::collected::Collected;
use crate::testing::Reader;

fn import(path: &Path) -> Result<Collected, String> {
    Reader(Format::Harbor).import(path)
}

fn write(path: PathBuf, value: &Value) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, value.to_string()).unwrap();
}

/// A result of a trial that passed.
fn result(name: &str) -> Value {
    json!({
        "id": format!("id-{name}"), "task_name": "demo/hello", "trial_name": name, "task_checksum": "ab".repeat(32),
        "config": {"task": {"path": "tasks/hello"}, "agent": {"name": "codex", "model_name": "openai/m"}, "trial_name": name},
        "agent_info": {"name": "codex", "version": "1", "model_info": {"name": "m", "provider": "openai"}},
        "agent_result": {"n_input_tokens": 100, "n_cache_tokens": 40, "n_output_tokens": 7, "cost_usd": 0.5},
        "verifier_result": {"rewards": {"reward": 1}},
        "exception_info": null,
        "agent_execution": {"started_at": "2026-01-02T03:04:08Z", "finished_at": "2026-01-02T03:04:12Z"},
        "verifier": {"started_at": "2026-01-02T03:04:12Z", "finished_at": "2026-01-02T03:04:13Z"},
    })
}

fn exception(name: &str, message: &str) -> Value {
    json!({"exception_type": name, "exception_message": message, "exception_traceback": "", "occurred_at": "2026-01-02T03:04:05Z"})
}

fn job(trials: &[Value]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path().join("config.json"), &json!({"job_name": "j", "n_attempts": trials.len()}));
    for (index, trial) in trials.iter().enumerate() {
        write(directory.path().join(format!("t{index}/result.json")), trial);
    }
    directory
}

fn only(trial: &Value) -> (crate::Found, Vec<String>) {
    let mut collected = import(job(std::slice::from_ref(trial)).path()).unwrap();
    (collected.trials.remove(0), collected.doubts)
}

#[test]
fn the_job_of_harbor_holds_a_pass_a_failure_an_infrastructure_failure_and_a_pass() {
    let Some(path) = shared("fixtures/harbor/jobs/2026-01-02__03-04-05") else { return };
    let collected = import(&path).unwrap();
    insta::assert_snapshot!(collected.rendered(&path));
    let verdicts: Vec<Option<bool>> = collected.trials.iter().map(|found| found.verdict.passed()).collect();
    assert_eq!(verdicts, [Some(true), Some(false), None, Some(true)]);
    let cause = "EnvironmentStartTimeoutError: demo".to_owned();
    assert_eq!(collected.trials[2].ending, Ending::Infrastructure { phase: Phase::Setup, cause });
    let first = &collected.trials[0];
    assert_eq!(validate_trajectory(first.evidence.trajectory.as_ref().unwrap()), []);
    assert_eq!(first.evidence.verifier_log.as_deref(), Some(&b"ran\n"[..]));
    let hash = shared("fixtures/harbor/task_hash.json").unwrap();
    let hash: Value = serde_json::from_slice(&fs_err::read(hash).unwrap()).unwrap();
    let digest = first.task_digest.as_ref().unwrap();
    assert_eq!(hash["content_hash"], format!("sha256:{digest}"));
}

#[test]
fn a_directory_of_jobs_reads_as_all_of_its_jobs() {
    let Some(path) = shared("fixtures/harbor/jobs") else { return };
    assert_eq!(import(&path).unwrap().trials.len(), 4);
}

#[test]
fn every_exception_of_the_table_has_its_ending_and_verdict() {
    let names = [
        "EnvironmentStartTimeoutError",
        "SandboxBuildFailedError",
        "AgentSetupTimeoutError",
        "HealthcheckError",
        "SandboxLikelyOutOfMemoryError",
        "MemoryLimitExceededError",
        "SSHAccessError",
        "GKEPodNotFoundError",
        "RuntimeRequestError",
        "AddTestsDirError",
        "DownloadVerifierDirError",
        "ApiRateLimitError",
        "NetworkConnectionError",
        "RateLimitError",
        "InternalServerError",
        "ServiceUnavailableError",
        "APIConnectionError",
        "APIError",
        "Timeout",
        "BadRequestError",
        "UnprocessableEntityError",
        "BudgetExceededError",
        "AgentAuthenticationError",
        "ModelNotFoundError",
        "AuthenticationError",
        "PermissionDeniedError",
        "NotFoundError",
        "MissingExtraError",
        "RegradeError",
        "NonZeroAgentExitCodeError",
        "NeverHeardOfError",
        "AgentTimeoutError",
        "ContextWindowExceededError",
        "OutputTokenExceededError",
        "ContextLengthExceededError",
        "OutputLengthExceededError",
        "AgentSafetyRefusalError",
        "VerifierTimeoutError",
        "RewardFileNotFoundError",
        "RewardFileEmptyError",
        "VerifierOutputParseError",
        "CancelledError",
    ];
    let mut table = String::new();
    for name in names {
        let mut trial = result("t");
        trial["exception_info"] = exception(name, "words\nmore");
        trial["verifier"] = Value::Null;
        let (found, _) = only(&trial);
        writeln!(table, "{name}: {:?} {:?}", found.ending, found.verdict).unwrap();
        let is_infrastructure = matches!(found.ending, Ending::Infrastructure { .. });
        assert_eq!(
            is_infrastructure,
            found.verdict == Verdict::Ungraded(UngradedReason::Infrastructure),
            "{name}"
        );
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_exit_code_comes_from_the_words_that_harbor_begins_with_and_from_no_others() {
    let reason = |message: &str| {
        let mut trial = result("t");
        trial["exception_info"] = exception("NonZeroAgentExitCodeError", message);
        let (found, doubts) = only(&trial);
        assert_eq!(found.verdict, Verdict::Ungraded(UngradedReason::NotRecorded));
        assert_eq!(doubts.len(), 1, "{doubts:?}");
        found.ending
    };
    let crash = |reason| Ending::Crash { reason };
    assert_eq!(reason("Command failed (exit 137): x\nstdout"), crash(CrashReason::Exit(137)));
    let words = "NonZeroAgentExitCodeError: it said (exit 3)".to_owned();
    assert_eq!(reason("it said (exit 3)"), crash(CrashReason::Stated(words)));
}

#[test]
fn an_unknown_exception_is_of_the_phase_that_it_came_in() {
    let found = |change: fn(&mut Value)| {
        let mut trial = result("t");
        trial["exception_info"] = exception("NeverHeardOfError", "words");
        trial["verifier_result"] = Value::Null;
        change(&mut trial);
        only(&trial)
    };
    let words = "NeverHeardOfError: words".to_owned();
    let (verifying, _) = found(|_| {});
    assert_eq!(verifying.ending, Ending::Finished);
    assert_eq!(verifying.verdict, Verdict::Ungraded(UngradedReason::VerifierFailed(words.clone())));
    let (working, doubts) = found(|trial| trial["verifier"] = Value::Null);
    assert_eq!((working.ending, doubts.len()), (Ending::NotRecorded, 1));
    let (starting, _) = found(|trial| {
        trial["verifier"] = Value::Null;
        trial["agent_execution"] = Value::Null;
    });
    assert_eq!(starting.ending, Ending::Infrastructure { phase: Phase::Setup, cause: words });
}

#[test]
fn rewards_count_beside_a_timeout_and_only_the_one_named_reward_of_several() {
    let mut trial = result("t");
    trial["exception_info"] = exception("AgentTimeoutError", "");
    let (found, doubts) = only(&trial);
    assert_eq!((found.ending, found.verdict, doubts), (Ending::Timeout, Verdict::Passed, Vec::new()));
    let verdict = |rewards: Value| {
        let mut trial = result("t");
        trial["verifier_result"] = json!({"rewards": rewards});
        let (found, doubts) = only(&trial);
        (found.verdict, doubts.len())
    };
    let unreadable = |why: &str| Verdict::Ungraded(UngradedReason::RewardUnreadable(why.to_owned()));
    assert_eq!(verdict(json!({"reward": 0.25, "style": 1})), (Verdict::Reward(0.25), 0));
    assert_eq!(verdict(json!({"style": true})), (Verdict::Passed, 0));
    let several = "several rewards and none named `reward`: speed, style";
    assert_eq!(verdict(json!({"style": 1, "speed": 1})), (unreadable(several), 1));
    assert_eq!(verdict(json!({"reward": null})), (unreadable("the reward is null, no number"), 0));
    assert_eq!(verdict(json!({"reward": 1.5})), (Verdict::Ungraded(UngradedReason::RewardOutOfRange), 0));
    assert_eq!(verdict(json!({})), (Verdict::Ungraded(UngradedReason::NoReward), 0));
    assert_eq!(verdict(Value::Null), (Verdict::Ungraded(UngradedReason::NoReward), 0));
}

#[test]
fn a_trial_of_steps_is_the_sum_of_them_and_the_first_exception_decides() {
    let step = |name: &str, exception: Value| {
        json!({
            "step_name": name, "exception_info": exception,
            "agent_result": {"n_input_tokens": 10, "n_cache_tokens": 4, "n_output_tokens": 1, "cost_usd": 0.25},
            "agent_execution": {"started_at": "2026-01-02T03:04:08Z", "finished_at": "2026-01-02T03:04:09.5Z"},
            "verifier": {"started_at": "2026-01-02T03:04:08Z", "finished_at": "2026-01-02T03:04:09Z"},
        })
    };
    let mut trial = result("t");
    for name in ["agent_result", "agent_execution", "verifier"] {
        trial[name] = Value::Null;
    }
    trial["step_results"] =
        json!([step("one", exception("AgentTimeoutError", "")), step("two", Value::Null)]);
    let (found, _) = only(&trial);
    assert_eq!((found.ending.clone(), found.verdict.clone()), (Ending::Timeout, Verdict::Passed));
    let usage = found.usage.value().unwrap();
    assert_eq!((usage.uncached_input, usage.cache_read, usage.output), (12, Some(8), 2));
    assert_eq!(found.cost.value().unwrap().usd_micros, 500_000);
    assert_eq!((found.times.agent_ms, found.times.verify_ms), (Some(3000), Some(2000)));

    trial["step_results"][1]["exception_info"] = exception("VerifierTimeoutError", "");
    let (found, _) = only(&trial);
    assert_eq!(found.ending, Ending::Timeout);
    assert_eq!(found.verdict, Verdict::Ungraded(UngradedReason::VerifierTimeout));
}

#[test]
fn tokens_that_are_null_or_contradictory_stay_missing() {
    let usage = |agent_result: Value| {
        let mut trial = result("t");
        trial["agent_result"] = agent_result;
        let (found, doubts) = only(&trial);
        (found.usage.value().copied(), doubts.len())
    };
    assert_eq!(usage(Value::Null), (None, 0));
    assert_eq!(usage(json!({"n_input_tokens": null, "n_output_tokens": 4})), (None, 0));
    assert_eq!(usage(json!({"n_input_tokens": 3, "n_cache_tokens": 4, "n_output_tokens": 4})), (None, 1));
    let (used, doubts) = usage(json!({"n_input_tokens": 3.0, "n_output_tokens": 4}));
    assert_eq!((used.unwrap().uncached_input, used.unwrap().cache_read, doubts), (3, None, 0));
    let of_models = json!({"model_usage": {"a": {"n_input_tokens": 9, "n_cache_tokens": 2, "n_output_tokens": 1},
        "b": {"n_input_tokens": 1, "n_output_tokens": 1}}});
    let (used, _) = usage(of_models);
    assert_eq!((used.unwrap().uncached_input, used.unwrap().output), (8, 2));
}

#[test]
fn planned_trials_without_a_result_are_unfinished_and_named_as_the_others_are() {
    let directory = job(&[result("a"), result("b")]);
    let path = directory.path();
    write(path.join("config.json"), &json!({"job_name": "j", "n_attempts": 4}));
    write(
        path.join("result.json"),
        &json!({"n_total_trials": 4, "stats": {"n_trials": 2, "n_errors": 0, "n_retries": 3}}),
    );
    write(path.join("torn/config.json"), &result("c")["config"]);
    fs_err::create_dir_all(path.join("notes")).unwrap();
    insta::assert_snapshot!(import(path).unwrap().rendered(path));
}

#[test]
fn a_trial_that_two_jobs_hold_is_read_once() {
    let directory = tempfile::tempdir().unwrap();
    for job in ["one", "two"] {
        write(directory.path().join(job).join("config.json"), &json!({"job_name": job}));
        write(directory.path().join(job).join("t/result.json"), &result("same"));
    }
    let collected = import(directory.path()).unwrap();
    assert_eq!((collected.trials.len(), collected.left_out.len()), (1, 1), "{collected:?}");
}

#[test]
fn a_patch_among_the_artifacts_and_the_logs_are_kept() {
    let directory = job(&[result("a")]);
    let trial = directory.path().join("t0");
    fs_err::create_dir_all(trial.join("artifacts/logs")).unwrap();
    fs_err::write(trial.join("artifacts/logs/work.patch"), "--- a\n").unwrap();
    let collected = import(directory.path()).unwrap();
    assert_eq!(collected.trials[0].evidence.patch.as_deref(), Some(&b"--- a\n"[..]));
}

#[test]
fn broken_and_foreign_files_are_errors_that_name_the_place() {
    let error = |path: &Path| import(path).unwrap_err().replace(path.to_str().unwrap(), "JOB");
    let directory = job(&[result("a")]);
    let path = directory.path();
    fs_err::write(path.join("t0/result.json"), "{\"id\": \"x\",\n \"task_na").unwrap();
    insta::assert_snapshot!(error(path), @"`JOB/t0/result.json`, line 2: is not JSON; expected a file of a job of Harbor");
    write(path.join("t0/result.json"), &json!({"id": "x"}));
    insta::assert_snapshot!(error(path), @"`JOB/t0/result.json`, /task_name: is no text; expected a trial's result");
    let mut negative = result("a");
    negative["agent_result"]["n_input_tokens"] = json!(-1);
    write(path.join("t0/result.json"), &negative);
    insta::assert_snapshot!(error(path), @"`JOB/t0/result.json`, /agent_result/n_input_tokens: is -1; expected a whole number that is not negative");
    write(path.join("t0/result.json"), &result("a"));
    write(path.join("t0/agent/trajectory.json"), &json!({"schema_version": "ATIF-v1.9"}));
    insta::assert_snapshot!(error(path), @"`JOB/t0/agent/trajectory.json`, /schema_version: is \"ATIF-v1.9\"; expected `ATIF-v1.0` to `ATIF-v1.8`");
    let empty = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(error(empty.path()), @"`JOB`: holds no job; expected a job directory of Harbor, one of its trial directories, or a directory of jobs");
    assert!(import(Path::new("/nowhere")).unwrap_err().contains("cannot be read; expected a job"));
}

#[test]
fn a_symbolic_link_is_left_out() {
    let directory = job(&[result("a")]);
    std::os::unix::fs::symlink(directory.path().join("t0"), directory.path().join("t1")).unwrap();
    let collected = import(directory.path()).unwrap();
    assert_eq!((collected.trials.len(), collected.left_out.len()), (1, 1), "{collected:?}");
}

#[test]
fn the_trajectories_of_steps_become_one() {
    let mut trial = result("t");
    trial["agent_result"] = Value::Null;
    let used = json!({"n_input_tokens": 5, "n_output_tokens": 1});
    trial["step_results"] =
        json!([{"step_name": "one", "agent_result": used}, {"step_name": "two", "agent_result": used}]);
    let directory = job(&[trial]);
    let trajectory = json!({
        "schema_version": "ATIF-v1.5", "session_id": "s", "agent": {"name": "codex", "version": "1"},
        "steps": [{"step_id": 1, "source": "agent", "message": "", "tool_calls":
            [{"tool_call_id": "c", "function_name": "bash", "arguments": {"command": "ls"}}]}],
    });
    let steps = directory.path().join("t0/steps");
    write(steps.join("one/agent/trajectory.json"), &trajectory);
    let collected = import(directory.path()).unwrap();
    assert!(collected.trials[0].calls.value().is_none());
    assert_eq!(collected.doubts.len(), 1, "{:?}", collected.doubts);
    write(steps.join("two/agent/trajectory.json"), &trajectory);
    fs_err::create_dir_all(steps.join("two/verifier")).unwrap();
    fs_err::write(steps.join("two/verifier/test-stdout.txt"), "two\n").unwrap();
    let collected = import(directory.path()).unwrap();
    let found = &collected.trials[0];
    assert_eq!(found.calls.value().unwrap().len(), 2);
    assert_eq!(found.evidence.verifier_log.as_deref(), Some(&b"two\n"[..]));
    let whole = found.evidence.trajectory.as_ref().unwrap();
    assert_eq!(validate_trajectory(whole), []);
    assert_eq!(whole["steps"].as_array().unwrap().len(), 2);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_stands_in_a_result_is_an_error_or_a_trial_whose_ending_and_verdict_agree(
        pointer in proptest::sample::select(vec![
            "/id", "/task_name", "/task_checksum", "/config", "/agent_info", "/agent_info/model_info", "/agent_result",
            "/agent_result/n_input_tokens", "/agent_result/cost_usd", "/verifier_result", "/verifier_result/rewards",
            "/verifier_result/rewards/reward", "/exception_info", "/exception_info/exception_type", "/agent_execution",
            "/agent_execution/started_at", "/agent_execution/finished_at", "/verifier", "/step_results",
        ]),
        other in proptest::sample::select(vec![
            Value::Null, json!(true), json!(-1), json!(1.5), json!(1e300), json!(u64::MAX), json!(""), json!("x"),
            json!("../.."), json!([]), json!({}), json!([[]]), json!([null]), json!({"a": {"b": 1}}),
            json!([{"step_name": "../..", "exception_info": {}}]), json!("2026-01-02T03:04:05"),
        ]),
        exception in proptest::sample::select(vec!["AgentTimeoutError", "CancelledError", "SomeError"]),
    ) {
        let mut trial = result("t");
        trial["exception_info"] = self::exception(exception, "");
        trial["step_results"] = Value::Null;
        *trial.pointer_mut(pointer).unwrap() = other;
        if let Ok(collected) = import(job(&[trial]).path()) {
            let found = &collected.trials[0];
            if matches!(found.ending, Ending::Infrastructure { .. }) {
                proptest::prop_assert_eq!(&found.verdict, &Verdict::Ungraded(UngradedReason::Infrastructure));
            }
        }
    }
}
