//! What real agents and a model server said to each other, sent through the gateway: the same bytes come back, and the record agrees.

use std::path::{Path, PathBuf};

use crate::common::{CHAT, Client, Script, ScriptedUpstream, World, http, post};
use http_body_util::BodyExt as _;
use retrial_gateway::simulate::Profile;
use retrial_gateway::{Wire, conversation};
use retrial_spec::{Exchange, Fact, MissingReason, Protocol, Role, ToolKind, Usage};
use retrial_testkit::shared;
use serde_json::{Value, json};

/// A directory of the captures, or none where it is absent and need not be there.
pub(crate) fn captures(directory: &str) -> Option<PathBuf> {
    shared(&format!("captures/wire/{directory}"))
}

/// The captures in a directory, each with the calls of a model in it.
fn files(directory: &Path) -> Vec<(String, Vec<Value>)> {
    let read = |file: std::io::Result<fs_err::DirEntry>| {
        let path = file.unwrap().path();
        let text = fs_err::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let calls = lines.filter(|entry| entry.get("method") == Some(&json!("POST"))).collect();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), calls)
    };
    let mut files: Vec<_> = fs_err::read_dir(directory).unwrap().map(read).collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files
}

/// The reply of an entry: type and bytes.
pub(crate) fn reply(entry: &Value) -> (&'static str, Vec<u8>) {
    match entry.get("sse").and_then(Value::as_array) {
        Some(events) => {
            let text: String = events.iter().map(|event| event.as_str().unwrap()).collect();
            ("text/event-stream", text.into_bytes())
        }
        None => ("application/json", entry["response"].to_string().into_bytes()),
    }
}

/// The objects of a reply: one, or that of each event.
fn objects(reply: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(reply).unwrap();
    let lines = text.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The last value at one of some places in any of the objects of a reply.
fn last(objects: &[Value], places: &[&str]) -> Value {
    let mut found = objects.iter().flat_map(|object| places.iter().filter_map(|place| object.pointer(place)));
    found.rfind(|value| !value.is_null()).cloned().unwrap_or(Value::Null)
}

/// The stop reason that a capture states, in its protocol's words.
fn stated_stop(protocol: Protocol, objects: &[Value]) -> Value {
    match protocol {
        Protocol::OpenaiChat => last(objects, &["/choices/0/finish_reason"]),
        Protocol::OpenaiResponses => last(objects, &["/response/status", "/status"]),
        _ => last(objects, &["/delta/stop_reason", "/stop_reason"]),
    }
}

/// The usage that a capture states, counted as one counts by hand.
fn stated_usage(protocol: Protocol, objects: &[Value]) -> Usage {
    let number = |places: &[&str]| last(objects, places).as_u64();
    let (input, output) = match protocol {
        Protocol::OpenaiChat => ("prompt", "completion"),
        Protocol::OpenaiResponses => ("input", "output"),
        _ => {
            return Usage {
                uncached_input: number(&["/message/usage/input_tokens", "/usage/input_tokens"]).unwrap(),
                cache_read: number(&[
                    "/message/usage/cache_read_input_tokens",
                    "/usage/cache_read_input_tokens",
                ]),
                cache_write: number(&[
                    "/message/usage/cache_creation_input_tokens",
                    "/usage/cache_creation_input_tokens",
                ]),
                output: number(&["/usage/output_tokens"]).unwrap(),
                reasoning: None,
            };
        }
    };
    let at = |rest: &str| number(&[&format!("/usage/{rest}"), &format!("/response/usage/{rest}")]);
    let cached = at(&format!("{input}_tokens_details/cached_tokens"));
    Usage {
        uncached_input: at(&format!("{input}_tokens")).unwrap() - cached.unwrap(),
        cache_read: cached,
        cache_write: None,
        output: at(&format!("{output}_tokens")).unwrap(),
        reasoning: at(&format!("{output}_tokens_details/reasoning_tokens")),
    }
}

/// The calls that the model server had decided on, as name and arguments.
fn decided_calls(entry: &Value) -> Vec<(String, Value)> {
    let decided = entry["decided"][1].as_array().unwrap().iter();
    let call = |call: &Value| {
        (call[0].as_str().unwrap().to_owned(), serde_json::from_str(call[2].as_str().unwrap()).unwrap())
    };
    decided.map(call).collect()
}

fn check(protocol: Protocol, entry: &Value, reply: &[u8], exchange: &Exchange) {
    assert_eq!((exchange.protocol, &exchange.request), (protocol, &entry["body"]));
    assert_eq!((exchange.status, &exchange.fault), (Some(200), &None));
    // The model server noted what it had decided to say: text, calls as [name, kind, arguments], a remark.
    assert_eq!(exchange.reply.text, entry["decided"][0].as_str().unwrap());
    let calls = exchange.reply.tool_calls.iter().map(|call| {
        assert_eq!(call.kind, ToolKind::Function);
        (call.name.clone(), serde_json::from_str(&call.arguments).unwrap())
    });
    assert_eq!(calls.collect::<Vec<_>>(), decided_calls(entry));
    let objects = objects(reply);
    assert_eq!(json!(exchange.reply.stop_reason), stated_stop(protocol, &objects));
    assert_ne!(exchange.reply.stop_reason, None);
    assert_eq!(exchange.reply.usage.value(), Some(&stated_usage(protocol, &objects)));
    let model = last(&objects, &["/model", "/response/model", "/message/model"]);
    assert_eq!(json!(exchange.reply.model), model);
}

/// What an agent told the model of its calls can be read out of its requests: every result belongs to a call of an earlier reply.
fn check_results(log: &[Exchange]) {
    let calls: Vec<&str> =
        log.iter().flat_map(|exchange| &exchange.reply.tool_calls).map(|call| call.id.as_str()).collect();
    let Some(longest) = log.iter().max_by_key(|exchange| exchange.request.to_string().len()) else { return };
    let messages = conversation(longest.protocol, &longest.request);
    let results: Vec<_> = messages.iter().flat_map(|message| &message.tool_results).collect();
    assert!(!results.is_empty());
    assert!(results.iter().all(|result| calls.contains(&result.call_id.as_str())));
    let repeated = messages.iter().flat_map(|message| &message.tool_calls).count();
    assert_eq!(repeated, results.len());
    assert!(messages.iter().any(|message| message.role == Role::User && !message.text.is_empty()));
    assert!(messages.iter().any(|message| message.role == Role::System && !message.text.is_empty()));
}

#[tokio::test]
async fn a_simulated_model_takes_captured_requests_for_the_turns_they_are() {
    let Some(directory) = captures("chat") else { return };
    let mut turns = Vec::new();
    let mut files = files(&directory);
    files.retain(|(name, _)| name == "opencode-stream");
    for entry in &files[0].1 {
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

/// Sends the calls of a capture through one trial's gateway to a server that says what was said then.
async fn replay(protocol: Protocol, entries: &[Value]) -> usize {
    let replies: Vec<_> = entries.iter().map(reply).collect();
    let scripts = replies.iter().map(|(content_type, body)| {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        Script::Bytes([head.as_bytes(), body].concat())
    });
    let upstream = ScriptedUpstream::start(scripts).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    for (entry, (_, body)) in entries.iter().zip(&replies) {
        let path = entry["path"].as_str().unwrap();
        let received = client.send(post(path, entry["body"].to_string())).await;
        assert_eq!((received.status, &received.body), (200, body));
    }
    for (entry, (head, body)) in entries.iter().zip(upstream.received()) {
        assert!(head.starts_with(&format!("POST {} ", entry["path"].as_str().unwrap())), "{head}");
        assert_eq!(body, entry["body"].to_string().as_bytes());
    }
    let wire = gateway.finish().await.unwrap();
    let log = world.log();
    assert_eq!(log.len(), entries.len());
    for ((entry, (_, body)), exchange) in entries.iter().zip(&replies).zip(&log) {
        check(protocol, entry, body, exchange);
    }
    check_results(&log);
    assert_eq!(wire.exchanges, entries.len() as u64);
    entries.len()
}

#[tokio::test]
async fn captured_conversations_pass_unchanged_and_are_read_as_they_were_meant() {
    let protocols = [
        ("chat", Protocol::OpenaiChat, 16),
        ("responses", Protocol::OpenaiResponses, 24),
        ("anthropic", Protocol::AnthropicMessages, 9),
    ];
    for (name, protocol, at_least) in protocols {
        let Some(directory) = captures(name) else { return };
        let mut checked = 0;
        for (_, entries) in files(&directory) {
            checked += replay(protocol, &entries).await;
        }
        assert!(checked >= at_least, "only {checked} exchanges of {name} were found");
    }
}

/// What the server did at an entry of a capture of faults.
fn script(entry: &Value) -> Script {
    let status = entry["status"].as_u64();
    let fault = entry["fault"].as_str().unwrap_or("");
    let Some(status) = status else { return Script::Bytes(Vec::new()) };
    let (content_type, mut body) = reply(entry);
    if entry.get("response").is_none() && entry.get("sse").is_none() {
        body = b"{\"id\": \"chatcmpl-1\", \"cho".to_vec();
    }
    let length = match fault {
        "trunc" => format!("content-length: {}\r\n", body.len() + 100),
        // Its end is the connection's.
        "trunc_last" => String::new(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    // The agents met the limits themselves, so the gateway must not wait in their stead.
    let wait = if status == 429 { "x-should-retry: false\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\n{length}{wait}connection: close\r\n\r\n"
    );
    Script::Bytes([head.as_bytes(), &body].concat())
}

/// What the record of a faulty reply must say.
fn expected_fault(entry: &Value) -> Option<String> {
    let status = entry["status"].as_u64();
    let said = match entry["fault"].as_str()? {
        "disconnect" => "the upstream cannot be reached".to_owned(),
        "trunc" => "the upstream cut the reply".to_owned(),
        "trunc_last" => "the stream ended without its last event".to_owned(),
        "errevent" => "the reply holds an error: fake mid-stream".to_owned(),
        "stall" => return None,
        _ => {
            format!("status {}: {}", status.unwrap(), entry["response"]["error"]["message"].as_str().unwrap())
        }
    };
    Some(said)
}

async fn replay_faults(entries: &[Value]) -> (Wire, Vec<Exchange>) {
    let upstream = ScriptedUpstream::start(entries.iter().map(script)).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    for entry in entries {
        let mut client = Client::connect(gateway.socket()).await;
        let path = entry["path"].as_str().unwrap();
        let response = client.start(post(path, entry["body"].to_string())).await;
        assert_eq!(u64::from(response.status().as_u16()), entry["status"].as_u64().unwrap_or(502));
        let is_cut = entry["fault"] == "trunc";
        assert_eq!(response.into_body().collect().await.is_err(), is_cut);
    }
    (gateway.finish().await.unwrap(), world.log())
}

#[tokio::test]
async fn captured_faults_are_recorded_as_what_they_were_and_requests_sent_again_as_such() {
    let Some(directory) = captures("faults") else { return };
    let (mut faults, mut retries) = (0, 0);
    for (name, entries) in files(&directory) {
        let (wire, log) = replay_faults(&entries).await;
        assert_eq!((wire.exchanges, log.len()), (entries.len() as u64, entries.len()), "{name}");
        for (place, (entry, exchange)) in entries.iter().zip(&log).enumerate() {
            let (said, expected) = (exchange.fault.as_deref(), expected_fault(entry));
            let starts = |expected: &String| said.is_some_and(|said| said.starts_with(expected));
            assert!(expected.as_ref().map_or(said.is_none(), starts), "{name} {place}: {said:?}");
            let is_whole = expected.is_none();
            assert_eq!(exchange.reply.usage.value().is_some(), is_whole, "{name} {place}");
            let before = entries[..place].iter().rposition(|before| before["body"] == entry["body"]);
            assert_eq!(exchange.retry_of, before.map(|before| before as u32 + 1), "{name} {place}");
            faults += usize::from(!is_whole);
            retries += usize::from(before.is_some());
        }
        let is_whole = entries
            .iter()
            .all(|entry| expected_fault(entry).is_none() || entry["status"].as_u64() != Some(200));
        let answered = entries.iter().any(|entry| entry["status"].as_u64() == Some(200));
        let missing = matches!(wire.usage, Fact::Missing(MissingReason::NoUsage));
        assert_eq!(missing, !(is_whole && answered), "{name}: {:?}", wire.usage);
    }
    assert!(faults >= 150 && retries >= 90, "only {faults} faults and {retries} retries were found");
}
