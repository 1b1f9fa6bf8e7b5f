//! The provider: streams as many events as a request asks for, each with the time at which it was made.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The header that says how many events the reply has.
pub(super) const EVENTS: &str = "x-events";

/// The header that says how many microseconds pass before each event.
pub(super) const GAP: &str = "x-gap-us";

/// Serves until the process ends; times count from `epoch`.
pub(super) async fn serve(listener: TcpListener, epoch: Instant) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| reply(request, epoch));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn reply(
    request: Request<Incoming>,
    epoch: Instant,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let events = number(request.headers(), EVENTS);
    let gap = Duration::from_micros(number(request.headers(), GAP));
    // Replies come after the whole request, as providers' do.
    let mut body = request.into_body();
    while let Some(Ok(_)) = http_body_util::BodyExt::frame(&mut body).await {}
    let made = stream::iter(0..events).then(move |_| async move {
        // Every event leaves by itself, as it does where a model makes one after the other.
        if gap.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(gap).await;
        }
        event(&format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{} "}},"finish_reason":null}}]}}"#,
            epoch.elapsed().as_nanos()
        ))
    });
    let last = [
        event(
            r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        ),
        event(
            r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":20,"total_tokens":29}}"#,
        ),
        event("[DONE]"),
    ];
    let mut response = Response::new(StreamBody::new(made.chain(stream::iter(last)).map(Ok)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

fn event(data: &str) -> Frame<Bytes> {
    Frame::data(format!("data: {data}\n\n").into())
}

fn number(headers: &HeaderMap, name: &str) -> u64 {
    headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}
