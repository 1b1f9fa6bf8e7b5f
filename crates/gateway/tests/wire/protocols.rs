//! What differs between the protocols, seen from outside: where the token may stand, refusals, retries, and the question after the end.

use crate::common::{CHAT, Client, MESSAGES, RESPONSES, ScriptedUpstream, TOKEN, World, http, post};
use http::HeaderValue;
use retrial_gateway::{Gateway, PriceTable, TrialAccess};
use retrial_spec::{Budget, Protocol, Purpose, ToolKind};
use serde_json::{Value, json};

const QUESTION: &str = "How sure are you?";
const NO_RESULT: &str = "The session ended before this call's result was available.";

/// Lets an agent send one request, then asks; returns what the provider was sent with the question, and the answer.
async fn asked(path: &str, request: &Value, said: &str, answer: &str) -> (String, Value, String) {
    let kinds = if said.starts_with('{') { "application/json" } else { "text/event-stream" };
    let upstream = ScriptedUpstream::saying(kinds, &[said.as_bytes(), answer.as_bytes()]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut first = post(path, request.to_string());
    first.headers_mut().insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    assert_eq!(client.send(first).await.status, 200);
    let answer = gateway.ask(QUESTION).await.unwrap();
    let (head, body) = upstream.received().remove(1);
    gateway.finish().await.unwrap();
    let log = world.log();
    assert_eq!((log[1].purpose, &log[1].path), (Purpose::Elicitation, &log[0].path));
    assert_eq!((log[1].protocol, &log[1].fault), (log[0].protocol, &None));
    (head, serde_json::from_slice(&body).unwrap(), answer.text)
}

fn stream(events: &[Value]) -> String {
    events.iter().flat_map(|event| ["data: ".to_owned(), event.to_string(), "\n\n".to_owned()]).collect()
}

#[tokio::test]
async fn a_conversation_of_messages_is_continued_with_its_thinking_and_without_its_calls() {
    let request = json!({"model": "m", "max_tokens": 9, "stream": true, "thinking": {"type": "adaptive"},
        "messages": [{"role": "user", "content": "fix it"}], "tools": [{"name": "bash"}],
        "tool_choice": {"type": "auto"}, "output_config": {"effort": "low", "format": {}}});
    let block = |place: u8, block: Value| json!({"type": "content_block_start", "index": place, "content_block": block});
    let delta =
        |place: u8, delta: Value| json!({"type": "content_block_delta", "index": place, "delta": delta});
    let said = stream(&[
        json!({"type": "message_start", "message": {"model": "m", "content": []}}),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
        block(1, json!({"type": "text", "text": ""})),
        block(2, json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "{\"query\": \"x\"}"})),
        block(3, json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []})),
        block(4, json!({"type": "tool_use", "id": "t", "name": "bash", "input": {}})),
        delta(4, json!({"type": "input_json_delta", "partial_json": "{\"command\": \"ls\"}"})),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ]);
    let answer = "data: {\"type\":\"message_start\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"80%\"}]}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    let (head, body, text) = asked("/v1/messages?beta=true", &request, &said, answer).await;
    assert_eq!(text, "80%");
    assert!(head.starts_with("POST /v1/messages?beta=true "), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01\r\n"), "{head}");
    let expected = json!({"model": "m", "max_tokens": 9, "stream": false, "thinking": {"type": "adaptive"},
    "tools": [{"name": "bash"}], "tool_choice": {"type": "none"}, "output_config": {"effort": "low"},
    "messages": [
        {"role": "user", "content": "fix it"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            {"type": "tool_use", "id": "t", "name": "bash", "input": {"command": "ls"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": NO_RESULT, "is_error": true},
            {"type": "text", "text": QUESTION},
        ]},
    ]});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_conversation_of_responses_is_continued_with_its_own_items() {
    let request = json!({"model": "m", "stream": true, "input": "fix it", "parallel_tool_calls": true,
        "tools": [{"type": "function", "name": "f"}], "text": {"format": {}, "verbosity": "low"}, "store": false});
    let output = json!([
        {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "e"},
        {"type": "web_search_call", "id": "w", "status": "completed"},
        {"type": "function_call", "id": "fc", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "id": "ct", "call_id": "b", "name": "apply_patch", "input": "*** Begin"},
    ]);
    let said = stream(&[
        json!({"type": "response.completed", "response": {"status": "completed", "output": output}}),
    ]);
    let answer = stream(&[json!({"type": "response.completed", "response": {"status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "80%"}]}]}})]);
    let (_, body, text) = asked(RESPONSES, &request, &said, &answer).await;
    assert_eq!(text, "80%");
    let mut input = vec![json!({"role": "user", "content": "fix it"})];
    input.extend(output.as_array().unwrap().iter().cloned());
    input.push(json!({"type": "function_call_output", "call_id": "a", "output": NO_RESULT}));
    input.push(json!({"type": "custom_tool_call_output", "call_id": "b", "output": NO_RESULT}));
    input.push(json!({"role": "user", "content": QUESTION}));
    let expected = json!({"model": "m", "stream": false, "input": input, "tool_choice": "none", "store": false,
        "tools": [{"type": "function", "name": "f"}], "text": {"verbosity": "low"}});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_conversation_of_chat_completions_is_continued_with_calls_of_both_kinds() {
    let request =
        json!({"model": "m", "messages": [{"role": "user", "content": "fix it"}], "response_format": {}});
    let calls = json!([
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}},
    ]);
    let message = json!({"role": "assistant", "content": "Now.", "tool_calls": calls});
    let said = json!({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).to_string();
    let answer = json!({"choices": [{"message": {"content": "80%"}, "finish_reason": "stop"}]}).to_string();
    let (_, body, text) = asked(CHAT, &request, &said, &answer).await;
    assert_eq!(text, "80%");
    let result = |id| json!({"role": "tool", "tool_call_id": id, "content": NO_RESULT});
    let user = |text| json!({"role": "user", "content": text});
    let expected = json!({"model": "m", "stream": false,
        "messages": [user("fix it"), message, result("a"), result("b"), user(QUESTION)]});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_kind_of_call_reaches_the_record() {
    let output = json!([
        {"type": "web_search_call", "id": "w", "status": "completed", "action": {"query": "x"}},
        {"type": "custom_tool_call", "call_id": "b", "name": "apply_patch", "input": "*** Begin"},
        {"type": "local_shell_call", "call_id": "l", "action": {"command": ["ls"]}},
    ]);
    let said = json!({"status": "completed", "output": output}).to_string();
    let upstream = ScriptedUpstream::saying("application/json", &[said.as_bytes()]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    Client::connect(gateway.socket()).await.post(RESPONSES, &json!({"input": "x"})).await;
    gateway.finish().await.unwrap();
    let log = world.log();
    let calls: Vec<_> = log[0].reply.tool_calls.iter().map(|call| (call.kind, call.name.as_str())).collect();
    let expected = [
        (ToolKind::Server, "web_search"),
        (ToolKind::Custom, "apply_patch"),
        (ToolKind::Builtin, "local_shell"),
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn a_trial_is_known_by_its_path_which_is_neither_sent_on_nor_recorded() {
    let upstream =
        ScriptedUpstream::saying("application/json", &[b"{}", b"{}", b"{\"input_tokens\": 3}"]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    for path in ["/v1/messages?beta=true", RESPONSES, "/v1/messages/count_tokens"] {
        let mut request = post(&format!("/{TOKEN}{path}"), "{\"model\": \"m\"}");
        request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer none"));
        assert_eq!(client.send(request).await.status, 200);
    }
    let mut models = post(&format!("/{TOKEN}/v1/models"), "");
    *models.method_mut() = http::Method::GET;
    assert_eq!(client.send(models).await.json()["data"][0]["id"], "m-1");
    let heads: Vec<_> = upstream.received().into_iter().map(|(head, _)| head).collect();
    assert!(heads[0].starts_with("POST /v1/messages?beta=true "), "{}", heads[0]);
    assert!(heads.iter().all(|head| !head.contains(TOKEN)));
    let wire = gateway.finish().await.unwrap();
    // Counting tokens is no call of a model.
    assert_eq!(wire.exchanges, 2);
    let log = world.log();
    assert!(!serde_json::to_string(&log).unwrap().contains(TOKEN));
    let seen: Vec<_> = log.iter().map(|exchange| (exchange.path.as_str(), exchange.protocol)).collect();
    let expected = [
        (MESSAGES, Protocol::AnthropicMessages),
        (RESPONSES, Protocol::OpenaiResponses),
        ("/v1/messages/count_tokens", Protocol::Unknown),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn refusals_have_the_shape_that_clients_of_the_protocol_read() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::new();
    let access = TrialAccess {
        budget: Budget::of_requests(3),
        ..world.access(http(&format!("http://{closed}/v1"), None))
    };
    let gateway = Gateway::new(PriceTable::builtin()).open(access).await.unwrap();
    let mut client = Client::connect(gateway.socket()).await;
    let mut said = Vec::new();
    for _ in 0..2 {
        for path in [CHAT, RESPONSES, MESSAGES] {
            let received = client.send(post(path, "{}")).await;
            let body = received.json();
            said.push((received.status, body["type"].clone(), body["error"]["type"].clone()));
        }
    }
    let (error, null) = (json!("error"), Value::Null);
    let expected = [
        (502, null.clone(), json!("server_error")),
        (502, null.clone(), json!("server_error")),
        (502, error.clone(), json!("api_error")),
        (429, null.clone(), json!("insufficient_quota")),
        (429, null, json!("insufficient_quota")),
        (400, error, json!("invalid_request_error")),
    ];
    assert_eq!(said, expected);
    gateway.finish().await.unwrap();
}

#[tokio::test]
async fn a_request_that_falls_back_from_a_stream_is_the_same_again() {
    let upstream = ScriptedUpstream::saying("application/json", &[b"{}", b"{}", b"{}"]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    for (streams, try_, text) in [(true, 1, "a"), (false, 2, "a"), (true, 3, "b")] {
        let messages = json!([{"role": "user", "content": text}]);
        let body = json!({"messages": messages, "stream": streams, "metadata": {"try": try_}});
        client.post(MESSAGES, &body).await;
    }
    gateway.finish().await.unwrap();
    let retries: Vec<_> = world.log().iter().map(|exchange| exchange.retry_of).collect();
    assert_eq!(retries, [None, Some(1), None]);
}

#[tokio::test]
async fn the_one_model_is_listed_in_the_shape_that_the_client_knows() {
    let world = World::new();
    let gateway = world.open(http("http://127.0.0.1:9/v1", None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut listed = async |path: &str, header: Option<(&'static str, &'static str)>| {
        let mut request = post(path, "");
        *request.method_mut() = http::Method::GET;
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        let received = client.send(request).await;
        assert_eq!(received.status, 200);
        received.json()
    };
    let openai = json!({"id": "m-1", "object": "model", "created": 0, "owned_by": "system"});
    assert_eq!(listed("/v1/models", None).await, json!({"object": "list", "data": [openai]}));
    assert_eq!(listed("/v1/models/m-1", None).await, openai);
    let anthropic =
        json!({"type": "model", "id": "m-1", "display_name": "m-1", "created_at": "1970-01-01T00:00:00Z"});
    let list = json!({"data": [anthropic], "has_more": false, "first_id": "m-1", "last_id": "m-1"});
    for header in [("anthropic-version", "2023-06-01"), ("x-api-key", TOKEN)] {
        assert_eq!(listed("/v1/models?limit=1000", Some(header)).await, list, "{header:?}");
        assert_eq!(listed("/v1/models/m-1", Some(header)).await, anthropic, "{header:?}");
    }
    assert_eq!(gateway.finish().await.unwrap().exchanges, 0);
}
