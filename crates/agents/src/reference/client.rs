//! The reference agent's model calls: HTTP over a Unix socket, with a few tries for failures that may pass.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::stream::{ModelReply, ReplyError, StreamReader, error_text, whole};

/// The wait after the first try; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait, also where `Retry-After` asks for a longer one.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Bytes of an error's body or of a reply that comes whole.
const BODY_BYTES: usize = 16 << 20;

/// Why a model call failed for good.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// No connection, or one that broke.
    #[error("the connection to the model failed: {0}")]
    Connection(String),
    /// An answer that is not 200.
    #[error("the model answered {status}: {message}")]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// What the body says.
        message: String,
        /// The wait it asks for.
        retry_after: Option<Duration>,
        /// Whether it says itself that another try may go well, by `x-should-retry`.
        should_retry: Option<bool>,
    },
    /// A reply that cannot be used.
    #[error(transparent)]
    Reply(#[from] ReplyError),
}

impl CallError {
    /// Whether another try may go well.
    fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Status { should_retry: Some(should_retry), .. } => *should_retry,
            Self::Status { status, .. } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Reply(error) => !matches!(error, ReplyError::TooLong),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn broken(error: impl std::error::Error) -> CallError {
    CallError::Connection(error.to_string())
}

/// Where the model answers.
pub(super) struct Client<'a> {
    socket: &'a Path,
    token: &'a str,
    tries: u32,
}

impl<'a> Client<'a> {
    pub(super) fn new(socket: &'a Path, token: &'a str, tries: u32) -> Self {
        Self { socket, token, tries }
    }

    /// Sends a request until it is answered, or until the tries are used up.
    pub(super) async fn complete(&self, body: &str) -> Result<ModelReply, CallError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..self.tries {
            match self.once(body).await {
                Err(error) if error.may_pass() => {
                    tokio::time::sleep(error.retry_after().unwrap_or(wait).min(LONGEST_WAIT)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                ended => return ended,
            }
        }
        self.once(body).await
    }

    async fn once(&self, body: &str) -> Result<ModelReply, CallError> {
        let stream = UnixStream::connect(self.socket).await.map_err(broken)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let _driver = Driver(tokio::spawn(async move {
            // An error of the connection reaches the caller through the response.
            let _ = connection.await;
        }));
        let request = Request::post("/v1/chat/completions")
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(broken)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        if is_stream(&response) { streamed(response).await } else { Ok(whole(&collected(response).await?)?) }
    }
}

/// Drives a connection as long as it is wanted.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn is_stream(response: &Response<Incoming>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

async fn streamed(response: Response<Incoming>) -> Result<ModelReply, CallError> {
    let mut body = response.into_body();
    let mut reader = StreamReader::default();
    // The body is read to its end, so that the other side never sees a client that hangs up.
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => reader.push(frame.data_ref().unwrap_or(&Bytes::new()))?,
            Err(_) if reader.is_done() => break,
            Err(error) => return Err(broken(error)),
        }
    }
    Ok(reader.finish()?)
}

async fn collected(response: Response<Incoming>) -> Result<Bytes, CallError> {
    let body = Limited::new(response.into_body(), BODY_BYTES).collect().await;
    Ok(body.map_err(|error| CallError::Connection(error.to_string()))?.to_bytes())
}

async fn refusal(response: Response<Incoming>) -> CallError {
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = header(header::RETRY_AFTER).and_then(|text| text.parse().ok());
    let retry_after = seconds.map(Duration::from_secs);
    let should_retry = match header(header::HeaderName::from_static("x-should-retry")) {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    let body = collected(response).await.unwrap_or_default();
    let message = match serde_json::from_slice::<Value>(&body) {
        Ok(value) => error_text(value.get("error").unwrap_or(&value)),
        Err(_) => String::from_utf8_lossy(&body).chars().take(300).collect(),
    };
    CallError::Status { status, message, retry_after, should_retry }
}
