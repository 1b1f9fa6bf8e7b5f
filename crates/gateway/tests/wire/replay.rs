//! Recording what an upstream said, and answering from it: byte for byte, or with the difference.

use std::path::PathBuf;

use http_body_util::BodyExt as _;
use retrial_gateway::simulate::{Profile, SimulatedTrial};
use retrial_gateway::{
    Gateway, PriceTable, RateLimits, ReplayTrial, TrialAccess, TrialGateway, Upstream, Volatile, Wire,
};
use retrial_spec::{Fact, MissingReason};
use serde_json::{Value, json};

use crate::common::{
    CHAT, Client, DecidingUpstream, Received, World, limited_http, play, post, reply, simulation, trial, user,
};

fn recording(world: &World) -> PathBuf {
    world.wire_log().with_file_name("recording.jsonl.zst")
}

async fn record(world: &World, upstream: Upstream) -> TrialGateway {
    let access = TrialAccess { recording: Some(recording(world)), ..world.access(upstream) };
    Gateway::new(PriceTable::builtin()).open(access).await.unwrap()
}

/// A trial that is answered from what another world recorded.
async fn replay(world: &World, recorded: &World, ignore: &[&str]) -> TrialGateway {
    let ignore: Vec<String> = ignore.iter().map(|entry| (*entry).to_owned()).collect();
    let volatile = Volatile::new(&ignore).unwrap();
    let replayed =
        ReplayTrial::read(&recording(recorded), &volatile, "simulated/steady".to_owned(), false).unwrap();
    world.open(Upstream::Replayed(replayed)).await
}

/// A provider's replies of every kind; the last one is cut.
async fn provider() -> DecidingUpstream {
    DecidingUpstream::start(std::time::Duration::ZERO, |number, _| match number {
        0 => reply("200 OK", "x-request-id: r0\r\nset-cookie: a=b\r\ndate: now\r\n", "{ \"odd\" : 1.50 }"),
        1 => reply("429 Too Many Requests", "retry-after-ms: 1\r\n", "{\"error\": \"sk-the-providers-key\"}"),
        2 => {
            let mut bytes = reply("200 OK", "", "{\"x\": \"\u{e9}..\"}");
            // Half of a character.
            let place = bytes.len() - 6;
            bytes[place] = b'?';
            bytes
        }
        _ => b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\ndata:\r\n5\r\n"
            .to_vec(),
    })
    .await
}

/// Sends four requests; the reply to the last one breaks off.
async fn ask_all(door: &TrialGateway) -> Vec<(Received, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    for number in 0..4 {
        let mut client = Client::connect(door.socket()).await;
        let body = json!({"model": "m-1", "n": number, "at": "2026-11-21T10:00:00Z"});
        let response = client.start(post(CHAT, body.to_string())).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = response.into_body();
        let (mut whole, mut broken) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                broken = Some(whole.clone());
                break;
            };
            whole.extend_from_slice(frame.data_ref().unwrap());
        }
        all.push((Received { status, headers, body: whole }, broken));
    }
    all
}

#[tokio::test]
async fn a_replay_says_what_was_said_byte_for_byte_without_the_provider() {
    let (recorded, replayed) = (World::new(), World::new());
    let upstream = provider().await;
    let impatient = RateLimits { max_attempts: 1, ..RateLimits::default() };
    let door = record(&recorded, limited_http(&upstream.base(), impatient)).await;
    let then = ask_all(&door).await;
    let wire_then = door.finish().await.unwrap();
    let asked = upstream.heads().len();
    assert_eq!(then[0].0.headers["x-request-id"], "r0");
    assert!(std::str::from_utf8(&then[2].0.body).is_err(), "some bytes are no text");
    assert!(then[3].1.is_some(), "the last reply broke off");

    let door = replay(&replayed, &recorded, &[]).await;
    let now = ask_all(&door).await;
    let wire_now = door.finish().await.unwrap();
    assert_eq!(upstream.heads().len(), asked, "nobody is asked");
    for (number, (then, now)) in then.iter().zip(&now).enumerate() {
        assert_eq!((then.0.status, then.1.is_some()), (now.0.status, now.1.is_some()), "{number}");
        assert_eq!(now.0.body, then.0.body, "{number}");
        for name in ["content-type", "x-request-id", "retry-after-ms"] {
            assert_eq!(then.0.headers.get(name), now.0.headers.get(name), "{number} {name}");
        }
        assert!(!now.0.headers.contains_key("set-cookie"));
    }
    assert_eq!(wire_now.divergence, None);
    let sums =
        |wire: &Wire| (wire.exchanges, wire.usage, wire.provider_failure.clone(), wire.last_fault.clone());
    assert_eq!(sums(&wire_now), sums(&wire_then));
    let (log_then, log_now) = (recorded.log(), replayed.log());
    let kept = zstd::decode_all(fs_err::File::open(recording(&recorded)).unwrap()).unwrap();
    assert!(!String::from_utf8(kept).unwrap().contains("sk-the-providers-key"));
    for (then, now) in log_then.iter().zip(&log_now) {
        assert_eq!((&then.reply, then.status), (&now.reply, now.status));
    }
}

#[tokio::test]
async fn a_simulated_conversation_and_the_question_after_it_replay_alike() {
    for streams in [true, false] {
        let (recorded, replayed) = (World::new(), World::new());
        let simulated = SimulatedTrial::new(&Profile::steady(), &simulation(), 7, &trial(1));
        let door = record(&recorded, Upstream::Simulated(simulated)).await;
        let then = (play(&door, "do it", streams).await, door.ask("sure?").await.unwrap());
        let wire_then = door.finish().await.unwrap();
        let door = replay(&replayed, &recorded, &[]).await;
        let now = (play(&door, "do it", streams).await, door.ask("sure?").await.unwrap());
        let wire_now = door.finish().await.unwrap();
        assert_eq!(now, then);
        // The audit log holds times, and so its digest differs.
        let timeless = |wire: Wire| Wire {
            model_ms: 0,
            waiting_ms: 0,
            audit: Fact::Missing(MissingReason::NotRecorded),
            ..wire
        };
        assert_eq!(timeless(wire_now), timeless(wire_then));
    }
}

/// Records a request and replays another; returns what the agent and the runner are told.
async fn replayed(then: &Value, now: &Value, ignore: &[&str]) -> (Received, Option<String>) {
    let (first, second) = (World::new(), World::new());
    let simulated = SimulatedTrial::new(&Profile::steady(), &simulation(), 7, &trial(1));
    let door = record(&first, Upstream::Simulated(simulated)).await;
    Client::connect(door.socket()).await.post(CHAT, then).await;
    door.finish().await.unwrap();
    let door = replay(&second, &first, ignore).await;
    let received = Client::connect(door.socket()).await.post(CHAT, now).await;
    (received, door.finish().await.unwrap().divergence)
}

fn said(text: &str) -> Value {
    json!({"model": "m-1", "messages": [user("do it"), user(text)]})
}

#[tokio::test]
async fn what_is_volatile_may_differ_and_what_is_not_is_told() {
    let before = said("3 passed in 0.02s, /tmp/tmp.a1, build 12");
    let (received, divergence) =
        replayed(&before, &said("3 passed in 1.40s, /tmp/tmp.b2, build 12"), &[]).await;
    assert_eq!((received.status, divergence), (200, None));

    let after = said("2 passed in 0.02s, /tmp/tmp.a1, build 13");
    let (received, divergence) = replayed(&before, &after, &[]).await;
    let divergence = divergence.unwrap();
    assert_eq!(
        divergence,
        "POST /v1/chat/completions differs from request 1 of the recording at /messages/1/content: recorded \
         \"3 passed in <duration>, <temporary>, build 12\", asked \"2 passed in <duration>, <temporary>, build 13\""
    );
    assert_eq!((received.status, received.headers["x-should-retry"].to_str().unwrap()), (400, "false"));
    assert!(received.text().contains("2 passed"), "{}", received.text());

    let (received, divergence) = replayed(&before, &after, &["[23] passed", "build [0-9]+"]).await;
    assert_eq!((received.status, divergence), (200, None));
    let (_, divergence) = replayed(&before, &after, &["/messages/*/content"]).await;
    assert_eq!(divergence, None);
}

#[tokio::test]
async fn a_request_too_many_or_too_few_is_a_divergence() {
    let (first, second) = (World::new(), World::new());
    let simulated = SimulatedTrial::new(&Profile::steady(), &simulation(), 7, &trial(1));
    let door = record(&first, Upstream::Simulated(simulated)).await;
    let mut client = Client::connect(door.socket()).await;
    for text in ["a", "b"] {
        client.post(CHAT, &said(text)).await;
    }
    door.finish().await.unwrap();

    let door = replay(&second, &first, &[]).await;
    let mut client = Client::connect(door.socket()).await;
    // In another order, as parallel requests may come.
    assert_eq!(client.post(CHAT, &said("b")).await.status, 200);
    assert_eq!(client.post(CHAT, &said("a")).await.status, 200);
    assert_eq!(client.post(CHAT, &said("a")).await.status, 400);
    let divergence = door.finish().await.unwrap().divergence.unwrap();
    assert_eq!(divergence, "POST /v1/chat/completions was sent after the last request of the recording");

    let third = World::new();
    let door = replay(&third, &first, &[]).await;
    Client::connect(door.socket()).await.post(CHAT, &said("a")).await;
    let divergence = door.finish().await.unwrap().divergence.unwrap();
    assert_eq!(divergence, "request 2 of the recording, POST /v1/chat/completions, was not sent");
}
