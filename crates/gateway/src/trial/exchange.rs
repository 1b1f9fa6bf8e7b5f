//! An exchange under way: it is recorded when its reply ends, and also when it never does.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use jiff::Timestamp;
use retrial_spec::{Injection, NotLanded, Protocol, Purpose};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;

use super::account::Account;
use super::copy::ReplyCopy;
use super::intake::Admission;
use super::recorder::Message;
use crate::Secret;
use crate::faults::{InjectedCut, Track};
use crate::ledger::{Asked, End};
use crate::protocol::ReadReply;
use crate::upstream::{BoxError, ReplyBody, Traces, Trail};

/// A request as it arrived.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) admission: Admission,
    pub(super) purpose: Purpose,
    pub(super) protocol: Protocol,
    /// Whether it may make a model work; a look at a list, say, does not.
    pub(super) is_call: bool,
    pub(super) asked: Asked,
    pub(super) at: Timestamp,
    pub(super) started: Instant,
    /// The room that the request takes until it is recorded.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// An exchange that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) arrival: Arrival,
    pub(super) status: Option<StatusCode>,
    pub(super) read: ReadReply,
    /// Who ended it.
    pub(super) end: End,
    pub(super) first_byte: Option<Duration>,
    pub(super) total: Duration,
    /// What happened on the way to the upstream. The times hold its waiting.
    pub(super) traces: Traces,
    /// The fault that was put into it on purpose.
    pub(super) injected: Option<Injection>,
    /// Bytes of the reply's body that the agent was sent.
    pub(super) reply_bytes: u64,
}

/// An exchange under way.
#[derive(Debug)]
pub(super) struct OpenExchange {
    arrival: Option<Arrival>,
    started: Instant,
    recorder: UnboundedSender<Message>,
    key: Option<Secret>,
    /// The way to the upstream.
    pub(super) trail: Trail,
    account: Arc<Account>,
    reply_bytes: u64,
    status: Option<StatusCode>,
    copy: ReplyCopy,
    end: End,
    first_byte: Option<Duration>,
    track: Option<Track>,
}

impl OpenExchange {
    /// Opens an exchange; `key` is kept out of what is recorded.
    pub(super) fn new(
        arrival: Arrival,
        recorder: UnboundedSender<Message>,
        key: Option<Secret>,
        trail: Trail,
        account: Arc<Account>,
    ) -> Self {
        let started = arrival.started;
        let copy = ReplyCopy::nothing();
        Self {
            arrival: Some(arrival),
            started,
            recorder,
            key,
            trail,
            account,
            reply_bytes: 0,
            status: None,
            copy,
            end: End::Replied,
            first_byte: None,
            track: None,
        }
    }

    /// Notes the track of the fault that is put into it on purpose.
    pub(super) fn with_fault(mut self, track: Option<Track>) -> Self {
        self.track = track;
        self
    }

    /// Returns its number and what it is for.
    pub(super) fn named(&self) -> (u32, Purpose) {
        self.arrival
            .as_ref()
            .map_or((0, Purpose::Work), |arrival| (arrival.admission.number, arrival.purpose))
    }

    /// Takes the head of the reply.
    pub(super) fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        let protocol = self.arrival.as_ref().map_or(Protocol::Unknown, |arrival| arrival.protocol);
        self.status = Some(status);
        self.copy = ReplyCopy::new(protocol, status, headers);
    }

    fn take(&mut self, piece: &[u8]) {
        if self.first_byte.is_none() && !piece.is_empty() {
            self.first_byte = Some(self.started.elapsed());
        }
        self.reply_bytes += piece.len() as u64;
        self.copy.take(piece);
    }

    /// Records that no reply came from the provider.
    pub(super) fn unreachable(&mut self, fault: String) {
        self.end = End::Unreachable;
        self.end(Some(fault));
    }

    /// Records that the connection is cut on purpose before a reply.
    pub(super) fn cut_on_purpose(&mut self) {
        self.end(Some(InjectedCut.to_string()));
    }

    /// Records the exchange; `cut` says why it ended early, where it did.
    pub(super) fn end(&mut self, cut: Option<String>) {
        let Some(arrival) = self.arrival.take() else { return };
        let copy = std::mem::replace(&mut self.copy, ReplyCopy::nothing());
        let mut read = copy.finish(cut);
        if let (Some(key), Some(fault)) = (&self.key, &mut read.fault) {
            *fault = key.redact(fault);
        }
        let total = self.started.elapsed();
        let (status, first_byte) = (self.status, self.first_byte);
        let traces = self.trail.end(read.reply.usage.value().map(retrial_spec::Usage::total));
        let track = self.track.take();
        if let Some(track) = track.as_ref().filter(|track| track.what().is_error()) {
            match self.end {
                End::Abandoned => track.missed(NotLanded::AgentGone),
                End::Replied | End::Unreachable => track.landed(None, 0),
            }
        }
        let injected = track.as_ref().map(Track::finish_now);
        let (end, reply_bytes) = (self.end, self.reply_bytes);
        let ended = Ended { arrival, status, read, end, first_byte, total, traces, injected, reply_bytes };
        self.record(Box::new(ended), track);
    }

    /// Charges an exchange and hands it over, once it is known what a reply that was cut on purpose has cost. Any other is charged
    /// before the agent has the last byte, so that its next request is weighed against this one's charge.
    fn record(&self, mut ended: Box<Ended>, track: Option<Track>) {
        let (recorder, account) = (self.recorder.clone(), Arc::clone(&self.account));
        // Without a recorder the gateway was dropped without `finish`, and nobody asks for the record.
        if let Some(track) = track.filter(Track::is_reading) {
            tokio::spawn(async move {
                ended.injected = Some(track.finish().await);
                account.close(&ended);
                let _ = recorder.send(Message::Ended(ended));
            });
        } else {
            account.close(&ended);
            let _ = recorder.send(Message::Ended(ended));
        }
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        let cut = (!self.copy.is_done()).then(|| {
            self.end = End::Abandoned;
            let cause = if self.account.revocation.is_revoked() {
                "the trial's token was revoked before the reply's end"
            } else {
                "the agent closed the connection before the reply's end"
            };
            cause.to_owned()
        });
        self.end(cut);
    }
}

/// A reply's body that passes unchanged while its exchange takes a copy.
#[derive(Debug)]
pub(super) struct RecordedBody {
    inner: ReplyBody,
    exchange: OpenExchange,
}

impl RecordedBody {
    pub(super) fn new(inner: ReplyBody, mut exchange: OpenExchange) -> Self {
        if inner.is_end_stream() {
            exchange.end(None);
        }
        Self { inner, exchange }
    }
}

impl Body for RecordedBody {
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
                    self.exchange.take(data);
                }
                // The server does not ask again after the last byte of a body of known length.
                if self.inner.is_end_stream() {
                    self.exchange.end(None);
                }
            }
            Some(Err(error)) => {
                let cut = if error.is::<InjectedCut>() {
                    error.to_string()
                } else {
                    format!("the upstream cut the reply: {}", causes(error.as_ref()))
                };
                self.exchange.end(Some(cut));
            }
            None => self.exchange.end(None),
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

/// An error with its causes in a line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
