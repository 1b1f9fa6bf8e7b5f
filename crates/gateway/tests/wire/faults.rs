//! Faults put on the wire on purpose: what the agent gets, what the upstream is asked, and what is recorded.

use crate::common::{CHAT, Client, Script, ScriptedUpstream, World, http, post, request, user};
use http_body_util::BodyExt as _;
use retrial_gateway::{InjectedFault, TrialGateway, Wire};
use retrial_spec::{Exchange, Fact, FaultSettings, Landing, MissingReason, NotLanded, RetryRule, WireFault};
use serde_json::json;
use tokio::sync::mpsc;

/// A streamed reply of seven events, of which the last three say that the model has stopped.
const STREAM: &[&str] = &[
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    ": keep-alive\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"two \"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"three\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
];

const PLAIN: &str = "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"whole\"},\"finish_reason\":\"stop\"}],\
                     \"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}";

/// Every request is hit.
fn always(what: WireFault) -> FaultSettings {
    FaultSettings {
        what,
        rate: 1.0,
        burst: 1,
        retries: RetryRule::Drawn,
        first: 1,
        max: None,
        retry_after_sec: None,
        stall_sec: what.is_stall().then_some(1),
    }
}

/// The first request is hit and no other.
fn once(what: WireFault) -> FaultSettings {
    FaultSettings { max: Some(1), ..always(what) }
}

async fn streaming(replies: usize) -> ScriptedUpstream {
    let body = STREAM.concat();
    ScriptedUpstream::saying("text/event-stream", &vec![body.as_bytes(); replies]).await
}

/// What the agent got: the bytes, and whether the connection held.
async fn ask(gateway: &TrialGateway, body: &str) -> Option<(u16, String, bool)> {
    let stream = tokio::net::UnixStream::connect(gateway.socket()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(post(CHAT, body.to_owned())).await.ok()?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let (mut bytes, mut held) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            held = false;
            break;
        };
        bytes.extend_from_slice(frame.data_ref().unwrap());
    }
    Some((status, String::from_utf8(bytes).unwrap(), held))
}

fn body(streams: bool) -> String {
    request(&[user("Do it.")], streams).to_string()
}

/// The only fault of a trial, with its exchange.
async fn only(world: &World, gateway: TrialGateway) -> (InjectedFault, Exchange, Wire) {
    let wire = gateway.finish().await.unwrap();
    assert_eq!(wire.faults.len(), 1, "{:?}", wire.faults);
    let fault = wire.faults[0].clone();
    let mut log = world.log();
    log.sort_by_key(|exchange| exchange.number);
    let exchange = log.into_iter().find(|exchange| exchange.number == fault.exchange).unwrap();
    assert_eq!(exchange.injected.as_ref().map(|injection| injection.landing), Some(fault.landing));
    (fault, exchange, wire)
}

#[tokio::test]
async fn errors_come_from_the_gateway_and_the_upstream_is_not_asked() {
    for (what, status) in [(WireFault::RateLimit, 429), (WireFault::ServerError, 500)] {
        let upstream = streaming(1).await;
        let world = World::new();
        let settings = FaultSettings { retry_after_sec: Some(3).filter(|_| status == 429), ..once(what) };
        let gateway = world.open_faulty(http(&upstream.base(), None), settings).await;
        let mut client = Client::connect(gateway.socket()).await;
        let received = client.send(post(CHAT, body(true))).await;
        assert_eq!(received.status, status);
        assert!(received.json()["error"]["message"].is_string(), "{}", received.text());
        let wait = received.headers.get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(wait, Some("3").filter(|_| status == 429));
        assert!(upstream.received().is_empty());
        assert_eq!(client.send(post(CHAT, body(true))).await.text(), STREAM.concat());

        let (fault, exchange, wire) = only(&world, gateway).await;
        assert_eq!(fault.landing, Landing::Landed { after_events: None, after_bytes: 0 });
        let next = fault.next.unwrap();
        assert_eq!((next.exchange, next.is_same, fault.recovered), (2, true, true));
        assert_eq!(exchange.status, Some(status));
        // Only the reply that came was paid for.
        assert_eq!(wire.usage.value().unwrap().total(), 12);
    }
}

#[tokio::test]
async fn a_failure_put_there_on_purpose_is_never_the_providers() {
    for what in
        [WireFault::RateLimit, WireFault::ServerError, WireFault::CutBeforeReply, WireFault::CutInReply]
    {
        let upstream = streaming(1).await;
        let world = World::new();
        let gateway = world.open_faulty(http(&upstream.base(), None), always(what)).await;
        ask(&gateway, &body(true)).await;
        let (fault, _, wire) = only(&world, gateway).await;
        assert!(fault.landing.is_landed() && fault.next.is_none() && !fault.recovered, "{fault:?}");
        assert_eq!(wire.provider_failure, None, "{what:?}");
    }
}

#[tokio::test]
async fn a_connection_cut_before_the_reply_gives_the_agent_nothing() {
    let upstream = streaming(1).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::CutBeforeReply)).await;
    assert_eq!(ask(&gateway, &body(true)).await, None);
    assert!(upstream.received().is_empty());
    assert_eq!(ask(&gateway, &body(true)).await.unwrap().0, 200);
    let (fault, exchange, _) = only(&world, gateway).await;
    assert!(fault.landing.is_landed() && fault.recovered);
    assert_eq!(
        (exchange.status, exchange.fault.as_deref()),
        (None, Some("the connection was cut on purpose"))
    );
}

#[tokio::test]
async fn a_stream_is_cut_within_an_event_and_what_the_provider_spent_is_known() {
    let upstream = streaming(1).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::CutInReply)).await;
    let (status, text, held) = ask(&gateway, &body(true)).await.unwrap();
    assert!(status == 200 && !held && STREAM.concat().starts_with(&text) && !text.contains("stop"), "{text}");
    let (fault, exchange, wire) = only(&world, gateway).await;
    let Landing::Landed { after_events: Some(events), after_bytes } = fault.landing else {
        panic!("{fault:?}")
    };
    let whole = text.matches("\n\n").count() - text.matches(": keep-alive\n\n").count();
    assert_eq!((events, after_bytes), (whole as u64, text.len() as u64));
    assert!(exchange.fault.as_deref() == Some("the connection was cut on purpose"), "{exchange:?}");
    assert!("one two three".starts_with(&exchange.reply.text) && exchange.reply.text != "one two three");
    assert_eq!(exchange.reply.usage, Fact::Missing(MissingReason::NoUsage));
    assert_eq!(wire.usage.value().unwrap().total(), 12, "the rest was read for its usage");
}

#[tokio::test]
async fn a_stream_ends_in_order_without_its_last_events() {
    let upstream = streaming(1).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::MissingEnd)).await;
    let (_, text, held) = ask(&gateway, &body(true)).await.unwrap();
    assert!(held);
    assert_eq!(text, STREAM[..5].concat());
    let (fault, exchange, wire) = only(&world, gateway).await;
    assert_eq!(fault.landing, Landing::Landed { after_events: Some(4), after_bytes: text.len() as u64 });
    assert_eq!(exchange.reply.text, "one two three");
    assert_eq!(exchange.fault.as_deref(), Some("the stream ended without its last event"));
    assert_eq!(wire.usage.value().unwrap().total(), 12);
}

#[tokio::test]
async fn one_event_is_malformed_and_the_others_pass() {
    let upstream = streaming(1).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::MalformedEvent)).await;
    let (_, text, held) = ask(&gateway, &body(true)).await.unwrap();
    assert!(held && text.ends_with("data: [DONE]\n\n"), "{text}");
    let changed = text.split_inclusive("\n\n").zip(STREAM).filter(|(got, sent)| got != *sent).count();
    assert_eq!((changed, text.matches("\n\n").count()), (1, STREAM.len()));
    let (fault, exchange, wire) = only(&world, gateway).await;
    assert!(fault.landing.is_landed());
    assert!(exchange.fault.unwrap().contains("not JSON"));
    assert_eq!(wire.usage.value().unwrap().total(), 12);
}

#[tokio::test]
async fn a_stall_changes_no_byte_and_is_recovered_from_by_waiting() {
    for what in [WireFault::StallBeforeReply, WireFault::StallInReply] {
        let upstream = streaming(1).await;
        let world = World::new();
        let gateway = world.open_faulty(http(&upstream.base(), None), once(what)).await;
        let (_, text, held) = ask(&gateway, &body(true)).await.unwrap();
        assert!(held);
        assert_eq!(text, STREAM.concat());
        let (fault, exchange, wire) = only(&world, gateway).await;
        assert!(fault.landing.is_landed() && fault.recovered && fault.next.is_none(), "{fault:?}");
        assert_eq!((exchange.fault, wire.usage.value().unwrap().total()), (None, 12));
    }
}

#[tokio::test]
async fn an_agent_that_leaves_a_stall_was_hit_and_one_that_left_before_was_not() {
    let (say, pieces) = mpsc::channel(8);
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec();
    let whole = [head.clone(), STREAM.concat().into_bytes()].concat();
    let upstream = ScriptedUpstream::start([Script::Bytes(whole), Script::Pieces(pieces)]).await;
    let world = World::new();
    let settings = FaultSettings { stall_sec: Some(600), ..always(WireFault::StallInReply) };
    let gateway = world.open_faulty(http(&upstream.base(), None), settings).await;
    let leave = |client: Client, response: http::Response<hyper::body::Incoming>| drop((client, response));

    let mut client = Client::connect(gateway.socket()).await;
    let mut response = client.start(post(CHAT, body(true))).await;
    // At least one event comes before the stall.
    response.body_mut().frame().await.unwrap().unwrap();
    while let Ok(Some(_)) =
        tokio::time::timeout(std::time::Duration::from_millis(200), response.body_mut().frame()).await
    {}
    leave(client, response);

    let mut client = Client::connect(gateway.socket()).await;
    say.send(head).await.unwrap();
    let response = client.start(post(CHAT, body(true))).await;
    leave(client, response);

    let wire = gateway.finish().await.unwrap();
    let landings: Vec<_> = wire.faults.iter().map(|fault| fault.landing).collect();
    assert!(landings[0].is_landed(), "{landings:?}");
    assert_eq!(landings[1], Landing::NotLanded(NotLanded::AgentGone));
    let next = wire.faults[0].next.unwrap();
    assert_eq!((next.exchange, next.is_same), (2, true));
    assert_eq!(wire.faults[1].next, None);
    drop(say);
}

#[tokio::test]
async fn what_cannot_be_put_into_a_reply_is_recorded_as_not_landed() {
    let upstream = ScriptedUpstream::saying("application/json", &[PLAIN.as_bytes()]).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::MissingEnd)).await;
    assert_eq!(ask(&gateway, &body(false)).await, Some((200, PLAIN.to_owned(), true)));
    let (fault, exchange, _) = only(&world, gateway).await;
    assert_eq!((fault.landing, exchange.fault), (Landing::NotLanded(NotLanded::NotStreamed), None));

    let short = STREAM[5..].concat();
    let upstream = ScriptedUpstream::saying("text/event-stream", &[short.as_bytes()]).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::CutInReply)).await;
    assert_eq!(ask(&gateway, &body(true)).await, Some((200, short, true)));
    assert_eq!(only(&world, gateway).await.0.landing, Landing::NotLanded(NotLanded::TooShort));

    let limited =
        b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_vec();
    let upstream = ScriptedUpstream::start([Script::Bytes(limited)]).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::MalformedEvent)).await;
    ask(&gateway, &body(true)).await;
    let (fault, _, wire) = only(&world, gateway).await;
    assert_eq!(fault.landing, Landing::NotLanded(NotLanded::NoReply));
    assert!(wire.provider_failure.is_some(), "this one is the provider's own");
}

#[tokio::test]
async fn a_reply_that_is_no_stream_is_cut_in_its_middle() {
    let upstream = ScriptedUpstream::saying("application/json", &[PLAIN.as_bytes()]).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::CutInReply)).await;
    let (_, text, held) = ask(&gateway, &body(false)).await.unwrap();
    assert!(!held && !text.is_empty() && text.len() < PLAIN.len() && PLAIN.starts_with(&text), "{text}");
    let (fault, _, wire) = only(&world, gateway).await;
    let after_bytes = text.len() as u64;
    assert_eq!(fault.landing, Landing::Landed { after_events: None, after_bytes });
    assert_eq!(wire.usage.value().unwrap().total(), 12);
}

#[tokio::test]
async fn a_provider_that_fails_after_a_stall_is_to_blame_itself() {
    let broken =
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec();
    let upstream = ScriptedUpstream::start([Script::Bytes(broken)]).await;
    let world = World::new();
    let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::StallBeforeReply)).await;
    assert_eq!(ask(&gateway, &body(true)).await.unwrap().0, 503);
    let (fault, _, wire) = only(&world, gateway).await;
    assert!(fault.landing.is_landed() && wire.provider_failure.is_some());
}

#[tokio::test]
async fn the_question_after_the_end_is_never_hit() {
    let stream = STREAM.concat();
    let reply = |kind: &str, text: &str| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
        Script::Bytes([head.as_bytes(), text.as_bytes()].concat())
    };
    let upstream =
        ScriptedUpstream::start([reply("text/event-stream", &stream), reply("application/json", PLAIN)])
            .await;
    let world = World::new();
    let settings = FaultSettings { first: 2, ..always(WireFault::ServerError) };
    let gateway = world.open_faulty(http(&upstream.base(), None), settings).await;
    assert_eq!(ask(&gateway, &body(true)).await.unwrap().0, 200);
    assert_eq!(gateway.ask("How sure are you?").await.unwrap().text, "whole");
    assert_eq!(ask(&gateway, &json!({"messages": []}).to_string()).await.unwrap().0, 500);
    let wire = gateway.finish().await.unwrap();
    assert_eq!(wire.faults.iter().map(|fault| fault.exchange).collect::<Vec<_>>(), [3]);
}

/// A stream of each protocol, cut into events, with the number of those before the model's stop.
const PROTOCOLS: [(&str, &[&str], usize); 3] = [
    (CHAT, &[STREAM[0], STREAM[2], STREAM[3], STREAM[4], STREAM[5], STREAM[6], STREAM[7]], 4),
    (
        "/v1/responses",
        &[
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"model\":\"m\"}}\n\n",
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"one \"}\n\n",
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"two\"}\n\n",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"model\":\"m\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":2}}}\n\n",
        ],
        3,
    ),
    (
        "/v1/messages",
        &[
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"one\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ],
        4,
    ),
];

#[tokio::test]
async fn each_protocol_gets_faults_in_its_own_shape() {
    for (path, events, before_stop) in PROTOCOLS {
        let whole = events.concat();
        for what in [WireFault::MissingEnd, WireFault::CutInReply, WireFault::MalformedEvent] {
            let upstream = ScriptedUpstream::saying("text/event-stream", &[whole.as_bytes()]).await;
            let world = World::new();
            let gateway = world.open_faulty(http(&upstream.base(), None), once(what)).await;
            let mut client = Client::connect(gateway.socket()).await;
            let response = client.start(post(path, "{\"model\":\"m\",\"stream\":true}")).await;
            let collected = response.into_body().collect().await;
            assert_eq!(collected.is_err(), what == WireFault::CutInReply, "{path}");
            if what == WireFault::MissingEnd {
                assert_eq!(collected.unwrap().to_bytes(), events[..before_stop].concat());
            }
            let (fault, exchange, wire) = only(&world, gateway).await;
            assert!(fault.landing.is_landed() && exchange.fault.is_some(), "{path} {what:?} {exchange:?}");
            assert_eq!(wire.usage.value().map(retrial_spec::Usage::total), Some(12), "{path} {what:?}");
        }
        let world = World::new();
        let upstream = streaming(1).await;
        let gateway = world.open_faulty(http(&upstream.base(), None), once(WireFault::RateLimit)).await;
        let mut client = Client::connect(gateway.socket()).await;
        let error = client.send(post(path, "{\"model\":\"m\"}")).await.json();
        let is_anthropic = path == "/v1/messages";
        assert_eq!(error["type"] == "error", is_anthropic, "{error}");
        assert_eq!(error["error"]["type"], "rate_limit_error");
    }
}
