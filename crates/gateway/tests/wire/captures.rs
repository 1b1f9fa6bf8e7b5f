//! What real agents and a model server said to each other, sent through the gateway: the same bytes come back, and the record agrees.

use std::path::{Path, PathBuf};

use crate::common::{CHAT, Client, ScriptedUpstream, World, http, post};
use retrial_gateway::simulate::Profile;
use retrial_spec::Exchange;
use serde_json::Value;

/// The directory of the captures, or none where it is absent and need not be there.
fn captures() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures/wire/chat");
    if path.is_dir() {
        return Some(path);
    }
    let required = std::env::var_os("RETRIAL_REQUIRE_SHARED").is_some_and(|value| value == "1");
    assert!(!required, "{} is absent", path.display());
    print_skipped(&path);
    None
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests should know what they did not test")]
fn print_skipped(path: &Path) {
    eprintln!("skipped: {} is absent", path.display());
}

/// The requests of a capture that were answered.
fn entries(path: &Path) -> Vec<Value> {
    let text = fs_err::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|entry| entry.get("status") == Some(&Value::from(200))).collect()
}

/// The reply of an entry: type and bytes.
fn reply(entry: &Value) -> (&'static str, Vec<u8>) {
    match entry.get("sse").and_then(Value::as_array) {
        Some(events) => {
            let text: Vec<String> =
                events.iter().map(|event| format!("{}\n\n", event.as_str().unwrap().trim_end())).collect();
            ("text/event-stream", text.concat().into_bytes())
        }
        None => ("application/json", entry["response"].to_string().into_bytes()),
    }
}

/// The usage that a capture states: anywhere in its reply.
fn stated_usage(reply: &[u8]) -> Value {
    let text = String::from_utf8(reply.to_vec()).unwrap();
    let objects = text.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    let usages = objects.filter_map(|line| serde_json::from_str::<Value>(line).ok()?.get("usage").cloned());
    usages.filter(Value::is_object).fold(Value::Null, |_, last| last)
}

fn check(entry: &Value, reply: &[u8], exchange: &Exchange) {
    assert_eq!(exchange.request, entry["body"]);
    assert_eq!((exchange.status, &exchange.fault), (Some(200), &None));
    // The model server noted what it had decided to say: text, calls as [name, kind, arguments], a remark.
    let decided = &entry["decided"];
    assert_eq!(exchange.reply.text, decided[0].as_str().unwrap());
    let calls: Vec<Value> = exchange
        .reply
        .tool_calls
        .iter()
        .map(|call| serde_json::json!([call.name, "function", call.arguments]))
        .collect();
    assert_eq!(Value::from(calls), decided[1]);
    let expected = if exchange.reply.tool_calls.is_empty() { "stop" } else { "tool_calls" };
    assert_eq!(exchange.reply.stop_reason.as_deref(), Some(expected));

    let stated = stated_usage(reply);
    let usage = exchange.reply.usage.value().unwrap();
    assert_eq!(Value::from(usage.uncached_input + usage.cache_read.unwrap()), stated["prompt_tokens"]);
    assert_eq!(Value::from(usage.cache_read), stated["prompt_tokens_details"]["cached_tokens"]);
    assert_eq!(Value::from(usage.output), stated["completion_tokens"]);
    assert_eq!(Value::from(usage.reasoning), stated["completion_tokens_details"]["reasoning_tokens"]);
    assert_eq!(usage.cache_write, None);
}

#[tokio::test]
async fn a_simulated_model_takes_captured_requests_for_the_turns_they_are() {
    let Some(directory) = captures() else { return };
    let mut turns = Vec::new();
    for entry in entries(&directory.join("opencode-stream.jsonl")) {
        let world = World::new();
        let (gateway, simulated) = world.open_simulated(&Profile::steady()).await;
        let mut client = Client::connect(gateway.socket()).await;
        let received = client.post(CHAT, &entry["body"]).await;
        assert_eq!(received.status, 200);
        let call = received.message().get("tool_calls").map(|calls| calls[0]["function"].clone());
        // The first request is for a title and offers no tools.
        turns.push(call.map(|call| {
            assert_eq!(call["name"], "bash");
            let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
            let command = arguments["command"].as_str().unwrap();
            simulated.plan().commands().position(|planned| planned == command).unwrap()
        }));
        gateway.finish().await.unwrap();
    }
    assert_eq!(turns, [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5)]);
}

#[tokio::test]
async fn captured_conversations_pass_unchanged_and_are_read_as_they_were_meant() {
    let Some(directory) = captures() else { return };
    let mut checked = 0;
    for file in fs_err::read_dir(&directory).unwrap() {
        for entry in entries(&file.unwrap().path()) {
            let (content_type, bytes) = reply(&entry);
            let upstream = ScriptedUpstream::saying(content_type, &[&bytes]).await;
            let world = World::new();
            let gateway = world.open(http(&upstream.base(), None)).await;
            let mut client = Client::connect(gateway.socket()).await;
            let path = entry["path"].as_str().unwrap();
            let received = client.send(post(path, entry["body"].to_string())).await;
            assert_eq!(received.body, bytes);
            gateway.finish().await.unwrap();
            check(&entry, &bytes, &world.log()[0]);
            checked += 1;
        }
    }
    assert!(checked >= 16, "only {checked} exchanges were found");
}
