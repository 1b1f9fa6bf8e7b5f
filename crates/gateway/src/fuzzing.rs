//! Entrances for the fuzz targets in `fuzz/`: the parsers of what agents and providers send, with what must hold whatever they are given.
//!
//! Not part of the interface; everything panics where something does not hold.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use retrial_spec::{Fact, Protocol};
use serde_json::Value;

use crate::encoding::{Coding, decompress};
use crate::fields::Fields;
use crate::protocol::{ReadReply, continued, conversation};
use crate::sse::Events;
use crate::trial::{ReplyCopy, fingerprint};
use crate::upstream::with_model;

/// The largest result of decompressing; small, so that a target is fast.
const DECODED_LIMIT: usize = 1 << 20;

const CODINGS: [(Coding, &str); 4] =
    [(Coding::Gzip, "gzip"), (Coding::Deflate, "deflate"), (Coding::Brotli, "br"), (Coding::Zstd, "zstd")];

fn protocol(selector: u8) -> Protocol {
    [Protocol::OpenaiChat, Protocol::OpenaiResponses, Protocol::AnthropicMessages][usize::from(selector % 3)]
}

/// Reads bytes as server-sent events: in pieces of any length they are the same events, and no more is held than was given.
///
/// # Panics
/// Where that does not hold.
pub fn events(length: usize, bytes: &[u8]) {
    let parse = |length: usize| {
        let mut events = Events::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(length.max(1)) {
            events.feed(piece, |data| found.push(data.to_owned()));
            assert!(events.held() <= bytes.len(), "more is held than was given");
        }
        let fault = events.end(|data| found.push(data.to_owned()));
        (found, fault)
    };
    let whole = parse(bytes.len());
    assert_eq!(parse(length), whole);
    assert_eq!(parse(1), whole);
}

/// Reads bytes as a reply in the protocol that `selector` chooses, streamed or not: in pieces of any length it is the same reply, usage
/// is in its bounds, and what it said can be continued.
///
/// # Panics
/// Where that does not hold.
pub fn reply(selector: u8, length: usize, bytes: &[u8]) {
    let protocol = protocol(selector);
    let kind = if selector & 4 == 0 { "text/event-stream" } else { "application/json" };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let read = |headers: &HeaderMap, length: usize| {
        let mut copy = ReplyCopy::new(protocol, StatusCode::OK, headers);
        for piece in bytes.chunks(length.max(1)) {
            copy.take(piece);
        }
        copy.finish(None)
    };
    let ReadReply { reply, said, fault } = read(&headers, bytes.len());
    let pieces = read(&headers, length);
    assert_eq!((&pieces.reply, &pieces.said, &pieces.fault), (&reply, &said, &fault));
    if let Fact::Known { value, .. } = &reply.usage {
        assert!(value.reasoning.unwrap_or(0) <= value.output, "reasoning is part of the output");
    }
    let field = if protocol == Protocol::OpenaiResponses { "input" } else { "messages" };
    let request = serde_json::json!({field: [], "tools": [1]});
    let continued = continued(protocol, request, (&reply, &said), "?").expect("it is a request");
    assert_eq!(continued["stream"], Value::Bool(false));
    if selector & 8 != 0 {
        let coding = CODINGS[usize::from(selector >> 4) % CODINGS.len()].1;
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        read(&headers, length);
    }
}

/// Reads bytes as a request in the protocol that `selector` chooses: it can be told from others and continued, and the chosen model is
/// in it wherever one was.
///
/// # Panics
/// Where that does not hold.
pub fn request(selector: u8, bytes: &[u8]) {
    let protocol = protocol(selector);
    let of = |bytes| fingerprint("/v1/messages", bytes, Fields::of(bytes).as_ref());
    assert_eq!(of(bytes), of(bytes));
    let rewritten = with_model(&Bytes::copy_from_slice(bytes), "chosen");
    let Ok(request) = serde_json::from_slice::<Value>(bytes) else { return };
    if request.get("model").is_some() {
        let rewritten: Value = serde_json::from_slice(&rewritten).expect("it is still JSON");
        assert_eq!(rewritten["model"], "chosen");
    }
    conversation(protocol, &request);
    let read = ReadReply::default();
    if let Some(next) = continued(protocol, request, (&read.reply, &read.said), "?") {
        assert!(!conversation(protocol, &next).is_empty(), "the question is in it");
    }
}

/// Decompresses bytes with the coding that `selector` chooses: it comes to no more than the limit.
///
/// # Panics
/// Where that does not hold.
pub fn encoding(selector: u8, bytes: &[u8]) {
    let coding = CODINGS[usize::from(selector) % CODINGS.len()].0;
    if let Ok(plain) = decompress(coding, bytes, DECODED_LIMIT) {
        assert!(plain.len() <= DECODED_LIMIT, "it is within the limit");
    }
}
