//! The server: one page and a stream that tells when it has changed, to nobody but this machine's browsers.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{Html, IntoResponse, Response, Sse};
use axum::routing::get;
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Shown;

/// How often a silent stream says that it is still there.
const STILL_THERE: Duration = Duration::from_secs(15);

/// A server on 127.0.0.1.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// What a page is told when it has changed.
#[derive(Debug, Serialize)]
struct Changed {
    version: u64,
    finished: u64,
    planned: u64,
    is_over: bool,
}

impl Server {
    /// Takes a port; 0 takes one that is free.
    pub(crate) async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// Returns the address of the page.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until `end`.
    pub(crate) async fn serve(
        self,
        shown: watch::Receiver<Arc<Shown>>,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let hosts = Arc::new(Hosts::of(self.address.port()));
        let router = Router::new()
            .route("/", get(page))
            .route("/changes", get(changes))
            .layer(middleware::from_fn_with_state(hosts, guard))
            .with_state(shown);
        let server = axum::serve(self.listener, router);
        // Streams would never end by themselves, so nobody waits for them.
        tokio::select! {
            served = server => served,
            () = end => Ok(()),
        }
    }
}

/// What browsers of this machine call it.
#[derive(Debug)]
struct Hosts([String; 2]);

impl Hosts {
    fn of(port: u16) -> Self {
        Self([format!("127.0.0.1:{port}"), format!("localhost:{port}")])
    }

    /// Whether a request is from a page of this server, or from no page at all. A page of another site could have its own name lead
    /// here; then it would send that name.
    fn sent(&self, headers: &HeaderMap) -> bool {
        let one = |name| {
            let mut all = headers.get_all(name).iter();
            (all.next().map(HeaderValue::to_str), all.next().is_some())
        };
        let known = |host: &str| self.0.iter().any(|known| known == host);
        let host = matches!(one(HOST), (Some(Ok(host)), false) if known(host));
        let origin = match one(ORIGIN) {
            (None, _) => true,
            (Some(Ok(origin)), false) => origin.strip_prefix("http://").is_some_and(known),
            _ => false,
        };
        host && origin
    }
}

/// Turns away who is not of this machine, and says how the page is to be taken.
async fn guard(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let mut response = if hosts.sent(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this page is for browsers of this machine alone\n").into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

async fn page(State(shown): State<watch::Receiver<Arc<Shown>>>) -> Response {
    let shown = Arc::clone(&shown.borrow());
    let mut response = Html(Body::from(shown.html.clone())).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

async fn changes(
    State(shown): State<watch::Receiver<Arc<Shown>>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut shown = shown;
    // A page that comes back is told at once where things stand.
    shown.mark_changed();
    let changes = stream::unfold(shown, |mut shown| async move {
        shown.changed().await.ok()?;
        let changed = {
            let now = shown.borrow_and_update();
            Changed {
                version: now.version,
                finished: now.finished,
                planned: now.planned,
                is_over: now.is_over,
            }
        };
        let event = Event::default().event("changed").json_data(changed).unwrap_or_default();
        Some((Ok(event), shown))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(STILL_THERE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        Hosts::of(8000).sent(&headers)
    }

    #[test]
    fn only_browsers_of_this_machine_are_served() {
        assert!(sent("127.0.0.1:8000", None) && sent("localhost:8000", Some("http://localhost:8000")));
        for (host, origin) in [
            ("evil.example:8000", None),
            ("127.0.0.1", None),
            ("127.0.0.1:80", None),
            ("127.0.0.1:8000", Some("http://evil.example")),
            ("127.0.0.1:8000", Some("https://127.0.0.1:8000")),
            ("127.0.0.1:8000", Some("null")),
        ] {
            assert!(!sent(host, origin), "{host} {origin:?}");
        }
        assert!(!Hosts::of(8000).sent(&HeaderMap::new()));
    }

    #[test]
    fn a_host_or_origin_that_is_sent_twice_is_turned_away() {
        for name in [HOST, ORIGIN] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "127.0.0.1:8000".parse().unwrap());
            headers.insert(ORIGIN, "http://127.0.0.1:8000".parse().unwrap());
            assert!(Hosts::of(8000).sent(&headers));
            let again = headers[&name].clone();
            headers.append(name, again);
            assert!(!Hosts::of(8000).sent(&headers));
        }
    }
}
