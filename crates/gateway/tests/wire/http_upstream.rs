//! A provider over HTTP: bytes pass unchanged both ways and as they come, and faults are recorded as what they are.

use crate::common::{CHAT, Client, Script, ScriptedUpstream, World, http, limited_http, post};
use http::{HeaderValue, Method};
use http_body_util::BodyExt as _;
use retrial_gateway::{AskError, RateLimits, Secret};
use retrial_spec::{Fact, MissingReason, Protocol};
use serde_json::json;
use tokio::sync::mpsc;

/// A request body with odd spacing, unknown fields, a number that a parser would change, and escapes.
const ODD: &str = "{ \"model\" :\"m-1\",\r\n\t\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9\"}], \"x_new\":{\"n\":1.10e+2} }\n";

const REPLY: &[u8] =
    br#"{ "model":"real-1","choices":[{"index":0,"message":{"role":"assistant","content":"hello","x_new":[1.0]},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}} }"#;

#[tokio::test]
async fn requests_and_replies_pass_byte_for_byte() {
    let upstream = ScriptedUpstream::saying("application/json", &[REPLY]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut request = post(CHAT, ODD);
    request.headers_mut().insert("x-session-id", HeaderValue::from_static("s1"));
    request.headers_mut().insert("accept-encoding", HeaderValue::from_static("gzip, br"));
    let received = client.send(request).await;
    assert_eq!((received.status, received.body.as_slice()), (200, REPLY));
    assert_eq!(received.headers["content-length"], REPLY.len().to_string());

    let (head, body) = upstream.received().remove(0);
    assert_eq!(body, ODD.as_bytes());
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer sk-the-providers-key\r\n"), "{head}");
    assert!(
        head.contains("accept-encoding: identity\r\n") && head.contains("x-session-id: s1\r\n"),
        "{head}"
    );
    assert!(!head.contains(crate::common::TOKEN), "{head}");

    let wire = gateway.finish().await.unwrap();
    let usage = wire.usage.value().unwrap();
    assert_eq!((usage.uncached_input, usage.cache_read, usage.output), (6, Some(4), 2));
    assert_eq!(wire.cost, Fact::Missing(MissingReason::NoPrice));
    let exchange = world.log().remove(0);
    assert_eq!((exchange.reply.text.as_str(), exchange.reply.model.as_deref()), ("hello", Some("real-1")));
}

#[tokio::test]
async fn the_chosen_model_replaces_the_asked_one_and_nothing_else_changes() {
    let upstream = ScriptedUpstream::saying("application/json", &[REPLY]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), Some("simulated/steady"))).await;
    let mut client = Client::connect(gateway.socket()).await;
    client.send(post(CHAT, ODD)).await;
    let sent = upstream.received().remove(0).1;
    assert_eq!(sent, ODD.replace("\"m-1\"", "\"simulated/steady\"").as_bytes());
    let wire = gateway.finish().await.unwrap();
    // 6 · 2.50 + 4 · 0.25 + 2 · 15 = 46 millionths: priced as the chosen model.
    assert_eq!(wire.cost.value().unwrap().usd_micros, 46);
    assert_eq!(world.log()[0].request["model"], json!("m-1"));
}

#[tokio::test]
async fn a_piece_of_a_stream_is_passed_on_before_the_next_one_comes() {
    let (say, pieces) = mpsc::channel(8);
    let upstream = ScriptedUpstream::start([Script::Pieces(pieces)]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: r1\r\nconnection: close\r\n\r\n";
    say.send(head.as_bytes().to_vec()).await.unwrap();
    let response = client.start(post(CHAT, "{\"model\": \"m\", \"stream\": true}")).await;
    assert_eq!(response.headers()["x-request-id"], "r1");
    let mut body = response.into_body();
    // Cut in the middle of lines and of a character; the next piece is sent only when the one before has arrived.
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"h\u{e9}\"}}]}\r\n\r\n: note\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for piece in text.as_bytes().chunks(7) {
        say.send(piece.to_vec()).await.unwrap();
        let mut arrived = Vec::new();
        while arrived.len() < piece.len() {
            arrived.extend_from_slice(&body.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(arrived, piece);
    }
    drop(say);
    assert!(body.frame().await.is_none());
    gateway.finish().await.unwrap();
    let exchange = world.log().remove(0);
    assert_eq!((exchange.reply.text.as_str(), exchange.fault), ("hé", None));
    assert!(exchange.first_byte_ms.is_some());
}

#[tokio::test]
async fn a_stream_that_is_cut_is_cut_for_the_agent_too_and_recorded() {
    let start = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = b"29\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"h\"}\r\n";
    let upstream = ScriptedUpstream::start([Script::Bytes([&start[..], chunk].concat())]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let response = client.start(post(CHAT, "{}")).await;
    assert!(response.into_body().collect().await.is_err());
    let wire = gateway.finish().await.unwrap();
    assert!(wire.last_fault.unwrap().starts_with("the upstream cut the reply"));
    assert_eq!(wire.usage, Fact::Missing(MissingReason::NoUsage));
    assert_eq!(world.log()[0].status, Some(200));
}

#[tokio::test]
async fn errors_pass_with_their_headers_and_the_same_request_again_is_a_retry() {
    let limited = b"HTTP/1.1 429 Too Many Requests\r\nretry-after-ms: 3\r\ncontent-length: 35\r\nconnection: close\r\n\r\n{\"error\": {\"message\": \"slow down\"}}";
    let whole = [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", REPLY].concat();
    let upstream = ScriptedUpstream::start([Script::Bytes(limited.to_vec()), Script::Bytes(whole)]).await;
    let world = World::new();
    let impatient = RateLimits { max_attempts: 1, ..RateLimits::default() };
    let gateway = world.open(limited_http(&upstream.base(), impatient)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let first = client.send(post(CHAT, ODD)).await;
    assert_eq!((first.status, first.headers["retry-after-ms"].to_str().unwrap()), (429, "3"));
    let second = client.send(post(CHAT, ODD)).await;
    assert_eq!((second.status, second.body.as_slice()), (200, REPLY));
    let wire = gateway.finish().await.unwrap();
    assert_eq!((wire.exchanges, wire.last_fault), (2, None));
    // The refused request was not paid for.
    assert_eq!(wire.usage.value().unwrap().total(), 12);
    let log = world.log();
    assert_eq!(log[0].fault.as_deref(), Some("status 429: slow down"));
    assert_eq!((log[1].retry_of, log[1].status), (Some(1), Some(200)));
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_502_without_an_address() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::new();
    let gateway = world.open(http(&format!("http://{closed}/v1"), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let received = client.send(post(CHAT, ODD)).await;
    assert_eq!(received.status, 502);
    assert!(!received.text().contains("127.0.0.1"));
    assert!(matches!(gateway.ask("?").await, Err(AskError::NoConversation)));
    let wire = gateway.finish().await.unwrap();
    assert!(wire.last_fault.unwrap().starts_with("the upstream cannot be reached"));
    assert_eq!((world.log()[0].status, wire.exchanges), (None, 1));
}

#[tokio::test]
async fn the_providers_key_is_in_no_record_even_if_the_provider_says_it() {
    let key = "sk-the-providers-key";
    let reply = format!("{{\"error\": {{\"message\": \"bad key {key}\"}}}}");
    let head =
        format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", reply.len());
    let answer = [head.as_bytes(), reply.as_bytes()].concat();
    let good = [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", REPLY].concat();
    let scripts = [answer.clone(), good, answer].map(Script::Bytes);
    let upstream = ScriptedUpstream::start(scripts).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    assert_eq!(client.send(post(CHAT, ODD)).await.status, 401);
    assert_eq!(client.send(post(CHAT, ODD)).await.status, 200);
    let asked = gateway.ask("?").await.unwrap_err();
    assert!(asked.to_string().contains("bad key ***"), "{asked}");
    let shown = format!("{gateway:?} {:?} {:?}", http(&upstream.base(), None), Secret::new(key));
    let wire = gateway.finish().await.unwrap();
    let recorded = format!("{shown} {wire:?} {}", serde_json::to_string(&world.log()).unwrap());
    assert!(!recorded.contains(key), "{recorded}");
    assert!(recorded.contains("bad key ***"));
}

#[tokio::test]
async fn other_paths_pass_and_are_recorded_without_being_understood() {
    let upstream = ScriptedUpstream::saying("application/json", &[b"{\"data\": []}", b"{\"id\": 1}"]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut request = post("/v1/files?limit=2", "");
    *request.method_mut() = Method::GET;
    assert_eq!(client.send(request).await.text(), "{\"data\": []}");
    assert_eq!(client.send(post("/v1/embeddings", "{\"model\": \"m\"}")).await.status, 200);
    assert!(upstream.received()[0].0.starts_with("GET /v1/files?limit=2 "));
    let wire = gateway.finish().await.unwrap();
    // A look at a list is no call of a model; a request in an unknown protocol may be one.
    assert_eq!((wire.exchanges, &wire.usage), (1, &Fact::Missing(MissingReason::NoUsage)));
    assert_eq!(
        world.log().iter().map(|exchange| exchange.protocol).collect::<Vec<_>>(),
        [Protocol::Unknown; 2]
    );
}
