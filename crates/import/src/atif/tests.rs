//! The reader of trajectories against small ones of every version.

use retrial_agents::validate_trajectory;
use retrial_spec::MissingReason;
use serde_json::json;

use super::*;
use crate::Format;
use crate::collected::Collected;
use crate::testing::{Reader, written};

fn place() -> Place {
    Place::file(Path::new("t.json"))
}

fn facts_of(value: Value) -> ReadTrajectory {
    let read = read_trajectory(value, &place()).unwrap();
    assert_eq!(validate_trajectory(&read.trajectory), []);
    read
}

fn refused(value: Value) -> String {
    read_trajectory(value, &place()).unwrap_err().to_string()
}

/// A trajectory of two requests, one with a call.
fn demo() -> Value {
    json!({
        "schema_version": "ATIF-v1.8", "session_id": "s1", "agent": {"name": "demo", "version": "0", "model_name": "m"},
        "steps": [
            {"step_id": 1, "source": "user", "message": "say hi", "timestamp": "2026-01-02T03:04:05Z"},
            {"step_id": 2, "source": "agent", "message": "", "llm_call_count": 1,
             "tool_calls": [{"tool_call_id": "c1", "function_name": "bash", "arguments": {"command": "echo hi"}}],
             "observation": {"results": [{"source_call_id": "c1", "content": "hi"}]},
             "metrics": {"prompt_tokens": 90, "completion_tokens": 9, "cached_tokens": 40, "cost_usd": 0.001}},
            {"step_id": 3, "source": "agent", "message": "done", "llm_call_count": 1,
             "metrics": {"prompt_tokens": 100, "completion_tokens": 3, "cached_tokens": 90, "cost_usd": 0.002}},
        ],
        "final_metrics": {"total_prompt_tokens": 190, "total_completion_tokens": 12, "total_cached_tokens": 130,
                          "total_cost_usd": 0.003, "total_steps": 3},
    })
}

fn import(path: &Path) -> Result<Collected, String> {
    Reader(Format::Atif).import(path)
}

#[test]
fn a_valid_trajectory_stays_as_it_is_and_its_sums_are_the_steps() {
    let read = facts_of(demo());
    assert_eq!(read.trajectory, demo());
    let names: Vec<&str> = read.calls.value().unwrap().iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["bash", "message"]);
    assert_eq!(read.calls.value().unwrap()[0].arguments, r#"{"command":"echo hi"}"#);
    let usage = read.usage.value().unwrap();
    assert_eq!(
        (usage.uncached_input, usage.cache_read, usage.cache_write, usage.output),
        (60, Some(130), None, 12)
    );
    assert_eq!(read.cost.value().unwrap().usd_micros, 3000);
    assert_eq!(read.requests.value(), Some(&2));
    assert_eq!(read.doubts, Vec::<String>::new());
}

#[test]
fn every_version_to_1_8_is_read_and_no_other() {
    for minor in 0..=8 {
        let mut old = demo();
        old["schema_version"] = json!(format!("ATIF-v1.{minor}"));
        let read = facts_of(old);
        assert_eq!(read.trajectory["schema_version"], "ATIF-v1.8");
        assert_eq!(read.trajectory.pointer("/extra/source_schema_version").is_some(), minor < 8);
        assert_eq!(read.usage, facts_of(demo()).usage);
    }
    for other in [json!("ATIF-v1.9"), json!("ATIF-v2.0"), json!("ATIF-v1.10"), json!(1.8)] {
        let mut later = demo();
        later["schema_version"] = other.clone();
        let expected = format!("`t.json`, /schema_version: is {other}; expected `ATIF-v1.0` to `ATIF-v1.8`");
        assert_eq!(refused(later), expected);
    }
}

#[test]
fn what_the_format_does_not_know_moves_into_the_nearest_extra() {
    let odd = json!({
        "schema_version": "ATIF-v1.2", "mood": "fine", "notes": null, "extra": {"mood": "kept"},
        "agent": {"name": "demo", "version": 2, "tool_definitions": "none", "home": "/root"},
        "steps": [
            {"step_id": 4, "source": "user", "message": null, "metrics": {"prompt_tokens": 1}, "timestamp": "yesterday"},
            {"step_id": 9, "source": "agent", "message": [{"type": "text", "text": "a", "cache": true},
                {"type": "video", "url": "v"}, {"type": "image", "source": {"media_type": "image/png", "path": "p.png"}}],
             "tool_calls": [{"tool_call_id": 7, "function_name": "sh", "arguments": "ls", "took": 3},
                            {"tool_call_id": "8", "function_name": "sh", "arguments": "{\"command\": \"ls\"}"}],
             "observation": {"results": [{"source_call_id": 7, "content": [{"type": "text", "text": "x"}]},
                {"source_call_id": "gone", "content": {"exit": 0}, "took": 1}], "at": "end"},
             "llm_call_count": 0, "metrics": {"prompt_tokens": 12.0, "completion_tokens": 1e1, "speed": 5}},
        ],
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&facts_of(odd).trajectory).unwrap());
}

#[test]
fn copied_steps_count_for_nothing() {
    let mut copied = demo();
    copied["steps"][1]["is_copied_context"] = json!(true);
    copied["final_metrics"] = Value::Null;
    let read = facts_of(copied);
    assert_eq!(read.calls.value().unwrap().len(), 1);
    assert_eq!(read.usage.value().unwrap().output, 3);
    assert_eq!(read.requests.value(), Some(&1));
    assert_eq!(read.cost.value().unwrap().usd_micros, 2000);
}

#[test]
fn a_total_that_is_the_largest_request_is_told_from_a_sum() {
    let mut snapshot = demo();
    snapshot["final_metrics"]["total_prompt_tokens"] = json!(100);
    let read = facts_of(snapshot);
    assert_eq!(read.usage.value().unwrap().uncached_input, 60);
    assert!(read.doubts[0].contains("snapshot semantics"), "{:?}", read.doubts);
    assert_eq!(read.cost.value().unwrap().usd_micros, 3000);
    let mut other = demo();
    other["final_metrics"]["total_prompt_tokens"] = json!(170);
    assert!(facts_of(other).doubts[0].contains("170 and the steps add up to 190"));
}

#[test]
fn totals_stand_for_steps_that_do_not_state_their_tokens_unless_they_are_too_small() {
    let mut totals = demo();
    totals["steps"][1]["metrics"] = Value::Null;
    let read = facts_of(totals.clone());
    assert_eq!(read.usage.value().unwrap().total(), 202);
    assert_eq!(read.doubts, Vec::<String>::new());
    totals["final_metrics"]["total_prompt_tokens"] = json!(99);
    let read = facts_of(totals.clone());
    assert_eq!(read.usage, Fact::Missing(MissingReason::Unparsable));
    assert_eq!(read.doubts.len(), 1);
    totals["final_metrics"] = Value::Null;
    assert_eq!(facts_of(totals).usage, Fact::Missing(MissingReason::NoUsage));
}

#[test]
fn contradictory_and_impossible_numbers_are_said() {
    let mut cached = demo();
    cached["steps"][1]["metrics"]["cached_tokens"] = json!(91);
    let read = facts_of(cached);
    assert_eq!((read.usage, read.doubts.len()), (Fact::Missing(MissingReason::Unparsable), 1));
    let mut negative = demo();
    negative["steps"][1]["metrics"]["prompt_tokens"] = json!(-4);
    insta::assert_snapshot!(refused(negative), @"`t.json`, /steps/1/metrics/prompt_tokens: is -4; expected a whole number that is not negative");
    let mut huge = demo();
    huge["steps"][1]["metrics"]["prompt_tokens"] = json!(u64::MAX);
    assert_eq!(facts_of(huge).usage.value().unwrap().output, 12);
    let mut free = demo();
    free["final_metrics"]["total_cost_usd"] = json!(0);
    assert_eq!(facts_of(free).doubts.len(), 2);
}

#[test]
fn sub_agents_count_after_the_call_that_started_them() {
    let mut whole = demo();
    let mut inner = demo();
    inner["trajectory_id"] = json!("inner");
    inner["steps"][1]["tool_calls"][0]["function_name"] = json!("read");
    whole["subagent_trajectories"] = json!([inner]);
    whole["steps"][1]["observation"]["results"][0]["subagent_trajectory_ref"] =
        json!([{"trajectory_id": "inner"}]);
    let read = facts_of(whole);
    let names: Vec<&str> = read.calls.value().unwrap().iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["bash", "read", "message", "message"]);
    assert_eq!(read.usage.value().unwrap().total(), 404);
    assert_eq!(read.requests.value(), Some(&4));
}

#[test]
fn a_continued_trajectory_is_read_on_and_its_parts_are_no_trials() {
    let (mut first, mut second, mut inner) = (demo(), demo(), demo());
    first["continued_trajectory_ref"] = json!("part-2.json");
    second["steps"][0]["is_copied_context"] = json!(true);
    second["steps"][1]["observation"]["results"][0]["subagent_trajectory_ref"] =
        json!([{"trajectory_path": "inner/sub.json"}]);
    inner["agent"]["name"] = json!("helper");
    let directory = written(&[
        ("hello/agent/trajectory.json", first),
        ("hello/agent/part-2.json", second),
        ("hello/agent/inner/sub.json", inner),
        ("hello/notes.json", json!({"a": 1})),
    ]);
    let collected = import(directory.path()).unwrap();
    insta::assert_snapshot!(collected.rendered(directory.path()));
    let trajectory = collected.trials[0].evidence.trajectory.as_ref().unwrap();
    assert_eq!(validate_trajectory(trajectory), []);
    assert_eq!(trajectory["steps"].as_array().unwrap().len(), 6);
    assert_eq!(trajectory["subagent_trajectories"][0]["agent"]["name"], "helper");
}

#[test]
fn a_part_that_is_not_there_leaves_the_sums_missing_and_a_circle_is_refused() {
    let mut first = demo();
    for name in ["gone.json", "../outside.json", "https://example.org/t.json", "/logs/agent/gone.json"] {
        first["continued_trajectory_ref"] = json!(name);
        let directory = written(&[("trajectory.json", first.clone())]);
        let collected = import(directory.path()).unwrap();
        let found = &collected.trials[0];
        assert_eq!(found.calls, Fact::Missing(MissingReason::NotRecorded));
        assert_eq!(found.usage, Fact::Missing(MissingReason::NotRecorded));
        assert_eq!(collected.doubts.len(), 1);
    }
    first["continued_trajectory_ref"] = json!("b.json");
    let mut second = demo();
    second["continued_trajectory_ref"] = json!("a.json");
    let directory = written(&[("a.json", first), ("b.json", second)]);
    assert!(import(directory.path()).unwrap_err().contains("in a circle"));
    let error = import(&directory.path().join("a.json")).unwrap_err();
    assert!(error.contains("names `a.json`, which this file continues"), "{error}");
}

#[test]
fn broken_and_foreign_files_are_errors_that_name_the_place() {
    let directory = written(&[("a.json", json!({"x": 1})), ("b/list.json", json!([1]))]);
    let root = directory.path().to_str().unwrap().to_owned();
    let error = |path: &Path| import(path).unwrap_err().replace(&root, "ROOT");
    insta::assert_snapshot!(error(directory.path()), @r#"`ROOT`: holds no `*.json` with `"schema_version": "ATIF-v1.…"`; expected a trajectory of ATIF 1.0 to 1.8"#);
    insta::assert_snapshot!(error(&directory.path().join("b/list.json")), @"`ROOT/b/list.json`: is not an object; expected a trajectory of ATIF 1.0 to 1.8");
    insta::assert_snapshot!(error(&directory.path().join("a.json")), @"`ROOT/a.json`: lacks the field `agent`; expected a trajectory of ATIF 1.0 to 1.8");
    let whole = demo().to_string();
    for end in [10, whole.len() / 2, whole.len() - 1] {
        fs_err::write(directory.path().join("trajectory.json"), &whole[..end]).unwrap();
        assert!(error(directory.path()).contains("`ROOT/trajectory.json`, line 1: is not JSON"), "{end}");
    }
    let mut empty = demo();
    empty["steps"] = json!([]);
    insta::assert_snapshot!(refused(empty), @"`t.json`, /steps: is empty; a trajectory has at least one step; expected a trajectory of ATIF 1.0 to 1.8");
    let mut spoken = demo();
    spoken["steps"][0]["source"] = json!("assistant");
    insta::assert_snapshot!(refused(spoken), @"`t.json`, /steps/0/source: is none of `system`, `user` and `agent`; expected a trajectory of ATIF 1.0 to 1.8");
}

#[test]
fn a_trajectory_by_itself_is_of_the_task_that_its_directory_or_file_names() {
    assert_eq!(task_of(Path::new("/a/hello/agent/trajectory.json")), "hello");
    assert_eq!(task_of(Path::new("/a/hello/trajectory.json")), "hello");
    assert_eq!(task_of(Path::new("/a/hello/one.json")), "one");
    assert_eq!(task_of(Path::new("/trajectory.json")), "trajectory");
}

proptest::proptest! {
    #[test]
    fn whatever_stands_where_it_should_not_is_an_error_or_becomes_valid(
        pointer in proptest::sample::select(vec![
            "/agent", "/agent/version", "/steps/1", "/steps/1/message", "/steps/1/tool_calls", "/steps/1/tool_calls/0",
            "/steps/1/tool_calls/0/arguments", "/steps/1/tool_calls/0/tool_call_id", "/steps/1/observation",
            "/steps/1/observation/results", "/steps/1/observation/results/0", "/steps/1/observation/results/0/content",
            "/steps/1/metrics", "/steps/1/metrics/prompt_tokens", "/steps/1/llm_call_count", "/steps/0/timestamp",
            "/final_metrics", "/final_metrics/total_cost_usd", "/session_id", "/steps", "/steps/0/source",
        ]),
        other in proptest::sample::select(vec![
            Value::Null, json!(true), json!(-1), json!(1.5), json!(1e300), json!(""), json!("x"), json!([]), json!({}),
            json!([[]]), json!([null]), json!({"a": {"b": 1}}), json!([{"type": "text"}]),
        ]),
    ) {
        let mut odd = demo();
        *odd.pointer_mut(pointer).unwrap() = other;
        if let Ok(read) = read_trajectory(odd, &place()) {
            proptest::prop_assert_eq!(validate_trajectory(&read.trajectory), []);
            let again = read_trajectory(read.trajectory.clone(), &place()).unwrap();
            proptest::prop_assert_eq!(again, read);
        }
    }
}
