//! Small logs, made here from the format's description.

use retrial_spec::{Cost, Ending, Fact, MissingReason, Phase, UngradedReason, Usage, Verdict};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Collected, check, collect};

/// Reads a log with these samples, changed as told.
fn log(samples: &[Value], change: impl FnOnce(&mut Value)) -> Collected {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log.json");
    let mut log = json!({
        "version": 2, "status": "success",
        "eval": {"task": "t", "solver": "agent", "model": "m/1", "dataset": {}, "config": {}, "scorers": [{"name": "s"}]},
        "samples": samples,
    });
    change(&mut log);
    fs_err::write(&path, log.to_string()).unwrap();
    let sink = collect(&[path], None).unwrap();
    check(&sink);
    sink
}

/// Reads a log with one sample, whose fields are these and an id, an epoch and a score.
fn one(fields: &Value) -> Collected {
    let mut sample = json!({"id": "a", "epoch": 1, "scores": {"s": {"value": "C"}}});
    sample.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    log(&[sample], |_| {})
}

#[test]
fn the_agent_is_the_solver_or_the_steps_of_the_plan() {
    let agent = |change: fn(&mut Value)| {
        let sink = log(&[json!({"id": 1, "epoch": 1})], change);
        (sink.trials[0].agent.name.clone(), sink.trials[0].agent.model.clone())
    };
    assert_eq!(agent(|_| {}), ("agent".to_owned(), Some("m/1".to_owned())));
    let steps: fn(&mut Value) = |log| {
        log["eval"]["solver"] = Value::Null;
        log["plan"] = json!({"steps": [{"solver": "use_tools"}, {"solver": "generate"}]});
    };
    assert_eq!(agent(steps).0, "use_tools+generate");
    let nameless: fn(&mut Value) = |log| log["eval"] = json!({"task": "t", "model": "none/none"});
    assert_eq!(agent(nameless), ("inspect".to_owned(), None));
}

#[test]
fn a_header_behind_the_samples_is_found_all_the_same() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log.json");
    let text = r#"{"samples": [{"id": 1, "epoch": 1, "scores": {"s": {"value": NaN}}}], "eval": {"task": "t"}, "version": 2}"#;
    fs_err::write(&path, text).unwrap();
    let sink = collect(&[path], None).unwrap();
    assert_eq!(sink.trials[0].task, "t/1");
    assert_eq!(sink.trials[0].verdict, Verdict::Ungraded(UngradedReason::NoReward));
}

#[test]
fn tokens_of_models_are_summed_without_those_of_scorers() {
    let usage = |input: u64, output: u64, cost: f64| {
        json!({"input_tokens": input, "output_tokens": output, "input_tokens_cache_read": 5, "input_tokens_cache_write": 2,
               "reasoning_tokens": 1, "total_cost": cost, "total_tokens": input + output})
    };
    let sink = one(&json!({
        "model_usage": {"m/1": usage(100, 10, 0.5), "m/2": usage(200, 20, 0.25)},
        "events": [
            {"event": "span_begin", "id": "1", "type": "solvers", "name": "solvers", "timestamp": "2026-01-01T00:00:00Z"},
            {"event": "model", "span_id": "1", "model": "m/1", "output": {"choices": [], "usage": usage(100, 10, 0.5)}},
            {"event": "model", "span_id": "1", "model": "m/1", "cache": "read", "output": {"usage": usage(9, 9, 1.0)}},
            {"event": "span_begin", "id": "2", "type": "scorers", "name": "scorers", "timestamp": "2026-01-01T00:00:05Z"},
            {"event": "span_begin", "id": "3", "parent_id": "2", "type": "scorer", "name": "s"},
            {"event": "model", "span_id": "3", "model": "m/2", "output": {"choices": [], "usage": {
                "input_tokens": 150, "output_tokens": 15, "input_tokens_cache_read": 5, "total_cost": 0.125}}},
            {"event": "tool", "span_id": "3", "id": "x", "function": "look", "arguments": {}},
            {"event": "span_end", "id": "3"},
            {"event": "span_end", "id": "2", "timestamp": "2026-01-01T00:00:07Z"},
        ],
        "total_time": 10, "working_time": 7.5,
    }));
    let found = &sink.trials[0];
    let expected = Usage {
        uncached_input: 150,
        cache_read: Some(5),
        cache_write: Some(4),
        output: 15,
        reasoning: Some(2),
    };
    assert_eq!(found.usage.value(), Some(&expected));
    assert_eq!(found.cost.value(), Some(&Cost { usd_micros: 625_000, priced_on: None }));
    assert_eq!(found.requests.value(), Some(&1));
    assert_eq!(found.calls.value().map(Vec::len), Some(0));
    let times = found.times;
    assert_eq!((times.agent_ms, times.waiting_ms, times.verify_ms), (Some(8000), Some(2500), Some(2000)));
}

#[test]
fn tokens_that_contradict_each_other_are_left_out_with_a_doubt() {
    let sink = one(&json!({
        "model_usage": {"m/1": {"input_tokens": 5, "output_tokens": 5}},
        "events": [
            {"event": "span_begin", "id": "2", "type": "scorers"},
            {"event": "model", "span_id": "2", "model": "m/1", "output": {"usage": {"input_tokens": 6, "output_tokens": 1}}},
        ],
    }));
    assert_eq!(sink.trials[0].usage, Fact::Missing(MissingReason::Unparsable));
    assert_eq!(sink.doubts.len(), 1);
}

#[test]
fn tokens_that_nobody_counted_are_missing_and_not_zero() {
    let zeros = json!({"m/1": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}});
    let model = json!([{"event": "model", "model": "m/1", "output": {}}]);
    let missing = |fields: Value| one(&fields).trials[0].usage;
    assert_eq!(missing(json!({})), Fact::Missing(MissingReason::NotRecorded));
    assert_eq!(missing(json!({"events": [{"event": "info"}]})), Fact::Missing(MissingReason::NoCalls));
    assert_eq!(
        missing(json!({"events": model, "model_usage": zeros})),
        Fact::Missing(MissingReason::NoUsage)
    );
}

#[test]
fn calls_are_those_of_events_and_else_those_of_messages() {
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "so"}],
         "tool_calls": [{"id": "1", "function": "bash", "arguments": {"command": "ls"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "", "error": {"type": "timeout", "message": "too slow"}},
    ]);
    let said = one(&json!({"messages": messages}));
    let names = |sink: &Collected| -> Vec<String> {
        sink.trials[0]
            .calls
            .value()
            .unwrap()
            .iter()
            .map(|call| format!("{} {}", call.name, call.arguments))
            .collect()
    };
    assert_eq!(names(&said), [r#"bash {"command":"ls"}"#]);
    let steps = said.trials[0].evidence.trajectory.clone().unwrap()["steps"].clone();
    assert_eq!(steps[1]["reasoning_content"], "hm");
    assert_eq!(steps[1]["observation"]["results"][0]["content"], "too slow");
    let done = one(&json!({"messages": messages, "events": [
        {"event": "tool", "id": "1", "function": "bash", "arguments": {"command": "attachment://f00"}, "events": [
            {"event": "tool", "id": "2", "function": "edit", "arguments": {"path": "x"}}]},
        {"event": "from the future", "id": 3, "output": [1], "timestamp": {}},
        {"event": "sandbox", "action": "exec", "output": "text", "result": 0},
    ], "attachments": {"f00": "ls -l"}}));
    assert_eq!(names(&done), [r#"bash {"command":"ls -l"}"#, r#"edit {"path":"x"}"#]);
    assert_eq!(one(&json!({})).trials[0].calls, Fact::Missing(MissingReason::NotRecorded));
}

#[test]
fn an_old_log_with_one_score_and_a_transcript_reads() {
    let sample = json!({
        "id": 1, "epoch": 1, "score": {"value": "I", "explanation": "no"},
        "transcript": {"content": {"ab": "echo"}, "events": [
            {"event": "step", "action": "begin", "type": "solver", "name": "x", "timestamp": "2026-01-01T00:00:00+00:00"},
            {"event": "tool", "id": "1", "function": "bash", "arguments": {"cmd": "attachment://ab"}},
            {"event": "step", "action": "begin", "type": "scorer", "name": "s"},
            {"event": "model", "model": "m", "output": {}},
        ]},
    });
    let sink = log(&[sample], |_| {});
    let found = &sink.trials[0];
    assert_eq!(found.verdict, Verdict::Failed);
    assert_eq!(found.calls.value().unwrap()[0].arguments, r#"{"cmd":"echo"}"#);
    assert_eq!(found.started_at, Some("2026-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(found.requests.value(), Some(&0));
}

#[test]
fn an_error_while_scoring_leaves_the_trial_ungraded() {
    let sink = log(
        &[json!({"id": 1, "epoch": 1, "error": {"message": "KeyError('x')"}, "events": [
            {"event": "span_begin", "id": "1", "type": "solvers"},
            {"event": "span_begin", "id": "2", "type": "scorers"},
            {"event": "error"}]})],
        |_| {},
    );
    assert_eq!(sink.trials[0].ending, Ending::Finished);
    assert_eq!(
        sink.trials[0].verdict,
        Verdict::Ungraded(UngradedReason::VerifierFailed("KeyError('x')".to_owned()))
    );
    assert_eq!(sink.trials[0].status, "error KeyError, not scored");
}

#[test]
fn an_error_that_was_scored_keeps_its_score_and_is_doubtful() {
    let sink = one(&json!({"error": {"message": "boom"}, "events": [
        {"event": "span_begin", "id": "1", "type": "solvers"}, {"event": "error"},
        {"event": "span_begin", "id": "2", "type": "scorers"}]}));
    assert_eq!((&sink.trials[0].ending, &sink.trials[0].verdict), (&Ending::NotRecorded, &Verdict::Passed));
    assert_eq!(sink.doubts.len(), 1);
}

#[test]
fn failed_tries_say_where_they_failed() {
    let sink = one(&json!({"error_retries": [
        {"message": "Timeout\nmore", "events": [{"event": "span_begin", "id": "1", "type": "init"}, {"event": "error"}]},
        {"message": "again"},
    ]}));
    let attempts: Vec<(Phase, &str)> = sink.trials[0]
        .failed_attempts
        .iter()
        .map(|attempt| (attempt.phase, attempt.cause.as_str()))
        .collect();
    assert_eq!(attempts, [(Phase::Setup, "Timeout"), (Phase::Agent, "again")]);
}

#[test]
fn a_sample_that_was_invalidated_does_not_count() {
    let sink = one(&json!({"invalidation": {"author": "me", "reason": "leaked"}}));
    let cause = "invalidated: leaked (me)".to_owned();
    assert_eq!(sink.trials[0].ending, Ending::Infrastructure { phase: Phase::Record, cause });
    assert_eq!(sink.trials[0].status, "invalidated, scored C");
}

#[test]
fn a_score_outside_of_zero_to_one_is_doubtful() {
    let sink = one(&json!({"scores": {"s": {"value": 7}}}));
    assert_eq!(sink.trials[0].verdict, Verdict::Ungraded(UngradedReason::RewardOutOfRange));
    assert_eq!(sink.doubts.len(), 1);
}

#[test]
fn a_log_without_samples_is_left_out_and_alone_an_error() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("log.json");
    fs_err::write(
        &path,
        r#"{"version": 2, "status": "success", "eval": {"task": "t", "dataset": {"sample_ids": [1]}}}"#,
    )
    .unwrap();
    let error = collect(std::slice::from_ref(&path), None).unwrap_err().to_string();
    assert!(
        error.contains("holds no sample; expected logs of Inspect that were written with their samples"),
        "{error}"
    );
    fs_err::write(
        &path,
        r#"{"version": 2, "status": "error", "eval": {"task": "t", "dataset": {"sample_ids": [1]}}}"#,
    )
    .unwrap();
    let sink = collect(&[path], None).unwrap();
    assert_eq!(sink.unfinished.len(), 1);
}

#[test]
fn samples_beyond_the_plan_and_strange_plans_do_no_harm() {
    let sink = log(&[json!({"id": 1, "epoch": 0}), json!({"id": 1, "epoch": 0})], |log| {
        log["eval"]["dataset"]["sample_ids"] = json!([1, 2]);
        log["eval"]["config"]["epochs"] = json!(9_007_199_254_740_992_u64);
    });
    assert_eq!((sink.trials.len(), sink.unfinished.len()), (2, 0));
    assert!(sink.trials.iter().all(|found| found.number.is_none()));
    assert_eq!(sink.doubts.len(), 4);
}

#[test]
fn logs_with_other_arguments_are_doubtful_as_trials_of_one_task() {
    let directory = TempDir::new().unwrap();
    for (name, args) in [("1.json", json!({})), ("2.json", json!({"hard": true}))] {
        let log = json!({"version": 2, "eval": {"task": "t", "task_args": args}, "samples": [{"id": 1, "epoch": 1}]});
        fs_err::write(directory.path().join(name), log.to_string()).unwrap();
    }
    fs_err::write(directory.path().join("listing.json"), r#"{"a.eval": {}}"#).unwrap();
    fs_err::write(directory.path().join("notes.txt"), "x").unwrap();
    let sink = collect(&[directory.path().to_owned()], None).unwrap();
    let numbers: Vec<Option<u32>> = sink.trials.iter().map(|found| found.number).collect();
    assert_eq!(numbers, [Some(1), None]);
    assert!(sink.doubts[0].contains("has other arguments or settings than"), "{:?}", sink.doubts);
    assert_eq!(sink.left_out.len(), 2);
}
