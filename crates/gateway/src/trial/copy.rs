//! The copy of a reply that is parsed while the reply itself passes.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use retrial_spec::Protocol;

use crate::protocol::{ReadReply, ReplyReader, error_text};
use crate::sse::Events;

/// A reply that is not streamed is read up to this size.
const LIMIT: usize = 16 << 20;

/// How much is kept of the body of an error.
const ERROR_LIMIT: usize = 64 << 10;

/// What is kept of a reply.
#[derive(Debug)]
pub(crate) enum ReplyCopy {
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
    /// Chooses how to read a reply by its head.
    pub(crate) fn new(protocol: Protocol, status: StatusCode, headers: &HeaderMap) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let encoding = header(CONTENT_ENCODING);
        if !status.is_success() {
            return Self::Error(status, Vec::new());
        }
        let Some(reader) = ReplyReader::new(protocol) else { return Self::Nothing(None) };
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            return Self::Nothing(Some(format!(
                "the reply is compressed with `{encoding}` and was not read"
            )));
        }
        if header(CONTENT_TYPE).to_ascii_lowercase().starts_with("text/event-stream") {
            return Self::Events(Box::new((Events::default(), reader)));
        }
        Self::Whole(Vec::new(), Box::new(reader))
    }

    /// Takes the next piece.
    pub(crate) fn take(&mut self, piece: &[u8]) {
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

    /// Returns whether the agent has been sent all that matters, even if the connection was not ended in order.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Events(parser) if parser.1.is_done())
    }

    /// Returns the reply as far as it came, and what was wrong with it. `cut` says why it ended early, where it did.
    pub(crate) fn finish(self, cut: Option<String>) -> ReadReply {
        let read = match self {
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
                return ReadReply { fault: Some(error_fault(status, &body)), ..ReadReply::default() };
            }
            Self::Nothing(fault) => ReadReply { fault, ..ReadReply::default() },
        };
        ReadReply { fault: cut.or(read.fault), ..read }
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
        let ReplyCopy::Events(parser) = &copy else { panic!("not read") };
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
    fn a_compressed_reply_is_not_read_and_says_so() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let copy = ReplyCopy::new(Protocol::OpenaiChat, StatusCode::OK, &headers);
        let ReadReply { reply, fault, .. } = copy.finish(None);
        assert!(fault.unwrap().contains("gzip"));
        assert!(matches!(reply.usage, Fact::Missing(_)));
    }
}
