//! Clients that do what they should not: a clear refusal or a closed connection, nothing recorded for the wrong trial, and no panic.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::common::{
    CHAT, Client, MESSAGES, RESPONSES, Script, ScriptedUpstream, TOKEN, World, http, play, post, request,
    user,
};
use http::HeaderValue;
use http_body_util::BodyExt as _;
use retrial_gateway::simulate::Profile;
use retrial_gateway::{Gateway, GatewayError, PriceTable};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Long enough for anything here; a test that reaches it fails.
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn without_the_trials_token_nothing_is_answered_and_nothing_recorded() {
    let world = World::new();
    let (gateway, _) = world.open_simulated(&Profile::steady()).await;
    let mut client = Client::connect(gateway.socket()).await;
    let body = request(&[user("fix it")], false).to_string();
    for value in ["Bearer sk-another-trials-token", "Bearer ", "Basic c2st", TOKEN, ""] {
        let mut request = post(CHAT, body.clone());
        request.headers_mut().insert("authorization", HeaderValue::from_str(value).unwrap());
        let received = client.send(request).await;
        assert_eq!(received.status, 401, "{value:?}");
        assert_eq!(received.json()["error"]["code"], "invalid_api_key");
    }
    let mut request = post(CHAT, body);
    request.headers_mut().remove("authorization");
    request.headers_mut().insert("x-api-key", HeaderValue::from_static(TOKEN));
    assert_eq!(client.send(request).await.status, 200);
    let wire = gateway.finish().await.unwrap();
    assert_eq!((wire.exchanges, world.log().len()), (1, 1));
}

/// Bytes that are no stream of events, or one of events that mean nothing.
fn garbage() -> Vec<Vec<u8>> {
    let deep = format!("data: {}\n\n", "[".repeat(100_000));
    let numbers =
        b"data: {\"index\":1e999,\"output_index\":-1,\"usage\":{\"input_tokens\":99999999999999999999}}\n\n";
    let types =
        ["message_start", "content_block_delta", "response.completed", "response.output_item.done", "error"];
    let types = types.map(|kind| format!("data: {{\"type\":\"{kind}\",\"index\":18446744073709551615}}\n\n"));
    vec![
        b"\x00\xff\xfe\r\r\n\n: \xf0\x9f".to_vec(),
        b"data: {\"type\":\n\ndata: [1]\n\ndata: null\n\nevent: x\n\n".to_vec(),
        numbers.to_vec(),
        deep.into_bytes(),
        types.concat().into_bytes(),
        b"data\n".repeat(100_000),
        Vec::new(),
    ]
}

#[tokio::test]
async fn garbage_for_a_stream_passes_as_it_is_and_is_a_fault_in_every_protocol() {
    let bodies = garbage();
    for path in [CHAT, RESPONSES, MESSAGES] {
        let slices: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        let upstream = ScriptedUpstream::saying("text/event-stream", &slices).await;
        let world = World::new();
        let gateway = world.open(http(&upstream.base(), None)).await;
        let mut client = Client::connect(gateway.socket()).await;
        for (place, body) in bodies.iter().enumerate() {
            let received = client.send(post(path, format!("{{\"model\":\"m\",\"n\":{place}}}"))).await;
            assert_eq!((received.status, &received.body), (200, body));
        }
        gateway.finish().await.unwrap();
        let log = world.log();
        assert_eq!(log.len(), bodies.len());
        assert!(
            log.iter().all(|exchange| exchange.fault.is_some() && exchange.reply.usage.value().is_none())
        );
    }
}

#[tokio::test]
async fn a_body_that_is_no_utf_8_is_refused_and_recorded_as_text() {
    let world = World::new();
    let (gateway, _) = world.open_simulated(&Profile::steady()).await;
    let mut client = Client::connect(gateway.socket()).await;
    let received = client.send(post(CHAT, &b"{\"model\": \"\xff\xfe\"}"[..])).await;
    assert_eq!(received.status, 400);
    gateway.finish().await.unwrap();
    assert_eq!(world.log()[0].request, serde_json::json!("{\"model\": \"\u{fffd}\u{fffd}\"}"));
}

#[tokio::test]
async fn a_body_that_is_no_utf_8_passes_unchanged_in_every_protocol() {
    for path in [CHAT, RESPONSES, MESSAGES] {
        let upstream = ScriptedUpstream::saying("application/json", &[b"{\"error\": \"\xff\"}"]).await;
        let world = World::new();
        let gateway = world.open(http(&upstream.base(), Some("m-2"))).await;
        let mut client = Client::connect(gateway.socket()).await;
        let received = client.send(post(path, &b"{\"model\": \"\xff\xfe\"}"[..])).await;
        assert_eq!(received.body, b"{\"error\": \"\xff\"}");
        assert_eq!(upstream.received()[0].1, b"{\"model\": \"\xff\xfe\"}");
        gateway.finish().await.unwrap();
        let exchange = world.log().remove(0);
        assert_eq!(exchange.request, serde_json::json!("{\"model\": \"\u{fffd}\u{fffd}\"}"));
        assert!(exchange.fault.unwrap().contains("not JSON"));
    }
}

#[tokio::test]
async fn connections_that_lie_half_open_hinder_neither_others_nor_the_end() {
    let world = World::new();
    let (gateway, _) = world.open_simulated(&Profile::steady()).await;
    let mut lying = Vec::new();
    for length in 0..100 {
        let mut stream = UnixStream::connect(gateway.socket()).await.unwrap();
        let start = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 9\r\n\r\n{{"
        );
        stream.write_all(&start.as_bytes()[..start.len().min(length)]).await.unwrap();
        lying.push(stream);
    }
    play(&gateway, "fix it", false).await;
    let path = gateway.socket().to_owned();
    tokio::time::timeout(LIMIT, gateway.finish()).await.unwrap().unwrap();
    assert!(!path.exists());
    assert_eq!(lying[50].read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_slow_reader_gets_everything_and_holds_the_upstream_back() {
    let body = vec![b' '; 24 << 20];
    let reply = [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", body.as_slice()].concat();
    let upstream = ScriptedUpstream::start([Script::Bytes(reply)]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut reply = client.start(post(CHAT, "{}")).await.into_body();
    let mut length = 0;
    while let Some(frame) = reply.frame().await {
        length += frame.unwrap().into_data().unwrap().len();
        tokio::task::yield_now().await;
    }
    assert_eq!(length, body.len());
    gateway.finish().await.unwrap();
}

#[tokio::test]
async fn an_agent_that_hangs_up_leaves_an_exchange_that_says_so() {
    let (say, pieces) = tokio::sync::mpsc::channel(4);
    let upstream = ScriptedUpstream::start([Script::Pieces(pieces)]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    say.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"h\"}}]}\n\n".to_vec()).await.unwrap();
    let mut body = client.start(post(CHAT, "{}")).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop((body, client));
    let wire = gateway.finish().await.unwrap();
    assert_eq!(wire.last_fault.as_deref(), Some("the agent closed the connection before the reply's end"));
    assert_eq!(world.log()[0].reply.text, "h");
    drop(say);
}

#[tokio::test]
async fn the_socket_is_the_owners_alone_and_is_not_taken_from_another() {
    let world = World::new();
    let (gateway, simulated) = world.open_simulated(&Profile::steady()).await;
    let mode = fs_err::metadata(gateway.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let access = world.access(retrial_gateway::Upstream::Simulated(simulated));
    let second = Gateway::new(PriceTable::builtin()).open(access.clone()).await;
    assert!(matches!(second, Err(GatewayError::Listen { .. })));
    assert!(gateway.socket().exists());
    let long =
        retrial_gateway::TrialAccess { socket: world.wire_log().with_file_name("s".repeat(120)), ..access };
    let refused = Gateway::new(PriceTable::builtin()).open(long).await;
    assert!(matches!(refused, Err(GatewayError::Listen { .. })));
    let path = gateway.socket().to_owned();
    drop(gateway);
    assert!(!path.exists());
}
