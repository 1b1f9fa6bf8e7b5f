//! The client for providers: HTTP/1.1 with kept connections, TLS by the host's certificate store, and the rate limits of each model.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;

use super::limiter::Limiter;
use super::{HttpUpstream, WaitClock};

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

type TlsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Limiters by base URL and model.
type Limiters = HashMap<(Uri, Option<String>), Arc<Limiter>>;

/// The client for providers. Cheap to clone; clones share their connections and limits.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    plain: Client<HttpConnector, Full<Bytes>>,
    tls: Arc<OnceLock<TlsClient>>,
    limiters: Arc<Mutex<Limiters>>,
    trials: Arc<AtomicU64>,
}

impl Provider {
    pub(crate) fn new() -> Self {
        Self {
            plain: Client::builder(TokioExecutor::new()).build(connector()),
            tls: Arc::default(),
            limiters: Arc::default(),
            trials: Arc::default(),
        }
    }

    /// Returns the clock of a trial that was not seen before.
    pub(crate) fn clock(&self) -> WaitClock {
        WaitClock::new(self.trials.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the rate limits of a model, the same for everybody who asks.
    pub(super) fn limiter(&self, upstream: &HttpUpstream) -> Arc<Limiter> {
        let name = (upstream.base.clone(), upstream.model.clone());
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(limiters.entry(name).or_default())
    }

    /// Makes what a base URL needs. Reading the host's certificates takes time and is done when first needed.
    pub(crate) async fn prepare(&self, base: &Uri) -> io::Result<()> {
        if base.scheme_str() != Some("https") || self.tls.get().is_some() {
            return Ok(());
        }
        let client = tokio::task::spawn_blocking(tls).await.map_err(io::Error::other)??;
        // Another trial may have been faster, and its client is as good.
        self.tls.get_or_init(|| client);
        Ok(())
    }

    /// Sends a request.
    pub(crate) async fn request(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        match self.tls.get().filter(|_| request.uri().scheme_str() == Some("https")) {
            Some(client) => client.request(request).await,
            None => self.plain.request(request).await,
        }
    }
}

fn tls() -> io::Result<TlsClient> {
    let mut connector = connector();
    connector.enforce_http(false);
    // Named, so that it does not depend on what else is linked.
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(ring)?
        .https_only()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    connector
}
