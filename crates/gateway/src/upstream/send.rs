//! Sending a request to its upstream.

use bytes::Bytes;
use futures_util::stream;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use super::rewrite::with_model;
use super::{BoxError, Outgoing, Provider, ReplyBody};
use crate::simulate::{SimulatedReply, SimulatedTrial};
use crate::{HttpUpstream, Upstream};

/// Headers that belong to one connection and not to what is said over it.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Headers of a request that the upstream gets from the gateway instead.
const OURS: [HeaderName; 6] =
    [AUTHORIZATION, HeaderName::from_static("x-api-key"), ACCEPT_ENCODING, CONTENT_LENGTH, EXPECT, HOST];

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
            Self::Http(upstream) => upstream.model.clone().map_or(PricedAs::Requested, PricedAs::Name),
        }
    }
}

/// Sends a request and returns the reply's head with its body to come. Waits as long as the upstream does.
///
/// # Errors
/// What failed, in a line, where no reply came.
pub(crate) async fn send(
    upstream: &Upstream,
    provider: &Provider,
    outgoing: Outgoing,
) -> Result<Response<ReplyBody>, String> {
    match upstream {
        Upstream::Simulated(trial) => Ok(simulated(trial, &outgoing).await),
        Upstream::Http(upstream) => http(upstream, provider, outgoing).await,
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

async fn http(
    upstream: &HttpUpstream,
    provider: &Provider,
    outgoing: Outgoing,
) -> Result<Response<ReplyBody>, String> {
    let body = match &upstream.model {
        Some(model) => with_model(&outgoing.body, model),
        None => outgoing.body,
    };
    let mut request = Request::new(Full::<Bytes>::new(body));
    *request.method_mut() = outgoing.method;
    *request.uri_mut() = target(&upstream.base, &outgoing.target)?;
    *request.headers_mut() = request_headers(outgoing.headers, upstream)?;
    let response = provider.request(request).await;
    let response = response
        .map_err(|error| format!("the upstream cannot be reached: {}", crate::trial::causes(&error)))?;
    let (mut head, body) = response.into_parts();
    drop_hop_by_hop(&mut head.headers);
    Ok(Response::from_parts(head, body.map_err(BoxError::from).boxed_unsync()))
}

/// The URL for a path of the agent: the base stands for its leading `/v1`.
fn target(base: &Uri, asked: &Uri) -> Result<Uri, String> {
    let path = asked.path();
    let rest =
        path.strip_prefix("/v1").filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
    let query = asked.query().map(|query| format!("?{query}")).unwrap_or_default();
    let text = format!("{}{rest}{query}", base.to_string().trim_end_matches('/'));
    text.parse().map_err(|_| format!("`{path}` makes no URL"))
}

fn request_headers(mut headers: HeaderMap, upstream: &HttpUpstream) -> Result<HeaderMap, String> {
    drop_hop_by_hop(&mut headers);
    for name in OURS {
        headers.remove(name);
    }
    // So that the copy can be read as it passes.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(key) = &upstream.key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.reveal()))
            .map_err(|_| "the provider's key holds characters that no header can".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// Removes what belongs to the connection, also where `Connection` names it.
fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_stands_for_the_version_of_the_agents_path() {
        let url = |base: &str, asked: &str| {
            target(&base.parse().unwrap(), &asked.parse().unwrap()).unwrap().to_string()
        };
        assert_eq!(
            url("https://a.example/v1", "/v1/chat/completions"),
            "https://a.example/v1/chat/completions"
        );
        assert_eq!(url("https://a.example/api/v3/", "/v1/x?y=1"), "https://a.example/api/v3/x?y=1");
        assert_eq!(url("http://127.0.0.1:80", "/v1/x"), "http://127.0.0.1:80/x");
        assert_eq!(url("https://a.example/v1", "/v10/x"), "https://a.example/v1/v10/x");
    }

    #[test]
    fn headers_of_the_connection_and_the_trials_token_stay_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer token"),
            ("x-api-key", "token"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("x-kept", "2"),
            ("accept-encoding", "gzip"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let upstream = HttpUpstream::new("http://a", None, Some(crate::Secret::new("key"))).unwrap();
        let sent = request_headers(headers, &upstream).unwrap();
        let shown: Vec<_> =
            sent.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let mut expected =
            vec![("accept-encoding", "identity"), ("authorization", "Bearer key"), ("x-kept", "2")];
        expected.sort_unstable();
        let mut shown = shown;
        shown.sort_unstable();
        assert_eq!(shown, expected);
    }
}
