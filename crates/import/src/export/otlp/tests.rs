use retrial_spec::{Ending, Fact, MissingReason, Phase, Source, Times, Usage};
use retrial_testkit::trial;
use serde_json::json;

use super::*;

/// A trajectory with a reply that calls two tools, a copied reply, a reply without a time, and a sub-agent.
pub(crate) fn trajectory() -> Value {
    json!({
        "schema_version": "ATIF-v1.8",
        "agent": {"name": "steady", "version": "1", "model_name": "example/large"},
        "steps": [
            {"step_id": 1, "source": "user", "message": "Go.", "timestamp": "2026-01-02T03:04:05Z"},
            {"step_id": 2, "source": "agent", "message": "", "timestamp": "2026-01-02T03:04:07.5Z", "model_name": "large-1",
                "metrics": {"prompt_tokens": 100, "completion_tokens": 9, "cached_tokens": 40, "extra": {"cache_write_tokens": 5}},
                "extra": {"exchange": 1},
                "tool_calls": [
                    {"tool_call_id": "c1", "function_name": "bash", "arguments": {"command": "ls"}},
                    {"tool_call_id": "c2", "function_name": "task", "arguments": {}}]},
            {"step_id": 3, "source": "agent", "message": "old", "is_copied_context": true},
            {"step_id": 4, "source": "agent", "message": "Done.", "timestamp": "2026-01-02T03:04:11Z", "extra": {"exchange": 3}},
            {"step_id": 5, "source": "agent", "message": "Really.", "extra": {"fault": "cut"}},
        ],
        "subagent_trajectories": [{"trajectory_id": "exchange-2", "agent": {"name": "helper", "version": "1"}, "steps": [
            {"step_id": 1, "source": "agent", "message": "Hm.", "timestamp": "2026-01-02T03:04:09Z"}]}],
    })
}

pub(crate) fn traced(
    trajectory: Option<&Value>,
    exchanges: &BTreeMap<u64, (Timestamp, Timestamp)>,
) -> Option<Trace> {
    let mut record = trial("fix-bug", "steady", 2);
    let usage =
        Usage { uncached_input: 55, cache_read: Some(40), cache_write: Some(5), output: 9, reasoning: None };
    record.usage = Fact::known(usage, Source::Parsed);
    record.times = Times { setup_ms: Some(1000), agent_ms: Some(6000), ..Times::default() };
    record.ending = Ending::Infrastructure { phase: Phase::Agent, cause: "429".to_owned() };
    let run = RunId::new("run-1").unwrap();
    let started_at = "2026-01-02T03:04:04Z".parse().ok();
    let (version, model) = (Some("1.2"), Some("example/large"));
    trace(&TracedTrial { run: &run, record: &record, started_at, version, model, trajectory, exchanges })
}

fn exchanges() -> BTreeMap<u64, (Timestamp, Timestamp)> {
    let at = |second: &str| format!("2026-01-02T03:04:{second}Z").parse().unwrap();
    BTreeMap::from([(1, (at("06"), at("07.5"))), (3, (at("10"), at("11")))])
}

fn spans(trace: &Trace) -> &Vec<Value> {
    trace.request.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap().as_array().unwrap()
}

/// The spans in lines: name, time in milliseconds since the first, parent, attributes.
fn rendered(trace: &Trace) -> String {
    let spans = spans(trace);
    let nanos = |span: &Value, member: &str| span[member].as_str().unwrap().parse::<i128>().unwrap();
    let first = nanos(&spans[0], "startTimeUnixNano");
    let line = |span: &Value| {
        let parent = spans.iter().position(|other| other["spanId"] == span["parentSpanId"]);
        let times =
            ["startTimeUnixNano", "endTimeUnixNano"].map(|member| (nanos(span, member) - first) / 1_000_000);
        let attributes = span["attributes"].as_array().unwrap().iter().map(|attribute| {
            let value = attribute["value"].as_object().unwrap().values().next().unwrap();
            format!("\n    {} = {value}", attribute["key"].as_str().unwrap())
        });
        let status = span.get("status").map(|status| format!("\n    status {status}")).unwrap_or_default();
        let head = format!("{} {} ms, kind {}, parent {parent:?}", span["name"], json!(times), span["kind"]);
        format!("{head}{}{status}\n", attributes.collect::<String>())
    };
    spans.iter().map(line).collect()
}

#[test]
fn a_trial_is_a_trace_of_its_agent_replies_and_tools() {
    let trajectory = trajectory();
    let trace = traced(Some(&trajectory), &exchanges()).unwrap();
    insta::assert_snapshot!(rendered(&trace));
    assert_eq!(trace.without_time, 1);
}

#[test]
fn without_exchanges_a_reply_is_a_moment() {
    let trajectory = trajectory();
    let trace = traced(Some(&trajectory), &BTreeMap::new()).unwrap();
    for span in spans(&trace).iter().filter(|span| span["name"] == "execute_tool bash") {
        assert_eq!(span["startTimeUnixNano"], span["endTimeUnixNano"]);
    }
}

#[test]
fn the_same_trial_has_the_same_ids_and_no_two_spans_share_one() {
    let trajectory = trajectory();
    let both =
        [traced(Some(&trajectory), &exchanges()).unwrap(), traced(Some(&trajectory), &exchanges()).unwrap()];
    assert_eq!(both[0], both[1]);
    let ids: std::collections::BTreeSet<&str> =
        spans(&both[0]).iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans(&both[0]).len());
    assert!(ids.iter().all(|id| id.len() == 16));
}

#[test]
fn a_trial_without_any_time_has_no_trace_and_one_with_steps_has_theirs() {
    let mut record = trial("fix-bug", "steady", 1);
    record.times = Times::default();
    record.usage = Fact::Missing(MissingReason::NotRecorded);
    let run = RunId::new("run-1").unwrap();
    let (trajectory, exchanges) = (trajectory(), BTreeMap::new());
    let without = TracedTrial {
        run: &run,
        record: &record,
        started_at: None,
        version: None,
        model: None,
        trajectory: None,
        exchanges: &exchanges,
    };
    assert_eq!(trace(&without), None);
    let with = trace(&TracedTrial { trajectory: Some(&trajectory), ..without }).unwrap();
    assert_eq!(spans(&with)[0]["startTimeUnixNano"], "1767323045000000000");
    assert!(!with.request.to_string().contains("usage.input_tokens\",\"value\":{\"intValue\":\"0\""));
}
