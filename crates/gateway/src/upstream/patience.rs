//! Sending to a provider that limits its rate: the gateway waits and asks again, and the agent sees but a slower reply.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::time::Instant;

use super::headers::{drop_hop_by_hop, request_headers};
use super::limiter::{Overdue, Wish};
use super::refusal::Refusal;
use super::rewrite::with_model;
use super::trail::{Trail, attempt};
use super::{BoxError, HttpUpstream, Outgoing, Provider, ReplyBody};
use crate::protocol::shape_of_path;
use crate::trial::{causes, rate_limited};

/// Sends a request until it is answered, until it has been sent so often or until waiting would take too long; then the provider's
/// refusal is the reply.
///
/// # Errors
/// What failed, in a line, where no reply came.
pub(super) async fn patiently(
    upstream: &HttpUpstream,
    provider: &Provider,
    outgoing: Outgoing,
    trail: &mut Trail,
) -> Result<Response<ReplyBody>, String> {
    let limiter = provider.limiter(upstream);
    let limits = &upstream.limits;
    let until = Instant::now() + limits.max_wait;
    let shape = shape_of_path(outgoing.target.path());
    let request = prepared(upstream, outgoing)?;
    let mut ticket = None;
    let mut refusals = 0;
    loop {
        let wish = Wish { trial: trail.trial(), ticket, limits, until };
        let mut turn = match limiter.turn(wish, || trail.waits()).await {
            Ok(turn) => turn,
            Err(Overdue::Closed(refusal, left)) => return Ok(refusal.repeated(left)),
            Err(Overdue::Crowded) => return Ok(rate_limited(shape)),
        };
        trail.sends();
        let response = provider.request(request.clone()).await;
        let response =
            response.map_err(|error| format!("the upstream cannot be reached: {}", causes(&error)))?;
        let (mut head, body) = response.into_parts();
        drop_hop_by_hop(&mut head.headers);
        let body = body.map_err(BoxError::from).boxed_unsync();
        let refusal = match Refusal::of(Response::from_parts(head, body)).await {
            Ok(refusal) => refusal,
            Err(response) => {
                turn.answered();
                trail.turn = Some(turn);
                return Ok(response);
            }
        };
        refusals += 1;
        let wait = refusal.wait(refusals);
        ticket = Some(turn.refused(wait, &refusal));
        if refusals >= limits.max_attempts || Instant::now() + wait > until {
            return Ok(refusal.into_response());
        }
        let message = refusal.message();
        let message = upstream.key.as_ref().map_or(message.clone(), |key| key.redact(&message));
        trail.refused(attempt(refusal.status(), refusal.retry_after, message));
    }
}

/// The request as the provider gets it.
fn prepared(upstream: &HttpUpstream, outgoing: Outgoing) -> Result<Request<Full<Bytes>>, String> {
    let body = match &upstream.model {
        Some(model) => with_model(&outgoing.body, model),
        None => outgoing.body,
    };
    let mut request = Request::new(Full::<Bytes>::new(body));
    *request.method_mut() = outgoing.method;
    *request.headers_mut() = request_headers(outgoing.headers, outgoing.target.path(), upstream)?;
    *request.uri_mut() = upstream.target(&outgoing.target)?;
    Ok(request)
}
