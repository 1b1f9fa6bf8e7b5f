//! The copy of a reply that is parsed while the reply itself passes.

use std::io::{self, Write};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use retrial_spec::Protocol;

use crate::encoding::{Coding, Decoder};
use crate::protocol::{ReadReply, ReplyReader, error_text};
use crate::sse::Events;

/// A reply that is not streamed is read up to this size.
const LIMIT: usize = 16 << 20;

/// How much is kept of the body of an error.
const ERROR_LIMIT: usize = 64 << 10;

/// A compressed reply is read until it comes to this size.
const DECODED_LIMIT: usize = 64 << 20;

/// What is kept of a reply.
#[derive(Debug)]
pub(crate) struct ReplyCopy {
    body: Body,
    /// Why a compressed reply could not be read to its end.
    fault: Option<String>,
}

#[derive(Debug)]
enum Body {
    Plain(Reading),
    Compressed(Box<Decoder<Reading>>),
}

/// How a reply is read once it is not compressed any more.
#[derive(Debug)]
enum Reading {
    /// A stream of events.
    Events(Box<(Events, ReplyReader)>),
    /// One JSON object.
    Whole(Vec<u8>, Box<ReplyReader>),
    /// The body of an error.
    Error(StatusCode, Vec<u8>),
    /// Nothing, for the given reason where the reply should have been read.
    Nothing(Option<String>),
}

impl ReplyCopy {
    /// Keeps nothing.
    pub(crate) fn nothing() -> Self {
        Self { body: Body::Plain(Reading::Nothing(None)), fault: None }
    }

    /// Chooses how to read a reply by its head.
    pub(crate) fn new(protocol: Protocol, status: StatusCode, headers: &HeaderMap) -> Self {
        let reading = Reading::new(protocol, status, headers);
        if matches!(reading, Reading::Nothing(_)) {
            return Self::nothing();
        }
        let body = match Coding::of(headers) {
            Ok(None) => Ok(Body::Plain(reading)),
            Ok(Some(coding)) => Decoder::new(coding, reading, DECODED_LIMIT)
                .map(|decoder| Body::Compressed(Box::new(decoder)))
                .map_err(|error| format!("the reply cannot be decompressed: {error}")),
            Err(coding) => Err(format!("the reply is compressed with `{coding}` and was not read")),
        };
        let unread = |fault: String| {
            let status = (!status.is_success()).then(|| format!("status {}: ", status.as_u16()));
            Body::Plain(Reading::Nothing(Some(status.unwrap_or_default() + &fault)))
        };
        Self { body: body.unwrap_or_else(unread), fault: None }
    }

    /// Takes the next piece.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        match &mut self.body {
            Body::Plain(reading) => reading.take(piece),
            Body::Compressed(decoder) if self.fault.is_none() => {
                let taken = decoder.take(piece);
                self.fault = taken.err().map(|error| format!("the reply cannot be decompressed: {error}"));
            }
            Body::Compressed(_) => {}
        }
    }

    /// Returns whether the agent has been sent all that matters, even if the connection was not ended in order.
    pub(crate) fn is_done(&self) -> bool {
        let reading = match &self.body {
            Body::Plain(reading) => Some(reading),
            Body::Compressed(decoder) => decoder.sink(),
        };
        matches!(reading, Some(Reading::Events(parser)) if parser.1.is_done())
    }

    /// Returns the reply as far as it came, and what was wrong with it. `cut` says why it ended early, where it did.
    pub(crate) fn finish(self, cut: Option<String>) -> ReadReply {
        let reading = match self.body {
            Body::Plain(reading) => reading,
            Body::Compressed(decoder) => decoder.into_sink().unwrap_or(Reading::Nothing(None)),
        };
        let read = reading.finish();
        ReadReply { fault: cut.or(self.fault).or(read.fault), ..read }
    }
}

impl Reading {
    fn new(protocol: Protocol, status: StatusCode, headers: &HeaderMap) -> Self {
        if !status.is_success() {
            return Self::Error(status, Vec::new());
        }
        let Some(reader) = ReplyReader::new(protocol) else { return Self::Nothing(None) };
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if kind.to_ascii_lowercase().starts_with("text/event-stream") {
            Self::Events(Box::new((Events::default(), reader)))
        } else {
            Self::Whole(Vec::new(), Box::new(reader))
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let is_too_long = match self {
            Self::Events(parser) => {
                let (events, reader) = parser.as_mut();
                events.feed(piece, |data| reader.event(data));
                false
            }
            Self::Whole(body, _) => {
                body.extend_from_slice(piece);
                body.len() > LIMIT
            }
            Self::Error(_, body) => {
                let room = ERROR_LIMIT.saturating_sub(body.len());
                body.extend_from_slice(&piece[..piece.len().min(room)]);
                false
            }
            Self::Nothing(_) => false,
        };
        if is_too_long {
            *self = Self::Nothing(Some(format!("the reply is longer than {LIMIT} bytes and was not read")));
        }
    }

    fn finish(self) -> ReadReply {
        match self {
            Self::Events(parser) => {
                let (mut events, mut reader) = *parser;
                if let Some(fault) = events.end(|data| reader.event(data)) {
                    reader.fail(fault);
                }
                if !reader.is_done() {
                    reader.fail("the stream ended without its last event".to_owned());
                }
                reader.finish()
            }
            Self::Whole(body, mut reader) => {
                reader.whole(&body);
                reader.finish()
            }
            Self::Error(status, body) => {
                ReadReply { fault: Some(error_fault(status, &body)), ..ReadReply::default() }
            }
            Self::Nothing(fault) => ReadReply { fault, ..ReadReply::default() },
        }
    }
}

impl Write for Reading {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.take(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an error reply says, in a line.
fn error_fault(status: StatusCode, body: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let text = match parsed.as_ref().map(|body| body.get("error").unwrap_or(body)) {
        Some(error) => error_text(error),
        None => String::from_utf8_lossy(body).chars().take(200).collect(),
    };
    format!("status {}: {}", status.as_u16(), text.trim())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::CONTENT_ENCODING;
    use retrial_spec::{Fact, Reply};

    use super::*;

    fn copy(content_type: &'static str, body: &[u8], cut: Option<&str>) -> (Reply, Option<String>) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let mut copy = ReplyCopy::new(Protocol::OpenaiChat, StatusCode::OK, &headers);
        copy.take(body);
        let ReadReply { reply, fault, .. } = copy.finish(cut.map(str::to_owned));
        (reply, fault)
    }

    const CHUNK: &[u8] = b"data: {\"choices\": [{\"delta\": {\"content\": \"hi\"}}]}\n\n";

    #[test]
    fn a_stream_without_its_last_event_is_faulty_and_its_text_is_kept() {
        let (reply, fault) = copy("text/event-stream; charset=utf-8", CHUNK, None);
        assert_eq!(reply.text, "hi");
        assert_eq!(fault.as_deref(), Some("the stream ended without its last event"));
        let (_, fault) = copy("text/event-stream", &[CHUNK, b"data: [DONE]\n\n"].concat(), None);
        assert_eq!(fault, None);
    }

    #[test]
    fn the_reason_of_a_cut_is_the_fault() {
        assert_eq!(copy("text/event-stream", CHUNK, Some("cut")).1.as_deref(), Some("cut"));
        assert_eq!(copy("application/json", b"{\"choi", Some("cut")).1.as_deref(), Some("cut"));
    }

    #[test]
    fn an_error_is_told_with_its_status_and_message() {
        let mut copy = ReplyCopy::new(Protocol::OpenaiChat, StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new());
        copy.take(br#"{"error": {"message": "slow down"}}"#);
        assert_eq!(copy.finish(None).fault.as_deref(), Some("status 429: slow down"));
        let mut copy = ReplyCopy::new(Protocol::Unknown, StatusCode::BAD_GATEWAY, &HeaderMap::new());
        copy.take(b"<html>\xff");
        assert_eq!(copy.finish(None).fault.as_deref(), Some("status 502: <html>\u{fffd}"));
    }

    #[test]
    fn an_endless_event_is_not_kept_and_what_comes_after_it_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        let mut copy = ReplyCopy::new(Protocol::OpenaiChat, StatusCode::OK, &headers);
        let piece = vec![b'x'; 1 << 20];
        copy.take(b"data: ");
        for _ in 0..40 {
            copy.take(&piece);
        }
        copy.take(b"\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n");
        let Body::Plain(Reading::Events(parser)) = &copy.body else { panic!("not read") };
        assert_eq!(parser.0.held(), 0);
        let read = copy.finish(None);
        assert!(read.fault.unwrap().contains("longer"));
        assert_eq!(read.reply.usage.value().unwrap().total(), 3);
    }

    #[test]
    fn a_long_text_is_kept_in_part_and_says_so() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        let mut copy = ReplyCopy::new(Protocol::OpenaiChat, StatusCode::OK, &headers);
        let text = "x".repeat(1 << 20);
        for _ in 0..20 {
            let chunk = serde_json::json!({"choices": [{"delta": {"content": text}}]});
            copy.take(format!("data: {chunk}\n\n").as_bytes());
        }
        let read = copy.finish(None);
        assert_eq!(read.reply.text.len(), 8 << 20);
        assert!(read.fault.unwrap().contains("in part"));
    }

    #[test]
    fn a_compressed_stream_is_read_as_it_comes() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        let mut copy = ReplyCopy::new(Protocol::OpenaiChat, StatusCode::OK, &headers);
        let body = zstd::encode_all(&[CHUNK, b"data: [DONE]\n\n"].concat()[..], 3).unwrap();
        let (head, tail) = body.split_at(body.len() - 5);
        copy.take(head);
        assert!(!copy.is_done());
        copy.take(tail);
        assert!(copy.is_done());
        let read = copy.finish(None);
        assert_eq!((read.reply.text.as_str(), read.fault), ("hi", None));
    }

    #[test]
    fn a_compressed_error_is_told_as_a_plain_one() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        let mut copy = ReplyCopy::new(Protocol::Unknown, StatusCode::TOO_MANY_REQUESTS, &headers);
        copy.take(&zstd::encode_all(&br#"{"error": {"message": "slow down"}}"#[..], 3).unwrap());
        assert_eq!(copy.finish(None).fault.as_deref(), Some("status 429: slow down"));
    }

    #[test]
    fn what_cannot_be_decompressed_is_not_read_and_says_so() {
        for (coding, said) in [("gzip", "decompressed"), ("compress", "`compress`")] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
            let mut copy = ReplyCopy::new(Protocol::OpenaiChat, StatusCode::OK, &headers);
            copy.take(b"{\"choices\": []}");
            copy.take(b"{\"choices\": []}");
            let ReadReply { reply, fault, .. } = copy.finish(None);
            assert!(fault.unwrap().contains(said));
            assert!(matches!(reply.usage, Fact::Missing(_)));
        }
    }
}
