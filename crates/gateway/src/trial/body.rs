//! The body of a request: read whole, within limits, and decompressed for those who read it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::replies::Refusal;
use crate::encoding::{Coding, decompress};

/// The longest body of a request, as it is sent and as it is decompressed.
pub(super) const BODY_LIMIT: usize = 64 << 20;

/// How long a request's body may take to arrive.
const BODY_TIME: Duration = Duration::from_mins(2);

/// What says that a request is too large.
pub(super) const TOO_LARGE: Refusal =
    (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.", Some("request_too_large"));

/// A body as it was sent and as it reads.
#[derive(Debug)]
pub(super) struct RequestBody {
    /// The bytes as they were sent.
    pub(super) sent: Bytes,
    /// The same, not compressed.
    pub(super) plain: Bytes,
}

/// Reads a body.
///
/// # Errors
/// What to answer, where it cannot be had or read.
pub(super) async fn read(body: Incoming, headers: &HeaderMap) -> Result<RequestBody, Refusal> {
    let unsupported = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The content encoding is not supported.", None);
    let coding = Coding::of(headers).map_err(|_| unsupported)?;
    let sent = receive(body).await?;
    let plain = match coding {
        None => sent.clone(),
        Some(coding) => {
            let body = sent.clone();
            // It may take long, which connections must not wait for.
            let work = tokio::task::spawn_blocking(move || decompress(coding, &body, BODY_LIMIT));
            let malformed = (StatusCode::BAD_REQUEST, "The request's body could not be decompressed.", None);
            work.await.ok().and_then(Result::ok).ok_or(malformed)?.into()
        }
    };
    Ok(RequestBody { sent, plain })
}

async fn receive(body: Incoming) -> Result<Bytes, Refusal> {
    let read = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_LIMIT).collect());
    Err(match read.await {
        Ok(Ok(body)) => return Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => TOO_LARGE,
        Ok(Err(_)) => (StatusCode::BAD_REQUEST, "The request's body could not be read.", None),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "The request's body did not arrive in time.", None),
    })
}
