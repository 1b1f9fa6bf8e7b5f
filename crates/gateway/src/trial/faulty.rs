//! A request that is failed on purpose: before its reply, here; within it, by a body in which something goes wrong.

use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use retrial_spec::{NotLanded, Protocol, WireFault};

use super::copy::ReplyCopy;
use super::exchange::{Arrival, OpenExchange, RecordedBody};
use super::replies;
use super::serve::Trial;
use crate::faults::{FaultyBody, InjectedCut, PlannedFault, Track};
use crate::upstream::{Outgoing, ReplyBody};

impl Trial {
    /// Answers a request in the way of a fault.
    ///
    /// The upstream is asked only where its reply, or part of it, reaches the agent: after a stall, or within the reply.
    ///
    /// # Errors
    /// [`InjectedCut`] where the connection is to be cut before a reply; as a value, what failed where no reply came.
    pub(super) async fn faulty(
        &self,
        outgoing: Outgoing,
        arrival: Arrival,
        fault: PlannedFault,
    ) -> Result<Result<Response<RecordedBody>, String>, InjectedCut> {
        let track = Track::new(fault.what);
        let protocol = arrival.protocol;
        let mut exchange = self.open_exchange(arrival, Some(track.clone()));
        match fault.what {
            WireFault::RateLimit => {
                Ok(Ok(recorded(replies::rate_limited_on_purpose(protocol, fault.retry_after_sec), exchange)))
            }
            WireFault::ServerError => Ok(Ok(recorded(replies::server_error(protocol), exchange))),
            WireFault::CutBeforeReply => {
                track.landed(None, 0);
                exchange.cut_on_purpose();
                Err(InjectedCut)
            }
            WireFault::StallBeforeReply => {
                track.landed(None, 0);
                tokio::time::sleep(fault.stall).await;
                Ok(self.forward(outgoing, exchange).await)
            }
            _ => Ok(self.within(outgoing, exchange, (protocol, fault, track)).await),
        }
    }

    /// Puts a fault into the upstream's reply. An error of the upstream passes as it is.
    async fn within(
        &self,
        outgoing: Outgoing,
        mut exchange: OpenExchange,
        (protocol, fault, track): (Protocol, PlannedFault, Track),
    ) -> Result<Response<RecordedBody>, String> {
        let response = match self.send(outgoing, &mut exchange).await {
            Ok(response) => response,
            Err(error) => {
                track.missed(NotLanded::NoReply);
                exchange.unreachable(error.clone());
                return Err(error);
            }
        };
        if !response.status().is_success() {
            track.missed(NotLanded::NoReply);
            return Ok(recorded(response, exchange));
        }
        let (mut head, body) = response.into_parts();
        let said = ReplyCopy::new(protocol, head.status, &head.headers);
        let is_stream = is_stream(&head.headers);
        // The body may become shorter than what the upstream announced.
        head.headers.remove(CONTENT_LENGTH);
        exchange.head(head.status, &head.headers);
        let body = FaultyBody::new(body, fault, (protocol, is_stream), said, track);
        Ok(Response::from_parts(
            head,
            RecordedBody::new(http_body_util::BodyExt::boxed_unsync(body), exchange),
        ))
    }
}

/// Gives an exchange its reply.
fn recorded(response: Response<ReplyBody>, mut exchange: OpenExchange) -> Response<RecordedBody> {
    exchange.head(response.status(), response.headers());
    response.map(|body| RecordedBody::new(body, exchange))
}

/// Whether a reply is a stream of events that can be read.
fn is_stream(headers: &http::HeaderMap) -> bool {
    let header =
        |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).unwrap_or("");
    let encoding = header(CONTENT_ENCODING);
    let is_plain = encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
    is_plain && header(CONTENT_TYPE).to_ascii_lowercase().starts_with("text/event-stream")
}
