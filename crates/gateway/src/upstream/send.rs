//! Sending a request to its upstream.

use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use super::patience::patiently;
use super::{BoxError, Outgoing, Provider, ReplyBody, Trail};
use crate::Upstream;
use crate::simulate::{SimulatedReply, SimulatedTrial};

/// Under which name the price table holds the model of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PricedAs {
    /// Always this one.
    Name(String),
    /// The one that the request names.
    Requested,
}

impl PricedAs {
    /// Returns the name for a request that names a model, or none.
    pub(crate) fn of<'a>(&'a self, named: Option<&'a str>) -> &'a str {
        match self {
            Self::Name(name) => name,
            Self::Requested => named.unwrap_or(""),
        }
    }
}

impl Upstream {
    pub(crate) fn priced_as(&self) -> PricedAs {
        match self {
            Self::Simulated(trial) => PricedAs::Name(trial.priced_as()),
            Self::Replayed(trial) => PricedAs::Name(trial.priced_as()),
            Self::Http(upstream) => upstream.model.clone().map_or(PricedAs::Requested, PricedAs::Name),
        }
    }
}

/// Sends a request and returns the reply's head with its body to come. Waits as long as the upstream does, and as its rate limit
/// wants; what came of it on the way is noted in `trail`.
///
/// # Errors
/// What failed, in a line, where no reply came.
pub(crate) async fn send(
    upstream: &Upstream,
    provider: &Provider,
    outgoing: Outgoing,
    trail: &mut Trail,
) -> Result<Response<ReplyBody>, String> {
    match upstream {
        Upstream::Simulated(trial) => {
            trail.sends();
            Ok(simulated(trial, &outgoing).await)
        }
        Upstream::Replayed(trial) => {
            trail.sends();
            trial.answer(trail.purpose, &outgoing).await
        }
        Upstream::Http(upstream) => patiently(upstream, provider, outgoing, trail).await,
    }
}

async fn simulated(trial: &SimulatedTrial, outgoing: &Outgoing) -> Response<ReplyBody> {
    let created = jiff::Timestamp::now().as_second();
    let reply = trial.answer(&outgoing.method, outgoing.target.path(), &outgoing.body, created);
    let SimulatedReply { status, content_type, request_id: (id_name, id), delay, mut pieces } = reply;
    tokio::time::sleep(delay).await;
    let body = if pieces.len() == 1 {
        Full::new(pieces.remove(0)).map_err(|never| match never {}).boxed_unsync()
    } else {
        let frames = pieces.into_iter().map(|piece| Ok::<_, BoxError>(Frame::data(piece)));
        StreamBody::new(stream::iter(frames)).boxed_unsync()
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static(id_name), id);
    }
    response
}
