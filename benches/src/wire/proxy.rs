//! A plain reverse proxy on a Unix socket, made of the same parts as the gateway: it passes requests and replies on and does nothing else.

use std::net::SocketAddr;
use std::path::Path;

use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::Failure;

/// Starts a proxy; aborting its task ends it.
pub(super) fn start(socket: &Path, provider: SocketAddr) -> Result<JoinHandle<()>, Failure> {
    let listener = UnixListener::bind(socket)?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    let authority: Authority = provider.to_string().parse()?;
    Ok(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (client, authority) = (client.clone(), authority.clone());
            let service = service_fn(move |request| pass(client.clone(), authority.clone(), request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }))
}

async fn pass(
    client: Client<HttpConnector, Incoming>,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Failure> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(client.request(request).await?)
}
