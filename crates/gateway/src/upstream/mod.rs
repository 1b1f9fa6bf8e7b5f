//! Who answers: connections to providers, and simulated models behind the same face.

mod endpoint;
mod headers;
mod limiter;
mod patience;
mod provider;
mod refusal;
mod rewrite;
mod send;
mod trail;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::combinators::UnsyncBoxBody;

pub use endpoint::{HttpUpstream, InvalidBaseUrl, RateLimits};
pub(crate) use provider::Provider;
#[cfg(feature = "fuzzing")]
pub(crate) use rewrite::with_model;
pub(crate) use send::{PricedAs, send};
pub(crate) use trail::{Traces, Trail, WaitClock};

/// Any error of a body.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a reply.
pub(crate) type ReplyBody = UnsyncBoxBody<Bytes, BoxError>;

/// A request for an upstream.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// The method.
    pub(crate) method: Method,
    /// Path and query as the agent sent them.
    pub(crate) target: Uri,
    /// The agent's headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
}
