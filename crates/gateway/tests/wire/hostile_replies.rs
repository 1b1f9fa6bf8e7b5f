//! Providers that say what they should not, in every protocol: all of it reaches the agent, what can be understood is recorded, and
//! memory does not grow with it.

use http_body_util::BodyExt as _;
use retrial_spec::Exchange;
use tokio::sync::mpsc::Sender;

use crate::common::{
    Client, SPOKEN, Script, ScriptedUpstream, Spoken, World, alone, growth, http, post, stream,
};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// Has an upstream say these pieces to one request; checks that all of them reach the agent, and returns what was recorded.
async fn heard(spoken: &Spoken, pieces: Vec<Vec<u8>>) -> Exchange {
    let (say, script) = tokio::sync::mpsc::channel(4);
    let upstream = ScriptedUpstream::start([Script::Pieces(script)]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let expected = pieces.concat();
    let teller = tokio::spawn(async move {
        say.send(HEAD.to_vec()).await.unwrap();
        for piece in pieces {
            say.send(piece).await.unwrap();
        }
    });
    let mut client = Client::connect(gateway.socket()).await;
    let received = client.send(post(spoken.path, (spoken.request)().to_string())).await;
    assert!(received.body == expected, "{}: the bytes are not those that were said", spoken.path);
    teller.await.unwrap();
    gateway.finish().await.unwrap();
    world.log().remove(0)
}

/// A stream that says `text` and calls a tool so many times.
fn reply(spoken: &Spoken, text: &str, calls: usize) -> Vec<u8> {
    let calls = (0..calls).flat_map(spoken.call);
    stream((spoken.start)().into_iter().chain([(spoken.text)(text)]).chain(calls).chain((spoken.end)()))
}

#[tokio::test]
async fn events_in_pieces_of_a_byte_are_read_as_in_one() {
    for spoken in &SPOKEN {
        let body = reply(spoken, "Grüße \u{1f980}", 3);
        let whole = heard(spoken, vec![body.clone()]).await;
        let torn = heard(spoken, body.chunks(1).map(<[u8]>::to_vec).collect()).await;
        assert_eq!(torn.reply, whole.reply, "{}", spoken.path);
        assert_eq!((torn.fault, torn.reply.text.as_str()), (None, "Grüße \u{1f980}"));
        assert_eq!((torn.reply.tool_calls.len(), torn.reply.usage.value().unwrap().total()), (3, 13));
    }
}

#[tokio::test]
async fn a_stream_without_its_last_event_is_at_fault_and_keeps_what_it_said() {
    for spoken in &SPOKEN {
        let said = stream((spoken.start)().into_iter().chain([(spoken.text)("so far")]));
        let torn = [said.as_slice(), b"data: {\"type\": \"message_"].concat();
        for (body, fault) in [(said, "without its last event"), (torn, "not JSON")] {
            let exchange = heard(spoken, vec![body]).await;
            assert!(exchange.fault.unwrap().contains(fault), "{}", spoken.path);
            assert_eq!((exchange.reply.text.as_str(), exchange.reply.usage.value()), ("so far", None));
        }
    }
}

#[tokio::test]
async fn what_is_no_utf_8_in_a_stream_is_replaced_and_stops_nothing() {
    for spoken in &SPOKEN {
        let mut body = reply(spoken, "a~b", 1);
        for byte in body.iter_mut().filter(|byte| **byte == b'~') {
            *byte = 0xff;
        }
        let exchange = heard(spoken, vec![body]).await;
        assert_eq!((exchange.fault, exchange.reply.text.as_str()), (None, "a\u{fffd}b"), "{}", spoken.path);
        assert_eq!(exchange.reply.usage.value().unwrap().total(), 13);
    }
}

#[tokio::test]
async fn twenty_thousand_calls_are_all_recorded() {
    for spoken in &SPOKEN {
        let exchange = heard(spoken, vec![reply(spoken, "", 20_000)]).await;
        assert_eq!((exchange.fault, exchange.reply.tool_calls.len()), (None, 20_000), "{}", spoken.path);
        let last = exchange.reply.tool_calls.last().unwrap();
        assert_eq!((last.id.as_str(), last.arguments.as_str()), ("c19999", "{\"command\":\"19999\"}"));
    }
}

#[tokio::test]
async fn a_reply_whose_head_has_no_end_is_none() {
    for spoken in &SPOKEN {
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &vec![b'y'; 4 << 20]].concat();
        let upstream = ScriptedUpstream::start([Script::Bytes(endless)]).await;
        let world = World::new();
        let gateway = world.open(http(&upstream.base(), None)).await;
        let mut client = Client::connect(gateway.socket()).await;
        let received = client.send(post(spoken.path, (spoken.request)().to_string())).await;
        assert_eq!(received.status, 502, "{}", spoken.path);
        assert!(gateway.finish().await.unwrap().provider_failure.is_some());
    }
}

/// How long the long replies are, at least.
const LONG: usize = 220 << 20;

/// How a long reply goes on and on: its type, its beginning and the piece that comes again and again.
fn endless(spoken: &Spoken) -> [(&'static str, &'static str, Vec<u8>, Vec<u8>); 4] {
    let begin = stream((spoken.start)());
    let text = stream([(spoken.text)(&"x".repeat(64 << 10))]);
    let filler = vec![b'x'; 64 << 10];
    let comments = [b": ".as_slice(), &filler, b"\n"].concat();
    let open = [begin.as_slice(), b"data: "].concat();
    let events = "text/event-stream";
    [
        ("texts", events, begin.clone(), text),
        ("comments", events, begin, comments),
        ("one event", events, open, filler.clone()),
        ("one object", "application/json", b"{\"choices\": \"".to_vec(), filler),
    ]
}

/// Says the beginning, then the piece until it is long enough.
async fn tell(say: Sender<Vec<u8>>, content_type: &str, begin: Vec<u8>, piece: Vec<u8>) -> usize {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n");
    say.send(head.into_bytes()).await.unwrap();
    let mut said = begin.len();
    say.send(begin).await.unwrap();
    while said < LONG {
        said += piece.len();
        say.send(piece.clone()).await.unwrap();
    }
    said
}

#[test]
fn a_reply_of_220_megabytes_takes_no_more_memory_than_a_short_one() {
    alone("hostile_replies::a_reply_of_220_megabytes_takes_no_more_memory_than_a_short_one", async {
        for spoken in &SPOKEN {
            for (kind, content_type, begin, piece) in endless(spoken) {
                let (say, script) = tokio::sync::mpsc::channel(4);
                let upstream = ScriptedUpstream::start([Script::Pieces(script)]).await;
                let world = World::new();
                let gateway = world.open(http(&upstream.base(), None)).await;
                let mut client = Client::connect(gateway.socket()).await;
                let grown = growth();
                let teller = tokio::spawn(tell(say, content_type, begin, piece));
                let request = post(spoken.path, (spoken.request)().to_string());
                let mut body = client.start(request).await.into_body();
                let mut received = 0;
                while let Some(frame) = body.frame().await {
                    received += frame.unwrap().into_data().unwrap().len();
                }
                assert_eq!(received, teller.await.unwrap());
                gateway.finish().await.unwrap();
                let grown = grown.megabytes();
                assert!(grown < 64, "{}, {kind}: {grown} MB more", spoken.path);
                assert!(world.log()[0].fault.is_some(), "{}, {kind}", spoken.path);
                assert!(world.log()[0].reply.text.len() <= 8 << 20);
            }
        }
    });
}
