//! Bodies that come compressed: they pass byte for byte, and the record shows what they say.

use std::io::Write as _;

use crate::common::{CHAT, Client, MESSAGES, Script, ScriptedUpstream, World, http, post};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::HeaderValue;
use retrial_spec::Exchange;
use serde_json::json;

const STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n\
data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n\
data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":4}}\n\n\
data: {\"type\":\"message_stop\"}\n\n";

const REQUEST: &str = "{\"model\": \"m-1\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// Has a body said with a coding; returns what the agent got and what was recorded.
async fn heard(coding: &str, body: &[u8]) -> (Vec<u8>, Exchange) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {coding}\r\nconnection: close\r\n\r\n"
    );
    let upstream = ScriptedUpstream::start([Script::Bytes([head.as_bytes(), body].concat())]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), None)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let received = client.send(post(MESSAGES, REQUEST)).await;
    assert_eq!(received.headers["content-encoding"], coding);
    assert!(upstream.received()[0].0.contains("accept-encoding: identity\r\n"));
    gateway.finish().await.unwrap();
    (received.body, world.log().remove(0))
}

#[tokio::test]
async fn a_provider_that_compresses_all_the_same_is_read_and_its_bytes_pass() {
    let forms: [(&str, Vec<u8>); 3] = [
        ("gzip", gzip(STREAM.as_bytes())),
        ("deflate", zlib(STREAM.as_bytes())),
        ("zstd", zstd(STREAM.as_bytes())),
    ];
    for (coding, body) in forms {
        let (received, exchange) = heard(coding, &body).await;
        assert_eq!(received, body, "{coding}");
        assert_eq!((exchange.reply.text.as_str(), &exchange.fault), ("hello", &None), "{coding}");
        assert_eq!(exchange.reply.usage.value().unwrap().total(), 13);
    }
}

#[tokio::test]
async fn a_reply_that_is_not_compressed_as_it_says_passes_and_is_a_fault() {
    for (coding, body) in [("gzip", STREAM.as_bytes().to_vec()), ("compress", vec![1, 2, 3])] {
        let (received, exchange) = heard(coding, &body).await;
        assert_eq!(received, body);
        assert!(exchange.fault.unwrap().contains("compress"));
        assert_eq!(exchange.reply.usage.value(), None);
    }
}

#[tokio::test]
async fn a_reply_that_grows_without_end_passes_and_its_copy_does_not() {
    let bomb = gzip(&vec![b'\n'; 65 << 20]);
    let (received, exchange) = heard("gzip", &bomb).await;
    assert_eq!(received.len(), bomb.len());
    assert!(exchange.fault.unwrap().contains("more than is read"));
}

/// Sends a body with a coding; returns the status, what the upstream got, if anything, and what was recorded.
async fn sent(
    coding: &str,
    body: &[u8],
    model: Option<&str>,
) -> (u16, Option<(String, Vec<u8>)>, Vec<Exchange>) {
    let upstream = ScriptedUpstream::saying("application/json", &[b"{}"]).await;
    let world = World::new();
    let gateway = world.open(http(&upstream.base(), model)).await;
    let mut client = Client::connect(gateway.socket()).await;
    let mut request = post(CHAT, body.to_vec());
    request.headers_mut().insert("content-encoding", HeaderValue::from_str(coding).unwrap());
    let status = client.send(request).await.status;
    gateway.finish().await.unwrap();
    (status, upstream.received().into_iter().next(), world.log())
}

#[tokio::test]
async fn a_compressed_request_passes_as_it_is_and_is_recorded_as_it_reads() {
    for (coding, body) in [("gzip", gzip(REQUEST.as_bytes())), ("zstd", zstd(REQUEST.as_bytes()))] {
        let (status, received, log) = sent(coding, &body, None).await;
        let (head, received) = received.unwrap();
        assert_eq!((status, received), (200, body));
        assert!(head.contains(&format!("content-encoding: {coding}\r\n")), "{head}");
        assert_eq!(log[0].request["messages"][0]["content"], "hello");
    }
}

#[tokio::test]
async fn no_compression_hides_the_model_that_a_request_asks_for() {
    let (status, received, log) = sent("gzip", &gzip(REQUEST.as_bytes()), Some("m-2")).await;
    let (head, received) = received.unwrap();
    assert_eq!((status, String::from_utf8(received).unwrap()), (200, REQUEST.replace("m-1", "m-2")));
    assert!(!head.contains("content-encoding"), "{head}");
    assert_eq!(log[0].request["model"], json!("m-1"));
}

#[tokio::test]
async fn a_compressed_request_that_cannot_be_read_is_refused_and_goes_nowhere() {
    let bomb = gzip(&vec![b' '; 65 << 20]);
    for (coding, body, expected) in [
        ("gzip", b"{}".to_vec(), 400),
        ("gzip", bomb, 400),
        ("compress", b"{}".to_vec(), 415),
        ("gzip, br", b"{}".to_vec(), 415),
    ] {
        let (status, received, log) = sent(coding, &body, None).await;
        assert_eq!((status, received, log.len()), (expected, None, 0), "{coding}");
    }
}
