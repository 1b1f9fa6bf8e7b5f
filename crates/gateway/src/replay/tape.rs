//! Taking down a reply as it comes from its upstream, before anything is done to it on purpose.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use retrial_spec::{Purpose, RecordedBody, RecordedEnd, RecordedExchange};

use crate::Secret;
use crate::logged::logged;
use crate::trial::causes;
use crate::upstream::{BoxError, Outgoing, ReplyBody};

/// The longest reply that is kept.
const LIMIT: usize = 64 << 20;

/// Headers of a reply that belong to a connection or a moment, and that no agent answers for.
const PASSING: [HeaderName; 8] = [
    header::DATE,
    header::SET_COOKIE,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::ALT_SVC,
    header::STRICT_TRANSPORT_SECURITY,
    header::SERVER,
    header::VIA,
];

/// Where what was taken down goes.
type Sink = Box<dyn FnOnce(Taped) + Send>;

/// What is being taken down of one exchange; it goes to its sink at the reply's end, or when nobody wants more of it.
pub(crate) struct Tape {
    taped: Option<Taped>,
    sink: Option<Sink>,
}

/// What was taken down of one exchange.
#[derive(Debug)]
pub(crate) struct Taped {
    number: u32,
    purpose: Purpose,
    method: Method,
    target: String,
    request: Bytes,
    status: Option<StatusCode>,
    headers: Vec<(String, String)>,
    pieces: Vec<Bytes>,
    length: usize,
    is_too_long: bool,
    end: RecordedEnd,
    key: Option<Secret>,
}

impl Tape {
    /// Begins with a request; `key` is kept out of what is taken down.
    pub(crate) fn new(outgoing: &Outgoing, named: (u32, Purpose), key: Option<Secret>, sink: Sink) -> Self {
        let taped = Taped {
            number: named.0,
            purpose: named.1,
            method: outgoing.method.clone(),
            target: outgoing.target.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            request: outgoing.body.clone(),
            status: None,
            headers: Vec::new(),
            pieces: Vec::new(),
            length: 0,
            is_too_long: false,
            end: RecordedEnd::Abandoned,
            key,
        };
        Self { taped: Some(taped), sink: Some(sink) }
    }

    /// Takes down what came of the request; a reply's body is taken down as it is read.
    pub(crate) fn follow(
        mut self,
        sent: Result<Response<ReplyBody>, String>,
    ) -> Result<Response<ReplyBody>, String> {
        let response = match sent {
            Ok(response) => response,
            Err(fault) => {
                self.ends(RecordedEnd::Unreachable(fault.clone()));
                return Err(fault);
            }
        };
        if let Some(taped) = &mut self.taped {
            taped.head(response.status(), response.headers());
        }
        Ok(response.map(|inner| {
            if inner.is_end_stream() {
                self.ends(RecordedEnd::Whole);
            }
            TapedBody { inner, tape: self }.boxed_unsync()
        }))
    }

    fn take(&mut self, piece: &Bytes) {
        let Some(taped) = &mut self.taped else { return };
        taped.length += piece.len();
        taped.is_too_long |= taped.length > LIMIT;
        if taped.is_too_long {
            taped.pieces.clear();
        } else {
            taped.pieces.push(piece.clone());
        }
    }

    fn ends(&mut self, end: RecordedEnd) {
        if let (Some(mut taped), Some(sink)) = (self.taped.take(), self.sink.take()) {
            taped.end = end;
            sink(taped);
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.ends(RecordedEnd::Abandoned);
    }
}

/// A reply's body that passes unchanged while it is taken down.
struct TapedBody {
    inner: ReplyBody,
    tape: Tape,
}

impl Body for TapedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.tape.take(data);
                }
                // Nobody asks again after the last byte of a body of known length.
                if self.inner.is_end_stream() {
                    self.tape.ends(RecordedEnd::Whole);
                }
            }
            Some(Err(error)) => self.tape.ends(RecordedEnd::Cut(causes(error.as_ref()))),
            None => self.tape.ends(RecordedEnd::Whole),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Taped {
    fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.status = Some(status);
        let kept = headers.iter().filter(|(name, _)| !PASSING.contains(name));
        // A header that is no text could not be written, and no provider sends one.
        self.headers = kept
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
    }

    /// Returns the line for the recording.
    pub(crate) fn line(self) -> RecordedExchange {
        let key = self.key;
        let redact = |text: String| match &key {
            Some(key) => key.redact(&text),
            None => text,
        };
        let mut headers = self.headers;
        let end = if self.is_too_long { RecordedEnd::TooLong } else { self.end };
        let mut pieces: Vec<u64> = self.pieces.iter().map(|piece| piece.len() as u64).collect();
        let body = match String::from_utf8(self.pieces.concat()) {
            Ok(text) => RecordedBody::Text(redact(text)),
            Err(error) => RecordedBody::Hex(hex::encode(error.into_bytes())),
        };
        if let RecordedBody::Text(text) = &body
            && text.len() as u64 != pieces.iter().sum::<u64>()
        {
            // The key was in it: better other pieces than the key.
            pieces = vec![text.len() as u64];
            headers.retain(|(name, _)| name != header::CONTENT_LENGTH.as_str());
        }
        RecordedExchange {
            number: self.number,
            purpose: self.purpose,
            method: self.method.to_string(),
            target: redact(self.target),
            request: logged(&self.request),
            status: self.status.map(|status| status.as_u16()),
            headers: headers.into_iter().map(|(name, value)| (name, redact(value))).collect(),
            body,
            pieces,
            end: match end {
                RecordedEnd::Cut(cause) => RecordedEnd::Cut(redact(cause)),
                RecordedEnd::Unreachable(cause) => RecordedEnd::Unreachable(redact(cause)),
                end => end,
            },
        }
    }
}
